"""The picture of a figure on placements: rows of panels. Loads matplotlib."""

import math
import string
from collections.abc import Callable, Sequence

from matplotlib.figure import Figure

from ..plots.curves import Curve
from ..plots.grid import GridPanel, GridRow, draw_grid
from ..report.wording import count
from .declaration import View
from .entries import METHODS
from .summary import Line, Spread, Summary

REACHED = {"loss": "Average test loss 1 − F", "accuracy": "Average accuracy F"}
_LABELS = {
    "edge_models": "Part of seeds",
    "client_models": "Part of clients and seeds",
    "edge_batches": "Queries per window",
}
_NOTHING = Spread(math.nan, math.nan, 0)


def look_of(method: str) -> int:
    """Number of a method's look: the same in every figure, whichever others are beside it."""
    return list(METHODS).index(METHODS[method].same_as or method)


def said_of_means(summary: Summary) -> list[str]:
    """What a caption says of the figures, in parts."""
    seeds = len(summary.seeds)
    said = [f"Mean over {count(seeds, 'seed')}"]
    if seeds > 1:
        said.append("band: ± one standard error of the mean")
    return said


def draw_placement(summary: Summary, x_label: str, said: Sequence[str]) -> Figure:
    """Draw the views of the experiment."""
    experiment = summary.experiment
    last = experiment.methods[-1]
    rows: list[GridRow] = []
    for views in experiment.views:
        letters = zip(string.ascii_lowercase, views, strict=False)
        panels = [_panel(summary, view, view.method or last, f"({letter}) {view.title}") for letter, view in letters]
        rows.append(GridRow(_title(views), panels))
    if any(not view.method for views in experiment.views for view in views):
        said = [*said, f"decisions of {METHODS[last].label}"]
    return draw_grid(rows, experiment.title, x_label, "; ".join(said))


def _title(views: Sequence[View]) -> str:
    """What the panels of a row have in common."""
    if views[0].method:
        return f"Decisions of {METHODS[views[0].method].label}"
    common = {view.series for view in views}
    return views[0].series[0].capitalize() if len(common) == 1 else ""


def _panel(summary: Summary, view: View, shown: str, title: str) -> GridPanel:
    lines = [line for line in summary.lines if line.point.series in view.series]
    if view.shows == "accuracy":
        methods = dict.fromkeys(line.method for line in lines)
        curves = [
            _curve(METHODS[method].label, look_of(method), [line for line in lines if line.method == method], _reached)
            for method in methods
        ]
        return GridPanel(title, curves, REACHED[lines[0].measure], low=None)
    curves: list[Curve] = []
    for series in view.series:
        own = [line for line in lines if line.method == shown and line.point.series == series]
        names = dict.fromkeys(name for line in own for name in line.decisions.get(view.shows, {}))
        for name in names:
            called = f"Task {name}" if view.shows == "edge_batches" else name
            label = f"{called}, {series}" if len(view.series) > 1 else called
            curves.append(_curve(label, len(curves), own, _decided(view.shows, name)))
    return GridPanel(title, curves, _LABELS[view.shows], high=None if view.shows == "edge_batches" else 1.0)


def _reached(line: Line) -> Spread:
    return line.reached


def _decided(kind: str, name: str) -> Callable[[Line], Spread]:
    return lambda line: line.decisions.get(kind, {}).get(name, _NOTHING)


def _curve(label: str, look: int, lines: Sequence[Line], spread: Callable[[Line], Spread]) -> Curve:
    spreads = [spread(line) for line in lines]
    return Curve(
        label=label,
        look=look,
        x=tuple(math.nan if line.x is None else line.x for line in lines),
        middle=tuple(spread.mean for spread in spreads),
        half_width=tuple(spread.standard_error for spread in spreads),
    )
