"""A tuning on the terminal."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from ..experiments.tune._outcome import Score, Trial, Tuning
from ..report.tables import Sheet, headed
from ..report.wording import count, duration, percent, printable
from .wording import difference_words, method_words, setting_words, verdict_of

# As many as a reader takes in at a glance.
_BEST, _FRONT = 5, 12


@dataclasses.dataclass(frozen=True)
class TuningReport:
    """Tuning as `rich` prints it.

    **Arguments:**

    - `tuning`: what was found.
    - `title`: what was tuned.
    - `files`: what was written, by what it is.
    """

    tuning: Tuning
    title: str
    files: Mapping[str, str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the best settings, the held-out comparison, and where the files are."""
        tuning, spec, held_out = self.tuning, self.tuning.spec, self.tuning.held_out
        yield headed(self.title)
        tried = count(len(tuning.trials), "setting")
        yield Text(f"{tried} on {count(spec.training.scenarios, 'scenario')}, {_sought(tuning)}", style="dim")
        # The chosen one and that to begin from are shown wherever they stand.
        ranked, always = tuning.ranked(), (tuning.base, tuning.chosen)
        best = [trial for place, trial in enumerate(ranked) if place < _BEST or trial in always]
        yield _trials("Best settings, on the training seeds", tuning, best)
        if spec.objective == "both":
            front = tuning.front[:_FRONT]
            more = "" if len(front) == len(tuning.front) else f", the fastest {len(front)} of {len(tuning.front)}"
            yield _trials(f"None is better in both accuracy and time{more}", tuning, front)
        yield Sheet(
            f"On {count(held_out.scenarios, 'held-out scenario')}",
            ["", "Accuracy", "ms", *_time_columns(tuning)[1:]],
            [
                [name, f"{score.quality:.6f}", *_times(tuning, score, timed=True)]
                for name, score in (("as it is", held_out.base), ("chosen", held_out.chosen))
            ],
        )
        yield Text(f"Difference in accuracy: {difference_words(tuning)}, of the same scenarios")
        if tuning.chosen.number:
            same = held_out.scenarios - held_out.better - held_out.worse
            yield Text(f"better on {held_out.better:,}, worse on {held_out.worse:,}, the same on {same:,}", style="dim")
        yield headed(verdict_of(tuning))
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


def _trials(title: str, tuning: Tuning, trials: Sequence[Trial]) -> Sheet:
    rows, styles = [], []
    for trial in trials:
        shortfall = tuning.shortfall(trial)
        below = "0" if shortfall == 0.0 else f"{100 * shortfall:.2g} %"
        rows.append([setting_words(trial), f"{trial.quality:.6f}", below, *_times(tuning, trial)])
        styles.append("green" if trial.number == tuning.chosen.number else "dim" if trial.number == 0 else "")
    return Sheet(title, ["Setting", "Accuracy", "Below best", *_time_columns(tuning)], rows, styles=styles)


def _time_columns(tuning: Tuning) -> list[str]:
    if tuning.spec.objective == "quality":
        return []
    return ["ms", "Reached", "To the gap"] if tuning.spec.gap is not None else ["ms"]


def _times(tuning: Tuning, score: Score, *, timed: bool = False) -> list[str]:
    if tuning.spec.objective == "quality" and not timed:
        return []
    cells = [f"{1000 * score.seconds:.3g}"]
    if tuning.spec.gap is not None:
        to_gap = score.seconds_to_gap
        cells += [percent(score.reached), "never" if math.isinf(to_gap) else duration(to_gap)]
    return cells
