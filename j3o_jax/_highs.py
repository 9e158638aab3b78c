"""HiGHS without its banner."""

import functools
import os
import sys


@functools.cache
def silence_banner() -> None:
    """Let HiGHS print its banner where nobody reads it.

    Since 1.16, the first `highspy.Highs` of a process writes a banner to the C standard output before any option
    can be set, which would spoil a program whose output is parsed. Call this before HiGHS is used.
    """
    import highspy

    sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # no standard output: nothing to protect
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        highspy.Highs()
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
