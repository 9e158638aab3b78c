"""The picture of batch profiles: what was measured, the lines, and how far they are off."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from ..profiles import BatchProfile
from ._paper import EMPTY, FAINT, INK, MARGIN, SMALL, TEXT, heading, panel, short, style, text_width

WIDTH, HEIGHT = 3.7, 2.7
HEADING, LEFT, BELOW, BETWEEN, PITCH = 0.34, 0.62, 0.62, 0.85, 0.2
# From this ratio of the largest to the smallest batch on, small ones would lie on each other on an even scale.
WIDE = 16
# Okabe and Ito's palette, and a marker for each colour. From the ninth model on they come again.
_LOOKS = (
    ("#0072B2", "o"),
    ("#E69F00", "s"),
    ("#009E73", "^"),
    ("#CC79A7", "D"),
    ("#D55E00", "P"),
    ("#56B4E9", "v"),
    ("#222222", "x"),
    ("#6B6B6B", "*"),
)


def draw_batch_profiles(profiles: Mapping[str, BatchProfile]) -> Figure:
    """See `j3o_jax.plots.plot_batch_profiles`."""
    if not profiles:
        raise ValueError("plot_batch_profiles: there is no profile to draw")
    legend = [_words(name, profile) for name, profile in profiles.items()]
    below = BELOW + PITCH * len(profiles)
    with style():
        across = max(2 * MARGIN + 2 * (LEFT + WIDTH) + BETWEEN - LEFT, 2 * MARGIN + 0.4 + text_width(legend, SMALL))
        figure = Figure(figsize=(across, 2 * MARGIN + HEADING + HEIGHT + below), facecolor="white")
        beside = MARGIN + LEFT + WIDTH + BETWEEN
        top = MARGIN + HEADING
        heading(figure, MARGIN + LEFT, MARGIN, "Latency of a batch, ms")
        heading(figure, beside, MARGIN, "Measured less fitted, % of measured")
        measured = panel(figure, MARGIN + LEFT, top, WIDTH, HEIGHT)
        residual = panel(figure, beside, top, WIDTH, HEIGHT)
        for index, profile in enumerate(profiles.values()):
            _draw(measured, residual, profile, index)
        # A fit without errors would have an axis of rounding.
        reach = max(1.15 * max(abs(edge) for edge in (residual.dataLim.y0, residual.dataLim.y1)), 1.0)
        residual.set_ylim(-reach, reach)
        residual.axhline(0.0, color=FAINT, linewidth=0.8, zorder=1)
        everything = np.concatenate([profile.batch_size for profile in profiles.values()])
        wide = bool(np.max(everything) >= WIDE * np.min(everything))
        if wide:
            _logarithmic_scales(measured, residual, everything)
        else:
            measured.set_xlim(left=0.0)
            measured.set_ylim(bottom=0.0)
            residual.set_xlim(measured.get_xlim())
        for axes in (measured, residual):
            _finish(axes, even_sizes=not wide, even_heights=axes is residual or not wide)
        names = panel(figure, MARGIN + LEFT, top + HEIGHT + BELOW, WIDTH, PITCH * len(profiles))
        _name(names, legend)
    return figure


def _words(name: str, profile: BatchProfile) -> str:
    fitted = f"ν = {1e3 * profile.setup:.3g} ms, {1e3 * profile.per_query:.3g} ms per query ({profile.weighting} fit)"
    return f"{short(name)}: {fitted}" if name else fitted


def _draw(measured: Axes, residual: Axes, profile: BatchProfile, index: int) -> None:
    colour, marker = _LOOKS[index % len(_LOOKS)]
    sizes = np.geomspace(np.min(profile.batch_size), np.max(profile.batch_size), 100)
    measured.plot(sizes, 1e3 * profile.latency_at(sizes), color=colour, linewidth=1.3)
    points = {"color": colour, "marker": marker, "linestyle": "none", "markersize": 5.5, "clip_on": False}
    measured.plot(profile.batch_size, 1e3 * profile.latency, **points)
    residual.plot(profile.batch_size, 100 * profile.relative_residuals, **points)


def _logarithmic_scales(measured: Axes, residual: Axes, sizes: np.ndarray) -> None:
    """Scales on which small batches can be told apart, too."""
    low, high = float(np.min(sizes)), float(np.max(sizes))
    powers = [2.0**power for power in range(int(np.floor(np.log2(low))), int(np.ceil(np.log2(high))) + 1)]
    shown = [power for power in powers if low <= power <= high]
    for axes in (measured, residual):
        axes.set_xscale("log", base=2)
        axes.set_xlim(low / 1.2, high * 1.2)
        axes.set_xticks(shown[:: -(-len(shown) // 10)])
    bottom, top = measured.dataLim.y0 / 1.4, 1.4 * measured.dataLim.y1
    measured.set_yscale("log")
    measured.set_ylim(bottom, top)
    tens = range(int(np.floor(np.log10(bottom))), int(np.ceil(np.log10(top))) + 1)
    rounds = [step * 10.0**ten for ten in tens for step in (1, 2, 5)]
    rounds = [tick for tick in rounds if bottom <= tick <= top]
    measured.set_yticks(rounds if len(rounds) <= 10 else [tick for tick in rounds if np.log10(tick) % 1 < 1e-9])
    for axis in (measured.xaxis, measured.yaxis, residual.xaxis):
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))


def _finish(axes: Axes, *, even_sizes: bool, even_heights: bool) -> None:
    """Round figures on axes with even scales, and away with what a picture does without."""
    axes.grid(axis="y", color=EMPTY, linewidth=0.9)
    axes.set_axisbelow(True)
    axes.set_xlabel("Batch size, queries", fontsize=TEXT, labelpad=4)
    for even, axis, limits, locator in (
        (even_sizes, axes.xaxis, axes.get_xlim(), MaxNLocator(7, integer=True)),
        (even_heights, axes.yaxis, axes.get_ylim(), MaxNLocator(6)),
    ):
        if even:
            axis.set_ticks([tick for tick in locator.tick_values(*limits) if limits[0] <= tick <= limits[1]])
    axes.tick_params(length=2.5, pad=3, colors=FAINT, labelcolor=INK, labelsize=SMALL)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _name(axes: Axes, legend: list[str]) -> None:
    """Each profile beside its sample, one below the other."""
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(PITCH * len(legend), 0)
    for index, words in enumerate(legend):
        colour, marker = _LOOKS[index % len(_LOOKS)]
        down = PITCH * (index + 0.5)
        axes.plot(
            [0.0, 0.13, 0.26], [down] * 3, color=colour, marker=marker, markevery=[1], linewidth=1.3, clip_on=False
        )
        axes.text(0.36, down, words, fontsize=SMALL, va="center_baseline")
