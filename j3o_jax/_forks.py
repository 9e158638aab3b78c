"""Processes that were forked from one in which JAX had begun to work.

JAX computes with threads, and a forked process has none of them: what it computes there waits for ever.
"""

import os
import sys

# Whether this process was forked after JAX had begun: an entry if it was.
_forked: list[int] = []


class ForkError(RuntimeError):
    """Work for JAX in a process that was forked after JAX had begun; the message says what to do instead."""


def refuse_after_fork() -> None:
    """Raise `ForkError` where JAX would wait for ever."""
    if _forked:
        raise ForkError(
            "JAX cannot compute in a process that was forked after JAX had begun: start workers with the start method "
            "'spawn' or 'forkserver' (ProcessPoolExecutor(mp_context=multiprocessing.get_context('spawn'))), or fork "
            "before anything is solved; ExactMILP, BilinearMINLP and FullLocal work after a fork too"
        )


def _note_fork() -> None:
    # JAX has no public word for whether it has begun; where the private one is gone, to be loaded is to have begun.
    bridge = sys.modules.get("jax._src.xla_bridge")
    begun = getattr(bridge, "backends_are_initialized", lambda: True)
    if bridge is not None and begun():
        _forked.append(os.getpid())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)
