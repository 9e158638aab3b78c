"""The offloading step (17) as a linear program whose rows form a tree: its data, starting point and residuals.

For one instance, with rows divided by their capacities, the program is

    maximise v·x  subject to  A x + s = 1,  x, s ≥ 0        minimise Σw  subject to  z = Aᵀw − v ≥ 0,  w ≥ 0

with x the shares (local, edge, cloud) of each stream. The rows of A are the streams (their slack is the share that is
left unserved, their multiplier y the stream's price), then (9) per client, (10) and (11) per edge, (12) for the cloud.

Where all must be served, unserved shares have a large penalty (big M) instead of no column: the program always has an
interior, however scarce capacities are, and prices stay finite.

Arrays in here are ``[T, K, G, B]`` for streams, ``[K, G, B]`` for clients (K rows of G groups, see `ClientGroups`),
``[E, B]`` for edges and ``[B]`` for the cloud.
"""

import functools
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .client_groups import ClientGroups, EdgeTree
from .materialize import materialize, reduce_slices, sum_terms, tree_reduce
from .offloading import AnyArray, OffloadingProblem

# Where all must be served, leaving a share unserved costs this many times the best value of any stream.
_PENALTY = 1e4


class Shares(NamedTuple):
    """Value, or pair of values, of each option of a stream."""

    local: Any
    edge: Any
    cloud: Any
    unserved: Any


class Rows(NamedTuple):
    """Value of each capacity row: clients' and edges' compute, edges' uplinks, the cloud's uplink."""

    client: Any
    edge: Any
    uplink: Any
    cloud: Any


class Program(NamedTuple):
    """Program with rows divided by capacities and values by their sum; loads are 0 where an option is closed."""

    value: Shares
    is_open: Shares
    local_load: Any
    edge_load: Any
    data: Any
    cloud_per_edge: Any  # data on the cloud's row for each unit of it on the edge's uplink row
    edge_index: Any  # edge of each group, or None
    limit: Rows  # 1, but 0 in places without a client, which have no row
    count: Any  # options and rows


class Point(NamedTuple):
    """Shares and slacks, and the multipliers of all rows."""

    share: Shares
    slack: Rows
    stream_price: Any  # y, multipliers of the streams' rows
    price: Rows


def program_of(problem: OffloadingProblem, groups: ClientGroups, must: Array) -> Program:
    """Build the program of a batch; all must be served in the instances `must` ``[B]``."""
    scale = value_scale(problem)[:, None, None]
    opened = _open_options(problem, must)
    values = (problem.local_value, problem.edge_value, problem.cloud_value)
    local, edge, cloud = (jnp.where(is_open, value / scale, 0.0) for is_open, value in zip(opened, values, strict=True))
    edge_index = problem.client_edge
    per_edge = jnp.take_along_axis(reciprocal(problem.edge_compute), edge_index, axis=1)[:, :, None]
    per_uplink = jnp.take_along_axis(reciprocal(problem.edge_uplink), edge_index, axis=1)[:, :, None]
    local_load = jnp.where(opened[0], problem.local_load * reciprocal(problem.client_compute)[:, :, None], 0.0)
    edge_load = jnp.where(opened[1], problem.edge_load * per_edge, 0.0)
    data = jnp.where(opened[1] | opened[2], problem.data * per_uplink, 0.0)
    # Big M: what must be served may be left at a prohibitive penalty, so that the program has an interior.
    most = jnp.max(jnp.maximum(jnp.maximum(local, edge), cloud), axis=(1, 2))[:, None, None]
    penalty = _PENALTY * jnp.where(most > 0.0, most, 1.0)
    unserved = jnp.where(problem.wanted & must[:, None, None], -penalty, 0.0)
    may_be_left = jnp.ones_like(problem.wanted)
    client = groups.to_groups(jnp.ones_like(problem.client_compute))
    is_open = [groups.to_groups(is_open) for is_open in (*opened, may_be_left)]
    # Of clients that have a place.
    rows = jnp.sum(client > 0.0, axis=(0, 1)) + 2 * problem.edge_uplink.shape[1] + 1
    options = sum_terms(jnp.sum(one, axis=(0, 1, 2)) for one in is_open)
    return materialize(
        lambda: Program(
            value=Shares(*(groups.to_groups(value) for value in (local, edge, cloud, unserved))),
            is_open=Shares(*is_open),
            local_load=groups.to_groups(local_load),
            edge_load=groups.to_groups(edge_load),
            data=groups.to_groups(data),
            cloud_per_edge=(problem.edge_uplink * reciprocal(problem.cloud_uplink)[:, None]).T,
            edge_index=None if groups.edge is None else jnp.asarray(groups.edge).T,
            limit=Rows(client, 1.0, 1.0, 1.0),
            count=(options + rows).astype(data.dtype),
        )
    )


def _open_options(problem: OffloadingProblem, must: Array) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Options that can carry anything, and are worth a variable ``[B, C, T]``."""
    edge_index = problem.client_edge

    def at_clients(edges: AnyArray) -> Array:
        return jnp.take_along_axis(edges, edge_index, axis=1)[:, :, None]

    link = (at_clients(problem.edge_uplink) > 0.0) | (problem.data <= 0.0)
    to_cloud = problem.cloud_open & link & ((problem.cloud_uplink[:, None, None] > 0.0) | (problem.data <= 0.0))
    local = problem.local_open & ((problem.client_compute[:, :, None] > 0.0) | (problem.local_load <= 0.0))
    edge = problem.edge_open & link & ((at_clients(problem.edge_compute) > 0.0) | (problem.edge_load <= 0.0))
    options = ((local, problem.local_value), (edge, problem.edge_value), (to_cloud, problem.cloud_value))
    local, edge, cloud = (problem.wanted & able & (must[:, None, None] | (value > 0.0)) for able, value in options)
    return local, edge, cloud


def value_scale(problem: OffloadingProblem) -> Float[Array, " B"]:
    """Sum of the streams' best values, 1 where there is none: an upper bound on the optimum."""
    best = jnp.maximum(jnp.maximum(problem.local_value, problem.edge_value), problem.cloud_value)
    scale = jnp.sum(jnp.where(problem.wanted, best, 0.0), axis=(1, 2))
    return jnp.where(scale > 0.0, scale, 1.0)


def reciprocal(capacity: AnyArray) -> Array:
    """1 / capacity; 0 where there is none."""
    return jnp.where(capacity > 0.0, 1.0 / jnp.where(capacity > 0.0, capacity, 1.0), 0.0)


def tree_of(program: Program) -> EdgeTree:
    """Tree of its clients and edges."""
    return EdgeTree(program.cloud_per_edge.shape[0], program.edge_index)


def interior_start(program: Program) -> Point:
    """Strictly feasible primal-dual start: options share parts of their rows' capacities, prices centre the slacks."""
    tree = tree_of(program)
    local_open, edge_open, cloud_open, may_be_left = program.is_open
    served = local_open | edge_open | cloud_open
    centre = 0.5 / jnp.maximum(jnp.sum(served, axis=(0, 1, 2)), 1).astype(program.count.dtype)

    def part(load: Array) -> Array:
        return 0.5 / jnp.maximum(load, 0.5)

    data = tree.to_edges(lambda: reduce_slices(program.data))
    work = tree.to_edges(lambda: reduce_slices(program.edge_load))
    client = part(reduce_slices(program.local_load))
    uplink = part(data)
    cloud = part(tree_reduce(data * program.cloud_per_edge))
    at_edge = tree.to_streams(jnp.minimum(part(work), uplink))
    to_cloud = tree.to_streams(jnp.minimum(uplink, cloud[None]))
    local = jnp.where(local_open, 0.25 * client[None], 0.0)
    edge = jnp.where(edge_open, 0.25 * at_edge, 0.0)
    cloud = jnp.where(cloud_open, 0.25 * to_cloud, 0.0)
    unserved = jnp.where(may_be_left, 1.0 - local - edge - cloud, 0.0)
    share = Shares(local, edge, cloud, unserved)
    slack = jax.tree.map(operator.sub, program.limit, used_by(program, tree, share))
    price = materialize(lambda: jax.tree.map(lambda one: expand_like(centre, one) * reciprocal(one), slack))
    costs = costs_of(program, tree, price)()
    surplus = zip(program.is_open[:3], program.value[:3], costs, strict=True)
    best = functools.reduce(jnp.maximum, [jnp.where(is_open, value - cost, 0.0) for is_open, value, cost in surplus])
    best = jnp.maximum(best, 0.0)
    stream_price = best + expand_like(centre, unserved) / jnp.where(may_be_left, unserved, 0.5)
    # Places without a client have rows without columns, whose price would never change.
    stream_price = jnp.where(served | may_be_left, stream_price, 0.0)
    return Point(share, slack, stream_price, price)


def used_by(program: Program, tree: EdgeTree, share: Shares) -> Rows:
    """Multiply A with the shares: the part of each capacity that they take."""
    local, edge, cloud, _ = share
    return Rows(
        client=reduce_slices(program.local_load * local),
        edge=tree.to_edges(lambda: reduce_slices(program.edge_load * edge)),
        uplink=tree.to_edges(lambda: reduce_slices(program.data * (edge + cloud))),
        cloud=tree_reduce(tree.to_edges(lambda: reduce_slices(program.data * cloud)) * program.cloud_per_edge),
    )


def residual_of(program: Program, point: Point) -> Array:
    """Largest primal residual of a row, or share that must be served and is not ``[B]``."""
    tree = tree_of(program)
    local, edge, cloud, unserved = point.share
    there = program.is_open.unserved
    left = jnp.where(program.value.unserved < 0.0, unserved, 0.0)
    streams = jnp.where(there, jnp.maximum(jnp.abs(local + edge + cloud + unserved - 1.0), left), 0.0)
    used = used_by(program, tree, point.share)
    rows = jax.tree.map(lambda used, slack, limit: jnp.abs(used + slack - limit), used, point.slack, program.limit)
    return reduce_all(streams, rows, jnp.maximum)


def costs_of(program: Program, tree: EdgeTree, price: Rows) -> Callable[[], tuple[Array, Array, Array]]:
    """Aᵀ w of the capacity rows, each option's cost of capacities, as a function to call behind a barrier."""
    through = materialize(lambda: price.uplink + program.cloud_per_edge * price.cloud[None])
    at_edge, at_uplink, beyond = (tree.to_streams(one) for one in (price.edge, price.uplink, through))

    def costs() -> tuple[Array, Array, Array]:
        local = program.local_load * price.client[None]
        return local, program.edge_load * at_edge + program.data * at_uplink, program.data * beyond

    return costs


def reduced_costs(program: Program, tree: EdgeTree, point: Point) -> Callable[[], Shares]:
    """Slack z = Aᵀw − v of every open option, 1 where it is closed, as a function to call behind a barrier."""
    costs = costs_of(program, tree, point.price)

    def reduced() -> Shares:
        surplus = [point.stream_price + cost - value for cost, value in zip(costs(), program.value[:3], strict=True)]
        every = Shares(*[*surplus, point.stream_price - program.value.unserved])
        return jax.tree.map(lambda is_open, one: jnp.where(is_open, one, 1.0), program.is_open, every)

    return reduced


def gap_and_bound(point: Point, reduced_cost: Callable[[], Shares]) -> tuple[Array, Array]:
    """Σ x z + Σ s w, the duality gap, and Σ w, the dual objective, an upper bound on the optimum."""
    share, slack, price = point.share, point.slack, point.price
    pairs = materialize(lambda: sum_terms(x * z for x, z in zip(share, reduced_cost(), strict=True)))
    gap = reduce_all(pairs, jax.tree.map(operator.mul, slack, price), operator.add)
    return gap, reduce_all(point.stream_price, price, operator.add)


def reduce_all(streams: Array, rows: Rows, combine: Any) -> Array:
    """Reduce values of all streams and rows ``[B]``."""
    clients = materialize(lambda: combine(reduce_slices(streams, combine), rows.client))
    edges = materialize(lambda: combine(rows.edge, rows.uplink))
    groups = tree_reduce(tree_reduce(clients, combine), combine)
    edge = tree_reduce(edges, combine)
    return materialize(lambda: combine(combine(groups, edge), rows.cloud))


def expand_like(numbers: Array, array: Array) -> Array:
    """Prepend axes to values of instances ``[B]``, to as many as an array has."""
    return numbers[(None,) * (array.ndim - 1)]
