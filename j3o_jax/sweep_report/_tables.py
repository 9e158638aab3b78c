"""The tables of a report, as text and what each column is sorted by."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from .._status import SUCCESS_NAMES, Status
from ..plots.style import short
from ..report.wording import (
    NOTHING,
    decimals_of,
    fixed,
    gap_words,
    long_duration,
    part_of,
    printable,
    rounded_number,
    with_spread,
)
from ._axes import named
from ._pictures import look_of
from ._statistics import Statistics

MOST_POINTS = 300
Row = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Cell:
    """Cell of a table: its text, what it is sorted by, and its style: "" or the name of a class of the page."""

    text: str
    order: float | str
    look: str = ""


@dataclasses.dataclass(frozen=True)
class Table:
    """A table.

    **Arguments:**

    - `columns`: their titles, with an explanation each.
    - `rows`: of cells.
    - `names`: how many columns, from the first, name a row.
    - `texts`: how many, from the first, are no figures.
    - `looks`: numbers of the looks of the methods that the rows are about, for a sample beside each; else empty.
    - `left_out`: how many rows are not in it.
    """

    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Cell]]
    names: int
    texts: int
    looks: Sequence[int] = ()
    left_out: int = 0


def overview(statistics: Statistics) -> Table:
    """Make a row for each method over all points."""
    columns = _columns(statistics, statistics.by_method)
    rows = [[_method(row), *(cell(row) for *_, cell in columns)] for row in statistics.by_method.to_dicts()]
    return Table([("method", ""), *(column[:2] for column in columns)], rows, 1, 1, _looks(statistics, rows))


def points(statistics: Statistics) -> Table:
    """Make a row for each point and method, the first `MOST_POINTS` of them."""
    grid, frame = statistics.manifest.grid, statistics.by_point.head(MOST_POINTS)
    columns = _columns(statistics, statistics.by_point)
    rows = [
        [*(_cell(named(row[name]), row[name]) for name in grid), _method(row), *(cell(row) for *_, cell in columns)]
        for row in frame.to_dicts()
    ]
    titles = [*((name, "") for name in grid), ("method", ""), *(column[:2] for column in columns)]
    return Table(titles, rows, len(grid) + 1, len(grid) + 1, (), statistics.by_point.height - frame.height)


def outcomes(statistics: Statistics) -> Table:
    """Count rows by method and status."""
    seen = set(statistics.statuses["status"])
    known = {status.name: status for status in Status if status.name in seen}
    names = [*known, *sorted(seen - set(known))]
    rows = []
    for method in statistics.methods:
        own = statistics.statuses.filter(pl.col("method") == method)
        counts = dict(zip(own["status"], own["count"], strict=True))
        cells = [_method({"method": method})]
        for name in names:
            number = counts.get(name, 0)
            failed = number and name not in SUCCESS_NAMES
            text = f"{number:,} ({part_of(number, sum(counts.values()))})" if number else NOTHING
            cells.append(Cell(text, float(number), "bad" if failed else ""))
        rows.append(cells)
    titles = [(name.replace("_", " "), known[name].message) if name in known else (name, "") for name in names]
    return Table([("method", ""), *titles], rows, 1, 1, _looks(statistics, rows))


def reasons(statistics: Statistics) -> Table:
    """Count the most frequent reasons of rows without a plan."""
    rows = [
        [
            Cell(printable(row["reason"]) or "no reason given", row["reason"], "long"),
            Cell(row["status"].replace("_", " "), row["status"]),
            _method(row),
            _count(row["count"]),
        ]
        for row in statistics.reasons.to_dicts()
    ]
    return Table([("reason", ""), ("status", ""), ("method", ""), ("rows", "")], rows, 1, 3)


def speeds(statistics: Statistics) -> Table:
    """Make a row for each method and machine: the time that it took."""
    rows = []
    for row in statistics.rates.to_dicts():
        seconds, compiling = row["seconds"], row["compile_seconds"]
        rate = row["rows"] / seconds if seconds > 0.0 else None
        rows.append(
            [
                _method(row),
                Cell(printable(f"{row['device']}, {row['processor']}"), row["device"], "long"),
                _cell(NOTHING if rate is None else rounded_number(rate, 3), rate),
                _count(row["rows"]),
                Cell(long_duration(seconds), seconds),
                Cell(long_duration(compiling) if compiling else NOTHING, compiling),
                _count(row["chunks"]),
            ]
        )
    titles = [("method", ""), ("machine", ""), ("scenarios/s", "Rows divided by the seconds of solving")]
    titles += [("rows", ""), ("solving", ""), ("compiling", "Once for each shape and process"), ("chunks", "")]
    return Table(titles, rows, 1, 2, _looks(statistics, rows))


def _columns(statistics: Statistics, frame: pl.DataFrame) -> list[tuple[str, str, Callable[[Row], Cell]]]:
    """Title, explanation and cells of the columns that tell the figures of a method."""

    def figure(name: str, write: Callable[[Any], str]) -> Callable[[Row], Cell]:
        return lambda row: _cell(write(row[name]), row[name])

    def mean(row: Row) -> Cell:
        return _cell(with_spread(row["mean"], row["half_width"]), row["mean"])

    def loss(row: Row) -> Cell:
        value = None if row["mean"] is None else 1.0 - row["mean"]
        return _cell(fixed(value, decimals_of(row["half_width"])), value)

    def gain(row: Row) -> Cell:
        words = with_spread(row["gain"], row["gain_half_width"], signed=True)
        return _cell("reference" if row["method"] == statistics.reference else words, row["gain"])

    def bounded(row: Row) -> Cell:
        return _cell(part_of(row["proven"], row["planned"]), row["proven"] / row["planned"] if row["planned"] else None)

    def plans(row: Row) -> Cell:
        of_all = "" if row["planned"] == row["total"] else f" of {row['total']:,}"
        return Cell(f"{row['planned']:,}{of_all}", float(row["planned"]))

    interval = "with its 95 % confidence interval"
    columns = [("mean objective", f"Average accuracy of the scenarios that have a plan, {interval}", mean)]
    columns.append(("loss", "1 − mean objective", loss))
    if statistics.reference is not None:
        title = f"difference from {short(statistics.reference, 24)}"
        columns.append((title, f"Mean of the differences on the same scenarios, {interval}", gain))
    quantiles = (("5 %", "q05"), ("median", "q50"), ("95 %", "q95"))
    columns += [(title, "Quantile of the objective", figure(name, fixed)) for title, name in quantiles]
    if frame["proven"].sum():
        distance = "Distance from the optimum by the bound, relative; that of an exact method is its solver's word"
        columns += [
            ("mean gap", distance, figure("gap_mean", gap_words)),
            ("median gap", "", figure("gap50", gap_words)),
            ("largest gap", "", figure("gap_max", gap_words)),
            ("bounded", "Share of the plans that have a bound, proven or by a solver's word", bounded),
        ]
    explained = "Scenarios that have a plan, of those that were solved; the others count in no mean"
    return [*columns, ("plans", explained, plans)]


def _cell(text: str, value: Any) -> Cell:
    return Cell(text, float(value) if value is not None and math.isfinite(value) else "")


def _count(number: int) -> Cell:
    return Cell(f"{number:,}", float(number))


def _method(row: Row) -> Cell:
    return Cell(printable(row["method"]), row["method"], "long")


def _looks(statistics: Statistics, rows: Sequence[Sequence[Cell]]) -> list[int]:
    return [look_of(statistics, str(cells[0].order)) for cells in rows]
