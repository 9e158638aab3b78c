"""Output of the commands: tables for people or one JSON object on stdout, progress on stderr."""

import contextlib
import dataclasses
import enum
import errno
import io
import json as json_text
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Console, RenderableType

from ._failures import OutputError, WorkError, one_line
from ._interrupts import last


def show(report: RenderableType) -> None:
    """Print tables on stdout, in colour if it is a terminal."""
    console = Console(file=sys.stdout, emoji=False, highlight=False, markup=False)
    with console.capture() as capture:
        console.print(report)
    text = capture.get()
    if not console.is_terminal:
        text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    write(text)


def hand_out(
    content: Mapping[str, Any], report: Callable[[], RenderableType], *, json: bool, failure: str | None = None
) -> None:
    """Print what came of a command, as a report for people or as JSON for programs.

    **Arguments:**

    - `content`: the JSON object.
    - `report`: makes the report where it is wanted.
    - `json`: whether JSON is wanted.
    - `failure`: what is wrong all the same. It ends the command by a `WorkError`, whose JSON has the content.
    """
    if not json:
        show(report())
    elif failure is None:
        show_json(content)
    if failure is not None:
        raise WorkError(failure, content)


def show_json(content: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout."""
    write(json_text.dumps(plain(content), indent=2, allow_nan=False) + "\n")


def write(text: str) -> None:
    """Put text on stdout; a reader that has seen enough is no error. Raises `OutputError` where it fails."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        failure = failure_of_stdout(error)
        if failure is not None:
            raise failure from None


def failure_of_stdout(error: OSError) -> OutputError | None:
    """Turn an error of stdout into the error of a command; None where the reader has gone away."""
    with contextlib.suppress(OSError, ValueError):
        # Python flushes stdout once more when it ends; that must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return None if error.errno == errno.EPIPE else OutputError((error.strerror or "cannot be written").lower())


class WatchedOutput:
    """A stdout that keeps the error by which it failed, for libraries print there too."""

    def __init__(self, stream: io.TextIOWrapper):
        self.stream = stream
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """See `io.TextIOWrapper`."""
        return self._watched(lambda: self.stream.write(text))

    def flush(self) -> None:
        """See `io.TextIOWrapper`."""
        return self._watched(self.stream.flush)

    def _watched(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except OSError as error:
            self.failure = error
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class ClosedOutput(io.TextIOBase):
    """Stand-in for a stdout that was closed before the program began, as by ``>&-``."""

    def write(self, _text: str, /) -> int:
        """Raise `OutputError`."""
        raise OutputError("is closed")


def warn(text: str) -> None:
    """Put a line on stderr about what may be wrong; the work goes on."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"j3o: warning: {one_line(text)}\n")


def plain(value: Any) -> Any:
    """Convert a value to what JSON has: records become objects, numbers that are not finite null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        properties = [name for name, member in vars(type(value)).items() if isinstance(member, property)]
        fields = [field.name for field in dataclasses.fields(value)]
        return {name: plain(getattr(value, name)) for name in fields + properties}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, enum.IntEnum):
        return value.name
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@contextlib.contextmanager
def progress(text: str) -> Iterator[Callable[[str], None]]:
    """Show what is going on, if somebody watches; yields a function that shows something else from then on."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with Console(stderr=True, emoji=False, markup=False).status(text) as status, last(status.stop):
        yield status.update


def tell(text: str) -> None:
    """Say what was done, if somebody watches."""
    if sys.stderr.isatty():
        sys.stderr.write(text + "\n")
