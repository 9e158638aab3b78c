"""Newton steps on a `Program`, by elimination along its tree.

Mehrotra's predictor-corrector method solves in every iteration

    (A D Aᵀ + diag(s/w)) Δw = right-hand side,      D = diag(x/z),

twice. Here that matrix is a tree: each stream meets its client, its edge and the cloud, each client its edge and the
cloud. Streams are eliminated first (one number each), then clients (one number), then edges (two: compute and uplink),
then the cloud. No matrix is formed; an iteration is a few passes over arrays of streams and sums along axes.

With h = Δz/z of the predictor, Δx/x = −1 − h: its products and step lengths need no further arrays. Where rows depend
on each other a price can move without any share; a tiny number on every pivot holds it still.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .client_groups import EdgeTree
from .stages import fold, total, written
from .tree_program import Point, Program, Rows, Shares, beside, costs_of, of_streams, over_all, reciprocal, summed

# Power of the last bit that is added to every pivot. It holds prices still that no share depends on.
_STILL = 2.0 / 3.0
# A pivot that is left of a row is rounding if it is less than this many times the last bit of what it was.
_ROUNDING = 8.0


class Newton(NamedTuple):
    """The eliminated system, ready to be solved for any right-hand side."""

    inverse: Shares  # 1/z, 0 where closed
    ratio: Shares  # D = x/z and, for the unserved share, s/w of the stream
    pivot: Any  # 1 / Σ ratio of a stream
    rate: Rows  # 1/w of the rows
    client: tuple[Array, Array, Array, Array]  # 1 / client pivot, and its couplings to compute, uplink and cloud
    couplings: tuple[Array, Array, Array]  # the same couplings divided by the client pivot
    edge: tuple[Array, ...]  # 2×2 factors and couplings to the cloud
    cloud: Array  # 1 / pivot of the cloud


class Direction(NamedTuple):
    """A step of Newton's method, in parts of what it changes.

    Δz = z·h and Δx = push − x (1 + h) of the shares, Δw = w·g and Δs = own − s (1 + g) of the rows, and Δy = worth.
    """

    h: Shares
    g: Rows
    push: Shares
    own: Rows
    worth: Array


def eliminated(program: Program, tree: EdgeTree, point: Point, reduced_cost: Callable[[], Shares]) -> Newton:
    """Eliminate streams, clients, edges and the cloud."""
    slack, price = point.slack, point.price
    still = jnp.finfo(program.count.dtype).eps ** _STILL
    inverse = written(
        lambda: Shares(*(jnp.where(o, 1.0 / z, 0.0) for o, z in zip(program.is_open, reduced_cost(), strict=True)))
    )
    ratio = written(lambda: Shares(*(x * i for x, i in zip(point.share, inverse, strict=True))))
    # Places without a client have no pivot.
    pivot = written(
        lambda: jnp.where(summed(ratio) > 0.0, 1.0 / jnp.where(summed(ratio) > 0.0, summed(ratio), 1.0), 0.0)
    )
    own, to_edge, to_uplink, to_cloud, edge_edge, edge_uplink, edge_cloud, uplink_uplink, uplink_cloud, cloud_cloud = (
        _client_sums(program, ratio, pivot)
    )
    rate = written(lambda: Rows(*(reciprocal(one) for one in price)))
    client = written(lambda: 1.0 / (own + slack.client * rate.client + still))
    by_edge, by_uplink, by_cloud = written(lambda: (to_edge * client, to_uplink * client, to_cloud * client))
    part = program.cloud_per_edge

    # Schur complement of the clients, then the 2×2 blocks of the edges, then the cloud.
    ee = tree.to_edges(lambda: edge_edge - by_edge * to_edge)
    eu = tree.to_edges(lambda: edge_uplink - by_edge * to_uplink)
    ec = tree.to_edges(lambda: edge_cloud - by_edge * to_cloud)
    uu = tree.to_edges(lambda: uplink_uplink - by_uplink * to_uplink)
    uc = tree.to_edges(lambda: uplink_cloud - by_uplink * to_cloud)
    cc = tree.to_edges(lambda: cloud_cloud - by_cloud * to_cloud)
    whole_ee, whole_uu, whole_cc = map(tree.summed, (edge_edge, uplink_uplink, cloud_cloud))
    first = written(lambda: _inverse_pivot(ee, whole_ee, slack.edge * rate.edge + still))
    lower = written(lambda: eu * first)
    second = written(lambda: _inverse_pivot(uu - lower * eu, whole_uu, slack.uplink * rate.uplink + still))
    rest = written(lambda: (uc - lower * ec) * part)
    edge_to_cloud, uplink_to_cloud = written(lambda: (ec * part * first, rest * second))
    at_cloud = fold(written(lambda: cc * part * part - ec * part * edge_to_cloud - rest * uplink_to_cloud))
    whole_cloud = fold(written(lambda: whole_cc * part * part))
    return Newton(
        inverse=inverse,
        ratio=ratio,
        pivot=pivot,
        rate=rate,
        client=(client, to_edge, to_uplink, to_cloud),
        couplings=(by_edge, by_uplink, by_cloud),
        edge=(first, lower, second, edge_to_cloud, uplink_to_cloud),
        cloud=written(lambda: _inverse_pivot(at_cloud, whole_cloud, slack.cloud * rate.cloud + still)),
    )


def _inverse_pivot(rest: Array, whole: Array, own: Array) -> Array:
    """1 / (rest + own) where `rest` is what elimination leaves of `whole`; 0 where that is rounding.

    There the row says what the rows before it said, and its price stays as it is.
    """
    least = _ROUNDING * jnp.finfo(rest.dtype).eps * (whole + own)
    return jnp.where(rest + own > least, 1.0 / jnp.where(rest + own > least, rest + own, 1.0), 0.0)


def _client_sums(program: Program, ratio: Shares, pivot: Array) -> tuple[Array, ...]:
    """A D Aᵀ after the elimination of the streams, summed over the tasks of each client; no term is a difference."""
    local, edge, cloud, unserved = ratio
    load, work, data = program.local_load, program.edge_load, program.data
    by_load, by_work, by_cloud, by_data = written(
        lambda: (load * local * pivot, work * edge * pivot, data * cloud * pivot, data * (edge + cloud) * pivot)
    )
    return written(
        lambda: (
            total(by_load * load * (edge + cloud + unserved)),
            -total(by_load * work * edge),
            -total(by_load * data * (edge + cloud)),
            -total(by_load * data * cloud),
            total(by_work * work * (local + unserved + cloud)),
            total(by_work * data * (local + unserved)),
            -total(by_work * data * cloud),
            total(by_data * data * (local + unserved)),
            total(by_cloud * data * (local + unserved)),
            total(by_cloud * data * (edge + local + unserved)),
        )
    )


def no_direction(point: Point) -> Direction:
    """The step of length 0 that the affine direction is the correction of."""
    shares, rows = (jax.tree.map(jnp.zeros_like, tree) for tree in (point.share, point.price))
    return Direction(shares, rows, shares, rows, jnp.zeros_like(point.worth))


def direction(
    program: Program, tree: EdgeTree, point: Point, newton: Newton, last: Direction, centre: Array
) -> Direction:
    """Newton's direction to the products `centre`, σμ, with the second-order term of the direction `last`.

    Of no direction and centre 0 it is the affine one.
    """
    ratio, inverse, rate = newton.ratio, newton.inverse, newton.rate
    load, work, data = program.local_load, program.edge_load, program.data
    # (σμ − Δx Δz)/z with Δx = −x (1 + h) and Δz = z h of the last direction.
    push = written(
        lambda: Shares(
            *(of_streams(centre) * i + x * h * (1.0 + h) for x, h, i in zip(point.share, last.h, inverse, strict=True))
        )
    )
    by_row = list(zip(point.slack, last.g, rate, strict=True))
    own = written(lambda: Rows(*(beside(centre, r) * r + s * g * (1.0 + g) for s, g, r in by_row)))
    base = written(lambda: (summed(push) - 1.0) * newton.pivot)
    right = written(
        lambda: Rows(
            total(load * (push.local - ratio.local * base)),
            total(work * (push.edge - ratio.edge * base)),
            total(data * (push.edge + push.cloud - (ratio.edge + ratio.cloud) * base)),
            total(data * (push.cloud - ratio.cloud * base)),
        )
    )
    rest = written(lambda: Rows(*(one - limit for one, limit in zip(own, program.limit, strict=True))))
    price = _solve_tree(program, tree, newton, right, rest)
    costs = costs_of(program, tree, price)
    worth = written(lambda: base - summed(d * cost for d, cost in zip(ratio[:3], costs(), strict=True)) * newton.pivot)

    def relative() -> tuple[Shares, Rows]:
        h = Shares(*((worth + cost) * i for cost, i in zip((*costs(), 0.0), inverse, strict=True)))
        return h, Rows(*(change * r for change, r in zip(price, rate, strict=True)))

    return Direction(*written(relative), push, own, worth)


def shrinkage(program: Program, point: Point, step: Direction) -> tuple[Array, Array]:
    """The largest part that a full step takes of a share or slack, and of a reduced cost or price. ``[B]``"""

    def shares() -> tuple[Array, Array]:
        open_shares = [jnp.where(o, x, 1.0) for o, x in zip(program.is_open, point.share, strict=True)]
        primal = [
            jnp.where(o, 1.0 + h - push / x, 0.0)
            for o, x, h, push in zip(program.is_open, open_shares, step.h, step.push, strict=True)
        ]
        return functools.reduce(jnp.maximum, primal), functools.reduce(jnp.maximum, [-h for h in step.h])

    primal, dual = written(shares)
    slack = written(
        lambda: Rows(
            *(
                jnp.where(s > 0.0, 1.0 + g - own * reciprocal(s), 0.0)
                for s, g, own in zip(point.slack, step.g, step.own, strict=True)
            )
        )
    )
    price = written(lambda: Rows(*(-g for g in step.g)))
    return over_all(primal, slack, jnp.maximum), over_all(dual, price, jnp.maximum)


def moved(point: Point, step: Direction, done: Array, primal: Array, dual: Array) -> Point:
    """The next point; where an instance is done, the same."""

    def along(value: Array, change: Array, length: Array) -> Array:
        return jnp.where(beside(done, value), value, value + beside(length, value) * change)

    def shares() -> list[Array]:
        of_each = zip(point.share, step.push, step.h, strict=True)
        return [along(x, push - x - x * h, primal) for x, push, h in of_each]

    def rows() -> tuple[Rows, Rows]:
        slacks = zip(point.slack, step.own, step.g, strict=True)
        prices = zip(point.price, step.g, strict=True)
        return (
            Rows(*(along(s, own - s - s * g, primal) for s, own, g in slacks)),
            Rows(*(along(w, w * g, dual) for w, g in prices)),
        )

    return written(lambda: Point(Shares(*shares()), rows()[0], along(point.worth, step.worth, dual), rows()[1]))


def _solve_tree(program: Program, tree: EdgeTree, newton: Newton, right: Rows, own: Rows) -> Rows:
    """Δw of the capacity rows for sums over each client's streams, and what the rows add by themselves."""
    client, to_edge, to_uplink, to_cloud = newton.client
    by_edge, by_uplink, by_cloud = newton.couplings
    first, lower, second, edge_to_cloud, uplink_to_cloud = newton.edge
    at_client = written(lambda: right.client + own.client)
    edges = tree.to_edges(lambda: right.edge - by_edge * at_client)
    uplinks = tree.to_edges(lambda: right.uplink - by_uplink * at_client)
    clouds = tree.to_edges(lambda: right.cloud - by_cloud * at_client)
    edge = written(lambda: edges + own.edge)
    uplink = written(lambda: uplinks + own.uplink - lower * edge)
    at_cloud = fold(written(lambda: clouds * program.cloud_per_edge - edge_to_cloud * edge - uplink_to_cloud * uplink))
    cloud = written(lambda: (at_cloud + own.cloud) * newton.cloud)
    uplink = written(lambda uplink=uplink: second * uplink - uplink_to_cloud * cloud[None])
    edge = written(lambda edge=edge: first * edge - edge_to_cloud * cloud[None] - lower * uplink)
    through = written(lambda: program.cloud_per_edge * cloud[None])
    at_edge, at_uplink, beyond = (tree.to_streams(one)[0] for one in (edge, uplink, through))
    client = written(
        lambda client=client: (at_client - to_edge * at_edge - to_uplink * at_uplink - to_cloud * beyond) * client
    )
    return Rows(client, edge, uplink, cloud)
