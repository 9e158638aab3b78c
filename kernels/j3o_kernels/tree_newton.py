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

import jax.numpy as jnp
from jaxtyping import Array

from .client_groups import EdgeTree
from .stages import fold, total, written
from .tree_program import Point, Program, Rows, Shares, beside, costs_of, of_streams, over_all, reciprocal, summed

# Part of the way to the boundary that a step goes.
_STEP = 0.9995
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
    pull: Rows  # Σ load·ratio·pivot over the streams of a client: the predictor's right-hand side


class Correction(NamedTuple):
    """The combined direction; that of the shares and Δz are evaluated where they are used."""

    share: Callable[[], Shares]
    rises: Callable[[], Shares]
    slack: Rows
    worth: Array
    price: Rows


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
    sums, pull = _client_sums(program, ratio, pivot)
    own, to_edge, to_uplink, to_cloud, edge_edge, edge_uplink, edge_cloud, uplink_uplink, uplink_cloud, cloud_cloud = (
        sums
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
        pull=pull,
    )


def _inverse_pivot(rest: Array, whole: Array, own: Array) -> Array:
    """1 / (rest + own) where `rest` is what elimination leaves of `whole`; 0 where that is rounding.

    There the row says what the rows before it said, and its price stays as it is.
    """
    least = _ROUNDING * jnp.finfo(rest.dtype).eps * (whole + own)
    return jnp.where(rest + own > least, 1.0 / jnp.where(rest + own > least, rest + own, 1.0), 0.0)


def _client_sums(program: Program, ratio: Shares, pivot: Array) -> tuple[tuple[Array, ...], Rows]:
    """A D Aᵀ after the elimination of the streams, summed over the tasks of each client; no term is a difference."""
    local, edge, cloud, unserved = ratio
    load, work, data = program.local_load, program.edge_load, program.data
    by_load, by_work, by_cloud, by_data = written(
        lambda: (load * local * pivot, work * edge * pivot, data * cloud * pivot, data * (edge + cloud) * pivot)
    )
    sums = written(
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
    return sums, written(lambda: Rows(total(by_load), total(by_work), total(by_data), total(by_cloud)))


def predictor(program: Program, tree: EdgeTree, newton: Newton) -> tuple[Shares, Rows]:
    """Δz/z of all options and Δw/w of all rows in the affine direction.

    All its right-hand sides are −1 besides `pull`: the rows' capacities, and the streams' wholes.
    """
    minus = Rows(*(-limit for limit in program.limit))
    price = _solve_tree(program, tree, newton, newton.pull, minus)
    _, rises = _rises(program, tree, newton, price, lambda: -newton.pivot)
    share = written(lambda: Shares(*(rise * i for rise, i in zip(rises(), newton.inverse, strict=True))))
    return share, written(lambda: Rows(*(change * rate for change, rate in zip(price, newton.rate, strict=True))))


def centring(share: Shares, rows: Rows, mean: Array) -> Array:
    """σμ with σ = (1 − α)³: at a feasible point the affine step of length α leaves 1 − α of the gap."""

    def extreme(combine: Any) -> Array:
        return over_all(written(lambda: functools.reduce(combine, share)), rows, combine)

    most, least = extreme(jnp.maximum), extreme(jnp.minimum)
    return written(lambda: (1.0 - 1.0 / jnp.maximum(jnp.maximum(1.0 + most, -least), 1.0)) ** 3 * mean)


def corrector(
    program: Program, tree: EdgeTree, point: Point, newton: Newton, share: Shares, rows: Rows, centre: Array
) -> Correction:
    """Newton's direction towards the centre, with the second-order term of the predictor `share`, `rows`."""
    ratio = newton.ratio
    load, work, data = program.local_load, program.edge_load, program.data
    # (σμ − Δx Δz)/z with Δx = −x (1 + h) and Δz = z h of the predictor.
    push = written(
        lambda: Shares(
            *(
                of_streams(centre) * i + x * h * (1.0 + h)
                for x, h, i in zip(point.share, share, newton.inverse, strict=True)
            )
        )
    )
    by_row = list(zip(point.slack, rows, newton.rate, strict=True))
    own = written(lambda: Rows(*(beside(centre, r) * r + s * h * (1.0 + h) for s, h, r in by_row)))
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
    worth, rises = _rises(program, tree, newton, price, lambda: base)

    def step() -> Shares:
        return Shares(*(p - x - d * rise for x, p, d, rise in zip(point.share, push, ratio, rises(), strict=True)))

    by_slack = list(zip(own, point.slack, newton.rate, price, strict=True))
    slack = written(lambda: Rows(*(o - s - s * r * dw for o, s, r, dw in by_slack)))
    return Correction(step, rises, slack, worth, price)


def step_lengths(program: Program, point: Point, newton: Newton, correction: Correction) -> tuple[Array, Array]:
    """How far shares and prices may go, at most 1. ``[B]``"""

    def least(changes: Any, rows: Rows) -> Array:
        streams = written(lambda: functools.reduce(jnp.minimum, changes()))
        worst = over_all(streams, rows, jnp.minimum)
        return jnp.minimum(1.0, _STEP / jnp.maximum(-worst, jnp.finfo(worst.dtype).tiny))

    def shares() -> list[Array]:
        triples = zip(program.is_open, point.share, correction.share(), strict=True)
        return [dx / jnp.where(is_open, x, 1.0) for is_open, x, dx in triples]

    def rises() -> list[Array]:
        return [rise * i for rise, i in zip(correction.rises(), newton.inverse, strict=True)]

    slack = written(lambda: Rows(*(ds * reciprocal(s) for ds, s in zip(correction.slack, point.slack, strict=True))))
    price = written(lambda: Rows(*(dw * r for dw, r in zip(correction.price, newton.rate, strict=True))))
    return least(shares, slack), least(rises, price)


def moved(point: Point, correction: Correction, done: Array, primal: Array, dual: Array) -> Point:
    """The next point; where an instance is done, the same."""

    def along(value: Array, change: Array, length: Array) -> Array:
        return jnp.where(beside(done, value), value, value + beside(length, value) * change)

    def all_along(values: Any, changes: Any, length: Array) -> Any:
        return [along(value, change, length) for value, change in zip(values, changes, strict=True)]

    return written(
        lambda: Point(
            Shares(*all_along(point.share, correction.share(), primal)),
            Rows(*all_along(point.slack, correction.slack, primal)),
            along(point.worth, correction.worth, dual),
            Rows(*all_along(point.price, correction.price, dual)),
        )
    )


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


def _rises(
    program: Program, tree: EdgeTree, newton: Newton, price: Rows, base: Callable[[], Array]
) -> tuple[Array, Callable[[], Shares]]:
    """Δy, and Δz of every option, to be evaluated inside a stage.

    `base` is the right-hand side of the stream's own row over its pivot.
    """
    costs = costs_of(program, tree, price)
    ratio = newton.ratio
    worth = written(
        lambda: base() - summed(d * cost for d, cost in zip(ratio[:3], costs(), strict=True)) * newton.pivot
    )
    return worth, lambda: Shares(*[*(worth + cost for cost in costs()), worth])
