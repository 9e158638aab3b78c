"""J3O, the paper's alternating algorithm (Algorithm 1)."""

from typing import Any, Literal

import equinox as eqx
import jax
import numpy as np
import optax
from jax.core import Tracer

from j3o_kernels.multipliers import inverse_square_root, projected_subgradient

from .._scenario import Scenario
from .._types import AnyArray, Float
from ..routing import AbstractOffloadingSolver, CvxpyLP
from ._alternation import AlternatingMethod
from ._onloading import Placement, greedy_placement


def _as_step_size(value: Any) -> Any:
    return value if isinstance(value, Tracer) else np.asarray(value, dtype=np.float64)


class Subgradient(eqx.Module):
    """How the multipliers of the compute limits move, (19).

    **Arguments:**

    - `step_size`: η, relative to the price at which a node's best models would earn nothing. May be an array that
      JAX traces, so that a grid of step sizes compiles once.
    - `steps`: most updates in one onloading step.
    - `optimizer`: any optax transformation in place of the paper's η/√k subgradient; `step_size` is then unused.
      It must keep the multipliers non-negative (chain `optax.keep_params_nonnegative`).
    """

    step_size: Float[AnyArray, ""] = eqx.field(converter=_as_step_size, default=1.0)
    steps: int = eqx.field(static=True, default=50)
    optimizer: optax.GradientTransformation | None = eqx.field(static=True, default=None)

    def transformation(self) -> optax.GradientTransformation:
        """The update as an optax gradient transformation, on the dual that is minimised."""
        if self.optimizer is not None:
            return self.optimizer
        return projected_subgradient(inverse_square_root(self.step_size))


class J3O(AlternatingMethod):
    """Joint optimisation of onloading and offloading: greedy placement and LP routing in turn (Algorithm 1).

    A placement is kept only if the routing that suits it best raises F, so `Solution.history` never falls. With
    `Scenario.batching` the edges' compute limit is (28), with its true indicator.

    **Arguments:**

    - `lp`: solver of the offloading step.
    - `multiplier`: update of the multipliers in the onloading step.
    - `max_iterations`: most rounds of onloading and offloading.
    - `tolerance`: δ; the least rise of F that is worth another round.
    - `greedy`: ``"paper"`` is Algorithm 2 to the letter; ``"plus_max"`` also tries, at nodes whose model sizes
      differ, every single model completed greedily, and keeps the best.
    """

    lp: AbstractOffloadingSolver = CvxpyLP()
    multiplier: Subgradient = Subgradient()
    max_iterations: int = eqx.field(static=True, default=10)
    tolerance: float = eqx.field(static=True, default=1e-6)
    greedy: Literal["plus_max", "paper"] = eqx.field(static=True, default="plus_max")

    def __check_init__(self):
        if self.greedy not in ("plus_max", "paper"):
            raise ValueError(f"greedy: must be 'plus_max' or 'paper', got {self.greedy!r}")

    def place(
        self, scenarios: Scenario, at_client: Any, at_edge: Any, active: np.ndarray, key: Any, *, bonus: float
    ) -> tuple[Placement, np.ndarray]:
        """See `AlternatingMethod`."""
        found = _place(scenarios, at_client, at_edge, self.multiplier, self.greedy == "plus_max", bonus)
        return jax.tree.map(np.asarray, found), np.zeros(active.shape, dtype=bool)


@eqx.filter_jit
def _place(
    scenarios: Scenario,
    at_client: AnyArray,
    at_edge: AnyArray,
    multiplier: Subgradient,
    plus_max: bool,
    bonus: float,
) -> Placement:
    def one(scenario: Scenario, at_client: AnyArray, at_edge: AnyArray) -> Placement:
        return greedy_placement(
            scenario,
            at_client,
            at_edge,
            multiplier.transformation(),
            steps=multiplier.steps,
            plus_max=plus_max,
            bonus=bonus,
        )

    return jax.vmap(one)(scenarios, at_client, at_edge)
