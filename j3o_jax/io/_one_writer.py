"""One writer of a folder at a time."""

import contextlib
import errno
from collections.abc import Iterator
from typing import BinaryIO

from ._errors import FileError


@contextlib.contextmanager
def only_writer(folder: str, file: str, who: str) -> Iterator[None]:
    """Context in which no other process that asks first writes in a folder.

    The lock is the system's and goes with the process, however it ends. Windows and some file systems have none; there
    it is for the user to start one writer at a time.

    **Arguments:**

    - `folder`: that is written in.
    - `file`: path of a file in it that is there and stays.
    - `who`: what the other one is, such as ``another sweep``.

    **Raises:** `FileError` if another process writes there.
    """
    with open(file, "rb") as opened:
        if not _locked(opened):
            raise FileError(folder, f"is being written by {who}: wait for it, or end it")
        yield


def _locked(file: BinaryIO) -> bool:
    """Whether nobody else has the file's lock now."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES)
    return True
