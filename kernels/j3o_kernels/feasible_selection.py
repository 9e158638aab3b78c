"""Greedy selection that stays feasible: models are added one by one while memory and compute both hold.

The baselines' way of onloading, without GREEDY-LR's multipliers. Every task runs on the most accurate held model, so a
model may be refused because it would take over tasks at a higher cost.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .greedy import grow_sets, marginal_gains
from .onloading import NodeProblem, chosen
from .tolerances import ROUNDING


def most_accurate_choice(gain: Float[Array, "V M T"], held: Bool[Array, "V M"]) -> Int[Array, "V T"]:
    """z(v, t): the held model of the highest gain, −1 where none earns anything ``[V, T]``."""
    masked = jnp.where(held[:, :, None], gain, 0.0)
    return jnp.where(jnp.max(masked, axis=1) > 0.0, jnp.argmax(masked, axis=1), -1)


def feasible_selection(
    problem: NodeProblem, priority: Float[Array, "V M"] | None = None, charge: Float[Array, "V M"] | None = None
) -> Bool[Array, "V M"]:
    """Feasible sets: the best model that violates no limit is added until none is left that adds anything.

    **Arguments:**

    - `priority`: of each model, the highest first; by default the marginal gain, less its charge, per MB.
    - `charge`: what a node pays for holding each model; None where nothing.

    **Returns:** the held models. ``[V, M]``
    """
    load = problem.load + problem.setup
    nodes, models = problem.size.shape
    budget, capacity = problem.budget * (1.0 + ROUNDING), problem.capacity * (1.0 + ROUNDING)

    def best_addition(held: Array) -> tuple[Array, Array]:
        choice = most_accurate_choice(problem.gain, held)
        covered, taken = chosen(problem.gain, choice), chosen(load, choice)
        takes = problem.gain > covered[:, None, :]
        load_with = jnp.sum(jnp.where(takes, load, taken[:, None, :]), axis=2)
        size_with = jnp.sum(jnp.where(held, problem.size, 0.0), axis=1)[:, None] + problem.size
        gains = marginal_gains(problem.gain, covered)
        if charge is not None:
            gains = gains - charge
        possible = ~held & (gains > 0.0) & (size_with <= budget[:, None]) & (load_with <= capacity[:, None])
        if priority is None:
            sized = problem.size > 0.0
            tiny = jnp.sqrt(jnp.finfo(gains.dtype).tiny)
            score = gains / jnp.where(sized, problem.size, tiny)
        else:
            score = priority
        best = jnp.argmax(jnp.where(possible, score, -jnp.inf), axis=1)
        return best, possible[jnp.arange(nodes), best]

    return grow_sets(jnp.zeros((nodes, models), dtype=bool), best_addition)
