"""The picture of a replanning: demand, accuracy, MB moved and regret over time, for every strategy."""

import numpy as np
from matplotlib.figure import Figure

from ..replanning._run import STRATEGIES, Course
from .panels import Curve, Named, Panel, curves_panel
from .scales import Scale
from .sheet import draw_sheet
from .style import distinct

_WIDTH = 6.4
# A scale of less would show rounding.
_LEAST_SPAN = 1e-3


def draw_replanning(course: Course) -> Figure:
    """See `j3o_jax.plots.plot_replanning`."""
    hours = (np.arange(len(course.rate)) * course.period_seconds / 3600.0).tolist()
    scale = Scale("hours since the beginning", places=hours)
    looks = {
        name: distinct(place) for place, name in enumerate(("replan", "scratch", "static", "clairvoyant", "horizon"))
    }

    def curves(values: np.ndarray) -> list[Curve]:
        rows = zip(course.strategies, values.tolist(), strict=True)
        return [Curve(name, looks[name], hours, row, drawn="line") for name, row in rows]

    static = course.accuracy[STRATEGIES.index("static")]
    demand = [
        Curve("came", looks["clairvoyant"], hours, course.rate.tolist(), drawn="line"),
        Curve("estimated", looks["replan"], hours, course.estimate.tolist(), drawn="line"),
    ]

    def over_time(title: str, label: str, values: np.ndarray, height: float, least: float = _LEAST_SPAN) -> Panel:
        return curves_panel(title, label, curves(values), scale, ends=_ends(values, least), height=height)

    panels = [
        curves_panel("Demand", "queries/s", demand, scale, ends=(0.0, None), height=1.1, named=True),
        over_time("Accuracy of what came", "accuracy", course.accuracy, 1.7),
        over_time("Accuracy gained over static", "accuracy", course.accuracy - static, 1.4),
        over_time("MB moved so far", "MB", np.cumsum(course.moved_mb, axis=1), 1.4, least=1.0),
        over_time("Regret so far", "objective", np.cumsum(course.regret, axis=1), 1.4),
    ]
    names = [Named(name, looks[name], drawn="line") for name in course.strategies]
    rows = [("", [content]) for content in panels]
    return draw_sheet(rows, "Replanning over time", names=names, shared=True, width=_WIDTH)


def _ends(values: np.ndarray, least: float) -> tuple[float | None, float | None]:
    """Return the ends of a vertical axis if all values are nearly the same; else it is close around the curves."""
    low, high = float(values.min()), float(values.max())
    middle = 0.5 * (low + high)
    return (None, None) if high - low >= least else (middle - 0.5 * least, middle + 0.5 * least)
