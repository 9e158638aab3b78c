"""A tuning on the terminal."""

import math
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from ..report.terminal import plain_table
from ..report.wording import count, duration, percent, printable
from ._outcome import Score, Trial, Tuning
from .wording import difference_words, method_words, setting_words, verdict_of

# As many as a reader takes in at a glance.
_BEST, _FRONT = 5, 12


class TuningReport:
    """What `rich` prints for a tuning.

    **Arguments:**

    - `tuning`: what was found.
    - `title`: what was tuned.
    - `files`: what was written, by what it is.
    """

    def __init__(self, tuning: Tuning, title: str, files: Mapping[str, str]):
        self.tuning = tuning
        self.title = title
        self.files = files

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the best settings, the held-out comparison, and where the files are."""
        tuning, spec = self.tuning, self.tuning.spec
        yield Text(printable(self.title), style="bold")
        tried = count(len(tuning.trials), "setting")
        yield Text(f"{tried} on {count(spec.training.scenarios, 'scenario')}, {_sought(tuning)}", style="dim")
        best = tuning.ranked()[:_BEST]
        # The chosen one and that to begin from are shown wherever they stand.
        shown = [*best, *(trial for trial in tuning.ranked() if trial in (tuning.base, tuning.chosen))]
        shown = list({trial.number: trial for trial in shown}.values())
        yield from _trials("Best settings, on the training seeds", tuning, shown)
        if spec.objective == "both":
            front = tuning.front[:_FRONT]
            more = "" if len(front) == len(tuning.front) else f", the fastest {len(front)} of {len(tuning.front)}"
            yield from _trials(f"None is better in both accuracy and time{more}", tuning, front)
        held_out = tuning.held_out
        yield Text(f"\nOn {count(held_out.scenarios, 'held-out scenario')}", style="bold")
        yield _comparison(tuning)
        yield Text(f"Difference in accuracy: {difference_words(tuning)}, of the same scenarios")
        if tuning.chosen.number:
            same = held_out.scenarios - held_out.better - held_out.worse
            yield Text(f"better on {held_out.better:,}, worse on {held_out.worse:,}, the same on {same:,}", style="dim")
        yield Text(verdict_of(tuning), style="bold")
        yield Text(printable(f"Chosen: {method_words(tuning.chosen.method)}"))
        if self.files:
            yield Text(printable(f"Written: {', '.join(self.files.values())}"))


def _sought(tuning: Tuning) -> str:
    spec = tuning.spec
    if spec.objective == "time":
        return f"for the least time to a gap of {spec.gap:g}"
    if spec.objective == "both":
        return f"for the least time within {spec.within:g} of the best accuracy"
    return "for the best accuracy"


def _trials(title: str, tuning: Tuning, trials: Sequence[Trial]) -> Iterator[RenderableType]:
    """A table of trials, under its title: that is often wider than the figures, and would be broken in the table."""
    yield Text(f"\n{title}", style="bold")
    table = _table("Setting", "Accuracy", "Below best", *_time_columns(tuning))
    for trial in trials:
        style = "green" if trial.number == tuning.chosen.number else "dim" if trial.number == 0 else ""
        shortfall = tuning.shortfall(trial)
        below = "0" if shortfall == 0.0 else f"{100 * shortfall:.2g} %"
        cells = [f"{trial.quality:.6f}", below, *_times(tuning, trial)]
        table.add_row(Text(printable(setting_words(trial))), *cells, style=style)
    yield table


def _comparison(tuning: Tuning) -> Table:
    held_out = tuning.held_out
    table = _table("", "Accuracy", "ms", *_time_columns(tuning)[1:])
    for name, score in (("as it is", held_out.base), ("chosen", held_out.chosen)):
        table.add_row(name, f"{score.quality:.6f}", *_times(tuning, score, timed=True))
    return table


def _table(*columns: str) -> Table:
    table = plain_table("", False)
    table.title = None
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=bool(index), overflow="fold")
    return table


def _time_columns(tuning: Tuning) -> list[str]:
    if tuning.spec.objective == "quality":
        return []
    return ["ms", "Reached", "To the gap"] if tuning.spec.gap is not None else ["ms"]


def _times(tuning: Tuning, score: Trial | Score, *, timed: bool = False) -> list[str]:
    if tuning.spec.objective == "quality" and not timed:
        return []
    cells = [f"{1000 * score.seconds:.3g}"]
    if tuning.spec.gap is not None:
        to_gap = score.seconds_to_gap
        cells += [percent(score.reached), "never" if math.isinf(to_gap) else duration(to_gap)]
    return cells
