"""The multiplier update (19) of the paper as an optax gradient transformation.

The dual of the onloading step is minimised over α ≥ 0; its subgradient is −(load − capacity), so that gradient
descent with step η/√k and projection is

    α ← [α + η/√k · (load − capacity)]₊ .

The step size may be a traced array: a grid of step sizes is a `jax.vmap`.
"""

from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float


def inverse_square_root(step_size: float | Float[Array, ""]) -> optax.Schedule:
    """η/√k at the k-th step, k = 1, 2, … ; the schedule of (19)."""

    def schedule(count: Any) -> Any:
        return step_size / jnp.sqrt(jnp.asarray(count + 1, dtype=jnp.result_type(float)))

    return schedule


def projected_subgradient(learning_rate: optax.ScalarOrSchedule) -> optax.GradientTransformation:
    """Gradient descent that keeps its parameters non-negative; with `inverse_square_root` it is (19)."""
    return optax.chain(optax.scale_by_learning_rate(learning_rate), optax.keep_params_nonnegative())
