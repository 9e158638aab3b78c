"""`where` between two pytrees by a mask over their leading or their trailing axes, for NumPy and JAX."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax

Tree = TypeVar("Tree")


def select_leading(mask: Any, new: Tree, old: Tree) -> Tree:
    """Select `new` where the mask holds, `old` elsewhere; the mask's axes are the first of every array."""
    return _select(mask, new, old, lambda axes: mask.shape + (1,) * (axes - mask.ndim))


def select_trailing(mask: Any, new: Tree, old: Tree) -> Tree:
    """Select `new` where the mask holds, `old` elsewhere; the mask's axes are the last of every array."""
    return _select(mask, new, old, lambda axes: (1,) * (axes - mask.ndim) + mask.shape)


def _select(mask: Any, new: Tree, old: Tree, shape: Callable[[int], tuple[int, ...]]) -> Tree:
    xp = mask.__array_namespace__()
    return jax.tree.map(lambda one, other: xp.where(mask.reshape(shape(one.ndim)), one, other), new, old)
