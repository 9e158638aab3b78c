"""The picture of a replanning: demand, accuracy, MB moved and regret over time, for every strategy."""

import numpy as np
from matplotlib.figure import Figure

from ..replanning._run import STRATEGIES, Course
from .panels import Curve, Named, curves_panel
from .scales import Scale
from .sheet import draw_sheet
from .style import distinct

_WIDTH = 6.4


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
    panels = [
        curves_panel("Demand", "queries/s", demand, scale, ends=(0.0, None), height=1.1, named=True),
        curves_panel("Accuracy of what came", "accuracy", curves(course.accuracy), scale, height=1.7),
        curves_panel("Accuracy gained over static", "accuracy", curves(course.accuracy - static), scale, height=1.4),
        curves_panel("MB moved so far", "MB", curves(np.cumsum(course.moved_mb, axis=1)), scale, height=1.4),
        curves_panel("Regret so far", "objective", curves(np.cumsum(course.regret, axis=1)), scale, height=1.4),
    ]
    names = [Named(name, looks[name], drawn="line") for name in course.strategies]
    rows = [("", [content]) for content in panels]
    return draw_sheet(rows, "Replanning over time", names=names, shared=True, width=_WIDTH)
