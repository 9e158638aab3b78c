"""Weighted maximum coverage under a memory budget: greedy by density, then 1-swap local search.

    maximise  Σ_t max(0, max_{m∈S} profit_tm)   subject to  Σ_{m∈S} size_m ≤ budget

for all nodes at once: every task earns what its best held model earns. Greedy by profit per MB, then the best swap at a
time (one model in, at most one out) until none helps. Nodes stand on any trailing axes ``*N``; they share nothing, so
instances are just more nodes.

Holding a model may have a charge, which is taken off: the objective stays submodular, but is no longer monotone. So
what a model adds counts less its charge, and a swap may also take one out and none in.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .greedy import first_best, inverse_size
from .materialize import materialize, reduce_slices, sum_terms, tree_reduce
from .tolerances import ROUNDING, TIES


class Coverage(NamedTuple):
    """Sets of models, and the assignment of tasks to them.

    - `held`: models that earn most for some task. ``[M, *N]``
    - `choice`: the held model that earns most for each task, −1 where none earns. ``[T, *N]``
    - `earned`: profit of each task. ``[T, *N]``
    """

    held: Array
    choice: Array
    earned: Array


class _State(NamedTuple):
    coverage: Coverage
    used: Array  # memory [*N]
    turn: Any
    moves: Any


def max_coverage(
    profit: Array, size: Array, budget: Array, *, charge: Array | None = None, max_swaps: int = 8
) -> Coverage:
    """Choose sets of models for all nodes.

    **Arguments:**

    - `profit`: of each task with each model, ≥ 0. ``[T, M, *N]``
    - `size`: ``[M, *N]``, axes of length 1 allowed; `budget`: ``[*N]``.
    - `charge`: of holding each model, ≥ 0; None where there is none. ``[M, *N]``
    - `max_swaps`: most steps of the local search after the greedy choice.
    """
    tasks, models, *nodes = profit.shape
    number = jnp.arange(models).reshape(models, *[1] * len(nodes))
    limit = materialize(lambda: budget * (1.0 + ROUNDING))
    rate = materialize(lambda: inverse_size(size))

    def take_model(values: Array, model: Array) -> Array:
        """Values of one model per node: ``[*N]`` from ``[M, *N]``, ``[T, *N]`` from ``[T, M, *N]``."""
        axis = values.ndim - len(nodes) - 1
        index = jnp.maximum(model, 0).reshape((1,) * (axis + 1) + model.shape)
        shape = (*values.shape[: axis + 1], *nodes)
        return jnp.squeeze(jnp.take_along_axis(jnp.broadcast_to(values, shape), index, axis=axis), axis)

    def value_with(covered: list[Array]) -> Array:
        """Objective with each model added to what covers the tasks already, but for its charges ``[M, *N]``."""
        value = sum_terms(jnp.maximum(profit[t], covered[t][None]) for t in range(tasks))
        return value if charge is None else value - charge

    def add_best(state: _State) -> _State:
        """Add the model of most marginal profit per MB among those that fit."""
        earned, used = state.coverage.earned, state.used
        worth = materialize(lambda: reduce_slices(earned))

        def densities() -> Array:
            gain = value_with(list(earned)) - worth[None]
            useful = (gain > TIES * worth[None]) & (used[None] + size <= limit[None]) & ~state.coverage.held
            return jnp.where(useful, gain * rate, -1.0)

        density, model = first_best(materialize(densities))

        def add() -> _State:
            adds = density > 0.0
            own = take_model(profit, model)
            better = adds[None] & (own > earned)
            return _State(
                Coverage(
                    held=state.coverage.held | (adds[None] & (number == model[None])),
                    choice=jnp.where(better, model[None], state.coverage.choice),
                    earned=jnp.where(better, own, earned),
                ),
                used + jnp.where(adds, take_model(size, model), 0.0),
                state.turn + 1,
                jnp.any(adds),
            )

        return materialize(add)

    def prune(held: Array) -> tuple[Coverage, Array]:
        """Drop models that are the best of no task; also the memory that is left in use."""
        earned = tree_reduce(jnp.moveaxis(jnp.where(held[None], profit, 0.0), 1, 0), jnp.maximum)
        reached = held[None] & (profit >= earned[:, None])
        choice = tree_reduce(jnp.moveaxis(jnp.where(reached, number[None], models), 1, 0), jnp.minimum)
        choice = materialize(lambda: jnp.where(earned > 0.0, choice, -1))

        def kept() -> tuple[Array, Array]:
            used = functools.reduce(jnp.logical_or, [choice[t][None] == number for t in range(tasks)])
            return used, jnp.where(used, size, 0.0)

        held, sizes = materialize(kept)
        return Coverage(held, choice, earned), tree_reduce(sizes)

    def swap_best(state: _State) -> _State:
        """Make the best 1-swap: add a model, to the free memory or in place of one that some task chose."""
        coverage, used = prune(state.coverage.held)
        held, choice, earned = coverage
        worth = materialize(lambda: reduce_slices(earned))

        def seconds() -> Array:
            """Profit of each task from its second-best held model ``[T, *N]``."""
            others = [jnp.where(held & (number != choice[t][None]), profit[t], 0.0) for t in range(tasks)]
            return jnp.stack([jnp.max(other, axis=0) for other in others])

        second = materialize(seconds)
        nobody = jnp.full_like(choice[:1], -1)
        leavers = materialize(lambda: jnp.concatenate([nobody, choice]))

        def better(index: Any, best: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            """Best swap so far and among those in which this model, or none, leaves."""
            leaver = materialize(lambda: jax.lax.dynamic_index_in_dim(leavers, index, 0, keepdims=False))
            freed = materialize(lambda: jnp.where(leaver >= 0, take_model(size, leaver), 0.0))

            def without_leaver() -> list[Array]:
                goes = (choice == leaver[None]) & (choice >= 0)
                return list(jnp.where(goes, second, earned))

            if charge is None:

                def scores() -> Array:
                    left = without_leaver()
                    fits = (used - freed)[None] + size <= limit[None]
                    return jnp.where(fits & ~held, value_with(left) - worth[None], -1.0)

                own, own_model = first_best(materialize(scores))
            else:
                paid: Array = charge
                saved = materialize(lambda: jnp.where(leaver >= 0, take_model(paid, leaver), 0.0))

                def scores() -> Array:
                    left = without_leaver()
                    fits = (used - freed)[None] + size <= limit[None]
                    return jnp.where(fits & ~held, value_with(left) - (worth - saved)[None], -1.0)

                own, own_model = first_best(materialize(scores))

                def none_in() -> tuple[Array, Array]:
                    alone = sum_terms(without_leaver()) - (worth - saved)
                    better = alone > jnp.maximum(own, 0.0)
                    return jnp.where(better, alone, own), jnp.where(better, -1, own_model)

                own, own_model = materialize(none_in)

            def chosen() -> tuple[Array, Array, Array]:
                gain, model, leaves = best
                better = (index == 0) | (own > gain * (1.0 + TIES))
                return (
                    jnp.where(better, own, gain),
                    jnp.where(better, own_model, model),
                    jnp.where(better, leaver, leaves),
                )

            return materialize(chosen)

        start = (jnp.zeros_like(worth), jnp.zeros_like(choice[0]), nobody[0])
        gain, model, leaves = jax.lax.fori_loop(0, tasks + 1, better, start)

        def swap() -> tuple[Array, Array]:
            moves = (gain > ROUNDING * worth) & (state.turn < max_swaps)
            new = (held & (number != leaves[None])) | (number == model[None])
            return jnp.where(moves[None], new, held), jnp.any(moves)

        held, moves = materialize(swap)
        return _State(coverage._replace(held=held), used, state.turn + 1, moves)

    nothing = _State(
        Coverage(jnp.zeros((models, *nodes), dtype=bool), jnp.full((tasks, *nodes), -1), jnp.zeros_like(profit[:, 0])),
        jnp.zeros_like(budget),
        jnp.asarray(0),
        jnp.asarray(True),
    )
    greedy = jax.lax.while_loop(lambda state: state.moves, add_best, nothing)
    start = greedy._replace(turn=jnp.asarray(0), moves=jnp.asarray(True))
    return jax.lax.while_loop(lambda state: state.moves, swap_best, start).coverage
