"""A batch of plans as one table: how many ended how, and how good they are."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from .._solution import Solution
from .._status import Status
from .tables import facts_list, headed
from .wording import BY_WORD, compilation, count, duration, gap_percent, printable

FAILURES_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class BatchSummary:
    """Figures of a batch; those of the objective are over the instances that have a plan, NaN if none has.

    `worst` and `best` are indices of instances, `failures` maps those without a plan to the reason, and `gap`
    is the largest distance to the optimum by the bounds, NaN unless all have one; `certified` is whether all have a
    certificate, so that it is proven.
    """

    instances: int
    statuses: Mapping[str, int]
    mean: float
    deviation: float
    lowest: float
    median: float
    highest: float
    worst: tuple[int, ...] | None
    best: tuple[int, ...] | None
    gap: float
    certified: bool
    seconds: float
    compile_seconds: float
    failures: Mapping[tuple[int, ...], str]

    @property
    def planned(self) -> int:
        """Number of instances that have a plan."""
        return self.instances - len(self.failures)


def summarize_batch(solution: Solution) -> BatchSummary:
    """Figures of a batch of plans.

    **Raises:** `ValueError` for a single plan.
    """
    shape = solution.batch_shape
    if not shape:
        raise ValueError("summarize_batch: wants a batch, got a single plan")
    status = np.asarray(solution.status)
    success = np.asarray(solution.success)
    objective = np.where(success, np.asarray(solution.objective), np.nan)
    reached = objective[success]
    gap = np.asarray(solution.gap)[success]

    def index(position: int) -> tuple[int, ...]:
        return tuple(int(i) for i in np.unravel_index(position, shape))

    def figure(function: Callable[[np.ndarray], np.floating], values: np.ndarray) -> float:
        return float(function(values)) if values.size else math.nan

    return BatchSummary(
        instances=status.size,
        statuses={kind.name: int(np.sum(status == kind)) for kind in Status if np.any(status == kind)},
        mean=figure(np.mean, reached),
        deviation=figure(np.std, reached),
        lowest=figure(np.min, reached),
        median=figure(np.median, reached),
        highest=figure(np.max, reached),
        worst=index(int(np.nanargmin(objective))) if reached.size else None,
        best=index(int(np.nanargmax(objective))) if reached.size else None,
        gap=figure(np.max, gap),
        certified=bool(np.asarray(solution.certified)[success].all()),
        seconds=float(np.sum(solution.stats.get("seconds", math.nan))),
        compile_seconds=float(np.max(solution.stats.get("compile_seconds", 0.0), initial=0.0)),
        failures={index(int(at)): solution.reason(index(int(at))) for at in np.flatnonzero(~success)},
    )


def content_of(summary: BatchSummary) -> dict[str, Any]:
    """Return the figures of a batch as `j3o solve --json` prints them."""
    return {
        "instances": summary.instances,
        "statuses": dict(summary.statuses),
        "objective": {
            "mean": summary.mean,
            "deviation": summary.deviation,
            "lowest": summary.lowest,
            "median": summary.median,
            "highest": summary.highest,
        },
        "worst": summary.worst,
        "best": summary.best,
        "gap": summary.gap,
        "certified": summary.certified,
        "seconds": summary.seconds,
        "compile_seconds": summary.compile_seconds,
        "failures": [{"instance": index, "reason": reason} for index, reason in summary.failures.items()],
    }


@dataclasses.dataclass(frozen=True)
class BatchReport:
    """Batch as `rich` prints it.

    **Arguments:**

    - `summary`: the figures.
    - `title`: what was solved, e.g. the file and the method.
    - `facts`: further lines, as pairs of a word and a text.
    """

    summary: BatchSummary
    title: str
    facts: Sequence[tuple[str, str]] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the table, and the first instances without a plan."""
        failures = self.summary.failures
        yield headed(self.title)
        yield facts_list([*_headline(self.summary), *self.facts])
        for index, reason in list(failures.items())[:FAILURES_SHOWN]:
            yield Text(f"Instance {place(index)}: {printable(reason)}", style="red")
        if len(failures) > FAILURES_SHOWN:
            rest = count(len(failures) - FAILURES_SHOWN, "more instance")
            yield Text(f"… and {rest} without a plan", style="dim")


def _headline(summary: BatchSummary) -> Iterator[tuple[str, str | Text]]:
    statuses = ", ".join(f"{many:,} {name.replace('_', ' ')}" for name, many in summary.statuses.items())
    yield "Instances", f"{summary.instances:,}: {statuses}"
    if summary.worst is not None and summary.best is not None:
        spread = f"{summary.mean:.4f} ± {summary.deviation:.4f}"
        yield "Accuracy", Text(f"{spread}  (loss {1 - summary.mean:.4f})", style="bold")
        yield "Median", f"{summary.median:.4f}"
        yield "Worst", f"{summary.lowest:.4f}  (instance {place(summary.worst)})"
        yield "Best", f"{summary.highest:.4f}  (instance {place(summary.best)})"
        word = "" if summary.certified else f", {BY_WORD}"
        proven = f"at most {gap_percent(summary.gap)} better is possible, in the worst instance{word}"
        yield "Bound", "none proven for all by this method" if math.isnan(summary.gap) else proven
    if not math.isnan(summary.seconds):
        each = f"{duration(summary.seconds / summary.instances)} per instance"
        yield "Time", f"{duration(summary.seconds)}, {each}{compilation(summary.compile_seconds)}"


def place(index: Sequence[int]) -> str:
    """Write the index of an instance as it is written in Python."""
    return ", ".join(map(str, index))
