"""The picture of several methods on one scenario: what their plans are worth, and where they send the queries."""

import dataclasses
from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..report.comparison import best_objective, is_best
from ..report.summary import Summary
from ._traffic import HEADING, TrafficPanel
from .style import FAINT, INK, LOCAL, MARGIN, SCALE_WIDTH, SMALL, TEXT, heading, panel, style

GAP = 0.45


def draw_comparison(summaries: Mapping[str, Summary]) -> Figure:
    """See `j3o_jax.plots.plot_comparison`."""
    totals = {name: summary.total for name, summary in summaries.items() if summary.total is not None}
    if not totals:
        raise ValueError("plot_comparison: no method has a plan to draw")
    rows = [dataclasses.replace(total, task=name) for name, total in totals.items()]
    best = best_objective(summaries)
    with style():
        traffic = TrafficPanel(rows, "Where the queries go", apart=False)
        beside = MARGIN + traffic.width + GAP
        figure = Figure(figsize=(beside + SCALE_WIDTH + 0.7 + MARGIN, 2 * MARGIN + traffic.height))
        traffic.draw(figure, MARGIN, MARGIN)
        heading(figure, beside, MARGIN, "Loss (1 − average accuracy)")
        axes = panel(figure, beside, MARGIN + HEADING, SCALE_WIDTH, traffic.bars_height)
        widest = max(1 - best, *(summaries[name].loss for name in totals), 1e-3)
        for middle, name in zip(traffic.middles, totals, strict=True):
            loss = summaries[name].loss
            first = is_best(summaries[name], best)
            axes.barh(middle, loss, height=0.72, color=LOCAL if first else FAINT)
            weight = "bold" if first else "normal"
            axes.text(
                loss + 0.02 * widest, middle, f"{loss:.4f}", fontsize=TEXT, va="center_baseline", fontweight=weight
            )
        axes.set_xlim(0, widest)
        axes.set_ylim(*traffic.limits)
        axes.set_yticks([])
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.tick_top()
        axes.tick_params(axis="x", length=2, pad=2, colors=FAINT, labelsize=SMALL)
        axes.spines[:].set_visible(False)
        axes.spines["left"].set(visible=True, color=INK)
    return figure
