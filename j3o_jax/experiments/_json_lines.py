"""A file with a line of JSON for each thing that ended, whatever happens to the program afterwards."""

import errno
import os
from collections.abc import Callable
from typing import TypeVar

from ..io import FileError

EntryT = TypeVar("EntryT")

_FULL = "make room and run it again"


class JsonLines:
    """The lines of a file, to which processes may add at the same time.

    **Arguments:**

    - `path`: the file; it need not be there yet.
    """

    def __init__(self, path: str):
        self.path = path
        self.unreadable = 0
        """How many lines the last reading could not make sense of, a torn last one included."""

    def entries(self, parse: Callable[[bytes], EntryT | None]) -> list[EntryT]:
        """Parse each whole line, in their order; None is a line that `parse` cannot read.

        **Raises:** `FileError` where the file cannot be read at all.
        """
        try:
            with open(self.path, "rb") as file:
                *lines, torn = file.read().split(b"\n")
        except FileNotFoundError:
            lines, torn = [], b""
        except OSError as error:
            raise FileError(self.path, f"cannot be read ({error.strerror}): name another --out") from None
        lines = [line for line in lines if line.strip()]
        found = [entry for line in lines if (entry := parse(line)) is not None]
        # What the last line break does not end was cut off by the end of a process.
        self.unreadable = len(lines) - len(found) + bool(torn)
        return found

    def add_line(self, text: str) -> None:
        """Add a line, and return when it is on the disk.

        It goes out in a single write to the end of the file, so that lines of several processes stay whole.

        **Raises:** `FileError` where it cannot be written.
        """
        line = text.encode() + b"\n"
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            try:
                size = os.fstat(descriptor).st_size
                if size and os.pread(descriptor, 1, size - 1) != b"\n":
                    # The line that was cut off is ended, so that this one is a line of its own. Where another process
                    # is just writing it, that makes an empty line, which does no harm.
                    line = b"\n" + line
                if os.write(descriptor, line) < len(line):
                    raise FileError(self.path, f"cannot be written, the disk is full: {_FULL}")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            remedy = _FULL if error.errno == errno.ENOSPC else "name another --out"
            raise FileError(self.path, f"cannot be written ({error.strerror}): {remedy}") from None
