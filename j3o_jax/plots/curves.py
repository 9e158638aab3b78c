"""Curves over a common axis, each a mean with a band, on one panel or several. Loads matplotlib."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from ._paper import EMPTY, FAINT, INK, MARGIN, SMALL, TEXT, heading, panel, style, text_width

WIDTH, HEIGHT = 4.4, 3.2
HEADING, LEFT, BELOW, SAMPLE, PITCH, APART = 0.32, 0.58, 0.66, 0.46, 0.25, 0.18
# Several panels stand one above the other, so that they have one axis and their names beside them in common.
LOWER, BETWEEN = 2.6, 0.28

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
    - `x`, `middle`: its points; where `middle` is NaN there is none, and the curve is interrupted.
    - `half_width`: of the band around each point, in the units of `middle`; NaN for none.
    """

    label: str
    look: int
    x: Sequence[float]
    middle: Sequence[float]
    half_width: Sequence[float]


@dataclasses.dataclass(frozen=True)
class Mark:
    """A faint line across a panel: at what `height`, and what it says, on one line or several, `label`."""

    height: float
    label: str


@dataclasses.dataclass(frozen=True)
class Panel:
    """One panel.

    **Arguments:**

    - `curves`: what is on it. A curve that is on several panels has the same label and look on all of them.
    - `label`: what its vertical axis shows.
    - `logarithmic`: whether that axis is; all points are above 0 then.
    - `from_zero`: whether an axis that is not starts at 0, or is cut around the curves.
    - `mark`: a faint line, named beside the panel.
    """

    curves: Sequence[Curve]
    label: str
    logarithmic: bool = False
    from_zero: bool = True
    mark: Mark | None = None


def draw_curves(panels: Sequence[Panel], title: str, x_label: str, caption: str) -> Figure:
    """Draw panels one above the other.

    What the curves are called stands beside them, once for all panels, in the order in which they end on the first.
    """
    # NaN cannot be sorted; curves without a point are not shown.
    named = {curve.label: curve for panel in reversed(panels) for curve in panel.curves if known_points(curve)}
    ordered = sorted(named.values(), key=lambda curve: -known_points(curve)[-1])
    heights = [HEIGHT if len(panels) == 1 else LOWER for _ in panels]
    height = sum(heights) + BETWEEN * (len(panels) - 1)
    with style():
        names_width = SAMPLE + text_width([curve.label for curve in ordered], TEXT)
        marks = [line for panel in panels if panel.mark is not None for line in panel.mark.label.splitlines()]
        beside = APART + max(names_width, text_width(marks, SMALL)) + 0.1
        figure = Figure(
            figsize=(2 * MARGIN + LEFT + WIDTH + beside, 2 * MARGIN + HEADING + height + BELOW), facecolor="white"
        )
        heading(figure, MARGIN, MARGIN, title)
        places = sorted({x for panel in panels for curve in panel.curves for x in curve.x})
        drawn: list[Axes] = []
        for index, content in enumerate(panels):
            top = MARGIN + HEADING + sum(heights[:index]) + BETWEEN * index
            axes = panel(figure, MARGIN + LEFT, top, WIDTH, heights[index])
            _fill(axes, content, places)
            drawn.append(axes)
        for axes in drawn[:-1]:
            axes.tick_params(labelbottom=False)
        _label(drawn, panels)
        drawn[-1].set_xlabel(x_label, fontsize=TEXT, labelpad=4)
        drawn[-1].annotate(
            caption,
            (0, 0),
            (0, -72 * BELOW),
            "axes fraction",
            "offset points",
            fontsize=SMALL,
            color=FAINT,
            va="bottom",
        )
        names = panel(figure, MARGIN + LEFT + WIDTH + APART, MARGIN + HEADING, beside - APART, heights[0])
        _name(names, ordered, beside - APART, heights[0])
    return figure


def known_points(curve: Curve) -> list[float]:
    """The points that there are."""
    return [middle for middle in curve.middle if not math.isnan(middle)]


def _fill(axes: Axes, content: Panel, places: Sequence[float]) -> None:
    """Draw the curves of a panel, and its axes."""
    shown = [curve for curve in content.curves if known_points(curve)]
    axes.grid(axis="y", color=EMPTY, linewidth=0.9)
    axes.set_axisbelow(True)
    if content.logarithmic:
        known = [point for curve in shown for point in known_points(curve)]
        _logarithmic_scale(axes, known if content.mark is None else [*known, content.mark.height])
    for depth, curve in enumerate(sorted(shown, key=lambda curve: not _is_solid(curve))):
        draw_curve(axes, curve, 2 + depth, axes.get_ylim()[0] if content.logarithmic else -math.inf)
    if not content.logarithmic:
        (_scale_from_zero if content.from_zero else scale_around)(axes)
    if content.mark is not None:
        _draw_mark(axes, content.mark)
    horizontal_scale(axes, places)
    finish_axes(axes)


def finish_axes(axes: Axes) -> None:
    """Take away what a panel of curves does without."""
    axes.tick_params(length=2.5, pad=3, colors=FAINT, labelcolor=INK, labelsize=SMALL)
    axes.tick_params(which="minor", length=1.5, color=FAINT)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _label(drawn: Sequence[Axes], panels: Sequence[Panel]) -> None:
    """Label the vertical axes in line with each other, as far to the left as the widest figure of any asks for."""
    figures = [text for axes in drawn for text in axes.yaxis.get_major_formatter().format_ticks([*axes.get_yticks()])]
    for axes, content in zip(drawn, panels, strict=True):
        axes.set_ylabel(content.label, fontsize=TEXT)
        axes.yaxis.set_label_coords(-(text_width(figures, SMALL) + 0.16) / WIDTH, 0.5)


def draw_curve(axes: Axes, curve: Curve, depth: int, floor: float = -math.inf) -> None:
    """Draw a curve, those of greater `depth` above others; its band ends at the `floor`."""
    band = [0.0 if math.isnan(half) else half for half in curve.half_width]
    low = [max(middle - half, floor) for middle, half in zip(curve.middle, band, strict=True)]
    high = [middle + half for middle, half in zip(curve.middle, band, strict=True)]
    look = line_style(curve)
    axes.fill_between(curve.x, low, high, color=look["color"], alpha=FAINTNESS, linewidth=0)
    axes.plot(curve.x, curve.middle, zorder=depth, clip_on=False, **look)


def _draw_mark(axes: Axes, mark: Mark) -> None:
    axes.axhline(mark.height, color=FAINT, linewidth=0.8, zorder=1.5)
    axes.annotate(
        mark.label,
        (1, mark.height),
        (72 * APART, 0),
        ("axes fraction", "data"),
        "offset points",
        fontsize=SMALL,
        color=FAINT,
        va="center",
    )


def _is_solid(curve: Curve) -> bool:
    return _LOOKS[curve.look % len(_LOOKS)][3] == "solid"


def line_style(curve: Curve) -> dict[str, Any]:
    """What matplotlib is told of a curve's look."""
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


def horizontal_scale(axes: Axes, places: Sequence[float]) -> None:
    """An axis with a tick at every place, if they are few."""
    if places:
        margin = 0.03 * ((places[-1] - places[0]) or 1.0)
        axes.set_xlim(places[0] - margin, places[-1] + margin)
    if 0 < len(places) <= 12:
        decimals = max(len(f"{place:g}".partition(".")[2]) for place in places)
        axes.set_xticks(places, [f"{place:.{decimals}f}" for place in places])


def _scale_from_zero(axes: Axes) -> None:
    # Beyond what matplotlib takes for the top: levels that lie close together would end at the edge.
    highest = max(axes.get_ylim()[1], 1.05 * axes.dataLim.y1)
    axes.set_ylim(0.0, highest)
    ticks = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(0.0, highest)
    axes.set_yticks([tick for tick in ticks if tick <= highest])


def scale_around(axes: Axes) -> None:
    """An axis that is cut close around the curves and their bands, with ticks as round as they can be."""
    low, high = axes.dataLim.y0, axes.dataLim.y1
    # Levels that differ by less than a figure has digits are drawn as levels.
    margin = max(0.08 * (high - low), 1e-6)
    axes.set_ylim(low - margin, high + margin)
    ticks = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(low - margin, high + margin)
    shown = [tick for tick in ticks if low - margin <= tick <= high + margin]
    axes.set_yticks(shown)


def _logarithmic_scale(axes: Axes, heights: Sequence[float]) -> None:
    """A logarithmic axis with room for all heights, and at least two powers of ten to read it by."""
    axes.set_yscale("log")
    low, high = math.log10(min(heights)) - 0.3, math.log10(max(heights)) + 0.3
    if math.floor(high) - math.ceil(low) < 1:
        low, high = math.floor(low), math.ceil(high)
    powers = range(math.ceil(low), math.floor(high) + 1)
    axes.set_ylim(10.0**low, 10.0**high)
    # matplotlib would write these as formulas, which pictures do without.
    raised = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    axes.set_yticks([10.0**power for power in powers], [f"10{str(power).translate(raised)}" for power in powers])
    axes.yaxis.set_minor_formatter(NullFormatter())


def _name(axes: Axes, curves: Sequence[Curve], width: float, height: float) -> None:
    """What the curves are called, with a sample of each, from the top down."""
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    for index, curve in enumerate(curves):
        down = 0.1 + index * PITCH
        middle = (SAMPLE - 0.08) / 2
        axes.plot([0.0, middle, 2 * middle], [down] * 3, markevery=[1], clip_on=False, **line_style(curve))
        axes.text(SAMPLE, down, curve.label, fontsize=TEXT, va="center_baseline")
