"""The figures of an experiment as sheets of text, from which Markdown and the terminal's tables are made."""

import math
from collections.abc import Sequence

from ..benchmarks import NAMES
from .placement_sheets import DECISIONS, placement_sheets
from .sheet import NOTHING, Sheet, figure_words, gap_words, grid, measure_words, percent_words, time_words
from .summary import Line, Spread, Summary


def sheets_of(summary: Summary, *, brief: bool = False) -> list[Sheet]:
    """All of an experiment's sheets; `brief` ones fit 80 columns, at the price of some deviations."""
    if summary.experiment.kind == "table":
        return [_benchmark_sheet(summary, benchmark, brief) for benchmark in summary.experiment.benchmarks]
    if summary.experiment.kind == "placement":
        return placement_sheets(summary, brief=brief)
    axis = summary.experiment.axis
    heading = "" if axis is None else axis.heading
    measure = summary.lines[0].measure if summary.lines else "loss"
    title = measure_words(measure)
    if any(line.point.series for line in summary.lines):
        # The curves are settings, so that their names do not say whose they are.
        title += f" of {', '.join(dict.fromkeys(line.label for line in summary.lines))}"
    digits = summary.experiment.digits
    reached = grid(title, heading, summary.lines, _curve, lambda line: figure_words(line.reached, digits, brief))
    if summary.experiment.kind == "convergence":
        return [reached]
    times = grid(
        "Time per scenario, ms", heading, summary.lines, _curve, lambda line: time_words(line.milliseconds, brief)
    )
    return [reached, times]


def _benchmark_sheet(summary: Summary, benchmark: str, brief: bool) -> Sheet:
    lines = [line for line in summary.lines if line.point.benchmark == benchmark]
    word = measure_words(lines[0].measure if lines else "loss")
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
        quality = figure_words(Spread(line.paper.mean, line.paper.deviation, 20), 3, False)
        times = time_words(Spread(line.paper.milliseconds, line.paper.milliseconds_deviation, 20), brief)
    cells = (
        line.label,
        figure_words(line.reached, 3, False),
        quality,
        percent_words(line.share, 2),
        percent_words(math.nan if line.paper_share is None else line.paper_share, 1),
        time_words(line.milliseconds, brief),
        times,
        gap_words(line.gap),
    )
    return cells if brief else (*cells, f"{line.reached.n}")


def _curve(line: Line) -> str:
    return line.curve


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
            "accuracies. Certified gap: the largest of any seed; an exact solver's is its word. The "
            "paper's seeds are its own."
        )
    else:
        said.append("The paper shows this figure as a picture, without numbers: there are none to compare with.")
    if summary.experiment.kind == "placement":
        said.append(DECISIONS)
    if summary.experiment.settings:
        said.append(summary.experiment.settings)
    said.extend(
        f"Timed on {machine.processor}, {machine.cores} cores; JAX {machine.jax} on {machine.device}, "
        f"HiGHS {machine.highspy}, Python {machine.python}."
        for machine in summary.machines
    )
    if dates:
        span = dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
        said.append(f"j3o-jax {', '.join(versions)}, {span}.")
    return [*said, *summary.notes]
