"""MB moved and accuracy against the cost of moving: the picture, and where plans leave the order that optima keep.

Of two optima for the same scenario and the same held models, the one at the higher cost moves no more and is no more
accurate: otherwise it would be the better plan at the lower cost as well.
Plans that are only near the optimum may leave this order, by as much as their gaps allow.
"""

import dataclasses
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from j3o_jax.plots import save_figure
from j3o_jax.plots.panels import Curve, Named, Panel, curves_panel
from j3o_jax.plots.scales import Scale
from j3o_jax.plots.sheet import draw_sheet
from j3o_jax.plots.style import FAINT, SMALL, Drawn, distinct
from j3o_jax.report.wording import plain_number

# What differs by less is the same: the tolerances of solvers.
_SAME_MB, _SAME_ACCURACY = 1e-3, 1e-6
_LOOKS: dict[str, tuple[int, Drawn]] = {"PriceDirected": (0, "curve"), "J3O": (1, "curve"), "ExactMILP": (4, "points")}


class Rises(NamedTuple):
    """How often a value rises from one cost to the next higher one.

    **Arguments:**

    - `number`: of the rises, `steps`: of the pairs of costs and scenarios.
    - `scenarios`: in how many of them.
    - `most`: by how much.
    """

    number: int
    steps: int
    scenarios: int
    most: float

    def __str__(self) -> str:
        where = f", in {self.scenarios} scenarios" if self.number else ""
        return f"{self.number} of {self.steps}{where}"


def rises(rows: list[dict[str, Any]], value: str) -> Rises:
    """Count the rises of `moved_mb` or `accuracy` in rows of one case and method, scenario by scenario."""
    ordered = sorted(rows, key=lambda row: row["cost_per_mb"])
    steps: np.ndarray = np.diff(np.array([row["by_seed"][value] for row in ordered]), axis=0)
    rising = steps > (_SAME_MB if value == "moved_mb" else _SAME_ACCURACY)
    most = float(np.max(steps, initial=0.0, where=rising))
    return Rises(int(rising.sum()), steps.size, int(rising.any(axis=0).sum()), most)


def require_bounds(rows: list[dict[str, Any]]) -> None:
    """Raise unless no plan, judged at the cost of any row of its case, is worth more than that row's bound."""
    for row in rows:
        bound = np.asarray(row["by_seed"]["bound"])
        for other in rows:
            if other["case"] == row["case"]:
                plan = {name: np.asarray(values) for name, values in other["by_seed"].items()}
                worth = plan["accuracy"] - row["cost_per_mb"] * plan["moved_mb"]
                where = f"{row['case']}: {other['method']} at {other['cost_per_mb']:g}"
                against = f"{row['method']}'s bound at {row['cost_per_mb']:g}"
                assert (worth <= bound + 1e-9).all(), f"{where} is above {against}"


def table(rows: list[dict[str, Any]]) -> str:
    """Return rises of MB moved and of accuracy as a Markdown table."""
    lines = [
        "| case | method | costs | MB moved rise | at most by | accuracy rises | at most by |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in _of(rows, "case"):
        for method in _of(rows, "method"):
            own = [row for row in rows if (row["case"], row["method"]) == (case, method)]
            if len(own) > 1:
                moved, accuracy = rises(own, "moved_mb"), rises(own, "accuracy")
                lines.append(
                    f"| {case} | {method} | {len(own)} | {moved} | {f'{moved.most:.3g} MB' if moved.number else ''} "
                    f"| {accuracy} | {f'{accuracy.most:.1g}' if accuracy.number else ''} |"
                )
    return "\n".join(lines)


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw MB moved above accuracy, a column for each case and a curve for each method, and write it to `path`."""
    cases, methods = _of(rows, "case"), [name for name in _LOOKS if name in _of(rows, "method")]
    seeds, clients = len(rows[0]["by_seed"]["moved_mb"]), rows[0]["clients"]
    moved = [_panel(rows, case, case, "MB moved", "moved_mb", (0.0, None)) for case in cases]
    accuracy = [_panel(rows, case, "", "accuracy", "accuracy", (None, None)) for case in cases]
    names = [Named(name, distinct(_LOOKS[name][0]), drawn=_LOOKS[name][1]) for name in methods]
    title, foot = "What a cost of moving saves, and what it takes", f"means of {seeds} scenarios of {clients} clients"
    figure = draw_sheet([("", moved), ("", accuracy)], title, foot, names=names, shared=True, width=3.3)
    save_figure(figure, path)


def _panel(
    rows: list[dict[str, Any]], case: str, title: str, label: str, value: str, ends: tuple[float | None, float | None]
) -> Panel:
    """One value over the cost of 1,000 MB on a logarithmic scale, where no cost stands apart at the left."""
    costs = {row["cost_per_mb"] for row in rows}
    positive = sorted(1000.0 * cost for cost in costs if cost > 0.0)
    none = [positive[0] / 10.0] if 0.0 in costs else []
    curves = []
    for method, (look, drawn) in _LOOKS.items():
        own = {row["cost_per_mb"]: row[value] for row in rows if (row["case"], row["method"]) == (case, method)}
        points = [(1000.0 * cost, own[cost]) for cost in sorted(own) if cost > 0.0]
        if 0.0 in own:
            # Interrupted: no cost is no place of the scale.
            points = [(none[0], own[0.0]), (none[0], np.nan), *points]
        curves.append(Curve(method, distinct(look), [x for x, _ in points], [y for _, y in points], drawn=drawn))
    scale = Scale("cost of moving 1,000 MB, in accuracy", [*none, *positive], log=True)
    content = curves_panel(title, label, curves, scale, ends=ends)

    def with_none(axes: Axes) -> None:
        content.draw(axes)
        first, last = np.log10(positive[0]) - 1e-9, np.log10(positive[-1]) + 1e-9
        powers = [10.0**power for power in range(math.ceil(first), math.floor(last) + 1)]
        axes.set_xticks([*none, *powers], [*("0" for _ in none), *map(plain_number, powers)])
        axes.xaxis.set_minor_locator(NullLocator())
        for place in none:
            # The axis is interrupted as well.
            how = {"ha": "center", "va": "center", "fontsize": SMALL, "color": FAINT}
            behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
            axes.text(math.sqrt(10.0) * place, 0.0, "//", transform=axes.get_xaxis_transform(), bbox=behind, **how)

    return dataclasses.replace(content, draw=with_none)


def _of(rows: Iterable[dict[str, Any]], key: str) -> list[str]:
    return list(dict.fromkeys(row[key] for row in rows))
