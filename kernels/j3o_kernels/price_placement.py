"""Placement of all nodes of whole batches at given prices: the onloading step of the price-directed method.

At prices α, π of compute and u, v of the links, per query of the whole system, a query of stream (c, t) that is served
by its client's model m, by its edge's, or by the cloud leaves

    a^c_mt − α_c w_m          a^e_mt − π_e w_m − u_e d_t          A^s_t − (u_e + v) d_t

and every stream takes what leaves most, or nothing. So a model at a node is worth what it leaves beyond what its
streams have elsewhere, and with the other tier fixed every node's problem is that of `coverage.py`. Edges are placed
first, then clients.

At the best prices many streams are indifferent, and models that only they would use seem to be worth nothing. Prices
are never quite right, though: if what a stream has elsewhere is uncertain by ±τ, uniformly, a lead of x is worth
(x + τ)² / 4τ on average for |x| ≤ τ. With that in place of max(0, x) such ties are broken by usefulness.

Arrays have instances last: ``[T, K, G, B]`` for streams and ``[M, K, G, B]`` for models at clients (`ClientGroups`),
``[M, E, B]`` for models at edges.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from .client_groups import EdgeTree
from .coverage import cover
from .stages import region, total, written


class Market(NamedTuple):
    """What does not change with the prices.

    - `weight`: λ̄ of each stream, 0 where there is none. ``[T, K, G, B]``
    - `client_accuracy` ``[T, M, 1, G, B]``, `edge_accuracy` ``[T, M, E, B]``, `cloud_accuracy` ``[T, 1, 1, B]``; 0 is
      "not supported".
    - `client_cost` ``[M, 1, 1, B]``, `edge_cost` ``[M, E, B]``: load per query.
    - `edge_setup`: load of each task that is open; None where there is none. ``[M, E, B]``
    - `client_size` ``[M, 1, 1, B]``, `edge_size` ``[M, 1, B]``; `client_budget` ``[K, G, B]``, `edge_budget` ``[E, B]``
    - `client_works` ``[K, G, B]``, `edge_works`, `uplink_works` ``[E, B]``, `cloud_works` ``[B]``: whether there is any
      of the capacity; where not, only what needs none of it can be served.
    - `input_size`: data per query. ``[T, 1, 1, B]``
    - `home`: the edge of each group; None where group g is edge g throughout. ``[G, B]``
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
    client_works: Array
    edge_works: Array
    uplink_works: Array
    cloud_works: Array
    input_size: Array
    home: Array | None


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


class Trial(NamedTuple):
    """How a placement departs from the best answer to the prices.

    - `uncertainty`: τ. ``[B]``
    - `client_free` ``[K, G, B]``, `edge_free` ``[E, B]``: nodes that may choose anew.
    - `client_taste` ``[M, K, G, B]``, `edge_taste` ``[M, E, B]``: factors on what each model earns.
    """

    uncertainty: Array
    client_free: Array
    edge_free: Array
    client_taste: Array
    edge_taste: Array


# What an option leaves that is not there.
_NEVER = -1e9


def place_at_prices(market: Market, prices: CapacityPrices, before: Choices, trial: Trial) -> Choices:
    """What free nodes choose at the prices; the others keep what they chose `before`."""
    tree = EdgeTree(market.edge_budget.shape[0], market.home)
    tasks = market.weight.shape[0]
    data = market.input_size

    def local_leaves() -> Array:
        """``[T, M, K, G, B]``"""
        usable = (market.client_accuracy > 0.0) & (market.client_works[None] | (market.client_cost <= 0.0))[None]
        toll = jnp.where(market.client_cost > 0.0, prices.client[None] * market.client_cost, 0.0)
        return jnp.where(usable, market.client_accuracy - toll[None], _NEVER)

    def edge_leaves() -> Array:
        """``[T, M, E, B]``"""
        usable = (market.edge_accuracy > 0.0) & (market.edge_works[None] | (market.edge_cost <= 0.0))[None]
        usable &= market.uplink_works[None, None] | (data <= 0.0)
        toll = jnp.where(market.edge_cost > 0.0, prices.compute[None] * market.edge_cost, 0.0)
        return jnp.where(usable, market.edge_accuracy - toll[None] - prices.uplink[None, None] * data, _NEVER)

    def cloud_leaves() -> Array:
        """Of clients in each group. ``[T, 1, G, B]``"""
        way_open = tree.to_groups(market.uplink_works.astype(data.dtype))[None, None] > 0.0
        usable = (way_open & market.cloud_works[None, None, None]) | (data <= 0.0)
        toll = (tree.to_groups(prices.uplink)[None, None] + prices.cloud[None, None, None]) * data
        return jnp.where(usable, jnp.maximum(market.cloud_accuracy - toll, 0.0), 0.0)

    def leaves() -> tuple[Array, Array, Array, Array]:
        edge = written(edge_leaves)
        return written(local_leaves), edge, written(cloud_leaves), tree.to_groups(edge)

    local, edge, cloud, of_groups = region(leaves)()

    def taken(leaves: Array, choice: Array) -> Array:
        """What the choices leave, 0 for none."""
        own = jnp.take_along_axis(leaves, jnp.maximum(choice, 0)[:, None], axis=1)[:, 0]
        return jnp.where(choice >= 0, jnp.maximum(own, 0.0), 0.0)

    def worth(weight: Array, leaves: Array, elsewhere: Array) -> Array:
        spread = jnp.maximum(trial.uncertainty, 1e-12)[None, None, None]
        lead = leaves - elsewhere
        near = 0.25 * jnp.square(jnp.maximum(lead + spread, 0.0)) / spread
        return jnp.where(leaves > 0.5 * _NEVER, weight * jnp.where(lead >= spread, lead, near), 0.0)

    def at_edges(clients: Array) -> Array:
        def profit(task: int, elsewhere: Array) -> Array:
            """Of each group. ``[M, G, B]``"""
            leads = worth(market.weight[task][None], of_groups[task][:, None], elsewhere[task][None])
            return jnp.sum(leads, axis=1)

        def tasted(profit: Array) -> Array:
            if market.edge_setup is not None:
                profit = jnp.maximum(profit - prices.compute[None] * market.edge_setup, 0.0)
            return profit * trial.edge_taste

        def profits() -> Array:
            elsewhere = written(lambda: jnp.maximum(taken(local, clients), cloud))
            earned = [tree.gathered(written(lambda task=task: profit(task, elsewhere))) for task in range(tasks)]
            return written(lambda: jnp.stack([tasted(profit) for profit in earned]))

        return cover(region(profits)(), market.edge_size, market.edge_budget).choice

    def at_clients(edges: Array) -> Array:
        def profits() -> Array:
            at_edge = written(lambda: taken(edge, edges))
            elsewhere = written(lambda: jnp.maximum(tree.to_groups(at_edge)[:, None], cloud))
            return written(lambda: weighed(elsewhere))

        def weighed(elsewhere: Array) -> Array:
            own = [worth(market.weight[task][None], local[task], elsewhere[task][None]) for task in range(tasks)]
            return jnp.stack(own) * trial.client_taste[None]

        return cover(region(profits)(), market.client_size, market.client_budget).choice

    def completed(leaves: Array, choice: Array) -> Array:
        """Tasks that chose none get the held model that leaves most: the routing may use it, and loses nothing."""
        models = leaves.shape[1]
        number = jnp.arange(models).reshape(models, *[1] * (choice.ndim - 1))
        held = total(choice[:, None] == number[None], jnp.logical_or)
        held = written(lambda: jnp.where(held[None], leaves, _NEVER))
        most = jnp.max(held, axis=1)
        return jnp.where((choice < 0) & (most > 0.5 * _NEVER), jnp.argmax(held, axis=1), choice)

    at_edge = at_edges(before.client)
    edges = written(lambda: jnp.where(trial.edge_free[None], at_edge, before.edge))
    at_client = at_clients(edges)

    def chosen() -> Choices:
        clients = written(lambda: jnp.where(trial.client_free[None], completed(local, at_client), before.client))
        if market.edge_setup is not None:
            # With set-up times an open task has a cost.
            return Choices(clients, edges)
        whole = written(lambda: jnp.where(trial.edge_free[None], completed(edge, edges), before.edge))
        return Choices(clients, whole)

    return region(chosen)()
