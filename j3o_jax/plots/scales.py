"""Axes of panels: where their ticks are, and how these are written."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from ._paper import TEXT

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclasses.dataclass(frozen=True)
class Scale:
    """A horizontal axis.

    **Arguments:**

    - `label`: what it shows.
    - `places`: where there are data.
    - `names`: of the places, if these are no numbers but only in an order.
    - `log`: whether it is logarithmic.
    """

    label: str
    places: Sequence[float]
    names: Sequence[str] = ()
    log: bool = False


def vertical_scale(axes: Axes, low: float, high: float) -> None:
    """A vertical axis close around what is drawn, with figures as they are: no common factor to be multiplied with."""
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = 0.0, 1.0
    margin = max(0.08 * (high - low), 1e-9)
    axes.set_ylim(low - margin, high + margin)
    ticks = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low - margin, high + margin)
    axes.set_yticks([tick for tick in ticks if low - margin <= tick <= high + margin])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda tick, _: plain_number(tick)))


def plain_number(value: float) -> str:
    """A number with at most six digits, small ones with a power of ten, minus as it is set."""
    if value and abs(value) < 1e-3:
        digits, _, power = f"{value:.3g}".partition("e")
        if power:
            factor = "" if digits in ("1", "-1") else "·"
            shown = f"{digits.removesuffix('1') if not factor else digits}{factor}10"
            return f"{shown.replace('-', '−')}{str(int(power)).translate(_RAISED)}"
    return f"{value:.6g}".replace("-", "−")


def horizontal_scale(axes: Axes, scale: Scale, margin: float = 0.03) -> None:
    """A horizontal axis with its places, as many of them as can be read; `margin` is left at its ends."""
    places = list(scale.places)
    if scale.names:
        axes.set_xlim(-0.5, len(places) - 0.5)
        axes.set_xticks(places, scale.names)
    elif places:
        if scale.log:
            axes.set_xscale("log")
            room = (places[-1] / places[0]) ** margin if places[-1] > places[0] else 2.0
            axes.set_xlim(places[0] / room, places[-1] * room)
        else:
            room = margin * ((places[-1] - places[0]) or 1.0)
            axes.set_xlim(places[0] - room, places[-1] + room)
        if len(places) <= 8 and _apart(axes, places):
            axes.set_xticks(places, [plain_number(place) for place in places])
        elif scale.log:
            powers_of_ten(axes)
        else:
            axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: plain_number(tick)))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(scale.label, fontsize=TEXT, labelpad=3)


def _apart(axes: Axes, places: Sequence[float]) -> bool:
    """Whether figures at all places have room beside each other."""
    across = axes.transScale.transform([(place, 1.0) for place in places])[:, 0]
    return len(places) < 2 or float(np.min(np.diff(across))) > 0.09 * float(across[-1] - across[0])


def name_of(scale: Scale, at: int) -> str:
    """What the place of this number is called."""
    return scale.names[at] if scale.names else plain_number(scale.places[at])


def powers_of_ten(axes: Axes) -> None:
    """Ticks at powers of ten, or round figures where the axis is too short for two of them."""
    low, high = (math.log10(end) for end in axes.get_xlim())
    powers = list(range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1))
    if len(powers) < 2:
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: plain_number(tick)))
    else:
        shown = powers[:: -(-len(powers) // 7)]
        axes.set_xticks([10.0**power for power in shown], [_power(power) for power in shown])
    axes.xaxis.set_minor_locator(NullLocator())


def _power(power: int) -> str:
    return f"{10.0**power:,.6g}" if -2 <= power <= 4 else f"10{str(power).translate(_RAISED)}"


def percent_scale(axes: Axes) -> None:
    """A vertical axis from 0 to 100 %."""
    axes.set_ylim(0.0, 1.0)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
