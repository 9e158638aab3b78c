"""J3O, the paper's alternating algorithm (Algorithm 1)."""

import functools
import math
from collections.abc import Callable, Iterable
from typing import Any, Literal, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from j3o_kernels.client_groups import ClientGroups, group_clients, lone_clients

from .._batched import is_brief, run_batched
from .._compiled_functions import program
from .._model import Placement
from .._scenario import Scenario
from .._time_limit import limiting_time
from .._types import AnyArray
from ..routing import AbstractOffloadingSolver, HierarchicalLP
from ._base import Outcome
from .alternation.drivers import AlternationResult, bytes_of_instance, result_of, run_on_device
from .alternation.loop import Alternation, LoopSettings
from .alternation.method import AlternatingMethod
from .alternation.multiplier import DualSearch, Subgradient
from .alternation.starts import STARTS, USUAL_STARTS, best_of_all_starts, from_all_starts
from .few_shapes import own_part, sized
from .lagrangian_policy import LagrangianPolicy


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


class J3O(AlternatingMethod):
    """Joint optimisation of onloading and offloading: greedy placement and LP routing in turn (Algorithm 1).

    A placement is kept only if the routing that suits it best raises F, so `Solution.history` never falls. With
    `Scenario.batching` it is the paper's BAJ3O: the edges' compute limit is (28), and every plan keeps it with its true
    indicator. The offloading step charges the set-up time of what the placement opens; afterwards pairs of edge and
    task are opened and closed as long as the prices promise that it pays. `surrogate` is the paper's way.

    With `HierarchicalLP` a whole batch runs on the device, in one program; with another solver the rounds are on the
    host, with one program for each instance's routing.

    **Arguments:**

    - `lp`: solver of the offloading step.
    - `multiplier`: how the multipliers of the onloading step are found: `DualSearch`, or the paper's `Subgradient`.
    - `max_iterations`: most rounds of onloading and offloading.
    - `tolerance`: δ; the least rise of F that is worth another round.
    - `greedy`: ``"paper"`` is Algorithm 2 to the letter; ``"plus_max"`` also tries, at nodes whose model sizes
      differ, the most valuable single models completed greedily, and keeps the best.
    - `surrogate`: ``"log"`` puts (29), the linearised logarithm, in place of the indicator during the rounds; None has
      the indicator itself.
    - `surrogate_width`: ε of the logarithm, as a part of what can arrive.
    - `activations`: with batching, most trials of other pairs of edge and task that are worth their set-up time, after
      the rounds; only changes that may bring something by the prices are tried. 0 leaves the rounds' pairs.
    - `chunk`: instances that a device works on at a time; None chooses. Answers do not depend on it.
    - `starts`: one name or several of shares that the rounds begin from, one after another or, on a device, together;
      the best plan is kept. ``"paper"`` is line 1 of Algorithm 1, ``"local"`` offloads nothing, ``"all"`` everything,
      and ``"both"`` makes clients ready for all and edges for half of it. Two starts take twice as long as one.
    - `time_limit`: seconds for each scenario, compiling apart, after which no round is begun, where the rounds are on
      the host. On the device they are one program of some milliseconds for each scenario, which runs to its end.
    """

    lp: AbstractOffloadingSolver = HierarchicalLP()
    multiplier: DualSearch | Subgradient = DualSearch()
    max_iterations: int = eqx.field(static=True, default=10)
    tolerance: float = eqx.field(static=True, default=1e-6)
    greedy: Literal["plus_max", "paper"] = eqx.field(static=True, default="plus_max")
    surrogate: Literal["log"] | None = eqx.field(static=True, default=None)
    surrogate_width: float = eqx.field(static=True, default=0.1)
    activations: int = eqx.field(static=True, default=50)
    chunk: int | None = eqx.field(static=True, default=None)
    starts: tuple[str, ...] = eqx.field(static=True, default=USUAL_STARTS, converter=_names)
    time_limit: float | int = eqx.field(static=True, default=math.inf)

    def __check_init__(self):
        if self.surrogate not in (None, "log"):
            raise ValueError(f"surrogate: must be None or 'log', got {self.surrogate!r}")
        if self.surrogate is not None and not self.lp.runs_on_device:
            raise ValueError("surrogate: needs lp=HierarchicalLP()")
        if not 0.0 < self.surrogate_width < np.inf:
            raise ValueError(f"surrogate_width: must be a number above 0, got {self.surrogate_width!r}")
        if self.activations < 0:
            raise ValueError(f"activations: must be at least 0, got {self.activations}")
        if self.greedy not in ("plus_max", "paper"):
            raise ValueError(f"greedy: must be 'plus_max' or 'paper', got {self.greedy!r}")
        if self.chunk is not None and self.chunk < 1:
            raise ValueError(f"chunk: must be at least 1, got {self.chunk}")
        if not self.starts or not set(self.starts) <= STARTS.keys():
            raise ValueError(f"starts: must be some of {', '.join(map(repr, STARTS))}, got {self.starts!r}")
        if self.grid_shape and not self.lp.runs_on_device:
            raise ValueError("multiplier.step_size: an array of step sizes needs lp=HierarchicalLP()")

    @property
    def grid_shape(self) -> tuple[int, ...]:
        """See `AbstractMethod`: the axes of the step sizes."""
        return self.multiplier.grid_shape

    @property
    def _settings(self) -> LoopSettings:
        width = None if self.surrogate is None else self.surrogate_width
        return LoopSettings(self.max_iterations, self.activations, width)

    def run(self, scenarios: Scenario, key: Any) -> Outcome:
        """See `AbstractMethod`."""
        if not self.lp.runs_on_device:
            with limiting_time(self.time_limit * scenarios.batch_shape[0]):
                outcome = self.run_on_host(*from_all_starts(self.starts, scenarios), key, self._settings)
            return best_of_all_starts(outcome, len(self.starts))
        groups = group_clients(np.asarray(scenarios.client_edge), scenarios.edges)
        count = scenarios.demand.shape[0] * len(self.starts)
        sizes_differ = _sizes_differ(scenarios)
        own = sized(scenarios, groups, brief=is_brief(count, bytes_of_instance(scenarios, groups)))
        bytes_per_instance = bytes_of_instance(own.scenarios, own.groups)

        def run(program: Any, batch: Any, shared: Any, key: Any) -> AlternationResult:
            return run_batched(
                program,
                batch,
                jax.tree.map(np.asarray, shared),
                key=key,
                bytes_per_instance=bytes_per_instance,
                chunk=self.chunk,
                together=len(self.starts),
            )

        return own_part(self._run_on_device(own.scenarios, own.groups, run, sizes_differ=sizes_differ), own)

    def run_traced(self, scenarios: Scenario) -> Outcome:
        """See `AbstractMethod`."""
        if not self.lp.runs_on_device:
            return super().run_traced(scenarios)
        # Which clients an edge has is not known while it is traced.
        groups = lone_clients(scenarios.client_edge)

        def run(program: Any, batch: Any, shared: Any, _: Any) -> AlternationResult:
            return program(batch, jax.tree.map(jnp.asarray, shared))

        return self._run_on_device(scenarios, groups, run, sizes_differ=True)

    def device_program(self, scenarios: Scenario, groups: ClientGroups, *, sizes_differ: bool) -> tuple[Any, ...]:
        """Device program for a batch of one axis, its arguments, and what it depends on besides them."""
        lp = cast(HierarchicalLP, self.lp)
        key = self.greedy == "plus_max" and sizes_differ, lp.max_iterations, self._settings
        (scenarios, groups, multiplier), start = from_all_starts(
            self.starts, (scenarios, groups, self.multiplier.for_batch(scenarios.demand.shape[0]))
        )
        return _program(*key), (scenarios, groups, multiplier, start), (lp.tolerance, self.tolerance), key

    def _run_on_device(
        self, scenarios: Scenario, groups: ClientGroups, run: Callable[..., AlternationResult], *, sizes_differ: bool
    ) -> Outcome:
        result = run(*self.device_program(scenarios, groups, sizes_differ=sizes_differ))
        outcome = result.outcome(allow_unserved=scenarios.allow_unserved, on_device=True)
        return best_of_all_starts(outcome, len(self.starts))

    def place(
        self, scenarios: Scenario, at_client: Any, at_edge: Any, active: np.ndarray, key: Any
    ) -> tuple[Placement, np.ndarray | None]:
        """See `AlternatingMethod`."""
        return _place(scenarios, at_client, at_edge, active, self.multiplier, self.greedy == "plus_max"), None


class BAJ3O(J3O):
    """J3O for scenarios with batching, the paper's BAJ3O: the same method, which refuses others."""

    def run(self, scenarios: Scenario, key: Any) -> Outcome:
        """See `AbstractMethod`."""
        _require_batching(scenarios)
        return super().run(scenarios, key)

    def run_traced(self, scenarios: Scenario) -> Outcome:
        """See `AbstractMethod`."""
        _require_batching(scenarios)
        return super().run_traced(scenarios)


def _require_batching(scenarios: Scenario) -> None:
    if scenarios.batching is None:
        raise ValueError("BAJ3O: the scenario has no batching: give it one, Batching(window, setup), or use J3O")


def _sizes_differ(scenarios: Scenario) -> bool:
    """Whether models have different sizes at any node; where not, there is nothing to gain from other starts."""
    tiers = (scenarios.client_model_memory, scenarios.edge_model_memory)
    return any(bool(np.any(size != size[..., :1])) for size in tiers)


@functools.cache
def _program(plus_max: bool, lp_iterations: int, settings: LoopSettings) -> Any:
    def program(batch: tuple[Scenario, ClientGroups, Any, Any], tolerances: tuple[Any, Any]) -> AlternationResult:
        scenarios, groups, multiplier, start = batch
        lp_tolerance, tolerance = tolerances
        policy = LagrangianPolicy(scenarios, groups, multiplier, start, tolerance, plus_max=plus_max)
        alternation = Alternation(scenarios, policy, settings, lp_tolerance)
        return result_of(scenarios, run_on_device(alternation, groups, lp_iterations, alternation.init()))

    return program


@program
def _place(
    scenarios: Scenario,
    at_client: AnyArray,
    at_edge: AnyArray,
    active: AnyArray,
    multiplier: DualSearch | Subgradient,
    plus_max: bool,
) -> Placement:
    batch = scenarios.demand.shape[0]
    # Starts and the tolerance are those of rounds on the device.
    unused = jnp.zeros((batch, 4)), jnp.zeros(())
    groups = lone_clients(scenarios.client_edge)
    policy = LagrangianPolicy(scenarios, groups, multiplier.for_batch(batch), *unused, plus_max=plus_max)
    return policy.place_for((at_client, at_edge), active)
