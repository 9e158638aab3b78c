"""Ctrl-C: one line, and the program ends, wherever it is.

Python's own way is an exception. Where JAX's extension modules are being loaded it makes them crash, and where it
meets JAX's hook in the garbage collector it is printed and forgotten.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

INTERRUPTED = 130

_last: list[Callable[[], object]] = []


def end_at_once() -> None:
    """From here on Ctrl-C ends the process there and then, unless Ctrl-C is ignored or somebody's already."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


@contextlib.contextmanager
def cleaning_up() -> Iterator[None]:
    """Context in which Ctrl-C raises `KeyboardInterrupt`, for code that must not leave half of a file behind."""
    if signal.getsignal(signal.SIGINT) is not _end:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _end)


@contextlib.contextmanager
def last(action: Callable[[], object]) -> Iterator[None]:
    """Context in which `action` is the last thing done before Ctrl-C ends the process."""
    _last.append(action)
    try:
        yield
    finally:
        _last.remove(action)


def _end(_signal: int, _frame: FrameType | None) -> None:
    # Nothing may keep the process from ending.
    with contextlib.suppress(Exception):
        for action in _last:
            action()
    with contextlib.suppress(Exception):
        os.write(sys.stderr.fileno(), b"j3o: interrupted\n")
    os._exit(INTERRUPTED)
