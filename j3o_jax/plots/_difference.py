"""The picture of what changes from one plan to another: MB moved to each edge, and accuracy by task."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..report.difference import Difference, LinkLoad, TaskChange, signed
from ..report.wording import count, number
from .style import (
    EDGE,
    FAINT,
    INK,
    LOCAL,
    MARGIN,
    SMALL,
    finish_axes,
    heading,
    headline,
    panel,
    short,
    style,
    text_width,
)

# Edges and tasks beyond so many are not told apart in a picture.
_MOST_ROWS = 16
_ROW, _ABOVE, _WIDTH, _HEADLINE, _GAP, _SIDE = 0.3, 0.34, 3.0, 0.62, 0.5, 0.75


def draw_difference(difference: Difference) -> Figure:
    """See `j3o_jax.plots.plot_difference`."""
    links = sorted(difference.links, key=lambda link: -link.total_mb)[:_MOST_ROWS]
    tasks = difference.tasks[:_MOST_ROWS]
    rows = max(len(links), len(tasks), 1)
    with style():
        of_edges = text_width([short(link.edge) for link in links], SMALL) + 0.15
        of_tasks = text_width([short(task.task) for task in tasks], SMALL) + 0.15
        left = MARGIN + of_edges
        right = left + _WIDTH + _SIDE + _GAP + of_tasks
        height, top = rows * _ROW, MARGIN + _HEADLINE + _ABOVE
        figure = Figure(figsize=(right + _WIDTH + _SIDE + MARGIN, top + height + 0.75), facecolor="white")
        headline(figure, _title(difference), _subtitle(difference))
        heading(figure, MARGIN, MARGIN + _HEADLINE, "MB moved from the cloud to each edge")
        _links(panel(figure, left, top, _WIDTH, height), links, rows)
        heading(figure, right - of_tasks, MARGIN + _HEADLINE, "Accuracy by task, before ○ and after ●")
        _tasks(panel(figure, right, top, _WIDTH, height), tasks, rows)
    return figure


def _title(difference: Difference) -> str:
    moved = "" if math.isnan(difference.moved_mb) else f"{number(difference.moved_mb)} MB moved, "
    return f"{moved}accuracy {signed(difference.gain)}"


def _subtitle(difference: Difference) -> str:
    comes, goes = (sum(len(getattr(node, what)) for node in difference.nodes) for what in ("comes", "goes"))
    words = f"{count(comes, 'new model')}, {count(goes, 'model')} dropped at {count(len(difference.nodes), 'node')}"
    if difference.cost is None:
        return words
    verdict = {None: "", True: ", which pays", False: ", which does not pay"}[difference.pays]
    return f"{words}  ·  moving costs {number(difference.cost)} of accuracy{verdict}"


def _links(axes: Axes, links: Sequence[LinkLoad], rows: int) -> None:
    for row, link in enumerate(links):
        axes.barh(row + 0.5, link.to_edge_mb, height=0.62, color=EDGE)
        axes.barh(row + 0.5, link.to_clients_mb, left=link.to_edge_mb, height=0.62, color=LOCAL)
        words = f" {number(link.total_mb)}"
        axes.text(link.total_mb, row + 0.5, words, fontsize=SMALL, va="center_baseline", color=INK)
    most = max([link.total_mb for link in links], default=0.0)
    axes.set_xlim(0, most if most > 0.0 else 1.0)
    axes.set_yticks([row + 0.5 for row in range(len(links))], [short(link.edge) for link in links])
    _finish(axes, rows)
    places = ((0.0, "to the edge itself", EDGE), (0.45, "to its clients", LOCAL))
    for place, words, colour in places:
        axes.annotate(
            f"■ {words}", (place, 0), (0, -30), "axes fraction", "offset points", fontsize=SMALL, color=colour
        )


def _tasks(axes: Axes, tasks: Sequence[TaskChange], rows: int) -> None:
    known = [value for task in tasks for value in _values(task) if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    room = max(0.08 * (high - low), 0.005)
    for row, task in enumerate(tasks):
        before, after = _values(task)
        axes.plot([before, after], [row + 0.5] * 2, color=FAINT, linewidth=1.4, zorder=2)
        axes.plot([before], [row + 0.5], marker="o", markersize=6, color=FAINT, markerfacecolor="white", zorder=3)
        axes.plot([after], [row + 0.5], marker="o", markersize=6, color=LOCAL, zorder=4)
        axes.text(1.02, row + 0.5, signed(task.gain), transform=axes.get_yaxis_transform(), fontsize=SMALL, va="center")
    axes.set_xlim(low - room, high + room)
    axes.set_yticks([row + 0.5 for row in range(len(tasks))], [short(task.task) for task in tasks])
    _finish(axes, rows)


def _values(task: TaskChange) -> tuple[float, float]:
    return (math.nan if task.before is None else task.before.accuracy), task.after.accuracy


def _finish(axes: Axes, rows: int) -> None:
    axes.set_ylim(rows, 0)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    finish_axes(axes, "x")
    axes.tick_params(axis="y", length=0)
