"""Stages: parts of a kernel whose results are written out once, not computed again by everyone who reads them.

XLA on a CPU fuses an array expression into each of its readers. Where one reader is a sum that every element of the
next array needs, it is evaluated once per element: the interior point method ran eight times slower for that. A stage
is a function whose results are whole arrays. The batched kernels keep the instances on the last axis ("lanes", the
axis that vector units run along) and sum over leading axes, whose slices are contiguous.
"""

import functools
import operator
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

import jax
from jax.experimental.xla_metadata import set_xla_metadata
from jaxtyping import Array

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def stage(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Make a function of arrays a stage; on other devices than CPUs, whose compilers do better, it is left as it is."""
    whole = jax.jit(function, inline=False)

    @functools.wraps(function)
    def run(*args: Any, **keywords: Any) -> Any:
        if jax.default_backend() != "cpu":
            return function(*args, **keywords)
        # XLA's inliner leaves a call with this attribute alone, and fusion does not look into calls.
        with set_xla_metadata(inlineable="false"):
            return whole(*args, **keywords)

    return run


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
    """Sum, or another combination, over a first axis that may be long: in strides of 16, each written out."""
    while array.shape[0] > 16:
        array = written(functools.partial(_shortened, array, combine))
    return written(lambda: total(array, combine))


def _shortened(array: Array, combine: Callable[[Any, Any], Any]) -> Array:
    part, rest = divmod(array.shape[0], 16)
    shorter = total(array[: 16 * part].reshape(16, part, *array.shape[1:]), combine)
    if rest:
        shorter = shorter.at[:1].set(combine(shorter[:1], total(array[16 * part :], combine)[None]))
    return shorter


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

    count = arrays[0].shape[0]
    step = stride(count)
    steps, rest = divmod(count, step)

    def strided() -> Any:
        blocks = [array[: step * steps].reshape(step, steps, *array.shape[1:]) for array in arrays]
        return functools.reduce(both, [expression(*(block[index] for block in blocks)) for index in range(step)])

    def left_over() -> Any:
        slices = [[array[index : index + 1] for array in arrays] for index in range(step * steps, count)]
        return functools.reduce(both, [expression(*one) for one in slices])

    whole = jax.tree.map(lambda array: fold(array, combine), written(strided))
    if not rest:
        return whole
    last = written(left_over)
    return written(lambda: jax.tree.map(lambda one, other: combine(one, other[0]), whole, last))
