"""Utilisation of the nodes: a strip for each kind of limit, a dot for each node."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..report.summary import BINDING, Capacity
from ..report.wording import gain_in_points
from .scales import percent_ticks
from .style import EMPTY, FAINT, FIGURES, INK, SCALE_WIDTH, SMALL, TEXT, TIERS, heading, panel, text_width

HEADING, ROW, SCALE = 0.3, 0.36, 0.42
# More nodes than this in all, or at one place, are drawn as a histogram: dots would hide each other.
MOST_DOTS, MOST_TOGETHER = 15, 5
BINS = 50
# Dots nearer than this on the scale would touch, so they are set one above the other.
DOT = 0.025
# Where the words beside a strip begin, in parts of the scale.
_BESIDE = 1.08


class CapacityPanel:
    """A panel of the picture: it knows its size before it is drawn.

    **Arguments:**

    - `limits`: all the limits of a plan.
    """

    def __init__(self, limits: Sequence[Capacity]):
        self.strips: dict[str, list[Capacity]] = {}
        order = {"client": 0, "edge": 1, "cloud": 2}
        for limit in sorted(limits, key=lambda limit: order[limit.tier]):
            word = "batch window" if limit.resource == "window" else limit.resource
            self.strips.setdefault(f"{limit.tier} {word}", []).append(limit)
        self.labels_width = text_width(list(self.strips), TEXT) + 0.14
        self.strips_height = len(self.strips) * ROW
        self.height = HEADING + self.strips_height + SCALE

    @property
    def width(self) -> float:
        """Inches across."""
        verdicts = text_width([_verdict(strip) for strip in self.strips.values()], SMALL)
        return self.labels_width + SCALE_WIDTH + max(FIGURES, (_BESIDE - 1.0) * SCALE_WIDTH + verdicts)

    def draw(self, figure: Figure, left: float, top: float) -> None:
        """Draw the panel with its upper left corner at the given place, in inches."""
        heading(figure, left, top, "Use of the limits")
        axes = panel(figure, left + self.labels_width, top + HEADING, SCALE_WIDTH, self.strips_height)
        for index, strip in enumerate(self.strips.values()):
            _strip(axes, index + 0.5, strip)
        axes.set_xlim(0, 1)
        axes.set_ylim(len(self.strips), 0)
        percent_ticks(axes.xaxis)
        axes.tick_params(axis="x", length=2, pad=2, colors=FAINT)
        axes.set_yticks(np.arange(len(self.strips)) + 0.5, list(self.strips), fontsize=TEXT)
        axes.tick_params(axis="y", length=0, pad=4)
        axes.spines[:].set_visible(False)
        crowd = any(_crowded(_shares(strip)) for strip in self.strips.values())
        meaning = "a dot: a node; bars: many nodes; dark: used up" if crowd else "a dot: a node; dark: used up"
        axes.set_xlabel(f"used ({meaning})", fontsize=SMALL, color=FAINT, labelpad=2)


def _shares(strip: Sequence[Capacity]) -> np.ndarray:
    return np.array([min(limit.share, 1.0) for limit in strip if not math.isinf(limit.available)])


def _places(shares: np.ndarray) -> np.ndarray:
    """Numbers of the places of the dots; those at the same place would touch."""
    return np.round(shares / DOT).astype(int)


def _crowded(shares: np.ndarray) -> bool:
    together = int(np.bincount(_places(shares), minlength=1).max())
    return len(shares) > MOST_DOTS or together > MOST_TOGETHER


def _strip(axes: Axes, middle: float, strip: Sequence[Capacity]) -> None:
    axes.barh(middle, 1.0, height=0.74, color=EMPTY)
    shares, colour = _shares(strip), TIERS[strip[0].tier]
    binds = shares >= BINDING
    if _crowded(shares):
        _histogram(axes, middle, shares, binds, colour)
    else:
        heights = middle + _offsets(shares)
        for chosen, marker, size, fill in ((~binds, "o", 20, colour), (binds, "D", 15, INK)):
            how = {"color": fill, "edgecolors": "white", "linewidths": 0.5, "clip_on": False, "zorder": 3}
            axes.scatter(shares[chosen], heights[chosen], s=size, marker=marker, **how)
    axes.text(_BESIDE, middle, _verdict(strip), fontsize=SMALL, va="center_baseline")


def _histogram(axes: Axes, middle: float, shares: np.ndarray, binds: np.ndarray, colour: str) -> None:
    """Draw how many nodes are how full, around the middle of the strip."""
    for chosen, fill in ((~binds, colour), (binds, INK)):
        counts, ends = np.histogram(shares[chosen], bins=BINS, range=(0.0, 1.0))
        # By area, so that a single node is still seen beside hundreds.
        heights = np.where(counts > 0, np.maximum(0.74 * np.sqrt(counts / len(shares)), 0.04), 0.0)
        wide = 1.0 / BINS
        axes.barh(np.full(BINS, middle), 0.8 * wide, left=ends[:-1] + 0.1 * wide, height=heights, color=fill)


def _offsets(shares: np.ndarray) -> np.ndarray:
    """Heights at which dots of nearly the same share do not hide each other."""
    offsets = np.zeros(len(shares))
    places = _places(shares)
    for place in np.unique(places):
        same = np.flatnonzero(places == place)
        offsets[same] = 0.14 * (np.arange(len(same)) - (len(same) - 1) / 2)
    return offsets


def _verdict(strip: Sequence[Capacity]) -> str:
    dearest = max(strip, key=lambda limit: limit.price if limit.price > 0.0 else 0.0)
    gain = f"; +1 {dearest.unit}: {gain_in_points(dearest.price)}" if dearest.price > 0.0 else ""
    return _use(strip) + gain


def _use(strip: Sequence[Capacity]) -> str:
    if all(math.isinf(limit.available) for limit in strip):
        return "no limit"
    binding = sum(limit.binds for limit in strip)
    if len(strip) == 1:
        return "binds" if binding else f"{100 * strip[0].share:.0f} %"
    return f"{binding:,} of {len(strip):,} bind" if binding else "none binds"
