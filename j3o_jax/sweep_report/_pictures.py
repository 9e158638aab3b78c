"""The pictures of a report: what is on their panels, from the statistics."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from ..experiments._means import differences, means
from ..plots.panels import (
    Curve,
    Hit,
    Level,
    Named,
    Panel,
    cumulative_panel,
    curves_panel,
    ends_of,
    ranges_panel,
    rates_panel,
    shares_panel,
    stack_panel,
)
from ..plots.scales import Scale
from ..plots.sheet import draw_sheet
from ..plots.style import UNSERVED, WAYS, distinct, short
from ..report.wording import count, plain_number, printable, rounded_number
from ._axes import MOST_PANELS, Axes, axes_of, named
from ._distributions import SMALLEST_GAP
from ._statistics import CERTIFICATES, Statistics

OBJECTIVE, GAIN = "mean objective (accuracy)", "difference of the objective"
_BLUES = ("#08519C", "#3182BD", "#6BAED6", "#BDD7E7", "#F0C27A")
_COLUMNS = 3
_DISTRIBUTION_BINS, _BINS_OF_DRAWN, _MOST_STEPS = 48, 12, 160


@dataclasses.dataclass(frozen=True)
class Picture:
    """Panels that belong together.

    **Arguments:**

    - `key`: what its files are called.
    - `title`: what it shows.
    - `caption`: how to read it.
    - `panels`: at least one.
    - `names`: what the looks on the panels stand for.
    """

    key: str
    title: str
    caption: str
    panels: Sequence[Panel]
    names: Sequence[Named] = ()

    def draw(self) -> Figure:
        """All panels, with the title and what the looks stand for, for a paper."""
        rows = [("", self.panels[at : at + _COLUMNS]) for at in range(0, len(self.panels), _COLUMNS)]
        names = [dataclasses.replace(name, words=short(name.words)) for name in self.names]
        return draw_sheet(rows, self.title, names=names, label_above=True)


def pictures_of(statistics: Statistics) -> list[Picture]:
    """All pictures that the rows allow, in the order of the page."""
    axes = axes_of(statistics.by_point, statistics.manifest.grid)
    found = [
        *_over_grid(statistics, axes),
        _distribution(statistics),
        *_over_drawn(statistics),
        *_gaps(statistics),
        *_traffic(statistics, axes),
        *_rates(statistics),
    ]
    return [picture for picture in found if picture.panels]


def look_of(statistics: Statistics, method: str) -> int:
    """Choose the look of a method, the same on all pictures."""
    return distinct(statistics.methods.index(method))


def _names(statistics: Statistics, methods: Sequence[str]) -> list[Named]:
    return [Named(printable(method), look_of(statistics, method)) for method in methods]


def _planned(statistics: Statistics) -> list[str]:
    """List the methods that have a plan for anything."""
    return statistics.by_method.filter(pl.col("planned") > 0)["method"].to_list()


def _over_grid(statistics: Statistics, axes: Axes | None) -> Iterator[Picture]:
    if axes is None:
        return
    keys = ["method", axes.along, *([] if axes.beside is None else [axes.beside])]
    reached = means(statistics.slices, keys, pl.col("objective"))
    band = "Bands: 95 % confidence interval of the mean; seeds are the observations."
    yield Picture(
        "objective",
        f"Objective over {axes.along}",
        f"Mean objective of the scenarios that have a plan. {band} {axes.caption()}".strip(),
        list(_curve_panels(statistics, axes, reached, statistics.methods, OBJECTIVE, zero=False)),
        _names(statistics, _planned(statistics)),
    )
    if statistics.reference is None:
        return
    columns = keys[1:]
    gains = means(
        statistics.slices,
        keys,
        pl.col("gain"),
        lambda rows: differences(rows, str(statistics.reference), columns),
    )
    others = [method for method in _planned(statistics) if method != statistics.reference]
    yield Picture(
        "difference",
        f"Difference from {short(printable(statistics.reference))} over {axes.along}",
        "Mean of the paired differences: each scenario with its own, where both methods have a plan; above 0 is better "
        f"than {printable(statistics.reference)}. {band} {axes.caption()}".strip(),
        list(_curve_panels(statistics, axes, gains, others, GAIN, zero=True)),
        _names(statistics, others),
    )


def _curve_panels(
    statistics: Statistics, axes: Axes, frame: pl.DataFrame, methods: Sequence[str], label: str, *, zero: bool
) -> Iterator[Panel]:
    contents: list[tuple[str, list[Curve], list[Hit]]] = []
    for value in axes.shown if axes.beside is not None else [None]:
        own = frame if axes.beside is None else frame.filter(pl.col(axes.beside).eq_missing(pl.lit(value)))
        curves: list[Curve] = []
        hits: list[Hit] = []
        for method in methods:
            rows = own.filter(pl.col("method") == method).to_dicts()
            place = {row[axes.along]: row for row in rows}
            known = [(x, place[v]) for x, v in zip(axes.scale.places, axes.values, strict=True) if v in place]
            if known:
                curves.append(_curve(statistics, method, known))
                hits += [_hit(method, x, row, f"{axes.along} {named(row[axes.along])}") for x, row in known]
        if curves:
            title = "" if axes.beside is None else f"{axes.beside} = {named(value)}"
            contents.append((title, curves, hits))
    if contents:
        ends = ends_of([curve for _, curves, _ in contents for curve in curves], zero=zero)
        for title, curves, hits in contents:
            level = Level(0.0) if zero else None
            yield curves_panel(title, label, curves, axes.scale, ends=ends, level=level, hits=hits)


def _curve(statistics: Statistics, method: str, known: Sequence[tuple[float, dict[str, Any]]]) -> Curve:
    half = [math.nan if row["half_width"] is None else float(row["half_width"]) for _, row in known]
    return Curve(
        printable(method),
        look_of(statistics, method),
        [float(x) for x, _ in known],
        [float(row["mean"]) for _, row in known],
        half,
    )


def _hit(method: str, x: float, row: dict[str, Any], where: str) -> Hit:
    spread = "" if row["half_width"] is None else f" ± {rounded_number(row['half_width'], 2)}"
    words = f"{method}: {plain_number(row['mean'])}{spread} at {where} ({count(row['n'], 'scenario')})"
    return Hit(float(x), row["mean"], printable(words))


def _distribution(statistics: Statistics) -> Picture:
    methods = _planned(statistics)
    bins = statistics.objectives
    values = bins["value"].to_numpy()
    low, high = (float(np.min(values)), float(np.max(values))) if len(values) else (0.0, 1.0)
    ends = np.linspace(low, high if high > low else low + 1e-3, _DISTRIBUTION_BINS + 1)
    rows = []
    for method in methods:
        own = bins.filter(pl.col("method") == method)
        heights, _ = np.histogram(own["value"].to_numpy(), ends, weights=own["count"].cast(pl.Float64).to_numpy())
        quantiles = statistics.by_method.filter(pl.col("method") == method).row(0, named=True)
        marks = [float(quantiles[name]) for name in ("q05", "q50", "q95")]
        rows.append((printable(method), look_of(statistics, method), heights.tolist(), marks))
    pooled = " All points of the grid are in it together." if statistics.manifest.grid else ""
    return Picture(
        "distribution",
        "Distribution of the objective",
        f"How many scenarios reach what. Dot: median; line: from the 5 % to the 95 % quantile.{pooled}",
        [ranges_panel("scenarios that have a plan", "objective", ends.tolist(), rows)] if rows else [],
    )


def _over_drawn(statistics: Statistics) -> Iterator[Picture]:
    drawn = statistics.manifest.drawn
    panels = [panel for name in drawn[:MOST_PANELS] if (panel := _drawn_panel(statistics, name)) is not None]
    more = f" The first {MOST_PANELS} of {len(drawn)} parameters." if len(drawn) > MOST_PANELS else ""
    yield Picture(
        "drawn",
        "Objective over the parameters that are drawn",
        "Mean objective of the scenarios in each of up to 12 bins, at the mean of the parameter in it. Bands: 95 % "
        f"confidence interval. The other parameters vary freely.{more}",
        panels,
        _names(statistics, _planned(statistics)),
    )


def _drawn_panel(statistics: Statistics, name: str) -> Panel | None:
    column = pl.col(name)
    rows = pl.concat(statistics.slices)
    ends = rows.select(column.min().alias("low"), column.max().alias("high")).collect(engine="streaming").row(0)
    if ends[0] is None or not ends[1] > ends[0]:
        return None
    low, high = float(ends[0]), float(ends[1])
    parameters = statistics.manifest.spec.get("parameters")
    law = parameters.get(name) if isinstance(parameters, dict) else None
    log = isinstance(law, dict) and "log_uniform" in law and low > 0
    place = column.log() if log else column
    first, last = (math.log(low), math.log(high)) if log else (low, high)
    number = ((place - first) / (last - first) * _BINS_OF_DRAWN).floor().clip(0, _BINS_OF_DRAWN - 1).cast(pl.Int32)
    keys = ["method", "bin"]
    reached = means(statistics.slices, keys, pl.col("objective"), lambda part: part.with_columns(number.alias("bin")))
    planned = rows.filter(pl.col("objective").is_not_null())
    middles = planned.group_by(number.alias("bin")).agg(column.mean().alias("x")).collect(engine="streaming")
    reached = reached.join(middles, on="bin").sort("method", "bin")
    curves, hits = [], []
    for method in _planned(statistics):
        known = [(row["x"], row) for row in reached.filter(pl.col("method") == method).to_dicts()]
        curves.append(_curve(statistics, method, known))
        hits += [_hit(method, x, row, f"{name} about {x:.4g}") for x, row in known]
    places = sorted(middles["x"].to_list())
    # More places than are labelled: the middles of bins are no round figures.
    return curves_panel("", OBJECTIVE, curves, Scale(name, places, (), log), hits=hits)


def _gaps(statistics: Statistics) -> Iterator[Picture]:
    if not statistics.bounded:
        return
    steps, rows = [], []
    for figures in statistics.by_method.filter(pl.col("planned") > 0).to_dicts():
        method, planned = figures["method"], figures["planned"]
        within = statistics.certificates.filter(pl.col("method") == method).row(0)[1:]
        reached = [*within, figures["proven"], planned]
        parts = [(reach - before) / planned for before, reach in zip((0, *reached), reached, strict=False)]
        rows.append((printable(method), list(zip((*_BLUES, UNSERVED), parts, strict=True))))
        own = statistics.gaps.filter(pl.col("method") == method)
        if own.height:
            steps.append((look_of(statistics, method), *_cumulative(own, planned)))
    limits = [f"≤ {100 * limit:g} %" for limit in CERTIFICATES]
    words = [*limits, f"> {100 * CERTIFICATES[-1]:g} %", "no bound"]
    certified = statistics.by_method.filter(pl.col("proven") > 0)["method"].to_list()
    yield Picture(
        "gaps",
        "Gaps by the bounds",
        "Share of the scenarios with a plan whose distance from the optimum is at most so large: proven, or an exact "
        "solver's word. A curve that ends below 100 % has scenarios without a bound. Gaps below "
        f"{plain_number(SMALLEST_GAP)} are drawn there.",
        [cumulative_panel("scenarios with a plan", "gap by the bound, relative", steps)],
        _names(statistics, certified),
    )
    yield Picture(
        "certificates",
        "How close to the optimum",
        "How close to the optimum the plans are: proven, or by the word of an exact solver where that made them.",
        [shares_panel("scenarios with a plan", rows)],
        [Named(word, None, colour) for word, colour in zip(words, (*_BLUES, UNSERVED), strict=True)],
    )


def _cumulative(bins: pl.DataFrame, planned: int) -> tuple[list[float], list[float]]:
    """Values and shares of a cumulative curve, as few of them as can be seen."""
    values, shares = bins["value"].to_numpy(), bins["count"].cum_sum().to_numpy() / planned
    chosen = np.unique(np.linspace(0, len(values) - 1, min(len(values), _MOST_STEPS)).round().astype(int))
    return np.maximum(values[chosen], SMALLEST_GAP).tolist(), shares[chosen].tolist()


def _traffic(statistics: Statistics, axes: Axes | None) -> Iterator[Picture]:
    methods = _planned(statistics)
    known = [Named(way, None, colour) for way, colour in WAYS.items()]
    if axes is None:
        rows = []
        for figures in statistics.by_method.filter(pl.col("method").is_in(methods)).to_dicts():
            rows.append((printable(figures["method"]), [(colour, figures[way] or 0.0) for way, colour in WAYS.items()]))
        panels = [shares_panel("share of all queries", rows)] if rows else []
        caption = "Where queries are answered, mean over the scenarios that have a plan."
    else:
        weighted = [(pl.col(way) * pl.col("planned")).sum() / pl.col("planned").sum() for way in WAYS]
        planned = statistics.by_point.filter(pl.col("planned") > 0)
        shares = planned.group_by("method", axes.along).agg(weighted)
        panels = []
        for method in methods:
            own = {row[axes.along]: row for row in shares.filter(pl.col("method") == method).to_dicts()}
            parts = {
                way: (colour, [own[value][way] or 0.0 if value in own else 0.0 for value in axes.values])
                for way, colour in WAYS.items()
            }
            panels.append(stack_panel(printable(method), "share of all queries", parts, axes.scale))
        others = [axes.beside, *axes.averaged] if axes.beside is not None else []
        over = f" Means also go over {' and '.join(others)}." if others else ""
        caption = f"Where queries are answered, mean over the scenarios that have a plan.{over}"
    yield Picture("traffic", "Where queries are answered", caption, panels, known)


def _rates(statistics: Statistics) -> Iterator[Picture]:
    rates = statistics.rates.filter(pl.col("seconds") > 0.0)
    several = rates.select("processor", "device").unique().height > 1
    rows = []
    for row in rates.to_dicts():
        machine = f", {row['device']} ({row['processor']})" if several else ""
        rate = row["rows"] / row["seconds"]
        words = f"{rounded_number(rate, 3)}/s"
        rows.append((printable(f"{row['method']}{machine}"), look_of(statistics, row["method"]), rate, words))
    yield Picture(
        "rates",
        "Scenarios per second",
        "Rows divided by the seconds of solving that their chunks tell, without compilation.",
        [rates_panel("one worker", "scenarios per second", rows)] if rows else [],
    )
