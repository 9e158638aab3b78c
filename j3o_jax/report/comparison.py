"""Several methods on one scenario, side by side."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Column
from rich.text import Text

from .._status import Status
from .summary import Summary
from .tables import figures, headed, plain_table
from .terminal import WAYS
from .wording import NEGLIGIBLE, bare_percent, duration, printable

# From this width on the columns can stand apart.
ROOMY = 90


@dataclasses.dataclass(frozen=True)
class ComparisonReport:
    """Comparison of several methods' plans as `rich` prints it.

    **Arguments:**

    - `summaries`: the figures by name of the method, in the order of the rows.
    - `title`: what was compared, e.g. the file.
    - `lines`: what is said below the table.
    """

    summaries: Mapping[str, Summary]
    title: str
    lines: Sequence[str] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the table, and a line for each method that found no plan, or whose optimum is not proven."""
        yield headed(self.title)
        headers = ("Accuracy", "Loss", "To best", "Time", *(way.capitalize() for way in WAYS))
        columns = (Column("Method"), Column("Status"), *figures(*headers))
        title, wide = "Methods, and where they send the queries in %", options.max_width >= ROOMY
        table = plain_table(title, *columns, wide=wide)
        best = best_objective(self.summaries)
        for name, summary in self.summaries.items():
            status, total, time = summary.status.name.replace("_", " "), summary.total, duration(summary.seconds)
            if total is None:
                table.add_row(name, Text(status, style="bold red"), "–", "–", "–", time)
                continue
            reached = (f"{summary.accuracy:.4f}", f"{summary.loss:.4f}", _behind(summary, best), time)
            ways = (bare_percent(getattr(total, way)) for way in WAYS)
            table.add_row(name, Text(status, style="green"), *reached, *ways)
        yield table
        for line in self.lines:
            yield Text(f"{printable(line)}.", style="dim")
        for name, summary in self.summaries.items():
            if summary.total is None:
                yield Text(f"{name}: {printable(summary.reason)}", style="red")
            elif summary.status is Status.optimal and not summary.certified:
                yield Text(f"{name}: {summary.verdict}", style="dim")


def _behind(summary: Summary, best: float) -> Text:
    if is_best(summary, best):
        return Text("best", style="bold")
    difference = best - summary.objective
    return Text(f"−{difference:.4f}" if difference >= 5e-5 else f"−{difference:.0e}")


def is_best(summary: Summary, best: float) -> bool:
    """Whether a method reached `best`; what differs less than a millionth is the solver's rounding, not the plan."""
    return best - summary.objective < NEGLIGIBLE


def best_objective(summaries: Mapping[str, Summary]) -> float:
    """Highest accuracy that any of the methods reached; NaN if none found a plan."""
    reached = [summary.objective for summary in summaries.values() if summary.status.success]
    return max(reached, default=math.nan)


def content_of(summaries: Mapping[str, Summary]) -> dict[str, Any]:
    """Return the figures of each method as `j3o compare --json` prints them."""
    best = best_objective(summaries)
    return {
        name: {
            "status": summary.status,
            "reason": summary.reason,
            "objective": summary.objective,
            "loss": summary.loss,
            "behind_best": best - summary.objective,
            "bound": summary.bound,
            "gap": summary.gap,
            "certified": summary.certified,
            "seconds": summary.seconds,
            "compile_seconds": summary.compile_seconds,
            "traffic": summary.total,
        }
        for name, summary in summaries.items()
    }
