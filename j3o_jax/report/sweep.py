"""What a sweep found, on the terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from .terminal import plain_table
from .wording import count, number, printable

ROOMY = 100


class SweepReport:
    """What `rich` prints for a sweep.

    **Arguments:**

    - `content`: what `j3o sweep --json` prints.
    - `few`: rows of the table that are shown at most.
    """

    def __init__(self, content: Mapping[str, Any], few: int):
        self.content = content
        self.few = few

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the table of means, the rates, and where the rows are."""
        content = self.content
        name = f"{content['name']}: " if content["name"] else ""
        scenarios = count(content["rows"], "row")
        yield Text(printable(f"{name}{scenarios} in {content['folder']}"), style="bold")
        table = plain_table("", options.max_width >= ROOMY)
        proven = any(row["gap"] is not None for row in content["results"])
        failed = any(row["failures"] for row in content["results"])
        columns = [*content["grid"], "method", "scenarios", *(["no plan"] if failed else []), "mean F", "± 95 %"]
        columns += ["gap, mean", "worst"] if proven else []
        for index, column in enumerate(columns):
            left = index == len(content["grid"])
            table.add_column(printable(column), justify="left" if left else "right")
        for row in content["results"][: self.few]:
            cells = [_value(row[name]) for name in content["grid"]]
            cells += [printable(row["method"]), f"{row['scenarios']:,}"]
            cells += [f"{row['failures']:,}"] if failed else []
            cells += [_figure(row["objective"], ".5f"), _figure(row["objective_ci"], ".5f")]
            cells += [_percent(row["gap"]), _percent(row["gap_worst"])] if proven else []
            table.add_row(*cells)
        yield table
        hidden = len(content["results"]) - self.few
        if hidden > 0:
            yield Text(f"and {count(hidden, 'row')} more", style="dim")
        for method in content["methods"]:
            rate = method["scenarios_per_second"]
            if rate is not None:
                words = f"{method['method']}: {number(rate)} scenarios/s of solving, compilation apart"
                yield Text(printable(words), style="dim")
        yield Text(printable(f"Written: {content['files']['rows']}"))


def _value(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else f"{value:g}"


def _figure(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.4f} %"
