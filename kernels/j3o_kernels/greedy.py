"""Greedy selection under a memory budget, for all nodes and all models at once (Algorithm 2, lines 5 to 10).

A node v that holds the set S at multiplier α is worth

    L_v(S) = Σ_t max(0, max_{m∈S} (gain_vmt − α_v · load_vmt)),

where ``gain`` is the accuracy that model m would earn on task t's queries and ``load`` the compute that it would
take; the 0 is "serve the task with none". L_v is monotone and submodular in S (Proposition 1).

These are the semantics: arrays of one scenario, with all its nodes V on the first axis. Batch with `jax.vmap`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .materialize import materialize, tree_reduce
from .tolerances import ROUNDING, TIES

# Most single models that "plus_max" starts from: a few, so that its cost grows with the models and not their square.
TRIES = 8


def task_profit(
    gain: Float[Array, "V M T"], load: Float[Array, "V M T"], multiplier: Float[Array, " V"]
) -> Float[Array, "V M T"]:
    """Profit of each model on each task at the price α of compute: gain − α · load ``[V, M, T]``."""
    return gain - multiplier[:, None, None] * load


def node_value(profit: Float[Array, "V M T"], held: Bool[Array, "V M"]) -> Float[Array, " V"]:
    """L_v(held), the Lagrangian value of each node's set ``[V]``."""
    return jnp.sum(covered_profit(profit, held), axis=1)


def covered_profit(profit: Float[Array, "V M T"], held: Bool[Array, "V M"]) -> Float[Array, "V T"]:
    """max(0, max over the held models of the profit), per task ``[V, T]``."""
    return jnp.max(jnp.where(held[:, :, None], profit, 0.0), axis=1, initial=0.0)


def marginal_gains(profit: Float[Array, "V M T"], covered: Float[Array, "V T"]) -> Float[Array, "V M"]:
    """ΔL_v(m; S) for every node and model, given the profit per task that S covers ``[V, M]``."""
    return jnp.sum(jnp.maximum(profit - covered[:, None, :], 0.0), axis=2)


def greedy_selection(
    profit: Float[Array, "V M T"],
    size: Float[Array, "V M"],
    budget: Float[Array, " V"],
    *,
    start: Bool[Array, "V M"] | None = None,
    pass_over: bool = False,
) -> Bool[Array, "V M"]:
    """Greedy sets by marginal gain per MB: one model per node and round until nothing is added.

    **Arguments:**

    - `profit`: see `task_profit`.
    - `size`, `budget`: MB.
    - `start`: sets to complete, which must fit; empty by default.
    - `pass_over`: what to do when the best model no longer fits. False stops there, as the paper's Algorithm 2
      does; True goes on with the best of those that fit.

    **Returns:** the chosen sets. ``[V, M]``
    """
    nodes, models, _ = profit.shape
    limit = budget * (1.0 + ROUNDING)

    def best_addition(held: Array) -> tuple[Array, Array]:
        covered = covered_profit(profit, held)
        gains = jnp.where(held, 0.0, marginal_gains(profit, covered))
        used = jnp.sum(jnp.where(held, size, 0.0), axis=1)
        fits = used[:, None] + size <= limit[:, None]
        useful = gains > TIES * jnp.sum(covered, axis=1)[:, None]
        if pass_over:
            useful &= fits
        density = jnp.where(useful, gains * inverse_size(size), -1.0)
        best = jnp.argmax(density >= jnp.max(density, axis=1, keepdims=True) * (1.0 - TIES), axis=1)
        return best, (useful & fits)[jnp.arange(nodes), best]

    return grow_sets(jnp.zeros((nodes, models), dtype=bool) if start is None else start, best_addition)


def grow_sets(held: Bool[Array, "V M"], best_addition: Callable[[Array], tuple[Array, Array]]) -> Bool[Array, "V M"]:
    """Add a model to each node's set, round by round, until no node adds one.

    **Arguments:**

    - `best_addition`: from the sets, the best model of each node, and whether it is added. ``[V]``
    """
    row = jnp.arange(held.shape[0])

    def add(state: tuple[Array, Array]) -> tuple[Array, Array]:
        held, _ = state
        best, adds = best_addition(held)
        return held.at[row, best].set(held[row, best] | adds), jnp.any(adds)

    return jax.lax.while_loop(lambda state: state[1], add, (held, jnp.asarray(True)))[0]


def inverse_size(size: Array) -> Array:
    """1 / size; huge without a size, for such models cost nothing to hold: they come first, by their gain."""
    return jnp.where(size > 0.0, 1.0 / jnp.where(size > 0.0, size, 1.0), np.sqrt(jnp.finfo(size.dtype).max))


def first_best(score: Array) -> tuple[Array, Array]:
    """Highest score of each node and the first model that has it, up to `TIES`: ``[*N]`` from ``[M, *N]``.

    For the batched kernels, which have models in front.
    """
    best = tree_reduce(score, jnp.maximum)
    models = score.shape[0]
    number = jnp.arange(models).reshape(models, *[1] * (score.ndim - 1))
    index = tree_reduce(
        materialize(lambda: jnp.where(score >= best[None] * (1.0 - TIES), number, models - 1)), jnp.minimum
    )
    return best, index
