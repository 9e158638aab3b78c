"""The offloading step (17) for whole batches: a primal-dual interior point method that follows the tree.

For one instance, with rows divided by their capacities, the program is

    maximise v·x  subject to  A x + s = 1,  x, s ≥ 0        minimise Σw  subject to  z = Aᵀw − v ≥ 0,  w ≥ 0

with x the shares (local, edge, cloud) of each stream. The rows of A are the streams (their slack is the share that is
left unserved, their multiplier y the stream's worth), then (9) per client, (10) and (11) per edge, (12) for the cloud.
Mehrotra's predictor-corrector method solves in every iteration

    (A D Aᵀ + diag(s/w)) Δw = right-hand side,      D = diag(x/z),

twice. Here that matrix is a tree: each stream meets its client, its edge and the cloud, each client its edge and the
cloud. Streams are eliminated first (one number each), then clients (one number), then edges (two: compute and uplink),
then the cloud. No matrix is formed; an iteration is a few passes over arrays of streams and sums along axes.

Two properties keep those passes few. The start is strictly feasible for the dual, and Newton steps keep it so: z is
computed from w, never stored, and the duality gap is Σ x z + Σ s w at every point. And with h = Δz/z of the predictor,
Δx/x = −1 − h: its products and step lengths need no further arrays.

Where all must be served, unserved shares have a value far below 0 instead of no column: there is always a point inside,
however scarce capacities are, and prices stay finite. Where rows depend on each other a price can move without any
share; a tiny number on every pivot holds it still.

Arrays in here are ``[T, K, G, B]`` for streams, ``[K, G, B]`` for clients (K rows of G groups, see `ClientGroups`),
``[E, B]`` for edges and ``[B]`` for the cloud. `interior_point.py` holds the method for one instance, with matrices.
"""

import functools
import operator
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .client_groups import ClientGroups
from .offloading import AnyArray, OffloadingProblem
from .stages import fold, total, written

# Part of the way to the boundary that a step goes.
_STEP = 0.9995
# Where all must be served, leaving a share unserved costs this many times the best value of any stream.
_PENALTY = 1e4
# Power of the last bit that is added to every pivot. It holds prices still that no share depends on.
_STILL = 2.0 / 3.0
# Rows kept this well are kept, whatever the tolerance for the gap.
_KEPT = 1e-8
# A pivot that is left of a row is rounding if it is less than this many times the last bit of what it was.
_ROUNDING = 8.0
# Streams of an instance that must all be served are so if no more than this is left of all of them together.
_ALL_SERVED = 1e-6


class HierarchicalLPSolution(NamedTuple):
    """Shares and prices of a batch, and how good they are.

    - `local`, `edge`, `cloud`: shares. ``[B, C, T]``
    - `client_price` ``[B, C]``, `edge_price`, `edge_uplink_price` ``[B, E]``, `cloud_uplink_price` ``[B]``: multipliers
      of the capacities, in objective per unit of each capacity.
    - `objective`, `gap`: value of the shares, and the duality gap relative to it. ``[B]``
    - `residual`: largest violation of a row, as a part of its capacity (or of a stream's whole). ``[B]``
    - `iterations`: Newton steps. ``[B]``
    - `solved`: whether gap and residual are within the tolerances. ``[B]``
    - `feasible`: False where it is proven that not all can be served, though it must. ``[B]``
    - `bound`: the dual objective, an upper bound on the optimum. ``[B]``
    """

    local: Float[Array, "B C T"]
    edge: Float[Array, "B C T"]
    cloud: Float[Array, "B C T"]
    client_price: Float[Array, "B C"]
    edge_price: Float[Array, "B E"]
    edge_uplink_price: Float[Array, "B E"]
    cloud_uplink_price: Float[Array, " B"]
    objective: Float[Array, " B"]
    gap: Float[Array, " B"]
    residual: Float[Array, " B"]
    iterations: Int[Array, " B"]
    solved: Bool[Array, " B"]
    feasible: Bool[Array, " B"]
    bound: Float[Array, " B"]


class _Shares(NamedTuple):
    """One number, or a pair of numbers, for each option of a stream."""

    local: Any
    edge: Any
    cloud: Any
    unserved: Any


class _Rows(NamedTuple):
    """One number for each capacity row: clients, edges' compute, edges' uplinks, the cloud's uplink."""

    client: Any
    edge: Any
    uplink: Any
    cloud: Any


class _Program(NamedTuple):
    """The program with rows divided by capacities and values by their sum; loads are 0 where an option is closed."""

    value: _Shares
    is_open: _Shares
    local_load: Any
    edge_load: Any
    data: Any
    cloud_per_edge: Any  # data on the cloud's row for each unit of it on the edge's uplink row
    home: Any  # edge of each group, or None
    limit: _Rows  # 1, but 0 in places without a client, which have no row
    count: Any  # options and rows


class _Point(NamedTuple):
    share: _Shares
    slack: _Rows
    worth: Any  # y, multiplier of the streams' rows
    price: _Rows


class _State(NamedTuple):
    iteration: Any
    done: Any
    iterations: Any
    gap: Any
    bound: Any
    point: _Point


def hierarchical_lp(
    problem: OffloadingProblem,
    groups: ClientGroups,
    *,
    tolerance: float | Array = 1e-9,
    max_iterations: int = 60,
    serve_all: bool = False,
    active: Bool[Array, " B"] | None = None,
) -> HierarchicalLPSolution:
    """Solve a batch of offloading programs; every instance stops by itself.

    **Arguments:**

    - `problem`: with the batch axis in front.
    - `groups`: from `group_clients` or `lone_clients`.
    - `tolerance`: duality gap, relative to the optimum, at which an instance is solved. It may be traced.
    - `max_iterations`: most Newton steps; the loop ends when all instances are done.
    - `serve_all`: forbid unserved shares. Then a first run maximises what is served; where its bound proves that
      something must be left, the instance is not `feasible`.
    - `active`: instances to solve; the others cost nothing and have answers without meaning. Default: all.
    """
    batch = problem.data.shape[0]
    active = jnp.ones(batch, dtype=bool) if active is None else active
    run = functools.partial(route, groups=groups, tolerance=tolerance, max_iterations=max_iterations)
    if not serve_all:
        return run(problem, active=active)

    def phase(number: Array, last: HierarchicalLPSolution) -> HierarchicalLPSolution:
        # One loop, not two calls: the program is compiled once.
        first = jnp.full(batch, number == 0)
        possible = first | all_servable(problem, last.bound)
        found = run(served_most(problem, first), must_serve=~first, active=active & possible)
        solved = jnp.where(first, found.solved, found.solved & possible)
        return found._replace(solved=solved, feasible=possible)

    shapes = jax.eval_shape(lambda: run(problem, active=active))
    blank: Any = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    return jax.lax.fori_loop(0, 2, phase, blank)


def served_most(problem: OffloadingProblem, where: Bool[Array, " B"]) -> OffloadingProblem:
    """The program that maximises the sum of the served shares, every stream counting the same, for some instances."""
    one = problem.wanted.astype(problem.data.dtype)
    there = where[:, None, None]
    local, edge, cloud = (
        jnp.where(there, one, value) for value in (problem.local_value, problem.edge_value, problem.cloud_value)
    )
    return problem._replace(local_value=local, edge_value=edge, cloud_value=cloud)


def all_servable(problem: OffloadingProblem, bound: Float[Array, " B"]) -> Bool[Array, " B"]:
    """Whether a bound on what `served_most` can serve leaves room for all; NaN bounds prove nothing. ``[B]``"""
    wanted = jnp.sum(problem.wanted.astype(bound.dtype), axis=(1, 2))
    return ~(wanted - bound > _ALL_SERVED)


def route(
    problem: OffloadingProblem,
    groups: ClientGroups,
    *,
    tolerance: float | Array = 1e-9,
    aim: float | Array | None = None,
    max_iterations: int = 60,
    must_serve: Bool[Array, " B"] | None = None,
    active: Bool[Array, " B"] | None = None,
) -> HierarchicalLPSolution:
    """One run of the method; `hierarchical_lp` says what its arguments are.

    **Arguments:**

    - `aim`: a smaller gap to go on to while that still succeeds; an instance that does not reach it is yet solved.
      It may be an array ``[B]``.
    - `must_serve`: instances whose streams are equations. They must be feasible; otherwise they end unsolved.
    """
    batch = problem.data.shape[0]
    waiting = jnp.zeros(batch, dtype=bool) if active is None else ~active
    must = jnp.zeros(batch, dtype=bool) if must_serve is None else must_serve
    program = _program(problem, groups, must)
    state = _run(program, waiting, tolerance, max_iterations, aim)
    return _solution(problem, groups, program, state, tolerance)


def _open_options(problem: OffloadingProblem, must: Array) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Options that can carry anything, and have to be looked at. ``[B, C, T]``"""
    home = problem.client_edge

    def at_clients(edges: AnyArray) -> Array:
        return jnp.take_along_axis(edges, home, axis=1)[:, :, None]

    link = (at_clients(problem.edge_uplink) > 0.0) | (problem.data <= 0.0)
    to_cloud = link & ((problem.cloud_uplink[:, None, None] > 0.0) | (problem.data <= 0.0))
    local = problem.local_open & ((problem.client_compute[:, :, None] > 0.0) | (problem.local_load <= 0.0))
    edge = problem.edge_open & link & ((at_clients(problem.edge_compute) > 0.0) | (problem.edge_load <= 0.0))
    options = ((local, problem.local_value), (edge, problem.edge_value), (to_cloud, problem.cloud_value))
    local, edge, cloud = (problem.wanted & able & (must[:, None, None] | (value > 0.0)) for able, value in options)
    return local, edge, cloud


def _reciprocal(capacity: AnyArray) -> Array:
    """1 / capacity; 0 where there is none."""
    return jnp.where(capacity > 0.0, 1.0 / jnp.where(capacity > 0.0, capacity, 1.0), 0.0)


def _value_scale(problem: OffloadingProblem) -> Float[Array, " B"]:
    """Sum of the streams' best values, 1 where there is none: an upper bound on the optimum."""
    best = jnp.maximum(jnp.maximum(problem.local_value, problem.edge_value), problem.cloud_value)
    scale = jnp.sum(jnp.where(problem.wanted, best, 0.0), axis=(1, 2))
    return jnp.where(scale > 0.0, scale, 1.0)


def _program(problem: OffloadingProblem, groups: ClientGroups, must: Array) -> _Program:
    scale = _value_scale(problem)[:, None, None]
    opened = _open_options(problem, must)
    values = (problem.local_value, problem.edge_value, problem.cloud_value)
    local, edge, cloud = (jnp.where(is_open, value / scale, 0.0) for is_open, value in zip(opened, values, strict=True))
    home = problem.client_edge
    per_edge = jnp.take_along_axis(_reciprocal(problem.edge_compute), home, axis=1)[:, :, None]
    per_uplink = jnp.take_along_axis(_reciprocal(problem.edge_uplink), home, axis=1)[:, :, None]
    local_load = jnp.where(opened[0], problem.local_load * _reciprocal(problem.client_compute)[:, :, None], 0.0)
    edge_load = jnp.where(opened[1], problem.edge_load * per_edge, 0.0)
    data = jnp.where(opened[1] | opened[2], problem.data * per_uplink, 0.0)
    # What must not be left may be, at a price that is too high: so there is a point inside, and prices stay finite.
    most = jnp.max(jnp.maximum(jnp.maximum(local, edge), cloud), axis=(1, 2))[:, None, None]
    penalty = _PENALTY * jnp.where(most > 0.0, most, 1.0)
    unserved = jnp.where(problem.wanted & must[:, None, None], -penalty, 0.0)
    may_be_left = jnp.ones_like(problem.wanted)
    client = jnp.ones_like(problem.client_compute)
    rows = client.shape[1] + 2 * problem.edge_uplink.shape[1] + 1
    options = _sum(jnp.sum(is_open, axis=(1, 2)) for is_open in (*opened, may_be_left))
    return written(
        lambda: _Program(
            value=_Shares(*(groups.spread(value) for value in (local, edge, cloud, unserved))),
            is_open=_Shares(*(groups.spread(is_open) for is_open in (*opened, may_be_left))),
            local_load=groups.spread(local_load),
            edge_load=groups.spread(edge_load),
            data=groups.spread(data),
            cloud_per_edge=(problem.edge_uplink * _reciprocal(problem.cloud_uplink)[:, None]).T,
            home=None if groups.edge is None else jnp.asarray(groups.edge).T,
            limit=_Rows(groups.spread(client), 1.0, 1.0, 1.0),
            count=(options + rows).astype(data.dtype),
        )
    )


class _Tree:
    """How numbers move along the tree."""

    def __init__(self, program: _Program):
        self.edges = program.cloud_per_edge.shape[0]
        self.home = program.home

    def to_edges(self, clients: Callable[[], Array]) -> Array:
        """Sum over the clients of each edge. ``[E, B]``"""
        return self.summed(written(clients))

    def summed(self, clients: Array) -> Array:
        """`to_edges` of what is written out."""
        groups = fold(clients)
        home = self.home
        if home is None:
            return groups
        of_edge = home[None] == jnp.arange(self.edges)[:, None, None]
        return written(lambda: jnp.sum(jnp.where(of_edge, groups[None], 0.0), axis=1))

    def to_streams(self, edges: Array) -> Array:
        """An edge's number for each of its streams. ``[1, 1, G, B]``"""
        if self.home is None:
            return edges[None, None]
        instance = jnp.arange(edges.shape[-1])[None, :]
        return written(lambda: edges.at[self.home, instance].get(mode="fill", fill_value=0.0))[None, None]


def _all(array: Array) -> Array:
    """Numbers ``[B]`` of instances for each of their streams."""
    return array[None, None, None]


def _beside(numbers: Array, array: Array) -> Array:
    """Numbers ``[B]`` of instances, with as many axes as an array."""
    return numbers[(None,) * (array.ndim - 1)]


def _start(program: _Program) -> _Point:
    """A point inside: every option gets what a part of each of its rows lets through, prices follow from that."""
    tree = _Tree(program)
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
    share = _Shares(local, edge, cloud, unserved)
    slack = _Rows(*(limit - used for limit, used in zip(program.limit, _used(program, tree, share), strict=True)))
    price = written(lambda: _Rows(*(_beside(centre, one) * _reciprocal(one) for one in slack)))
    costs = _costs(program, tree, price)()
    surplus = zip(program.is_open[:3], program.value[:3], costs, strict=True)
    best = functools.reduce(jnp.maximum, [jnp.where(is_open, value - cost, 0.0) for is_open, value, cost in surplus])
    best = jnp.maximum(best, 0.0)
    worth = best + _all(centre) / jnp.where(may_be_left, unserved, 0.5)
    # Places without a client have rows without columns, whose worth would stay what it is.
    worth = jnp.where(served | may_be_left, worth, 0.0)
    return _Point(share, slack, worth, price)


def _used(program: _Program, tree: _Tree, share: _Shares) -> _Rows:
    """Part of each capacity that the shares take."""
    local, edge, cloud, _ = share
    return _Rows(
        client=total(program.local_load * local),
        edge=tree.to_edges(lambda: total(program.edge_load * edge)),
        uplink=tree.to_edges(lambda: total(program.data * (edge + cloud))),
        cloud=fold(tree.to_edges(lambda: total(program.data * cloud)) * program.cloud_per_edge),
    )


def _residual(program: _Program, point: _Point) -> Array:
    """Largest difference of the two sides of a row, or share that must be served and is not. ``[B]``"""
    tree = _Tree(program)
    local, edge, cloud, unserved = point.share
    there = program.is_open.unserved
    left = jnp.where(program.value.unserved < 0.0, unserved, 0.0)
    whole = jnp.where(there, jnp.maximum(jnp.abs(local + edge + cloud + unserved - 1.0), left), 0.0)
    rows = zip(_used(program, tree, point.share), point.slack, program.limit, strict=True)
    return _over_all(whole, _Rows(*(jnp.abs(used + slack - limit) for used, slack, limit in rows)), jnp.maximum)


def _costs(program: _Program, tree: _Tree, price: _Rows) -> Callable[[], tuple[Array, Array, Array]]:
    """Aᵀ of the capacity rows, what each option of each stream pays for capacities, to be evaluated inside a stage."""
    through = written(lambda: price.uplink + program.cloud_per_edge * price.cloud[None])
    at_edge, at_uplink, beyond = (tree.to_streams(one) for one in (price.edge, price.uplink, through))

    def costs() -> tuple[Array, Array, Array]:
        local = program.local_load * price.client[None]
        return local, program.edge_load * at_edge + program.data * at_uplink, program.data * beyond

    return costs


def _run(program: _Program, waiting: Array, tolerance: Any, max_iterations: int, aim: Any = None) -> _State:
    """Iterate until every instance is done."""
    dtype = program.count.dtype
    batch = program.count.shape[0]
    state = _State(
        iteration=jnp.asarray(0),
        done=waiting,
        iterations=jnp.zeros(batch, dtype=int),
        gap=jnp.full(batch, jnp.inf, dtype=dtype),
        bound=jnp.full(batch, jnp.inf, dtype=dtype),
        point=_start(program),
    )
    tolerance = jnp.asarray(tolerance, dtype=dtype)
    aim = tolerance if aim is None else jnp.asarray(aim, dtype=dtype)

    def goes_on(state: _State) -> Array:
        return (state.iteration < max_iterations) & ~jnp.all(state.done)

    return jax.lax.while_loop(goes_on, lambda state: _iterate(program, state, tolerance, aim), state)


def _iterate(program: _Program, state: _State, tolerance: Array, aim: Array) -> _State:
    """One predictor-corrector step of the instances that are not done."""
    tree = _Tree(program)
    point = state.point
    reduced_cost = _reduced_costs(program, tree, point)
    gap, bound = _gap_and_bound(point, reduced_cost)
    # Once NaN, never better: such an instance stops, unsolved.
    relative = _relative(gap, bound)
    halts = gap > 0.5 * state.gap
    reached = (relative <= aim) | ((relative <= tolerance) & halts)
    done = written(lambda: state.done | reached | ~(gap >= 0.0))
    newton = _eliminated(program, tree, point, reduced_cost)
    share, rows = _predictor(program, tree, newton)
    centre = _centring(share, rows, gap / program.count)
    correction = _corrector(program, tree, point, newton, share, rows, centre)
    primal, dual = _step_lengths(program, point, newton, correction)
    # No step beats one into the void.
    done = written(lambda: done | ~(jnp.isfinite(primal) & jnp.isfinite(dual)))
    return _State(
        iteration=state.iteration + 1,
        done=done,
        iterations=jnp.where(done, state.iterations, state.iteration + 1),
        gap=jnp.where(state.done, state.gap, gap),
        bound=jnp.where(state.done, state.bound, bound),
        point=_moved(point, correction, done, primal, dual),
    )


def _reduced_costs(program: _Program, tree: _Tree, point: _Point) -> Callable[[], _Shares]:
    """z = Aᵀw − v of every open option, 1 where it is closed, to be evaluated inside a stage."""
    costs = _costs(program, tree, point.price)

    def reduced() -> _Shares:
        surplus = [point.worth + cost - value for cost, value in zip(costs(), program.value[:3], strict=True)]
        pairs = zip(program.is_open, [*surplus, point.worth - program.value.unserved], strict=True)
        return _Shares(*(jnp.where(is_open, one, 1.0) for is_open, one in pairs))

    return reduced


def _gap_and_bound(point: _Point, reduced_cost: Callable[[], _Shares]) -> tuple[Array, Array]:
    """Σ x z + Σ s w, which is the duality gap, and Σ w, the dual objective, an upper bound on the optimum."""
    share, slack, price = point.share, point.slack, point.price
    pairs = written(lambda: _sum(x * z for x, z in zip(share, reduced_cost(), strict=True)))
    gap = _over_all(pairs, _Rows(*(s * w for s, w in zip(slack, price, strict=True))), operator.add)
    return gap, _over_all(point.worth, price, operator.add)


def _relative(gap: Array, bound: Array) -> Array:
    """The gap as a part of the optimum, or of next to nothing where that is 0."""
    return gap / jnp.maximum(bound - gap, jnp.finfo(gap.dtype).eps ** 2)


def _sum(terms: Iterable[Array]) -> Array:
    return functools.reduce(operator.add, terms)


def _over_all(streams: Array, rows: _Rows, combine: Any) -> Array:
    """Sum, or another combination, of numbers of all streams and rows. ``[B]``"""
    clients = written(lambda: combine(total(streams, combine), rows.client))
    edges = written(lambda: combine(rows.edge, rows.uplink))
    groups = fold(fold(clients, combine), combine)
    edge = fold(edges, combine)
    return written(lambda: combine(combine(groups, edge), rows.cloud))


class _Newton(NamedTuple):
    """The eliminated system, ready to be solved for any right-hand side."""

    inverse: _Shares  # 1/z, 0 where closed
    ratio: _Shares  # D = x/z and, for the unserved share, s/w of the stream
    pivot: Any  # 1 / Σ ratio of a stream
    rate: _Rows  # 1/w of the rows
    client: tuple[Array, Array, Array, Array]  # 1 / client pivot, and its couplings to compute, uplink and cloud
    couplings: tuple[Array, Array, Array]  # the same couplings divided by the client pivot
    edge: tuple[Array, ...]  # 2×2 factors and couplings to the cloud
    cloud: Array  # 1 / pivot of the cloud
    pull: _Rows  # Σ load·ratio·pivot over the streams of a client: the predictor's right-hand side


def _eliminated(program: _Program, tree: _Tree, point: _Point, reduced_cost: Callable[[], _Shares]) -> _Newton:
    slack, price = point.slack, point.price
    still = jnp.finfo(program.count.dtype).eps ** _STILL
    inverse = written(
        lambda: _Shares(*(jnp.where(o, 1.0 / z, 0.0) for o, z in zip(program.is_open, reduced_cost(), strict=True)))
    )
    ratio = written(lambda: _Shares(*(x * i for x, i in zip(point.share, inverse, strict=True))))
    # Places without a client have no pivot.
    pivot = written(lambda: jnp.where(_sum(ratio) > 0.0, 1.0 / jnp.where(_sum(ratio) > 0.0, _sum(ratio), 1.0), 0.0))
    sums, pull = _client_sums(program, ratio, pivot)
    own, to_edge, to_uplink, to_cloud, edge_edge, edge_uplink, edge_cloud, uplink_uplink, uplink_cloud, cloud_cloud = (
        sums
    )
    rate = written(lambda: _Rows(*(_reciprocal(one) for one in price)))
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
    return _Newton(
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


def _client_sums(program: _Program, ratio: _Shares, pivot: Array) -> tuple[tuple[Array, ...], _Rows]:
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
    return sums, written(lambda: _Rows(total(by_load), total(by_work), total(by_data), total(by_cloud)))


def _solve_tree(program: _Program, tree: _Tree, newton: _Newton, right: _Rows, own: _Rows) -> _Rows:
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
    return _Rows(client, edge, uplink, cloud)


def _rises(
    program: _Program, tree: _Tree, newton: _Newton, price: _Rows, base: Callable[[], Array]
) -> tuple[Array, Callable[[], _Shares]]:
    """Δy, and Δz of every option, to be evaluated inside a stage.

    `base` is the right-hand side of the stream's own row over its pivot.
    """
    costs = _costs(program, tree, price)
    ratio = newton.ratio
    worth = written(lambda: base() - _sum(d * cost for d, cost in zip(ratio[:3], costs(), strict=True)) * newton.pivot)
    return worth, lambda: _Shares(*[*(worth + cost for cost in costs()), worth])


def _predictor(program: _Program, tree: _Tree, newton: _Newton) -> tuple[_Shares, _Rows]:
    """Δz/z of all options and Δw/w of all rows in the affine direction.

    All its right-hand sides are −1 besides `pull`: the rows' capacities, and the streams' wholes.
    """
    minus = _Rows(*(-limit for limit in program.limit))
    price = _solve_tree(program, tree, newton, newton.pull, minus)
    _, rises = _rises(program, tree, newton, price, lambda: -newton.pivot)
    share = written(lambda: _Shares(*(rise * i for rise, i in zip(rises(), newton.inverse, strict=True))))
    return share, written(lambda: _Rows(*(change * rate for change, rate in zip(price, newton.rate, strict=True))))


def _centring(share: _Shares, rows: _Rows, mean: Array) -> Array:
    """σμ with σ = (1 − α)³: at a feasible point the affine step of length α leaves 1 − α of the gap."""

    def extreme(combine: Any) -> Array:
        return _over_all(written(lambda: functools.reduce(combine, share)), rows, combine)

    most, least = extreme(jnp.maximum), extreme(jnp.minimum)
    return written(lambda: (1.0 - 1.0 / jnp.maximum(jnp.maximum(1.0 + most, -least), 1.0)) ** 3 * mean)


class _Correction(NamedTuple):
    """The combined direction; that of the shares and Δz are evaluated where they are used."""

    share: Callable[[], _Shares]
    rises: Callable[[], _Shares]
    slack: _Rows
    worth: Array
    price: _Rows


def _corrector(
    program: _Program, tree: _Tree, point: _Point, newton: _Newton, share: _Shares, rows: _Rows, centre: Array
) -> _Correction:
    """Newton's direction towards the centre, with the second-order term of the predictor `share`, `rows`."""
    ratio = newton.ratio
    load, work, data = program.local_load, program.edge_load, program.data
    # (σμ − Δx Δz)/z with Δx = −x (1 + h) and Δz = z h of the predictor.
    push = written(
        lambda: _Shares(
            *(_all(centre) * i + x * h * (1.0 + h) for x, h, i in zip(point.share, share, newton.inverse, strict=True))
        )
    )
    by_row = list(zip(point.slack, rows, newton.rate, strict=True))
    own = written(lambda: _Rows(*(_beside(centre, r) * r + s * h * (1.0 + h) for s, h, r in by_row)))
    base = written(lambda: (_sum(push) - 1.0) * newton.pivot)
    right = written(
        lambda: _Rows(
            total(load * (push.local - ratio.local * base)),
            total(work * (push.edge - ratio.edge * base)),
            total(data * (push.edge + push.cloud - (ratio.edge + ratio.cloud) * base)),
            total(data * (push.cloud - ratio.cloud * base)),
        )
    )
    rest = written(lambda: _Rows(*(one - limit for one, limit in zip(own, program.limit, strict=True))))
    price = _solve_tree(program, tree, newton, right, rest)
    worth, rises = _rises(program, tree, newton, price, lambda: base)

    def step() -> _Shares:
        return _Shares(*(p - x - d * rise for x, p, d, rise in zip(point.share, push, ratio, rises(), strict=True)))

    by_slack = list(zip(own, point.slack, newton.rate, price, strict=True))
    slack = written(lambda: _Rows(*(o - s - s * r * dw for o, s, r, dw in by_slack)))
    return _Correction(step, rises, slack, worth, price)


def _step_lengths(program: _Program, point: _Point, newton: _Newton, correction: _Correction) -> tuple[Array, Array]:
    """How far shares and prices may go, at most 1. ``[B]``"""

    def least(changes: Any, rows: _Rows) -> Array:
        streams = written(lambda: functools.reduce(jnp.minimum, changes()))
        worst = _over_all(streams, rows, jnp.minimum)
        return jnp.minimum(1.0, _STEP / jnp.maximum(-worst, jnp.finfo(worst.dtype).tiny))

    def shares() -> list[Array]:
        triples = zip(program.is_open, point.share, correction.share(), strict=True)
        return [dx / jnp.where(is_open, x, 1.0) for is_open, x, dx in triples]

    def rises() -> list[Array]:
        return [rise * i for rise, i in zip(correction.rises(), newton.inverse, strict=True)]

    slack = written(lambda: _Rows(*(ds * _reciprocal(s) for ds, s in zip(correction.slack, point.slack, strict=True))))
    price = written(lambda: _Rows(*(dw * r for dw, r in zip(correction.price, newton.rate, strict=True))))
    return least(shares, slack), least(rises, price)


def _moved(point: _Point, correction: _Correction, done: Array, primal: Array, dual: Array) -> _Point:
    """The next point; where an instance is done, the same."""

    def along(value: Array, change: Array, length: Array) -> Array:
        return jnp.where(_beside(done, value), value, value + _beside(length, value) * change)

    def all_along(values: Any, changes: Any, length: Array) -> Any:
        return [along(value, change, length) for value, change in zip(values, changes, strict=True)]

    return written(
        lambda: _Point(
            _Shares(*all_along(point.share, correction.share(), primal)),
            _Rows(*all_along(point.slack, correction.slack, primal)),
            along(point.worth, correction.worth, dual),
            _Rows(*all_along(point.price, correction.price, dual)),
        )
    )


def _solution(
    problem: OffloadingProblem, groups: ClientGroups, program: _Program, state: _State, tolerance: Any
) -> HierarchicalLPSolution:
    scale = _value_scale(problem)
    local, edge, cloud = (groups.gathered(share) for share in state.point.share[:3])
    price = state.point.price
    objective = jnp.sum(
        problem.local_value * local + problem.edge_value * edge + problem.cloud_value * cloud, axis=(1, 2)
    )
    gap = state.gap * scale / jnp.where(objective > 0.0, objective, 1.0)
    residual = _residual(program, state.point)
    solved = (_relative(state.gap, state.bound) <= tolerance) & (residual <= jnp.maximum(tolerance, _KEPT))
    return HierarchicalLPSolution(
        local=local,
        edge=edge,
        cloud=cloud,
        client_price=groups.gathered(price.client) * scale[:, None] * _reciprocal(problem.client_compute),
        edge_price=price.edge.T * scale[:, None] * _reciprocal(problem.edge_compute),
        edge_uplink_price=price.uplink.T * scale[:, None] * _reciprocal(problem.edge_uplink),
        cloud_uplink_price=price.cloud * scale * _reciprocal(problem.cloud_uplink),
        objective=objective,
        gap=gap,
        residual=residual,
        iterations=state.iterations,
        solved=solved,
        feasible=jnp.ones_like(state.done),
        bound=state.bound * scale,
    )
