"""What can be told of the files on a command line before anything is read, loaded or solved."""

import os
from collections.abc import Iterable

from ..io import check_destination, check_writable
from ..plots import check_suffix, require_matplotlib
from ._failures import InputError, WorkError
from ._interrupts import cleaning_up


def check_plan(path: str, file: str) -> None:
    """Make sure that a plan for `file` can be put at `path`."""
    with cleaning_up():
        check_writable(path, "plan")
    if os.path.exists(path) and os.path.samefile(file, path):
        raise InputError(f"--out {path}: is the file that is read: name another file")


def prepare_folder(out: str, paths: Iterable[str]) -> None:
    """Make the folder of --out, and make sure that everything can be put there before hours of work are done."""
    if "\0" in out:
        raise InputError("--out: is not a path, it holds a zero byte: name a folder")
    parent = os.path.dirname(os.path.abspath(out))
    if not os.path.isdir(parent):
        raise InputError(f"--out {out}: cannot be made, there is no directory {parent}: make it first")
    if os.path.exists(out) and not os.path.isdir(out):
        raise InputError(f"--out {out}: is not a directory: name a folder")
    try:
        os.makedirs(out, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {out}: cannot be made ({error.strerror}): name another folder") from None
    with cleaning_up():
        for path in paths:
            check_destination(path)


def check_picture(path: str) -> None:
    """Make sure that a picture can be put at `path`, and then that it can be drawn, which loads matplotlib."""
    try:
        check_suffix(path)
    except ValueError as error:
        raise InputError(f"--plot: {error}") from None
    with cleaning_up():
        check_destination(path)
    try:
        require_matplotlib()
    except ImportError as error:
        raise WorkError(f"--plot: {error}") from None
