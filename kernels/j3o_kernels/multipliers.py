"""The multiplier update (19) of the paper as an optax gradient transformation.

The dual of the onloading step is minimised over α ≥ 0; its subgradient is −(load − capacity), so that gradient
descent with step η/√k and projection is

    α ← [α + η/√k · (load − capacity)]₊ .

The step size may be a traced array: a grid of step sizes is a `jax.vmap`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float


def inverse_square_root(step_size: float | Float[Array, ""]) -> optax.Schedule:
    """η/√k at the k-th step, k = 1, 2, … ; the schedule of (19)."""

    def schedule(count: Any) -> Any:
        return step_size / jnp.sqrt(jnp.asarray(count + 1, dtype=jnp.result_type(float)))

    return schedule


def inverse(step_size: float | Float[Array, ""]) -> optax.Schedule:
    """η/k at the k-th step."""

    def schedule(count: Any) -> Any:
        return step_size / jnp.asarray(count + 1, dtype=jnp.result_type(float))

    return schedule


def constant(step_size: float | Float[Array, ""]) -> optax.Schedule:
    """η at every step."""
    return lambda _count: step_size


def cosine(step_size: float | Float[Array, ""], steps: int) -> optax.Schedule:
    """From η to 0 over the steps."""
    fall = optax.cosine_decay_schedule(1.0, steps)
    return lambda count: step_size * fall(count)


SCHEDULES: Mapping[str, Callable[[Any, int], optax.Schedule]] = {
    "inverse_square_root": lambda step_size, _: inverse_square_root(step_size),
    "inverse": lambda step_size, _: inverse(step_size),
    "constant": lambda step_size, _: constant(step_size),
    "cosine": cosine,
}
"""Step size at each step, from η and the number of steps, by name."""


def projected_adam(learning_rate: optax.ScalarOrSchedule) -> optax.GradientTransformation:
    """Adam (Kingma and Ba, 2015) that keeps its parameters non-negative."""
    return optax.chain(
        optax.scale_by_adam(), optax.scale_by_learning_rate(learning_rate), optax.keep_params_nonnegative()
    )


def projected_subgradient(learning_rate: optax.ScalarOrSchedule) -> optax.GradientTransformation:
    """Gradient descent that keeps its parameters non-negative; with `inverse_square_root` it is (19)."""
    return optax.chain(optax.scale_by_learning_rate(learning_rate), optax.keep_params_nonnegative())


UPDATES: Mapping[str, Callable[[optax.Schedule], optax.GradientTransformation]] = {
    "subgradient": projected_subgradient,
    "adam": projected_adam,
}
"""Updates of the multipliers for a given schedule, by name."""
