"""The picture of an experiment that is a figure of the paper. Loads matplotlib."""

import math
import string
from collections.abc import Callable, Iterable, Sequence

from matplotlib.figure import Figure

from ..experiments._statistics import Spread
from ..experiments.paper.declaration import View
from ..experiments.paper.methods import METHODS, OPTIMUM
from ..plots.panels import Curve, Level, Named, Panel, curves_panel
from ..plots.scales import Scale
from ..plots.sheet import draw_sheet
from ..report.wording import NEGLIGIBLE, count
from .summary import Line, Summary

_REACHED = {"loss": "Average test loss 1 − F", "accuracy": "Average accuracy F"}
_BEHIND = {"loss": "Loss above", "accuracy": "Accuracy below"}
_DECIDED = {
    "edge_models": "Part of seeds",
    "client_models": "Part of clients and seeds",
    "edge_batches": "Queries per window",
}
_NOTHING = Spread(math.nan, math.nan, 0)


def draw(summary: Summary) -> Figure:
    """Draw the mean of every curve with a band of one standard error.

    A figure over iterations has a second panel: how far the methods are behind the optimum, where that is known.
    """
    axis = summary.experiment.axis
    if axis is None:
        raise ValueError(f"{summary.name}: is a table, and has no picture")
    seeds, from_zero = len(summary.seeds), summary.experiment.from_zero
    scale = Scale(axis.label, sorted({line.x for line in summary.lines if line.x is not None}))
    placement = summary.experiment.kind == "placement"
    said = [f"Mean over {count(seeds, 'seed')}"]
    if not placement and any(line.point.series for line in summary.lines):
        said[0] += f", {', '.join(dict.fromkeys(line.label for line in summary.lines))}"
    if seeds > 1:
        said.append("band: ± one standard error of the mean")
    if placement:
        return _draw_placement(summary, scale, said)
    if not from_zero:
        said.append("the axis does not start at 0")
    compared = [line for line in summary.lines if line.method != OPTIMUM and not math.isnan(line.behind.mean)]
    behind = bool(summary.experiment.iterations) and any(_is_behind(line) for line in compared)
    height = 2.6 if behind else 3.2
    curves = _curves(summary.lines, lambda line: line.reached)
    reached = _REACHED[summary.lines[0].measure]
    panels = [curves_panel("", reached, curves, scale, ends=(0.0 if from_zero else None, None), height=height)]
    if behind:
        panels.append(_panel_behind(compared, scale, height))
        if not all(_is_behind(line) for line in compared):
            said.append("differences below 10⁻⁶ are not drawn")
    # In the order in which they end.
    named = sorted((curve for curve in curves if curve.known), key=lambda curve: -curve.known[-1])
    return draw_sheet(
        [("", [panel]) for panel in panels],
        summary.experiment.title,
        "; ".join(said),
        names=[Named(curve.label, curve.look) for curve in named],
        beside=True,
        shared=True,
        width=4.4,
    )


def _panel_behind(lines: list[Line], scale: Scale, height: float) -> Panel:
    """Draw the panel on which small differences to the optimum show, and below what they mean nothing."""
    tolerance = max(line.tolerance for line in lines)
    curves = _curves(lines, lambda line: line.behind if _is_behind(line) else _NOTHING)
    label = f"{_BEHIND[lines[0].measure]} the {METHODS[OPTIMUM].label}'s"
    level = Level(tolerance, "the exact solver's\nown gap") if tolerance > 0 else None
    return curves_panel("", label, curves, scale, log=True, level=level, height=height)


def _is_behind(line: Line) -> bool:
    """Whether there is a difference that a logarithmic axis can show, and that is no rounding."""
    return line.behind.mean > NEGLIGIBLE


def _draw_placement(summary: Summary, scale: Scale, said: Sequence[str]) -> Figure:
    """Draw the views of an experiment on placements."""
    experiment = summary.experiment
    last = experiment.methods[-1]
    rows: list[tuple[str, list[Panel]]] = []
    for views in experiment.views:
        letters = zip(string.ascii_lowercase, views, strict=False)
        titled = [(f"({letter}) {view.title}", view) for letter, view in letters]
        rows.append((_title(views), [_view_panel(summary, view, view.method or last, t, scale) for t, view in titled]))
    if any(not view.method for views in experiment.views for view in views):
        said = [*said, f"decisions of {METHODS[last].label}"]
    return draw_sheet(rows, experiment.title, "; ".join(said), shared=True, width=2.75)


def _title(views: Sequence[View]) -> str:
    """Return what the panels of a row have in common."""
    if views[0].method:
        return f"Decisions of {METHODS[views[0].method].label}"
    common = {view.series for view in views}
    return views[0].series[0].capitalize() if len(common) == 1 else ""


def _view_panel(summary: Summary, view: View, shown: str, title: str, scale: Scale) -> Panel:
    lines = [line for line in summary.lines if line.point.series in view.series]
    ends: tuple[float | None, float | None] = (None, None)
    if view.shows == "accuracy":
        label = _REACHED[lines[0].measure]
        curves = _curves(lines, lambda line: line.reached, by_method=True)
    else:
        label, ends = _DECIDED[view.shows], (0.0, None) if view.shows == "edge_batches" else (-0.05, 1.05)
        curves = []
        for series in view.series:
            own = [line for line in lines if line.method == shown and line.point.series == series]
            for name in dict.fromkeys(name for line in own for name in line.decisions.get(view.shows, {})):
                called = f"Task {name}" if view.shows == "edge_batches" else name
                called += f", {series}" if len(view.series) > 1 else ""
                curves.append(_curve(called, len(curves), own, _decided(view.shows, name)))
    return curves_panel(title, label, curves, scale, ends=ends, height=1.95, named=True)


def _decided(kind: str, name: str) -> Callable[[Line], Spread]:
    return lambda line: line.decisions.get(kind, {}).get(name, _NOTHING)


def _curves(lines: Iterable[Line], spread: Callable[[Line], Spread], *, by_method: bool = False) -> list[Curve]:
    """Make a curve for each setting, or method; a method looks the same in every figure, whatever is beside it."""
    by_curve: dict[str, list[Line]] = {}
    for line in lines:
        by_curve.setdefault(line.label if by_method else line.curve, []).append(line)
    curves, looks = [], list(METHODS)
    for place, (name, own) in enumerate(by_curve.items()):
        method = METHODS[own[0].method].same_as or own[0].method
        setting = own[0].point.series and not by_method
        curves.append(_curve(name, place if setting else looks.index(method), own, spread))
    return curves


def _curve(name: str, look: int, lines: Sequence[Line], spread: Callable[[Line], Spread]) -> Curve:
    spreads = [spread(line) for line in lines]
    x = [math.nan if line.x is None else line.x for line in lines]
    return Curve(name, look, x, [own.mean for own in spreads], [own.standard_error for own in spreads])
