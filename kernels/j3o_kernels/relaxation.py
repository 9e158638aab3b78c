"""The linear relaxation of the strong formulation, solved for whole batches by a primal-dual interior point method.

Mehrotra's predictor-corrector from a start that need not be feasible. `relaxation_program.py` has the program,
`relaxation_newton.py` the elimination. What comes out are prices near the best ones and models in parts;
`price_bound.py` makes a bound of any prices, so that no proof depends on how far this has come.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .relaxation_newton import Newton
from .relaxation_program import Columns, Point, Program, RelaxationProblem, Rows, beside, dot, most, where

# Part of the way to the boundary that a step goes.
_STEP = 0.9995


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


def _start(program: Program) -> Point:
    ones = jax.tree.map(jnp.ones_like, program.value)
    models = ones.held.shape[-1]
    column = ones._replace(
        local=0.1 / models * ones.local,
        edge=0.1 / models * ones.edge,
        cloud=0.1 * ones.cloud,
        held=0.2 * ones.held,
        held_edge=0.2 * ones.held_edge,
    )
    column = where(program.is_open, column, 0.0)
    rows = zip(program.limit, program.used(column), strict=True)
    slack = Rows(*(jnp.maximum(limit - used, 0.1) for limit, used in rows))
    price = jax.tree.map(lambda s: 0.1 * jnp.ones_like(s), slack)
    price = where(program.is_row, price, 0.0)
    reduced = Columns(*(jnp.maximum(c - v, 0.1) for c, v in zip(program.costs(price), program.value, strict=True)))
    # Numbers of what is not there are 1, so that nothing is divided by 0.
    return Point(
        column=where(program.is_open, column, 1.0),
        reduced=where(program.is_open, reduced, 1.0),
        slack=where(program.is_row, slack, 1.0),
        price=where(program.is_row, price, 1.0),
    )


def _along(point: Any, change: Any, length: Array) -> Any:
    return jax.tree.map(lambda a, da: a + beside(length, a) * da, point, change)


def _longest(point: Any, change: Any) -> Array:
    """How far until a number is 0, at most far beyond 1."""
    ratios = jax.tree.map(lambda a, da: -da / a, point, change)
    return 1.0 / jnp.maximum(most(ratios), 1e-3)


class _State(NamedTuple):
    iteration: Any
    done: Any
    iterations: Any
    point: Point
    objective: Any
    bound: Any
    gap: Any
    residual: Any


def relaxation(problem: RelaxationProblem, *, tolerance: float | Array = 1e-6, max_iterations: int = 100) -> Relaxation:
    """Solve the relaxation of every instance; each stops by itself."""
    program = Program(problem)
    is_open, is_row = program.is_open, program.is_row
    terms = functools.reduce(jnp.add, [jnp.sum(m.reshape(m.shape[0], -1), axis=1) for m in (*is_open, *is_row)]).astype(
        problem.value_cloud.dtype
    )
    batch = terms.shape[0]

    def measured(point: Point) -> tuple[Any, ...]:
        column = where(is_open, point.column, 0.0)
        price = where(is_row, point.price, 0.0)
        used, costs = program.used(column), program.costs(price)
        rows = Rows(
            *(
                jnp.where(m, limit - u - s, 0.0)
                for m, limit, u, s in zip(is_row, program.limit, used, point.slack, strict=True)
            )
        )
        columns = Columns(
            *(
                jnp.where(m, v + z - c, 0.0)
                for m, v, z, c in zip(is_open, program.value, point.reduced, costs, strict=True)
            )
        )
        objective = dot(program.value, column)
        bound = dot(program.limit, price)
        pairs = dot(column, point.reduced) + dot(price, point.slack)
        residual = jnp.maximum(most(jax.tree.map(jnp.abs, rows)), most(jax.tree.map(jnp.abs, columns)))
        return rows, columns, objective, bound, pairs, residual

    def iterate(state: _State) -> _State:
        point = state.point
        rows, columns, objective, bound, pairs, residual = measured(point)
        gap = pairs / jnp.maximum(jnp.abs(objective), 1e-12)
        reached = (gap <= tolerance) & (residual <= tolerance)
        done = state.done | reached | ~jnp.isfinite(pairs)
        newton = Newton(program, point)
        mean = pairs / jnp.maximum(terms, 1.0)

        def targets(centre: Array, second: Any | None) -> tuple[Rows, Columns]:
            def target(mask: Array, a: Array, b: Array, product: Array | float) -> Array:
                return jnp.where(mask, beside(centre, a) - a * b - product, 0.0)

            by_row = zip(is_row, point.slack, point.price, second[1] if second else [0.0] * len(is_row), strict=True)
            by_column = zip(
                is_open, point.column, point.reduced, second[0] if second else [0.0] * len(is_open), strict=True
            )
            return Rows(*(target(*one) for one in by_row)), Columns(*(target(*one) for one in by_column))

        zero = jnp.zeros(batch)
        dy, dz, ds, dw = newton.step(rows, columns, *targets(zero, None))
        primal = jnp.minimum(jnp.minimum(_longest(point.column, dy), _longest(point.slack, ds)), 1.0)
        dual = jnp.minimum(jnp.minimum(_longest(point.reduced, dz), _longest(point.price, dw)), 1.0)

        def moved_pairs() -> Array:
            y, z = _along(point.column, dy, primal), _along(point.reduced, dz, dual)
            s, w = _along(point.slack, ds, primal), _along(point.price, dw, dual)
            return dot(where(is_open, y, 0.0), z) + dot(where(is_row, w, 0.0), s)

        centre = (moved_pairs() / jnp.maximum(pairs, 1e-300)) ** 3 * mean
        second = (
            [a * b for a, b in zip(dy, dz, strict=True)],
            [a * b for a, b in zip(ds, dw, strict=True)],
        )
        dy, dz, ds, dw = newton.step(rows, columns, *targets(centre, second))
        primal = jnp.minimum(_STEP * jnp.minimum(_longest(point.column, dy), _longest(point.slack, ds)), 1.0)
        dual = jnp.minimum(_STEP * jnp.minimum(_longest(point.reduced, dz), _longest(point.price, dw)), 1.0)
        done = done | ~(jnp.isfinite(primal) & jnp.isfinite(dual))
        new = Point(
            _along(point.column, dy, primal),
            _along(point.reduced, dz, dual),
            _along(point.slack, ds, primal),
            _along(point.price, dw, dual),
        )
        new = jax.tree.map(lambda a, b: jnp.where(beside(done, a), a, b), point, new)
        return _State(
            state.iteration + 1,
            done,
            jnp.where(done, state.iterations, state.iteration + 1),
            new,
            jnp.where(state.done, state.objective, objective),
            jnp.where(state.done, state.bound, bound),
            jnp.where(state.done, state.gap, gap),
            jnp.where(state.done, state.residual, residual),
        )

    nan = jnp.full(batch, jnp.nan)
    state = _State(
        jnp.asarray(0), jnp.zeros(batch, dtype=bool), jnp.zeros(batch, dtype=int), _start(program), nan, nan, nan, nan
    )
    state = jax.lax.while_loop(lambda state: (state.iteration < max_iterations) & ~jnp.all(state.done), iterate, state)
    point = state.point
    price = where(is_row, point.price, 0.0)
    return Relaxation(
        held=jnp.where(is_open.held, point.column.held, 0.0),
        held_edge=jnp.where(is_open.held_edge, point.column.held_edge, 0.0),
        stream=price.stream,
        client=price.client,
        compute=price.compute,
        uplink=price.uplink,
        cloud=price.cloud,
        objective=state.objective,
        bound=state.bound,
        gap=state.gap,
        residual=state.residual,
        iterations=state.iterations,
    )
