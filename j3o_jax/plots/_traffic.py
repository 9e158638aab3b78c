"""Stacked bars of where the queries go, with how well they are answered."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..report.summary import Traffic
from ..report.wording import NEGLIGIBLE
from ._paper import FAINT, FIGURES, SCALE_WIDTH, SMALL, TEXT, WAYS, heading, panel, percent_scale, short, text_width

HEADING, ROW, LEGEND = 0.5, 0.3, 0.38
# Ink that can be read on each of the colours.
ON = {"local": "white", "edge": "black", "cloud": "black", "unserved": "black"}


class TrafficPanel:
    """A panel of the picture: it knows its size before it is drawn.

    **Arguments:**

    - `rows`: what the bars show; each is called by the name of its task.
    - `title`: heading of the panel.
    - `apart`: whether the last row stands apart, being the sum of the others.
    """

    def __init__(self, rows: Sequence[Traffic], title: str, apart: bool = True):
        self.rows = rows
        self.labels = [short(row.task) for row in rows]
        self.title = title
        self.middles = [index + 0.5 for index in range(len(rows))]
        if apart and len(rows) > 1:
            self.middles[-1] += 0.35
        self.labels_width = text_width(self.labels, TEXT, bold=True) + 0.14
        self.bars_height = (self.middles[-1] + 0.5) * ROW
        self.height = HEADING + self.bars_height + LEGEND
        self.apart = apart

    @property
    def width(self) -> float:
        """Inches across."""
        return self.labels_width + SCALE_WIDTH + FIGURES

    @property
    def limits(self) -> tuple[float, float]:
        """Ends of the vertical axis, the first row on top."""
        return self.middles[-1] + 0.5, 0.0

    def draw(self, figure: Figure, left: float, top: float) -> None:
        """Draw the panel with its upper left corner at the given place, in inches."""
        heading(figure, left, top, self.title)
        axes = panel(figure, left + self.labels_width, top + HEADING, SCALE_WIDTH, self.bars_height)
        for middle, row in zip(self.middles, self.rows, strict=True):
            _bar(axes, middle, row)
            right = "–" if row.accuracy != row.accuracy else f"{row.accuracy:.3f}"
            axes.text(1.08, middle, right, fontsize=TEXT, va="center_baseline")
        axes.set_xlim(0, 1)
        axes.set_ylim(*self.limits)
        percent_scale(axes)
        axes.xaxis.tick_top()
        # At the height of the scale's figures, whose pad is given in points.
        axes.annotate(
            "accuracy", (1.08, 1), (0, 4), "axes fraction", "offset points", fontsize=SMALL, color=FAINT, va="bottom"
        )
        axes.set_yticks(self.middles, self.labels, fontsize=TEXT)
        axes.tick_params(axis="y", length=0, pad=4)
        if self.apart:
            axes.get_yticklabels()[-1].set_fontweight("bold")
        axes.spines[:].set_visible(False)
        patches = [
            Patch(facecolor=colour, label=way, hatch="////" if way == "unserved" else None, edgecolor="white")
            for way, colour in WAYS.items()
        ]
        axes.legend(
            handles=patches,
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            ncols=4,
            frameon=False,
            fontsize=SMALL,
            handlelength=1.2,
            columnspacing=1.2,
            borderaxespad=0.3,
        )


def _bar(axes: Axes, middle: float, row: Traffic) -> None:
    start = 0.0
    for way, colour in WAYS.items():
        share = getattr(row, way)
        if not share > NEGLIGIBLE:
            continue
        hatch = "////" if way == "unserved" else None
        axes.barh(middle, share, left=start, height=0.72, color=colour, hatch=hatch, edgecolor="white", linewidth=0.6)
        if share >= 0.08:
            text = f"{100 * share:.0f}"
            box = {"facecolor": colour, "edgecolor": "none", "pad": 1.0} if hatch else None
            axes.text(
                start + share / 2,
                middle,
                text,
                fontsize=SMALL,
                ha="center",
                va="center_baseline",
                color=ON[way],
                bbox=box,
            )
        start += share
