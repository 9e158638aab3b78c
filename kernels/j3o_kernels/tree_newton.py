"""Newton directions of the offloading program by Schur complements along its tree.

Mehrotra's predictor-corrector method solves in every iteration

    (A D Aᵀ + diag(s/w)) Δw = right-hand side,      D = diag(x/z),

twice. Here that matrix is a tree: each stream meets its client, its edge and the cloud, each client its edge and the
cloud. Streams are eliminated first (one number each), then clients (one number), then edges (two: compute and uplink),
then the cloud. No matrix is formed; an iteration is a few passes over arrays of streams and sums along axes.

With h = Δz/z of the predictor, Δx/x = −1 − h: its products and step lengths need no further arrays. Where rows are
linearly dependent a price can move without any share; static regularisation of every pivot pins it.
"""

import functools
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .client_groups import EdgeTree
from .materialize import materialize, reduce_slices, sum_terms, tree_reduce
from .tree_program import Point, Program, Rows, Shares, costs_of, expand_like, reciprocal, reduce_all

# Static regularisation: this power of eps is added to every pivot. It pins duals that no primal variable depends on.
_REGULARIZATION = 2.0 / 3.0
# A Schur complement pivot below this many eps of its original diagonal entry is zero: the row is linearly dependent.
_ZERO_PIVOT = 8.0


class Newton(NamedTuple):
    """Factorization of the normal equations, ready to be solved for any right-hand side."""

    inverse: Shares  # 1/z, 0 where closed
    ratio: Shares  # D = x/z and, for the unserved share, s/w of the stream
    pivot: Any  # 1 / Σ ratio of a stream
    rate: Rows  # 1/w of the rows
    client: tuple[Array, Array, Array, Array]  # 1 / client pivot, and its couplings to compute, uplink and cloud
    couplings: tuple[Array, Array, Array]  # the same couplings divided by the client pivot
    edge: tuple[Array, ...]  # 2×2 factors and couplings to the cloud
    cloud: Array  # 1 / pivot of the cloud


class Direction(NamedTuple):
    """Newton direction, relative to the variables.

    Δz = z·h and Δx = push − x (1 + h) of the shares, Δw = w·g and Δs = own − s (1 + g) of the rows, Δy = stream_price.
    """

    h: Shares
    g: Rows
    push: Shares
    own: Rows
    stream_price: Array


def factorize(program: Program, tree: EdgeTree, point: Point, reduced_cost: Callable[[], Shares]) -> Newton:
    """Factorize the normal equations: eliminate streams, clients, edges and the cloud, in this order."""
    slack, price = point.slack, point.price
    regularization = jnp.finfo(program.count.dtype).eps ** _REGULARIZATION
    inverse = materialize(
        lambda: jax.tree.map(lambda o, z: jnp.where(o, 1.0 / z, 0.0), program.is_open, reduced_cost())
    )
    ratio = materialize(lambda: jax.tree.map(operator.mul, point.share, inverse))
    # Places without a client have no pivot.
    pivot = materialize(
        lambda: jnp.where(sum_terms(ratio) > 0.0, 1.0 / jnp.where(sum_terms(ratio) > 0.0, sum_terms(ratio), 1.0), 0.0)
    )
    own, to_edge, to_uplink, to_cloud, edge_edge, edge_uplink, edge_cloud, uplink_uplink, uplink_cloud, cloud_cloud = (
        _client_sums(program, ratio, pivot)
    )
    rate = materialize(lambda: jax.tree.map(reciprocal, price))
    client = materialize(lambda: 1.0 / (own + slack.client * rate.client + regularization))
    by_edge, by_uplink, by_cloud = materialize(lambda: (to_edge * client, to_uplink * client, to_cloud * client))
    part = program.cloud_per_edge

    # Schur complement of the clients, then the 2×2 blocks of the edges, then the cloud.
    ee = tree.to_edges(lambda: edge_edge - by_edge * to_edge)
    eu = tree.to_edges(lambda: edge_uplink - by_edge * to_uplink)
    ec = tree.to_edges(lambda: edge_cloud - by_edge * to_cloud)
    uu = tree.to_edges(lambda: uplink_uplink - by_uplink * to_uplink)
    uc = tree.to_edges(lambda: uplink_cloud - by_uplink * to_cloud)
    cc = tree.to_edges(lambda: cloud_cloud - by_cloud * to_cloud)
    full_ee, full_uu, full_cc = map(tree.sum_clients, (edge_edge, uplink_uplink, cloud_cloud))
    first = materialize(lambda: _inverse_pivot(ee, full_ee, slack.edge * rate.edge + regularization))
    lower = materialize(lambda: eu * first)
    second = materialize(lambda: _inverse_pivot(uu - lower * eu, full_uu, slack.uplink * rate.uplink + regularization))
    rest = materialize(lambda: (uc - lower * ec) * part)
    edge_to_cloud, uplink_to_cloud = materialize(lambda: (ec * part * first, rest * second))
    at_cloud = tree_reduce(materialize(lambda: cc * part * part - ec * part * edge_to_cloud - rest * uplink_to_cloud))
    full_cloud = tree_reduce(materialize(lambda: full_cc * part * part))
    return Newton(
        inverse=inverse,
        ratio=ratio,
        pivot=pivot,
        rate=rate,
        client=(client, to_edge, to_uplink, to_cloud),
        couplings=(by_edge, by_uplink, by_cloud),
        edge=(first, lower, second, edge_to_cloud, uplink_to_cloud),
        cloud=materialize(lambda: _inverse_pivot(at_cloud, full_cloud, slack.cloud * rate.cloud + regularization)),
    )


def _inverse_pivot(rest: Array, full: Array, own: Array) -> Array:
    """1 / (rest + own) where `rest` is the Schur complement of `full`; 0 where that is rounding.

    There the row depends linearly on rows before it, and its price does not change.
    """
    least = _ZERO_PIVOT * jnp.finfo(rest.dtype).eps * (full + own)
    return jnp.where(rest + own > least, 1.0 / jnp.where(rest + own > least, rest + own, 1.0), 0.0)


def _client_sums(program: Program, ratio: Shares, pivot: Array) -> tuple[Array, ...]:
    """Schur complement of the streams in A D Aᵀ, summed over the tasks of each client; no term is a difference."""
    local, edge, cloud, unserved = ratio
    load, work, data = program.local_load, program.edge_load, program.data
    by_load, by_work, by_cloud, by_data = materialize(
        lambda: (load * local * pivot, work * edge * pivot, data * cloud * pivot, data * (edge + cloud) * pivot)
    )
    return materialize(
        lambda: (
            reduce_slices(by_load * load * (edge + cloud + unserved)),
            -reduce_slices(by_load * work * edge),
            -reduce_slices(by_load * data * (edge + cloud)),
            -reduce_slices(by_load * data * cloud),
            reduce_slices(by_work * work * (local + unserved + cloud)),
            reduce_slices(by_work * data * (local + unserved)),
            -reduce_slices(by_work * data * cloud),
            reduce_slices(by_data * data * (local + unserved)),
            reduce_slices(by_cloud * data * (local + unserved)),
            reduce_slices(by_cloud * data * (edge + local + unserved)),
        )
    )


def zero_direction(point: Point) -> Direction:
    """Direction of length 0, of which the affine direction is the correction."""
    shares, rows = (jax.tree.map(jnp.zeros_like, tree) for tree in (point.share, point.price))
    return Direction(shares, rows, shares, rows, jnp.zeros_like(point.stream_price))


def direction(
    program: Program, tree: EdgeTree, point: Point, newton: Newton, last: Direction, centre: Array
) -> Direction:
    """Solve for the direction with target σμ (`centre`) and Mehrotra's second-order correction of `last`.

    With `zero_direction` and target 0 it is the affine (predictor) direction.
    """
    ratio, inverse, rate = newton.ratio, newton.inverse, newton.rate
    load, work, data = program.local_load, program.edge_load, program.data

    def target(primal: Array, change: Array, inverse: Array) -> Array:
        """(σμ − Δx Δz)/z with Δx = −x (1 + h) and Δz = z h of the last direction."""
        return expand_like(centre, inverse) * inverse + primal * change * (1.0 + change)

    push = materialize(lambda: jax.tree.map(target, point.share, last.h, inverse))
    own = materialize(lambda: jax.tree.map(target, point.slack, last.g, rate))
    base = materialize(lambda: (sum_terms(push) - 1.0) * newton.pivot)
    right = materialize(
        lambda: Rows(
            reduce_slices(load * (push.local - ratio.local * base)),
            reduce_slices(work * (push.edge - ratio.edge * base)),
            reduce_slices(data * (push.edge + push.cloud - (ratio.edge + ratio.cloud) * base)),
            reduce_slices(data * (push.cloud - ratio.cloud * base)),
        )
    )
    rest = materialize(lambda: jax.tree.map(operator.sub, own, program.limit))
    price = _solve_tree(program, tree, newton, right, rest)
    costs = costs_of(program, tree, price)
    stream_price = materialize(
        lambda: base - sum_terms(d * cost for d, cost in zip(ratio[:3], costs(), strict=True)) * newton.pivot
    )

    def relative() -> tuple[Shares, Rows]:
        h = jax.tree.map(lambda cost, i: (stream_price + cost) * i, Shares(*costs(), 0.0), inverse)
        return h, jax.tree.map(operator.mul, price, rate)

    return Direction(*materialize(relative), push, own, stream_price)


def ratio_test(program: Program, point: Point, step: Direction) -> tuple[Array, Array]:
    """Ratio test: largest relative decrease of a primal and of a dual variable in a full step ``[B]``."""

    def shares() -> tuple[Array, Array]:
        open_shares = [jnp.where(o, x, 1.0) for o, x in zip(program.is_open, point.share, strict=True)]
        primal = [
            jnp.where(o, 1.0 + h - push / x, 0.0)
            for o, x, h, push in zip(program.is_open, open_shares, step.h, step.push, strict=True)
        ]
        return functools.reduce(jnp.maximum, primal), functools.reduce(jnp.maximum, [-h for h in step.h])

    primal, dual = materialize(shares)
    slack = materialize(
        lambda: jax.tree.map(
            lambda s, g, own: jnp.where(s > 0.0, 1.0 + g - own * reciprocal(s), 0.0), point.slack, step.g, step.own
        )
    )
    price = materialize(lambda: jax.tree.map(operator.neg, step.g))
    return reduce_all(primal, slack, jnp.maximum), reduce_all(dual, price, jnp.maximum)


def take_step(point: Point, step: Direction, done: Array, primal: Array, dual: Array) -> Point:
    """Move to the next point, except instances that are done."""

    def along(value: Array, change: Array, length: Array) -> Array:
        return jnp.where(expand_like(done, value), value, value + expand_like(length, value) * change)

    def move_primal(value: Array, push: Array, h: Array) -> Array:
        return along(value, push - value - value * h, primal)

    return materialize(
        lambda: Point(
            share=jax.tree.map(move_primal, point.share, step.push, step.h),
            slack=jax.tree.map(move_primal, point.slack, step.own, step.g),
            stream_price=along(point.stream_price, step.stream_price, dual),
            price=jax.tree.map(lambda value, g: along(value, value * g, dual), point.price, step.g),
        )
    )


def _solve_tree(program: Program, tree: EdgeTree, newton: Newton, right: Rows, own: Rows) -> Rows:
    """Solve for Δw of the capacity rows, given right-hand sides summed over each client's streams and the rows' own."""
    client, to_edge, to_uplink, to_cloud = newton.client
    by_edge, by_uplink, by_cloud = newton.couplings
    first, lower, second, edge_to_cloud, uplink_to_cloud = newton.edge
    at_client = materialize(lambda: right.client + own.client)
    edges = tree.to_edges(lambda: right.edge - by_edge * at_client)
    uplinks = tree.to_edges(lambda: right.uplink - by_uplink * at_client)
    clouds = tree.to_edges(lambda: right.cloud - by_cloud * at_client)
    edge = materialize(lambda: edges + own.edge)
    uplink = materialize(lambda: uplinks + own.uplink - lower * edge)
    at_cloud = tree_reduce(
        materialize(lambda: clouds * program.cloud_per_edge - edge_to_cloud * edge - uplink_to_cloud * uplink)
    )
    cloud = materialize(lambda: (at_cloud + own.cloud) * newton.cloud)
    uplink = materialize(lambda uplink=uplink: second * uplink - uplink_to_cloud * cloud[None])
    edge = materialize(lambda edge=edge: first * edge - edge_to_cloud * cloud[None] - lower * uplink)
    through = materialize(lambda: program.cloud_per_edge * cloud[None])
    at_edge, at_uplink, beyond = (tree.to_streams(one)[0] for one in (edge, uplink, through))
    client = materialize(
        lambda client=client: (at_client - to_edge * at_edge - to_uplink * at_uplink - to_cloud * beyond) * client
    )
    return Rows(client, edge, uplink, cloud)
