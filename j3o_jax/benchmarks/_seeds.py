"""From a seed, several seeds or a JAX key to the random key of every instance of a batch."""

import operator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

_IMPLEMENTATION = "threefry2x32"
_SEEDS = 2**63  # seeds lie below
_INSTANCES = 2**32  # `fold_in` takes 32 bits


class Instances(NamedTuple):
    """The instances to draw: number i has the key ``fold_in(roots[i], indices[i])``.

    `single` says that one scenario was asked for, rather than a batch of one.
    """

    roots: np.ndarray  # uint32 [n, 2]
    indices: np.ndarray  # uint32 [n]
    single: bool

    @property
    def batch(self) -> int | None:
        """n, or None for a single scenario."""
        return None if self.single else len(self.indices)


def instances_of(key_or_seed: Any, n: Any = None) -> Instances:
    """List the instances that `Benchmark.sample` is asked for.

    The seed s has the root key of s and index 0; a key is itself the root, with indices 0 to n − 1. So the
    seed s and the key of s begin with the same scenario.

    **Raises:** `ValueError` for what is neither a seed, seeds nor a threefry2x32 key, and for n < 1.
    """
    if isinstance(key_or_seed, Tracer):
        raise ValueError("key_or_seed: is being traced by JAX; sample outside of jit, vmap and grad")
    if n is not None:
        n = _whole("n", n, low=1, below=_INSTANCES)
    count = 1 if n is None else n
    root = _key_data(key_or_seed)
    if root is not None:
        return Instances(np.tile(root, (count, 1)), np.arange(count, dtype=np.uint32), n is None)
    if np.ndim(key_or_seed) == 0:
        seed = _whole("seed", key_or_seed, low=0, below=_SEEDS - count + 1)
        seeds = [seed + i for i in range(count)]
    else:
        if n is not None:
            raise ValueError(f"n = {n}: several seeds are a batch already, so n must be left out")
        seeds = _seeds(key_or_seed)
    words = np.asarray(seeds, np.uint64)
    # threefry2x32's own seeding: the high and the low word.
    roots = np.stack([words >> np.uint64(32), words & np.uint64(0xFFFFFFFF)], axis=1).astype(np.uint32)
    single = n is None and np.ndim(key_or_seed) == 0
    return Instances(roots, np.zeros(len(seeds), np.uint32), single)


def _key_data(value: Any) -> np.ndarray | None:
    """Take the two words out of a JAX key, new style or old; None for anything else."""
    if isinstance(value, np.ndarray) and value.dtype == np.uint32 and value.shape == (2,):
        raise ValueError(
            "key_or_seed: a NumPy uint32 array of two may be a key's data or two seeds; "
            "give a key as jax.Array, seeds as a list or as int64"
        )
    if not isinstance(value, jax.Array):
        return None
    if jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        if str(jax.random.key_impl(value)) != _IMPLEMENTATION:
            raise ValueError(f"key: is of {jax.random.key_impl(value)}, wants {_IMPLEMENTATION}")
        if value.shape != ():
            raise ValueError(f"key: has shape {list(value.shape)}, wants one key; give n for a batch")
        return np.asarray(jax.random.key_data(value))
    return np.asarray(value) if value.dtype == np.uint32 and value.shape == (2,) else None


def _seeds(value: Any) -> list[int]:
    """Read a one-dimensional collection of seeds."""
    if np.ndim(value) != 1 or len(value) == 0:
        raise ValueError(f"seeds: have shape {list(np.shape(value))}, want one axis with at least one seed")
    entries = value if isinstance(value, list | tuple | range) else np.asarray(value)
    return [_whole(f"seeds[{i}]", entry, low=0, below=_SEEDS) for i, entry in enumerate(entries)]


def _whole(name: str, value: Any, *, low: int, below: int) -> int:
    """`value` as an int of [low, below); a bool is no number here, nor is a float."""
    wants = f"a whole number in [{low}, {below - 1}]"
    if isinstance(value, bool) or getattr(value, "dtype", None) == np.bool_:
        raise ValueError(f"{name} = {value}: must be {wants}, not a bool")
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} = {value!r}: must be {wants}") from None
    if not low <= number < below:
        raise ValueError(f"{name} = {number}: must be {wants}")
    return number
