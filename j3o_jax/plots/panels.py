"""Panels of a picture: each knows its data and draws itself on given axes.

What the rows of a panel are called stands above each row, so that the same panel is read on a telephone and in a paper.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .scales import Scale, horizontal_scale, linear_ticks, log_ticks, percent_ticks, vertical_scale
from .style import FAINT, SMALL, TEXT, Drawn, colour_of, finish_axes, line_style, short

ROW = 0.42
# Bands lie on each other: the scenarios are the same for all curves, and so is most of their spread.
_FAINTNESS = 0.12
_MOST_MARKERS, _LONGEST = 15, 48


@dataclasses.dataclass(frozen=True)
class Hit:
    """A place of a panel, in its data's units, and what is to be told of it."""

    x: float
    y: float
    words: str


@dataclasses.dataclass(frozen=True)
class Named:
    """Legend entry: what a style, or a colour, stands for."""

    words: str
    look: int | None = None
    colour: str = ""
    drawn: Drawn = "curve"


@dataclasses.dataclass(frozen=True)
class Panel:
    """One panel.

    **Arguments:**

    - `title`: what stands above it.
    - `label`: what it measures.
    - `draw`: draws it.
    - `height`: inches of the axes.
    - `hits`: what can be pointed at.
    - `names`: what looks stand for on this panel alone.
    - `beside`: what is said at its right.
    - `has_rows`: whether its rows are named above each, so that there is nothing at its left.
    """

    title: str
    label: str
    draw: Callable[[Axes], None]
    height: float = 1.85
    hits: Sequence[Hit] = ()
    names: Sequence[Named] = ()
    beside: str = ""
    has_rows: bool = False


@dataclasses.dataclass(frozen=True)
class Curve:
    """One curve.

    **Arguments:**

    - `label`: what it is called; "" for nothing.
    - `look`: number of its colour, marker and dash; None for faint dots.
    - `x`, `middle`: its points; where `middle` is NaN there is none, and the curve is interrupted.
    - `half_width`: of the band around each point, in the units of `middle`; NaN for none.
    - `drawn`: how.
    """

    label: str
    look: int | None
    x: Sequence[float]
    middle: Sequence[float]
    half_width: Sequence[float] = ()
    drawn: Drawn = "curve"

    @property
    def known(self) -> list[float]:
        """The points that there are."""
        return [middle for middle in self.middle if not math.isnan(middle)]

    @property
    def band(self) -> tuple[np.ndarray, np.ndarray]:
        """Ends of its band."""
        middle = np.asarray(self.middle, dtype=float)
        half = np.nan_to_num(np.asarray(self.half_width, dtype=float)) if len(self.half_width) else 0.0
        return middle - half, middle + half


@dataclasses.dataclass(frozen=True)
class Level:
    """A faint line across a panel: at what height, and what it says, on one line or several."""

    height: float
    label: str = ""


def curves_panel(
    title: str,
    label: str,
    curves: Sequence[Curve],
    scale: Scale,
    *,
    ends: tuple[float | None, float | None] = (None, None),
    log: bool = False,
    level: Level | None = None,
    height: float = 1.85,
    hits: Sequence[Hit] = (),
    named: bool = False,
) -> Panel:
    """Curves over a scale, with bands.

    **Arguments:**

    - `title`, `label`, `height`, `hits`: see `Panel`.
    - `ends`: of the vertical axis; None for close around the curves.
    - `log`: whether it is logarithmic; all points are above 0 then.
    - `level`: a faint line.
    - `named`: whether the panel itself says what its curves are called.
    """
    shown = [curve for curve in curves if curve.known]

    def draw(axes: Axes) -> None:
        floor = -math.inf
        if log and shown:
            known = [point for curve in shown for point in curve.known] + ([level.height] if level else [])
            room = max(0.15, 0.05 * math.log10(max(known) / min(known)))
            floor = min(known) / 10**room
            axes.set_yscale("log")
            axes.set_ylim(floor, max(known) * 10**room)
            log_ticks(axes.yaxis, *axes.get_ylim())
        for index, curve in enumerate(shown):
            if scale.names:
                # Side by side: nothing lies between the places.
                aside = 0.14 * (index - (len(shown) - 1) / 2)
                _draw_apart(axes, dataclasses.replace(curve, x=[place + aside for place in curve.x]))
            else:
                _draw_curve(axes, curve, floor)
        if not log:
            vertical_scale(axes, *ends)
        if level is not None:
            axes.axhline(level.height, color=FAINT, linewidth=0.8, zorder=1.5)
            at = (1, level.height)
            how = {"fontsize": SMALL, "color": FAINT, "va": "center"}
            axes.annotate(level.label, at, (13, 0), ("axes fraction", "data"), "offset points", **how)
        horizontal_scale(axes, scale)
        finish_axes(axes, "y")

    names = [Named(curve.label, curve.look, "", curve.drawn) for curve in shown if curve.label] if named else []
    return Panel(title, label, draw, height, hits, names, level.label if level is not None else "")


def _draw_curve(axes: Axes, curve: Curve, floor: float) -> None:
    """Draw a curve; its band ends at the `floor`."""
    look = line_style(curve.look, curve.drawn)
    if len(curve.half_width):
        low, high = curve.band
        axes.fill_between(curve.x, np.maximum(low, floor), high, color=look["color"], alpha=_FAINTNESS, linewidth=0)
    every = -(-len(curve.x) // _MOST_MARKERS) if curve.drawn == "curve" else 1
    axes.plot(curve.x, curve.middle, clip_on=False, markevery=every, **look)


def _draw_apart(axes: Axes, curve: Curve) -> None:
    """Draw the points of a curve by themselves, with bars for its band."""
    look: dict[str, Any] = line_style(curve.look) | {"linestyle": "none"}
    half = (curve.band[1] - curve.band[0]) / 2
    axes.errorbar(curve.x, curve.middle, yerr=half, fmt="none", ecolor=look["color"], elinewidth=1.4, capsize=2.5)
    axes.plot(curve.x, curve.middle, **look)


def ends_of(curves: Sequence[Curve], *, zero: bool) -> tuple[float, float]:
    """Find the ends of a vertical axis that panels have in common: those of curves and their bands, with some room."""
    edges = [float(end) for curve in curves for band in curve.band for end in band] + ([0.0] if zero else [])
    room = max(0.08 * (max(edges) - min(edges)), 1e-6)
    return min(edges) - room, max(edges) + room


def cumulative_panel(label: str, axis: str, steps: Sequence[tuple[int, Sequence[float], Sequence[float]]]) -> Panel:
    """Shares of rows up to each value, on a logarithmic scale: `steps` are a look, values and shares."""

    def draw(axes: Axes) -> None:
        axes.set_xscale("log")
        low = min((values[0] for _, values, _ in steps), default=1e-4)
        high = max((values[-1] for _, values, _ in steps), default=1e-2)
        low, high = 10.0 ** math.floor(math.log10(low) - 0.05), 10.0 ** math.ceil(math.log10(high) + 0.05)
        for look, values, shares in steps:
            line: dict[str, Any] = line_style(look) | {"marker": ""}
            axes.step([values[0], *values, high], [0.0, *shares, shares[-1]], where="post", **line)
        axes.set_xlim(low, high)
        axes.set_ylim(0, 1)
        log_ticks(axes.xaxis, low, high)
        percent_ticks(axes.yaxis)
        axes.set_xlabel(axis, fontsize=TEXT, labelpad=3)
        finish_axes(axes, "both")

    return Panel("", label, draw)


def stack_panel(title: str, label: str, parts: Mapping[str, tuple[str, Sequence[float]]], scale: Scale) -> Panel:
    """Parts of a whole over a scale, one on the other: `parts` are a colour and heights."""
    apart = bool(scale.names) or len(scale.places) < 2
    heights = np.nan_to_num(np.array([own for _, own in parts.values()], dtype=float))
    below = np.cumsum(heights, axis=0) - heights

    def draw(axes: Axes) -> None:
        for (colour, _), low, own in zip(parts.values(), below, heights, strict=True):
            if apart:
                axes.bar(scale.places, own, bottom=low, width=0.7, color=colour)
            else:
                axes.fill_between(scale.places, low, low + own, color=colour, linewidth=0)
        horizontal_scale(axes, scale, margin=0.45 if apart else 0.0)
        axes.set_ylim(0, 1)
        percent_ticks(axes.yaxis)
        finish_axes(axes)

    hits = [
        Hit(float(place), float(low[at] + own[at] / 2), f"{name}: {100 * own[at]:.1f} % at {scale.label} {where}")
        for name, low, own in zip(parts, below, heights, strict=True)
        for at, (place, where) in enumerate((place, scale.name(at)) for at, place in enumerate(scale.places))
        if own[at] > 0.02
    ]
    return Panel(title, label, draw, hits=hits)


def shares_panel(label: str, rows: Sequence[tuple[str, Sequence[tuple[str, float]]]]) -> Panel:
    """Make a panel of bars, in parts that make 100 %: `rows` are a name and pairs of a colour and a share."""

    def draw(axes: Axes) -> None:
        for index, (_, parts) in enumerate(rows):
            left = 0.0
            for colour, share in parts:
                axes.barh(index + 0.68, share, left=left, height=0.42, color=colour)
                left += share
        axes.set_xlim(0, 1)
        percent_ticks(axes.xaxis)
        _finish_rows(axes, [name for name, _ in rows], "share")

    return Panel("", label, draw, ROW * max(1, len(rows)), has_rows=True)


def ranges_panel(
    label: str, axis: str, ends: Sequence[float], rows: Sequence[tuple[str, int, Sequence[float], Sequence[float]]]
) -> Panel:
    """Make a panel of distributions: `rows` are a name, a look, heights between `ends`, and 5 %, 50 % and 95 %."""

    def draw(axes: Axes) -> None:
        top = max((max(heights) for _, _, heights, _ in rows), default=1.0)
        for index, (_, look, heights, (low, middle, high)) in enumerate(rows):
            colour = colour_of(look)
            down = index + 0.84 - 0.56 * np.asarray(heights) / top
            axes.stairs(down, ends, baseline=index + 0.84, fill=True, color=colour, alpha=0.35, linewidth=0)
            axes.plot([low, high], [index + 0.9] * 2, color=colour, linewidth=1.6, solid_capstyle="round")
            axes.plot([middle], [index + 0.9], color=colour, marker="o", markersize=4.5)
        room = 0.02 * float(ends[-1] - ends[0])
        axes.set_xlim(float(ends[0]) - room, float(ends[-1]) + room)
        linear_ticks(axes.xaxis, *axes.get_xlim())
        _finish_rows(axes, [name for name, *_ in rows], axis)

    words = "{}: 5 % {:.4g}, median {:.4g}, 95 % {:.4g}".format
    hits = [Hit(marks[1], index + 0.9, words(name, *marks)) for index, (name, _, _, marks) in enumerate(rows)]
    return Panel("", label, draw, 0.62 * max(1, len(rows)), hits, has_rows=True)


def rates_panel(label: str, axis: str, rows: Sequence[tuple[str, int, float, str]]) -> Panel:
    """Make a panel of rates, on a logarithmic scale: `rows` are a name, a look, the rate, what is written beside."""

    def draw(axes: Axes) -> None:
        rates = [rate for _, _, rate, _ in rows]
        low = 10.0 ** math.floor(math.log10(min(rates)) - 0.1)
        high = 10.0 ** math.ceil(math.log10(max(rates)) + 0.1)
        axes.set_xscale("log")
        for index, (_, look, rate, words) in enumerate(rows):
            down = index + 0.68
            axes.plot([low, rate], [down] * 2, color=colour_of(look), linewidth=2.4, solid_capstyle="butt")
            axes.plot([rate], [down], color=colour_of(look), marker="o", markersize=6)
            # Beside the dot, on the side that has room.
            right = math.log(rate / low) < 0.6 * math.log(high / low)
            place = {"xytext": (8, 0), "ha": "left"} if right else {"xytext": (-8, 8), "ha": "right"}
            axes.annotate(
                words, (rate, down), textcoords="offset points", fontsize=SMALL, va="center_baseline", **place
            )
        axes.set_xlim(low, high)
        log_ticks(axes.xaxis, low, high)
        _finish_rows(axes, [name for name, *_ in rows], axis)

    return Panel("", label, draw, ROW * max(1, len(rows)), has_rows=True)


def _finish_rows(axes: Axes, names: Sequence[str], label: str) -> None:
    for index, name in enumerate(names):
        place = (0.0, index + 0.34)
        axes.annotate(short(name, _LONGEST), place, xycoords=("axes fraction", "data"), fontsize=SMALL, va="baseline")
    axes.set_ylim(max(1, len(names)), 0)
    axes.set_yticks([])
    axes.set_xlabel(label, fontsize=TEXT, labelpad=3)
    finish_axes(axes, "x")
    axes.spines["left"].set_visible(False)
