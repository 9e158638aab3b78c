"""Running a sweep: what is not done yet is solved, here or by workers, and put into the folder chunk by chunk."""

import concurrent.futures
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from typing import TYPE_CHECKING, Any, TypeAlias

from .. import __version__
from ._chunks import Chunk, chunks_of
from ._folder import Folder
from ._reading import read_sweep
from ._rows import Solved, solve_chunk
from ._spec import SweepSpec, read_sweep_spec, sweep_spec
from ._workers import LocalWorkers

if TYPE_CHECKING:
    import polars as pl

# Chunks that are with an executor at a time. Enough for a cluster; each is a few kilobytes, and so is its result.
_IN_FLIGHT = 256
# Workers that die again and again without a chunk in between will go on doing so.
_MOST_DEATHS = 3


class SweepError(RuntimeError):
    """A sweep that ended before all of it was done. What is done stays; the same call goes on from there."""


Progress: TypeAlias = Callable[[int, int, Chunk | None], object]
"""Is told how far a sweep is: scenarios done of all, each counted once for each method, and the chunk that was just
finished; called first with what was done before, and no chunk."""


def sweep(
    spec: SweepSpec | Mapping[str, Any] | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> "pl.LazyFrame":
    """Solve everything that a specification asks for, and keep a row for every scenario and method.

    Results go to `out` chunk by chunk, each in one step. Chunks that are there are not solved again: after Ctrl-C, a
    crash or a full disk the same call goes on, and ends with the same rows.

    **Arguments:**

    - `spec`: a `SweepSpec`, the path of its file, or the plain data that such a file holds.
    - `out`: folder of the results; made where it is not there.
    - `executor`: solves chunks: anything with the interface of `concurrent.futures.Executor`, such as Dask's
      ``client.get_executor()``. Only this process writes, so workers share no disk with it.
    - `workers`: processes on this machine instead; each has an accelerator of its own where there are any.
    - `progress`: see `Progress`.

    Without executor and workers, chunks are solved in this process; J3O and PriceDirected use all cores there.

    **Returns:** all rows, lazily; see `read_sweep`.

    **Raises:** `FileError` over `spec` and `out`, among others where `out` holds another sweep; `SweepError` where a
    chunk cannot be solved or workers keep dying, after everything else is done.
    """
    if executor is not None and workers is not None:
        raise ValueError("workers: give either workers or an executor, not both")
    wanted = _spec_of(spec)
    chunks = list(chunks_of(wanted, __version__))
    folder = Folder(os.fspath(out))
    folder.prepare(wanted, len(chunks))
    with folder.locked():
        done = folder.done()
        missing = [chunk for chunk in chunks if chunk.name not in done]
        total = sum(chunk.size for chunk in chunks)
        count = total - sum(chunk.size for chunk in missing)
        tell = progress or _tell_nobody
        tell(count, total, None)
        failures: list[str] = []
        for chunk, solved, error in _solved(missing, executor, workers):
            if solved is None:
                failures.append(f"chunk {chunk.name}: {error}")
                continue
            folder.put(solved)
            count += chunk.size
            tell(count, total, chunk)
    if failures:
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        raise SweepError(f"{len(failures)} of {len(chunks)} chunks could not be solved: {failures[0]}{more}")
    return read_sweep(out)


def _tell_nobody(done: int, total: int, chunk: Chunk | None) -> None:
    pass


def _spec_of(spec: SweepSpec | Mapping[str, Any] | str | os.PathLike[str]) -> SweepSpec:
    if isinstance(spec, SweepSpec):
        return spec
    if isinstance(spec, Mapping):
        from ..io.documents import DocumentError

        try:
            return sweep_spec(dict(spec))
        except DocumentError as error:
            raise error.at("spec", {}) from None
    return read_sweep_spec(spec)


_Outcome = tuple[Chunk, Solved | None, str]
_Submit = Callable[[Chunk], "Future[Solved]"]


def _solved(chunks: list[Chunk], executor: Executor | None, workers: int | None) -> Iterator[_Outcome]:
    """Every chunk with what came of it, in the order in which they end."""
    if executor is not None:
        yield from _by_executor(chunks, executor)
    elif workers is not None:
        with LocalWorkers(workers) as own:
            try:
                yield from _by_executor(chunks, own)
            finally:
                own.shutdown(wait=False, cancel_futures=True)
    else:
        for chunk in chunks:
            yield _outcome(chunk, lambda chunk=chunk: solve_chunk(chunk))


def _outcome(chunk: Chunk, result: Callable[[], Solved]) -> _Outcome:
    try:
        return chunk, result(), ""
    except BrokenExecutor:
        raise
    except Exception as error:
        # One chunk's trouble must not end the others.
        return chunk, None, " ".join(f"{type(error).__name__}: {error}".split())


def _by_executor(chunks: Iterable[Chunk], executor: Executor) -> Iterator[_Outcome]:
    waiting = list(reversed(list(chunks)))
    running: dict[Future[Solved], Chunk] = {}
    deaths = 0
    while waiting or running:
        try:
            while waiting and len(running) < _IN_FLIGHT:
                running[executor.submit(solve_chunk, waiting[-1])] = waiting[-1]
                waiting.pop()
            ended, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in ended:
                if future.cancelled():
                    raise CancelledError
                outcome = _outcome(running[future], future.result)
                del running[future]
                deaths = 0
                yield outcome
        except BrokenExecutor as error:
            deaths += 1
            restart = getattr(executor, "restart", None)
            if restart is None or deaths > _MOST_DEATHS:
                raise SweepError(
                    f"workers died ({' '.join(str(error).split())}): what is done is kept; where memory ran out, take "
                    "fewer workers or a smaller chunk, and run the same again"
                ) from None
            # What was with them is solved again.
            waiting += [chunk for future, chunk in running.items() if not _has_result(future)]
            kept = {future: chunk for future, chunk in running.items() if _has_result(future)}
            running = kept
            restart()
        except CancelledError:
            raise SweepError("the executor was shut down: what is done is kept, the same call goes on") from None


def _has_result(future: "Future[Solved]") -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
