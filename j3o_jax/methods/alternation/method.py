"""Methods that alternate onloading and offloading (Algorithm 1) around any solver of the offloading step."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np

from ..._model import Placement, Plan
from ..._scenario import Scenario
from ..._time_limit import limiting_time
from ..._types import Bool, Float
from ...routing import AbstractOffloadingSolver
from .._base import AbstractMethod, Outcome, require_time
from .drivers import run_on_host
from .loop import Alternation, LoopSettings
from .policy import RoundResult, SharesPolicy
from .starts import from_all_starts


class AlternatingMethod(AbstractMethod):
    """Onloading for fixed shares and offloading for fixed models, in turn (Algorithm 1).

    A placement is kept only if the routing that suits it best raises F, so `Solution.history` never falls. Subclasses
    say how models are placed.
    """

    lp: eqx.AbstractVar[AbstractOffloadingSolver]
    max_iterations: eqx.AbstractVar[int]
    tolerance: eqx.AbstractVar[float]
    time_limit: eqx.AbstractVar[float]

    persists: ClassVar[bool] = False
    """Whether it goes on after a placement that brought nothing, because the next one will be another."""

    def __check_init__(self):
        if self.max_iterations < 1:
            raise ValueError(f"max_iterations: must be at least 1, got {self.max_iterations}")
        if not self.tolerance >= 0.0:
            raise ValueError(f"tolerance: must be >= 0, got {self.tolerance}")
        require_time(self.time_limit)

    @abc.abstractmethod
    def place(
        self,
        scenarios: Scenario,
        at_client: Float[np.ndarray, "B C T"],
        at_edge: Float[np.ndarray, "B C T"],
        active: Bool[np.ndarray, " B"],
        key: Any,
    ) -> tuple[Placement, Bool[np.ndarray, " B"] | None]:
        """Place models for the shares of every instance, line 4; see `PlacementPolicy.place`.

        **Arguments:**

        - `at_client`, `at_edge`: shares 1 − o^c that clients and o^c − o^{c,e} that edges have to serve.
        - `key`: a JAX key of this iteration.
        """

    def run(self, scenarios: Scenario, key: Any) -> Outcome:
        """See `AbstractMethod`."""
        with limiting_time(self.time_limit * scenarios.batch_shape[0]):
            return self.run_on_host(*from_all_starts(["paper"], scenarios), key, LoopSettings(self.max_iterations))

    def run_on_host(
        self, scenarios: Scenario, start: Float[np.ndarray, "B 4"], key: Any, settings: LoopSettings
    ) -> Outcome:
        """`run` within the caller's time, from a start for each instance."""
        alternation = Alternation(scenarios, _HostPolicy(self, scenarios, start, key), settings)
        result = run_on_host(alternation, self.lp)
        return result.outcome(allow_unserved=scenarios.allow_unserved, on_device=False)


class _HostPolicy(SharesPolicy):
    """The policy of a method that places models on the host."""

    def __init__(self, method: AlternatingMethod, scenarios: Scenario, start: Float[np.ndarray, "B 4"], key: Any):
        super().__init__(scenarios, start, method.tolerance)
        self.method = method
        self.key = key

    def place(self, policy_state: Any, turn: Any, plan: Plan, active: Any) -> tuple[Placement, Any]:
        """See `PlacementPolicy`."""
        if not active.any():
            return plan.placement, None
        at_client, at_edge = policy_state
        own_key = jax.random.fold_in(self.key, int(turn))
        placement, unplaced = self.method.place(self.scenarios, at_client, at_edge, active, own_key)
        return jax.tree.map(np.asarray, placement), unplaced

    def update(self, policy_state: Any, turn: Any, result: RoundResult) -> tuple[Any, Any]:
        """See `PlacementPolicy`."""
        shares, rises = super().update(policy_state, turn, result)
        return shares, turn + 1 < self.method.max_iterations if self.method.persists else rises
