"""Price-directed placement policy of one placement for many scenarios, which are the instances of its batch.

Prices and choices are each scenario's own, the set of models of a node is common: it earns most over all scenarios.
Everything else is as in `price_policy.py`, with the sums over scenarios in place of an instance's values: all instances
draw the same numbers, come to the same verdicts, and so move together.
"""

from typing import Any

import jax.numpy as jnp

from j3o_kernels.client_groups import ClientGroups
from j3o_kernels.price_placement import Choices

from ..._scenario import Scenario
from ..alternation.policy import RoundResult
from ..dual_bound import DualBound
from ..few_shapes import Sizes
from ..price_policy import PricePolicy, PriceSettings


class SharedPricePolicy(PricePolicy):
    """Best responses of nodes that hold the same models in all scenarios.

    **Arguments:**

    - `proven`: the bound on the common objective, for every scenario, and prices to begin with.
    - `importance`: q ≥ 0 of the scenarios, at which nodes respond and edges are judged. ``[B]``
    - `first`: a placement to begin with, by the choices of every scenario.
    - others as of `PricePolicy`.
    """

    def __init__(
        self,
        scenarios: Scenario,
        groups: ClientGroups,
        proven: DualBound,
        gap: Any,
        own: Sizes,
        settings: PriceSettings,
        importance: Any,
        first: Choices,
    ):
        super().__init__(scenarios, groups, proven, gap, own, settings)
        self.importance, self.first = importance, first

    def init(self) -> Any:
        """See `PlacementPolicy`: the first placement is tried as it is."""
        state = super().init()
        return state._replace(composite=self.first, untried=jnp.ones_like(state.untried))

    def _edge_values(self, result: RoundResult, cloud_price: Any) -> Any:
        """Value ``[E, B]`` of each edge with its clients in all scenarios together."""
        own = super()._edge_values(result, cloud_price)
        return jnp.broadcast_to(jnp.sum(own * self.importance[None], axis=1, keepdims=True), own.shape)

    def _changed(self, new: Choices, old: Choices) -> Any:
        """Edges ``[E, B]`` where they or one of their clients chose otherwise in any scenario."""
        own = super()._changed(new, old)
        return jnp.broadcast_to(jnp.any(own, axis=1, keepdims=True), own.shape)
