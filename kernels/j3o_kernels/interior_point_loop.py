"""Mehrotra's predictor-corrector method for batches of linear programs: the loop, whatever the program is.

The affine direction is the correction of no direction at all: with no second-order term and target products of 0, the
corrector's right-hand side is the predictor's. So on CPUs the program of a direction is compiled once; elsewhere the
two are unrolled, as a loop would add more copies than it has kernels.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from .materialize import compilation_unit, materialize, next_iteration, repeat, unrolled_while

# Part of the way to the boundary that a step goes.
_STEP = 0.9995
# Iterations for each test of whether all instances are done, on accelerators.
_UNROLL = 4


class Iterate(NamedTuple):
    """State of the loop.

    - `iteration`: how many there have been.
    - `done`: instances that have stopped. ``[B]``
    - `iterations`: steps of each instance. ``[B]``
    - `point`: primal and dual variables.
    - `record`: what the program keeps of its iterates, its `gap` ``[B]`` among it.
    """

    iteration: Any
    done: Any
    iterations: Any
    point: Any
    record: Any


class Linearization(NamedTuple):
    """Newton system of an iterate, factorized.

    - `done`: instances that stop at this iterate. ``[B]``
    - `record`: that of this iterate.
    - `direction`: solves for the direction with target products ``[B]`` and the second-order term of another one.
    - `ratio_test`: largest relative decrease of a primal and of a dual variable in a full step. ``[B]``
    - `centring`: target products σμ, from the affine direction and the step lengths along it. ``[B]``
    - `take_step`: the next point, from the direction, the instances that are done and the step lengths.
    - `zero`: the direction of length 0.
    """

    done: Array
    record: Any
    direction: Callable[[Any, Array], Any]
    ratio_test: Callable[[Any], tuple[Array, Array]]
    centring: Callable[[Any, Array, Array], Array]
    take_step: Callable[[Any, Array, Array, Array], Any]
    zero: Any


def interior_point_loop(
    linearize: Callable[[Iterate], Linearization],
    start: Any,
    record: Any,
    done: Array,
    max_iterations: int | Array,
    *,
    large: bool = False,
) -> Iterate:
    """Iterate until every instance is done.

    **Arguments:**

    - `start`: a strictly feasible point.
    - `record`: that of no iterate yet.
    - `done`: instances that are not to be solved. ``[B]``
    - `large`: for programs that are better compiled in parts than as one compilation unit.
    """

    def iterate(state: Iterate) -> Iterate:
        system = linearize(state)
        step, primal, dual = _corrected_direction(system, large)

        def stops() -> Array:
            # Reject non-finite steps.
            return system.done | ~(jnp.isfinite(primal) & jnp.isfinite(dual))

        done = stops() if large else materialize(stops)
        iteration = next_iteration(state.iteration) if large else state.iteration + 1
        return Iterate(
            iteration=iteration,
            # Here and not in the condition, so that iterations after the last one change nothing.
            done=done | (iteration >= max_iterations),
            iterations=jnp.where(done, state.iterations, state.iteration + 1),
            point=system.take_step(step, done, primal, dual),
            record=system.record,
        )

    first = Iterate(jnp.asarray(0), done, jnp.zeros(done.shape, dtype=int), start, record)
    return unrolled_while(lambda state: ~jnp.all(state.done), iterate, first, 1 if large else _UNROLL)


def _corrected_direction(system: Linearization, large: bool) -> tuple[Any, Array, Array]:
    """Corrected direction, and the step lengths of the primal and the dual along it ``[B]``."""

    def aim(step: Any) -> tuple[Array, Array, Array]:
        primal, dual = system.ratio_test(step)
        lengths = materialize(lambda: (1.0 / jnp.maximum(primal, 1.0), 1.0 / jnp.maximum(dual, 1.0)))
        return system.centring(step, *lengths), primal, dual

    solve, target = (compilation_unit(system.direction), compilation_unit(aim)) if large else (system.direction, aim)

    def improve(state: tuple[Any, Array, Array, Array]) -> tuple[Any, Array, Array, Array]:
        last, centre, _, _ = state
        step = solve(last, centre)
        return step, *target(step)

    zero = jnp.zeros_like(system.record.gap)
    step, _, primal, dual = repeat(2, improve, (system.zero, zero, zero, zero), apart=large)
    return step, *materialize(lambda: (_length(primal), _length(dual)))


def _length(decrease: Array) -> Array:
    return jnp.minimum(1.0, _STEP / jnp.maximum(decrease, jnp.finfo(decrease.dtype).tiny))
