"""Compilation of one program, and what it costs."""

import contextlib
import ctypes
import functools
import gc
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from j3o_kernels.materialize import Target, tracing_for

from ._levels import Level, has_regions, options_of_levels

# See `materialize.Target`.
_NEVER = np.asarray(False)
_MOST_MAPPINGS_FILE = Path("/proc/sys/vm/max_map_count")
_MAPPINGS_FILE = Path("/proc/self/maps")


def mappings() -> int:
    """Memory mappings of this process; 0 where the system does not tell."""
    try:
        return _MAPPINGS_FILE.read_bytes().count(b"\n")
    except OSError:
        return 0


@functools.cache
def most_mappings() -> int:
    """Return how many mappings the system allows a process."""
    try:
        return int(_MOST_MAPPINGS_FILE.read_text())
    except (OSError, ValueError):
        return 65530


class _Reading(threading.local):
    """Whether JAX found what a thread compiled last in a cache of its own."""

    found = False


_reading = _Reading()


def _note(event: str, **_: Any) -> None:
    if event == "/jax/compilation_cache/cache_hits":
        _reading.found = True


jax.monitoring.register_event_listener(_note)


class Cost(NamedTuple):
    """Seconds of all threads for each step of compiling, those that passed during the last one, and mappings."""

    trace: float
    lower: float
    compile: float
    compile_wall: float
    mappings: int


class Program:
    """A compiled program of flat arguments and results; `form` has the results' places numbered.

    `cost` is what it took, where it was compiled in this process, and `read` whether JAX had it in a cache; `otherwise`
    compiles one that was not, and does not run.
    """

    def __init__(
        self,
        compiled: Any,
        form: Any,
        cost: Cost | None = None,
        *,
        otherwise: Callable[[], "Program"] | None = None,
    ):
        self.compiled = compiled
        self.form = form
        self.cost = cost
        self.read = False
        self._otherwise = otherwise
        self._results = jax.tree.structure(form)

    def __call__(self, *arguments: Any) -> Any:
        """Results in the form that the function gives them."""
        leaves = jax.tree.leaves(arguments)
        try:
            results = self.compiled(_NEVER, *leaves)
        except jax.errors.JaxRuntimeError:
            if self._otherwise is None:
                raise
            # A file can be of a program that was itself read from a file, and lacks its functions.
            self.compiled, self._otherwise = self._otherwise().compiled, None
            results = self.compiled(_NEVER, *leaves)
        return jax.tree.unflatten(self._results, results)


def compile_program(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    level: Level,
    devices: list[Any],
    split: tuple[bool, ...] | None = None,
) -> Program:
    """Compile a program that nobody keeps; `compiled` says what the arguments are."""
    leaves, structure = jax.tree.flatten(arguments)
    form: list[Any] = []

    on_cpu = devices[0].platform == "cpu"
    regions = on_cpu and has_regions()

    def own(never: Any, *leaves: Any) -> Any:
        """Return a function that nobody else holds, since JAX keeps a program for as long as its function lives."""
        with tracing_for(Target(devices[0].platform, never if regions else None)):
            results, of_results = jax.tree.flatten(function(*jax.tree.unflatten(structure, leaves)))
        form[:] = [jax.tree.unflatten(of_results, range(len(results)))]
        return results

    # Inputs of the first argument give their memory to results.
    firsts = len(jax.tree.leaves(arguments[0]))
    donated = tuple(range(1, firsts + 1)) if split is not None and not on_cpu else ()
    if len(devices) == 1 or split is None:
        jitted = jax.jit(own, donate_argnums=donated)
    else:
        mesh = Mesh(np.array(devices), ("batch",))
        specs = tuple(
            PartitionSpec("batch") if own_part else PartitionSpec()
            for own_part, argument in zip(split, arguments, strict=True)
            for _ in jax.tree.leaves(argument)
        )
        # Every device has its own loop and stops by itself; there is nothing to communicate.
        specs = (PartitionSpec(), *specs)
        local = jax.shard_map(own, mesh=mesh, in_specs=specs, out_specs=PartitionSpec("batch"), check_vma=False)
        shardings = tuple(NamedSharding(mesh, spec) for spec in specs)
        jitted = jax.jit(local, in_shardings=shardings, donate_argnums=donated)
    with warnings.catch_warnings(), _without_collections():
        # Inputs that no output can take the place of stay where they are.
        warnings.filterwarnings("ignore", message="Some donated buffers were not usable")
        options = options_of_levels()[level] if on_cpu else None
        before, clock = mappings(), [time.process_time()]
        traced = jitted.trace(_NEVER, *leaves)
        clock.append(time.process_time())
        lowered = traced.lower()
        clock.append(time.process_time())
        _reading.found = False
        start = time.perf_counter()
        compiled = lowered.compile(compiler_options=options)
        wall = time.perf_counter() - start
        clock.append(time.process_time())
    trace, lower, compiling = np.diff(clock).tolist()
    program = Program(compiled, form[0], Cost(trace, lower, compiling, wall, mappings() - before))
    program.read = _reading.found
    return program


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Context without Python's garbage collection, which goes through all that tracing makes, and finds nothing."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@functools.cache
def _malloc_trim() -> Callable[[int], Any]:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not glibc
        return lambda _: None


def trim_heap() -> None:
    """Give the system back what compiling has freed, which glibc keeps: more than the program itself takes."""
    _malloc_trim()(0)
