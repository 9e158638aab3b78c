"""The linear relaxation of the strong formulation, solved for whole batches by a primal-dual interior point method.

Mehrotra's predictor-corrector from a start that is strictly feasible for both programs. `relaxation_program.py` has the
program, `relaxation_newton.py` the elimination. What comes out are prices near the best ones and models in parts;
`price_bound.py` makes a bound of any prices, so that no proof depends on how far this has come.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .predictor_corrector import predictor_corrector
from .relaxation_newton import direction, eliminated
from .relaxation_program import (
    AT_PLACES,
    Columns,
    Kinds,
    Places,
    Point,
    Program,
    RelaxationProblem,
    Rows,
    program_of,
    reciprocal,
)
from .stages import fold, next_turn, over_first, region, sum_of, written

# Reduced costs and multipliers of the start.
_PRICE = 0.1
# A gap at which steps gain whenever numbers are still good for it.
_NEAR = 1e-4


class Relaxation(NamedTuple):
    """What the method ends with, solved or not.

    - `held` ``[B, G, K, M]``, `held_edge` ``[B, G, M]``: the models, in parts.
    - `stream`: worth n. ``[B, G, K, T]``
    - `client` ``[B, G, K]``, `compute`, `uplink` ``[B, G]``, `cloud` ``[B]``: prices of the scaled rows.
    - `objective`, `bound`: of the last point; the bound holds to the residual. ``[B]``
    - `gap`, `residual`: relative. ``[B]``
    - `iterations`. ``[B]``
    """

    held: Any
    held_edge: Any
    stream: Any
    client: Any
    compute: Any
    uplink: Any
    cloud: Any
    objective: Any
    bound: Any
    gap: Any
    residual: Any
    iterations: Any


class Step(NamedTuple):
    """A step: what products y z and s w are to change by, ξ and η, and h = Δz/z, g = Δw/w."""

    by_column: Columns
    by_row: Rows
    h: Columns
    g: Rows


class _State(NamedTuple):
    iteration: Any
    done: Any
    iterations: Any
    point: Point
    best: Rows  # the prices that bound least, besides those of flows
    bound: Any
    objective: Any
    gap: Any
    pairs: Any  # Σ y z + Σ s w of the point before


def relaxation(
    problem: RelaxationProblem, *, tolerance: float | Array = 1e-6, max_iterations: int | Array = 100
) -> Relaxation:
    """Solve the relaxation of every instance; each stops by itself. Both limits may be traced."""
    places = Places(problem)

    def begun() -> tuple[Program, Array, Point]:
        program = program_of(problem, places)
        return program._replace(places=None), _count(program), _start(program)

    # The places hold no arrays of their own.
    program, terms, point = region(begun)()
    program = program._replace(places=places)
    batch, dtype = problem.value_cloud.shape[0], problem.value_cloud.dtype
    infinite = jnp.full(batch, jnp.inf, dtype=dtype)
    state = _State(
        iteration=jnp.asarray(0),
        done=jnp.zeros(batch, dtype=bool),
        iterations=jnp.zeros(batch, dtype=int),
        point=point,
        best=point.price._replace(flow=None),
        bound=infinite,
        objective=jnp.full(batch, jnp.nan, dtype=dtype),
        gap=infinite,
        pairs=infinite,
    )

    def goes_on(state: _State) -> Array:
        return (state.iteration < max_iterations) & ~jnp.all(state.done)

    state = jax.lax.while_loop(goes_on, lambda state: _iterate(program, terms, state, tolerance), state)

    def ended() -> Relaxation:
        column, price = state.point.column, state.best
        return Relaxation(
            held=places.cleared(column.held),
            held_edge=jnp.transpose(column.held_edge),
            stream=places.cleared(price.stream),
            client=places.cleared(price.client),
            compute=price.compute.T,
            uplink=price.uplink.T,
            cloud=price.cloud,
            objective=state.objective,
            bound=state.bound,
            gap=state.gap,
            residual=_residual(program, state.point),
            iterations=state.iterations,
        )

    return region(ended)()


def _iterate(program: Program, terms: Array, state: _State, tolerance: float | Array) -> _State:
    """One predictor-corrector step of the instances that are not done."""
    places, point = program.places, state.point
    pairs = _pairs(program, point)
    bound = _value(program, point.price)
    gap = pairs / jnp.maximum(jnp.abs(bound - pairs), 1e-12)
    better = ~state.done & (bound < state.bound)
    best = _chosen(Kinds(places, better), point.price, state.best)
    # Steps of different lengths may leave a little more than there was; twice as much was lost in rounding, and near
    # the end so was one that gains nothing.
    lost = ~(pairs < 2.0 * state.pairs) | ((gap <= _NEAR) & (pairs > state.pairs))
    done = state.done | (gap <= tolerance) | lost

    newton = region(lambda: eliminated(program, point))()

    def direct(last: Step, centre: Array) -> Step:
        by_column, by_row = _towards(program, point, last, Kinds(places, centre))
        return Step(by_column, by_row, *direction(program, point, newton, by_column, by_row))

    def centre(step: Step, primal: Array, dual: Array) -> Array:
        # At a feasible point the affine step changes y z and s w by -pairs in all, of which the prices do this much.
        by_price = _value(program, Rows(None, *(w * change for w, change in _rows(point.price, step.g))))
        ahead = jnp.maximum(pairs - primal * (pairs + by_price) + dual * by_price, 0.0)
        return (ahead / jnp.maximum(pairs, jnp.finfo(pairs.dtype).tiny)) ** 3 * pairs / jnp.maximum(terms, 1.0)

    columns, rows = (jax.tree.map(jnp.zeros_like, minus) for minus in (program.minus_column, program.minus_row))
    step, primal, dual = predictor_corrector(
        direct,
        functools.partial(_shrinkage, program),
        centre,
        Step(columns, rows, columns, rows),
        jnp.zeros_like(pairs),
        large=True,
    )
    # No step beats one into the void.
    done = done | ~(jnp.isfinite(primal) & jnp.isfinite(dual))
    return _State(
        iteration=next_turn(state.iteration),
        done=done,
        iterations=jnp.where(done, state.iterations, state.iteration + 1),
        point=_moved(point, step, Kinds(places, ~done), (Kinds(places, primal), Kinds(places, dual))),
        best=best,
        bound=jnp.where(better, bound, state.bound),
        objective=jnp.where(state.done, state.objective, bound - pairs),
        gap=jnp.where(state.done, state.gap, gap),
        pairs=pairs,
    )


def _start(program: Program) -> Point:
    """Models in half of the room, flows in a part that leaves half of every row, and prices above all worth."""
    places, part, is_column, is_row, limit = (
        program.places,
        program.part,
        program.is_column,
        program.is_row,
        program.limit,
    )

    def share(size: Array, mask: Array) -> Array:
        room = fold(size)
        return written(lambda: jnp.where(mask, 0.5 / jnp.maximum(room, 1.0)[None], 0.0))

    def half(limit: Array, used: Array) -> Array:
        return jnp.where(used > 0.0, jnp.minimum(0.5 * limit * reciprocal(used), 1.0), 1.0)

    held, held_edge = share(program.size, is_column.held), share(program.edge_size, is_column.held_edge)
    holders = program.of_holders(held, held_edge)
    column = Columns(
        written(lambda: jnp.where(is_column.flow, 0.5 * holders[:, :, None], 0.0)),
        written(lambda: jnp.where(is_column.cloud, 0.5, 0.0)),
        held,
        held_edge,
    )
    used = program.used(column)
    stream, client = written(lambda: (half(limit.stream, used.stream), half(limit.client, used.client)))
    compute, uplink = (
        places.of_edges(half(limit.compute, used.compute)),
        places.of_edges(half(limit.uplink, used.uplink)),
    )
    cloud = places.of_instances(half(limit.cloud, used.cloud))

    def smaller() -> tuple[Array, Array]:
        local, edge = jnp.minimum(stream, client[None]), jnp.minimum(stream, jnp.minimum(compute, uplink)[None])
        flow = column.flow * jnp.stack([local, edge])[None]
        return flow, column.cloud * jnp.minimum(stream, jnp.minimum(uplink, cloud)[None])

    column = column._replace(**dict(zip(("flow", "cloud"), written(smaller), strict=True)))
    slack = Rows(
        *(
            written(lambda mask=mask, limit=limit, used=used: jnp.where(mask, limit - used, 0.0))
            for mask, limit, used in zip(is_row, limit, program.used(column), strict=True)
        )
    )
    worth = over_first(lambda value, u: value * reciprocal(u), program.value, part, combine=jnp.maximum)
    price = Rows(*(written(lambda mask=mask: jnp.where(mask, _PRICE, 0.0)) for mask in is_row))
    tasks = part.shape[2]
    by_flow = written(lambda: sum_of(price.flow[:, :, t] for t in range(tasks)))
    at_edge = places.at_edges(by_flow[:, 1])
    price = price._replace(
        stream=written(
            lambda: (
                price.stream
                + jnp.where(is_row.stream, jnp.maximum(jnp.maximum(worth[0], worth[1]), program.value_cloud), 0.0)
            )
        ),
        whole=written(lambda: price.whole + by_flow[:, 0]),
        edge_whole=written(lambda: price.edge_whole + at_edge),
    )
    costs = program.costs(price, by_flow)
    way, toll = program.asked(price)
    reduced = Columns(
        written(lambda: jnp.where(is_column.flow, program.asked_of_flows(way, toll) + price.flow - program.value, 0.0)),
        written(lambda: jnp.where(is_column.cloud, costs.cloud - program.value_cloud, 0.0)),
        written(lambda: jnp.where(is_column.held, costs.held, 0.0)),
        written(lambda: jnp.where(is_column.held_edge, costs.held_edge, 0.0)),
    )
    return Point(column, reduced, slack, price)


def _rows(*rows: Rows) -> Any:
    """The kinds of rows besides those of flows."""
    return zip(*(one[1:] for one in rows), strict=True)


def _chosen(masks: Kinds, new: Rows, old: Rows) -> Rows:
    """The new prices, besides those of flows, of some instances."""

    def chosen(at_places: bool, one: Array, other: Array) -> Array:
        return jnp.where(masks.like(at_places, one), one, other)

    return Rows(None, *written(lambda: [chosen(*one) for one in zip(AT_PLACES.row[1:], new[1:], old[1:], strict=True)]))


def _value(program: Program, price: Rows) -> Array:
    """Σ of limits times prices: of those of flows they are 0. ``[B]``"""
    kinds = list(zip(AT_PLACES.row[1:], program.limit[1:], price[1:], strict=True))
    return program.places.over_all(jnp.multiply, kinds, jnp.add)


def _pairs(program: Program, point: Point) -> Array:
    """Σ y z + Σ s w. ``[B]``"""
    column, reduced, slack, price = point
    kinds = [*zip(AT_PLACES.column, column, reduced, strict=True), *zip(AT_PLACES.row, slack, price, strict=True)]
    return program.places.over_all(jnp.multiply, kinds, jnp.add)


def _count(program: Program) -> Array:
    """How many products there are. ``[B]``"""
    columns, rows = program.minus_column, program.minus_row
    kinds = [*zip(AT_PLACES.column, columns, strict=True), *zip(AT_PLACES.row, rows, strict=True)]
    return program.places.over_all(jnp.negative, kinds, jnp.add)


def _towards(program: Program, point: Point, last: Step, centre: Kinds) -> tuple[Columns, Rows]:
    """What products are to change by, relative to them, with the second-order term of the last step."""

    def towards(at_places: bool, minus: Array, one: Array, other: Array, change: Array) -> Array:
        return written(lambda: centre.like(at_places, one) * reciprocal(one * other) + change * (1.0 + change) + minus)

    columns = zip(AT_PLACES.column, program.minus_column, point.column, point.reduced, last.h, strict=True)
    rows = zip(AT_PLACES.row, program.minus_row, point.slack, point.price, last.g, strict=True)
    return Columns(*(towards(*one) for one in columns)), Rows(*(towards(*one) for one in rows))


def _shrinkage(program: Program, step: Step) -> tuple[Array, Array]:
    """The largest part that a full step takes of a number of the primal, and of the dual. ``[B]``"""
    kinds = [
        *zip(AT_PLACES.column, step.by_column, step.h, strict=True),
        *zip(AT_PLACES.row, step.by_row, step.g, strict=True),
    ]
    return program.places.over_all(lambda by, change: (change - by, -change), kinds, jnp.maximum)


def _moved(point: Point, step: Step, alive: Kinds, steps: Any) -> Point:
    """The next point; where an instance is done, the same."""
    primal, dual = steps

    def moved(at_places: bool, one: Array, other: Array, by: Array, change: Array) -> tuple[Array, Array]:
        def along() -> tuple[Array, Array]:
            goes = alive.like(at_places, one)
            first = one * (1.0 + primal.like(at_places, one) * (by - change))
            second = other * (1.0 + dual.like(at_places, one) * change)
            return jnp.where(goes, first, one), jnp.where(goes, second, other)

        return written(along)

    kinds = zip(AT_PLACES.column, point.column, point.reduced, step.by_column, step.h, strict=True)
    columns = [moved(*one) for one in kinds]
    rows = [moved(*one) for one in zip(AT_PLACES.row, point.slack, point.price, step.by_row, step.g, strict=True)]
    column, reduced = zip(*columns, strict=True)
    slack, price = zip(*rows, strict=True)
    return Point(Columns(*column), Columns(*reduced), Rows(*slack), Rows(*price))


def _residual(program: Program, point: Point) -> Array:
    """The most that a row is not kept. ``[B]``"""
    used = program.used(point.column)
    limit = program.limit._replace(flow=jnp.broadcast_to(program.limit.flow, used.flow.shape))
    kinds = list(zip(AT_PLACES.row, program.minus_row, limit, used, point.slack, strict=True))
    return program.places.over_all(lambda m, b, u, s: jnp.abs(m * (b - u - s)), kinds, jnp.maximum)
