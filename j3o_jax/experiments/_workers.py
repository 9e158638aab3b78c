"""Processes of this machine as workers, which are started again where they die; each with an accelerator of its own."""

import concurrent.futures
import multiprocessing
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

_VISIBLE = "CUDA_VISIBLE_DEVICES"


class LocalWorkers(concurrent.futures.Executor):
    """An executor of processes on this machine.

    Where there are accelerators, each process sees one of them, in turn. `restart` gets new processes in place of dead
    ones, after which what was submitted has to be submitted again.

    **Arguments:**

    - `count`: how many.
    """

    def __init__(self, count: int):
        if count < 1:
            raise ValueError(f"workers: must be at least 1, got {count}")
        self.count = count
        self._pool = self._start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `concurrent.futures.Executor`."""
        return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor`."""
        self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def restart(self) -> None:
        """Start new processes in place of the old ones, of which at least one is dead."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._start()

    def _start(self) -> ProcessPoolExecutor:
        # JAX has threads, which a forked process would not have.
        context = multiprocessing.get_context("spawn")
        turns = context.Queue()
        devices = accelerators()
        for index in range(self.count):
            turns.put(devices[index % len(devices)] if devices else None)
        return ProcessPoolExecutor(self.count, context, initializer=begin_worker, initargs=(turns,))


def begin_worker(turns: Any) -> None:
    """First act of a worker's process: take the next accelerator, before JAX looks for one."""
    # Ctrl-C is the business of the process that has the folder.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    device = turns.get()
    if device is not None:
        os.environ[_VISIBLE] = device


def _end_with_parent() -> None:
    # A worker holds both ends of its queue, and would wait for ever for a parent that was killed.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def accelerators() -> list[str]:
    """Return what `CUDA_VISIBLE_DEVICES` calls the accelerators that this process may use; asks the driver, not JAX."""
    if _VISIBLE in os.environ:
        return [name for name in os.environ[_VISIBLE].split(",") if name.strip()]
    try:
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(index) for index, line in enumerate(listed.stdout.splitlines()) if line.startswith("GPU ")]
