"""Onloading by enumeration: the proven best choices of every node where there are few enough to try."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .onloading import NodeProblem, servable_shares
from .tolerances import ROUNDING


def best_of_all_choices(
    problem: NodeProblem, choices: Int[Array, "K T"], charge: Float[Array, "V M"] | None = None
) -> Int[Array, "V T"]:
    """Best of K given choices of each node within memory and compute, by enumeration.

    What does not fit the compute is served in part, the tasks that earn most for it first. Of equal choices the first
    one is taken.

    **Arguments:**

    - `choices`: model of each task, −1 for none; a row of −1 throughout must be among them.
    - `charge`: what a node pays for holding each model; None where nothing.

    **Returns:** a row of `choices` for each node. ``[V, T]``
    """
    nodes, models = problem.size.shape
    count, tasks = choices.shape
    uses = jnp.any(choices[:, :, None] == jnp.arange(models)[None, None, :], axis=1)  # [K, M]
    size = jnp.sum(jnp.where(uses[None], problem.size[:, None, :], 0.0), axis=2)  # [V, K]

    def of_choices(values: Array) -> Array:
        taken = values[:, jnp.maximum(choices, 0), jnp.arange(tasks)[None, :]]  # [V, K, T]
        return jnp.where(choices[None] >= 0, taken, 0.0)

    gain, load = of_choices(problem.gain), of_choices(problem.load)
    room = problem.capacity[:, None] * (1.0 + ROUNDING) - jnp.sum(of_choices(problem.setup), axis=2)
    possible = (size <= problem.budget[:, None] * (1.0 + ROUNDING)) & (room >= 0.0)

    def flat(values: Array) -> Array:
        return values.reshape(nodes * count, *values.shape[2:])

    shares = servable_shares(flat(gain), flat(load), flat(jnp.maximum(room, 0.0)))
    value = jnp.sum(gain * shares.reshape(gain.shape), axis=2)
    if charge is not None:
        value = value - jnp.sum(jnp.where(uses[None], charge[:, None, :], 0.0), axis=2)
    return choices[jnp.argmax(jnp.where(possible, value, -jnp.inf), axis=1)]
