"""The command line `j3o`: a file in, a plan out."""

import os

from ._interrupts import end_at_once


def main() -> None:
    """Run the command line and leave with its exit code."""
    _occupy_standard_streams()
    end_at_once()

    from ._app import start

    start()


def _occupy_standard_streams() -> None:
    """Put nothing where a standard stream was closed, so that no file that is opened later is taken for one."""
    number = os.open(os.devnull, os.O_RDWR)
    while number <= 2:
        number = os.open(os.devnull, os.O_RDWR)
    os.close(number)
