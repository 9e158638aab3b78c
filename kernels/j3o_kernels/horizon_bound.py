"""Upper bound on what plans of a whole horizon are worth, where moving models costs something, and a descent on it.

A model that a node holds in period k and did not hold before costs c_k. For any multipliers 0 ≤ μ_k ≤ c_k of each node
and model, with μ_{K+1} = 0 and x_0 what is held at first,

    −Σ_k c_k max(0, x_k − x_{k−1})  ≤  −Σ_k μ_k (x_k − x_{k−1})  =  μ_1 x_0 − Σ_k (μ_k − μ_{k+1}) x_k

so that the plans of all periods are worth no more than Σ μ_1 x_0 and, for every period, the bound D of `price_bound.py`
with charges h_k = μ_k − μ_{k+1} of holding models. A charge below 0 is a reward for what is held for later. The bound
is convex in prices and multipliers together; with μ = 0 it is that of plans which move at no cost.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from .dual_descent import relative_unit, warmup_cosine
from .materialize import next_iteration
from .price_bound import Prices, price_bound
from .relaxation_program import RelaxationProblem


class OfModels(NamedTuple):
    """Something of each model at each node: clients ``[K, G, P, M]`` and edges ``[K, E, M]``."""

    client: Any
    edge: Any


class _Point(NamedTuple):
    """Prices, and multipliers of moves in parts of the costs; both relative, as the descent moves them."""

    prices: Prices
    moves: OfModels


class _State(NamedTuple):
    step: Any
    point: _Point
    optimizer: Any
    bound: Any


def horizon_descent(
    problem: RelaxationProblem,
    prices: Prices,
    unit: Array,
    costs: OfModels,
    held: OfModels,
    fits: OfModels,
    steps: int | Array,
    rate: float | Array,
) -> Array:
    """Least bound of a run of Adam on prices and multipliers, rounded up ``[]``.

    **Arguments:**

    - `problem`: the periods, without charges.
    - `unit`: of the objective of each period; the bound is on the sum in units of 1. ``[K]``
    - `costs`: c ≥ 0, in units of 1.
    - `held`: whether each model is held before the first period: without the axis of periods.
    - `fits`: whether it can be held: what does not fit is not rewarded.
    - `steps`, `rate`: of Adam, and the largest relative step of a rise and a fall; may be traced.
    """
    scale = jax.tree.map(relative_unit, prices)
    optimizer = optax.adam(warmup_cosine(rate, steps))
    periods = len(unit)

    def spread(cost: Array, first: Array) -> Array:
        """Multipliers that fall from the cost of the first period to 0: as much for each in which a model is held."""
        most = jnp.minimum(cost, cost[:1]) / jnp.where(cost > 0.0, cost, 1.0)
        falling = 1.0 - jnp.arange(periods) / periods
        return jnp.where(first[None], 0.0, most * falling.reshape(-1, *(1,) * first.ndim))

    def bounds(point: _Point) -> Array:
        moves = jax.tree.map(jnp.multiply, point.moves, costs)
        return _bound(problem, jax.tree.map(jnp.multiply, point.prices, scale), unit, moves, held, fits)

    slope = jax.value_and_grad(bounds)

    def step(state: _State) -> _State:
        # The last iteration evaluates the last step's point; its own step is not used.
        bound, gradient = slope(state.point)
        with jax.numpy_dtype_promotion("standard"):  # optax counts its steps in int32
            change, optimizer_state = optimizer.update(gradient, state.optimizer)
            moved: Any = optax.apply_updates(state.point, change)
        inside = _Point(
            jax.tree.map(lambda price: jnp.maximum(price, 0.0), moved.prices),
            jax.tree.map(lambda part: jnp.clip(part, 0.0, 1.0), moved.moves),
        )
        return _State(next_iteration(state.step), inside, optimizer_state, jnp.fmin(bound, state.bound))

    start = _Point(jax.tree.map(jnp.divide, prices, scale), OfModels(*map(spread, costs, held)))
    state = _State(jnp.asarray(0), start, optimizer.init(start), jnp.asarray(jnp.inf, dtype=unit.dtype))
    return jax.lax.while_loop(lambda state: state.step <= steps, step, state).bound


def _bound(
    problem: RelaxationProblem, prices: Prices, unit: Array, moves: OfModels, held: OfModels, fits: OfModels
) -> Array:
    eps = jnp.finfo(unit.dtype).eps

    def charge(own: Array, fits: Array) -> Array:
        later = jnp.concatenate([own[1:], jnp.zeros_like(own[:1])])
        # Less than it is by what the difference and the quotient lose to rounding.
        less = own - later - 4.0 * eps * (own + later)
        return jnp.where(fits, less, jnp.maximum(less, 0.0)) / unit.reshape(-1, *(1,) * (own.ndim - 1))

    client_charge, edge_charge = map(charge, moves, fits)
    charged = problem._replace(client_charge=client_charge, edge_charge=edge_charge)
    kept = sum(jnp.sum(jnp.where(first, own[0], 0.0)) for own, first in zip(moves, held, strict=True))
    total = jnp.sum(price_bound(charged, prices) * unit) + kept
    terms = len(unit) + sum(first.size for first in held) + 8
    return total * (1.0 + terms * eps)
