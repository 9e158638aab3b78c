"""Levels of compilation: XLA's options for long and for brief work, and which of the two work is.

A full level for batches, and a light one, compiled several times faster and several times slower to run, for work that
is brief. A third one, plain, has XLA's own options, for draws that must never change by a bit.
"""

import contextlib
import functools
import os
import re
from collections.abc import Iterator
from typing import Any, Literal

import jax
import numpy as np

Level = Literal["light", "full", "plain"]
# Set to "light" or "full", it takes the choice of the level away from the work that is expected.
LEVEL_VARIABLE = "J3O_JAX_LEVEL"
# XLA's options on CPUs. At level 2 LLVM takes an eighth less than at 3, for programs that run as fast.
_LEVELS: dict[Level, dict[str, Any]] = {
    "light": {"xla_backend_optimization_level": 0},
    "full": {"xla_backend_optimization_level": 2},
    "plain": {},
}
# Sums are left to LLVM: handed to a library they ran slower, and cannot be part of compilation units.
_WITHOUT_LIBRARY = {"xla_cpu_experimental_ynn_fusion_type": ""}
# The emitters of older releases, which make fewer modules of a program.
_OLDER = {"xla_cpu_use_fusion_emitters": False}
# Releases before divide loops among threads, which do not compile within compilation units.
_REGIONS_SINCE = (0, 12)


def level_for(work: int, brief: int) -> Level:
    """Choose the level for an amount of work; up to `brief` the light one is quicker, compiling included."""
    told = os.environ.get(LEVEL_VARIABLE, "")
    if told:
        if told not in ("light", "full"):
            raise ValueError(f"{LEVEL_VARIABLE}: must be 'light' or 'full', got {told!r}")
        return told
    return "light" if work <= brief else "full"


@contextlib.contextmanager
def at_level(level: Level) -> Iterator[None]:
    """Context in which all programs are of one level."""
    before = os.environ.get(LEVEL_VARIABLE)
    os.environ[LEVEL_VARIABLE] = level
    try:
        yield
    finally:
        if before is None:
            del os.environ[LEVEL_VARIABLE]
        else:
            os.environ[LEVEL_VARIABLE] = before


@contextlib.contextmanager
def optimising(level: Level, backend_level: int) -> Iterator[None]:
    """Context in which XLA's backend optimises programs of a level as far as this number, 0 to 3, says."""
    before = _LEVELS[level]
    _LEVELS[level] = {"xla_backend_optimization_level": backend_level}
    options_of_levels.cache_clear()
    try:
        yield
    finally:
        _LEVELS[level] = before
        options_of_levels.cache_clear()


def has_regions() -> bool:
    """Whether XLA on this machine can make modules of compilation units (`j3o_kernels.materialize`)."""
    wanted = _WITHOUT_LIBRARY.keys() <= options_of_levels()["full"].keys()
    return wanted and jax.__version_info__ >= _REGIONS_SINCE


@functools.cache
def options_of_levels() -> dict[Level, dict[str, Any]]:
    """Return the options of each level, without those that this release of XLA does not know."""
    others = _WITHOUT_LIBRARY if jax.__version_info__ >= _REGIONS_SINCE else _OLDER
    return {level: _accepted(options | others) if options else {} for level, options in _LEVELS.items()}


def _accepted(options: dict[str, Any]) -> dict[str, Any]:
    trial = jax.jit(lambda number: number + 1).lower(np.zeros((), dtype=np.int32))
    while True:
        try:
            trial.compile(compiler_options=options)
        except jax.errors.JaxRuntimeError as error:
            named = [name for name in options if re.search(rf"\b{name}\b", str(error))]
            if not named:
                raise
            options = {name: value for name, value in options.items() if name not in named}
        else:
            return options
