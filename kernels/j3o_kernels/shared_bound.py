"""Upper bound on what one placement earns in many scenarios, from prices of every scenario, and a descent on it.

With weights ω of the scenarios, prices y_s of their own, and D's terms of `price_bound.py`, no placement that is common
to them earns more of Σ_s ω_s F_s than

    Σ_s ω_s linear(y_s) + Σ_nodes max_S Σ_s Σ_t max_{m ∈ S} ω_s p_svtm(y_s),

for the Lagrangian of the scenarios' limits falls apart into nodes, each of which holds one set S in all of them. The
set problem of a node is that of `set_bound.py` with a row for every task in every scenario. The bound is convex in the
prices and at most Σ_s ω_s D_s. Finding the leading models of all nodes takes M times as long as the bound of given
ones, so the descent looks for them only from time to time.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from .dual_descent import relative_unit
from .masked_select import select_leading
from .price_bound import Prices, dual_terms, feasible_prices, terms_of_sum
from .relaxation_program import RelaxationProblem
from .set_bound import bound_of_leads, bounds_by_lead, set_bound

# Steps between two searches for the leading models, and how many of them each node keeps.
_STEPS = 8
_LEADS = 4
# Largest relative steps of the runs of Adam, each of which begins at the best prices of those before.
_RATES = (0.1, 0.03, 0.01, 0.003)


class _Nodes(NamedTuple):
    """Linear terms of all scenarios ``[]``, profits ``[M, S·T, V]`` and sizes ``[M, V]`` at all nodes."""

    linear: Any
    profit: Any
    size: Any


class _State(NamedTuple):
    round: Any
    prices: Prices
    optimizer: Any
    best: Prices
    bound: Any


def shared_price_bound(problem: RelaxationProblem, prices: Prices, importance: Array) -> Array:
    """Safe bound on Σ_s ω_s F_s, rounded up ``[]``.

    **Arguments:**

    - `problem`: of scenarios in whose memories models take the same parts.
    - `importance`: ω ≥ 0. ``[S]``
    """
    linear, profit, size = _nodes(problem, prices, importance)
    bound = linear + jnp.sum(set_bound(profit, size))
    # A product for each term, and sums over scenarios besides.
    terms = terms_of_sum(problem) + 2 * len(importance) + size.size + 8
    return bound * (1.0 + terms * jnp.finfo(bound.dtype).eps)


def shared_descent(
    problem: RelaxationProblem, prices: Prices, importance: Array, rounds: int | Array
) -> tuple[Prices, Array]:
    """Best dual-feasible prices of a few runs of Adam, each with smaller steps, and the bound there ``[]``.

    The bound is not more than at the prices that it starts from, but for rounding.

    **Arguments:**

    - `rounds`: of each run; may be traced.
    """
    unit = jax.tree.map(relative_unit, prices)
    adam = optax.scale_by_adam()
    rates = jnp.asarray(_RATES, dtype=importance.dtype)

    def at(relative: Prices) -> _Nodes:
        return _nodes(problem, jax.tree.map(jnp.multiply, relative, unit), importance)

    def value(relative: Prices, leads: Array) -> Array:
        linear, profit, size = at(relative)
        return linear + jnp.sum(bound_of_leads(profit, size, leads))

    def round_of_steps(state: _State) -> _State:
        linear, profit, size = at(state.prices)
        by_lead = bounds_by_lead(profit, size)
        bound = linear + jnp.sum(jnp.max(by_lead, axis=0))
        best, least = select_leading(bound < state.bound, (state.prices, bound), (state.best, state.bound))
        most = jnp.maximum(rounds, 1)
        run, place = state.round // most, state.round % most
        done = place.astype(rates.dtype) / most.astype(rates.dtype)
        anew = place == 0
        start, memory = select_leading(anew, (best, adam.init(best)), (state.prices, state.optimizer))
        # After a return to the best prices the leads are those of others: they are looked for again soon.
        leads = jnp.moveaxis(jax.lax.top_k(jnp.moveaxis(by_lead, 0, -1), min(_LEADS, len(size)))[1], -1, 0)
        rate = rates[jnp.minimum(run, len(rates) - 1)] * (0.5 + 0.5 * jnp.cos(jnp.pi * done))

        def step(_: Any, carry: tuple[Prices, Any]) -> tuple[Prices, Any]:
            relative, memory = carry
            gradient = jax.grad(value)(relative, leads.astype(int))
            with jax.numpy_dtype_promotion("standard"):  # optax counts its steps in int32
                direction, memory = adam.update(gradient, memory)
            return jax.tree.map(lambda price, move: jnp.maximum(price - rate * move, 0.0), relative, direction), memory

        # The last round looks at the last step's prices; its own steps are not used.
        moved, memory = jax.lax.fori_loop(0, _STEPS, step, (start, memory))
        return _State(state.round + 1, moved, memory, best, least)

    relative = jax.tree.map(jnp.divide, prices, unit)
    infinite = jnp.asarray(jnp.inf, dtype=importance.dtype)
    state = _State(jnp.asarray(0), relative, adam.init(relative), relative, infinite)
    state = jax.lax.while_loop(lambda state: state.round <= len(rates) * rounds, round_of_steps, state)
    best = feasible_prices(problem, jax.tree.map(jnp.multiply, state.best, unit))
    return best, shared_price_bound(problem, best, importance)


def _nodes(problem: RelaxationProblem, prices: Prices, importance: Array) -> _Nodes:
    linear, at_client, at_edge = dual_terms(problem, prices)
    scenarios, models = len(linear), at_client.shape[-1]

    def rows(profit: Array) -> Array:
        """``[M, S·T, nodes]`` from ``[S, *nodes, T, M]``."""
        weighted = profit * importance.reshape(-1, *(1,) * (profit.ndim - 1))
        count = math.prod((scenarios, profit.shape[-2]))
        return jnp.moveaxis(weighted, (-1, 0, -2), (0, 1, 2)).reshape(models, count, -1)

    def sizes(size: Array) -> Array:
        return size[0].reshape(-1, models).T

    return _Nodes(
        jnp.sum(importance * linear),
        jnp.concatenate([rows(at_client), rows(at_edge)], axis=2),
        jnp.concatenate([sizes(problem.client_size), sizes(problem.edge_size)], axis=1),
    )
