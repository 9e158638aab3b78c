"""What can be told of the files on a command line before anything is read, loaded or solved."""

import os

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
