"""The log of a tuning: a line for every call that ended, and the specification that it belongs to."""

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any

from ... import __version__
from ...io import FileError, only_writer, write_file
from .._json_lines import JsonLines
from ._spec import TuneSpec

CALLS, SPECIFICATION, STUDY = "calls.jsonl", "spec.json", "optuna.jsonl"


@contextlib.contextmanager
def call_log_of(folder: str | None, spec: TuneSpec) -> Iterator["CallLog"]:
    """Context with the log of a specification, in which no other process writes it.

    **Arguments:**

    - `folder`: it is there already; None for none.
    - `spec`: whose results they are.

    **Raises:** `FileError` where the folder holds those of another specification, where another process writes them,
    or where it cannot be read or written.
    """
    if folder is None:
        yield CallLog(None)
        return
    _claim(folder, spec)
    with only_writer(folder, os.path.join(folder, SPECIFICATION), "another tuning"):
        _mend(os.path.join(folder, STUDY))
        yield CallLog(folder)


class CallLog:
    """Results of the calls that ended, kept in a folder or, where that is None, not at all."""

    def __init__(self, folder: str | None):
        self._lines = None if folder is None else JsonLines(os.path.join(folder, CALLS))
        self.study = None if folder is None else os.path.join(folder, STUDY)
        """Path of Optuna's own storage."""

    def read(self) -> list[dict[str, Any]]:
        """Read what each call that ended left."""
        return [] if self._lines is None else self._lines.entries(_entry)

    def append(self, entry: dict[str, Any]) -> None:
        """Add what a call left; raises `FileError`."""
        if self._lines is not None:
            self._lines.add_line(json.dumps(entry, allow_nan=False))


def _claim(folder: str, spec: TuneSpec) -> None:
    """Make sure that a folder belongs to a specification, or to none yet."""
    path = os.path.join(folder, SPECIFICATION)
    identity = {"version": __version__, "digest": spec.digest}
    try:
        with open(path, encoding="utf-8") as file:
            held = json.load(file)
    except FileNotFoundError:
        text = json.dumps({**identity, "specification": spec.plain()}, indent=2, allow_nan=False) + "\n"
        write_file(path, lambda file: file.write(text.encode()))
        return
    except (OSError, ValueError) as error:
        raise FileError(path, f"cannot be read ({error}): name another --out") from None
    if not isinstance(held, dict) or any(held.get(key) != value for key, value in identity.items()):
        raise FileError(path, "is of another tuning, or of another version of j3o: name another --out")


def _mend(path: str) -> None:
    """Take away the half of a line with which a process that was killed has left Optuna's storage."""
    with contextlib.suppress(FileNotFoundError), open(path, "r+b") as file:
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
