"""The picture of a sizing: accuracy over money with what is proven, and below it what to buy for how much."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..sizing import Sizing
from .style import (
    EMPTY,
    FAINT,
    INK,
    LOCAL,
    MARGIN,
    SMALL,
    TEXT,
    UNSERVED,
    finish_axes,
    headline,
    panel,
    short,
    style,
    text_width,
)

_WIDTH, _HEIGHT, _ROW, _GAP, _HEAD = 6.6, 3.0, 0.3, 0.62, 0.62
_PALEST, _DARK = 0.15, 0.6


def draw_front(sizing: Sizing, currency: str = "") -> Figure:
    """See `j3o_jax.plots.plot_front`."""
    if not len(sizing.price):
        raise ValueError("plot_front: no option has a plan to draw")
    rows = [d for d, count in enumerate(sizing.options.sizes) if count > 1]
    with style():
        names = [short(sizing.options.choices[d].name) for d in rows]
        left = MARGIN + max(text_width(names, SMALL), 0.45) + 0.15
        below = _HEAD + _HEIGHT + _GAP
        figure = Figure(figsize=(left + _WIDTH + 2 * MARGIN, below + _ROW * len(rows) + 0.3 + MARGIN))
        counts = sizing.counts
        headline(
            figure,
            "What accuracy costs",
            f"{counts.options:,} combinations, {counts.plans:,} of them planned; "
            f"{100.0 * counts.share_without_plan:.1f} % proven away without a plan",
        )
        end = _end(sizing)
        front = panel(figure, left, _HEAD, _WIDTH, _HEIGHT)
        _draw_points(front, sizing, end)
        front.set_xlabel(f"Price, {currency}" if currency else "Price", fontsize=SMALL, labelpad=2)
        bought = panel(figure, left, below, _WIDTH, _ROW * len(rows))
        _draw_purchases(bought, sizing, rows, names, end)
        for axes in (front, bought):
            axes.set_xlim(_begin(sizing, end), end)
            axes.xaxis.set_major_locator(MaxNLocator(7))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    return figure


def _begin(sizing: Sizing, end: float) -> float:
    return float(sizing.price[0]) - 0.02 * (end - float(sizing.price[0]))


def _end(sizing: Sizing) -> float:
    """Price up to which the last point is drawn: what follows changes nothing."""
    first, last = float(sizing.price[0]), float(sizing.price[-1])
    return last + max(0.08 * (last - first), 1e-3 * max(abs(last), 1.0))


def _draw_points(axes: Axes, sizing: Sizing, end: float) -> None:
    """Draw the front as a step, what is proven to be out of reach above it, and other plans as faint dots."""
    price, accuracy = sizing.price, sizing.accuracy
    # What no option of so much money or less can be worth more than, at every price where that changes.
    bound = np.maximum.accumulate(np.minimum(sizing.all_bounds, 1.0))
    rises = np.flatnonzero(np.append(True, np.diff(bound) > 0.0))
    x, top = np.append(sizing.all_prices[rises], end), np.append(bound[rises], bound[-1])
    axes.fill_between(x, top, 1.02, step="post", color=EMPTY, linewidth=0)
    axes.step(x, top, where="post", color=FAINT, linewidth=0.8, linestyle=(0, (3, 2)), label="proven: nothing above")
    others = np.isfinite(sizing.all_accuracies) & (sizing.all_prices <= end)
    axes.plot(
        sizing.all_prices[others],
        sizing.all_accuracies[others],
        linestyle="none",
        marker="o",
        markersize=2.4,
        color=UNSERVED,
        label="other plans",
    )
    axes.step(np.append(price, end), np.append(accuracy, accuracy[-1]), where="post", color=LOCAL, linewidth=1.6)
    proven = sizing.proven
    for where, face, words in ((proven, LOCAL, "nothing cheaper is as good"), (~proven, "white", "not proven")):
        if where.any():
            axes.plot(
                price[where],
                accuracy[where],
                linestyle="none",
                marker="o",
                markersize=5.5,
                markerfacecolor=face,
                markeredgecolor=LOCAL,
                label=words,
                zorder=4,
            )
    answer = sizing.answer
    if answer is not None:
        axes.plot(
            price[answer], accuracy[answer], "o", markersize=11, markerfacecolor="none", markeredgecolor=INK, zorder=5
        )
    low = float(accuracy[0])
    span = max(float(top.max()) - low, 1e-3)
    axes.set_ylim(low - 0.06 * span, min(float(top.max()) + 0.08 * span, 1.0 + 0.02 * span))
    axes.set_ylabel("Average accuracy", fontsize=SMALL)
    axes.legend(loc="lower right", fontsize=SMALL, frameon=False, handlelength=1.6)
    finish_axes(axes, "both")


def _draw_purchases(axes: Axes, sizing: Sizing, rows: list[int], names: list[str], end: float) -> None:
    """Draw for each choice what is bought at every price: darker where it is dearer."""
    inch = _WIDTH / (end - _begin(sizing, end))
    for row, d in enumerate(rows):
        choice = sizing.options.choices[d]
        dearness = np.argsort(np.argsort(choice.prices, kind="stable")) / max(len(choice.prices) - 1, 1)
        picks = sizing.picks[:, d]
        starts = np.flatnonzero(np.append(True, np.diff(picks) != 0))
        ends = np.append(sizing.price[starts[1:]], end)
        for start, stop in zip(starts, ends, strict=True):
            pick, begin = int(picks[start]), float(sizing.price[start])
            depth = _PALEST + (1.0 - _PALEST) * float(dearness[pick])
            colour = 1.0 - depth * (1.0 - np.array(to_rgb(LOCAL)))
            axes.barh(row, stop - begin, left=begin, height=0.82, color=tuple(colour), edgecolor="white", linewidth=0.8)
            words = short(choice.alternatives[pick].name, 18)
            if text_width([words], SMALL) + 0.06 < (stop - begin) * inch:
                ink = "white" if depth > _DARK else INK
                axes.text(
                    0.5 * (begin + stop), row, words, fontsize=SMALL, ha="center", va="center_baseline", color=ink
                )
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), names)
    axes.set_title("What to buy for it", loc="left", fontsize=TEXT, fontweight="bold", pad=4)
    finish_axes(axes)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
