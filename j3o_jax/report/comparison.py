"""Several methods on one scenario, side by side."""

import math
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from .._status import Status
from .summary import Summary
from .terminal import WAYS, plain_table
from .wording import NEGLIGIBLE, bare_percent, duration, printable

# From this width on the columns can stand apart.
ROOMY = 90


class ComparisonReport:
    """What `rich` prints for the plans of several methods.

    **Arguments:**

    - `summaries`: the figures by name of the method, in the order of the rows.
    - `title`: what was compared, e.g. the file.
    - `lines`: what is said below the table.
    """

    def __init__(self, summaries: Mapping[str, Summary], title: str, lines: Sequence[str] = ()):
        self.summaries = summaries
        self.title = title
        self.lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the table, and a line for each method that found no plan, or whose optimum is not proven."""
        yield Text(printable(self.title), style="bold")
        table = plain_table("Methods, and where they send the queries in %", options.max_width >= ROOMY)
        table.add_column("Method")
        table.add_column("Status")
        for word in ("Accuracy", "Loss", "To best", "Time", *(way.capitalize() for way in WAYS)):
            table.add_column(word, justify="right", no_wrap=True)
        best = best_objective(self.summaries)
        for name, summary in self.summaries.items():
            status = summary.status.name.replace("_", " ")
            if summary.total is None:
                table.add_row(name, Text(status, style="bold red"), "–", "–", "–", duration(summary.seconds))
                continue
            table.add_row(
                name,
                Text(status, style="green"),
                f"{summary.objective:.4f}",
                f"{summary.loss:.4f}",
                _behind(summary, best),
                duration(summary.seconds),
                *(bare_percent(getattr(summary.total, way)) for way in WAYS),
            )
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
