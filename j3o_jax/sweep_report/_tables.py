"""The tables of a report, as text and what each column is sorted by."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from .._status import SUCCESS_NAMES, Status
from ..report.wording import printable
from . import _wording as words
from ._axes import named
from ._pictures import look_of
from ._statistics import Statistics

MOST_POINTS = 300
Row = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Cell:
    """What stands in a cell, what it is sorted by, and how it looks: "" or the name of a class of the page."""

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


@dataclasses.dataclass(frozen=True)
class _Column:
    title: str
    help: str
    value: Callable[[Row], Any]
    write: Callable[[Row], str]

    def cell(self, row: Row) -> Cell:
        """The cell of a row."""
        value = self.value(row)
        return Cell(self.write(row), float(value) if words.known(value) else "")


def _figure(title: str, explained: str, name: str, write: Callable[[Any], str]) -> _Column:
    return _Column(title, explained, lambda row: row[name], lambda row: write(row[name]))


def overview(statistics: Statistics) -> Table:
    """A row for each method over all points."""
    columns = _columns(statistics, statistics.by_method)
    rows = [[_method(row), *(column.cell(row) for column in columns)] for row in statistics.by_method.to_dicts()]
    looks = [look_of(statistics, method) for method in statistics.by_method["method"]]
    return Table([("method", ""), *((c.title, c.help) for c in columns)], rows, 1, 1, looks)


def points(statistics: Statistics, most: int = MOST_POINTS) -> Table:
    """A row for each point and method, the first `most` of them."""
    grid = statistics.manifest.grid
    frame = statistics.by_point.head(most)
    columns = _columns(statistics, statistics.by_point)
    rows = [
        [*(Cell(named(row[name]), _order(row[name])) for name in grid), _method(row), *(c.cell(row) for c in columns)]
        for row in frame.to_dicts()
    ]
    titles = [*((name, "") for name in grid), ("method", ""), *((c.title, c.help) for c in columns)]
    return Table(titles, rows, len(grid) + 1, len(grid) + 1, (), statistics.by_point.height - frame.height)


def outcomes(statistics: Statistics) -> Table:
    """How many rows of each method ended with which status."""
    seen = set(statistics.statuses["status"])
    ordered = [status for status in Status if status.name in seen]
    strange = sorted(seen - {status.name for status in ordered})
    rows = []
    for method in statistics.methods:
        own = statistics.statuses.filter(pl.col("method") == method)
        counts = dict(zip(own["status"], own["count"], strict=True))
        total = sum(counts.values())
        cells = [_method({"method": method})]
        for name in (*(status.name for status in ordered), *strange):
            number = counts.get(name, 0)
            failed = number and name not in SUCCESS_NAMES
            text = f"{number:,} ({words.share(number, total)})" if number else words.NONE
            cells.append(Cell(text, float(number), "bad" if failed else ""))
        rows.append(cells)
    titles = [
        *((status.name.replace("_", " "), status.message) for status in ordered),
        *((name, "") for name in strange),
    ]
    looks = [look_of(statistics, method) for method in statistics.methods]
    return Table([("method", ""), *titles], rows, 1, 1, looks)


def reasons(statistics: Statistics) -> Table:
    """The most frequent reasons of rows without a plan."""
    rows = [
        [
            Cell(printable(row["reason"]) or "no reason given", row["reason"], "long"),
            Cell(row["status"].replace("_", " "), row["status"]),
            _method(row),
            Cell(f"{row['count']:,}", float(row["count"])),
        ]
        for row in statistics.reasons.to_dicts()
    ]
    return Table([("reason", ""), ("status", ""), ("method", ""), ("rows", "")], rows, 1, 3)


def speeds(statistics: Statistics) -> Table:
    """What each method took on each machine."""
    rows = []
    for row in statistics.rates.to_dicts():
        seconds, compiling, rows_done = row["seconds"], row["compile_seconds"], row["rows"]
        rows.append(
            [
                _method(row),
                Cell(printable(f"{row['device']}, {row['processor']}"), row["device"], "long"),
                Cell(words.rate(rows_done, seconds), rows_done / seconds if seconds > 0.0 else ""),
                Cell(f"{rows_done:,}", float(rows_done)),
                Cell(words.long_duration(seconds), seconds),
                Cell(words.long_duration(compiling) if compiling else words.NONE, compiling),
                Cell(f"{row['chunks']:,}", float(row["chunks"])),
            ]
        )
    titles = [("method", ""), ("machine", ""), ("scenarios/s", "Rows divided by the seconds of solving")]
    titles += [("rows", ""), ("solving", ""), ("compiling", "Once for each shape and process"), ("chunks", "")]
    looks = [look_of(statistics, method) for method in statistics.rates["method"]]
    return Table(titles, rows, 1, 2, looks)


def _columns(statistics: Statistics, frame: pl.DataFrame) -> list[_Column]:
    columns = [
        _Column(
            "mean objective",
            "Average accuracy of the scenarios that have a plan, with its 95 % confidence interval",
            lambda row: row["mean"],
            lambda row: words.with_spread(row["mean"], row["half_width"]),
        ),
        _Column(
            "loss",
            "1 − mean objective",
            lambda row: None if row["mean"] is None else 1.0 - row["mean"],
            lambda row: (
                words.NONE
                if row["mean"] is None
                else words.fixed(1.0 - row["mean"], words.decimals_of(row["half_width"]))
            ),
        ),
    ]
    if statistics.reference is not None:
        reference = statistics.reference
        columns.append(
            _Column(
                f"difference from {_cut(printable(reference))}",
                "Mean of the differences on the same scenarios, with its 95 % confidence interval",
                lambda row: row["gain"],
                lambda row: (
                    "reference"
                    if row["method"] == reference
                    else words.with_spread(row["gain"], row["gain_half_width"], signed=True)
                ),
            )
        )
    quantiles = (("5 %", "q05"), ("median", "q50"), ("95 %", "q95"))
    columns += [_figure(title, "Quantile of the objective", name, words.fixed) for title, name in quantiles]
    if frame["proven"].sum():
        columns += [
            _figure(
                "mean gap",
                "Distance from the optimum by the bound, relative; that of an exact method is its solver's word",
                "gap_mean",
                words.gap,
            ),
            _figure("median gap", "", "gap50", words.gap),
            _figure("largest gap", "", "gap_max", words.gap),
            _Column(
                "bounded",
                "Share of the plans that have a bound, proven or by a solver's word",
                lambda row: row["proven"] / row["planned"] if row["planned"] else None,
                lambda row: words.share(row["proven"], row["planned"]),
            ),
        ]
    columns.append(
        _Column(
            "plans",
            "Scenarios that have a plan, of those that were solved; the others count in no mean",
            lambda row: row["planned"],
            lambda row: (
                f"{row['planned']:,}" if row["planned"] == row["total"] else f"{row['planned']:,} of {row['total']:,}"
            ),
        )
    )
    return columns


def _method(row: Row) -> Cell:
    return Cell(printable(row["method"]), row["method"], "long")


def _order(value: Any) -> float | str:
    return "" if value is None else float(value)


def _cut(name: str) -> str:
    """A name in a title, where it must not make the column wide."""
    return name if len(name) <= 24 else f"{name[:12]}…{name[-11:]}"
