"""GREEDY-LR (Algorithm 2): which models each node holds when the offloading is fixed.

All nodes, clients and edges alike, are rows of one problem: maximise Σ_t gain of the chosen models within the
node's memory (size ≤ budget) and compute (load ≤ capacity). The compute limit goes into the objective with one
multiplier per node.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from .greedy import covered_profit, greedy_plus_max, greedy_selection, task_profit


class NodeProblem(NamedTuple):
    """The onloading step of all nodes V.

    - `gain`: accuracy that a model would earn on a task's queries at this node, weighted by demand. ``[V, M, T]``
    - `load`: compute that it would take, in the unit of `capacity`. ``[V, M, T]``
    - `setup`: what it would take besides, however little of the task it serves. ``[V, M, T]``
    - `size`: MB. ``[V, M]``
    - `budget`: memory, MB. ``[V]``
    - `capacity`: compute. ``[V]``
    """

    gain: Float[Array, "V M T"]
    load: Float[Array, "V M T"]
    setup: Float[Array, "V M T"]
    size: Float[Array, "V M"]
    budget: Float[Array, " V"]
    capacity: Float[Array, " V"]


class Onloading(NamedTuple):
    """What the nodes hold and use: `held` ``[V, M]``, `choice` ``[V, T]`` (−1: none) and `value` ``[V]``.

    `value` is the gain that can be served within the capacity, the primal counterpart of L_v.
    """

    held: Bool[Array, "V M"]
    choice: Int[Array, "V T"]
    value: Float[Array, " V"]


def profitable_choice(profit: Float[Array, "V M T"], held: Bool[Array, "V M"]) -> Int[Array, "V T"]:
    """z(v, t): the held model of the highest profit, −1 where none earns anything. ``[V, T]``"""
    masked = jnp.where(held[:, :, None], profit, -jnp.inf)
    return jnp.where(covered_profit(profit, held) > 0.0, jnp.argmax(masked, axis=1), -1)


def chosen(values: Float[Array, "V M T"], choice: Int[Array, "V T"]) -> Float[Array, "V T"]:
    """`values` of the chosen models, 0 where none is chosen. ``[V, T]``"""
    taken = jnp.take_along_axis(values, jnp.maximum(choice, 0)[:, None, :], axis=1)[:, 0, :]
    return jnp.where(choice >= 0, taken, 0.0)


def servable_shares(
    gain: Float[Array, "V T"], load: Float[Array, "V T"], capacity: Float[Array, " V"]
) -> Float[Array, "V T"]:
    """Share of each task to serve for the most gain within the capacity: the fractional knapsack. ``[V, T]``"""
    needs = load > 0.0
    ratio = jnp.where(needs, gain / jnp.where(needs, load, 1.0), jnp.inf)
    order = jnp.argsort(-ratio, axis=1)
    sorted_load = jnp.take_along_axis(load, order, axis=1)
    left = capacity[:, None] - (jnp.cumsum(sorted_load, axis=1) - sorted_load)
    share = jnp.where(sorted_load > 0.0, jnp.clip(left / jnp.where(sorted_load > 0.0, sorted_load, 1.0), 0.0, 1.0), 1.0)
    return jnp.take_along_axis(share, jnp.argsort(order, axis=1), axis=1)


def greedy_lagrangian(
    problem: NodeProblem,
    optimizer: optax.GradientTransformation,
    *,
    steps: int,
    plus_max: bool,
    tolerance: float = 1e-5,
) -> Onloading:
    """Algorithm 2 for all nodes: greedy sets at multipliers that `optimizer` moves by the violation.

    Multipliers and violations are dimensionless (relative to what the node would earn and load if every task ran
    on its best model), so that one step size suits every node and every unit. The last iterate of a subgradient
    method need not be the best, nor feasible: each node keeps the set of the highest servable gain.

    **Arguments:**

    - `optimizer`: see `multipliers.projected_subgradient`.
    - `steps`: most multiplier updates; a node stops before that once its multiplier has nothing left to do.
    - `plus_max`: at the end, where a node's model sizes differ, also try `greedy_plus_max` at the best multiplier.
    - `tolerance`: relative violation below which a node is done.
    """
    whole_load = problem.load + problem.setup
    best_model = jnp.argmax(problem.gain, axis=1)
    gain_scale = _positive(jnp.sum(chosen(problem.gain, best_model), axis=1))
    load_scale = _positive(jnp.sum(chosen(whole_load, best_model), axis=1))
    gain = problem.gain / gain_scale[:, None, None]
    load = whole_load / load_scale[:, None, None]
    # More capacity than every task can load has no effect; without the cap, "no limit" would be infinite.
    most_load = jnp.sum(jnp.max(whole_load, axis=1), axis=1)
    capacity = jnp.minimum(problem.capacity, most_load) / load_scale

    def evaluate(held: Array, multiplier: Array) -> tuple[Onloading, Array]:
        choice = profitable_choice(task_profit(gain, load, multiplier), held)
        chosen_load = chosen(load, choice)
        chosen_gain = chosen(gain, choice)
        value = jnp.sum(chosen_gain * servable_shares(chosen_gain, chosen_load, capacity), axis=1)
        return Onloading(held, choice, value), jnp.sum(chosen_load, axis=1) - capacity

    class _Search(NamedTuple):
        step: Array
        multiplier: Array
        optimizer_state: optax.OptState
        done: Array
        best: Onloading
        best_multiplier: Array

    def improve(search: _Search) -> _Search:
        profit = task_profit(gain, load, search.multiplier)
        found, violation = evaluate(greedy_selection(profit, problem.size, problem.budget), search.multiplier)
        better = (found.value > search.best.value) & ~search.done
        settled = (violation <= tolerance) & ((search.multiplier <= 0.0) | (violation >= -tolerance))
        done = search.done | settled
        update, state = optimizer.update(-violation, search.optimizer_state, search.multiplier)
        moved: Any = optax.apply_updates(search.multiplier, update)
        return _Search(
            step=search.step + 1,
            multiplier=jnp.where(done, search.multiplier, moved),
            optimizer_state=state,
            done=done,
            best=_where(better, found, search.best),
            best_multiplier=jnp.where(better, search.multiplier, search.best_multiplier),
        )

    nodes, _, tasks = gain.shape
    zero = jnp.zeros_like(capacity)
    nothing = Onloading(jnp.zeros_like(problem.size, dtype=bool), jnp.full((nodes, tasks), -1), zero)
    search = jax.lax.while_loop(
        lambda search: (search.step < steps) & ~jnp.all(search.done),
        improve,
        _Search(jnp.asarray(0), zero, optimizer.init(zero), jnp.zeros(nodes, dtype=bool), nothing, zero),
    )
    best = search.best
    if plus_max:
        differ = jnp.max(problem.size, axis=1) > jnp.min(problem.size, axis=1)
        profit = task_profit(gain, load, search.best_multiplier)
        found, _ = evaluate(greedy_plus_max(profit, problem.size, problem.budget), search.best_multiplier)
        best = _where(differ & (found.value > best.value), found, best)
    return best._replace(value=best.value * gain_scale)


def _positive(scale: Float[Array, " V"]) -> Float[Array, " V"]:
    return jnp.where(scale > 0.0, scale, 1.0)


def _where(condition: Bool[Array, " V"], new: Onloading, old: Onloading) -> Onloading:
    def pick(a: Array, b: Array) -> Array:
        return jnp.where(condition.reshape(condition.shape + (1,) * (a.ndim - 1)), a, b)

    return jax.tree.map(pick, new, old)
