"""Axes of panels: where their ticks are, and how these are written."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import MaxNLocator, NullLocator

from ..report.wording import plain_number, power_of_ten
from .style import SMALL, TEXT, text_width


@dataclasses.dataclass(frozen=True)
class Scale:
    """A horizontal axis.

    **Arguments:**

    - `label`: what it shows.
    - `places`: where there are data, in order.
    - `names`: of the places, if these are no numbers but only in an order.
    - `log`: whether it is logarithmic.
    - `start`: where it begins; None for a little before the first place.
    """

    label: str
    places: Sequence[float]
    names: Sequence[str] = ()
    log: bool = False
    start: float | None = None

    def name(self, at: int) -> str:
        """Name the place of this number."""
        return self.names[at] if self.names else plain_number(self.places[at])


def horizontal_scale(axes: Axes, scale: Scale, margin: float = 0.03) -> None:
    """Set up a horizontal axis with all of its places, if they can be read; `margin` is left at its ends."""
    places = list(scale.places)
    axes.set_xlabel(scale.label, fontsize=TEXT, labelpad=3)
    if scale.names:
        axes.set_xlim(-0.5, len(places) - 0.5)
        axes.set_xticks(places, scale.names)
    elif places:
        low, high = places[0], places[-1]
        if scale.log:
            axes.set_xscale("log")
            room = (high / low) ** margin if high > low else 2.0
            axes.set_xlim(low / room, high * room)
            words = [plain_number(place) for place in places]
        else:
            room = margin * ((high - low) or 1.0)
            axes.set_xlim(low - room if scale.start is None else scale.start, high + room)
            words = _tick_words(places)
        if _have_room(axes, places, words):
            axes.set_xticks(places, words)
            axes.xaxis.set_minor_locator(NullLocator())
        elif scale.log:
            log_ticks(axes.xaxis, *axes.get_xlim())
        else:
            linear_ticks(axes.xaxis, *axes.get_xlim())


def _have_room(axes: Axes, places: Sequence[float], words: Sequence[str]) -> bool:
    """Whether words at all places have room beside each other."""
    if len(places) > 20:
        return False
    across = axes.transData.transform([(place, 1.0) for place in places])[:, 0] / axes.figure.dpi
    return len(places) < 2 or float(np.min(np.diff(across))) > text_width(words, SMALL) + 0.08


def vertical_scale(axes: Axes, low: float | None = None, high: float | None = None) -> None:
    """Set up a vertical axis from `low` to `high`, either None for close around what is drawn."""
    bottom, top = axes.dataLim.y0, axes.dataLim.y1
    if not (math.isfinite(bottom) and math.isfinite(top)):
        bottom, top = 0.0, 1.0
    bottom, top = bottom if low is None else low, top if high is None else high
    # Levels that differ by less than a figure has digits are drawn as levels.
    margin = max(0.08 * (top - bottom), 1e-6)
    axes.set_ylim(bottom - margin if low is None else low, top + margin if high is None else high)
    linear_ticks(axes.yaxis, *axes.get_ylim())


def linear_ticks(axis: Axis, low: float, high: float) -> None:
    """Round figures, as they are: without a common factor to be multiplied with."""
    ticks = [tick for tick in MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high) if low <= tick <= high]
    axis.set_ticks(ticks, labels=_tick_words(ticks))


def log_ticks(axis: Axis, low: float, high: float) -> None:
    """Powers of ten, and round figures between them where these are few."""
    ticks: list[float] = []
    for steps in ((1.0,), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)):
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = [step * 10.0**power for power in powers for step in steps]
        ticks = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        if len(ticks) > 2:
            break
    ticks = ticks[:: -(-len(ticks) // 8)]
    # matplotlib would write these as formulas, which pictures do without.
    written = power_of_ten if min(ticks) < 0.999e-3 or max(ticks) > 1.001e4 else plain_number
    axis.set_ticks(ticks, labels=[written(tick) for tick in ticks])
    axis.set_minor_locator(NullLocator())


def percent_ticks(axis: Axis) -> None:
    """Ticks of an axis of shares, in percent."""
    axis.set_ticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "25", "50", "75", "100 %"], fontsize=SMALL)


def _tick_words(ticks: Sequence[float]) -> list[str]:
    """Figures with as many decimals as any of them asks for."""
    words = [f"{tick:.6g}" for tick in ticks]
    if any("e" in word for word in words):
        return [plain_number(tick) for tick in ticks]
    decimals = max((len(word.partition(".")[2]) for word in words), default=0)
    return [f"{tick:.{decimals}f}".replace("-", "−") for tick in ticks]
