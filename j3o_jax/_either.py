"""Formulas that are written once, for JAX and for NumPy.

Methods that work on the host run them in NumPy, and so neither compile anything nor need threads of JAX, which no
process has that was forked from one with JAX at work.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np


class _Functions:
    """The functions of `jax.numpy`; NumPy's where no argument is an array of JAX."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(np, name)
        if not isinstance(found, type) and callable(found):
            found = functools.partial(_of_either, name)
        setattr(self, name, found)
        return found


def _of_either(name: str, *args: Any, **keywords: Any) -> Any:
    return getattr(jnp if _of_jax((*args, *keywords.values())) else np, name)(*args, **keywords)


either: Any = _Functions()


def each(function: Callable[..., Any], *batches: Any) -> Any:
    """Apply `function` to every instance of batches with one axis: by ``jax.vmap``, or for NumPy arrays one by one."""
    if _of_jax(batches):
        return jax.vmap(function)(*batches)
    size = jax.tree.leaves(batches)[0].shape[0]
    with np.errstate(all="ignore"):
        results = [function(*jax.tree.map(lambda array: array[instance], batches)) for instance in range(size)]  # noqa: B023
    return jax.tree.map(lambda *own: np.stack(own), *results)


# What holds no array of JAX, as nearly all arguments do not: told at once.
_PLAIN = (np.ndarray, np.generic, bool, int, float, str, type(None))


def _of_jax(arguments: Iterable[Any]) -> bool:
    return any(
        isinstance(leaf, jax.Array)
        for argument in arguments
        if not isinstance(argument, _PLAIN)
        for leaf in (jax.tree.leaves(argument) if isinstance(argument, tuple | list | eqx.Module) else (argument,))
    )
