"""Placement policies of the alternation: where models are placed next, and when that is enough."""

import abc
from typing import Any, NamedTuple

from j3o_kernels.masked_select import select_leading

from ..._model import Placement, Plan
from ..._scenario import Scenario
from ..._types import AnyArray, Bool, Float
from ...routing import Offloading, OffloadingProblem
from .feasibility import initial_shares
from .starts import Start, start_shares


class RoundResult(NamedTuple):
    """Result of a round, for every instance.

    - `alternates`: instances that had one; the rest means nothing for the others. ``[B]``
    - `placement`, `problem`, `routed`, `plan`: what was placed, its offloading step, and the plan. ``[B, ...]``
    - `value`: of the plan; `best`, `best_before`: of the best plans with and without it. In all of them serving comes
      first (`serving_first`). ``[B]``
    - `better`: whether it is the best plan now. ``[B]``
    """

    alternates: Any
    placement: Placement
    problem: OffloadingProblem
    routed: Offloading
    plan: Plan
    value: Any
    best: Any
    best_before: Any
    better: Any


class PlacementPolicy(abc.ABC):
    """Places models, round after round; its state is a pytree with the instances on any axis."""

    @abc.abstractmethod
    def init(self) -> Any:
        """State before the first round."""

    @abc.abstractmethod
    def place(
        self, policy_state: Any, turn: Any, plan: Plan, active: Bool[AnyArray, " B"]
    ) -> tuple[Placement, Bool[AnyArray, " B"] | None]:
        """Place models in the instances `active`, whose best plans so far are `plan`.

        **Returns:** placements, any where not `active`; and where none was found, None if there always is one.
        """

    @abc.abstractmethod
    def update(self, policy_state: Any, turn: Any, result: RoundResult) -> tuple[Any, Any]:
        """State after a round, and which instances want another one ``[B]``."""


class SharesPolicy(PlacementPolicy):
    """Algorithm 1's policy: models for the shares of the best plan so far, as long as F rises.

    Its state is what clients and edges have to serve of each stream, 1 − o^c and o^c − o^{c,e}. ``[B, C, T]``

    **Arguments:**

    - `start`: shares of the first round, as `Start` has them.
    - `tolerance`: δ; the least rise of F that is worth another round.
    """

    def __init__(self, scenarios: Scenario, start: Float[AnyArray, "B 4"], tolerance: Any):
        self.scenarios = scenarios
        self.start = start
        self.tolerance = tolerance

    def init(self) -> Any:
        """See `PlacementPolicy`: the shares of line 1, or of another start."""
        _, uplink = initial_shares(self.scenarios)
        xp = self.scenarios.demand.__array_namespace__()
        return start_shares(Start(*xp.swapaxes(self.start, 0, 1)[..., None, None]), uplink)

    def update(self, policy_state: Any, turn: Any, result: RoundResult) -> tuple[Any, Any]:
        """See `PlacementPolicy`."""
        plan = result.plan
        shares = select_leading(result.better, (1.0 - plan.edge - plan.cloud, plan.edge), policy_state)
        return shares, result.better & (result.best - result.best_before >= self.tolerance)
