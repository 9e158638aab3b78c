"""Search for the multiplier of each node's compute limit: along its dual, or by an optax transformation.

A search is its initial state, and a function that moves the multipliers after each greedy selection at them.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from .materialize import materialize, reduce_slices
from .node_tier import NodeTier, Selection
from .tolerances import ROUNDING


class Search(NamedTuple):
    """State of each node's search for its multiplier; `own` is the part that depends on the kind of search."""

    multiplier: Array
    done: Array
    own: Any


Move = Callable[[Any, Search, Selection], Search]


class _Lines(NamedTuple):
    """Gain and load of the last set that overloads a node, and of the last one that does not."""

    high_gain: Array
    high_load: Array
    low_gain: Array
    low_load: Array


def dual_search(tier: NodeTier, capacity: Array) -> tuple[_Lines, Move]:
    """Multiplier updates by a search along each node's dual, a cutting-plane method in one dimension.

    A set of gain G, less what it costs to hold, and load W is a line G − α W in the multiplier α. The dual is the upper
    envelope of all sets' lines plus what the capacity costs, and convex; its minimum is where the lines of the last set
    that overloads the node and of the last one that does not cross. That crossing is the next multiplier, until no set
    lies above it (Dinkelbach).
    """
    zero = jnp.zeros_like(capacity)

    def move(step: Any, search: Search, selection: Selection) -> Search:
        lines: _Lines = search.own

        def update() -> Search:
            gain, load = reduce_slices(selection.gain), reduce_slices(selection.load)
            if tier.charge is not None:
                gain = gain - tier.charges(selection.held)
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
            return Search(jnp.where(done, search.multiplier, rise / jnp.where(done, 1.0, run)), done, found)

        return materialize(update)

    return _Lines(zero, zero, zero, zero), move


def optax_search(
    tier: NodeTier,
    capacity: Array,
    optimizer: Callable[[Array], optax.GradientTransformation],
    step_size: Array,
    tolerance: float,
) -> tuple[Any, Move]:
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

    def move(_: Any, search: Search, selection: Selection) -> Search:
        relative = search.multiplier / unit
        violation = materialize(lambda: (reduce_slices(selection.load) - capacity) / load_scale)
        settled = (violation <= tolerance) & ((search.multiplier <= 0.0) | (violation >= -tolerance))
        change, state = update(-violation, search.own, relative, step_size)
        moved: Any = optax.apply_updates(relative, change)
        done = materialize(lambda: search.done | settled)
        return Search(materialize(lambda: jnp.where(done, search.multiplier, moved * unit)), done, state)

    return start(jnp.zeros_like(capacity), step_size), move
