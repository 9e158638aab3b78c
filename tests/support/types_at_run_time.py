"""The checker of annotated types that tests run the package under."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, get_args

import jaxtyping
from beartype import BeartypeConf, beartype

_with_shapes = jaxtyping.jaxtyped
_without_shapes = beartype(conf=BeartypeConf(violation_type=TypeError))


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose arguments and results are checked against its annotations.

    Functions inside of functions are made anew by each call, which would take longer than the call, and are left alone.
    """
    return function if _is_inner(function) else _without_shapes(function)


def check_shapes_where_there_are() -> None:
    """Let jaxtyping's import hook leave functions to the checker alone whose annotations have no shapes.

    Shapes are compared from one argument to the next, for which jaxtyping binds the arguments of every call: where
    there are none, that took a quarter of the time of methods that work in NumPy.
    """
    jaxtyping.jaxtyped = _by_annotations


def _by_annotations(whatever: Any = None, *, typechecker: Any) -> Any:
    if whatever is None:
        return functools.partial(_by_annotations, typechecker=typechecker)
    if inspect.isfunction(whatever) and (_is_inner(whatever) or not _has_shapes(whatever)):
        return typechecker(whatever)
    return _with_shapes(whatever, typechecker=typechecker)


def _is_inner(function: Callable[..., Any]) -> bool:
    return "<locals>" in getattr(function, "__qualname__", "")


def _has_shapes(function: Callable[..., Any]) -> bool:
    return any(map(_names_shapes, function.__annotations__.values()))


def _names_shapes(annotation: Any) -> bool:
    if isinstance(annotation, str):
        # What cannot be named at run time, such as types of libraries that are loaded late, jaxtyping knows to leave.
        return True
    if isinstance(annotation, type) and issubclass(annotation, jaxtyping.AbstractArray):
        return True
    return any(map(_names_shapes, get_args(annotation)))
