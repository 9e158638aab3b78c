"""Results of a sweep on the terminal."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Column
from rich.text import Text

from .tables import ROOMY, headed, plain_table
from .wording import count, number, printable


@dataclasses.dataclass(frozen=True)
class SweepReport:
    """Sweep as `rich` prints it.

    **Arguments:**

    - `content`: what `j3o sweep --json` prints.
    - `few`: rows of the table that are shown at most.
    """

    content: Mapping[str, Any]
    few: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the table of means, the rates, and where the rows are."""
        content, results = self.content, self.content["results"]
        name = f"{content['name']}: " if content["name"] else ""
        yield headed(f"{name}{count(content['rows'], 'row')} in {content['folder']}")
        proven = any(row["gap"] is not None for row in results)
        failed = any(row["failures"] for row in results)
        figures = ["scenarios", *(["no plan"] if failed else []), "mean F", "± 95 %"]
        figures += ["gap, mean", "worst"] if proven else []
        left = [*(Column(printable(name), justify="right") for name in content["grid"]), Column("method")]
        right = (Column(name, justify="right") for name in figures)
        table = plain_table("", *left, *right, wide=options.max_width >= ROOMY)
        # Without a title there is an empty line all the same.
        table.title = "\n"
        for row in results[: self.few]:
            cells = [_value(row[name]) for name in content["grid"]]
            cells += [printable(row["method"]), f"{row['scenarios']:,}"]
            cells += [f"{row['failures']:,}"] if failed else []
            cells += [_figure(row["objective"], ".5f"), _figure(row["objective_ci"], ".5f")]
            cells += [_percent(row["gap"]), _percent(row["gap_worst"])] if proven else []
            table.add_row(*cells)
        yield table
        if len(results) > self.few:
            yield Text(f"and {count(len(results) - self.few, 'row')} more", style="dim")
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
