"""The two directions of an iteration of Mehrotra's predictor-corrector method, by the same code.

The affine direction is the correction of no step at all: with nothing to correct and products that are to become 0,
the corrector's right-hand side is the predictor's. So on CPUs the program of a direction is compiled once; elsewhere
the two are written out, as a loop would add more copies than it has kernels.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from .materialize import compilation_unit, materialize, repeat

# Part of the way to the boundary that a step goes.
_STEP = 0.9995


def predictor_corrector(
    direction: Callable[[Any, Array], Any],
    ratio_test: Callable[[Any], tuple[Array, Array]],
    centre: Callable[[Any, Array, Array], Array],
    nothing: Any,
    zero: Array,
    *,
    large: bool = False,
) -> tuple[Any, Array, Array]:
    """Corrected direction, and the step lengths of the primal and the dual along it ``[B]``.

    **Arguments:**

    - `direction`: the direction to products of a size ``[B]``, with the second-order term of another direction.
    - `ratio_test`: of a full step along a direction, the largest part that it takes of any number of the primal, and of
      the dual. ``[B]``
    - `centre`: σμ for the affine direction and the lengths of the steps along it. ``[B]``
    - `nothing`, `zero`: the direction of length 0, and 0 for each instance.
    - `large`: for programs that are better compiled in parts than as one region.
    """

    def aimed(step: Any) -> tuple[Array, Array, Array]:
        primal, dual = ratio_test(step)
        lengths = materialize(lambda: (1.0 / jnp.maximum(primal, 1.0), 1.0 / jnp.maximum(dual, 1.0)))
        return centre(step, *lengths), primal, dual

    directed, lengths = (compilation_unit(direction), compilation_unit(aimed)) if large else (direction, aimed)

    def improve(state: tuple[Any, Array, Array, Array]) -> tuple[Any, Array, Array, Array]:
        step, aim, _, _ = state
        step = directed(step, aim)
        return step, *lengths(step)

    step, _, primal, dual = repeat(2, improve, (nothing, zero, zero, zero), apart=large)
    return step, *materialize(lambda: (_length(primal), _length(dual)))


def _length(shrinks: Array) -> Array:
    return jnp.minimum(1.0, _STEP / jnp.maximum(shrinks, jnp.finfo(shrinks.dtype).tiny))
