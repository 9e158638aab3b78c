"""The command line `j3o`: a file in, a plan out."""

from ._interrupts import end_at_once


def main() -> None:
    """Run the command line and leave with its exit code."""
    end_at_once()

    from ._app import start

    start()
