"""GREEDY-LR (Algorithm 2) for whole batches: all nodes of one tier of all instances at once.

Each node maximises its gain within its memory and compute; the compute limit goes into the objective with one
multiplier per node. Clients and edges are two tiers, each with the greedy rounds and multiplier steps that its nodes
need; a node that is done takes no part in anything but the arithmetic. Arrays have instances on the last axis and nodes
as a table of K rows and G groups (`ClientGroups`; edges are one row), so that what all clients of an edge share is
stored once: ``[M, K, G, B]`` for models, ``[T, K, G, B]`` for tasks.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from .greedy import TRIES, first_best, inverse_size
from .masked_select import select_trailing
from .materialize import materialize, reduce_slices, sum_terms, unrolled_while
from .tolerances import ROUNDING, TIES

# Rounds for each test of whether any set still grows, on accelerators.
_UNROLL = 3


class NodeTier(NamedTuple):
    """Onloading step of one tier. Gain and load are `weight` times accuracy and cost.

    - `weight`: queries of each task to serve, relative to all; 0 where there is no node. ``[T, K, G, B]``
    - `accuracy`: of each model on each task. ``[T, M, 1 or K, G, B]``
    - `cost`: load per query. ``[M, 1 or K, 1 or G, B]``
    - `setup`: load of a model, however little of a task it serves; None where there is none. ``[M, 1 or K, G, B]``
    - `size`: MB. ``[M, 1 or K, 1 or G, B]``
    - `budget`, `capacity`: memory and compute of the nodes. ``[K, G, B]``
    """

    weight: Array
    accuracy: Array
    cost: Array
    setup: Array | None
    size: Array
    budget: Array
    capacity: Array

    @property
    def models(self) -> int:
        """M, the number of models."""
        return self.size.shape[0]

    @property
    def tasks(self) -> range:
        """Numbers of the tasks."""
        return range(self.weight.shape[0])

    def load(self, task: int) -> Array:
        """Load of each model that serves a task, not materialized ``[M, K, G, B]``."""
        weight = self.weight[task][None]
        load = weight * self.cost
        return load if self.setup is None else load + jnp.where(weight > 0.0, self.setup, 0.0)

    def profit(self, task: int, multiplier: Array) -> Array:
        """Lagrangian profit: gain less load at its price, not materialized ``[M, K, G, B]``."""
        return self.weight[task][None] * self.accuracy[task] - multiplier[None] * self.load(task)

    def of_model(self, model: Array) -> tuple[Array, Array, Array]:
        """Size ``[K, G, B]``, gain and load ``[T, K, G, B]`` of one model per node."""

        def pick(values: Array) -> Array:
            *_, rows, groups, count = values.shape
            row = jnp.arange(model.shape[0])[:, None, None] if rows > 1 else 0
            group = jnp.arange(model.shape[1])[None, :, None] if groups > 1 else 0
            return values[..., model, row, group, jnp.arange(count)[None, None, :]]

        gain = self.weight * pick(self.accuracy)
        load = self.weight * pick(self.cost)[None]
        if self.setup is not None:
            load = load + jnp.where(self.weight > 0.0, pick(self.setup)[None], 0.0)
        return pick(self.size), gain, load


class Selection(NamedTuple):
    """Sets and choices (−1: none) of a tier, with gain and load of the choices per task."""

    held: Array
    choice: Array
    gain: Array
    load: Array


class TierOnloading(NamedTuple):
    """Models of a tier, and the tasks that use them.

    `held` ``[M, K, G, B]``, `choice` and its `gain` ``[T, K, G, B]``, and the `value` that the capacity can serve of
    it ``[K, G, B]``.
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

        def added() -> tuple[Selection, Array]:
            profit = gain - multiplier[None] * load
            better = adds[None] & (profit > covered + TIES * jnp.abs(covered))
            taken = Selection(
                held=selection.held | (adds[None] & (_numbers(tier) == model[None])),
                choice=jnp.where(better, model[None], selection.choice),
                gain=jnp.where(better, gain, selection.gain),
                load=jnp.where(better, load, selection.load),
            )
            return taken, jnp.where(adds, used + size, used)

        return _Growing(jnp.asarray(False), *materialize(added), jnp.any(adds))

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

    def served(before: Array) -> Array:
        share = jnp.clip((capacity[None] - before) / jnp.where(load > 0.0, load, 1.0), 0.0, 1.0)
        return gain * jnp.where(load > 0.0, share, 1.0)

    parts = materialize(before)
    parts = materialize(lambda: served(parts))
    return materialize(lambda: reduce_slices(parts))


def _better(new: Selection, value: Array, multiplier: Array, where: Array, best: _Best) -> _Best:
    """Keep the better of two sets per node; only an improvement beyond rounding replaces one."""

    def picked() -> _Best:
        better = where & (value > best.value * (1.0 + ROUNDING))
        return select_trailing(better, _Best(new, value, multiplier), best)

    return materialize(picked)


class _Search(NamedTuple):
    """State of each node's search for its multiplier; `own` is the part that depends on the kind of search."""

    multiplier: Array
    done: Array
    own: Any


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
        own, move = _dual_search_update(capacity)
    else:
        assert step_size is not None
        own, move = _optax_update(tier, capacity, optimizer, step_size, tolerance)
    nothing = _nothing(tier)
    tries = min(TRIES, tier.models) if plus_max else 0

    class _Onload(NamedTuple):
        step: Any
        search: _Search
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
    start = _Onload(jnp.asarray(0), _Search(zero, idle, own), _Best(nothing, zero, zero), untried, left)
    best = jax.lax.while_loop(goes_on, turn, start).best
    selection = best.selection
    return TierOnloading(selection.held, selection.choice, selection.gain, best.value)


_Move = Callable[[Any, _Search, Selection], _Search]


class _Lines(NamedTuple):
    """Gain and load of the last set that overloads a node, and of the last one that does not."""

    high_gain: Array
    high_load: Array
    low_gain: Array
    low_load: Array


def _dual_search_update(capacity: Array) -> tuple[_Lines, _Move]:
    """Multiplier updates by a search along each node's dual, a cutting-plane method in one dimension.

    A set of gain G and load W is a line G − α W in the multiplier α. The dual is the upper envelope of all sets' lines
    plus what the capacity costs, and convex; its minimum is where the lines of the last set that overloads the node and
    of the last one that does not cross. That crossing is the next multiplier, until no set lies above it (Dinkelbach).
    """
    zero = jnp.zeros_like(capacity)

    def move(step: Any, search: _Search, selection: Selection) -> _Search:
        lines: _Lines = search.own

        def moved() -> _Search:
            gain, load = reduce_slices(selection.gain), reduce_slices(selection.load)
            over = load > capacity * (1.0 + ROUNDING)
            known = lines.high_gain - search.multiplier * lines.high_load
            # At the first step there is no line yet, and the multiplier is 0.
            first = step == 0
            new = first | (gain - search.multiplier * load > known + ROUNDING * lines.high_gain)
            above, below = ~search.done & new & over, ~search.done & new & ~over
            found = _Lines(
                jnp.where(above, gain, lines.high_gain),
                jnp.where(above, load, lines.high_load),
                jnp.where(below & ~first, gain, lines.low_gain),
                jnp.where(below & ~first, load, lines.low_load),
            )
            rise, run = found.high_gain - found.low_gain, found.high_load - found.low_load
            done = search.done | ~new | (first & ~over) | (rise <= 0.0) | (run <= 0.0)
            return _Search(jnp.where(done, search.multiplier, rise / jnp.where(done, 1.0, run)), done, found)

        return materialize(moved)

    return _Lines(zero, zero, zero, zero), move


def _optax_update(
    tier: NodeTier,
    capacity: Array,
    optimizer: Callable[[Array], optax.GradientTransformation],
    step_size: Array,
    tolerance: float,
) -> tuple[Any, _Move]:
    """Multiplier updates by an optax transformation, in units of a node's gain and load with its best models."""
    most_accurate = jnp.argmax(jnp.broadcast_to(tier.accuracy, (*tier.accuracy.shape[:2], *capacity.shape)), axis=1)

    def scales() -> tuple[Array, Array]:
        gain_scale, load_scale = jnp.zeros_like(capacity), jnp.zeros_like(capacity)
        for task in tier.tasks:
            _, gain, load = tier.of_model(most_accurate[task])
            gain_scale, load_scale = gain_scale + gain[task], load_scale + load[task]
        return jnp.where(gain_scale > 0.0, gain_scale, 1.0), jnp.where(load_scale > 0.0, load_scale, 1.0)

    gain_scale, load_scale = materialize(scales)
    unit = materialize(lambda: gain_scale / load_scale)

    # Every instance has its own optimizer: none may see the others.
    @functools.partial(jax.vmap, in_axes=(-1, -1, -1, 0), out_axes=(-1, -1))
    def update(gradient: Array, state: Any, multiplier: Array, step_size: Array) -> Any:
        return optimizer(step_size).update(gradient, state, multiplier)

    @functools.partial(jax.vmap, in_axes=(-1, 0), out_axes=-1)
    def start(multiplier: Array, step_size: Array) -> Any:
        return optimizer(step_size).init(multiplier)

    def move(_: Any, search: _Search, selection: Selection) -> _Search:
        relative = search.multiplier / unit
        violation = materialize(lambda: (reduce_slices(selection.load) - capacity) / load_scale)
        settled = (violation <= tolerance) & ((search.multiplier <= 0.0) | (violation >= -tolerance))
        change, state = update(-violation, search.own, relative, step_size)
        moved: Any = optax.apply_updates(relative, change)
        done = materialize(lambda: search.done | settled)
        return _Search(materialize(lambda: jnp.where(done, search.multiplier, moved * unit)), done, state)

    return start(jnp.zeros_like(capacity), step_size), move


def complete_choice(tier: NodeTier, onloading: TierOnloading) -> Array:
    """Give tasks without a choice the held model of most gain per load, if any has a gain ``[T, K, G, B]``."""

    def completed() -> Array:
        weight = tier.weight[:, None]
        held = onloading.held[None]
        gain = jnp.where(held, weight * tier.accuracy, -1.0)
        load = jnp.stack([tier.load(task) for task in tier.tasks])
        ratio = jnp.where(held, gain / jnp.where(load > 0.0, load, jnp.finfo(load.dtype).tiny), -1.0)
        thrifty = jnp.argmax(ratio, axis=1)
        earns = jnp.max(gain, axis=1) > 0.0
        return jnp.where((onloading.choice < 0) & earns, thrifty, onloading.choice)

    return materialize(completed)
