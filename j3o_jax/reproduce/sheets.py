"""The figures of an experiment as tables of text, from which Markdown and what the terminal shows are made."""

import math
from collections.abc import Callable, Mapping, Sequence

from ..benchmarks import NAMES
from ..experiments._statistics import Spread
from ..report.tables import Sheet
from ..report.wording import NOTHING, gap_percent, one_line, percent
from .summary import Line, Summary

_DECISIONS = (
    "Onloaded: at which part of the seeds, and at clients of seeds and clients, the model answers queries; one that is "
    "held and answers none is not counted. Batch size: λ^e_t T_b, queries per window."
)
# Title and decimals of the decisions of each kind.
_DECIDED = {
    "edge_models": ("Onloaded at the edge", 2),
    "client_models": ("Onloaded at the clients", 2),
    "edge_batches": ("Edge batch size", 1),
}
_BRIEF = ("Paper", "Optimum", "Paper", "ms", "Paper", "Gap")
_FULL = ("Of the optimum", "Of the optimum, paper", "Time, ms", "Time, ms, paper", "Certified gap", "Seeds")


def markdown_of(summary: Summary, picture: str | None = None) -> str:
    """Write the document; `picture` is the name of a file beside it."""
    experiment = summary.experiment
    parts = [f"# {experiment.title}"]
    if picture is not None:
        parts.append(f"![{experiment.does}]({picture})")
    parts += [sheet.markdown() for sheet in sheets_of(summary)]
    parts += ["---", "\n".join(f"- {one_line(sentence)}" for sentence in foot_of(summary))]
    return "\n\n".join(parts) + "\n"


def sheets_of(summary: Summary, *, brief: bool = False) -> list[Sheet]:
    """All of an experiment's tables; `brief` ones fit 80 columns, at the price of some deviations and decisions."""
    experiment, lines = summary.experiment, summary.lines
    if experiment.kind == "table":
        return [_benchmark_sheet(summary, benchmark, brief) for benchmark in experiment.benchmarks]
    if experiment.kind == "placement":
        series = dict.fromkeys(line.point.series for line in lines)
        return [sheet for own in series for sheet in _placement_sheets(summary, own, brief)]
    title = _measure(lines)
    if any(line.point.series for line in lines):
        # The curves are settings, so that their names do not say whose they are.
        title += f" of {', '.join(dict.fromkeys(line.label for line in lines))}"
    reached = _grid(summary, title, lines, lambda line: {line.curve: _words(line.reached, experiment.digits, brief)})
    if experiment.kind == "convergence":
        return [reached]
    times = _grid(summary, "Time per scenario, ms", lines, lambda line: {line.curve: _time(line.milliseconds, brief)})
    return [reached, times]


def _grid(summary: Summary, title: str, lines: Sequence[Line], cells_of: Callable[[Line], Mapping[str, str]]) -> Sheet:
    """Return a table with a row for each place on the axis, and a column for each name of `cells_of`."""
    axis = summary.experiment.axis
    rows: dict[float | None, dict[str, str]] = {}
    for line in lines:
        rows.setdefault(line.x, {}).update(cells_of(line))
    columns = list(dict.fromkeys(name for cells in rows.values() for name in cells))
    return Sheet(
        title,
        ["" if axis is None else axis.heading, *columns],
        [
            [NOTHING if x is None else f"{x:g}", *(cells.get(name, NOTHING) for name in columns)]
            for x, cells in rows.items()
        ],
    )


def _placement_sheets(summary: Summary, series: str, brief: bool) -> list[Sheet]:
    """Show what is reached at the points of a series, then what is decided; in `brief` by the last method alone."""
    experiment = summary.experiment
    lines = [line for line in summary.lines if line.point.series == series]
    title = f"{_measure(lines)}, {series}"
    sheets = [_grid(summary, title, lines, lambda line: {line.label: _words(line.reached, experiment.digits, brief)})]
    views = [view for row in experiment.views for view in row if series in view.series]
    for kind in dict.fromkeys(view.shows for view in views if view.shows in _DECIDED):
        title, digits = _DECIDED[kind]
        for method in experiment.methods[-1:] if brief else experiment.methods:
            own = [line for line in lines if line.method == method]

            def cells(line: Line, kind: str = kind, digits: int = digits) -> dict[str, str]:
                return {name: _words(spread, digits, brief) for name, spread in line.decisions.get(kind, {}).items()}

            sheets.append(_grid(summary, f"{title}, {series}, {own[0].label}", own, cells))
    if not brief:
        title = f"Time per scenario, ms, {series}"
        sheets.append(_grid(summary, title, lines, lambda line: {line.label: _time(line.milliseconds, brief)}))
    return sheets


def _benchmark_sheet(summary: Summary, benchmark: str, brief: bool) -> Sheet:
    lines = [line for line in summary.lines if line.point.benchmark == benchmark]
    word = _measure(lines)
    first = ("Method", word.removeprefix("Average ").capitalize() if brief else word)
    columns = (*first, *(_BRIEF if brief else (f"{word}, paper", *_FULL)))
    rows = [_benchmark_row(line, brief)[: len(columns)] for line in lines]
    return Sheet(benchmark, columns, rows, NAMES[benchmark]().description)


def _benchmark_row(line: Line, brief: bool) -> tuple[str, ...]:
    paper = line.paper
    return (
        line.label,
        _words(line.reached, 3),
        NOTHING if paper is None else _words(Spread(paper.mean, paper.deviation, 20), 3),
        NOTHING if math.isnan(line.share) else f"{100 * line.share:.2f} %",
        percent(math.nan if line.paper_share is None else line.paper_share),
        _time(line.milliseconds, brief),
        NOTHING if paper is None else _time(Spread(paper.milliseconds, paper.milliseconds_deviation, 20), brief),
        gap_percent(line.gap),
        f"{line.reached.n}",
    )


def _measure(lines: Sequence[Line]) -> str:
    """Return what a benchmark is judged by."""
    return f"Average {lines[0].measure if lines else 'loss'}"


def _words(spread: Spread, digits: int, brief: bool = False) -> str:
    """Mean and deviation, or the `brief` mean alone."""
    mean = NOTHING if math.isnan(spread.mean) else f"{spread.mean:,.{digits}f}"
    return mean if brief or mean == NOTHING else f"{mean} ± {spread.deviation:,.{digits}f}"


def _time(spread: Spread, brief: bool) -> str:
    """Milliseconds, to the tenth where that is a good part of them."""
    return _words(spread, 1 if spread.mean < 100 else 0, brief)


def foot_of(summary: Summary) -> Sequence[str]:
    """Return what a reader must know beside the figures, one sentence each."""
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
        said.append(_DECISIONS)
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
