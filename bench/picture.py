"""Gap against time, a panel for each case and size."""

from pathlib import Path

from matplotlib.figure import Figure

from j3o_jax.plots import save_figure

from .registry import METHODS

_COLOURS = (
    "#0072B2",
    "#E69F00",
    "#CC79A7",
    "#009E73",
    "#6B6B6B",
    "#222222",
    "#D55E00",
    "#56B4E9",
    "#7F3C8D",
    "#A6761D",
)
_MARKERS = "os^DvXP*hp"
_LEAST = 1e-6  # gaps below this stand on the floor of the picture


def draw_gap_against_time(summary: dict[tuple[str, int], dict[str, dict[str, float]]], path: Path, foot: str) -> None:
    """Draw medians of time and mean gaps of all methods, and write them to `path`."""
    cases = list(dict.fromkeys(case for case, _ in summary))
    sizes = list(dict.fromkeys(size for _, size in summary))
    figure = Figure(figsize=(2.3 * len(sizes) + 2.4, 2.2 * len(cases) + 1.0), facecolor="white")
    panels = figure.subplots(len(cases), len(sizes), sharex=True, sharey=True, squeeze=False)
    looks = {name: (_COLOURS[i], _MARKERS[i]) for i, name in enumerate(METHODS)}
    handles = {}
    for row, case in enumerate(cases):
        for column, size in enumerate(sizes):
            axes = panels[row][column]
            for name, own in summary.get((case, size), {}).items():
                colour, marker = looks[name]
                handles[name] = axes.scatter(
                    own["seconds"], max(own["gap"], _LEAST), color=colour, marker=marker, s=42, zorder=3, linewidths=0
                )
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.grid(color="#E4E6EA", linewidth=0.6)
            axes.set_axisbelow(True)
            axes.tick_params(labelsize=8)
            axes.set_title(f"{case}, {size:,} clients", fontsize=9, loc="left")
            if row == len(cases) - 1:
                axes.set_xlabel("seconds per scenario", fontsize=8)
            if column == 0:
                axes.set_ylabel("gap at most", fontsize=8)
    names = [name for name in METHODS if name in handles]
    figure.tight_layout(rect=(0.0, 0.04, 1.0 - 1.6 / figure.get_figwidth(), 1.0))
    figure.legend(
        [handles[name] for name in names],
        [METHODS[name].label for name in names],
        loc="center right",
        fontsize=8,
        frameon=False,
    )
    figure.text(0.01, 0.01, foot, fontsize=7, color="#6B6B6B")
    save_figure(figure, str(path))
