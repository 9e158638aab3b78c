"""The picture of a simulation: delays of each task, use of the windows, sizes of batches."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..report.wording import count, percent
from ..simulation import Simulation
from .style import (
    EDGE,
    FAINT,
    INK,
    MARGIN,
    SCALE_WIDTH,
    SMALL,
    TEXT,
    colour_of,
    distinct,
    finish_axes,
    heading,
    headline,
    panel,
    short,
    style,
    text_width,
)

HEADLINE, HEADING, SCALE, GAP = 0.5, 0.3, 0.45, 0.55
ROW, AXIS = 0.26, 0.55
CURVES_WIDTH, CURVES_HEIGHT, LEGEND_ROW = 4.4, 2.9, 0.2
# All colours, then the same with dashes.
DASHES = ("-", "--", ":")
MOST_ROWS = 15
# The lowest share on the scale of delays: fewer are not worth a decade of paper.
LEAST = 1e-4


def draw_simulation(simulation: Simulation) -> Figure:
    """See `j3o_jax.plots.plot_simulation`."""
    late, names = np.nan_to_num(simulation.late_share_by_batch), simulation.names
    there = [place for place in np.ndindex(late.shape) if simulation.batch_mean[:, place[0], place[1]].any()]
    batches = sorted(sorted(there, key=lambda place: -late[place])[:MOST_ROWS])
    edges: list[int] = sorted(np.argsort(-simulation.utilisation_edge.mean(axis=0), kind="stable")[:MOST_ROWS].tolist())
    of_edge = [f"{edge} · " if len(names.edges) > 1 else "" for edge in names.edges]
    batch_names = [short(f"{of_edge[edge]}{names.tasks[task]}") for edge, task in batches]
    edge_names = [short(names.edges[edge]) for edge in edges]
    tasks = [task for task in range(late.shape[1]) if simulation.requests[:, :, task].any()]
    more = "" if len(batches) == len(there) else f" (the {len(batches)} latest of {len(there)})"
    with style():
        labels = text_width([*batch_names, *edge_names], TEXT) + 0.14
        legend = LEGEND_ROW * -(-len(tasks) // 3)
        heights = [max(len(rows), 1) * ROW for rows in (edges, batches)]
        body = max(sum(heights) + 2 * HEADING + 2 * SCALE + 0.1, HEADING + CURVES_HEIGHT + SCALE + legend)
        left, top = MARGIN, MARGIN + HEADLINE
        right = left + AXIS + CURVES_WIDTH + GAP
        figure = Figure(figsize=(right + labels + SCALE_WIDTH + 0.5 + MARGIN, top + body + MARGIN))
        measured, planned = float(simulation.accuracy.mean()), float(simulation.accuracy_planned)
        headline(figure, f"Average accuracy {measured:.4f}, planned {planned:.4f}", _subtitle(simulation))
        heading(figure, left, top, "Share of the requests that waited longer")
        height = body - HEADING - SCALE - legend
        _delays(panel(figure, left + AXIS, top + HEADING, CURVES_WIDTH, height), simulation, tasks, height)
        heading(figure, right, top, "Use of the windows")
        _use(panel(figure, right + labels, top + HEADING, SCALE_WIDTH, heights[0]), simulation, edges, edge_names)
        top += HEADING + heights[0] + SCALE + 0.1
        heading(figure, right, top, f"Requests in a batch{more}")
        sizes = panel(figure, right + labels, top + HEADING, SCALE_WIDTH, heights[1])
        _sizes(sizes, simulation, batches, batch_names)
    return figure


def _subtitle(simulation: Simulation) -> str:
    dropped = f"  ·  {percent(simulation.dropped_share)} dropped" if simulation.drop else ""
    runs = count(len(simulation.accuracy), "replication")
    late = f"{percent(simulation.late_share)} of what edges answered took longer than two windows"
    return f"{late}{dropped}  ·  {runs} of {simulation.duration.max():.4g} s"


def _delays(axes: Axes, simulation: Simulation, tasks: Sequence[int], height: float) -> None:
    """One curve for each task: the share of its requests, at all edges, whose delay is longer; `height` in inches."""
    served, grid = simulation.served.sum(axis=0), simulation.grid
    for order, task in enumerate(tasks):
        answered = np.nan_to_num(simulation.distribution[:, task]) * served[:, task, None]
        total = served[:, task].sum()
        beyond = 1.0 - answered.sum(axis=0) / total if total > 0 else np.zeros(len(grid))
        how = {"color": colour_of(distinct(order)), "linestyle": DASHES[order // 8 % len(DASHES)], "linewidth": 1.5}
        # Below the scale, not at minus infinity: the curve then leaves by the lower edge.
        axes.semilogy(grid, np.maximum(beyond, LEAST / 100), label=short(simulation.names.tasks[task]), **how)
    axes.axvline(2.0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.text(2.04, 0.985, "2·T_b", transform=axes.get_xaxis_transform(), fontsize=SMALL, va="top")
    axes.set_xlim(0, grid[-1])
    axes.set_ylim(LEAST, 1.0)
    axes.set_yticks([1.0, 0.1, 0.01, 0.001, 0.0001], ["100 %", "10 %", "1 %", "0.1 %", "0.01 %"])
    axes.minorticks_off()
    finish_axes(axes, "y")
    axes.set_xlabel("delay from arrival to answer, in windows T_b", fontsize=SMALL, color=FAINT, labelpad=2)
    if tasks:
        below: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (-0.02, -0.36 / height), "borderaxespad": 0.0}
        axes.legend(
            ncols=3, frameon=False, fontsize=SMALL, handlelength=1.6, columnspacing=1.2, labelspacing=0.35, **below
        )


def _use(axes: Axes, simulation: Simulation, edges: Sequence[int], names: Sequence[str]) -> None:
    measured, planned = simulation.utilisation_edge.mean(axis=0), simulation.utilisation_edge_planned
    axes.axvline(1.0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    for row, edge in enumerate(edges):
        axes.barh(row + 0.5, measured[edge], height=0.62, color=EDGE)
        place = {"transform": axes.get_yaxis_transform(), "va": "center_baseline"}
        axes.text(1.03, row + 0.5, f"{100 * measured[edge]:.0f}", fontsize=SMALL, **place)
    axes.set_xlim(0, 1.02 * max(1.0, float(measured.max()), float(planned.max())))
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}")
    _finish_rows(axes, names, planned[edges], "seconds of work per second, in %; a line: planned")


def _sizes(axes: Axes, simulation: Simulation, batches: Sequence[tuple[int, int]], names: Sequence[str]) -> None:
    places = tuple(np.array(batches, dtype=int).reshape(-1, 2).T)
    mean, spread = simulation.batch_mean.mean(axis=0)[places], simulation.batch_deviation.mean(axis=0)[places]
    bars = {"ecolor": FAINT, "elinewidth": 0.9, "capsize": 2}
    rows = np.arange(len(batches)) + 0.5
    axes.barh(rows, mean, height=0.62, color=EDGE, xerr=[np.minimum(spread, mean), spread], error_kw=bars)
    axes.set_xlim(left=0)
    _finish_rows(axes, names, simulation.batch_planned[places], "mean ± standard deviation; a line: planned")


def _finish_rows(axes: Axes, names: Sequence[str], planned: np.ndarray, below: str) -> None:
    for row, place in enumerate(planned):
        axes.plot([place] * 2, [row + 0.1, row + 0.9], color=INK, linewidth=1.4, solid_capstyle="butt")
    axes.set_ylim(max(len(names), 1), 0)
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    widest = axes.get_xlim()[1]
    axes.set_xticks([tick for tick in MaxNLocator(5).tick_values(0.0, widest) if tick <= widest])
    finish_axes(axes)
    axes.tick_params(axis="y", length=0, pad=4, labelsize=TEXT)
    axes.set_xlabel(below, fontsize=SMALL, color=FAINT, labelpad=2)
