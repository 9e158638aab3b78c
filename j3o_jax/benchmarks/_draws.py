"""The random draws: one compiled function, vmapped over a fixed number of lanes."""

import contextlib
import functools
import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from .._batched import available_cores
from .._compiled_functions import default_device, program_at
from .._precision import double_precision
from .._types import AnyArray
from ._recipe import AbstractRecipe, Sizes
from ._seeds import Instances

# XLA compiles another program for every batch size, with other roundings. So that an instance is the same in
# every batch, batches of any size are cut into pieces of one size, and the last piece is filled up. On two CPU
# cores 16 lanes cost 3 ms for Taskonomy-5, one alone 0.4 ms; more are no faster there. An accelerator wants many.
_CPU_LANES = 16
_ACCELERATOR_LANES = 1024
_ENTRIES = 2**18  # most array entries that a piece holds, so that large scenarios go one by one


def draw_instances(
    recipe: AbstractRecipe, sizes: Sizes, instances: Instances, values: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Fields that `recipe` draws, float64 with a leading axis over the instances.

    Runs on the default device. Every instance depends on its key and its parameters only, to the last bit.
    """
    count = len(instances.indices)
    numbers = {name: np.broadcast_to(values[name], (count,)) for name in recipe.traced}
    with _exactly():
        shapes = _field_shapes(recipe, sizes)
        result = {name: np.empty((count, *shape)) for name, shape in shapes.items()}
        if not result:
            return result
        lanes, workers = _lanes(sum(math.prod(shape) for shape in shapes.values()))

    def draw_piece(start: int) -> None:
        taken = np.minimum(np.arange(start, start + lanes), count - 1)
        own = {name: array[taken] for name, array in numbers.items()}
        # The settings are each thread's own.
        with _exactly():
            piece = _draw_lanes(recipe, sizes, instances.roots[taken], instances.indices[taken], own)
            stop = min(start + lanes, count)
            for name, array in piece.items():
                result[name][start:stop] = np.asarray(array)[: stop - start]

    starts = range(0, count, lanes)
    if min(workers, len(starts)) > 1:
        # XLA lets go of Python's lock while it computes.
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(draw_piece, starts))
    else:
        for start in starts:
            draw_piece(start)
    return result


@contextlib.contextmanager
def _exactly() -> Iterator[None]:
    """Context in which draws are the same whatever the caller's settings."""
    with double_precision(), jax.threefry_partitionable(True):
        yield


@program_at("plain")
def _draw_lanes(
    recipe: AbstractRecipe,
    sizes: Sizes,
    roots: AnyArray,
    indices: AnyArray,
    numbers: dict[str, AnyArray],
) -> dict[str, jax.Array]:
    def draw_one(root: jax.Array, index: jax.Array, numbers: dict[str, jax.Array]) -> dict[str, jax.Array]:
        key = jax.random.wrap_key_data(root, impl="threefry2x32")
        return recipe.draw(jax.random.fold_in(key, index), sizes, numbers)

    return jax.vmap(draw_one)(roots, indices, numbers)


@functools.lru_cache(maxsize=256)
def _field_shapes(recipe: AbstractRecipe, sizes: Sizes) -> dict[str, tuple[int, ...]]:
    """Shapes of one instance's drawn fields. To be called in double precision."""
    number = jax.ShapeDtypeStruct((), np.float64)
    drawn = jax.eval_shape(
        lambda key, numbers: recipe.draw(key, sizes, numbers),
        jax.eval_shape(lambda: jax.random.key(0, impl="threefry2x32")),
        dict.fromkeys(recipe.traced, number),
    )
    return {name: field.shape for name, field in drawn.items()}


def _lanes(entries: int) -> tuple[int, int]:
    """Lanes of a piece, for instances with this many entries: a power of two, the same for every batch; and threads."""
    on_cpu = default_device().platform == "cpu"
    most = _CPU_LANES if on_cpu else _ACCELERATOR_LANES
    return min(most, 2 ** int(math.log2(max(_ENTRIES // entries, 1)))), available_cores() if on_cpu else 1
