"""Fusion barriers and compilation units: how much of a kernel XLA's CPU compiler fuses and compiles at a time.

XLA on a CPU fuses an array expression into each of its readers. Where one reader is a sum that every element of the
next array needs, it is evaluated once per element: the interior point method ran eight times slower for that. A fusion
barrier is a function whose results are materialized as whole arrays. The batched kernels keep the instances on the last
axis (the one that vector units run along) and reduce over leading axes, whose slices are contiguous.

The compiler also makes a module of its own of every materialized array, at some 15 ms each, however small it is. A
compilation unit is a function of many arrays of which it makes one module, at a third of that. LLVM takes more than
proportionally longer for large functions, so units have some tens of arrays, not hundreds. XLA forms a unit by itself
of every loop that it can; a scatter or a sort inside keeps it from that.

Other compilers do better: programs lowered for other platforms have neither.
"""

import contextlib
import contextvars
import functools
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
from jax.core import Tracer, eval_jaxpr
from jax.experimental.xla_metadata import set_xla_metadata
from jaxtyping import Array

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")
_State = TypeVar("_State")

# XLA's inliner leaves a call with this attribute alone, and fusion does not look into calls.
_BARRIER = {"inlineable": "false"}
# What XLA itself marks a loop with that is to become one kernel.
_UNIT = _BARRIER | {"xla_cpu_small_call": "true"}
# Attributes hold for whatever is traced under them. `jnp.where` and others are calls too, which are to be inlined.
_NEITHER = dict.fromkeys(_UNIT)

# Results of a unit that depend on all that it reads; more than one, for some may not be needed.
_MOST_GUARDED = 4
# Slices of a long axis that are combined at a time.
_BLOCK = 16
# Terms of a long sum that are added in each iteration of a loop: in units, and where an iteration costs more.
_TERMS, _TERMS_OF_LOOPS = 2, 8
# Reductions along an axis, for compilers that do them well themselves.
_REDUCTIONS: dict[Any, Callable[..., Array]] = {
    operator.add: jnp.sum,
    jnp.add: jnp.sum,
    jnp.maximum: jnp.max,
    jnp.minimum: jnp.min,
    jnp.logical_or: jnp.any,
}


class Target(NamedTuple):
    """Platform that a program is traced for.

    - `platform`: of JAX's.
    - `never`: where compilation units may be formed, an argument of the program that is False whenever it runs; None
      where not. Units need XLA to be told that it must not hand sums to a library, which it does not find in a unit.
    """

    platform: str
    never: Array | None = None


_target: contextvars.ContextVar[Target | None] = contextvars.ContextVar("target", default=None)


@contextlib.contextmanager
def tracing_for(target: Target) -> Iterator[None]:
    """Context for tracing a program for a target; elsewhere it is JAX's default device, without compilation units."""
    token = _target.set(target)
    try:
        yield
    finally:
        _target.reset(token)


def _current() -> Target:
    target = _target.get()
    if target is None:
        device = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]
        target = Target(jax.default_backend() if device is None else getattr(device, "platform", device))
    return target


def fusion_barrier(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Make a function of arrays a fusion barrier: its results are materialized, and fusion stops at its calls."""

    def inside(*args: Any, **keywords: Any) -> Any:
        with set_xla_metadata(**_NEITHER):
            return function(*args, **keywords)

    barrier = jax.jit(inside, inline=False)

    @functools.wraps(function)
    def run(*args: Any, **keywords: Any) -> Any:
        if _current().platform != "cpu":
            return function(*args, **keywords)
        with set_xla_metadata(**_BARRIER):
            return barrier(*args, **keywords)

    return run


def compilation_unit(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Make a function of arrays one module of the compiled program, on CPUs; it must not sort or scatter."""
    never = _current().never
    return function if never is None else functools.partial(_run_as_unit, function, never)


def _run_as_unit(function: Callable[..., Any], never: Array, *args: Any, **keywords: Any) -> Any:
    """Call a function as a compilation unit that reads all of its arguments.

    XLA aborts where a unit has an argument that its simplifications leave unread. So the results depend on the first
    element of each under a condition that never holds.
    """

    def inside() -> Any:
        with set_xla_metadata(**_NEITHER):
            return function(*args, **keywords)

    program, form = jax.make_jaxpr(inside, return_shape=True)()
    own = [isinstance(value, Tracer) for value in program.consts]

    def guarded(never: Array, *read: Array) -> list[Array]:
        with set_xla_metadata(**_NEITHER):
            arguments = iter(read)
            values = [next(arguments) if mine else value for mine, value in zip(own, program.consts, strict=True)]
            results = eval_jaxpr(program.jaxpr, values)
            trace = materialize(lambda: sum_terms([jnp.ravel(value)[0].astype(jnp.float32) for value in read]))
            return [
                jnp.where(never, (trace > 0.0).astype(result.dtype), result) if guards else result
                for guards, result in zip(_guarded(program.jaxpr), results, strict=True)
            ]

    given = [value for mine, value in zip(own, program.consts, strict=True) if mine]
    if not given:
        return function(*args, **keywords)
    with set_xla_metadata(**_UNIT):
        results = jax.jit(guarded, inline=False)(never, *given)
    return jax.tree.unflatten(jax.tree.structure(form), results)


def _guarded(jaxpr: Any) -> list[bool]:
    """Mask of the results that are to depend on all arguments: small computed ones, or all if none is computed."""
    taken = {id(variable) for variable in (*jaxpr.invars, *jaxpr.constvars)}
    sizes = [
        variable.aval.size if variable.aval.dtype.kind == "f" and id(variable) not in taken else math.inf
        for variable in jaxpr.outvars
    ]
    some = sorted(sizes)[:_MOST_GUARDED]
    return [size in some and size < math.inf for size in sizes] if some[0] < math.inf else [True] * len(sizes)


def repeat(count: int, turn: Callable[[_State], _State], state: _State, *, apart: bool = False) -> _State:
    """Apply `turn` to `state` a few times: a loop on CPUs, where code is expensive; unrolled elsewhere.

    With `apart` the loop as a whole is not made a compilation unit.
    """
    if _current().platform != "cpu":
        for _ in range(count):
            state = turn(state)
        return state

    def next_one(both: tuple[Array, _State]) -> tuple[Array, _State]:
        number, state = both
        return next_iteration(number) if apart else number + 1, turn(state)

    return jax.lax.while_loop(lambda both: both[0] < count, next_one, (jnp.asarray(0), state))[1]


def unrolled_while(
    condition: Callable[[_State], Array], body: Callable[[_State], _State], state: _State, unroll: int
) -> _State:
    """`jax.lax.while_loop` that tests its condition after every `unroll` iterations on accelerators.

    There the host reads the condition and waits for it. Iterations after the last one must change nothing.
    """
    count = 1 if _current().platform == "cpu" else unroll

    def unrolled(state: _State) -> _State:
        for _ in range(count):
            state = body(state)
        return state

    return jax.lax.while_loop(condition, unrolled, state)


def next_iteration(number: Array) -> Array:
    """Increment a loop's counter so that the loop as a whole is not made a compilation unit; its parts may be."""
    if _current().never is None:
        return number + 1
    # XLA leaves what sorts outside of units.
    return jax.lax.sort(jnp.stack([number + 1, number]))[1]


def materialize(expressions: Callable[[], _Result]) -> _Result:
    """Evaluate a function without arguments behind a fusion barrier; what it reads must be materialized before."""
    return fusion_barrier(expressions)()


def materialize_each(expression: Callable[..., _Result], *trees: Any) -> Any:
    """Evaluate an expression of the leaves of pytrees, each behind a fusion barrier of its own."""
    return jax.tree.map(lambda *leaves: materialize(lambda: expression(*leaves)), *trees)


def reduce_slices(array: Array, combine: Callable[[Any, Any], Any] = operator.add) -> Array:
    """Reduce over the first axis, by addition unless told otherwise, as one expression of its slices."""
    return functools.reduce(combine, [array[index] for index in range(array.shape[0])])


def sum_terms(terms: Iterable[Array]) -> Array:
    """Add arrays up as one expression."""
    return functools.reduce(operator.add, terms)


def tree_reduce(array: Array, combine: Callable[[Any, Any], Any] = operator.add) -> Array:
    """Reduce over a first axis that may be long as a tree: 16 slices at a time, each level materialized.

    Zeros at the end of the axis change no bit of a sum.
    """
    if _current().platform != "cpu":
        return _REDUCTIONS[combine](array, axis=0)
    while array.shape[0] > _BLOCK:
        array = materialize(functools.partial(_reduce_blocks, array, combine))
    return materialize(lambda: reduce_slices(array, combine))


def _reduce_blocks(array: Array, combine: Callable[[Any, Any], Any]) -> Array:
    part, rest = divmod(array.shape[0], _BLOCK)
    blocks = array[: _BLOCK * part].reshape(part, _BLOCK, *array.shape[1:])
    shorter = reduce_slices(jnp.swapaxes(blocks, 0, 1), combine)
    if not rest:
        return shorter
    return jnp.concatenate([shorter, reduce_slices(array[_BLOCK * part :], combine)[None]])


def block_length(count: int) -> int:
    """Choose how many slices of an axis to reduce at a time: up to 16, with few left over."""
    return min(range(min(count, 5), min(count, 16) + 1), key=lambda step: (step + count % step, -step))


def map_reduce(
    expression: Callable[..., Any], *arrays: Array, combine: Callable[[Any, Any], Any] = operator.add
) -> Any:
    """Reduce an expression of arrays over their first axis without materializing the expression.

    `expression` takes slices of the arrays that keep this axis, and returns one array or several with it in front.
    """

    def both(one: Any, other: Any) -> Any:
        return jax.tree.map(combine, one, other)

    if _current().platform != "cpu":
        return jax.tree.map(lambda array: _REDUCTIONS[combine](array, axis=0), expression(*arrays))
    terms = _TERMS_OF_LOOPS if _current().never is None else _TERMS

    def some(start: Any, count: int) -> Any:
        blocks = [jax.lax.dynamic_slice_in_dim(array, start, count, 0) for array in arrays]
        each = [expression(*(block[index : index + 1] for block in blocks)) for index in range(count)]
        return jax.tree.map(lambda term: term[0], functools.reduce(both, each))

    # A loop with few terms in each iteration: fully unrolled, such sums were much of what there is to compile.
    count = arrays[0].shape[0]
    rest = count % terms or min(terms, count)
    first = materialize(lambda: some(0, rest))
    if rest == count:
        return first

    def add(turn: Any, before: Any) -> Any:
        return materialize(lambda: both(before, some(rest + turn * terms, terms)))

    return jax.lax.fori_loop(0, (count - rest) // terms, add, first)
