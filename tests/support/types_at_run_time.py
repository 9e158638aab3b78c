"""The checker of annotated types that tests run the package under."""

from collections.abc import Callable
from typing import Any

from beartype import beartype


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose arguments and results are checked against its annotations.

    Functions inside of functions are made anew by each call, which would take longer than the call, and are left alone.
    """
    return function if "<locals>" in getattr(function, "__qualname__", "") else beartype(function)
