"""What the commands print: tables for people or one JSON object on stdout, progress on stderr."""

import contextlib
import dataclasses
import enum
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Console, RenderableType

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


def show_json(content: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout."""
    write(json.dumps(plain(content), indent=2, allow_nan=False) + "\n")


def write(text: str) -> None:
    """Put text on stdout; a reader that has seen enough is no error."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody listens any more. Python flushes stdout once more when it ends; that must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def plain(value: Any) -> Any:
    """What JSON knows of a value: records become objects, and numbers that are not finite become null."""
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
