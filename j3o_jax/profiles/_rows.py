"""Measured latencies as a CSV file: one row for each batch that was timed."""

import csv
import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ..io import FileError

_SIZE, _LATENCY, _MODEL = "batch_size", "latency_s", "model"


@dataclasses.dataclass(frozen=True, eq=False)
class LatencyRows:
    """What was measured of one model.

    **Arguments:**

    - `batch_size`: queries in each batch. ``[n]``
    - `latency`: seconds that it took. ``[n]``
    """

    batch_size: Float[np.ndarray, " n"]
    latency: Float[np.ndarray, " n"]


def read_latency_rows(path: str | Path) -> dict[str, LatencyRows]:
    """Measurements by model, in the order in which the file has them.

    The first line names the columns, in any order: `batch_size`, `latency_s` (seconds), and where there are several
    models `model`; others are left alone. Without a column `model` all rows belong to the model "".

    **Raises:** `FileError` that names line and column, for a file that cannot be read, a column that is missing, a cell
    that is no finite number above 0, and a file without rows.
    """
    name = str(path)
    sizes: dict[str, list[float]] = {}
    times: dict[str, list[float]] = {}
    try:
        # Excel marks its UTF-8 files with a byte order mark.
        with open(path, encoding="utf-8-sig", newline="") as file:
            for line, model, size, seconds in _cells(name, file):
                sizes.setdefault(model, []).append(_number(name, line, _SIZE, size, 1.0))
                times.setdefault(model, []).append(_number(name, line, _LATENCY, seconds, 0.0))
    except OSError as error:
        raise FileError(name, f"cannot be read ({error.strerror}): name a CSV file") from None
    except UnicodeDecodeError:
        raise FileError(name, "is not UTF-8 text: name a CSV file") from None
    except csv.Error as error:
        raise FileError(name, f"is not a CSV file ({error}): name one") from None
    if not sizes:
        raise FileError(name, f"has no rows: write one for each batch that was timed, under {_SIZE},{_LATENCY}")
    return {model: LatencyRows(np.array(sizes[model]), np.array(times[model])) for model in sizes}


def _cells(path: str, lines: Iterator[str]) -> Iterator[tuple[int, str, str, str]]:
    """Line number, model, size and latency of each row, as they are written."""
    reader = csv.reader(lines, strict=True)
    columns = [cell.strip() for cell in next(reader, [])]
    for needed in (_SIZE, _LATENCY):
        if columns.count(needed) != 1:
            fault = "is not among the columns" if needed not in columns else "is there twice"
            raise FileError(
                path, f"{fault}: the first line must name {_SIZE},{_LATENCY} and may name {_MODEL}", 1, needed
            )
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(columns):
            raise FileError(path, f"has {len(row)} cells: write {len(columns)}, as the first line has", reader.line_num)
        named = dict(zip(columns, row, strict=True))
        yield reader.line_num, named.get(_MODEL, "").strip(), named[_SIZE], named[_LATENCY]


def _number(path: str, line: int, column: str, cell: str, least: float) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0.0 and value >= least):
        wanted = f"a number from {least:g} on" if least else "a number of seconds above 0"
        raise FileError(path, f"= {cell.strip()!r}: write {wanted}", line, column)
    return value
