"""The report of a sweep in a few lines: for a terminal, and as JSON."""

import dataclasses
import math
import os
from collections.abc import Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from ..report.tables import figures, names, plain_table
from ..report.wording import count, printable
from ._report import Report


def content_of(directory: str, report: Report) -> dict[str, Any]:
    """Return what `j3o report --json` prints: the figures, and where the files are."""
    statistics, manifest = report.statistics, report.statistics.manifest
    return {
        "directory": directory,
        "page": report.page,
        "pictures": report.pictures,
        "tables": report.tables,
        "name": manifest.name,
        "complete": statistics.complete,
        "chunks": {"done": statistics.chunks.height, "all": manifest.chunks},
        "rows": {"done": statistics.done, "all": manifest.rows, "without_plan": statistics.failures},
        "points": statistics.by_point["point"].n_unique(),
        "reference": statistics.reference,
        "methods": [_method(row) for row in statistics.by_method.to_dicts()],
        "statuses": statistics.statuses.to_dicts(),
        "rates": [
            {**row, "scenarios_per_s": row["rows"] / row["seconds"] if row["seconds"] > 0.0 else None}
            for row in statistics.rates.to_dicts()
        ],
    }


def _method(row: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a method in the words of a program that reads them."""
    return {
        "method": row["method"],
        "rows": row["total"],
        "plans": row["planned"],
        "objective": {
            "mean": row["mean"],
            "half_width_95": row["half_width"],
            "quantiles": {"0.05": row["q05"], "0.5": row["q50"], "0.95": row["q95"]},
        },
        "loss": None if row["mean"] is None else 1.0 - row["mean"],
        "gap": {
            "certified": row["proven"],
            "mean": row["gap_mean"],
            "median": row["gap50"],
            "max": row["gap_max"],
        },
        "difference": {"mean": row["gain"], "half_width_95": row["gain_half_width"], "pairs": row["gain_n"]},
        "traffic": {way: row[way] for way in ("local", "edge", "cloud", "unserved")},
    }


@dataclasses.dataclass(frozen=True)
class WrittenReport:
    """Written report as `rich` announces it.

    **Arguments:**

    - `directory`: of the sweep.
    - `report`: what was written.
    """

    directory: str
    report: Report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield a row for each method, and where the files are."""
        statistics = self.report.statistics
        title = f"Sweep {printable(statistics.manifest.name or self.directory)}"
        columns = (*names("Method"), *figures("Plans", "Mean objective", "± 95 %", "Difference", "± 95 %"))
        table = plain_table(title, *columns, wide=False)
        for row in statistics.by_method.to_dicts():
            values = [row["mean"], row["half_width"], row["gain"], row["gain_half_width"]]
            table.add_row(
                printable(row["method"]),
                f"{row['planned']:,}",
                *("–" if value is None or math.isnan(value) else f"{value:.5f}" for value in values),
            )
        yield table
        if not statistics.complete:
            missing = statistics.manifest.chunks - statistics.chunks.height
            yield Text(f"Not complete: {count(missing, 'chunk')} of {statistics.manifest.chunks:,} not here yet.")
        pictures = os.path.dirname(self.report.tables[0])
        yield Text(f"Written: {printable(self.report.page)}; pictures and tables in {printable(pictures)}")
