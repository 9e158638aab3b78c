"""Compiled programs: all that the package compiles goes through here, is kept while it is used, and let go in time.

On CPUs every module of a program takes memory mappings, of which Linux allows a process 65,530 and aborts it beyond. So
the programs that were not used for longest go once half of them are taken.
"""

import contextlib
import contextvars
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from ._compile import Program, compile_program, mappings, most_mappings, trim_heap
from ._forks import refuse_after_fork
from ._levels import Level
from ._program_files import KeptProgram

# More programs are not kept: each takes some 20 MB.
_MOST_PROGRAMS = 64


class Compilation(NamedTuple):
    """A program that is about to be compiled.

    - `name`: of what it computes.
    - `leaves`: shapes of its arrays.
    - `level`: see `_levels.py`.
    """

    name: str
    leaves: tuple[Any, ...]
    level: Level


_listener: contextvars.ContextVar[Any] = contextvars.ContextVar("compilation_listener", default=None)


@contextlib.contextmanager
def telling_compilations(
    listener: Callable[[Compilation], contextlib.AbstractContextManager[None]],
) -> Iterator[None]:
    """Context in which every program is compiled inside the context that a listener makes for it."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


class _Programs:
    """Programs by what they depend on, the last used last; each is compiled once, whoever asks first."""

    def __init__(self) -> None:
        self.programs: OrderedDict[Hashable, Any] = OrderedDict()
        self.lock = threading.Lock()

    def __call__(self, key: Hashable, compile_it: Callable[[], Any]) -> tuple[Any, float]:
        with self.lock:
            if key in self.programs:
                self.programs.move_to_end(key)
                return self.programs[key], 0.0
            start = time.perf_counter()
            program = self.programs[key] = compile_it()
            self._let_go()
            seconds = time.perf_counter() - start
            _compiling.append(seconds)
            return program, seconds

    def _let_go(self) -> None:
        most = most_mappings() // 2
        # What is let go unmaps its memory at once: programs are held by nobody else.
        while len(self.programs) > 1 and (len(self.programs) > _MOST_PROGRAMS or mappings() > most):
            self.programs.popitem(last=False)


_programs = _Programs()
_compiling: list[float] = []
_compile_it: Callable[..., Any] = compile_program


def seconds_of_compiling() -> float:
    """Seconds that this process has spent compiling programs, or loading them, so far."""
    return sum(_compiling, start=0.0)


@contextlib.contextmanager
def compiling_with(compile_it: Callable[..., Any]) -> Iterator[None]:
    """Context in which all programs are compiled anew by a function in place of `compile_program`, and then let go."""
    global _programs, _compile_it
    before = _programs, _compile_it
    _programs, _compile_it = _Programs(), compile_it
    try:
        yield
    finally:
        _programs, _compile_it = before


def kept() -> int:
    """Count the programs that this process keeps."""
    return len(_programs.programs)


def compiled(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    *,
    key: Hashable,
    name: Any,
    level: Level,
    devices: list[Any],
    split: tuple[bool, ...] | None = None,
) -> tuple[Any, float]:
    """Return the program of a function for arguments of these shapes, and the seconds that compiling it took.

    **Arguments:**

    - `key`: what the program depends on besides shapes, the function among it.
    - `name`: the same for another process, whose function is another object.
    - `split`: of several devices, which of the arguments each takes an equal part of; the function is run by each.

    **Raises:** `ForkError` where JAX cannot compute.
    """
    refuse_after_fork()
    leaves, structure = jax.tree.flatten(arguments)
    forms = tuple((np.shape(leaf), str(leaf.dtype)) for leaf in leaves)
    double = jax.config.jax_enable_x64  # pyright: ignore[reportAttributeAccessIssue]
    identity = (key, forms, structure, tuple(devices), level, double)

    def compile_it() -> Any:
        found = Compilation(function.__qualname__.split(".")[0].strip("_"), forms, level)
        kept = KeptProgram(function.__module__, function.__qualname__, name, forms, structure, level, double)
        single = split is None or len(devices) == 1
        listener = _listener.get()

        def anew() -> Program:
            return compile_program(function, arguments, level, devices, split)

        if single and kept.there and _compile_it is compile_program:
            loaded = kept.load()
            if loaded is not None:
                return Program(*loaded, otherwise=anew)
        with contextlib.nullcontext() if listener is None else listener(found):
            program = _compile_it(function, arguments, level, devices, split)
        trim_heap()
        if single and _compile_it is compile_program and not program.read:
            kept.store(program.compiled, program.form, 1 + len(leaves))
        return program

    return _programs(identity, compile_it)
