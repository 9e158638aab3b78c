"""Weighted maximum coverage under a memory budget, of nodes that hold one set of models for many scenarios.

    maximise  Σ_r max(0, max_{m∈S} profit_mr)   subject to  Σ_{m∈S} size_m ≤ budget

for all nodes at once, where the rows r of a node are its tasks in every scenario. Greedy by profit per MB, then the
best swap at a time, as in `coverage.py`; with hundreds of rows there are loops over models in place of those over
tasks.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .greedy import inverse_size
from .tolerances import ROUNDING, TIES


class _State(NamedTuple):
    held: Array  # [M, N]
    turn: Any
    moves: Any


def shared_coverage(profit: Array, size: Array, budget: Array, *, max_swaps: int = 8) -> Array:
    """Choose one set of models for each node ``[M, N]``.

    **Arguments:**

    - `profit`: of each row with each model, ≥ 0. ``[M, N, R]``
    - `size`: ``[M, N]``; `budget`: ``[N]``.
    - `max_swaps`: most steps of the local search after the greedy choice.
    """
    models, nodes, _ = profit.shape
    number = jnp.arange(models)[:, None]
    limit = budget * (1.0 + ROUNDING)
    size = jnp.broadcast_to(size, (models, nodes))
    rate = inverse_size(size)

    def covered_by(held: Array) -> Array:
        """Profit of each row from a set ``[N, R]``."""
        return jnp.max(jnp.where(held[:, :, None], profit, 0.0), axis=0)

    def memory_of(held: Array) -> Array:
        return jnp.sum(jnp.where(held, size, 0.0), axis=0)

    def gains(covered: Array) -> Array:
        """Rise of the objective by each model beside what covers the rows already ``[M, N]``."""
        return jnp.sum(jnp.maximum(profit - covered[None], 0.0), axis=2)

    def best_model(score: Array) -> tuple[Array, Array]:
        """Highest score of each node, and the first model that has it up to `TIES` ``[N]``."""
        best = jnp.max(score, axis=0)
        return best, jnp.argmax(score >= best[None] * (1.0 - TIES), axis=0)

    def add_best(state: _State) -> _State:
        """Add the model of most marginal profit per MB among those that fit."""
        covered = covered_by(state.held)
        worth = jnp.sum(covered, axis=1)
        gain = gains(covered)
        useful = (gain > TIES * worth[None]) & ~state.held & (memory_of(state.held)[None] + size <= limit[None])
        density, model = best_model(jnp.where(useful, gain * rate, -1.0))
        adds = density > 0.0
        held = state.held | (adds[None] & (number == model[None]))
        return _State(held, state.turn + 1, jnp.any(adds))

    def swap_best(state: _State) -> _State:
        """Make the best 1-swap: add a model, to the free memory or in place of one that is held."""
        held = _without_idle(state.held, profit)
        worth, used = jnp.sum(covered_by(held), axis=1), memory_of(held)
        rank = jnp.cumsum(held, axis=0)
        most = jnp.max(rank)

        def try_leaver(carry: tuple[Any, Array, Array, Array]) -> tuple[Any, Array, Array, Array]:
            """Best swap so far, and those in which the held model of the next rank, or at first none, leaves."""
            place, best_gain, enters, leaves = carry
            leaver = held & (rank == place) & (place > 0)
            stays = held & ~leaver
            covered = covered_by(stays)
            gain = gains(covered) + (jnp.sum(covered, axis=1) - worth)[None]
            fits = (used - memory_of(leaver))[None] + size <= limit[None]
            possible = fits & ~held & ((place == 0) | jnp.any(leaver, axis=0))[None]
            own, model = best_model(jnp.where(possible, gain, -1.0))
            better = own > best_gain * (1.0 + TIES)
            out = jnp.where(jnp.any(leaver, axis=0), jnp.argmax(leaver, axis=0), -1)
            return (
                place + 1,
                jnp.where(better, own, best_gain),
                jnp.where(better, model, enters),
                jnp.where(better, out, leaves),
            )

        nothing = jnp.full(nodes, -1)
        start = (jnp.asarray(0), jnp.zeros_like(worth), nothing, nothing)
        _, gain, enters, leaves = jax.lax.while_loop(lambda carry: carry[0] <= most, try_leaver, start)
        moves = (gain > ROUNDING * worth) & (state.turn < max_swaps)
        new = (held & (number != leaves[None])) | (number == enters[None])
        return _State(jnp.where(moves[None], new, held), state.turn + 1, jnp.any(moves))

    start = _State(jnp.zeros((models, nodes), dtype=bool), jnp.asarray(0), jnp.asarray(True))
    greedy = jax.lax.while_loop(lambda state: state.moves, add_best, start)
    start = greedy._replace(turn=jnp.asarray(0), moves=jnp.asarray(True))
    return jax.lax.while_loop(lambda state: state.moves, swap_best, start).held


def _without_idle(held: Array, profit: Array) -> Array:
    """Drop models that are the best of no row; of equal ones the first stays."""
    own = jnp.where(held[:, :, None], profit, 0.0)
    best = jnp.max(own, axis=0)
    number = jnp.arange(len(held))[:, None, None]
    first = jnp.min(jnp.where(held[:, :, None] & (own >= best[None]), number, len(held)), axis=0)
    return held & jnp.any((number == first[None]) & (best > 0.0)[None], axis=2)
