"""Curves over a common axis, each a mean with a band. Loads matplotlib."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ._paper import EMPTY, FAINT, INK, MARGIN, SMALL, TEXT, heading, panel, style, text_width

WIDTH, HEIGHT = 4.4, 3.2
HEADING, LEFT, BELOW, SAMPLE, PITCH, APART = 0.32, 0.58, 0.66, 0.46, 0.25, 0.18

# Okabe and Ito's palette again: colour, marker, its size, dash. Each look has a marker and a dash of its own, so that
# grey print tells them apart. Curves may lie on each other: one is broad and filled and goes below, the others are
# thin, broken and hollow, with markers of different sizes.
_LOOKS = (
    ("#E69F00", "s", 7.0, (0, (5, 2))),
    ("#009E73", "^", 10.5, (0, (7, 3, 1.5, 3))),
    ("#CC79A7", "D", 5.5, (0, (3, 1.5))),
    ("#6B6B6B", "v", 7.0, (0, (1.2, 1.4))),
    ("#222222", "x", 5.0, (0, (2, 4))),
    ("#0072B2", "o", 7.5, "solid"),
    ("#D55E00", "P", 7.5, (0, (9, 2))),
    ("#56B4E9", "*", 9.0, (0, (4, 1, 1, 1, 1, 1))),
)
BROAD, THIN = 3.2, 1.3
# Bands lie on each other, too: the scenarios are the same for all curves, and so is most of their spread.
FAINTNESS = 0.09


@dataclasses.dataclass(frozen=True)
class Curve:
    """One curve.

    **Arguments:**

    - `label`: what it is called.
    - `look`: number of its colour, marker and dash.
    - `x`, `middle`: its points.
    - `half_width`: of the band around each point, in the units of `middle`; NaN for none.
    """

    label: str
    look: int
    x: Sequence[float]
    middle: Sequence[float]
    half_width: Sequence[float]


def draw_curves(curves: Sequence[Curve], title: str, x_label: str, y_label: str, caption: str) -> Figure:
    """Draw curves on one panel; what they are called stands beside it, in the order in which they end."""
    shown = [curve for curve in curves if curve.x]
    # NaN cannot be sorted; curves without a point are not shown.
    ordered = sorted(shown, key=lambda curve: -curve.middle[-1])
    with style():
        names_width = APART + SAMPLE + text_width([curve.label for curve in ordered], TEXT) + 0.1
        figure = Figure(
            figsize=(2 * MARGIN + LEFT + WIDTH + names_width, 2 * MARGIN + HEADING + HEIGHT + BELOW), facecolor="white"
        )
        heading(figure, MARGIN, MARGIN, title)
        axes = panel(figure, MARGIN + LEFT, MARGIN + HEADING, WIDTH, HEIGHT)
        axes.grid(axis="y", color=EMPTY, linewidth=0.9)
        axes.set_axisbelow(True)
        for depth, curve in enumerate(sorted(shown, key=lambda curve: not _is_solid(curve))):
            _draw(axes, curve, 2 + depth)
        _scales(axes, shown)
        axes.set_xlabel(x_label, fontsize=TEXT, labelpad=4)
        axes.set_ylabel(y_label, fontsize=TEXT, labelpad=6)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.annotate(
            caption,
            (0, 0),
            (0, -72 * BELOW),
            "axes fraction",
            "offset points",
            fontsize=SMALL,
            color=FAINT,
            va="bottom",
        )
        names = panel(figure, MARGIN + LEFT + WIDTH + APART, MARGIN + HEADING, names_width - APART, HEIGHT)
        _name(names, ordered, names_width - APART)
    return figure


def _draw(axes: Axes, curve: Curve, depth: int) -> None:
    band = [0.0 if math.isnan(half) else half for half in curve.half_width]
    low = [middle - half for middle, half in zip(curve.middle, band, strict=True)]
    high = [middle + half for middle, half in zip(curve.middle, band, strict=True)]
    look = _line_style(curve)
    axes.fill_between(curve.x, low, high, color=look["color"], alpha=FAINTNESS, linewidth=0)
    axes.plot(curve.x, curve.middle, zorder=depth, clip_on=False, **look)


def _is_solid(curve: Curve) -> bool:
    return _LOOKS[curve.look % len(_LOOKS)][3] == "solid"


def _line_style(curve: Curve) -> dict[str, Any]:
    colour, marker, size, dash = _LOOKS[curve.look % len(_LOOKS)]
    return {
        "color": colour,
        "marker": marker,
        "linestyle": dash,
        "linewidth": BROAD if _is_solid(curve) else THIN,
        "markersize": size,
        "markerfacecolor": colour if _is_solid(curve) else "none",
        "markeredgecolor": colour,
        "markeredgewidth": 1.2,
    }


def _scales(axes: Axes, curves: Sequence[Curve]) -> None:
    places = sorted({x for curve in curves for x in curve.x})
    if places:
        margin = 0.03 * ((places[-1] - places[0]) or 1.0)
        axes.set_xlim(places[0] - margin, places[-1] + margin)
    if 0 < len(places) <= 12:
        decimals = max(len(f"{place:g}".partition(".")[2]) for place in places)
        axes.set_xticks(places, [f"{place:.{decimals}f}" for place in places])
    axes.set_ylim(bottom=0.0)
    highest = axes.get_ylim()[1]
    ticks = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(0.0, highest)
    axes.set_yticks([tick for tick in ticks if tick <= highest])
    axes.tick_params(length=2.5, pad=3, colors=FAINT, labelcolor=INK, labelsize=SMALL)


def _name(axes: Axes, curves: Sequence[Curve], width: float) -> None:
    """What the curves are called, with a sample of each, from the top down."""
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(HEIGHT, 0)
    for index, curve in enumerate(curves):
        height = 0.1 + index * PITCH
        middle = (SAMPLE - 0.08) / 2
        axes.plot([0.0, middle, 2 * middle], [height] * 3, markevery=[1], clip_on=False, **_line_style(curve))
        axes.text(SAMPLE, height, curve.label, fontsize=TEXT, va="center_baseline")
