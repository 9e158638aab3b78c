"""Points on panels side by side, some of them joined by lines, with logarithmic axes. Loads matplotlib."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from ._paper import EMPTY, FAINT, INK, MARGIN, SMALL, TEXT, TITLE, heading, panel, style, text_width
from .curves import finish_axes

WIDTH, HEIGHT = 3.7, 2.7
TITLED, PANEL_TITLED, SCALE, APART, BELOW, NAMED, CAPTION = 0.42, 0.28, 0.72, 0.3, 0.56, 0.21, 0.3
# Points on the lower edge and the axis' ends would be cut in half.
_ROOM = 0.05

# Okabe and Ito's palette, with a marker of its own for each colour.
_LOOKS = (
    ("#0072B2", "o"),
    ("#E69F00", "s"),
    ("#009E73", "^"),
    ("#CC79A7", "D"),
    ("#56B4E9", "v"),
    ("#D55E00", "P"),
    ("#222222", "X"),
    ("#6B6B6B", "*"),
)


@dataclasses.dataclass(frozen=True)
class Points:
    """Some points.

    **Arguments:**

    - `label`: what they are called; "" for nothing.
    - `x`, `y`: where they are. Points below the panel's floor stand on it.
    - `look`: number of their colour and marker; None for faint dots that others stand out from.
    - `joined`: whether a line goes through them in their order.
    - `large`: whether they are marked as something apart, above all others.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    look: int | None = None
    joined: bool = False
    large: bool = False


@dataclasses.dataclass(frozen=True)
class PointPanel:
    """One panel.

    **Arguments:**

    - `title`, `x_label`, `y_label`: what it shows.
    - `points`: what is on it.
    - `logarithmic`: whether the horizontal axis is; the vertical one always is.
    - `floor`: lowest height that is told apart.
    """

    title: str
    x_label: str
    y_label: str
    points: Sequence[Points]
    logarithmic: bool
    floor: float


def draw_points(panels: Sequence[PointPanel], title: str, caption: str) -> Figure:
    """Draw panels side by side; what the points are called stands below each."""
    with style():
        names = max(len(_named(content)) for content in panels)
        across = 2 * MARGIN + len(panels) * (SCALE + WIDTH) + (len(panels) - 1) * APART
        across = max(across, 2 * MARGIN + text_width([caption], SMALL), 2 * MARGIN + text_width([title], TITLE))
        down = 2 * MARGIN + TITLED + PANEL_TITLED + HEIGHT + BELOW + names * NAMED + CAPTION
        figure = Figure(figsize=(across, down), facecolor="white")
        figure.text(MARGIN / across, 1 - MARGIN / down, title, fontsize=TITLE, va="top")
        figure.text(MARGIN / across, MARGIN / down, caption, fontsize=SMALL, color=FAINT)
        for index, content in enumerate(panels):
            left = MARGIN + SCALE + index * (WIDTH + SCALE + APART)
            heading(figure, left, MARGIN + TITLED, content.title)
            axes = panel(figure, left, MARGIN + TITLED + PANEL_TITLED, WIDTH, HEIGHT)
            _fill(axes, content)
            _name(axes, content)
    return figure


def _named(content: PointPanel) -> list[Points]:
    return [points for points in content.points if points.label and len(points.x)]


def _fill(axes: Axes, content: PointPanel) -> None:
    axes.grid(color=EMPTY, linewidth=0.9)
    axes.set_axisbelow(True)
    for points in content.points:
        heights = [max(height, content.floor) for height in points.y]
        axes.plot(points.x, heights, clip_on=False, **_line(points))
    every = [max(height, content.floor) for points in content.points for height in points.y]
    _scale(axes, "y", every, True)
    _scale(axes, "x", [x for points in content.points for x in points.x], content.logarithmic)
    axes.set_xlabel(content.x_label, fontsize=TEXT, labelpad=3)
    axes.set_ylabel(content.y_label, fontsize=TEXT, labelpad=3)
    finish_axes(axes)


def _line(points: Points) -> dict[str, Any]:
    colour, marker = (FAINT, "o") if points.look is None else _LOOKS[points.look % len(_LOOKS)]
    return {
        "color": colour,
        "marker": marker,
        "linestyle": "-" if points.joined else "none",
        "linewidth": 1.1,
        "markersize": 9.0 if points.large else 2.6 if points.look is None else 3.4,
        "markeredgecolor": INK if points.large else colour,
        "markeredgewidth": 1.2 if points.large else 0.0,
        "zorder": 5 if points.large else 2 if points.look is None else 3,
    }


def _scale(axes: Axes, which: str, values: Sequence[float], logarithmic: bool) -> None:
    """Ends and ticks of an axis."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    limits = axes.set_ylim if which == "y" else axes.set_xlim
    low, high = min(values), max(values)
    if not logarithmic:
        margin = _ROOM * ((high - low) or abs(high) or 1.0)
        limits(low - margin, high + margin)
        ticks = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        axis.set_ticks([tick for tick in ticks if low - margin <= tick <= high + margin])
        return
    (axes.set_yscale if which == "y" else axes.set_xscale)("log")
    margin = max(_ROOM * math.log10(high / low), 0.06)
    low, high = 10 ** (math.log10(low) - margin), 10 ** (math.log10(high) + margin)
    limits(low, high)
    decades = math.log10(high / low)
    every = -(-int(decades) // 6) or 1
    steps = (1.0,) if decades > 2.5 else (1.0, 2.0, 5.0) if decades > 0.8 else (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1, every)
    ticks = [tick for power in powers for step in steps if low <= (tick := step * 10.0**power) <= high]
    # matplotlib would write these as formulas, which pictures do without.
    axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_minor_formatter(NullFormatter())


def _name(axes: Axes, content: PointPanel) -> None:
    named = _named(content)
    if not named:
        return
    shown = [line for line, points in zip(axes.get_lines(), content.points, strict=True) if points in named]
    axes.legend(
        shown,
        [points.label for points in named],
        loc="upper left",
        bbox_to_anchor=(-0.02, -0.9 * BELOW / HEIGHT),
        borderaxespad=0.0,
        frameon=False,
        fontsize=SMALL,
        handlelength=1.8,
        labelspacing=0.35,
    )
