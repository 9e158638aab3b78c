"""Double precision, whatever the caller's setting."""

from contextlib import AbstractContextManager

import jax


def double_precision() -> AbstractContextManager[None]:
    """Context in which JAX computes in float64; the caller's x64 flag is left as found.

    Everything that is compared or proven runs inside it, and leaves it as NumPy arrays: a float64
    `jax.Array` in the hands of a caller whose flag is off would lose its precision at the first sum.
    """
    return jax.enable_x64(True)
