"""Upper bound on the profit of a set of models that fits into a memory, where one of its models serves each task.

Finding the best set is NP-hard: coverage under a knapsack constraint. Of every set one model is the largest; led by
model j it earns

    f(S) ≤ f({j}) + Σ_{i ∈ S} g_i,    g_i = Σ_t max(0, p_ti − p_tj)

since what one more model adds to a set is never more than what it adds to a part of it (f is submodular). The models
beside j are smaller than it and share the room that it leaves, R. At any price ρ ≥ 0 of a unit of memory they earn at
most

    ρ R + Σ_{i small} max(0, g_i − ρ s_i) + max(0, max_{i large} (g_i − ρ s_i))

where at most one model is large, which takes more than R/2. The bound is the largest of these over j, each at a price ρ
near its best. It is never above the linear relaxation of a knapsack of the models' whole profits.

Where holding a model has a charge h_m, of any sign, f(S) is less by Σ_{m ∈ S} h_m. A submodular function less a modular
one is submodular, and that is all that the first line needs: it holds with f({j}) less by h_j and g_i by h_i, which may
make them negative; models beside j with a negative g_i are left out of the best set. What holds for ρ is as before.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .materialize import materialize
from .tolerances import ROUNDING

# Cuts of the search for a price of memory.
_CUTS = 3


class _Lead(NamedTuple):
    """Best leading model so far, with its price of memory and its bound."""

    model: Any
    price: Any
    bound: Any


def set_bound(profit: Array, size: Array, charge: Array | None = None) -> Array:
    """Upper bound on max Σ_t max_{m ∈ S} p_mt over the sets S of models whose sizes sum to at most 1 ``[...]``.

    Places come last, so that a vector unit works on many of them.

    **Arguments:**

    - `profit`: p ≥ 0, 0 for what cannot be held. ``[M, T, ...]``
    - `size`: of the models, in parts of the memory. ``[M, ...]``
    - `charge`: of holding each model, a reward where negative; None where there is none. ``[M, ...]``
    """
    lead = _best_lead(*jax.lax.stop_gradient((profit, size, charge)))
    return _at_lead(profit, size, lead, charge)


def bounds_by_lead(profit: Array, size: Array) -> Array:
    """Bound on the sets that each model leads ``[M, ...]``; arguments as of `set_bound`, which is the largest."""

    def of_model(model: Array) -> Array:
        own = profit[model]
        gain, room = materialize(lambda: _beside(profit, size, model, own, size[model], None))
        return jnp.sum(own, axis=0) + _best_price(gain, size, room)[1]

    return jax.lax.map(of_model, jnp.arange(len(size)))


def bound_of_leads(profit: Array, size: Array, leads: Array) -> Array:
    """Bound on the sets that one of some models leads, with its gradient ``[...]``; no bound on the others.

    **Arguments:**

    - `profit`, `size`: as of `set_bound`.
    - `leads`: the models. ``[L, ...]``
    """
    constant = jax.lax.stop_gradient(profit)

    def step(place: Array, best: _Lead) -> _Lead:
        return _better_lead(constant, size, leads[place], best)

    best = jax.lax.fori_loop(0, len(leads), step, _no_lead(constant, size))
    return _at_lead(profit, size, best)


def _at_lead(profit: Array, size: Array, lead: _Lead, charge: Array | None = None) -> Array:
    models, tasks = profit.shape[:2]
    # The maximum's gradient is that of the best lead, at its price.
    # Not gathered: the gradient of that would be a scatter.
    leads = jnp.arange(models).reshape(-1, *(1,) * lead.model.ndim) == lead.model[None]
    own = jnp.sum(jnp.where(leads[:, None], profit, 0.0), axis=0)
    first = jnp.sum(jnp.where(leads, size, 0.0), axis=0)
    gain, room = _beside(profit, size, lead.model, own, first, charge)
    bound, _ = _at_price(gain, size, room, lead.price)
    # All terms are ≥ 0; what their sums lose to rounding, and a sum of differences.
    terms = models + 2 * tasks + 8
    if charge is not None:
        eps = jnp.finfo(profit.dtype).eps
        alone = jnp.sum(own, axis=0) * (1.0 + tasks * eps) - jnp.sum(jnp.where(leads, charge, 0.0), axis=0)
        # A difference has lost no more than bits of what it is of, that of the best lead or of one that seemed less.
        of = jax.lax.stop_gradient(jnp.max(jnp.sum(profit, axis=1) + jnp.abs(charge), axis=0))
        lost = terms * eps * (of + bound)
        return jnp.maximum(alone + bound + lost, 0.0)
    return jnp.maximum(jnp.sum(own, axis=0) + bound, 0.0) * (1.0 + terms * jnp.finfo(profit.dtype).eps)


def _best_lead(profit: Array, size: Array, charge: Array | None) -> _Lead:
    def step(model: Array, best: _Lead) -> _Lead:
        own, first = profit[model], size[model]
        gain, room = _beside(profit, size, model, own, first, charge)
        price, bound = _best_price(gain, size, room)
        bound = bound + jnp.sum(own, axis=0)
        if charge is not None:
            bound = bound - charge[model]
        better = bound > best.bound
        return _Lead(*(jnp.where(better, a, b) for a, b in zip((model, price, bound), best, strict=True)))

    nothing = jnp.zeros(size.shape[1:], dtype=profit.dtype)
    none = _Lead(jnp.zeros(size.shape[1:], dtype=int), nothing, nothing - (1.0 if charge is None else jnp.inf))
    return jax.lax.fori_loop(0, len(size), step, none)


def _beside(
    profit: Array, size: Array, model: Array, own: Array, first: Array, charge: Array | None
) -> tuple[Array, Array]:
    """Marginal gain of each model beside the leading one, if it fits ``[M, ...]``, and the room left ``[...]``."""
    room = jnp.maximum(1.0 - first, 0.0) + ROUNDING
    number = jnp.arange(len(size)).reshape(-1, *(1,) * first.ndim)
    later = number > jnp.broadcast_to(model, first.shape)[None]
    smaller = (size < first[None]) | ((size == first[None]) & later)
    gain = jnp.sum(jnp.maximum(profit - own[None], 0.0), axis=1)
    if charge is not None:
        tasks, eps = profit.shape[1], jnp.finfo(profit.dtype).eps
        gain = jnp.maximum(gain * (1.0 + (tasks + 2) * eps) - charge, 0.0)
    return jnp.where(smaller & (size <= room[None]), gain, 0.0), room


def _at_price(gain: Array, size: Array, room: Array, price: Array) -> tuple[Array, Array]:
    """Lagrangian bound of the models beside the leading one at a price of memory ``[...]``, and its slope."""
    # Rounded up where there is little left of a gain.
    asked = price[None] * size * (1.0 - 4.0 * jnp.finfo(gain.dtype).eps)
    earns = jnp.maximum(gain - asked, 0.0)
    small = 2.0 * size <= room[None]
    large = jnp.where(small, 0.0, earns)
    most = jnp.max(large, axis=0)
    bound = price * room + jnp.sum(jnp.where(small, earns, 0.0), axis=0) + most
    taken = jnp.sum(jnp.where(small & (earns > 0.0), size, 0.0), axis=0)
    one = jnp.max(jnp.where((large > 0.0) & (large >= most[None]), size, 0.0), axis=0)
    return bound, room - taken - one


def _no_lead(profit: Array, size: Array) -> _Lead:
    nothing = jnp.zeros(size.shape[1:], dtype=profit.dtype)
    return _Lead(jnp.zeros(size.shape[1:], dtype=int), nothing, nothing - 1.0)


def _better_lead(profit: Array, size: Array, model: Array, best: _Lead) -> _Lead:
    """Better of the best lead so far and a model of each place ``[...]``."""
    own = jnp.take_along_axis(profit, jnp.broadcast_to(model[None, None], (1, *profit.shape[1:])), axis=0)[0]
    first = jnp.take_along_axis(size, model[None], axis=0)[0]
    gain, room = materialize(lambda: _beside(profit, size, model, own, first, None))
    price, bound = _best_price(gain, size, room)
    bound = bound + jnp.sum(own, axis=0)
    better = bound > best.bound
    return _Lead(*(jnp.where(better, a, b) for a, b in zip((model, price, bound), best, strict=True)))


def _best_price(gain: Array, size: Array, room: Array) -> tuple[Array, Array]:
    """Near-optimal price of memory and the bound there, by cutting planes: where two tangents around it meet."""
    tiny = jnp.finfo(gain.dtype).tiny
    low = jnp.zeros_like(room)
    high = jnp.max(jnp.where(size > 0.0, gain / jnp.maximum(size, tiny), 0.0), axis=0)
    at_low, at_high = _at_price(gain, size, room, low), _at_price(gain, size, room, high)
    best, bound = jnp.where(at_low[0] < at_high[0], low, high), jnp.minimum(at_low[0], at_high[0])
    for _ in range(_CUTS):
        apart = at_high[1] - at_low[1]
        meet = (at_low[0] - at_low[1] * low) - (at_high[0] - at_high[1] * high)
        price = jnp.where((apart > 0.0) & (at_low[1] < 0.0), meet / jnp.where(apart > 0.0, apart, 1.0), low)
        price = jnp.clip(price, low, high)
        at = _at_price(gain, size, room, price)
        best, bound = jnp.where(at[0] < bound, price, best), jnp.minimum(bound, at[0])
        rises = at[1] >= 0.0
        low, high = jnp.where(rises, low, price), jnp.where(rises, price, high)
        at_low, at_high = (
            tuple(jnp.where(moves, a, b) for a, b in zip(at, old, strict=True))
            for moves, old in ((~rises, at_low), (rises, at_high))
        )
    return best, bound
