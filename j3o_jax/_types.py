"""The array types of the public vocabulary.

Letters in shapes: ``C`` clients, ``E`` edges, ``T`` tasks, ``M`` models, ``N`` outer iterations;
``*batch`` stands for any leading batch axes.
"""

from typing import TypeAlias

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

AnyArray: TypeAlias = np.ndarray | np.generic | jax.Array

__all__ = ["AnyArray", "Bool", "Float", "Int"]
