"""Measured latencies as a CSV file: one row for each batch that was timed."""

import csv
import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ..io import FileError
from ..io.tables import SECONDS, UNIT_WORDS, Table, open_table, read_table, require_known

COLUMNS = _SIZE, _LATENCY, _MODEL = "batch_size", "latency_s", "model"
# Seconds for each query of a batch that no device at an edge takes, and that it may well take.
_IMPLAUSIBLE, _USUAL = 60.0, 1.0


@dataclasses.dataclass(frozen=True, eq=False)
class LatencyRows:
    """Measured latencies of one model.

    **Arguments:**

    - `batch_size`: queries in each batch. ``[n]``
    - `latency`: seconds that it took. ``[n]``
    """

    batch_size: Float[np.ndarray, " n"]
    latency: Float[np.ndarray, " n"]


def read_latency_rows(
    path: str | Path, *, columns: Mapping[str, str] | None = None, time_unit: str | None = None
) -> dict[str, LatencyRows]:
    """Measurements by model, in the order in which the file has them.

    The first line names the columns, in any order: `batch_size`, `latency_s` (seconds), and where there are several
    models `model`; others are left alone. Without a column `model` all rows belong to the model "". Commas, semicolons
    or tabs between cells, decimal commas and gzip are recognised.

    **Arguments:**

    - `columns`: names of the file's columns that are others: ``{"latency_s": "time"}``.
    - `time_unit`: of the latencies, ``"s"``, ``"ms"``, ``"us"`` or ``"ns"``. Without it they are seconds, and refused
      where a query would take more than a minute.

    **Raises:** `FileError` that names line and column, for a file that cannot be read, a column that is missing, a cell
    that is no finite number above 0, latencies that look like another unit's, and a file without rows.
    """
    require_known(COLUMNS, columns, time_unit)
    name = str(path)
    sizes: dict[str, list[float]] = {}
    times: dict[str, list[float]] = {}
    try:
        with open_table(path) as file:
            for line, model, size, seconds in _cells(name, file, columns):
                queries = _number(name, line, _SIZE, size, 1.0)
                latency = _number(name, line, _LATENCY, seconds, 0.0)
                if time_unit is None and latency / queries > _IMPLAUSIBLE:
                    raise FileError(name, _slip(latency, queries), line, _LATENCY)
                sizes.setdefault(model, []).append(queries)
                times.setdefault(model, []).append(latency * SECONDS[time_unit or "s"])
    except OSError as error:
        raise FileError(name, f"cannot be read ({error.strerror}): name a CSV file") from None
    except UnicodeDecodeError:
        raise FileError(name, "is not UTF-8 text: name a CSV file") from None
    except csv.Error as error:
        raise FileError(name, f"is not a CSV file ({error}): name one") from None
    if not sizes:
        raise FileError(name, f"has no rows: write one for each batch that was timed, under {_SIZE},{_LATENCY}")
    return {model: LatencyRows(np.array(sizes[model]), np.array(times[model])) for model in sizes}


def likely_unit(seconds: float) -> str:
    """Guess the unit of a number of "seconds" for one query: the largest that makes it a usual time."""
    return next((unit for unit, scale in SECONDS.items() if seconds * scale <= _USUAL), "ns")


def _slip(latency: float, queries: float) -> str:
    unit = likely_unit(latency / queries)
    batch = "one query" if queries == 1.0 else f"a batch of {queries:g}"
    return (
        f"= {latency:g}: {latency:,.0f} s for {batch}, is it in {UNIT_WORDS[unit]}? Write seconds, or give "
        f"the unit of the column (--time-unit {unit}, time_unit='{unit}')"
    )


def _cells(path: str, lines: Iterable[str], columns: Mapping[str, str] | None) -> Iterator[tuple[int, str, str, str]]:
    """Line number, model, size and latency of each row, as they are written."""
    table: Table = read_table(lines, COLUMNS, columns)
    for needed in (_SIZE, _LATENCY):
        if table.header.count(needed) != 1:
            theirs = (columns or {}).get(needed, needed)
            fault = "is not among the columns" if needed not in table.header else "is there twice"
            remedy = f"the first line must name {_SIZE},{_LATENCY} and may name {_MODEL}, or say which column it is"
            raise FileError(path, f"{fault}: {remedy}, {needed}=NAME", 1, theirs)
    for row in table.rows:
        if not any(cell.strip() for cell in row):
            continue
        line = table.rows.line_num
        if len(row) != len(table.header):
            raise FileError(path, f"has {len(row)} cells: write {len(table.header)}, as the first line has", line)
        named = dict(zip(table.header, row, strict=True))
        yield line, named.get(_MODEL, "").strip(), table.number(named[_SIZE]), table.number(named[_LATENCY])


def _number(path: str, line: int, column: str, cell: str, least: float) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0.0 and value >= least):
        wanted = f"a number from {least:g} on" if least else "a number of seconds above 0"
        raise FileError(path, f"= {cell.strip()!r}: write {wanted}", line, column)
    return value
