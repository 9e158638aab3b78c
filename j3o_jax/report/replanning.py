"""Report of `j3o replan`: accuracy, MB moved and regret of every strategy, over the periods of a trace."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from rich.console import Console, ConsoleOptions, RenderableType

from ..replanning._run import STRATEGIES, Course
from .tables import Sheet, facts_list, headed
from .wording import count, duration, fixed, gap_words, long_duration, number, percent

EXPLAINED = {
    "static": "one plan for the mean demand of all periods, in place from the beginning and never changed",
    "scratch": "every period planned for its estimate as if moving cost nothing",
    "replan": "every period planned for its estimate, at a cost of moving",
    "clairvoyant": "likewise, with the demand known",
    "horizon": "all periods planned together, with the demand of all of them known",
}

# Less than that is rounding.
_LEAST_GAIN = 1e-6


@dataclasses.dataclass(frozen=True)
class Row:
    """One strategy: means over the periods, and the MB moved in all of them."""

    strategy: str
    accuracy: float
    worst: float
    moved_mb: float
    objective: float
    regret: float


def rows_of(course: Course) -> list[Row]:
    """Figures of each strategy."""
    return [
        Row(
            strategy=name,
            accuracy=float(course.accuracy[index].mean()),
            worst=float(course.accuracy[index].min()),
            moved_mb=float(course.moved_mb[index].sum()),
            objective=float(course.objective[index].mean()),
            regret=float(course.regret[index].mean()),
        )
        for index, name in enumerate(course.strategies)
    ]


def kept_gain(course: Course) -> tuple[float, float]:
    """Part that replan keeps of what scratch gains over static, and moves of what scratch moves; NaN of nothing."""
    static, scratch, replan = (course.accuracy[STRATEGIES.index(name)].mean() for name in STRATEGIES[:3])
    of_scratch, own = (course.moved_mb[STRATEGIES.index(name)].sum() for name in ("scratch", "replan"))
    gain = float((replan - static) / (scratch - static)) if scratch > static else math.nan
    return gain, float(own / of_scratch) if of_scratch > 0.0 else math.nan


def of_possible_gain(course: Course) -> dict[str, float]:
    """Parts of what plans of all periods could gain over static at most, in objective; NaN where that is not known.

    The most is the lower one of the two bounds. Where it is as good as nothing there are no parts of it.
    """
    gained = course.objective.mean(axis=1) - course.objective[STRATEGIES.index("static")].mean()
    most = np.fmin(course.horizon_bound, course.highs_bound) - course.objective[STRATEGIES.index("static")].mean()
    parts = gained / most if most > _LEAST_GAIN else np.full(len(gained), math.nan)
    return dict(zip(course.strategies, parts.tolist(), strict=True))


def sheet_of(course: Course) -> Sheet:
    """Make the table of the strategies."""
    columns = ("Strategy", "Accuracy", "Worst", "MB moved", "Objective", "Regret")
    rows = [
        (
            row.strategy,
            fixed(row.accuracy),
            fixed(row.worst),
            number(row.moved_mb),
            fixed(row.objective),
            fixed(row.regret, 5),
        )
        for row in rows_of(course)
    ]
    return Sheet("Means over the periods", columns, rows)


def sentences(course: Course, estimator: str) -> list[str]:
    """Say what the table leaves out."""
    periods = len(course.rate)
    error = float(np.mean(np.abs(course.estimate - course.rate)) / max(course.rate.mean(), 1e-300))
    length = long_duration(course.period_seconds)
    said = [
        f"{count(periods, 'period')} of {length}; demand was estimated by {estimator!r}, {percent(error)} off",
        f"moving 1,000 MB costs {1000.0 * course.cost_per_mb:g} of accuracy; the plan of the file's demand comes first",
        f"planning a period by all of them together took {duration(float(np.median(course.seconds)))} (median)",
    ]
    gain, moved = kept_gain(course)
    if math.isfinite(gain) and math.isfinite(moved):
        said.append(
            f"replan keeps {percent(gain)} of what scratch gains over static, and moves {percent(moved)} of its MB"
        )
    if math.isfinite(course.horizon_bound):
        said.append(
            f"no plans that begin with what is in place have an objective above {fixed(course.horizon_bound, 5)}"
        )
    if "horizon" in course.strategies:
        known = "within 0.01 % of the best there are" if course.horizon_optimal else "the best that were found in time"
        said.append(f"the plans of horizon are {known}; by HiGHS's word none are above {fixed(course.highs_bound, 5)}")
    if math.isfinite((parts := of_possible_gain(course))["replan"]):
        gains = " and ".join(f"{name} has {percent(parts[name])}" for name in ("replan", "clairvoyant"))
        said.append(f"of what that leaves above static, {gains}")
    if not math.isfinite(course.horizon_bound) and np.isfinite(course.bound).all():
        left = course.bound.mean() - course.accuracy[STRATEGIES.index("clairvoyant")].mean()
        said.append(
            f"no plans, whatever they move, are more than {fixed(float(left), 5)} more accurate than clairvoyant's"
        )
    if np.isfinite(course.gap).all():
        worst = gap_words(float(course.gap.max()))
        said.append(f"each period of replan is proven within {worst} of the best for its estimate, given what was held")
    return said


def content_of(course: Course) -> dict[str, Any]:
    """Return what came of it as `j3o replan --json` prints it."""
    gain, moved = kept_gain(course)
    return {
        "periods": len(course.rate),
        "period_seconds": course.period_seconds,
        "cost_per_gb": 1000.0 * course.cost_per_mb,
        "strategies": {row.strategy: row for row in rows_of(course)},
        "kept_gain": gain,
        "moved_part": moved,
        "bound": float(course.bound.mean()),
        "horizon_bound": course.horizon_bound,
        "highs_bound": course.highs_bound,
        "of_possible_gain": of_possible_gain(course),
        "horizon_optimal": course.horizon_optimal,
        "seconds_per_period": float(np.median(course.seconds)),
        "rows": [
            {
                "period": period,
                "rate": float(course.rate[period]),
                "estimate": float(course.estimate[period]),
                "accuracy": dict(zip(course.strategies, course.accuracy[:, period].tolist(), strict=True)),
                "moved_mb": dict(zip(course.strategies, course.moved_mb[:, period].tolist(), strict=True)),
            }
            for period in range(len(course.rate))
        ],
    }


def markdown_of(course: Course, title: str, estimator: str, picture: str | None) -> str:
    """Write the page."""
    parts = [f"# {title}", sheet_of(course).markdown()]
    parts.append("\n".join(f"- **{name}**: {EXPLAINED[name]}." for name in course.strategies))
    parts.append("\n".join(f"- {sentence}." for sentence in sentences(course, estimator)))
    if picture is not None:
        parts.append(f"![accuracy, MB moved and regret over time]({picture})")
    return "\n\n".join(parts) + "\n"


@dataclasses.dataclass(frozen=True)
class ReplanReport:
    """What came of every strategy, as `rich` prints it."""

    course: Course
    title: str
    estimator: str
    facts: Sequence[tuple[str, str]] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the table and what it leaves out."""
        yield headed(self.title)
        yield facts_list(self.facts)
        yield sheet_of(self.course)
        for sentence in sentences(self.course, self.estimator):
            yield f"{sentence}."
