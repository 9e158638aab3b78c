"""Failures on the command line: one line on stderr and an exit code, never a traceback."""

from collections.abc import Iterable, Mapping
from typing import Any

from ..io.words import nearest
from ..report import wording

DONE, FAILED, BAD_INPUT, NO_OUTPUT = 0, 1, 2, 3


class CommandError(Exception):
    """The end of a command; its text is one line that says what is wrong, where, and what to do about it.

    **Arguments:**

    - `message`: that line, without the name of the program.
    - `details`: what `--json` reports besides it.
    """

    code = FAILED

    def __init__(self, message: str, details: Mapping[str, Any] | None = None):
        super().__init__(message)
        self.details = dict(details or {})


class WorkError(CommandError):
    """The input was good, but there is no plan."""

    code = FAILED


class InputError(CommandError):
    """The input is not good."""

    code = BAD_INPUT


class OutputError(CommandError):
    """The work was done, and what came of it cannot be printed."""

    code = NO_OUTPUT

    def __init__(self, why: str):
        super().__init__(f"stdout: {why}: what came of it is not printed; files that were asked for are written")


def one_line(text: str) -> str:
    """`text` as a single line without control characters."""
    return wording.printable(wording.one_line(text))


def unknown(what: str, name: str, known: Iterable[str], place: str) -> InputError:
    """Say that there is no `what` of this name, and which one may have been meant."""
    known = list(known)
    near = nearest(name, tuple(known))
    remedy = f"did you mean {near!r}?" if near is not None else f"there are {', '.join(known)}"
    return InputError(f"{place}: there is no {what} {name!r}: {remedy}")
