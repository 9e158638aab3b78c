"""Functions of arrays that are compiled, once for each of their shapes, by decorators."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import equinox as eqx
import jax
import numpy as np
from jax.core import Tracer

from ._batch import filled_up
from ._levels import Level, level_for
from ._programs import compiled

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")
# Arrays that a brief function goes through are of so many bytes, or it is compiled for speed.
_BRIEF_BYTES = 1 << 23
# Instances that NumPy does where it can, and that smaller batches are filled up to.
_NUMPY_UP_TO = 16
# Beyond so many the copies of a batch that is filled up would take memory.
_MOST_FILLED = 1024


def program(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Make a brief function of arrays one program for each of their shapes and of its other arguments.

    While it is traced itself, it is part of the program that traces it. The size of the arrays chooses the level.
    """
    return program_at(None)(function)


def program_at(level: Level | None) -> Callable[[Callable[_Parameters, _Result]], Callable[_Parameters, _Result]]:
    """`program`, for programs of one level."""

    def made(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
        whole: Callable[..., Any] = function

        @functools.wraps(function)
        def run(*args: Any, **keywords: Any) -> Any:
            arrays, rest = eqx.partition((args, keywords), _is_array)
            leaves, structure = jax.tree.flatten(rest)
            of_arrays = jax.tree.leaves(arrays)
            if any(isinstance(leaf, Tracer) for leaf in of_arrays):
                return whole(*args, **keywords)

            def own(arrays: Any) -> Any:
                args, keywords = eqx.combine(arrays, rest)
                return whole(*args, **keywords)

            own.__module__, own.__qualname__ = function.__module__, function.__qualname__
            brief = 0 if level == "full" else _BRIEF_BYTES
            chosen = level if level == "plain" else level_for(sum(leaf.nbytes for leaf in of_arrays), brief)
            key = (function, tuple(leaves), structure)
            found, _ = compiled(own, (arrays,), key=key, name=key[1:], level=chosen, devices=[default_device()])
            return found(arrays)

        return run

    return made


def program_of_batch(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """`program`, for functions of arrays that all have the same batch axis in front, compiled for few of its sizes.

    Up to `_MOST_FILLED` instances the batch is filled up to a power of two with copies of its last instance.
    """
    of_size: Callable[..., Any] = program(function)

    @functools.wraps(function)
    def run(*args: Any, **keywords: Any) -> Any:
        arrays, rest = eqx.partition((args, keywords), _is_array)
        leaves = jax.tree.leaves(arrays)
        count = len(leaves[0])
        size = _filled(count)
        if size == count or not all(isinstance(leaf, np.ndarray) for leaf in leaves):
            return of_size(*args, **keywords)
        args, keywords = eqx.combine(filled_up(arrays, size), rest)
        return jax.tree.map(lambda result: np.asarray(result)[:count], of_size(*args, **keywords))

    return run


def program_beyond_few(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """`program_of_batch`, for functions that are written for NumPy as well (`_either.py`).

    NumPy does a few instances, half a millisecond each, before the program would be compiled. Of NumPy arrays the
    results are NumPy arrays.
    """
    beyond: Callable[..., Any] = program_of_batch(function)

    @functools.wraps(function)
    def run(*args: Any, **keywords: Any) -> Any:
        leaves = [leaf for leaf in jax.tree.leaves((args, keywords)) if _is_array(leaf)]
        if not all(isinstance(leaf, np.ndarray) for leaf in leaves):
            return beyond(*args, **keywords)
        if len(leaves[0]) <= _NUMPY_UP_TO:
            return function(*args, **keywords)
        return jax.tree.map(np.asarray, beyond(*args, **keywords))

    return run


def in_numpy(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Return a function made by `program` as it was written: NumPy runs it, nothing is compiled."""
    return function.__wrapped__  # pyright: ignore[reportFunctionMemberAccess]


def default_device() -> Any:
    """Return the device that JAX computes on where it is not told another."""
    told = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(told, str):
        return jax.local_devices(backend=told)[0]
    return told or jax.local_devices()[0]


def _filled(count: int) -> int:
    """Return the size that a batch is filled up to; one alone stays alone."""
    return count if count <= 1 or count > _MOST_FILLED else max(1 << (count - 1).bit_length(), _NUMPY_UP_TO)


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, (np.ndarray, np.generic, jax.Array))
