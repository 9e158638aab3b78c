"""The journal of a tuning: one line of JSON for every call that ended, and the specification that it belongs to."""

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any

from .. import __version__
from ..io import FileError, only_writer, write_file
from ._spec import TuneSpec

JOURNAL, SPECIFICATION, STUDY = "calls.jsonl", "spec.json", "optuna.jsonl"


@contextlib.contextmanager
def journal_of(folder: str | None, spec: TuneSpec) -> Iterator["Journal"]:
    """Context with the journal of a specification, in which no other process writes it.

    **Arguments:**

    - `folder`: it is there already; None for none.
    - `spec`: whose results they are.

    **Raises:** `FileError` where the folder holds those of another specification, where another process writes them,
    or where it cannot be read or written.
    """
    if folder is None:
        yield Journal(None)
        return
    _claim(folder, spec)
    with only_writer(folder, os.path.join(folder, SPECIFICATION), "another tuning"):
        for name in (JOURNAL, STUDY):
            _mend(os.path.join(folder, name))
        yield Journal(folder)


class Journal:
    """Results of the calls that ended, kept in a folder or, where that is None, in memory alone."""

    def __init__(self, folder: str | None):
        self._path = None if folder is None else os.path.join(folder, JOURNAL)
        self.study = None if folder is None else os.path.join(folder, STUDY)
        """Path of Optuna's own storage."""

    def read(self) -> list[dict[str, Any]]:
        """What each call that ended left."""
        if self._path is None:
            return []
        try:
            with open(self._path, encoding="utf-8") as file:
                return [found for line in file if (found := _line(line)) is not None]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise FileError(self._path, f"cannot be read ({error.strerror}): name another --out") from None

    def append(self, content: dict[str, Any]) -> None:
        """Add a line, and return when it is on the disk.

        **Raises:** `FileError`.
        """
        if self._path is None:
            return
        line = json.dumps(content, allow_nan=False).encode() + b"\n"
        try:
            with open(self._path, "ab", buffering=0) as file:
                if file.write(line) < len(line):
                    raise FileError(self._path, "cannot be written, the disk is full: make room and run it again")
                os.fsync(file.fileno())
        except OSError as error:
            raise FileError(self._path, f"cannot be written ({error.strerror}): make room and run it again") from None


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
    """Take away the half of a line with which a process that was killed has left a file."""
    with contextlib.suppress(FileNotFoundError), open(path, "r+b") as file:
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)


def _line(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
