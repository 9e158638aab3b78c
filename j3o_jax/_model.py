"""The paper's formulas, once each: accuracy, objective, loads and capacities.

Functions of one scenario, in JAX or NumPy as its arrays are; batches go through `_either.each`. Numbers in brackets are
the paper's equations; letters are those of ``docs/formulation.md``. A choice of −1 means "no model".
"""

from typing import Any, NamedTuple

import equinox as eqx

from ._either import either as jnp
from ._scenario import Scenario
from ._types import AnyArray, Bool, Float, Int

# Where every query must be served, serving one is worth more than any accuracy (which is at most 1).
_SERVE_FIRST = 10.0
_MOST_FOR_MOVING = 1e5
NO_ROOM = 1e6
"""Size of a model at a node where it does not run, MB: no device has so much memory for models."""


class Placement(NamedTuple):
    """x and z of one scenario: held models and chosen models (−1: none)."""

    client_models: Bool[AnyArray, "*batch C M"]
    edge_models: Bool[AnyArray, "*batch E M"]
    client_choice: Int[AnyArray, "*batch C T"]
    edge_choice: Int[AnyArray, "*batch E T"]


class Plan(NamedTuple):
    """The decisions (x, z, o) of one scenario, with the fields of `Solution`."""

    client_models: Bool[AnyArray, "C M"]
    edge_models: Bool[AnyArray, "E M"]
    client_choice: Int[AnyArray, "C T"]
    edge_choice: Int[AnyArray, "E T"]
    local: Float[AnyArray, "C T"]
    edge: Float[AnyArray, "C T"]
    cloud: Float[AnyArray, "C T"]
    unserved: Float[AnyArray, "C T"]

    @property
    def placement(self) -> Placement:
        """The plan without its shares."""
        return Placement(self.client_models, self.edge_models, self.client_choice, self.edge_choice)


class Resources(NamedTuple):
    """One number for each limit: what is used of it, or what there is of it.

    `edge_compute` is in GFLOP/s without batching (10), and in seconds of each window with it (28).
    """

    client_memory: Float[AnyArray, " C"]
    client_compute: Float[AnyArray, " C"]
    edge_memory: Float[AnyArray, " E"]
    edge_compute: Float[AnyArray, " E"]
    edge_uplink: Float[AnyArray, " E"]
    cloud_uplink: Float[AnyArray, ""]


class ModelCosts(NamedTuple):
    """What each model takes at each node; V is 1 where all nodes of the tier take the same of it.

    - `client_memory`, `edge_memory`: s_vm, MB. ``[*batch, V, M]``
    - `client_compute`, `edge_compute`: w_vm, GFLOP/query. ``[*batch, V, M]``
    """

    client_memory: Float[AnyArray, "*batch C_or_1 M"]
    edge_memory: Float[AnyArray, "*batch E_or_1 M"]
    client_compute: Float[AnyArray, "*batch C_or_1 M"]
    edge_compute: Float[AnyArray, "*batch E_or_1 M"]


def model_costs(scenario: Scenario) -> ModelCosts:
    """Costs of models at nodes, which broadcast along the nodes where they are given for models alone.

    Like `normalized_demand` it takes batches too.
    """

    def at_nodes(values: AnyArray) -> AnyArray:
        # Whether costs are each node's own is a matter of axes, so that programs know it.
        return values if values.ndim == scenario.demand.ndim else values[..., None, :]

    return ModelCosts(
        client_memory=at_nodes(scenario.client_model_memory),
        edge_memory=at_nodes(scenario.edge_model_memory),
        client_compute=at_nodes(scenario.client_model_compute),
        edge_compute=at_nodes(scenario.edge_model_compute),
    )


def home_edge_compute(scenario: Scenario) -> Float[AnyArray, "C_or_1 M"]:
    """Compute w_em of each model at the edge of each client, GFLOP/query; one row where edges do not differ."""
    cost = model_costs(scenario).edge_compute
    return cost if cost.shape[0] == 1 else cost[scenario.client_edge]


def normalized_demand(scenario: Scenario) -> Float[AnyArray, "*batch C T"]:
    """Normalised demand λ̄ = λ / λ_tot, each stream's weight in the objective; 0 where nothing is asked.

    ``[*batch, C, T]``: unlike the others it takes batches too.
    """
    total = jnp.sum(scenario.demand, axis=(-2, -1), keepdims=True)
    return jnp.where(total > 0, scenario.demand / jnp.where(total > 0, total, 1.0), 0.0)


def client_model_accuracy(scenario: Scenario) -> Float[AnyArray, "C M T"]:
    """Accuracy Σ_e y_{c,e} a^e_{m,t} of (4) that each client sees, that of its own edge's data, ``[C, M, T]``."""
    return scenario.client_accuracy[scenario.client_edge]


def serving_first(scenario: Scenario, where: Bool[AnyArray, "*batch"] | None = None) -> Scenario:
    """Put serving a query before serving it well, where every query must be served.

    Every accuracy above 0 is raised by more than any accuracy. One of 0 stays: what does not support a task serves none
    of its queries. Where queries may be left unserved, this is the scenarios as they are.

    **Arguments:**

    - `scenario`: with any batch axes.
    - `where`: the instances that this is for; all by default. ``[*batch]``
    """
    if scenario.allow_unserved:
        return scenario
    xp = scenario.demand.__array_namespace__()
    worth = _worth_of_serving(scenario)

    def raised(accuracy: AnyArray) -> AnyArray:
        more: Any = worth if where is None else xp.where(where, worth, 0.0)
        if where is not None or scenario.switching is not None:
            more = more.reshape(more.shape + (1,) * (accuracy.ndim - more.ndim))
        return xp.where(accuracy > 0.0, accuracy + more, 0.0)

    def accuracies(of: Scenario) -> tuple[Any, ...]:
        return of.client_accuracy, of.edge_accuracy, of.cloud_accuracy

    # Not by the constructor, which wants accuracies of at most 1.
    return eqx.tree_at(accuracies, scenario, tuple(map(raised, accuracies(scenario))))


def without_serving_first(scenario: Scenario, value: Float[AnyArray, "*batch"]) -> Float[AnyArray, "*batch"]:
    """F of plans that serve all queries, from their objectives in `serving_first(scenario)`, ``[*batch]``."""
    if scenario.allow_unserved:
        return value
    xp = scenario.demand.__array_namespace__()
    return value - xp.where(xp.any(scenario.demand > 0.0, axis=(-2, -1)), _worth_of_serving(scenario), 0.0)


def _worth_of_serving(scenario: Scenario) -> Any:
    """More than any accuracy, and than what moving models can cost ``[*batch]``."""
    if scenario.switching is None:
        return _SERVE_FIRST
    new = _new_sizes(scenario)
    most = [
        jnp.sum(jnp.minimum(jnp.sum(sizes, axis=-1), memory), axis=-1)
        for sizes, memory in ((new.client, scenario.client_memory), (new.edge, scenario.edge_memory))
    ]
    # Beyond that what tells two plans apart would be lost in the sum.
    return _SERVE_FIRST * (1.0 + jnp.minimum(scenario.switching.cost_per_mb * sum(most), _MOST_FOR_MOVING))


def chosen_model(values: Float[AnyArray, "V M T"], choice: Int[AnyArray, "V T"]) -> Float[AnyArray, "V T"]:
    """`values` of the model that each node chose for each task, and 0 where it chose none, ``[V, T]``."""
    taken = jnp.take_along_axis(values, jnp.maximum(choice, 0)[:, None, :], axis=1)[:, 0, :]
    return jnp.where(choice >= 0, taken, 0.0)


def client_choice_accuracy(scenario: Scenario, choice: Int[AnyArray, "C T"]) -> Float[AnyArray, "C T"]:
    """Accuracy A^c_t(x^c, z^c) at clients, (4), ``[C, T]``."""
    # As chosen_model(client_model_accuracy(scenario), choice), without the array [C, M, T] in between.
    tasks = jnp.arange(scenario.tasks)[None, :]
    taken = scenario.client_accuracy[scenario.client_edge[:, None], jnp.maximum(choice, 0), tasks]
    return jnp.where(choice >= 0, taken, 0.0)


def edge_choice_accuracy(scenario: Scenario, choice: Int[AnyArray, "E T"]) -> Float[AnyArray, "E T"]:
    """Accuracy A^e_t(x^e, z^e) at edges, (6), ``[E, T]``."""
    return chosen_model(scenario.edge_accuracy, choice)


def client_choice_compute(scenario: Scenario, choice: Int[AnyArray, "C T"]) -> Float[AnyArray, "C T"]:
    """Compute w of the model that each client uses for each task, GFLOP/query, ``[C, T]``."""
    return _choice_cost(model_costs(scenario).client_compute, choice)


def edge_choice_compute(scenario: Scenario, choice: Int[AnyArray, "E T"]) -> Float[AnyArray, "E T"]:
    """Compute w of the model that each edge uses for each task, GFLOP/query, ``[E, T]``."""
    return _choice_cost(model_costs(scenario).edge_compute, choice)


def _choice_cost(cost: Float[AnyArray, "V_or_1 M"], choice: Int[AnyArray, "V T"]) -> Float[AnyArray, "V T"]:
    index = jnp.maximum(choice, 0)
    own = cost[0][index] if cost.shape[0] == 1 else jnp.take_along_axis(cost, index, axis=1)
    return jnp.where(choice >= 0, own, 0.0)


def edge_choice_setup(scenario: Scenario, choice: Int[AnyArray, "E T"]) -> Float[AnyArray, "E T"]:
    """Seconds ν that it takes to set up the model that each edge uses for each task; 0 without batching, ``[E, T]``."""
    if scenario.batching is None:
        return jnp.zeros(choice.shape)
    taken = jnp.take_along_axis(scenario.batching.setup, jnp.maximum(choice, 0), axis=1)
    return jnp.where(choice >= 0, taken, 0.0)


def objective(scenario: Scenario, plan: Plan) -> Float[AnyArray, ""]:
    """Objective: F(x, z, o), the average accuracy over all queries, (2), (3), (5), (7), less what moving costs."""
    accuracy = jnp.sum(normalized_demand(scenario) * stream_accuracy(scenario, plan))
    if scenario.switching is None:
        return accuracy
    return accuracy - scenario.switching.cost_per_mb * moved_mb(scenario, plan.client_models, plan.edge_models)


class MovingCosts(NamedTuple):
    """What it costs each node to hold each model: 0 for what it held before, in objective.

    `client` ``[*batch, C, M]``, `edge` ``[*batch, E, M]``.
    """

    client: Float[AnyArray, "*batch C M"]
    edge: Float[AnyArray, "*batch E M"]


def moving_costs(scenario: Scenario) -> MovingCosts | None:
    """Costs of `Switching`, or None where moving costs nothing. Like `model_costs` it takes batches too."""
    if scenario.switching is None:
        return None
    cost = scenario.switching.cost_per_mb[..., None, None]
    new = _new_sizes(scenario)
    return MovingCosts(cost * new.client, cost * new.edge)


def moved_mb(
    scenario: Scenario, client_models: Bool[AnyArray, "*batch C M"], edge_models: Bool[AnyArray, "*batch E M"]
) -> Float[AnyArray, "*batch"]:
    """MB of the models held that were not held before. Like `model_costs` it takes batches too."""
    new = _new_sizes(scenario)
    at_clients = jnp.sum(jnp.where(client_models, new.client, 0.0), axis=(-2, -1))
    return at_clients + jnp.sum(jnp.where(edge_models, new.edge, 0.0), axis=(-2, -1))


def _new_sizes(scenario: Scenario) -> MovingCosts:
    """MB of each model at each node, 0 where it was held before."""
    assert scenario.switching is not None
    costs = model_costs(scenario)
    return MovingCosts(
        jnp.where(scenario.switching.client_held, 0.0, costs.client_memory),
        jnp.where(scenario.switching.edge_held, 0.0, costs.edge_memory),
    )


def stream_accuracy(scenario: Scenario, plan: Plan) -> Float[AnyArray, "C T"]:
    """Return the accuracy of each stream's queries, those that nobody serves counting 0, (3), (5), (7), ``[C, T]``."""
    client = client_choice_accuracy(scenario, plan.client_choice)
    edge = edge_choice_accuracy(scenario, plan.edge_choice)[scenario.client_edge]
    return plan.local * client + plan.edge * edge + plan.cloud * scenario.cloud_accuracy[None, :]


def edge_demand(scenario: Scenario, shares: Float[AnyArray, "C T"]) -> Float[AnyArray, "E T"]:
    """Demand Σ_{c∈C_e} λ_ct · share at each edge, queries/s; with shares `edge` it is λ^e_t, ``[E, T]``."""
    return sum_per_edge(scenario.demand * shares, scenario.client_edge, scenario.edges)


def sum_per_edge(
    values: Float[AnyArray, "C ..."], client_edge: Int[AnyArray, " C"], edges: int
) -> Float[AnyArray, "E ..."]:
    """Sum over the clients of each edge, ``[E, ...]``.

    Not by a scatter, of which XLA's CPU compiler makes a loop of its own that no other array can be fused with.
    """
    own = client_edge[:, None] == jnp.arange(edges)[None, :]
    own = own.reshape(own.shape + (1,) * (values.ndim - 1))
    return jnp.sum(jnp.where(own, values[:, None], 0.0), axis=0)


def usage(scenario: Scenario, plan: Plan) -> Resources:
    """Left-hand sides of (8) to (12), with (28) in place of (10) where there is batching."""
    served = edge_demand(scenario, plan.edge)
    sent = edge_demand(scenario, plan.edge + plan.cloud)
    edge_load = served * edge_choice_compute(scenario, plan.edge_choice)
    if scenario.batching is not None:
        # A query at an edge without compute would take for ever: infinite, and 0 where there is none.
        seconds = jnp.where(
            edge_load > 0, edge_load / scenario.edge_compute[:, None] * scenario.batching.window[:, None], 0.0
        )
        setup = edge_choice_setup(scenario, plan.edge_choice)
        edge_load = jnp.where(served > 0, setup, 0.0) + seconds
    local_load = scenario.demand * plan.local * client_choice_compute(scenario, plan.client_choice)
    costs = model_costs(scenario)
    return Resources(
        client_memory=jnp.sum(jnp.where(plan.client_models, costs.client_memory, 0.0), axis=1),
        client_compute=jnp.sum(local_load, axis=1),
        edge_memory=jnp.sum(jnp.where(plan.edge_models, costs.edge_memory, 0.0), axis=1),
        edge_compute=jnp.sum(edge_load, axis=1),
        edge_uplink=sent @ scenario.input_size,
        cloud_uplink=jnp.sum(scenario.demand * plan.cloud * scenario.input_size[None, :]),
    )


def capacities(scenario: Scenario) -> Resources:
    """Right-hand sides of (8) to (12), with (28) in place of (10) where there is batching."""
    batching = scenario.batching
    return Resources(
        client_memory=scenario.client_memory,
        client_compute=scenario.client_compute,
        edge_memory=scenario.edge_memory,
        edge_compute=scenario.edge_compute if batching is None else batching.window,
        edge_uplink=scenario.edge_uplink,
        cloud_uplink=scenario.cloud_uplink,
    )
