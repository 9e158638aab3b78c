"""Running a function of a batch on the devices: in chunks of few shapes, compiled once each, on all of them at once."""

import math
import os
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import numpy as np

from ._batch import filled_up
from ._levels import Level, level_for
from ._precision import double_precision
from ._programs import ahead, compiled, compiles_ahead

# Instances of a chunk on a CPU, where a working set beyond the cache costs more than short loops do.
_FEW, _MANY = 8, 64
# Bytes of a chunk of few up to which one scenario alone is done by its program: there is less to run than to compile.
_SMALL = 3 << 20
# What a chunk may take of an accelerator's memory, and of a CPU's when instances are large.
_SHARE_OF_MEMORY = 0.4
_CPU_CHUNK_BYTES = 1 << 28
_MOST_ON_ACCELERATOR = 16384
# Bytes that a batch goes through in a program that is compiled lightly. J3O's program for Taskonomy-5 takes 4 s less to
# compile that way, and 10 ms more for each instance of 0.3 MB.
_BRIEF = 1 << 26


_names_compiled: list[str] = []


def compiled_programs() -> int:
    """Count the programs compiled for batches in this process so far."""
    return len(_names_compiled)


def is_brief(count: int, bytes_per_instance: int, turns: int = 1) -> bool:
    """Whether so much work is done by a program that is compiled lightly; arguments as of `run_batched`."""
    return level_for(count * bytes_per_instance * turns, _BRIEF) == "light"


def run_batched(
    function: Callable[[Any, Any], Any],
    batch: Any,
    shared: Any = None,
    *,
    key: Hashable,
    bytes_per_instance: int,
    chunk: int | None = None,
    cpu_chunk_bytes: int = _CPU_CHUNK_BYTES,
    turns: int = 1,
    together: int = 1,
) -> Any:
    """`function(batch, shared)` for a batch of any size, chunk by chunk, in double precision.

    Results do not depend on the chunks.

    Chunks have one of two sizes, those of brief work the smaller one, so that few programs serve batches of every size;
    the last one is filled up with copies of its last instance. On CPUs several chunks run at a time, one on each core;
    several devices each take an equal part of every chunk.

    **Arguments:**

    - `function`: takes arrays with the chunk's axis in front, and `shared`, and returns arrays with that axis in front.
    - `batch`: NumPy arrays with the batch axis in front.
    - `shared`: arrays that all instances share. They may vary from call to call without a new compilation.
    - `key`: what else the function depends on, besides the shapes and dtypes of its arguments.
    - `bytes_per_instance`: estimate of the memory that an instance needs while it is computed.
    - `chunk`: instances of a chunk; None chooses by device and memory.
    - `cpu_chunk_bytes`: what a chunk may take on a CPU, where a kernel is faster within the caches.
    - `turns`: how many times as much there is to do as J3O does for an instance of that memory; brief work is done by a
      program that is compiled lightly (`_levels.py`).
    - `together`: entries of the batch that one scenario has: a chunk is no larger where there is no other, unless the
      scenario is small.
    """
    chunks = _chunks(batch, bytes_per_instance, chunk, cpu_chunk_bytes, turns, together)
    count, size = chunks.total, chunks.size
    shared = jax.tree.map(np.asarray, shared)
    program = _program(function, batch, shared, key, chunks)

    def run(start: int) -> Any:
        # The setting is each thread's own.
        with double_precision():
            return jax.tree.map(np.asarray, program(_part(batch, start, size), shared))

    starts = range(0, count, size)
    workers = min(available_cores(), len(starts)) if _on_cpu(chunks.devices) and len(chunks.devices) == 1 else 1
    if workers > 1:
        # XLA lets go of Python's lock while it computes.
        with ThreadPoolExecutor(workers) as pool:
            parts = list(pool.map(run, starts))
    else:
        parts = [run(start) for start in starts]
    return jax.tree.map(lambda *own: np.concatenate(own)[:count], *parts)


def compile_ahead(
    function: Callable[[Any, Any], Any],
    batch: Any,
    shared: Any = None,
    *,
    key: Hashable,
    bytes_per_instance: int,
    chunk: int | None = None,
    turns: int = 1,
) -> None:
    """Begin to compile what `run_batched` will run, on another core; arguments as there, or only their shapes."""
    if available_cores() < 2 or not compiles_ahead():
        return
    leaves, structure = jax.tree.flatten((batch, shared))
    forms = tuple((leaf.shape, leaf.dtype) for leaf in leaves)

    def compile_it() -> None:
        # Zeros of these shapes, which take no memory.
        zeros = [np.broadcast_to(np.zeros((), dtype=dtype), shape) for shape, dtype in forms]
        batch, shared = jax.tree.unflatten(structure, zeros)
        chunks = _chunks(batch, bytes_per_instance, chunk, _CPU_CHUNK_BYTES, turns, 1)
        _program(function, batch, shared, key, chunks)

    ahead((function, key, structure, forms, chunk, turns), compile_it)


class _Chunks(NamedTuple):
    """How a batch of `total` instances is taken apart: chunks of `size`, compiled at a level for some devices."""

    total: int
    size: int
    level: Level
    devices: list[Any]


def _chunks(
    batch: Any, bytes_per_instance: int, chunk: int | None, cpu_chunk_bytes: int, turns: int, together: int
) -> _Chunks:
    count = jax.tree.leaves(batch)[0].shape[0]
    devices = jax.local_devices()
    level: Level = "light" if is_brief(count, bytes_per_instance, turns) else "full"
    size = _chunk_size(count, bytes_per_instance, devices, chunk, cpu_chunk_bytes, level)
    small = _on_cpu(devices) and bytes_per_instance * _FEW <= _SMALL
    if count == together and chunk is None and level == "light" and not small:
        size = math.ceil(count / len(devices)) * len(devices)
    return _Chunks(count, size, level, devices)


def _program(function: Callable[[Any, Any], Any], batch: Any, shared: Any, key: Hashable, chunks: _Chunks) -> Any:
    """Program of a chunk."""
    with double_precision():
        program, new = compiled(
            function,
            (_part(batch, 0, chunks.size), shared),
            key=(function, key),
            name=key,
            level=chunks.level,
            devices=chunks.devices,
            split=(True, False),
        )
    if new:
        _names_compiled.append(function.__qualname__)
    return program


def _chunk_size(
    count: int, bytes_per_instance: int, devices: list[Any], chunk: int | None, cpu_chunk_bytes: int, level: Level
) -> int:
    if chunk is not None:
        size = chunk
    elif _on_cpu(devices):
        size = _FEW if level == "light" or count <= _FEW * available_cores() else _MANY
        size = min(size, _power_of_two(cpu_chunk_bytes // bytes_per_instance))
    else:
        memory = (devices[0].memory_stats() or {}).get("bytes_limit", 1 << 33)
        size = min(_power_of_two(int(_SHARE_OF_MEMORY * memory) // bytes_per_instance), _MOST_ON_ACCELERATOR)
        size = min(size, max(_power_of_two(2 * math.ceil(count / len(devices)) - 1), _FEW))
    return size * len(devices)


def _power_of_two(number: int) -> int:
    """Return the largest power of two up to `number`, at least 1."""
    return 1 << (max(number, 1).bit_length() - 1)


def _part(batch: Any, start: int, size: int) -> Any:
    return filled_up(jax.tree.map(lambda array: array[start : start + size], batch), size)


def _on_cpu(devices: list[Any]) -> bool:
    return devices[0].platform == "cpu"


def available_cores() -> int:
    """Cores that this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1
