"""Feasibility: offloading steps of placements, and plans that keep every limit from their solutions."""

from typing import Any

from j3o_kernels.masked_select import select_leading

from ..._compiled_functions import program_beyond_few
from ..._either import each
from ..._either import either as jnp
from ..._model import Placement, Plan, edge_demand, objective
from ..._moving import without_unpaid
from ..._scenario import Scenario
from ..._types import AnyArray, Bool, Float
from ...routing import Offloading, OffloadingProblem, offloading_problem, settle_shares
from .placement import models_in_use
from .surrogate import Tangent

# A share below this in the last routing is the solver's rounding, not a decision. More than in other routings
# (`routing/_base.py`): what the last one leaves open is held.
_DUST = 1e-7


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
    """Offloading step (17) of every instance for its placement."""

    def one(scenario: Scenario, placement: Placement, tangent: Tangent | None) -> OffloadingProblem:
        return offloading_problem(scenario, placement.client_choice, placement.edge_choice, tangent=tangent)

    return each(one, scenarios, placement, tangents)


@program_beyond_few
def feasible_plans(
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


def repaired_plans(
    scenarios: Scenario,
    problem: OffloadingProblem,
    placement: Placement,
    routed: Offloading,
    last: Bool[AnyArray, " B"],
) -> tuple[Plan, Any]:
    """`feasible_plans`, in the last routing of an instance without shares that are a solver's rounding."""
    dust = jnp.where(last, _DUST, 0.0)[:, None, None]
    shares = {name: getattr(routed, name) for name in ("local", "edge", "cloud")}
    clean = routed._replace(**{name: jnp.where(share > dust, share, 0.0) for name, share in shares.items()})
    plan, value = feasible_plans(scenarios, problem, placement, clean, allow_unserved=True)
    if scenarios.allow_unserved:
        return plan, value
    full, full_value = feasible_plans(scenarios, problem, placement, clean, allow_unserved=False)
    return select_leading(last, full, plan), jnp.where(last, full_value, value)


@program_beyond_few
def drop_unused(scenarios: Scenario, plans: Plan) -> Plan:
    """Drop choices that serve nobody, models that nothing chooses, and those that earn less than their move costs."""

    def one(scenario: Scenario, plan: Plan) -> Plan:
        plan = without_unpaid(scenario, plan)
        client_choice = jnp.where(scenario.demand * plan.local > 0.0, plan.client_choice, -1)
        edge_choice = jnp.where(edge_demand(scenario, plan.edge) > 0.0, plan.edge_choice, -1)
        return plan._replace(
            client_models=models_in_use(client_choice, scenario.models),
            edge_models=models_in_use(edge_choice, scenario.models),
            client_choice=client_choice,
            edge_choice=edge_choice,
        )

    return each(one, scenarios, plans)


def blank_plans(scenarios: Scenario) -> Plan:
    """Plans that serve nobody."""
    xp = scenarios.demand.__array_namespace__()
    batch, clients, tasks = scenarios.demand.shape
    edges, models = scenarios.edges, scenarios.models
    none = xp.zeros((batch, clients, tasks))
    return Plan(
        client_models=xp.zeros((batch, clients, models), dtype=bool),
        edge_models=xp.zeros((batch, edges, models), dtype=bool),
        client_choice=xp.full((batch, clients, tasks), -1),
        edge_choice=xp.full((batch, edges, tasks), -1),
        local=none,
        edge=none,
        cloud=none,
        unserved=xp.ones((batch, clients, tasks)),
    )


def most_unserved(scenarios: Scenario, plan: Plan) -> Float[AnyArray, " B"]:
    """Largest share ``[B]`` of a stream with demand that is left unserved."""
    xp = plan.unserved.__array_namespace__()
    return xp.max(xp.where(scenarios.demand > 0.0, plan.unserved, 0.0), axis=(1, 2))
