"""The picture of an experiment that is a figure of the paper. Loads matplotlib."""

import math
from collections.abc import Callable, Iterable

from matplotlib.figure import Figure

from ..plots.curves import Curve, Mark, Panel, draw_curves
from ..report.wording import NEGLIGIBLE
from .entries import METHODS, OPTIMUM
from .placement_drawing import REACHED, draw_placement, look_of, said_of_means
from .summary import Line, Spread, Summary

_BEHIND = {"loss": "Loss above", "accuracy": "Accuracy below"}
_NOTHING = Spread(math.nan, math.nan, 0)


def draw(summary: Summary) -> Figure:
    """Draw the mean of every curve with a band of one standard error.

    A figure over iterations has a second panel: how far the methods are behind the optimum, where that is known.
    """
    axis = summary.experiment.axis
    if axis is None:
        raise ValueError(f"{summary.name}: is a table, and has no picture")
    said = said_of_means(summary)
    if summary.experiment.kind == "placement":
        return draw_placement(summary, axis.label, said)
    from_zero = summary.experiment.from_zero
    reached = REACHED[summary.lines[0].measure]
    panels = [Panel(_curves(summary.lines, lambda line: line.reached), reached, from_zero=from_zero)]
    if any(line.point.series for line in summary.lines):
        said[0] += f", {', '.join(dict.fromkeys(line.label for line in summary.lines))}"
    if not from_zero:
        said.append("the axis does not start at 0")
    compared = [line for line in summary.lines if line.method != OPTIMUM and not math.isnan(line.behind.mean)]
    if summary.experiment.iterations and any(_is_behind(line) for line in compared):
        panels.append(_panel_behind(compared))
        if not all(_is_behind(line) for line in compared):
            said.append("differences below 10⁻⁶ are not drawn")
    return draw_curves(panels, summary.experiment.title, axis.label, "; ".join(said))


def _panel_behind(lines: list[Line]) -> Panel:
    """The panel on which small differences to the optimum show, and below what they mean nothing."""
    tolerance = max(line.tolerance for line in lines)
    return Panel(
        _curves(lines, lambda line: line.behind if _is_behind(line) else _NOTHING),
        f"{_BEHIND[lines[0].measure]} the {METHODS[OPTIMUM].label}'s",
        logarithmic=True,
        mark=Mark(tolerance, "the exact solver's\nown gap") if tolerance > 0 else None,
    )


def _is_behind(line: Line) -> bool:
    """Whether there is a difference that a logarithmic axis can show, and that is no rounding."""
    return line.behind.mean > NEGLIGIBLE


def _curves(lines: Iterable[Line], spread: Callable[[Line], Spread]) -> list[Curve]:
    by_curve: dict[str, list[Line]] = {}
    for line in lines:
        by_curve.setdefault(line.curve, []).append(line)
    return [_curve(name, lines, place, spread) for place, (name, lines) in enumerate(by_curve.items())]


def _curve(name: str, lines: list[Line], place: int, spread: Callable[[Line], Spread]) -> Curve:
    spreads = [spread(line) for line in lines]
    return Curve(
        label=name,
        look=place if lines[0].point.series else look_of(lines[0].method),
        x=tuple(math.nan if line.x is None else line.x for line in lines),
        middle=tuple(spread.mean for spread in spreads),
        half_width=tuple(spread.standard_error for spread in spreads),
    )
