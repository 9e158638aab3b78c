"""The array types of the public vocabulary.

Letters in shapes: ``C`` clients, ``E`` edges, ``T`` tasks, ``M`` models, ``N`` outer iterations;
``*batch`` stands for any leading batch axes.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

if TYPE_CHECKING:
    # NumPy outside, JAX inside, tracers under a transformation: a union of them would want a cast at every
    # operation, so the static checker looks away, and the shape checks of the tests look.
    AnyArray: TypeAlias = Any
else:
    AnyArray: TypeAlias = np.ndarray | np.generic | jax.Array

__all__ = ["AnyArray", "Bool", "Float", "Int"]
