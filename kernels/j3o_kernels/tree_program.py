"""The offloading step (17) as a program whose rows are a tree, and what its points are worth.

For one instance, with rows divided by their capacities, the program is

    maximise v·x  subject to  A x + s = 1,  x, s ≥ 0        minimise Σw  subject to  z = Aᵀw − v ≥ 0,  w ≥ 0

with x the shares (local, edge, cloud) of each stream. The rows of A are the streams (their slack is the share that is
left unserved, their multiplier y the stream's worth), then (9) per client, (10) and (11) per edge, (12) for the cloud.

Where all must be served, unserved shares have a value far below 0 instead of no column: there is always a point inside,
however scarce capacities are, and prices stay finite.

Arrays in here are ``[T, K, G, B]`` for streams, ``[K, G, B]`` for clients (K rows of G groups, see `ClientGroups`),
``[E, B]`` for edges and ``[B]`` for the cloud.
"""

import functools
import operator
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from .client_groups import ClientGroups, EdgeTree
from .offloading import AnyArray, OffloadingProblem
from .stages import fold, total, written

# Where all must be served, leaving a share unserved costs this many times the best value of any stream.
_PENALTY = 1e4


class Shares(NamedTuple):
    """One number, or a pair of numbers, for each option of a stream."""

    local: Any
    edge: Any
    cloud: Any
    unserved: Any


class Rows(NamedTuple):
    """One number for each capacity row: clients, edges' compute, edges' uplinks, the cloud's uplink."""

    client: Any
    edge: Any
    uplink: Any
    cloud: Any


class Program(NamedTuple):
    """The program with rows divided by capacities and values by their sum; loads are 0 where an option is closed."""

    value: Shares
    is_open: Shares
    local_load: Any
    edge_load: Any
    data: Any
    cloud_per_edge: Any  # data on the cloud's row for each unit of it on the edge's uplink row
    home: Any  # edge of each group, or None
    limit: Rows  # 1, but 0 in places without a client, which have no row
    count: Any  # options and rows


class Point(NamedTuple):
    """Shares and slacks, and the multipliers of all rows."""

    share: Shares
    slack: Rows
    worth: Any  # y, multiplier of the streams' rows
    price: Rows


def program_of(problem: OffloadingProblem, groups: ClientGroups, must: Array) -> Program:
    """The program of a batch; all must be served in the instances `must` ``[B]``."""
    scale = value_scale(problem)[:, None, None]
    opened = _open_options(problem, must)
    values = (problem.local_value, problem.edge_value, problem.cloud_value)
    local, edge, cloud = (jnp.where(is_open, value / scale, 0.0) for is_open, value in zip(opened, values, strict=True))
    home = problem.client_edge
    per_edge = jnp.take_along_axis(reciprocal(problem.edge_compute), home, axis=1)[:, :, None]
    per_uplink = jnp.take_along_axis(reciprocal(problem.edge_uplink), home, axis=1)[:, :, None]
    local_load = jnp.where(opened[0], problem.local_load * reciprocal(problem.client_compute)[:, :, None], 0.0)
    edge_load = jnp.where(opened[1], problem.edge_load * per_edge, 0.0)
    data = jnp.where(opened[1] | opened[2], problem.data * per_uplink, 0.0)
    # What must not be left may be, at a price that is too high: so there is a point inside, and prices stay finite.
    most = jnp.max(jnp.maximum(jnp.maximum(local, edge), cloud), axis=(1, 2))[:, None, None]
    penalty = _PENALTY * jnp.where(most > 0.0, most, 1.0)
    unserved = jnp.where(problem.wanted & must[:, None, None], -penalty, 0.0)
    may_be_left = jnp.ones_like(problem.wanted)
    client = groups.spread(jnp.ones_like(problem.client_compute))
    is_open = [groups.spread(is_open) for is_open in (*opened, may_be_left)]
    # Of clients that have a place.
    rows = jnp.sum(client > 0.0, axis=(0, 1)) + 2 * problem.edge_uplink.shape[1] + 1
    options = summed(jnp.sum(one, axis=(0, 1, 2)) for one in is_open)
    return written(
        lambda: Program(
            value=Shares(*(groups.spread(value) for value in (local, edge, cloud, unserved))),
            is_open=Shares(*is_open),
            local_load=groups.spread(local_load),
            edge_load=groups.spread(edge_load),
            data=groups.spread(data),
            cloud_per_edge=(problem.edge_uplink * reciprocal(problem.cloud_uplink)[:, None]).T,
            home=None if groups.edge is None else jnp.asarray(groups.edge).T,
            limit=Rows(client, 1.0, 1.0, 1.0),
            count=(options + rows).astype(data.dtype),
        )
    )


def _open_options(problem: OffloadingProblem, must: Array) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Options that can carry anything, and have to be looked at. ``[B, C, T]``"""
    home = problem.client_edge

    def at_clients(edges: AnyArray) -> Array:
        return jnp.take_along_axis(edges, home, axis=1)[:, :, None]

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
    """How numbers move along its tree."""
    return EdgeTree(program.cloud_per_edge.shape[0], program.home)


def interior_start(program: Program) -> Point:
    """A point inside: every option gets what a part of each of its rows lets through, prices follow from that."""
    tree = tree_of(program)
    local_open, edge_open, cloud_open, may_be_left = program.is_open
    served = local_open | edge_open | cloud_open
    centre = 0.5 / jnp.maximum(jnp.sum(served, axis=(0, 1, 2)), 1).astype(program.count.dtype)

    def part(load: Array) -> Array:
        return 0.5 / jnp.maximum(load, 0.5)

    data = tree.to_edges(lambda: total(program.data))
    work = tree.to_edges(lambda: total(program.edge_load))
    client = part(total(program.local_load))
    uplink = part(data)
    cloud = part(fold(data * program.cloud_per_edge))
    at_edge = tree.to_streams(jnp.minimum(part(work), uplink))
    to_cloud = tree.to_streams(jnp.minimum(uplink, cloud[None]))
    local = jnp.where(local_open, 0.25 * client[None], 0.0)
    edge = jnp.where(edge_open, 0.25 * at_edge, 0.0)
    cloud = jnp.where(cloud_open, 0.25 * to_cloud, 0.0)
    unserved = jnp.where(may_be_left, 1.0 - local - edge - cloud, 0.0)
    share = Shares(local, edge, cloud, unserved)
    slack = Rows(*(limit - used for limit, used in zip(program.limit, used_by(program, tree, share), strict=True)))
    price = written(lambda: Rows(*(beside(centre, one) * reciprocal(one) for one in slack)))
    costs = costs_of(program, tree, price)()
    surplus = zip(program.is_open[:3], program.value[:3], costs, strict=True)
    best = functools.reduce(jnp.maximum, [jnp.where(is_open, value - cost, 0.0) for is_open, value, cost in surplus])
    best = jnp.maximum(best, 0.0)
    worth = best + of_streams(centre) / jnp.where(may_be_left, unserved, 0.5)
    # Places without a client have rows without columns, whose worth would stay what it is.
    worth = jnp.where(served | may_be_left, worth, 0.0)
    return Point(share, slack, worth, price)


def used_by(program: Program, tree: EdgeTree, share: Shares) -> Rows:
    """Part of each capacity that the shares take."""
    local, edge, cloud, _ = share
    return Rows(
        client=total(program.local_load * local),
        edge=tree.to_edges(lambda: total(program.edge_load * edge)),
        uplink=tree.to_edges(lambda: total(program.data * (edge + cloud))),
        cloud=fold(tree.to_edges(lambda: total(program.data * cloud)) * program.cloud_per_edge),
    )


def residual_of(program: Program, point: Point) -> Array:
    """Largest difference of the two sides of a row, or share that must be served and is not. ``[B]``"""
    tree = tree_of(program)
    local, edge, cloud, unserved = point.share
    there = program.is_open.unserved
    left = jnp.where(program.value.unserved < 0.0, unserved, 0.0)
    whole = jnp.where(there, jnp.maximum(jnp.abs(local + edge + cloud + unserved - 1.0), left), 0.0)
    rows = zip(used_by(program, tree, point.share), point.slack, program.limit, strict=True)
    return over_all(whole, Rows(*(jnp.abs(used + slack - limit) for used, slack, limit in rows)), jnp.maximum)


def costs_of(program: Program, tree: EdgeTree, price: Rows) -> Callable[[], tuple[Array, Array, Array]]:
    """Aᵀ of the capacity rows, what each option of each stream pays for capacities, to be evaluated inside a stage."""
    through = written(lambda: price.uplink + program.cloud_per_edge * price.cloud[None])
    at_edge, at_uplink, beyond = (tree.to_streams(one) for one in (price.edge, price.uplink, through))

    def costs() -> tuple[Array, Array, Array]:
        local = program.local_load * price.client[None]
        return local, program.edge_load * at_edge + program.data * at_uplink, program.data * beyond

    return costs


def reduced_costs(program: Program, tree: EdgeTree, point: Point) -> Callable[[], Shares]:
    """z = Aᵀw − v of every open option, 1 where it is closed, to be evaluated inside a stage."""
    costs = costs_of(program, tree, point.price)

    def reduced() -> Shares:
        surplus = [point.worth + cost - value for cost, value in zip(costs(), program.value[:3], strict=True)]
        pairs = zip(program.is_open, [*surplus, point.worth - program.value.unserved], strict=True)
        return Shares(*(jnp.where(is_open, one, 1.0) for is_open, one in pairs))

    return reduced


def gap_and_bound(point: Point, reduced_cost: Callable[[], Shares]) -> tuple[Array, Array]:
    """Σ x z + Σ s w, which is the duality gap, and Σ w, the dual objective, an upper bound on the optimum."""
    share, slack, price = point.share, point.slack, point.price
    pairs = written(lambda: summed(x * z for x, z in zip(share, reduced_cost(), strict=True)))
    gap = over_all(pairs, Rows(*(s * w for s, w in zip(slack, price, strict=True))), operator.add)
    return gap, over_all(point.worth, price, operator.add)


def over_all(streams: Array, rows: Rows, combine: Any) -> Array:
    """Sum, or another combination, of numbers of all streams and rows. ``[B]``"""
    clients = written(lambda: combine(total(streams, combine), rows.client))
    edges = written(lambda: combine(rows.edge, rows.uplink))
    groups = fold(fold(clients, combine), combine)
    edge = fold(edges, combine)
    return written(lambda: combine(combine(groups, edge), rows.cloud))


def summed(terms: Iterable[Array]) -> Array:
    """Sum of arrays as one expression."""
    return functools.reduce(operator.add, terms)


def of_streams(array: Array) -> Array:
    """Numbers ``[B]`` of instances for each of their streams."""
    return array[None, None, None]


def beside(numbers: Array, array: Array) -> Array:
    """Numbers ``[B]`` of instances, with as many axes as an array."""
    return numbers[(None,) * (array.ndim - 1)]
