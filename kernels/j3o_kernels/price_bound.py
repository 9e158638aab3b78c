"""Upper bounds on the objective from prices: the dual of the strong formulation at any point.

For any prices α, π of compute and u, v of the links, all ≥ 0, and any worth n of the streams that is at least what the
cloud leaves of it, n ≥ max(0, A − H u − J v), no plan is worth more than

    D = Σ α β + Σ (π β + u κ) + v κ_s + Σ n + Σ_nodes knapsack_v( P_v )

in the symbols of `relaxation_program.py`, with what a model can earn beyond what its streams are worth anyway,

    P_cm = Σ_t max(0, a − U (n + L α))
    P_em = Σ_t max(0, Σ_c max(0, b − U (n + H u + G π)) − ν π)

(ν is the set-up load of a task with batching, else 0) and the knapsack of models in a node's memory, of which each
may be taken once. So a proof never depends on how prices were found; the least D is the value of the linear
relaxation, or less where knapsacks of whole models are tighter.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from .client_groups import to_edges, to_groups
from .relaxation_program import RelaxationProblem


class Prices(NamedTuple):
    """A point of the dual.

    - `stream`: n ``[B, G, K, T]``; what it lacks of what the cloud leaves is added.
    - `client` ``[B, G, K]``, `compute`, `uplink` ``[B, E]``, `cloud` ``[B]``: taken as 0 where negative or not finite.
    """

    stream: Any
    client: Any
    compute: Any
    uplink: Any
    cloud: Any


def price_bound(problem: RelaxationProblem, prices: Prices) -> Array:
    """D, rounded up. ``[B]``"""
    edges = problem.edge_limit.shape[1]
    stream, client, compute, uplink, cloud = (
        jnp.where(jnp.isfinite(price), jnp.maximum(price, 0.0), 0.0) for price in prices
    )
    eps = jnp.finfo(stream.dtype).eps
    by_uplink = problem.data * to_groups(uplink, problem.home)[:, :, None, None]
    way = by_uplink + problem.cloud_data * cloud[:, None, None, None]
    left = problem.value_cloud - way + 4.0 * eps * (problem.value_cloud + way)
    stream = jnp.where(problem.value_cloud > 0.0, jnp.maximum(stream, left), stream)
    # What streams and capacities ask of flows.
    load = problem.local_load[..., None] * problem.client_cost[:, None, None, None]
    work = problem.edge_load[..., None] * to_groups(problem.edge_cost, problem.home)[:, :, None, None]
    toll = to_groups(compute, problem.home)[:, :, None, None, None]
    local = problem.part_local * (stream[..., None] + load * client[:, :, :, None, None])
    edge = problem.part_edge * ((stream + by_uplink)[..., None] + work * toll)

    def earned(value: Array, pull: Array) -> Array:
        # What the difference loses to rounding is at most this.
        return jnp.where(value > 0.0, jnp.maximum(value - pull + 8.0 * eps * (value + pull), 0.0), 0.0)

    at_client = jnp.sum(earned(problem.value_local, local), axis=3)
    by_task = to_edges(jnp.sum(earned(problem.value_edge, edge), axis=2), problem.home, edges)
    opening = (compute[..., None] * problem.edge_setup)[:, :, None] * (1.0 - 4.0 * eps)
    at_edge = jnp.sum(jnp.maximum(by_task * (1.0 + problem.data[0].size * eps) - opening, 0.0), axis=2)
    bound = (
        jnp.sum(stream, axis=(1, 2, 3))
        + jnp.sum(client * problem.client_limit, axis=(1, 2))
        + jnp.sum(compute * problem.edge_limit + uplink * problem.uplink_limit, axis=1)
        + cloud * problem.cloud_limit
        + jnp.sum(_knapsack(at_client, problem.client_size), axis=(1, 2))
        + jnp.sum(_knapsack(at_edge, problem.edge_size), axis=1)
    )
    # All terms are ≥ 0: a sum of N of them is too small by at most N bits.
    terms = problem.value_local[0].size + problem.value_edge[0].size + problem.edge_size[0].size
    return bound * (1.0 + terms * eps)


def _knapsack(profit: Array, size: Array) -> Array:
    """The most that whole items can earn in a room of 1, or a bound on it (Martello and Toth, 1977). ``[...]``

    The linear bound fills the room in the order of profit per size, the last item in part. Either that item is left
    out, and what remains of the room earns at most the next item's rate; or it is in, and what it takes too much
    is given back at the rate of the item before, at least.
    """
    tiny = jnp.finfo(profit.dtype).tiny
    rate = profit / jnp.maximum(size, tiny)
    order = jnp.argsort(-rate, axis=-1)
    profit, size, rate = (jnp.take_along_axis(one, order, axis=-1) for one in (profit, size, rate))
    filled = jnp.cumsum(size, axis=-1)
    eps = jnp.finfo(profit.dtype).eps
    fits = filled <= 1.0 + size.shape[-1] * eps
    whole = jnp.sum(jnp.where(fits, profit, 0.0), axis=-1)
    count = jnp.sum(fits, axis=-1)
    room = jnp.maximum(1.0 - jnp.max(jnp.where(fits, filled, 0.0), axis=-1), 0.0) + 2 * size.shape[-1] * eps

    def at(values: Array, place: Array) -> Array:
        inside = (place >= 0) & (place < values.shape[-1])
        there = jnp.take_along_axis(values, jnp.clip(place, 0, values.shape[-1] - 1)[..., None], axis=-1)[..., 0]
        return jnp.where(inside, there, 0.0)

    linear = whole + room * at(rate, count)
    without = whole + room * at(rate, count + 1)
    excess = jnp.maximum(at(size, count) - room, 0.0)
    given = jnp.where((count > 0) & (excess > 0.0), excess * at(rate, count - 1), 0.0)
    inside = whole + at(profit, count) - given
    none = count >= profit.shape[-1]
    return jnp.where(none, whole, jnp.minimum(linear, jnp.maximum(without, jnp.where(count > 0, inside, 0.0))))
