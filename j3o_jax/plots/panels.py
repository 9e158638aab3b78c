"""Panels of a report: each knows its data and draws itself on given axes. Loads matplotlib.

What a panel measures stands above its axes, and what its rows are called above each row, so that the same panel is
read on a telephone and in a paper.
"""

import abc
import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ._paper import EMPTY, FAINT, INK, SMALL, TEXT
from .curves import FAINTNESS, Curve, finish_axes, line_style
from .scales import Scale, horizontal_scale, name_of, percent_scale, powers_of_ten, vertical_scale

# Bold and filled first, the order in which curves are told apart best; see `curves`.
LOOKS = (5, 0, 1, 6, 2, 7, 3, 4)
ROW = 0.42
_MOST_MARKERS, _LONGEST = 15, 48


@dataclasses.dataclass(frozen=True)
class Hit:
    """A place of a panel, in its data's units, and what is to be told of it."""

    x: float
    y: float
    words: str


@dataclasses.dataclass(frozen=True)
class AbstractPanel(abc.ABC):
    """One panel: what stands above it, what it measures, and what can be pointed at."""

    title: str
    label: str

    @property
    def height(self) -> float:
        """Inches of the axes."""
        return 1.85

    @property
    def hits(self) -> Sequence[Hit]:
        """What can be pointed at."""
        return ()

    @abc.abstractmethod
    def draw(self, axes: Axes) -> None:
        """Draw it."""


@dataclasses.dataclass(frozen=True)
class CurvesPanel(AbstractPanel):
    """Means with bands over a scale; with `zero` a line at 0. `ends` are what the vertical axis has to hold."""

    curves: Sequence[Curve]
    scale: Scale
    marks: Sequence[Hit] = ()
    zero: bool = False
    ends: tuple[float, float] | None = None

    @property
    def hits(self) -> Sequence[Hit]:
        """See `AbstractPanel`."""
        return self.marks

    def draw(self, axes: Axes) -> None:
        """See `AbstractPanel`."""
        axes.grid(axis="y", color=EMPTY, linewidth=0.9)
        axes.set_axisbelow(True)
        if self.zero:
            axes.axhline(0.0, color=FAINT, linewidth=0.8, zorder=1.5)
        for depth, curve in enumerate(self.curves):
            if self.scale.names:
                # Side by side: nothing lies between the places.
                aside = 0.14 * (depth - (len(self.curves) - 1) / 2)
                curve = dataclasses.replace(curve, x=[place + aside for place in curve.x])
            _curve(axes, curve, 2 + depth, joined=not self.scale.names)
        vertical_scale(axes, *(self.ends or (axes.dataLim.y0, axes.dataLim.y1)))
        horizontal_scale(axes, self.scale)
        finish_axes(axes)


@dataclasses.dataclass(frozen=True)
class CumulativePanel(AbstractPanel):
    """Shares of rows up to each value, on a logarithmic scale: `steps` are label's look, values and shares."""

    steps: Sequence[tuple[int, Sequence[float], Sequence[float]]]
    axis: str

    def draw(self, axes: Axes) -> None:
        """See `AbstractPanel`."""
        axes.grid(color=EMPTY, linewidth=0.9)
        axes.set_axisbelow(True)
        axes.set_xscale("log")
        low = min((values[0] for _, values, _ in self.steps), default=1e-4)
        high = max((values[-1] for _, values, _ in self.steps), default=1e-2)
        low, high = 10.0 ** math.floor(math.log10(low) - 0.05), 10.0 ** math.ceil(math.log10(high) + 0.05)
        for depth, (look, values, shares) in enumerate(self.steps):
            style = line_style(Curve("", look, (), (), ()))
            style |= {"marker": "", "linewidth": 2.2 if style["linestyle"] == "solid" else 1.5}
            axes.step([values[0], *values, high], [0.0, *shares, shares[-1]], where="post", zorder=2 + depth, **style)
        axes.set_xlim(low, high)
        powers_of_ten(axes)
        axes.set_xlabel(self.axis, fontsize=TEXT, labelpad=3)
        percent_scale(axes)
        finish_axes(axes)


@dataclasses.dataclass(frozen=True)
class StackPanel(AbstractPanel):
    """Parts of a whole over a scale, one on the other: `parts` are a colour and heights."""

    parts: Mapping[str, tuple[str, Sequence[float]]]
    scale: Scale

    @property
    def hits(self) -> Sequence[Hit]:
        """See `AbstractPanel`."""
        below = np.zeros(len(self.scale.places))
        found: list[Hit] = []
        for name, (_, heights) in self.parts.items():
            for at, (place, height) in enumerate(zip(self.scale.places, heights, strict=True)):
                if height > 0.02:
                    words = f"{name}: {100 * height:.1f} % at {self.scale.label} {name_of(self.scale, at)}"
                    found.append(Hit(float(place), float(below[at] + height / 2), words))
            below += np.nan_to_num(np.asarray(heights, dtype=float))
        return found

    def draw(self, axes: Axes) -> None:
        """See `AbstractPanel`."""
        places, below = np.asarray(self.scale.places, dtype=float), np.zeros(len(self.scale.places))
        for colour, heights in self.parts.values():
            above = below + np.nan_to_num(np.asarray(heights, dtype=float))
            if self.scale.names or len(places) < 2:
                axes.bar(places, above - below, bottom=below, width=0.7, color=colour)
            else:
                axes.fill_between(places, below, above, color=colour, linewidth=0)
            below = above
        horizontal_scale(axes, self.scale, margin=0.45 if self.scale.names or len(places) < 2 else 0.0)
        percent_scale(axes)
        finish_axes(axes)


@dataclasses.dataclass(frozen=True)
class SharesPanel(AbstractPanel):
    """A bar for each row, in parts that make 100 %: `rows` are a name and pairs of a colour and a share."""

    rows: Sequence[tuple[str, Sequence[tuple[str, float]]]]
    axis: str

    @property
    def height(self) -> float:
        """See `AbstractPanel`."""
        return ROW * max(1, len(self.rows))

    def draw(self, axes: Axes) -> None:
        """See `AbstractPanel`."""
        for index, (name, parts) in enumerate(self.rows):
            left = 0.0
            for colour, share in parts:
                axes.barh(index + 0.68, share, left=left, height=0.42, color=colour)
                left += share
            _row_name(axes, index, name)
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
        _rows(axes, len(self.rows), self.axis)


@dataclasses.dataclass(frozen=True)
class RangesPanel(AbstractPanel):
    """A distribution for each row: `rows` are a name, a look, heights between `ends`, and 5 %, 50 % and 95 %."""

    rows: Sequence[tuple[str, int, Sequence[float], Sequence[float]]]
    ends: Sequence[float]
    axis: str

    @property
    def height(self) -> float:
        """See `AbstractPanel`."""
        return 0.62 * max(1, len(self.rows))

    @property
    def hits(self) -> Sequence[Hit]:
        """See `AbstractPanel`."""
        words = "{}: 5 % {:.4g}, median {:.4g}, 95 % {:.4g}".format
        return [Hit(marks[1], index + 0.9, words(name, *marks)) for index, (name, _, _, marks) in enumerate(self.rows)]

    def draw(self, axes: Axes) -> None:
        """See `AbstractPanel`."""
        ends = np.asarray(self.ends)
        top = max((max(heights) for _, _, heights, _ in self.rows), default=1.0)
        for index, (name, look, heights, marks) in enumerate(self.rows):
            colour = line_style(Curve("", look, (), (), ()))["color"]
            down = index + 0.84 - 0.56 * np.asarray(heights) / top
            axes.stairs(down, ends, baseline=index + 0.84, fill=True, color=colour, alpha=0.35, linewidth=0)
            axes.plot([marks[0], marks[2]], [index + 0.9] * 2, color=colour, linewidth=1.6, solid_capstyle="round")
            axes.plot([marks[1]], [index + 0.9], color=colour, marker="o", markersize=4.5)
            _row_name(axes, index, name)
        room = 0.02 * float(ends[-1] - ends[0])
        axes.set_xlim(float(ends[0]) - room, float(ends[-1]) + room)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:.6g}"))
        _rows(axes, len(self.rows), self.axis)


@dataclasses.dataclass(frozen=True)
class RatesPanel(AbstractPanel):
    """A rate for each row, on a logarithmic scale: `rows` are a name, a look, the rate, what is written beside."""

    rows: Sequence[tuple[str, int, float, str]]
    axis: str

    @property
    def height(self) -> float:
        """See `AbstractPanel`."""
        return ROW * max(1, len(self.rows))

    def draw(self, axes: Axes) -> None:
        """See `AbstractPanel`."""
        rates = [rate for _, _, rate, _ in self.rows]
        low = 10.0 ** math.floor(math.log10(min(rates)) - 0.1)
        high = 10.0 ** math.ceil(math.log10(max(rates)) + 0.1)
        axes.set_xscale("log")
        for index, (name, look, rate, words) in enumerate(self.rows):
            colour = line_style(Curve("", look, (), (), ()))["color"]
            axes.plot([low, rate], [index + 0.68] * 2, color=colour, linewidth=2.4, solid_capstyle="butt")
            axes.plot([rate], [index + 0.68], color=colour, marker="o", markersize=6)
            # Beside the dot, on the side that has room.
            right = math.log(rate / low) < 0.6 * math.log(high / low)
            across, side = (8, "left") if right else (-8, "right")
            axes.annotate(
                words,
                (rate, index + 0.68),
                (across, 0 if right else 8),
                textcoords="offset points",
                fontsize=SMALL,
                ha=side,
                va="center_baseline",
            )
            _row_name(axes, index, name)
        axes.set_xlim(low, high)
        powers_of_ten(axes)
        _rows(axes, len(self.rows), self.axis)


def _curve(axes: Axes, curve: Curve, depth: int, *, joined: bool) -> None:
    look = line_style(curve)
    look |= {"linewidth": 2.2 if look["linestyle"] == "solid" else 1.4, "markersize": 0.72 * look["markersize"]}
    half = [0.0 if math.isnan(width) else width for width in curve.half_width]
    if not joined:
        look["linestyle"] = "none"
        axes.errorbar(curve.x, curve.middle, yerr=half, fmt="none", ecolor=look["color"], elinewidth=1.4, capsize=2.5)
        axes.plot(curve.x, curve.middle, zorder=depth, **look)
        return
    if len(curve.x) > _MOST_MARKERS:
        look["markevery"] = -(-len(curve.x) // _MOST_MARKERS)
    low = [middle - width for middle, width in zip(curve.middle, half, strict=True)]
    high = [middle + width for middle, width in zip(curve.middle, half, strict=True)]
    axes.fill_between(curve.x, low, high, color=look["color"], alpha=FAINTNESS + 0.05, linewidth=0)
    axes.plot(curve.x, curve.middle, zorder=depth, clip_on=False, **look)


def ends_of(curves: Sequence[Curve], *, zero: bool) -> tuple[float, float]:
    """The lowest and the highest place of curves and their bands, for panels that are to have the same axis."""
    edges = [0.0] if zero else []
    for curve in curves:
        for middle, width in zip(curve.middle, curve.half_width, strict=True):
            half = 0.0 if math.isnan(width) else width
            edges += [middle - half, middle + half]
    return min(edges), max(edges)


def _row_name(axes: Axes, index: int, name: str) -> None:
    # Names differ at their ends.
    shown = name if len(name) <= _LONGEST else f"{name[: _LONGEST // 2]}…{name[-(_LONGEST // 2 - 1) :]}"
    axes.annotate(
        shown, (0.0, index + 0.34), xycoords=("axes fraction", "data"), fontsize=SMALL, color=INK, va="baseline"
    )


def _rows(axes: Axes, count: int, label: str) -> None:
    axes.set_ylim(max(1, count), 0)
    axes.set_yticks([])
    axes.grid(axis="x", color=EMPTY, linewidth=0.9)
    axes.set_axisbelow(True)
    axes.set_xlabel(label, fontsize=TEXT, labelpad=3)
    finish_axes(axes)
    axes.spines["left"].set_visible(False)
