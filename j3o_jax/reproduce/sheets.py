"""The figures of an experiment as sheets of text, from which Markdown and the terminal's tables are made."""

import dataclasses
import math
from collections.abc import Callable, Sequence

from ..benchmarks import NAMES
from .paper import Measure
from .summary import Line, Spread, Summary

NOTHING = "–"


@dataclasses.dataclass(frozen=True)
class Sheet:
    """A table of text.

    **Arguments:**

    - `title`: what it shows.
    - `columns`: their headings; the first column names the rows.
    - `rows`: cells, each row as long as `columns`.
    - `remark`: what to know of it, where there is room to say so.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remark: str = ""


def sheets_of(summary: Summary, *, brief: bool = False) -> list[Sheet]:
    """All of an experiment's sheets; `brief` ones fit 80 columns, at the price of some deviations."""
    if summary.experiment.kind == "table":
        return [_benchmark_sheet(summary, benchmark, brief) for benchmark in summary.experiment.benchmarks]
    measure = summary.lines[0].measure if summary.lines else "loss"
    # What the last iterations win is small.
    digits = 5 if summary.experiment.kind == "convergence" else 3
    reached = _grid(summary, _word(measure), lambda line: _figure(line.reached, digits, brief))
    if summary.experiment.kind == "convergence":
        return [reached]
    return [reached, _grid(summary, "Time per scenario, ms", lambda line: _time(line.milliseconds, brief))]


def _benchmark_sheet(summary: Summary, benchmark: str, brief: bool) -> Sheet:
    lines = [line for line in summary.lines if line.point.benchmark == benchmark]
    word = _word(lines[0].measure if lines else "loss")
    if brief:
        columns = (
            "Method",
            word.removeprefix("Average ").capitalize(),
            "Paper",
            "Optimum",
            "Paper",
            "ms",
            "Paper",
            "Gap",
        )
    else:
        columns = (
            "Method",
            word,
            f"{word}, paper",
            "Of the optimum",
            "Of the optimum, paper",
            "Time, ms",
            "Time, ms, paper",
            "Certified gap",
            "Seeds",
        )
    rows = tuple(_benchmark_row(line, brief) for line in lines)
    return Sheet(benchmark, columns, rows, NAMES[benchmark]().description)


def _benchmark_row(line: Line, brief: bool) -> tuple[str, ...]:
    quality, times = NOTHING, NOTHING
    if line.paper is not None:
        quality = _figure(Spread(line.paper.mean, line.paper.deviation, 20), 3, False)
        times = _time(Spread(line.paper.milliseconds, line.paper.milliseconds_deviation, 20), brief)
    cells = (
        line.label,
        _figure(line.reached, 3, False),
        quality,
        _percent(line.share, 2),
        _percent(math.nan if line.paper_share is None else line.paper_share, 1),
        _time(line.milliseconds, brief),
        times,
        _gap(line.gap),
    )
    return cells if brief else (*cells, f"{line.reached.n}")


def _grid(summary: Summary, title: str, cell: Callable[[Line], str]) -> Sheet:
    """A sheet with a row for each place on the axis and a column for each curve."""
    axis = summary.experiment.axis
    curves = list(dict.fromkeys(line.curve for line in summary.lines))
    places = list(dict.fromkeys(line.x for line in summary.lines))
    cells = {(line.x, line.curve): cell(line) for line in summary.lines}
    rows = tuple(
        (NOTHING if x is None else f"{x:g}", *(cells.get((x, curve), NOTHING) for curve in curves)) for x in places
    )
    return Sheet(title, ("" if axis is None else axis.heading, *curves), rows)


def foot_of(summary: Summary) -> Sequence[str]:
    """What a reader must know beside the figures, one sentence each."""
    first, last = summary.seeds[0], summary.seeds[-1]
    seeds = f"Seed {first}" if first == last else f"Seeds {first} to {last}"
    versions = sorted({row.version for _, row in summary.rows})
    dates = sorted(row.finished[:10] for _, row in summary.rows)
    said = [
        f"{seeds}; ± is the standard deviation over seeds. Every plan passed the independent checker.",
        "Times are of single scenarios, one after the other, after a first solve that compiles.",
    ]
    if summary.experiment.kind == "table":
        said.append(
            "Of the optimum: mean over seeds of the accuracy divided by the MINLP Solver's on the same seed. The "
            "paper prints this for J3O (Section VI-B); for its other rows it is the quotient of Table IV's mean "
            "accuracies. Certified gap: the largest of any seed. The paper's seeds are its own."
        )
    else:
        said.append("The paper shows this figure as a picture, without numbers: there are none to compare with.")
    said.extend(
        f"Timed on {machine.processor}, {machine.cores} cores; JAX {machine.jax} on {machine.device}, "
        f"HiGHS {machine.highspy}, Python {machine.python}."
        for machine in summary.machines
    )
    if dates:
        span = dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
        said.append(f"j3o-jax {', '.join(versions)}, {span}.")
    return [*said, *summary.notes]


def _word(measure: Measure) -> str:
    return "Average loss" if measure == "loss" else "Average accuracy"


def _figure(spread: Spread, digits: int, brief: bool) -> str:
    if math.isnan(spread.mean):
        return NOTHING
    mean = f"{spread.mean:.{digits}f}"
    return mean if brief else f"{mean} ± {spread.deviation:.{digits}f}"


def _time(spread: Spread, brief: bool) -> str:
    """Milliseconds, to the tenth where that is a good part of them."""
    digits = 1 if spread.mean < 100 else 0
    if math.isnan(spread.mean):
        return NOTHING
    mean = f"{spread.mean:,.{digits}f}"
    return mean if brief else f"{mean} ± {spread.deviation:,.{digits}f}"


def _percent(share: float, digits: int) -> str:
    return NOTHING if math.isnan(share) else f"{100 * share:.{digits}f} %"


def _gap(gap: float) -> str:
    if math.isnan(gap):
        return NOTHING
    return "0 %" if gap <= 0 else f"{100 * gap:.1g} %" if gap < 1e-2 else f"{100 * gap:.1f} %"
