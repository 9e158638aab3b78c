"""The picture of a simulation: delays of each task, use of the windows, sizes of batches."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..report.wording import percent
from ..simulation import Simulation
from ._paper import (
    EDGE,
    EMPTY,
    FAINT,
    INK,
    MARGIN,
    SCALE_WIDTH,
    SMALL,
    TEXT,
    TITLE,
    heading,
    panel,
    short,
    style,
    text_width,
)

HEADLINE, HEADING, SCALE, GAP = 0.5, 0.3, 0.45, 0.55
ROW = 0.26
CURVES_WIDTH, CURVES_HEIGHT, LEGEND_ROW = 4.4, 2.9, 0.2
# The rest of Okabe and Ito's palette, then the same with dashes.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", ":")
MOST_ROWS = 15
# The lowest share on the scale of delays: fewer are not worth a decade of paper.
LEAST = 1e-4


def draw_simulation(simulation: Simulation) -> Figure:
    """See `j3o_jax.plots.plot_simulation`."""
    late = np.nan_to_num(simulation.late_share_by_batch)
    there = [place for place in np.ndindex(late.shape) if simulation.batch_mean[:, place[0], place[1]].any()]
    batches = sorted(sorted(there, key=lambda place: -late[place])[:MOST_ROWS])
    edges = sorted(np.argsort(-simulation.utilisation_edge.mean(axis=0), kind="stable")[:MOST_ROWS].tolist())
    batch_names = [_batch_name(simulation, edge, task) for edge, task in batches]
    edge_names = [short(simulation.names.edges[edge]) for edge in edges]
    with style():
        labels = text_width([*batch_names, *edge_names], TEXT) + 0.14
        tasks = [task for task in range(late.shape[1]) if simulation.requests[:, :, task].any()]
        legend = LEGEND_ROW * -(-len(tasks) // 3)
        heights = [max(len(rows), 1) * ROW for rows in (edges, batches)]
        right_height = sum(heights) + 2 * HEADING + 2 * SCALE + 0.1
        body = max(right_height, HEADING + CURVES_HEIGHT + SCALE + legend)
        axis = 0.55
        left, top = MARGIN, MARGIN + HEADLINE
        right = left + axis + CURVES_WIDTH + GAP
        figure = Figure(figsize=(right + labels + SCALE_WIDTH + 0.5 + MARGIN, top + body + MARGIN))
        _headline(figure, simulation)
        heading(figure, left, top, "Share of the requests that waited longer")
        height = body - HEADING - SCALE - legend
        _delays(panel(figure, left + axis, top + HEADING, CURVES_WIDTH, height), simulation, tasks, height)
        heading(figure, right, top, "Use of the windows")
        _use(panel(figure, right + labels, top + HEADING, SCALE_WIDTH, heights[0]), simulation, edges, edge_names)
        below = top + HEADING + heights[0] + SCALE + 0.1
        more = "" if len(batches) == len(there) else f" (the {len(batches)} latest of {len(there)})"
        heading(figure, right, below, f"Requests in a batch{more}")
        sizes = panel(figure, right + labels, below + HEADING, SCALE_WIDTH, heights[1])
        _sizes(sizes, simulation, batches, batch_names)
    return figure


def _headline(figure: Figure, simulation: Simulation) -> None:
    across, down = figure.get_size_inches()
    measured, planned = float(simulation.accuracy.mean()), float(simulation.accuracy_planned)
    left, top = MARGIN / across, 1 - MARGIN / down
    title = f"Average accuracy {measured:.4f}, planned {planned:.4f}"
    figure.text(left, top, title, fontsize=TITLE, fontweight="bold", va="top")
    dropped = f"  ·  {percent(simulation.dropped_share)} dropped" if simulation.drop else ""
    runs = len(simulation.accuracy)
    text = (
        f"{percent(simulation.late_share)} of what edges answered took longer than two windows{dropped}  ·  "
        f"{runs:,} {'replication' if runs == 1 else 'replications'} of {simulation.duration.max():.4g} s"
    )
    figure.text(left, top - 0.22 / down, text, fontsize=SMALL, color=FAINT, va="top")


def _batch_name(simulation: Simulation, edge: int, task: int) -> str:
    if len(simulation.names.edges) == 1:
        return short(simulation.names.tasks[task])
    return short(f"{simulation.names.edges[edge]} · {simulation.names.tasks[task]}")


def _delays(axes: Axes, simulation: Simulation, tasks: list[int], height: float) -> None:
    """One curve for each task: the share of its requests, at all edges, whose delay is longer; `height` in inches."""
    served = simulation.served.sum(axis=0)
    grid = simulation.grid
    for order, task in enumerate(tasks):
        answered = np.nan_to_num(simulation.distribution[:, task]) * served[:, task, None]
        total = served[:, task].sum()
        beyond = 1.0 - answered.sum(axis=0) / total if total > 0 else np.zeros(len(grid))
        axes.semilogy(
            grid,
            # Below the scale, not at minus infinity: the curve then leaves by the lower edge.
            np.maximum(beyond, LEAST / 100),
            color=COLOURS[order % len(COLOURS)],
            linestyle=DASHES[order // len(COLOURS) % len(DASHES)],
            linewidth=1.5,
            label=short(simulation.names.tasks[task]),
        )
    axes.axvline(2.0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.text(2.04, 0.985, "2·T_b", transform=axes.get_xaxis_transform(), fontsize=SMALL, va="top")
    axes.set_xlim(0, grid[-1])
    axes.set_ylim(LEAST, 1.0)
    ticks = [1.0, 0.1, 0.01, 0.001, 0.0001]
    axes.set_yticks(ticks, ["100 %", "10 %", "1 %", "0.1 %", "0.01 %"], fontsize=SMALL)
    axes.minorticks_off()
    axes.tick_params(length=2, pad=2, colors=FAINT, labelsize=SMALL)
    axes.grid(axis="y", color=EMPTY, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("delay from arrival to answer, in windows T_b", fontsize=SMALL, color=FAINT, labelpad=2)
    if tasks:
        axes.legend(
            loc="upper left",
            bbox_to_anchor=(-0.02, -0.36 / height),
            ncols=3,
            frameon=False,
            fontsize=SMALL,
            handlelength=1.6,
            columnspacing=1.2,
            borderaxespad=0.0,
            labelspacing=0.35,
        )


def _use(axes: Axes, simulation: Simulation, edges: list[int], names: list[str]) -> None:
    measured, planned = simulation.utilisation_edge.mean(axis=0), simulation.utilisation_edge_planned
    widest = max(1.0, float(measured.max()), float(planned.max()))
    axes.axvline(1.0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    for row, edge in enumerate(edges):
        axes.barh(row + 0.5, measured[edge], height=0.62, color=EDGE)
        _mark(axes, row + 0.5, float(planned[edge]))
        axes.text(
            1.03,
            row + 0.5,
            f"{100 * measured[edge]:.0f}",
            transform=axes.get_yaxis_transform(),
            fontsize=SMALL,
            va="center_baseline",
        )
    axes.set_xlim(0, 1.02 * widest)
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}")
    _rows(axes, names, "seconds of work per second, in %; a line: planned")


def _sizes(axes: Axes, simulation: Simulation, batches: list[tuple[int, ...]], names: list[str]) -> None:
    mean, spread = simulation.batch_mean.mean(axis=0), simulation.batch_deviation.mean(axis=0)
    for row, place in enumerate(batches):
        axes.barh(
            row + 0.5,
            mean[place],
            height=0.62,
            color=EDGE,
            xerr=[[min(spread[place], mean[place])], [spread[place]]],
            error_kw={"ecolor": FAINT, "elinewidth": 0.9, "capsize": 2},
        )
        _mark(axes, row + 0.5, float(simulation.batch_planned[place]))
    axes.set_xlim(left=0)
    _rows(axes, names, "mean ± standard deviation; a line: planned")


def _mark(axes: Axes, middle: float, planned: float) -> None:
    axes.plot([planned, planned], [middle - 0.4, middle + 0.4], color=INK, linewidth=1.4, solid_capstyle="butt")


def _rows(axes: Axes, names: list[str], below: str) -> None:
    axes.set_ylim(max(len(names), 1), 0)
    axes.set_yticks(np.arange(len(names)) + 0.5, names, fontsize=TEXT)
    widest = axes.get_xlim()[1]
    axes.set_xticks([tick for tick in MaxNLocator(5).tick_values(0.0, widest) if tick <= widest])
    axes.tick_params(axis="y", length=0, pad=4)
    axes.tick_params(axis="x", length=2, pad=2, colors=FAINT, labelsize=SMALL)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(below, fontsize=SMALL, color=FAINT, labelpad=2)
