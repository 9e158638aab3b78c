"""Curves on panels side by side, in rows over a common axis. Loads matplotlib."""

import dataclasses
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ._paper import EMPTY, FAINT, MARGIN, SMALL, TEXT, TITLE, heading, panel, style, text_width
from .curves import Curve, draw_curve, finish_axes, horizontal_scale, known_points, line_style, scale_around

WIDTH, HEIGHT = 2.75, 1.95
TITLED, ROW_TITLED, PANEL_TITLED, NAMED, BETWEEN, BELOW = 0.4, 0.28, 0.26, 0.24, 0.3, 0.62
SCALE, SAMPLE, APART = 0.58, 0.42, 0.22


@dataclasses.dataclass(frozen=True)
class GridPanel:
    """One panel.

    **Arguments:**

    - `title`: what stands above it.
    - `curves`: what is on it.
    - `label`: what its vertical axis shows.
    - `low`, `high`: ends of that axis; None to leave one to the curves.
    """

    title: str
    curves: Sequence[Curve]
    label: str
    low: float | None = 0.0
    high: float | None = None


@dataclasses.dataclass(frozen=True)
class GridRow:
    """Panels side by side, and what stands above them, "" for nothing."""

    title: str
    panels: Sequence[GridPanel]


def draw_grid(rows: Sequence[GridRow], title: str, x_label: str, caption: str) -> Figure:
    """Draw rows of panels. What curves are called stands above them, where it is not the same as one row above."""
    with style():
        named = [_room_for_names(rows, index) for index in range(len(rows))]
        titled = [ROW_TITLED * bool(row.title) for row in rows]
        heights = [room + above + PANEL_TITLED + HEIGHT for room, above in zip(named, titled, strict=True)]
        across = 2 * MARGIN + max(len(row.panels) for row in rows) * (SCALE + WIDTH + APART) - APART
        across = max(across, 2 * MARGIN + text_width([caption], SMALL))
        down = 2 * MARGIN + TITLED + sum(heights) + BETWEEN * (len(rows) - 1) + BELOW
        figure = Figure(figsize=(across, down), facecolor="white")
        figure.text(MARGIN / across, 1 - MARGIN / down, title, fontsize=TITLE, va="top")
        figure.text(MARGIN / across, MARGIN / down, caption, fontsize=SMALL, color=FAINT)
        for index, row in enumerate(rows):
            top = MARGIN + TITLED + sum(heights[:index]) + BETWEEN * index
            heading(figure, MARGIN, top, row.title)
            for column, content in enumerate(row.panels):
                left = MARGIN + SCALE + column * (WIDTH + SCALE + APART)
                heading(figure, left, top + titled[index], content.title)
                under = top + titled[index] + PANEL_TITLED
                if named[index]:
                    _name(panel(figure, left, under - 0.05, WIDTH, named[index]), content.curves)
                axes = panel(figure, left, under + named[index], WIDTH, HEIGHT)
                _fill(axes, content)
                if index + 1 < len(rows):
                    axes.tick_params(labelbottom=False)
                else:
                    axes.set_xlabel(x_label, fontsize=TEXT, labelpad=4)
    return figure


def _room_for_names(rows: Sequence[GridRow], index: int) -> float:
    """Height of what the curves of a row are called; none if the row above has the same in all panels."""
    called = [[[curve.label for curve in content.curves] for content in row.panels] for row in rows]
    if index and called[index] == called[index - 1]:
        return 0.0
    return NAMED * max(len(_lines(content.curves)) for content in rows[index].panels)


def _lines(curves: Sequence[Curve]) -> list[list[tuple[float, Curve]]]:
    """Curves, and how far from the left their names begin, in lines that fit the panel."""
    lines: list[list[tuple[float, Curve]]] = [[]]
    left = 0.0
    for curve in curves:
        width = SAMPLE + text_width([curve.label], SMALL)
        if lines[-1] and left + width > WIDTH + APART:
            lines.append([])
            left = 0.0
        lines[-1].append((left, curve))
        left += width + 0.14
    return lines


def _fill(axes: Axes, content: GridPanel) -> None:
    shown = [curve for curve in content.curves if known_points(curve)]
    axes.grid(axis="y", color=EMPTY, linewidth=0.9)
    axes.set_axisbelow(True)
    for depth, curve in enumerate(shown):
        draw_curve(axes, curve, 2 + depth)
    if content.low is None:
        scale_around(axes)
    else:
        high = 1.05 * max(axes.dataLim.y1, 1e-9) if content.high is None else content.high
        margin = 0.03 * (high - content.low)
        axes.set_ylim(content.low - margin, high + margin)
        ticks = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(content.low, high)
        axes.set_yticks([tick for tick in ticks if content.low <= tick <= high + 1e-9])
    horizontal_scale(axes, sorted({x for curve in shown for x in curve.x}))
    axes.set_ylabel(content.label, fontsize=SMALL, labelpad=3)
    finish_axes(axes)


def _name(axes: Axes, curves: Sequence[Curve]) -> None:
    """What the curves are called, each beside a sample."""
    lines = _lines(curves)
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(axes.bbox.height / axes.figure.dpi, 0)
    middle = (SAMPLE - 0.06) / 2
    for index, line in enumerate(lines):
        down = (index + 0.5) * NAMED
        for left, curve in line:
            across = [left, left + middle, left + 2 * middle]
            axes.plot(across, [down] * 3, markevery=[1], clip_on=False, **line_style(curve))
            axes.text(left + SAMPLE, down, curve.label, fontsize=SMALL, va="center_baseline")
