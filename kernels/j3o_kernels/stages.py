"""Stages and regions: how much of a kernel XLA's CPU compiler sees at a time.

XLA on a CPU fuses an array expression into each of its readers. Where one reader is a sum that every element of the
next array needs, it is evaluated once per element: the interior point method ran eight times slower for that. A stage
is a function whose results are whole arrays. The batched kernels keep the instances on the last axis ("lanes", the
axis that vector units run along) and sum over leading axes, whose slices are contiguous.

The compiler also makes a module of its own of every array that is written, at some 15 ms each, however small it is. A
region is a function of many arrays of which it makes one module, at a third of that. LLVM takes more than
proportionally longer for large functions, so regions have some tens of arrays, not hundreds. XLA forms a region by
itself of every loop that it can; a scatter or a sort inside keeps it from that.

Other compilers do better: what is lowered for other platforms is left as it is.
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
_STAGE = {"inlineable": "false"}
# What XLA itself marks a loop with that is to become one kernel.
_REGION = _STAGE | {"xla_cpu_small_call": "true"}
# Attributes hold for whatever is traced under them. `jnp.where` and others are calls too, which are to be inlined.
_NEITHER = dict.fromkeys(_REGION)

# Results of a region that hold the trace of what it reads; more than one, for some may not be needed.
_MOST_MARKED = 4
# Slices of a long axis that are combined at a time.
_AT_A_TIME = 16
# Terms of a long sum that are added at a time, in regions and where every turn of a loop costs more.
_TERMS, _TERMS_OF_LOOPS = 2, 8
# Combinations along an axis, for compilers that are best left alone with it.
_WHOLE: dict[Any, Callable[..., Array]] = {
    operator.add: jnp.sum,
    jnp.add: jnp.sum,
    jnp.maximum: jnp.max,
    jnp.minimum: jnp.min,
    jnp.logical_or: jnp.any,
}


class Target(NamedTuple):
    """What a program is traced for.

    - `platform`: of JAX's.
    - `never`: where regions may be formed, an argument of the program that is False whenever it runs; None where not.
      Regions need XLA to be told that it must not hand sums to a library, which it does not find in a region.
    """

    platform: str
    never: Array | None = None


_target: contextvars.ContextVar[Target | None] = contextvars.ContextVar("target", default=None)


@contextlib.contextmanager
def tracing_for(target: Target) -> Iterator[None]:
    """Context for tracing a program for a target; elsewhere it is JAX's default device, without regions."""
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


def stage(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Make a function of arrays a stage."""

    def inside(*args: Any, **keywords: Any) -> Any:
        with set_xla_metadata(**_NEITHER):
            return function(*args, **keywords)

    whole = jax.jit(inside, inline=False)

    @functools.wraps(function)
    def run(*args: Any, **keywords: Any) -> Any:
        if _current().platform != "cpu":
            return function(*args, **keywords)
        with set_xla_metadata(**_STAGE):
            return whole(*args, **keywords)

    return run


def region(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Make a function of arrays a region where there are any; it must not sort or scatter."""
    never = _current().never
    return function if never is None else functools.partial(_as_region, function, never)


def _as_region(function: Callable[..., Any], never: Array, *args: Any, **keywords: Any) -> Any:
    """What a function returns, as a region that reads all that it is given.

    XLA aborts where a region has an argument that its simplifications leave unread. So the first element of each would
    go into the results, if that were ever to happen.
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
            trace = written(lambda: sum_of([jnp.ravel(value)[0].astype(jnp.float32) for value in read]))
            return [
                jnp.where(never, (trace > 0.0).astype(result.dtype), result) if marked else result
                for marked, result in zip(_marked(program.jaxpr), results, strict=True)
            ]

    given = [value for mine, value in zip(own, program.consts, strict=True) if mine]
    if not given:
        return function(*args, **keywords)
    with set_xla_metadata(**_REGION):
        results = jax.jit(guarded, inline=False)(never, *given)
    return jax.tree.unflatten(jax.tree.structure(form), results)


def _marked(jaxpr: Any) -> list[bool]:
    """Results that are to hold the trace of what is read: those of few numbers that are computed, or all if none is."""
    taken = {id(variable) for variable in (*jaxpr.invars, *jaxpr.constvars)}
    sizes = [
        variable.aval.size if variable.aval.dtype.kind == "f" and id(variable) not in taken else math.inf
        for variable in jaxpr.outvars
    ]
    some = sorted(sizes)[:_MOST_MARKED]
    return [size in some and size < math.inf for size in sizes] if some[0] < math.inf else [True] * len(sizes)


def repeated(count: int, turn: Callable[[_State], _State], state: _State, *, apart: bool = False) -> _State:
    """`turn` of `state`, a few times: a loop on a CPU, where code is dear; elsewhere, where kernels are, one by one.

    Where the turns are kept `apart`, the loop is not made a region as a whole.
    """
    if _current().platform != "cpu":
        for _ in range(count):
            state = turn(state)
        return state

    def next_one(both: tuple[Array, _State]) -> tuple[Array, _State]:
        number, state = both
        return next_turn(number) if apart else number + 1, turn(state)

    return jax.lax.while_loop(lambda both: both[0] < count, next_one, (jnp.asarray(0), state))[1]


def turns(
    goes_on: Callable[[_State], Array], turn: Callable[[_State], _State], state: _State, at_a_time: int
) -> _State:
    """A loop of turns of which those after the end change nothing.

    Accelerators have the host read the condition and wait for it: there it is read after every few turns.
    """
    few = 1 if _current().platform == "cpu" else at_a_time

    def some(state: _State) -> _State:
        for _ in range(few):
            state = turn(state)
        return state

    return jax.lax.while_loop(goes_on, some, state)


def next_turn(turn: Array) -> Array:
    """One more than the number of a loop's turn; the loop is then not made a region as a whole, its parts may be."""
    if _current().never is None:
        return turn + 1
    # XLA leaves what sorts outside of regions.
    return jax.lax.sort(jnp.stack([turn + 1, turn]))[1]


def written(expressions: Callable[[], _Result]) -> _Result:
    """What a function without arguments returns, written out; what it reads must be written out before."""
    return stage(expressions)()


def total(array: Array, combine: Callable[[Any, Any], Any] = operator.add) -> Array:
    """Sum, or another combination, over the first axis, as one expression of its slices."""
    return functools.reduce(combine, [array[index] for index in range(array.shape[0])])


def sum_of(terms: Iterable[Array]) -> Array:
    """Sum of arrays as one expression."""
    return functools.reduce(operator.add, terms)


def fold(array: Array, combine: Callable[[Any, Any], Any] = operator.add) -> Array:
    """Sum, or another combination, over a first axis that may be long: 16 slices at a time, each written out.

    Zeros at the end of the axis change no bit of a sum.
    """
    if _current().platform != "cpu":
        return _WHOLE[combine](array, axis=0)
    while array.shape[0] > _AT_A_TIME:
        array = written(functools.partial(_shortened, array, combine))
    return written(lambda: total(array, combine))


def _shortened(array: Array, combine: Callable[[Any, Any], Any]) -> Array:
    part, rest = divmod(array.shape[0], _AT_A_TIME)
    blocks = array[: _AT_A_TIME * part].reshape(part, _AT_A_TIME, *array.shape[1:])
    shorter = total(jnp.swapaxes(blocks, 0, 1), combine)
    if not rest:
        return shorter
    return jnp.concatenate([shorter, total(array[_AT_A_TIME * part :], combine)[None]])


def stride(count: int) -> int:
    """In how many slices at a time an axis is best combined: up to 16, with few left over."""
    return min(range(min(count, 5), min(count, 16) + 1), key=lambda step: (step + count % step, -step))


def over_first(
    expression: Callable[..., Any], *arrays: Array, combine: Callable[[Any, Any], Any] = operator.add
) -> Any:
    """Sum, or another combination, over the first axis of an expression of arrays, which is not written out itself.

    `expression` takes slices of the arrays that keep this axis, and returns one array or several with it in front.
    """

    def both(one: Any, other: Any) -> Any:
        return jax.tree.map(combine, one, other)

    if _current().platform != "cpu":
        return jax.tree.map(lambda array: _WHOLE[combine](array, axis=0), expression(*arrays))
    terms = _TERMS_OF_LOOPS if _current().never is None else _TERMS

    def some(start: Any, count: int) -> Any:
        blocks = [jax.lax.dynamic_slice_in_dim(array, start, count, 0) for array in arrays]
        each = [expression(*(block[index : index + 1] for block in blocks)) for index in range(count)]
        return jax.tree.map(lambda term: term[0], functools.reduce(both, each))

    # As a loop, and few terms in each turn: written out in full, such sums were much of what there is to compile.
    count = arrays[0].shape[0]
    rest = count % terms or min(terms, count)
    first = written(lambda: some(0, rest))
    if rest == count:
        return first

    def add(turn: Any, before: Any) -> Any:
        return written(lambda: both(before, some(rest + turn * terms, terms)))

    return jax.lax.fori_loop(0, (count - rest) // terms, add, first)
