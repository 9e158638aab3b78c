"""GREEDY-LR (Algorithm 2) for whole batches: all nodes of one tier of all instances at once.

Each node maximises its gain within its memory and compute; the compute limit goes into the objective with one
multiplier per node. Clients and edges are two tiers, each with the greedy rounds and multiplier steps that its nodes
need; a node that is done takes no part in anything but the arithmetic. Arrays have instances on the last axis and nodes
as a table of K rows and G groups (`ClientGroups`; edges are one row), so that what all clients of an edge share is
stored once: ``[M, K, G, B]`` for models, ``[T, K, G, B]`` for tasks.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from .greedy import TRIES, first_best, inverse_size
from .masked_select import select_trailing
from .materialize import materialize, reduce_slices, sum_terms, unrolled_while
from .multiplier_search import Search, dual_search, optax_search
from .node_tier import NodeTier, Selection
from .tolerances import ROUNDING, TIES

# Rounds for each test of whether any set still grows, on accelerators.
_UNROLL = 3


class TierOnloading(NamedTuple):
    """Models of a tier, and the tasks that use them.

    `held` ``[M, K, G, B]``, `choice` and its `gain` ``[T, K, G, B]``, and the `value` that the capacity can serve of
    it, less what the node pays for holding its models ``[K, G, B]``.
    """

    held: Array
    choice: Array
    gain: Array
    value: Array


class _Best(NamedTuple):
    selection: Selection
    value: Array
    multiplier: Array


def _nothing(tier: NodeTier) -> Selection:
    models = (tier.models, *tier.weight.shape[1:])
    none = jnp.full(tier.weight.shape, -1)
    return Selection(jnp.zeros(models, dtype=bool), none, jnp.zeros_like(tier.weight), jnp.zeros_like(tier.weight))


def _numbers(tier: NodeTier) -> Array:
    return jnp.arange(tier.models)[:, None, None, None]


class _Probe(NamedTuple):
    """Arguments of each node's greedy selection.

    - `multiplier`: price of load.
    - `first`: model to begin with, which must fit; −1 for the best.
    - `passes_over`: whether it goes on with smaller models where the best no longer fits.
    - `idle`: nodes that select nothing.
    """

    multiplier: Array
    first: Array
    passes_over: Array
    idle: Array


def _greedy(tier: NodeTier, probe: _Probe) -> Selection:
    """`greedy.greedy_selection` for a tier, with its choices."""
    multiplier = probe.multiplier
    limit = materialize(lambda: tier.budget * (1.0 + ROUNDING))
    rate = materialize(lambda: inverse_size(tier.size))

    class _Growing(NamedTuple):
        empty: Any
        selection: Selection
        used: Array
        grows: Any

    def densities(growing: _Growing, covered: Array) -> Array:
        gains = sum_terms(jnp.maximum(tier.profit(task, multiplier) - covered[task][None], 0.0) for task in tier.tasks)
        if tier.charge is not None:
            gains = gains - tier.charge
        useful = (gains > TIES * reduce_slices(covered)[None]) & ~growing.selection.held & ~probe.idle[None]
        useful &= ~probe.passes_over[None] | (growing.used[None] + tier.size <= limit[None])
        given = growing.empty & (probe.first >= 0)
        density = jnp.where(useful, gains * rate, -1.0)
        return jnp.where(given[None], jnp.where(_numbers(tier) == probe.first[None], 1.0, -1.0), density)

    def add_best(growing: _Growing) -> _Growing:
        selection, used = growing.selection, growing.used
        covered = materialize(lambda: selection.gain - multiplier[None] * selection.load)
        best, model = first_best(materialize(lambda: densities(growing, covered)))
        size, gain, load = materialize(lambda: tier.of_model(model))
        adds = materialize(lambda: (best > 0.0) & (used + size <= limit))

        def add() -> tuple[Selection, Array]:
            profit = gain - multiplier[None] * load
            better = adds[None] & (profit > covered + TIES * jnp.abs(covered))
            taken = Selection(
                held=selection.held | (adds[None] & (_numbers(tier) == model[None])),
                choice=jnp.where(better, model[None], selection.choice),
                gain=jnp.where(better, gain, selection.gain),
                load=jnp.where(better, load, selection.load),
            )
            return taken, jnp.where(adds, used + size, used)

        return _Growing(jnp.asarray(False), *materialize(add), jnp.any(adds))

    nobody = _Growing(jnp.asarray(True), _nothing(tier), jnp.zeros_like(multiplier), jnp.any(~probe.idle))
    return unrolled_while(lambda growing: growing.grows, add_best, nobody, _UNROLL).selection


def _knapsack_value(selection: Selection, capacity: Array) -> Array:
    """Optimal value of the fractional knapsack of tasks within the capacity ``[K, G, B]``."""
    gain, load = selection.gain, selection.load
    number = jnp.arange(gain.shape[0])[:, None, None, None]

    def before() -> Array:
        loads = jnp.zeros_like(load)
        for other in range(gain.shape[0]):
            # Ratios compared without division; of equal ones the first task comes first.
            mine, others = gain * load[other][None], gain[other][None] * load
            earlier = (others > mine) | ((others == mine) & (other < number))
            loads = loads + jnp.where(earlier & (number != other), load[other][None], 0.0)
        return loads

    def gains(before: Array) -> Array:
        share = jnp.clip((capacity[None] - before) / jnp.where(load > 0.0, load, 1.0), 0.0, 1.0)
        return gain * jnp.where(load > 0.0, share, 1.0)

    parts = materialize(before)
    parts = materialize(lambda: gains(parts))
    return materialize(lambda: reduce_slices(parts))


def _better(new: Selection, value: Array, multiplier: Array, where: Array, best: _Best) -> _Best:
    """Keep the better of two sets per node; only an improvement beyond rounding replaces one."""

    def select() -> _Best:
        better = where & (value > best.value * (1.0 + ROUNDING))
        return select_trailing(better, _Best(new, value, multiplier), best)

    return materialize(select)


def onload_tier(
    tier: NodeTier,
    *,
    optimizer: Callable[[Array], optax.GradientTransformation] | None = None,
    step_size: Array | None = None,
    active: Array | None = None,
    steps: int = 20,
    plus_max: bool = False,
    tolerance: float = 1e-5,
) -> TierOnloading:
    """Algorithm 2 for a tier: greedy sets at one multiplier per node; each node keeps the set of most servable gain.

    With `plus_max`, nodes then also complete the most valuable single models greedily: greedy by density has no
    constant-factor guarantee when sizes differ, and trying first models repairs that (Sviridenko 2004 tries triples).

    **Arguments:**

    - `optimizer`: moves the multipliers by the violation, for a step size (see `multipliers.py`); None searches them
      along the dual.
    - `step_size`: of each instance. ``[B]``
    - `active`: instances to solve; the nodes of the others hold nothing. Default: all. ``[B]``
    - `steps`: most evaluations of a node's greedy set in the search of its multiplier.
    - `plus_max`: where a node's model sizes differ; from at most `greedy.TRIES` single models.
    - `tolerance`: relative violation below which the optimizer is done with a node.
    """
    most_load = materialize(lambda: sum_terms(jnp.max(tier.load(task), axis=0) for task in tier.tasks))
    capacity = materialize(lambda: jnp.minimum(tier.capacity, most_load))
    idle = jnp.zeros(capacity.shape, dtype=bool) if active is None else jnp.broadcast_to(~active, capacity.shape)
    zero = jnp.zeros_like(capacity)
    if optimizer is None:
        own, move = dual_search(tier, capacity)
    else:
        assert step_size is not None
        own, move = optax_search(tier, capacity, optimizer, step_size, tolerance)
    nothing = _nothing(tier)
    tries = min(TRIES, tier.models) if plus_max else 0

    class _Onload(NamedTuple):
        step: Any
        search: Search
        best: _Best
        untried: Any  # models that a node may yet start from, None without `plus_max`
        tries: Any  # how many more it will

    def probe_of(state: _Onload) -> tuple[_Probe, Array]:
        """Nodes that search select greedily at their multiplier, the others start from the next single model."""
        search, best = state.search, state.best
        if not plus_max:
            none = jnp.zeros_like(idle)
            return _Probe(search.multiplier, jnp.full(idle.shape, -1), none, search.done), none
        starts = search.done & (state.tries > 0)

        def alone() -> Array:
            value = sum_terms(jnp.maximum(tier.profit(task, best.multiplier), 0.0) for task in tier.tasks)
            if tier.charge is not None:
                value = value - tier.charge
            return jnp.where(state.untried, value, -1.0)

        most, model = first_best(materialize(alone))

        def probe() -> tuple[_Probe, Array]:
            possible = starts & (most > 0.0)
            multiplier = jnp.where(starts, best.multiplier, search.multiplier)
            return _Probe(multiplier, jnp.where(possible, model, -1), possible, search.done & ~possible), starts

        return materialize(probe)

    def turn(state: _Onload) -> _Onload:
        probe, starts = probe_of(state)
        selection = _greedy(tier, probe)
        value = _knapsack_value(selection, capacity)
        if tier.charge is not None:
            value = materialize(lambda: value - tier.charges(selection.held))
        best = _better(selection, value, probe.multiplier, ~probe.idle, state.best)
        search = move(state.step, state.search, selection)
        search = search._replace(done=search.done | (state.step + 1 >= steps))
        if not plus_max:
            return _Onload(state.step + 1, search, best, None, None)
        untried = materialize(lambda: state.untried & ~(starts[None] & (_numbers(tier) == probe.first[None])))
        left = materialize(lambda: jnp.where(starts, jnp.where(probe.first < 0, 0, state.tries - 1), state.tries))
        return _Onload(state.step + 1, search, best, untried, left)

    def goes_on(state: _Onload) -> Array:
        searching = jnp.any(~state.search.done)
        return searching | jnp.any(~idle & (state.tries > 0)) if plus_max else searching

    untried, left = None, None
    if plus_max:
        untried = materialize(lambda: tier.size <= tier.budget[None] * (1.0 + ROUNDING))
        differ = materialize(lambda: ~idle & (jnp.max(tier.size, axis=0) > jnp.min(tier.size, axis=0)))
        left = jnp.where(differ, tries, 0)
    start = _Onload(jnp.asarray(0), Search(zero, idle, own), _Best(nothing, zero, zero), untried, left)
    best = jax.lax.while_loop(goes_on, turn, start).best
    selection = best.selection
    return TierOnloading(selection.held, selection.choice, selection.gain, best.value)


def complete_choice(tier: NodeTier, onloading: TierOnloading) -> Array:
    """Give tasks without a choice the held model of most gain per load, if any has a gain ``[T, K, G, B]``."""

    def complete() -> Array:
        weight = tier.weight[:, None]
        held = onloading.held[None]
        gain = jnp.where(held, weight * tier.accuracy, -1.0)
        load = jnp.stack([tier.load(task) for task in tier.tasks])
        ratio = jnp.where(held, gain / jnp.where(load > 0.0, load, jnp.finfo(load.dtype).tiny), -1.0)
        thrifty = jnp.argmax(ratio, axis=1)
        earns = jnp.max(gain, axis=1) > 0.0
        return jnp.where((onloading.choice < 0) & earns, thrifty, onloading.choice)

    return materialize(complete)
