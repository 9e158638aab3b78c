"""The sheets of a figure on placements: what is reached, and then what is decided, series by series."""

from .sheet import Sheet, figure_words, grid, measure_words, named_grid, time_words
from .summary import Line, Summary

DECISIONS = (
    "Onloaded: at which part of the seeds, and at clients of seeds and clients, the model answers queries; one that is "
    "held and answers none is not counted. Batch size: λ^e_t T_b, queries per window."
)
_DIGITS = {"edge_models": 2, "client_models": 2, "edge_batches": 1}
_TITLES = {
    "edge_models": "Onloaded at the edge",
    "client_models": "Onloaded at the clients",
    "edge_batches": "Edge batch size",
}


def placement_sheets(summary: Summary, *, brief: bool = False) -> list[Sheet]:
    """All of them; the `brief` ones are the decisions of the method that the picture shows."""
    experiment = summary.experiment
    heading = "" if experiment.axis is None else experiment.axis.heading
    methods = experiment.methods[-1:] if brief else experiment.methods
    sheets: list[Sheet] = []
    for series in dict.fromkeys(line.point.series for line in summary.lines):
        lines = [line for line in summary.lines if line.point.series == series]
        word = measure_words(lines[0].measure)
        sheets.append(
            grid(
                f"{word}, {series}",
                heading,
                lines,
                _label,
                lambda line: figure_words(line.reached, experiment.digits, brief),
            )
        )
        shown = dict.fromkeys(
            view.shows for row in experiment.views for view in row if series in view.series and view.shows in _TITLES
        )
        for kind in shown:
            for method in methods:
                own = [line for line in lines if line.method == method]
                title = f"{_TITLES[kind]}, {series}, {own[0].label}"
                sheets.append(named_grid(title, heading, own, kind, _DIGITS[kind], brief))
        if not brief:
            title = f"Time per scenario, ms, {series}"
            sheets.append(grid(title, heading, lines, _label, lambda line: time_words(line.milliseconds, brief)))
    return sheets


def _label(line: Line) -> str:
    return line.label
