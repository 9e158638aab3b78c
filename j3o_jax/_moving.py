"""Plans that move no more than pays: models that came for nothing go, and those that were held before stay.

Formulas of one scenario, in JAX or NumPy as its arrays are (`_model.py`). Without `Switching` plans stay as they are.
"""

from typing import Any

from ._either import either as jnp
from ._model import (
    Plan,
    client_choice_accuracy,
    edge_choice_accuracy,
    model_costs,
    moving_costs,
    normalized_demand,
    sum_per_edge,
)
from ._scenario import Scenario
from ._types import AnyArray, Bool, Float, Int


def without_unpaid(scenario: Scenario, plan: Plan) -> Plan:
    """Give up the new models that earn less than moving them costs, and leave what they answered unserved.

    The objective can but rise. Where all must be served, the plan stays as it is.
    """
    moving = moving_costs(scenario)
    if moving is None or not scenario.allow_unserved:
        return plan
    weight = normalized_demand(scenario)
    local = weight * plan.local * client_choice_accuracy(scenario, plan.client_choice)
    away = weight * plan.edge * edge_choice_accuracy(scenario, plan.edge_choice)[scenario.client_edge]
    away = sum_per_edge(away, scenario.client_edge, scenario.edges)
    at_client, at_edge = (
        _pays(earned, choice, cost)
        for earned, choice, cost in ((local, plan.client_choice, moving.client), (away, plan.edge_choice, moving.edge))
    )
    kept_local = jnp.where(at_client, plan.local, 0.0)
    kept_edge = jnp.where(at_edge[scenario.client_edge], plan.edge, 0.0)
    return plan._replace(
        client_choice=jnp.where(at_client, plan.client_choice, -1),
        edge_choice=jnp.where(at_edge, plan.edge_choice, -1),
        local=kept_local,
        edge=kept_edge,
        unserved=plan.unserved + (plan.local - kept_local) + (plan.edge - kept_edge),
    )


def _pays(
    earned: Float[AnyArray, "V T"], choice: Int[AnyArray, "V T"], cost: Float[AnyArray, "V M"]
) -> Bool[AnyArray, "V T"]:
    """Whether the model that each task is answered by earns, with all its tasks, what it costs ``[V, T]``."""
    models = jnp.arange(cost.shape[1])[None, :, None]
    by_model = jnp.sum(jnp.where(choice[:, None, :] == models, earned[:, None, :], 0.0), axis=2)
    pays = jnp.take_along_axis(by_model >= cost, jnp.maximum(choice, 0), axis=1)
    return pays | (choice < 0)


def settle_models(scenario: Scenario, plan: Plan) -> Plan:
    """Make the final plan: `without_unpaid`, new models only where chosen, and those held before as far as they fit.

    What was held before stays at no cost and need not be moved again later: the largest first, within what is left of
    the memory.
    """
    if scenario.switching is None:
        return plan
    plan = without_unpaid(scenario, plan)
    costs = model_costs(scenario)
    tiers = (
        (plan.client_choice, scenario.switching.client_held, costs.client_memory, scenario.client_memory),
        (plan.edge_choice, scenario.switching.edge_held, costs.edge_memory, scenario.edge_memory),
    )
    client_models, edge_models = (_settled(*tier) for tier in tiers)
    return plan._replace(client_models=client_models, edge_models=edge_models)


def _settled(
    choice: Int[AnyArray, "V T"],
    before: Bool[AnyArray, "V M"],
    size: Float[AnyArray, "V_or_1 M"],
    memory: Float[AnyArray, " V"],
) -> Any:
    """Models in use, and those held before that fit beside them ``[V, M]``."""
    size = jnp.broadcast_to(size, before.shape)
    numbers = jnp.arange(before.shape[1])[None, :]
    held = jnp.any(choice[:, :, None] == numbers[:, None, :], axis=1)
    free = memory - jnp.sum(jnp.where(held, size, 0.0), axis=1)
    order = jnp.argsort(-size, axis=1)
    for rank in range(before.shape[1]):
        next_one = order[:, rank][:, None] == numbers
        own = jnp.sum(jnp.where(next_one, size, 0.0), axis=1)
        stays = next_one & before & ~held & (own <= free)[:, None]
        held = held | stays
        free = free - jnp.where(jnp.any(stays, axis=1), own, 0.0)
    return held
