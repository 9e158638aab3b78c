"""Where Algorithm 1 places models: GREEDY-LR at both tiers, for the shares of the best plan so far."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from j3o_kernels.batched_onloading import complete_choice, onload_tier
from j3o_kernels.client_groups import ClientGroups
from j3o_kernels.masked_select import select_leading
from j3o_kernels.materialize import compilation_unit
from j3o_kernels.node_tier import NodeTier

from .._model import Placement, Plan, serving_first
from .._scenario import Scenario
from .._types import AnyArray, Float
from ._director import Director, Round
from ._lanes import edges_first, edges_last, of_groups, of_models
from ._onloading import client_capacity, edge_work, placement_of_choices, to_serve, within_window
from ._settling import initial_shares
from ._starts import Start, start_shares


class GreedySettings(NamedTuple):
    """What the placement depends on besides its arrays.

    - `optimizer`: makes the transformation of the multipliers from a step size; None for the dual search.
    - `steps`, `plus_max`: see `onload_tier`.
    """

    optimizer: Callable[[Any], optax.GradientTransformation] | None
    steps: int
    plus_max: bool


class GreedyTiers(Director):
    """The onloading step of a batch: what of it stays the same from round to round."""

    def __init__(
        self,
        scenarios: Scenario,
        groups: ClientGroups,
        step_size: Float[AnyArray, " B"],
        start: Float[AnyArray, "B 4"],
        tolerance: Float[AnyArray, ""],
        settings: GreedySettings,
    ):
        self.scenarios = scenarios
        self.groups = groups
        self.step_size = step_size
        self.start = start
        self.tolerance = tolerance
        self.settings = settings
        self.client, self.edge = compilation_unit(_tiers)(scenarios, groups)

    def begin(self) -> Any:
        """See `Director`: the shares of line 1, or of another start (`Start`)."""
        _, uplink = initial_shares(self.scenarios)
        return start_shares(Start(*jnp.swapaxes(self.start, 0, 1)[..., None, None]), uplink)

    def learn(self, known: Any, turn: Any, news: Round) -> tuple[Any, Any]:
        """See `Director`: the best plan's shares, as long as F rises."""
        plan = news.plan
        shares = select_leading(news.better, (1.0 - plan.edge - plan.cloud, plan.edge), known)
        return shares, news.better & (news.best - news.best_before >= self.tolerance)

    def place(self, known: Any, turn: Any, plan: Plan, active: Any) -> Placement:
        """See `Director`: GREEDY-LR for the shares that clients and edges have to serve."""
        return self.place_for(known, active)

    def place_for(self, shares: Any, active: Any) -> Placement:
        """GREEDY-LR for shares that clients and edges have to serve, ``[B, C, T]`` each."""
        scenarios, settings = self.scenarios, self.settings

        def weights() -> tuple[AnyArray, AnyArray]:
            stays, arrives = jax.vmap(to_serve)(scenarios, *shares)
            return self.groups.to_groups(stays), edges_last(arrives)[:, None]

        of_clients, of_edges = compilation_unit(weights)()
        client, edge = self.client._replace(weight=of_clients), self.edge._replace(weight=of_edges)
        options = {
            "optimizer": settings.optimizer,
            "step_size": self.step_size,
            "active": active,
            "steps": settings.steps,
            "plus_max": settings.plus_max,
        }
        client_choice = complete_choice(client, onload_tier(client, **options))
        onloading = onload_tier(edge, **options)
        if scenarios.batching is None:
            edge_choice = edges_first(complete_choice(edge, onloading)[:, 0])
        else:
            choice, gain = edges_first(onloading.choice[:, 0]), edges_first(onloading.gain[:, 0])
            edge_choice = jax.vmap(within_window)(scenarios, choice, gain)

        def placement() -> Placement:
            return placement_of_choices(scenarios, self.groups.from_groups(client_choice), edge_choice)

        return compilation_unit(placement)()


def _tiers(scenarios: Scenario, groups: ClientGroups) -> tuple[NodeTier, NodeTier]:
    """Clients and edges as tiers that have nothing to serve yet."""
    cost, setup, capacity = jax.vmap(edge_work)(scenarios)
    valued = serving_first(scenarios)
    client = NodeTier(
        weight=jnp.zeros(0),
        accuracy=of_groups(valued.client_accuracy, groups),
        cost=of_models(scenarios.client_model_compute),
        setup=None,
        size=of_models(scenarios.client_model_memory),
        budget=groups.to_groups(scenarios.client_memory),
        capacity=groups.to_groups(jax.vmap(client_capacity)(scenarios)),
    )
    edge = NodeTier(
        weight=jnp.zeros(0),
        accuracy=edges_last(valued.edge_accuracy)[:, :, None],
        cost=edges_last(cost)[:, None],
        setup=None if scenarios.batching is None else edges_last(setup)[:, None],
        size=of_models(scenarios.edge_model_memory),
        budget=edges_last(scenarios.edge_memory)[None],
        capacity=edges_last(capacity)[None],
    )
    return client, edge
