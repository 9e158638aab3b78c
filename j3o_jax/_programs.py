"""Compiled programs: all that the package compiles goes through here, is kept while it is used, and let go in time.

On CPUs every module of a program takes memory mappings, of which Linux allows a process 65,530 and aborts it beyond. So
the programs that were not used for longest go once half of them are taken.
"""

import concurrent.futures
import contextlib
import contextvars
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
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
        self.programs: OrderedDict[Hashable, Future[Any]] = OrderedDict()
        self.asked_ahead: set[Hashable] = set()
        self.lock = threading.Lock()

    def __call__(
        self,
        key: Hashable,
        compile_it: Callable[[], Any],
        waiting: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> tuple[Any, bool]:
        """Return a program, and whether this call has compiled it; inside `waiting` while another thread does.

        What the caller waits is added to the seconds of its thread.
        """
        start = time.perf_counter()
        while True:
            with self.lock:
                future = self.programs.get(key)
                if future is None:
                    own = self.programs[key] = Future()
                    break
                self.programs.move_to_end(key)
            if not future.done():
                with waiting():
                    concurrent.futures.wait([future])
                _waited.seconds += time.perf_counter() - start
            with contextlib.suppress(_NotCompiledError):
                return future.result(), False
        try:
            program = compile_it()
        except BaseException:
            with self.lock:
                self.programs.pop(key, None)
            # Who waits for it compiles it himself, and so meets the mistake himself.
            own.set_exception(_NotCompiledError())
            raise
        own.set_result(program)
        with self.lock:
            self._let_go(key)
        _waited.seconds += time.perf_counter() - start
        return program, True

    def _let_go(self, newest: Hashable) -> None:
        most = most_mappings() // 2
        # What is let go unmaps its memory at once: programs are held by nobody else.
        for key in [key for key, future in self.programs.items() if future.done() and key != newest]:
            if len(self.programs) <= _MOST_PROGRAMS and mappings() <= most:
                break
            del self.programs[key]


class _NotCompiledError(Exception):
    """A program that another thread was compiling, and could not."""


class _Waited(threading.local):
    """Seconds that a thread has waited for programs."""

    seconds = 0.0


_programs = _Programs()
_waited = _Waited()
_compile_it: Callable[..., Any] = compile_program


def seconds_of_compiling() -> float:
    """Seconds that this thread has waited for programs to be compiled, or loaded, so far."""
    return _waited.seconds


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
) -> tuple[Any, bool]:
    """Return the program of a function for arguments of these shapes, and whether this call has compiled it.

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

    def told() -> contextlib.AbstractContextManager[None]:
        listener, name = _listener.get(), function.__qualname__.split(".")[0].strip("_")
        return contextlib.nullcontext() if listener is None else listener(Compilation(name, forms, level))

    def compile_it() -> Any:
        kept = KeptProgram(function.__module__, function.__qualname__, name, forms, structure, level, double)
        single = split is None or len(devices) == 1

        def anew() -> Program:
            return compile_program(function, arguments, level, devices, split)

        if single and kept.there and _compile_it is compile_program:
            loaded = kept.load()
            if loaded is not None:
                return Program(*loaded, otherwise=anew)
        with told():
            program = _compile_it(function, arguments, level, devices, split)
        trim_heap()
        if single and _compile_it is compile_program and not program.read:
            kept.store(program.compiled, program.form, 1 + len(leaves))
        return program

    return _programs(identity, compile_it, told)


def compiles_ahead() -> bool:
    """Whether programs may be compiled before they are asked for: not where each is watched (`compiling_with`)."""
    return _compile_it is compile_program


def ahead(what: Hashable, compile_it: Callable[[], Any]) -> None:
    """Have another thread ask for a program that will be needed: who asks for it later waits for what is left of it.

    Once for each `what`: a thread takes longer than to find that the program is there. What goes wrong there goes wrong
    again, and is seen, where the program is asked for.
    """
    if what in _programs.asked_ahead:
        return
    _programs.asked_ahead.add(what)
    # JAX's own setting of a device is each thread's own.
    device = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]

    def work() -> None:
        with contextlib.suppress(Exception), jax.default_device(device):
            compile_it()

    threading.Thread(target=work, name="compiling ahead").start()
