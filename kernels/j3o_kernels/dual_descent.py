"""Dual descent: a first-order method on `price_bound`, warm-started from the duals of the linear relaxation.

The interior point method minimises the dual of the linear relaxation. `price_bound` is lower there, and has its minimum
elsewhere, since its nodes choose whole sets of models. It is convex, and differentiable almost everywhere.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from .masked_select import select_leading
from .materialize import compilation_unit, next_iteration
from .price_bound import Prices, feasible_prices, price_bound
from .relaxation_program import RelaxationProblem

# A price moves in proportion to itself, or to this part of the largest of its kind.
_FLOOR = 1e-3
# The first step of a schedule that rises, as a part of the largest.
_FIRST_STEP = 0.01


class _State(NamedTuple):
    step: Any
    prices: Any
    optimizer: Any
    best: Any
    bound: Any


def dual_descent(
    problem: RelaxationProblem, prices: Prices, steps: int | Array, schedule: optax.Schedule
) -> tuple[Prices, Array]:
    """Best dual-feasible prices of a run of Adam, and the bound D there ``[B]``.

    That is never more than at the prices that it starts from.

    **Arguments:**

    - `steps`: may be traced; with none, D is that of the prices.
    - `schedule`: of relative steps.
    """
    scale = jax.tree.map(relative_unit, prices)
    optimizer = optax.adam(schedule)
    relative = jax.tree.map(lambda price, unit: price / unit, prices, scale)

    def bounds(relative: Prices) -> tuple[Array, Array]:
        bound = price_bound(problem, jax.tree.map(jnp.multiply, relative, scale))
        return jnp.sum(bound), bound

    slope = jax.grad(bounds, has_aux=True)
    if problem.edge_index is None:
        # Otherwise it gathers, and the gradient of that scatters.
        slope = compilation_unit(slope)

    def step(state: _State) -> _State:
        # The last iteration evaluates the last step's prices; its own step is not used.
        gradient, bound = slope(state.prices)
        best, least = _better(state.prices, bound, state)
        with jax.numpy_dtype_promotion("standard"):  # optax counts its steps in int32
            change, optimizer_state = optimizer.update(gradient, state.optimizer)
        moved = jax.tree.map(lambda price: jnp.maximum(price, 0.0), optax.apply_updates(state.prices, change))
        return _State(next_iteration(state.step), moved, optimizer_state, best, least)

    infinite = jnp.full(problem.cloud_limit.shape, jnp.inf, dtype=problem.cloud_limit.dtype)
    state = _State(jnp.asarray(0), relative, optimizer.init(relative), relative, infinite)
    state = jax.lax.while_loop(lambda state: state.step <= steps, step, state)
    return feasible_prices(problem, jax.tree.map(jnp.multiply, state.best, scale)), state.bound


def warmup_cosine(largest: float | Array, steps: int | Array) -> optax.Schedule:
    """Warm-up and cosine decay over so many steps, which may be traced, unlike those of optax.

    What is near the best already should not be thrown far off by the first steps.
    """
    rise, fall = jnp.maximum(steps // 2, 1), jnp.maximum(steps - steps // 2, 1)

    def schedule(count: Any) -> Any:
        rising = _FIRST_STEP + (1.0 - _FIRST_STEP) * count / rise
        falling = 0.5 + 0.5 * jnp.cos(jnp.pi * jnp.clip((count - rise) / fall, 0.0, 1.0))
        return largest * jnp.where(count < rise, rising, falling)

    return schedule


def relative_unit(price: Array) -> Array:
    """Return the unit that the steps of each price are relative to."""
    inner = tuple(range(1, price.ndim))
    unit = jnp.maximum(price, _FLOOR * jnp.max(price, axis=inner, keepdims=True)) if inner else price
    return jnp.where(unit > 0.0, unit, 1.0)


def _better(prices: Prices, bound: Array, state: _State) -> tuple[Prices, Array]:
    return select_leading(bound < state.bound, (prices, bound), (state.best, state.bound))
