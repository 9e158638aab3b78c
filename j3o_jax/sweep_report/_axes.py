"""Choice of axes: which parameter of a grid goes along the horizontal one, and which tells panels apart."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import polars as pl

from ..plots.scales import Scale

MOST_PANELS = 6
# From this ratio of the largest to the smallest value on, small ones would lie on each other on an even scale.
WIDE = 50.0


@dataclasses.dataclass(frozen=True)
class Axes:
    """Axes of a grid.

    **Arguments:**

    - `along`: the parameter on the horizontal axis.
    - `values`: what it takes, in order; null only where names tell places apart.
    - `scale`: of that axis.
    - `beside`: the parameter that tells panels apart; None for a single panel.
    - `shown`: the values of `beside` that have a panel.
    - `hidden`: how many have none.
    - `averaged`: the parameters over which means go.
    - `dropped`: whether rows whose value of `along` is null are not drawn.
    """

    along: str
    values: Sequence[Any]
    scale: Scale
    beside: str | None
    shown: Sequence[Any]
    hidden: int
    averaged: Sequence[str]
    dropped: bool

    def caption(self) -> str:
        """Say what a reader has to know of the choice."""
        said = []
        if self.averaged:
            said.append(f"Means also go over {' and '.join(self.averaged)}.")
        if self.hidden:
            said.append(
                f"{len(self.shown)} of {len(self.shown) + self.hidden} values of {self.beside} are drawn; "
                "the table has all."
            )
        if self.dropped:
            said.append(f"Points where {self.along} is null are in the table only.")
        return " ".join(said)


def axes_of(by_point: pl.DataFrame, grid: Sequence[str]) -> Axes | None:
    """Choose the axes for a grid; None without one, or where only one value has rows."""
    values = {name: _in_order(by_point[name].unique().to_list()) for name in grid}
    varied = [name for name in grid if len(values[name]) > 1]
    if not varied:
        return None
    numeric = [name for name in varied if _is_scale(values[name])]
    # The longest has most of a curve; of several it is the first.
    along = max(numeric, key=lambda name: len(values[name]), default=varied[0])
    others = [name for name in varied if name != along]
    beside = others[0] if others else None
    panels = values[beside] if beside is not None else []
    shown = panels
    if len(panels) > MOST_PANELS:
        places = [round(at * (len(panels) - 1) / (MOST_PANELS - 1)) for at in range(MOST_PANELS)]
        shown = [panels[place] for place in places]
    if along in numeric:
        own = _numbers(values[along])
        log = own[0] > 0 and own[-1] / own[0] >= WIDE
        scale = Scale(along, [float(value) for value in own], (), log)
    else:
        own = values[along]
        scale = Scale(along, [float(at) for at in range(len(own))], [named(value) for value in own])
    return Axes(
        along=along,
        values=own,
        scale=scale,
        beside=beside,
        shown=shown,
        hidden=len(panels) - len(shown),
        averaged=others[1:],
        dropped=along in numeric and None in values[along],
    )


def named(value: Any) -> str:
    """Write a parameter's value as files have it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _is_scale(values: Sequence[Any]) -> bool:
    """Whether values are numbers enough for a curve. A null has no place among them, so it wants more of them."""
    numbers = len(_numbers(values))
    return numbers > 1 if numbers == len(values) else numbers > 3


def _numbers(values: Sequence[Any]) -> list[Any]:
    return [
        value
        for value in values
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    ]


def _in_order(values: Sequence[Any]) -> list[Any]:
    return sorted(values, key=lambda value: (value is not None, value if value is not None else 0))
