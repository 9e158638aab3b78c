"""Onloading problems of all nodes for fixed shares, and placements from their solutions."""

from j3o_kernels.onloading import NodeProblem, chosen

from ..._either import each
from ..._either import either as jnp
from ..._model import (
    Placement,
    client_model_accuracy,
    edge_choice_setup,
    edge_demand,
    model_costs,
    moving_costs,
    normalized_demand,
    serving_first,
)
from ..._scenario import Scenario
from ..._types import AnyArray, Bool, Float, Int

# A stream that is sent away whole leaves its node no reason to prefer one model to another. This much of it counts
# as if it stayed, which decides between models that are otherwise equal and leaves the rest alone.
_REMAINDER = 1e-6


def node_problem(
    scenario: Scenario,
    at_client: Float[AnyArray, "C T"],
    at_edge: Float[AnyArray, "C T"],
) -> NodeProblem:
    """Onloading step (14), (16) for fixed shares: clients first, then edges, V = C + E rows.

    Loads and capacities are per query of the whole system (divided by λ_tot), as in (18); those of edges with
    batching are parts of the window, (28) divided by T_b. Gains are those of `serving_first`.

    **Arguments:**

    - `at_client`: share of each stream that its client has to serve, 1 − o^c.
    - `at_edge`: share that its edge has to serve, o^c − o^{c,e}.
    """
    stays, arrives = to_serve(scenario, at_client, at_edge)
    valued = serving_first(scenario)
    client_gain = stays[:, None, :] * client_model_accuracy(valued)
    edge_gain = arrives[:, None, :] * valued.edge_accuracy
    edge_cost, setup, edge_capacity = edge_work(scenario)
    costs = model_costs(scenario)
    client_load = stays[:, None, :] * costs.client_compute[:, :, None]
    edge_load = arrives[:, None, :] * edge_cost[:, :, None]
    edge_setup = jnp.where(arrives[:, None, :] > 0.0, setup[:, :, None], 0.0)

    def both(client: AnyArray, edge: AnyArray) -> AnyArray:
        return jnp.concatenate([client, edge], axis=0)

    return NodeProblem(
        gain=both(client_gain, edge_gain),
        load=both(client_load, edge_load),
        setup=both(jnp.zeros_like(client_load), edge_setup),
        size=both(
            jnp.broadcast_to(costs.client_memory, (scenario.clients, scenario.models)),
            jnp.broadcast_to(costs.edge_memory, (scenario.edges, scenario.models)),
        ),
        budget=both(scenario.client_memory, scenario.edge_memory),
        capacity=both(client_capacity(scenario), edge_capacity),
    )


def node_charges(scenario: Scenario) -> Float[AnyArray, "V M"] | None:
    """Cost of moving each model to each row of `node_problem`; None where it costs nothing."""
    moving = moving_costs(scenario)
    return None if moving is None else jnp.concatenate([moving.client, moving.edge], axis=0)


def to_serve(
    scenario: Scenario, at_client: Float[AnyArray, "C T"], at_edge: Float[AnyArray, "C T"]
) -> tuple[Float[AnyArray, "C T"], Float[AnyArray, "E T"]]:
    """Demand that clients (14) and edges (16) have to serve, as a part of all, at least a trace of each stream."""
    stays = normalized_demand(scenario) * jnp.maximum(at_client, _REMAINDER)
    return stays, edge_demand(scenario, jnp.maximum(at_edge, _REMAINDER)) * per_query(scenario)


def edge_work(
    scenario: Scenario,
) -> tuple[Float[AnyArray, "E M"], Float[AnyArray, "E M"], Float[AnyArray, " E"]]:
    """Load per query and set-up load of each model at each edge, and the edges' capacity, in the unit of (18).

    With batching they are parts of the window, (28): a query's own time, and its batch's set-up time if there is a
    batch at all.
    """
    total = jnp.sum(scenario.demand)
    cost = jnp.broadcast_to(model_costs(scenario).edge_compute, (scenario.edges, scenario.models))
    if scenario.batching is None:
        return cost, jnp.zeros_like(cost), scenario.edge_compute * per_query(scenario)
    works = scenario.edge_compute > 0.0
    cost = cost * total / jnp.where(works, scenario.edge_compute, 1.0)[:, None]
    setup = scenario.batching.setup / scenario.batching.window[:, None]
    return cost, setup, jnp.where(works, 1.0, 0.0)


def client_capacity(scenario: Scenario) -> Float[AnyArray, " C"]:
    """Compute of the clients in the unit of (18)."""
    return scenario.client_compute * per_query(scenario)


def per_query(scenario: Scenario) -> Float[AnyArray, ""]:
    """1 / λ_tot; 1 where nothing is asked."""
    total = jnp.sum(scenario.demand)
    return 1.0 / jnp.where(total > 0.0, total, 1.0)


def asked_tasks(scenarios: Scenario) -> Float[AnyArray, "*batch"]:
    """Count the tasks that anybody asks, as many set-ups as an edge can have in a window at most."""
    return jnp.sum(jnp.where(jnp.any(scenarios.demand > 0.0, axis=-2), 1.0, 0.0), axis=-1)


def placement_of(
    scenario: Scenario, problem: NodeProblem, held: Bool[AnyArray, "V M"], choice: Int[AnyArray, "V T"]
) -> Placement:
    """Split the rows into clients and edges, complete the choices and drop models that nothing uses.

    A task that did not pay at the last multiplier gets the held model that earns most per compute: the offloading
    step may use it, and loses nothing if not. With batching an open task costs its set-up time, so there the edges
    keep "none", and give up the tasks that earn least for their set-up time where the window cannot hold all.
    """
    held3 = held[:, :, None]
    load = problem.load + problem.setup
    ratio = problem.gain / jnp.where(load > 0.0, load, jnp.finfo(load.dtype).tiny)
    thrifty = jnp.argmax(jnp.where(held3, ratio, -1.0), axis=1)
    earns = jnp.max(jnp.where(held3, problem.gain, 0.0), axis=1) > 0.0
    completed = jnp.where((choice < 0) & earns, thrifty, choice)
    clients = scenario.clients
    client_choice, edge_choice = completed[:clients], completed[clients:]
    if scenario.batching is not None:
        gain = chosen(problem.gain[clients:], choice[clients:])
        edge_choice = within_window(scenario, choice[clients:], gain)
    return Placement(
        client_models=models_in_use(client_choice, scenario.models),
        edge_models=models_in_use(edge_choice, scenario.models),
        client_choice=client_choice,
        edge_choice=edge_choice,
    )


def placement_of_choices(
    scenarios: Scenario, client_choice: Int[AnyArray, "B C T"], edge_choice: Int[AnyArray, "B E T"]
) -> Placement:
    """Placement of a batch that holds what is chosen and no more."""
    client_models, edge_models = (
        each(lambda own: models_in_use(own, scenarios.models), choice) for choice in (client_choice, edge_choice)
    )
    return Placement(client_models, edge_models, client_choice, edge_choice)


def within_window(
    scenario: Scenario, choice: Int[AnyArray, "E T"], gain: Float[AnyArray, "E T"]
) -> Int[AnyArray, "E T"]:
    """Choices whose set-up times the window can hold, those that gain most for theirs first."""
    assert scenario.batching is not None
    setup = edge_choice_setup(scenario, choice)
    order = jnp.argsort(-gain / jnp.where(setup > 0.0, setup, jnp.finfo(setup.dtype).tiny), axis=1)
    elapsed = jnp.cumsum(jnp.take_along_axis(setup, order, axis=1), axis=1)
    kept = jnp.put_along_axis(
        jnp.zeros(choice.shape, dtype=bool),
        order,
        elapsed < scenario.batching.window[:, None],
        axis=1,
        inplace=False,
    )
    return jnp.where(kept, choice, -1)


def models_in_use(choice: Int[AnyArray, "V T"], models: int) -> Bool[AnyArray, "V M"]:
    """Models x ``[V, M]``, as few as z needs."""
    return jnp.any(choice[:, :, None] == jnp.arange(models)[None, None, :], axis=1)
