"""Batches: indexing over their axes alone, and filling them up."""

from typing import Any, TypeVar

import jax
import numpy as np

Tree = TypeVar("Tree")


def instance_numbers(batch_shape: tuple[int, ...], index: Any) -> np.ndarray:
    """Numbers, in flattened order, of the instances that `index` picks; raises `IndexError` past the batch axes."""
    return np.asarray(np.arange(int(np.prod(batch_shape, dtype=int))).reshape(batch_shape)[index])


def pick_instances(tree: Tree, batch_shape: tuple[int, ...], index: Any) -> Tree:
    """`tree` with `index` applied to the batch axes of every array."""
    numbers = instance_numbers(batch_shape, index)

    def pick(array: Any) -> Any:
        flat = array.reshape((-1, *array.shape[len(batch_shape) :]))
        # One instance has numbers where a batch has arrays.
        return np.asarray(flat[numbers])[()]

    return jax.tree.map(pick, tree)


def filled_up(tree: Tree, size: int) -> Tree:
    """Return a batch in NumPy with copies of its last instance behind, up to a size."""

    def full(array: Any) -> Any:
        missing = size - array.shape[0]
        return np.concatenate([array, np.repeat(array[-1:], missing, axis=0)]) if missing else array

    return jax.tree.map(full, tree)
