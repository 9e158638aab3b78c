"""The picture of an experiment that is a figure of the paper. Loads matplotlib."""

import math

from matplotlib.figure import Figure

from ..plots.curves import Curve, draw_curves
from ..report.wording import count
from .entries import METHODS
from .summary import Line, Summary


def draw(summary: Summary) -> Figure:
    """Draw the mean of every curve with a band of one standard error."""
    axis = summary.experiment.axis
    if axis is None:
        raise ValueError(f"{summary.name}: is a table, and has no picture")
    by_curve: dict[str, list[Line]] = {}
    for line in summary.lines:
        by_curve.setdefault(line.curve, []).append(line)
    curves = [_curve(name, lines, place) for place, (name, lines) in enumerate(by_curve.items())]
    measure = summary.lines[0].measure
    what = "Average test loss 1 − F" if measure == "loss" else "Average accuracy F"
    seeds = len(summary.seeds)
    caption = f"Mean over {count(seeds, 'seed')}" + ("; band: ± one standard error of the mean" if seeds > 1 else "")
    return draw_curves(curves, summary.experiment.title, axis.label, what, caption)


def _curve(name: str, lines: list[Line], place: int) -> Curve:
    # A method looks the same in every figure, whichever others are beside it.
    look = place if lines[0].point.series else list(METHODS).index(lines[0].method)
    lines = [line for line in lines if not math.isnan(line.reached.mean)]
    return Curve(
        label=name,
        look=look,
        x=tuple(math.nan if line.x is None else line.x for line in lines),
        middle=tuple(line.reached.mean for line in lines),
        half_width=tuple(line.reached.standard_error for line in lines),
    )
