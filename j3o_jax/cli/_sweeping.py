"""The work of `j3o sweep`."""

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any

from ..io import FileError
from ..report.wording import count
from ..sweeps import (
    Manifest,
    SweepError,
    SweepSpec,
    read_chunks,
    read_manifest,
    read_sweep_spec,
    summarize_sweep,
)
from ..sweeps import sweep as run_sweep
from ._failures import InputError, WorkError
from ._interrupts import cleaning_up
from ._output import plain, show, show_json
from ._plans import keep_compiled
from ._progress import progress

_FEW = 40
"""Rows of the table that are shown; the folder has all of them."""


def sweep_file(spec: str, out: str, *, workers: int | None, dask: str | None, json: bool) -> None:
    """Solve what a file asks for into the folder `out`, and say in a table what came of it."""
    _require_polars()
    with cleaning_up():
        wanted = read_sweep_spec(spec)
    keep_compiled()
    failure = None
    with _executor(dask) as executor:
        try:
            _run(wanted, out, executor, workers)
        except SweepError as error:
            failure = str(error)
    with cleaning_up():
        content = _content(out)
    if failure is not None:
        raise WorkError(f"{out}: {failure}", plain(content))
    without = sum(row["failures"] for row in content["results"])
    if json:
        show_json(content)
    else:
        from ..report.sweep import SweepReport

        show(SweepReport(content, _FEW))
    if without:
        rows = count(content["rows"], "row")
        raise WorkError(f"{out}: {without:,} of {rows} are without a plan; column `reason` says why", {})


def _require_polars() -> None:
    try:
        import polars as pl  # noqa: F401 — is it there?
    except ImportError:
        raise WorkError("sweep needs polars: pip install 'j3o-jax[experiments]'") from None


@contextlib.contextmanager
def _executor(address: str | None) -> Iterator[Executor | None]:
    if address is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise WorkError("--dask needs Dask: pip install 'j3o-jax[cluster]'") from None
    try:
        client = Client(address, timeout="20s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(f"--dask {address}: cannot be reached ({error}): name the scheduler's address") from None
    with client:
        yield client.get_executor()


def _run(spec: SweepSpec, out: str, executor: Executor | None, workers: int | None) -> None:
    total = spec.scenarios * len(spec.methods)

    def count_done() -> int:
        try:
            return int(read_chunks(out)["rows"].sum())
        except FileError:
            return 0

    with progress(spec.name or "sweep", total, 0, "scenario", count_done) as advance:
        last = 0

        def tell(done: int, _total: int, chunk: Any) -> None:
            nonlocal last
            advance("" if chunk is None else chunk.method.label, done - last)
            last = done

        run_sweep(spec, out, executor=executor, workers=workers, progress=tell)


def _content(out: str) -> dict[str, Any]:
    """What is in the folder, as far as it is done."""
    manifest = read_manifest(out)
    chunks = read_chunks(out)
    results = summarize_sweep(out).to_dicts() if chunks.height else []
    return {
        "name": manifest.name,
        "folder": out,
        "rows": int(chunks["rows"].sum()),
        "of_rows": manifest.rows,
        "chunks": chunks.height,
        "of_chunks": manifest.chunks,
        "methods": _rates(manifest, chunks),
        "grid": manifest.grid,
        "results": results,
        "files": {"manifest": os.path.join(out, "manifest.json"), "rows": os.path.join(out, "rows", "*.parquet")},
    }


def _rates(manifest: Manifest, chunks: Any) -> list[dict[str, Any]]:
    """Scenarios per second of solving by each method, compilation apart."""
    found = []
    for label in manifest.methods:
        own = chunks.filter(chunks["method"] == label)
        rows, seconds = int(own["rows"].sum()), float(own["seconds"].sum())
        rate = rows / seconds if seconds > 0.0 else None
        found.append({"method": label, "rows": rows, "scenarios_per_second": rate})
    return found
