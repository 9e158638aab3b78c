"""Compiled programs: all that the package compiles is compiled here, kept while it is used, and let go in time.

On CPUs every module of a program takes memory mappings, of which Linux allows a process 65,530 and aborts it beyond. So
the programs that were not used for longest go once half of them are taken.

Two levels: a full one for batches, and a light one, compiled several times faster and several times slower to run, for
work that is brief. A third one, plain, has XLA's own options, for draws that must never change by a bit.
"""

import contextlib
import contextvars
import ctypes
import functools
import gc
import os
import re
import threading
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, ParamSpec, TypeVar

import equinox as eqx
import jax
import numpy as np
from jax.core import Tracer
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from j3o_kernels.materialize import Target, tracing_for

from ._batch import filled_up
from ._forks import refuse_after_fork
from ._program_files import KeptProgram

Level = Literal["light", "full", "plain"]
_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

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
# See `materialize.Target`.
_NEVER = np.asarray(False)
_MOST_MAPPINGS_FILE = Path("/proc/sys/vm/max_map_count")
_MAPPINGS_FILE = Path("/proc/self/maps")
# Arrays that a brief function goes through are of so many bytes, or it is compiled for speed.
_BRIEF_BYTES = 1 << 23
# Instances that NumPy does where it can, and that smaller batches are filled up to.
_FEW = 16
# Beyond so many the copies of a batch that is filled up would take memory.
_MOST_FILLED = 1024
# More programs are not kept: each takes some 20 MB.
_MOST_PROGRAMS = 64


class Compilation(NamedTuple):
    """A program that is about to be compiled.

    - `name`: of what it computes.
    - `leaves`: shapes of its arrays.
    - `level`: see above.
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


def seconds_of_compiling() -> float:
    """Seconds that this process has spent compiling programs, or loading them, so far."""
    return sum(_compiling, start=0.0)


@contextlib.contextmanager
def optimising(level: Level, backend_level: int) -> Iterator[None]:
    """Context in which XLA's backend optimises programs of a level as far as this number, 0 to 3, says."""
    before = _LEVELS[level]
    _LEVELS[level] = {"xla_backend_optimization_level": backend_level}
    _known_options.cache_clear()
    try:
        yield
    finally:
        _LEVELS[level] = before
        _known_options.cache_clear()


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
    """How many programs this process keeps."""
    return len(_programs.programs)


def mappings() -> int:
    """Memory mappings of this process; 0 where the system does not tell."""
    try:
        return _MAPPINGS_FILE.read_bytes().count(b"\n")
    except OSError:
        return 0


@functools.cache
def most_mappings() -> int:
    """How many mappings the system allows a process."""
    try:
        return int(_MOST_MAPPINGS_FILE.read_text())
    except (OSError, ValueError):
        return 65530


def level_for(work: int, brief: int) -> Level:
    """Choose the level for an amount of work; up to `brief` the light one is quicker, compiling included."""
    told = os.environ.get(LEVEL_VARIABLE, "")
    if told:
        if told not in ("light", "full"):
            raise ValueError(f"{LEVEL_VARIABLE}: must be 'light' or 'full', got {told!r}")
        return told
    return "light" if work <= brief else "full"


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
        _trim_heap()
        if single and _compile_it is compile_program and not program.read:
            kept.store(program.compiled, program.form, 1 + len(leaves))
        return program

    return _programs(identity, compile_it)


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
        options = _known_options()[level] if on_cpu else None
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


_compile_it: Callable[..., Any] = compile_program


@functools.cache
def _malloc_trim() -> Callable[[int], Any]:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not glibc
        return lambda _: None


def _trim_heap() -> None:
    """Give the system back what compiling has freed, which glibc keeps: more than the program itself takes."""
    _malloc_trim()(0)


def has_regions() -> bool:
    """Whether XLA on this machine can make modules of compilation units (`j3o_kernels.materialize`)."""
    wanted = _WITHOUT_LIBRARY.keys() <= _known_options()["full"].keys()
    return wanted and jax.__version_info__ >= _REGIONS_SINCE


@functools.cache
def _known_options() -> dict[Level, dict[str, Any]]:
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
        if len(leaves[0]) <= _FEW:
            return function(*args, **keywords)
        return jax.tree.map(np.asarray, beyond(*args, **keywords))

    return run


def _filled(count: int) -> int:
    """Return the size that a batch is filled up to; one alone stays alone."""
    return count if count <= 1 or count > _MOST_FILLED else max(1 << (count - 1).bit_length(), _FEW)


def default_device() -> Any:
    """Return the device that JAX computes on where it is not told another."""
    told = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(told, str):
        return jax.local_devices(backend=told)[0]
    return told or jax.local_devices()[0]


def in_numpy(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Return a function made by `program` as it was written: NumPy runs it, nothing is compiled."""
    return function.__wrapped__  # pyright: ignore[reportFunctionMemberAccess]


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, (np.ndarray, np.generic, jax.Array))
