"""Reading a sweep back, as tables of a library that is made for them."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..io import FileError
from ._manifest import METADATA, ROWS, read_manifest

if TYPE_CHECKING:
    import polars as pl

_CHUNK_COLUMNS = ("chunk", "method", "rows", "seconds", "compile_seconds", "finished", "processor", "device")


def read_sweep(folder: str | os.PathLike[str]) -> "pl.LazyFrame":
    """All rows of a sweep that are there, in no particular order; nothing is read before it is asked for.

    A row is a scenario solved by a method: `method`, `point` (of the grid), `seed`; the parameters that the sweep
    varies; `objective` F, `bound`, `gap`, null where there are none; `status` by name, `iterations`; `local`, `edge`,
    `cloud`, `unserved`, the parts of all queries; `reason`, why there is no plan.

    **Raises:** `FileError` where the folder holds no sweep, or none of its chunks is done.
    """
    import polars as pl

    manifest = read_manifest(folder)
    files = _files(folder)
    if not files:
        raise FileError(os.fspath(folder), f"has no rows yet, none of {manifest.chunks} chunks is done: run the sweep")
    return pl.scan_parquet(files)


def read_chunks(folder: str | os.PathLike[str]) -> "pl.DataFrame":
    """Return a row for every chunk that is done: file, method, rows, seconds, when it was finished and on what.

    **Raises:** `FileError`, as `read_sweep`, and where a file is no Parquet file of a sweep.
    """
    import polars as pl

    read_manifest(folder)
    rows = [_chunk_row(path) for path in _files(folder)]
    numbers = {"rows": pl.Int64(), "seconds": pl.Float64(), "compile_seconds": pl.Float64()}
    return pl.DataFrame(rows, schema={name: numbers.get(name, pl.String()) for name in _CHUNK_COLUMNS})


def _files(folder: str | os.PathLike[str]) -> list[str]:
    return sorted(str(path) for path in Path(folder, ROWS).glob("*.parquet"))


def _chunk_row(path: str) -> dict[str, Any]:
    import polars as pl

    try:
        figures = json.loads(pl.read_parquet_metadata(path)[METADATA])
        machine = figures.pop("machine")
    except (pl.exceptions.PolarsError, KeyError, ValueError, OSError):
        raise FileError(path, "is no finished chunk, or damaged: delete it and run the sweep again") from None
    known = figures | machine | {"chunk": os.path.basename(path)}
    return {name: known.get(name) for name in _CHUNK_COLUMNS}
