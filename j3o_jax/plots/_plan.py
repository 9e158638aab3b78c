"""The picture of one plan: placement, traffic and limits, laid out to suit their sizes."""

from matplotlib.figure import Figure

from .._scenario import Scenario
from .._solution import Solution
from ..report.summary import Summary, summarize
from ..report.wording import BY_WORD, count, gap_percent
from ._capacities import CapacityPanel
from ._placement import Placement
from ._rows import placement_rows
from ._traffic import TrafficPanel
from .style import MARGIN, headline, style

HEADLINE, GAP = 0.5, 0.35


def draw_plan(scenario: Scenario, solution: Solution) -> Figure:
    """See `j3o_jax.plots.plot_plan`."""
    summary = summarize(scenario, solution)
    if summary.total is None:
        raise ValueError(f"plot_plan: there is no plan to draw: {summary.reason}")
    several = len(summary.traffic) > 1
    rows = [*summary.traffic, summary.total] if several else summary.traffic
    with style():
        placement = Placement(scenario, placement_rows(scenario, solution, summary.nodes))
        traffic = TrafficPanel(rows, "Where the queries go", apart=several)
        limits = CapacityPanel(summary.capacities)
        limits.labels_width = traffic.labels_width = max(limits.labels_width, traffic.labels_width)
        places, width, height = _layout(placement, traffic, limits)
        figure = Figure(figsize=(width, height))
        for part, place in zip((placement, traffic, limits), places, strict=True):
            part.draw(figure, *place)
        headline(figure, f"Average accuracy {summary.accuracy:.4f}", _subtitle(summary))
    return figure


def _layout(
    placement: Placement, traffic: TrafficPanel, limits: CapacityPanel
) -> tuple[list[tuple[float, float]], float, float]:
    """Upper left corners of the three panels, and the size of the page, in inches."""
    left, top = MARGIN, MARGIN + HEADLINE
    if placement.height >= 0.6 * (traffic.height + GAP + limits.height):
        # A tall matrix on the left, the other two one above the other on the right.
        right = left + placement.width + GAP
        places = [(left, top), (right, top), (right, top + traffic.height + GAP)]
    else:
        # A low one goes on top: beside the other two it would leave half of the page white.
        below, right = top + placement.height + GAP, left + traffic.width + GAP
        if placement.width > traffic.width + GAP:
            placement.widen(traffic.width + GAP + limits.width)
            places = [(left, top), (left, below), (right, below)]
        else:
            places = [(left, top), (left, below), (max(right, left + placement.width + GAP), top)]
    parts = list(zip(places, (placement, traffic, limits), strict=True))
    width = max(x + part.width for (x, _), part in parts)
    height = max(y + part.height for (_, y), part in parts)
    return places, width + MARGIN, height + MARGIN


def _subtitle(summary: Summary) -> str:
    gap, word = summary.gap, "" if summary.certified else f" {BY_WORD}"
    proven = "" if gap != gap else f"  ·  within {gap_percent(gap)} of the optimum{word}"
    sizes = ", ".join(count(size, name.removesuffix("s")) for name, size in summary.sizes.items())
    return f"loss {summary.loss:.4f}{proven}  ·  {sizes}"
