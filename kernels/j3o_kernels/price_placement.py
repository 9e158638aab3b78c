"""Best-response placement of all nodes of whole batches to given prices: onloading by the price-directed method.

At prices α, π of compute and u, v of the links, per query of the whole system, a query of stream (c, t) that is served
by its client's model m, by its edge's, or by the cloud has the margin

    a^c_mt − α_c w_cm         a^e_mt − π_e w_em − u_e d_t         A^s_t − (u_e + v) d_t

and every stream takes the option of the highest margin, or none. So the profit of a model at a node is its lead over
the margins that its streams have elsewhere, and with the other tier fixed every node's problem is that of
`coverage.py`. Edges are placed first, then clients.

At optimal prices many streams are indifferent, and models that only they would use have no profit. Prices are never
quite right, though: if the margin elsewhere is uncertain by ±τ, uniformly, the expected profit of a lead x is
(x + τ)² / 4τ for |x| ≤ τ. That in place of max(0, x) smooths the profit and breaks such ties by usefulness.

Arrays have instances last: ``[T, K, G, B]`` for streams and ``[M, K, G, B]`` for models at clients (`ClientGroups`),
``[M, E, B]`` for models at edges.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from .client_groups import EdgeTree
from .coverage import max_coverage
from .materialize import compilation_unit, materialize, reduce_slices
from .shared_coverage import shared_coverage


class PlacementData(NamedTuple):
    """Data of the placement problem that does not depend on the prices.

    - `weight`: λ̄ of each stream, 0 where there is none. ``[T, K, G, B]``
    - `client_accuracy` ``[T, M, 1, G, B]``, `edge_accuracy` ``[T, M, E, B]``, `cloud_accuracy` ``[T, 1, 1, B]``; 0 is
      "not supported".
    - `client_cost` ``[M, 1 or K, 1 or G, B]``, `edge_cost` ``[M, E, B]``: load per query.
    - `edge_setup`: load of each task that is open; None where there is none. ``[M, E, B]``
    - `client_size` ``[M, 1 or K, 1 or G, B]``, `edge_size` ``[M, 1 or E, B]``; `client_budget` ``[K, G, B]``,
      `edge_budget` ``[E, B]``
    - `client_has_capacity` ``[K, G, B]``, `edge_has_capacity`, `uplink_has_capacity` ``[E, B]``, `cloud_has_capacity`
      ``[B]``: mask of capacities above 0; where there is none, only what needs none of it can be served.
    - `input_size`: data per query. ``[T, 1, 1, B]``
    - `edge_index`: the edge of each group; None where group g is edge g throughout. ``[G, B]``
    - `client_charge` ``[M, K, G, B]``, `edge_charge` ``[M, E, B]``: cost of holding each model; None where it is free.
    """

    weight: Array
    client_accuracy: Array
    edge_accuracy: Array
    cloud_accuracy: Array
    client_cost: Array
    edge_cost: Array
    edge_setup: Array | None
    client_size: Array
    edge_size: Array
    client_budget: Array
    edge_budget: Array
    client_has_capacity: Array
    edge_has_capacity: Array
    uplink_has_capacity: Array
    cloud_has_capacity: Array
    input_size: Array
    edge_index: Array | None
    client_charge: Array | None = None
    edge_charge: Array | None = None


class CapacityPrices(NamedTuple):
    """Prices of the capacities, in objective per unit of load of all queries together.

    `client` ``[K, G, B]``; `compute`, `uplink` ``[E, B]``; `cloud` ``[B]``.
    """

    client: Array
    compute: Array
    uplink: Array
    cloud: Array


class Choices(NamedTuple):
    """The model for each task, −1 for none: ``[T, K, G, B]`` at clients, ``[T, E, B]`` at edges."""

    client: Array
    edge: Array


class Perturbation(NamedTuple):
    """Perturbation of the best response to the prices.

    - `uncertainty`: τ. ``[B]``
    - `client_free` ``[K, G, B]``, `edge_free` ``[E, B]``: nodes that are re-optimised.
    - `client_noise` ``[M, K, G, B]``, `edge_noise` ``[M, E, B]``: multiplicative noise on the models' profits.
    """

    uncertainty: Array
    client_free: Array
    edge_free: Array
    client_noise: Array
    edge_noise: Array


# Margin of an option that does not exist.
_NEVER = -1e9


def place_at_prices(
    problem: PlacementData,
    prices: CapacityPrices,
    before: Choices,
    perturbation: Perturbation,
    importance: Array | None = None,
) -> Choices:
    """Place models at free nodes by their best response to the prices; the others keep their choices `before`.

    **Arguments:**

    - `importance`: where the instances are scenarios that share one placement, the weight of each: a node then holds
      the set of models that earns most over all of them, out of which each scenario chooses. ``[B]``
    """
    tree = EdgeTree(problem.edge_budget.shape[0], problem.edge_index)
    tasks = problem.weight.shape[0]
    data = problem.input_size

    def local_margins() -> Array:
        """Margins of models at clients ``[T, M, K, G, B]``."""
        usable = (problem.client_accuracy > 0.0) & (problem.client_has_capacity[None] | (problem.client_cost <= 0.0))[
            None
        ]
        cost = jnp.where(problem.client_cost > 0.0, prices.client[None] * problem.client_cost, 0.0)
        return jnp.where(usable, problem.client_accuracy - cost[None], _NEVER)

    def edge_margins() -> Array:
        """Margins of models at edges ``[T, M, E, B]``."""
        usable = (problem.edge_accuracy > 0.0) & (problem.edge_has_capacity[None] | (problem.edge_cost <= 0.0))[None]
        usable &= problem.uplink_has_capacity[None, None] | (data <= 0.0)
        cost = jnp.where(problem.edge_cost > 0.0, prices.compute[None] * problem.edge_cost, 0.0)
        return jnp.where(usable, problem.edge_accuracy - cost[None] - prices.uplink[None, None] * data, _NEVER)

    def cloud_margins() -> Array:
        """Margins of the cloud for clients of each group ``[T, 1, G, B]``."""
        linked = tree.to_groups(problem.uplink_has_capacity.astype(data.dtype))[None, None] > 0.0
        usable = (linked & problem.cloud_has_capacity[None, None, None]) | (data <= 0.0)
        cost = (tree.to_groups(prices.uplink)[None, None] + prices.cloud[None, None, None]) * data
        return jnp.where(usable, jnp.maximum(problem.cloud_accuracy - cost, 0.0), 0.0)

    def margins() -> tuple[Array, Array, Array, Array]:
        edge = materialize(edge_margins)
        return materialize(local_margins), edge, materialize(cloud_margins), tree.to_groups(edge)

    local, edge, cloud, of_groups = compilation_unit(margins)()

    def chosen_margins(margins: Array, choice: Array) -> Array:
        """Margins of the choices, 0 for none."""
        own = jnp.take_along_axis(margins, jnp.maximum(choice, 0)[:, None], axis=1)[:, 0]
        return jnp.where(choice >= 0, jnp.maximum(own, 0.0), 0.0)

    def smoothed_profit(weight: Array, margins: Array, elsewhere: Array) -> Array:
        width = jnp.maximum(perturbation.uncertainty, 1e-12)[None, None, None]
        lead = margins - elsewhere
        near = 0.25 * jnp.square(jnp.maximum(lead + width, 0.0)) / width
        return jnp.where(margins > 0.5 * _NEVER, weight * jnp.where(lead >= width, lead, near), 0.0)

    def at_edges(clients: Array) -> Array:
        def profit(task: int, elsewhere: Array) -> Array:
            """Profit of each model from the streams of each group ``[M, G, B]``."""
            leads = smoothed_profit(problem.weight[task][None], of_groups[task][:, None], elsewhere[task][None])
            return jnp.sum(leads, axis=1)

        def perturb(profit: Array) -> Array:
            if problem.edge_setup is not None:
                profit = jnp.maximum(profit - prices.compute[None] * problem.edge_setup, 0.0)
            return profit * perturbation.edge_noise

        def profits() -> Array:
            elsewhere = materialize(lambda: jnp.maximum(chosen_margins(local, clients), cloud))
            earned = [tree.sum_groups(materialize(lambda task=task: profit(task, elsewhere))) for task in range(tasks)]
            return materialize(lambda: jnp.stack([perturb(profit) for profit in earned]))

        return best_response(compilation_unit(profits)(), problem.edge_size, problem.edge_budget, problem.edge_charge)

    def at_clients(edges: Array) -> Array:
        def profits() -> Array:
            at_edge = materialize(lambda: chosen_margins(edge, edges))
            elsewhere = materialize(lambda: jnp.maximum(tree.to_groups(at_edge)[:, None], cloud))
            return materialize(lambda: profits_beyond(elsewhere))

        def profits_beyond(elsewhere: Array) -> Array:
            own = [
                smoothed_profit(problem.weight[task][None], local[task], elsewhere[task][None]) for task in range(tasks)
            ]
            return jnp.stack(own) * perturbation.client_noise[None]

        return best_response(
            compilation_unit(profits)(), problem.client_size, problem.client_budget, problem.client_charge
        )

    def best_response(profit: Array, size: Array, budget: Array, charge: Array | None) -> Array:
        if importance is None:
            return max_coverage(profit, size, budget, charge=charge).choice
        return _shared_choice(profit, size, budget, importance)

    def complete(margins: Array, choice: Array) -> Array:
        """Give tasks without a choice the held model of the highest margin: routing may use it, and loses nothing."""
        models = margins.shape[1]
        number = jnp.arange(models).reshape(models, *[1] * (choice.ndim - 1))
        held = reduce_slices(choice[:, None] == number[None], jnp.logical_or)
        if importance is not None:
            held = jnp.any(held, axis=-1, keepdims=True)
        held = materialize(lambda: jnp.where(held[None], margins, _NEVER))
        most = jnp.max(held, axis=1)
        return jnp.where((choice < 0) & (most > 0.5 * _NEVER), jnp.argmax(held, axis=1), choice)

    at_edge = at_edges(before.client)
    edges = materialize(lambda: jnp.where(perturbation.edge_free[None], at_edge, before.edge))
    at_client = at_clients(edges)

    def chosen() -> Choices:
        clients = materialize(
            lambda: jnp.where(perturbation.client_free[None], complete(local, at_client), before.client)
        )
        if problem.edge_setup is not None:
            # With set-up times an open task has a cost.
            return Choices(clients, edges)
        completed = materialize(lambda: jnp.where(perturbation.edge_free[None], complete(edge, edges), before.edge))
        return Choices(clients, completed)

    return compilation_unit(chosen)()


def _shared_choice(profit: Array, size: Array, budget: Array, importance: Array) -> Array:
    """Choices ``[T, *N, B]`` out of one set of each node for all instances; profits are ``[T, M, *N, B]``."""
    tasks, models, *nodes, batch = profit.shape
    weight = importance.reshape((1,) * (profit.ndim - 1) + importance.shape)
    rows = jnp.moveaxis(profit * weight, 0, -2).reshape(models, -1, tasks * batch)
    size = jnp.broadcast_to(size[..., 0], (models, *nodes)).reshape(models, -1)
    held = shared_coverage(rows, size, jnp.min(budget, axis=-1).reshape(-1)).reshape(1, models, *nodes, 1)
    own = jnp.where(held, profit, 0.0)
    return jnp.where(jnp.max(own, axis=1) > 0.0, jnp.argmax(own, axis=1), -1)
