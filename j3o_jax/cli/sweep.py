"""`j3o sweep`: many scenarios by several methods."""

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Annotated, Any

import typer

import j3o_jax

from . import _options
from ._failures import InputError, WorkError
from ._interrupts import cleaning_up
from ._output import hand_out

_FEW = 40
"""Rows of the table that are shown; the folder has all of them."""


def sweep(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="What to solve (.yaml, .json); docs/sweeps.md.")],
    out: Annotated[str, typer.Option(metavar="DIR", help="Folder of the results.")],
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Solve in N processes, each with a GPU if there are any.")
    ] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Solve on a Dask cluster: the address of its scheduler.")
    ] = None,
    json: _options.Json = False,
) -> None:
    """Solve a whole family of scenarios, and keep a table of every result.

    What is done stays done: the same command goes on where it was stopped, by Ctrl-C or otherwise.
    """
    if workers is not None and dask is not None:
        raise InputError("--workers: --dask has workers of its own: leave one of them out")
    _options.require_libraries("sweep", "polars")

    from ..report.sweep import SweepReport
    from ..report.wording import count
    from ._plans import keep_compiled

    with cleaning_up():
        wanted = j3o_jax.sweeps.read_sweep_spec(spec)
    keep_compiled()
    broken = None
    with _executor(dask) as executor:
        try:
            _run(wanted, out, executor, workers)
        except j3o_jax.sweeps.SweepError as error:
            broken = str(error)
    with cleaning_up():
        content = _content(out)
    if broken is not None:
        raise WorkError(f"{out}: {broken}", content)
    without, failure = sum(row["failures"] for row in content["results"]), None
    if without:
        rows = count(content["rows"], "row")
        failure = f"{out}: {without:,} of {rows} are without a plan; column `reason` says why"
    hand_out(content, lambda: SweepReport(content, _FEW), json=json, failure=failure)


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


def _run(spec: "j3o_jax.sweeps.SweepSpec", out: str, executor: Executor | None, workers: int | None) -> None:
    from ..io import FileError
    from ._progress import progress

    total = spec.scenarios * len(spec.methods)

    def count_done() -> int:
        try:
            return int(j3o_jax.sweeps.read_chunks(out)["rows"].sum())
        except FileError:
            return 0

    with progress(spec.name or "sweep", total, 0, "scenario", count_done) as advance:
        last = 0

        def tell(done: int, _total: int, chunk: Any) -> None:
            nonlocal last
            advance("" if chunk is None else chunk.method.label, done - last)
            last = done

        j3o_jax.sweeps.sweep(spec, out, executor=executor, workers=workers, progress=tell)


def _content(out: str) -> dict[str, Any]:
    """Collect the results that are in the folder so far, as JSON has them."""
    manifest = j3o_jax.sweeps.read_manifest(out)
    chunks = j3o_jax.sweeps.read_chunks(out)
    results = j3o_jax.sweeps.summarize_sweep(out).to_dicts() if chunks.height else []
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


def _rates(manifest: "j3o_jax.sweeps.Manifest", chunks: Any) -> list[dict[str, Any]]:
    """Scenarios per second of solving by each method, compilation apart."""
    found = []
    for label in manifest.methods:
        own = chunks.filter(chunks["method"] == label)
        rows, seconds = int(own["rows"].sum()), float(own["seconds"].sum())
        rate = rows / seconds if seconds > 0.0 else None
        found.append({"method": label, "rows": rows, "scenarios_per_second": rate})
    return found
