"""GREEDY-LR (Algorithm 2) for one scenario, as it reads in the paper: the reference of `batched_onloading.py`.

All nodes are rows of one `NodeProblem`. The compute limit goes into the objective with one multiplier per node.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from j3o_kernels.greedy import TRIES, covered_profit, greedy_selection, task_profit
from j3o_kernels.masked_select import select_leading
from j3o_kernels.onloading import NodeProblem, chosen, servable_shares
from j3o_kernels.tolerances import ROUNDING, TIES


class Onloading(NamedTuple):
    """What the nodes hold and use: `held` ``[V, M]``, `choice` ``[V, T]`` (−1: none) and `value` ``[V]``.

    `value` is the gain that can be served within the capacity, the primal counterpart of L_v.
    """

    held: Bool[Array, "V M"]
    choice: Int[Array, "V T"]
    value: Float[Array, " V"]


def profitable_choice(profit: Float[Array, "V M T"], held: Bool[Array, "V M"]) -> Int[Array, "V T"]:
    """z(v, t): the held model of the highest profit, −1 where none earns anything ``[V, T]``."""
    masked = jnp.where(held[:, :, None], profit, -jnp.inf)
    return jnp.where(covered_profit(profit, held) > 0.0, jnp.argmax(masked, axis=1), -1)


class _Evaluated(NamedTuple):
    """A set with its choice, and gain and load of that choice. ``[V]``"""

    onloading: Onloading
    gain: Float[Array, " V"]
    load: Float[Array, " V"]


def _evaluated(problem: NodeProblem, multiplier: Float[Array, " V"], held: Bool[Array, "V M"]) -> _Evaluated:
    """Evaluate sets at a multiplier, within the capacity."""
    whole_load = problem.load + problem.setup
    choice = profitable_choice(task_profit(problem.gain, whole_load, multiplier), held)
    gain, load = chosen(problem.gain, choice), chosen(whole_load, choice)
    value = jnp.sum(gain * servable_shares(gain, load, _capacity(problem)), axis=1)
    return _Evaluated(Onloading(held, choice, value), jnp.sum(gain, axis=1), jnp.sum(load, axis=1))


def _greedy(problem: NodeProblem, multiplier: Float[Array, " V"]) -> _Evaluated:
    profit = task_profit(problem.gain, problem.load + problem.setup, multiplier)
    return _evaluated(problem, multiplier, greedy_selection(profit, problem.size, problem.budget))


def _capacity(problem: NodeProblem) -> Float[Array, " V"]:
    # More capacity than every task can load has no effect; without the cap, "no limit" would be infinite.
    return jnp.minimum(problem.capacity, jnp.sum(jnp.max(problem.load + problem.setup, axis=1), axis=1))


class _Best(NamedTuple):
    onloading: Onloading
    multiplier: Float[Array, " V"]


def _better(where: Bool[Array, " V"], new: Onloading, multiplier: Float[Array, " V"], best: _Best) -> _Best:
    """Keep the better of two sets per node; only an improvement beyond rounding replaces one."""
    better = where & (new.value > best.onloading.value * (1.0 + ROUNDING))
    return _Best(select_leading(better, new, best.onloading), jnp.where(better, multiplier, best.multiplier))


def _nothing(problem: NodeProblem) -> _Best:
    nodes, _, tasks = problem.gain.shape
    zero = jnp.zeros_like(problem.capacity)
    none = Onloading(jnp.zeros_like(problem.size, dtype=bool), jnp.full((nodes, tasks), -1), zero)
    return _Best(none, zero)


def dual_search(problem: NodeProblem, *, steps: int = 20, plus_max: bool = True) -> Onloading:
    """Algorithm 2 for all nodes, with each node's one multiplier found by a search along its dual.

    A set of gain G and load W is worth G − α W at multiplier α: a line. The dual is the highest line less what the
    capacity is worth, and convex; its least point is where the lines of the last set that overloads the node and of the
    last one that does not cross. That crossing is the next multiplier, until no set lies above it (Dinkelbach's way,
    which takes a handful of evaluations where a subgradient takes 50). Each node keeps the set of the highest servable
    gain.

    **Arguments:**

    - `steps`: most evaluations.
    - `plus_max`: see `greedy_lagrangian`.
    """
    capacity = _capacity(problem)
    zero = jnp.zeros_like(capacity)
    first = _greedy(problem, zero)
    best = _better(jnp.ones(zero.shape, dtype=bool), first.onloading, zero, _nothing(problem))

    class _Search(NamedTuple):
        step: Array
        done: Array
        above: tuple[Array, Array]  # gain and load of the last set that overloads the node
        below: tuple[Array, Array]  # and of the last one that does not
        best: _Best

    def improve(search: _Search) -> _Search:
        (high_gain, high_load), (low_gain, low_load) = search.above, search.below
        multiplier = (high_gain - low_gain) / jnp.where(search.done, 1.0, high_load - low_load)
        found = _greedy(problem, multiplier)
        best = _better(~search.done, found.onloading, multiplier, search.best)
        new = found.gain - multiplier * found.load > high_gain - multiplier * high_load + ROUNDING * high_gain
        over = found.load > capacity * (1.0 + ROUNDING)
        above = (jnp.where(new & over, found.gain, high_gain), jnp.where(new & over, found.load, high_load))
        below = (jnp.where(new & ~over, found.gain, low_gain), jnp.where(new & ~over, found.load, low_load))
        useless = (above[0] <= below[0]) | (above[1] <= below[1])
        return _Search(search.step + 1, search.done | ~new | useless, above, below, best)

    fits = first.load <= capacity * (1.0 + ROUNDING)
    search = jax.lax.while_loop(
        lambda search: (search.step < steps) & ~jnp.all(search.done),
        improve,
        _Search(jnp.asarray(1), fits, (first.gain, first.load), (zero, zero), best),
    )
    return (_plus_max(problem, search.best) if plus_max else search.best).onloading


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
    - `plus_max`: at the end, where a node's model sizes differ, also start from each of the most valuable single
      models (at most `greedy.TRIES`) at the best multiplier.
    - `tolerance`: relative violation below which a node is done.
    """
    best_model = jnp.argmax(problem.gain, axis=1)
    gain_scale = _positive(jnp.sum(chosen(problem.gain, best_model), axis=1))
    load_scale = _positive(jnp.sum(chosen(problem.load + problem.setup, best_model), axis=1))
    capacity = _capacity(problem)

    class _Search(NamedTuple):
        step: Array
        multiplier: Array
        optimizer_state: optax.OptState
        done: Array
        best: _Best

    def improve(search: _Search) -> _Search:
        price = search.multiplier * gain_scale / load_scale
        found = _greedy(problem, price)
        best = _better(~search.done, found.onloading, price, search.best)
        violation = (found.load - capacity) / load_scale
        settled = (violation <= tolerance) & ((search.multiplier <= 0.0) | (violation >= -tolerance))
        done = search.done | settled
        update, state = optimizer.update(-violation, search.optimizer_state, search.multiplier)
        moved: Any = optax.apply_updates(search.multiplier, update)
        return _Search(search.step + 1, jnp.where(done, search.multiplier, moved), state, done, best)

    zero = jnp.zeros_like(capacity)
    search = jax.lax.while_loop(
        lambda search: (search.step < steps) & ~jnp.all(search.done),
        improve,
        _Search(jnp.asarray(0), zero, optimizer.init(zero), jnp.zeros(zero.shape, dtype=bool), _nothing(problem)),
    )
    return (_plus_max(problem, search.best) if plus_max else search.best).onloading


def _plus_max(problem: NodeProblem, best: _Best) -> _Best:
    """Also the sets that start from one of the most valuable single models, where a node's model sizes differ.

    Greedy by density has no constant-factor guarantee when sizes differ (size ε worth 2ε beats size 1 worth 1 at
    a budget of 1); trying first models repairs that (Sviridenko 2004 tries every triple).
    """
    profit = task_profit(problem.gain, problem.load + problem.setup, best.multiplier)
    fits = problem.size <= problem.budget[:, None] * (1.0 + ROUNDING)
    alone = jnp.where(fits, jnp.sum(jnp.maximum(profit, 0.0), axis=2), -1.0)
    differ = jnp.max(problem.size, axis=1) > jnp.min(problem.size, axis=1)
    nodes, models = problem.size.shape
    multiplier = best.multiplier

    def try_next(_: Any, state: tuple[Array, _Best]) -> tuple[Array, _Best]:
        alone, best = state
        model = jnp.argmax(alone >= jnp.max(alone, axis=1, keepdims=True) * (1.0 - TIES), axis=1)
        this = jnp.arange(models)[None, :] == model[:, None]
        possible = alone[jnp.arange(nodes), model] > 0.0
        held = greedy_selection(profit, problem.size, problem.budget, start=this & possible[:, None], pass_over=True)
        found = _evaluated(problem, multiplier, held)
        return jnp.where(this, -1.0, alone), _better(differ & possible, found.onloading, multiplier, best)

    _, best = jax.lax.fori_loop(0, min(TRIES, models), try_next, (alone, best))
    return best


def _positive(scale: Float[Array, " V"]) -> Float[Array, " V"]:
    return jnp.where(scale > 0.0, scale, 1.0)
