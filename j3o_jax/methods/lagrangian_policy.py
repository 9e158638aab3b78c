"""Lagrangian relaxation as a placement policy: GREEDY-LR (Algorithm 2) at both tiers, for a batch on the device."""

from typing import Any

import jax
import jax.numpy as jnp

from j3o_kernels.batched_onloading import complete_choice, onload_tier
from j3o_kernels.client_groups import ClientGroups
from j3o_kernels.materialize import compilation_unit
from j3o_kernels.node_tier import NodeTier

from .._model import Placement, Plan, model_costs, moving_costs, serving_first
from .._scenario import Scenario
from .._types import AnyArray, Float
from .alternation.multiplier import DualSearch, Subgradient
from .alternation.placement import client_capacity, edge_work, placement_of_choices, to_serve, within_window
from .alternation.policy import SharesPolicy
from .batch_last import client_costs_last, edges_first, edges_last, of_groups


class LagrangianPolicy(SharesPolicy):
    """GREEDY-LR at clients and edges, for the shares of the best plan so far.

    **Arguments:**

    - `multiplier`: with a step size for each instance, if it has any.
    - `start`, `tolerance`: see `SharesPolicy`.
    - `plus_max`: see `onload_tier`.
    """

    def __init__(
        self,
        scenarios: Scenario,
        groups: ClientGroups,
        multiplier: DualSearch | Subgradient,
        start: Float[AnyArray, "B 4"],
        tolerance: Float[AnyArray, ""],
        *,
        plus_max: bool,
    ):
        super().__init__(scenarios, start, tolerance)
        self.groups = groups
        self.multiplier = multiplier
        self.plus_max = plus_max
        self.client, self.edge = compilation_unit(_tiers)(scenarios, groups)

    def place(self, policy_state: Any, turn: Any, plan: Plan, active: Any) -> tuple[Placement, None]:
        """See `PlacementPolicy`."""
        return self.place_for(policy_state, active), None

    def place_for(self, shares: Any, active: Any) -> Placement:
        """GREEDY-LR for shares that clients and edges have to serve, ``[B, C, T]`` each."""
        scenarios = self.scenarios

        def weights() -> tuple[AnyArray, AnyArray]:
            stays, arrives = jax.vmap(to_serve)(scenarios, *shares)
            return self.groups.to_groups(stays), edges_last(arrives)[:, None]

        of_clients, of_edges = compilation_unit(weights)()
        client, edge = self.client._replace(weight=of_clients), self.edge._replace(weight=of_edges)
        options = self.multiplier.for_kernel() | {"active": active, "plus_max": self.plus_max}
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
    valued, costs, moving = serving_first(scenarios), model_costs(scenarios), moving_costs(scenarios)
    client = NodeTier(
        weight=jnp.zeros(0),
        accuracy=of_groups(valued.client_accuracy, groups),
        cost=client_costs_last(costs.client_compute, groups),
        setup=None,
        size=client_costs_last(costs.client_memory, groups),
        budget=groups.to_groups(scenarios.client_memory),
        capacity=groups.to_groups(jax.vmap(client_capacity)(scenarios)),
        charge=None if moving is None else groups.to_groups(moving.client),
    )
    edge = NodeTier(
        weight=jnp.zeros(0),
        accuracy=edges_last(valued.edge_accuracy)[:, :, None],
        cost=edges_last(cost)[:, None],
        setup=None if scenarios.batching is None else edges_last(setup)[:, None],
        size=edges_last(costs.edge_memory)[:, None],
        budget=edges_last(scenarios.edge_memory)[None],
        capacity=edges_last(capacity)[None],
        charge=None if moving is None else edges_last(moving.edge)[:, None],
    )
    return client, edge
