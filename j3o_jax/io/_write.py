"""Writing so that a file is either the old one or the new one, whole."""

import contextlib
import os
import secrets
import stat
from collections.abc import Callable
from typing import BinaryIO

from ._errors import FileError

# Names of the files that are not whole yet begin and end so.
_BEFORE, _AFTER = ".j3o-", ".tmp"


def make_folder(path: str) -> None:
    """Make a folder unless it is there; raises `FileError`, where there is no directory to make it in among others."""
    if "\0" in path:
        raise FileError(path, "is not a path, it holds a zero byte: name a folder")
    parent = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(parent):
        raise FileError(path, f"cannot be made, there is no directory {parent}: make it first")
    if os.path.exists(path) and not os.path.isdir(path):
        raise FileError(path, "is not a directory: name a folder")
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise FileError(path, f"cannot be made ({error.strerror}): name another folder") from None


def check_destination(path: str) -> None:
    """Raise `FileError` if no file can be put at `path`; leaves nothing behind."""
    target, temporary = _target(path)
    try:
        try:
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        finally:
            _remove(temporary)
        with contextlib.suppress(FileNotFoundError):
            # A name can be too long, or not allowed here, where that of the temporary file is not.
            os.stat(target)
    except OSError as error:
        raise _refusal(path, target, error) from None


def write_file(path: str, write: Callable[[BinaryIO], object]) -> None:
    """Put what `write` produces at `path`, in one step; raises `FileError`.

    Until then an existing file stays as it is, and after a failure, an interrupt included, nothing else is left.
    """
    target, temporary = _target(path)
    try:
        try:
            with open(temporary, "xb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            if os.path.exists(target):
                os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
            os.replace(temporary, target)
        except BaseException:
            _remove(temporary)
            raise
    except OSError as error:
        raise _refusal(path, target, error) from None


def is_leftover(name: str) -> bool:
    """Whether a file of this name is what `write_file` leaves when its process is killed."""
    return name.startswith(_BEFORE) and name.endswith(_AFTER)


def _target(path: str) -> tuple[str, str]:
    """Find the file that `path` means, links followed, and a new name beside it."""
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        raise FileError(path, "is not a file: name a file")
    if os.path.exists(target) and not os.access(target, os.W_OK):
        raise FileError(path, "may not be written: give write permission or name another file")
    return target, os.path.join(os.path.dirname(target), f"{_BEFORE}{secrets.token_hex(8)}{_AFTER}")


def _remove(temporary: str) -> None:
    # Where it was never made, or cannot be removed, the first failure is the one to tell.
    with contextlib.suppress(OSError):
        os.unlink(temporary)


def _refusal(path: str, target: str, error: OSError) -> FileError:
    directory = os.path.dirname(target)
    if not os.path.isdir(directory):
        return FileError(path, f"cannot be written, there is no directory {directory}: make it first")
    if isinstance(error, PermissionError):
        return FileError(path, "cannot be written, the directory is read-only: name another directory")
    return FileError(path, f"cannot be written ({error.strerror}): name another file or make room")
