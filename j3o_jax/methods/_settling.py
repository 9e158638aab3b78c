"""From a placement and solved shares to plans that keep every limit: what all methods end with."""

from typing import Any

from .._either import each
from .._either import either as jnp
from .._model import Placement, Plan, edge_demand, objective
from .._programs import program_beyond_few
from .._scenario import Scenario
from .._types import AnyArray, Float
from ..routing import Offloading, OffloadingProblem, offloading_problem, settle_shares
from ._onloading import models_in_use
from ._surrogate import Tangent


@program_beyond_few
def initial_shares(scenarios: Scenario) -> tuple[AnyArray, AnyArray]:
    """Line 1: every client of an edge sends the same share, as much as the edge's uplink takes; none to the cloud."""

    def one(scenario: Scenario) -> tuple[AnyArray, AnyArray]:
        data = edge_demand(scenario, jnp.ones_like(scenario.demand)) @ scenario.input_size
        share = jnp.where(data > scenario.edge_uplink, scenario.edge_uplink / jnp.where(data > 0.0, data, 1.0), 1.0)
        at_edge = jnp.broadcast_to(share[scenario.client_edge][:, None], scenario.demand.shape)
        return 1.0 - at_edge, at_edge

    return each(one, scenarios)


@program_beyond_few
def offloading_problems(
    scenarios: Scenario,
    placement: Placement,
    tangents: Tangent | None = None,
) -> OffloadingProblem:
    """The offloading step (17) of every instance for its placement."""

    def one(scenario: Scenario, placement: Placement, tangent: Tangent | None) -> OffloadingProblem:
        return offloading_problem(scenario, placement.client_choice, placement.edge_choice, tangent=tangent)

    return each(one, scenarios, placement, tangents)


@program_beyond_few
def settled_plans(
    scenarios: Scenario,
    problem: OffloadingProblem,
    placement: Placement,
    offloading: Offloading,
    *,
    allow_unserved: bool,
) -> tuple[Plan, AnyArray]:
    """Plans that keep every limit, and their objectives."""

    def one(scenario: Scenario, problem: Any, placement: Any, offloading: Any) -> tuple[Plan, AnyArray]:
        local, edge, cloud, unserved = settle_shares(problem, offloading, allow_unserved=allow_unserved)
        plan = Plan(**placement._asdict(), local=local, edge=edge, cloud=cloud, unserved=unserved)
        return plan, objective(scenario, plan)

    return each(one, scenarios, problem, placement, offloading)


@program_beyond_few
def without_idle(scenarios: Scenario, plans: Plan) -> Plan:
    """The plans without choices that serve nobody and models that nothing chooses."""

    def one(scenario: Scenario, plan: Plan) -> Plan:
        client_choice = jnp.where(scenario.demand * plan.local > 0.0, plan.client_choice, -1)
        edge_choice = jnp.where(edge_demand(scenario, plan.edge) > 0.0, plan.edge_choice, -1)
        return plan._replace(
            client_models=models_in_use(client_choice, scenario.models),
            edge_models=models_in_use(edge_choice, scenario.models),
            client_choice=client_choice,
            edge_choice=edge_choice,
        )

    return each(one, scenarios, plans)


def most_unserved(scenarios: Scenario, plan: Plan) -> Float[AnyArray, " B"]:
    """Largest share of a stream with demand that is left unserved. ``[B]``"""
    xp = plan.unserved.__array_namespace__()
    return xp.max(xp.where(scenarios.demand > 0.0, plan.unserved, 0.0), axis=(1, 2))
