"""Stacked bars of where the queries go, with how well they are answered."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ..report.summary import Traffic
from ..report.wording import NEGLIGIBLE
from .scales import percent_ticks
from .style import FAINT, FIGURES, SCALE_WIDTH, SMALL, TEXT, WAYS, heading, panel, short, text_width

HEADING, ROW, LEGEND = 0.5, 0.3, 0.38


class TrafficPanel:
    """A panel of the picture: it knows its size before it is drawn.

    **Arguments:**

    - `rows`: what the bars show; each is called by the name of its task.
    - `title`: heading of the panel.
    - `apart`: whether the last row stands apart, being the sum of the others.
    """

    def __init__(self, rows: Sequence[Traffic], title: str, apart: bool = True):
        self.rows, self.title, self.apart = rows, title, apart
        self.labels = [short(row.task) for row in rows]
        self.middles = [index + 0.5 for index in range(len(rows))]
        if apart and len(rows) > 1:
            self.middles[-1] += 0.35
        self.labels_width = text_width(self.labels, TEXT, bold=True) + 0.14
        self.bars_height = (self.middles[-1] + 0.5) * ROW
        self.height = HEADING + self.bars_height + LEGEND

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
        hatches = {way: "////" if way == "unserved" else None for way in WAYS}
        for middle, row in zip(self.middles, self.rows, strict=True):
            start = 0.0
            for way, colour in WAYS.items():
                share = getattr(row, way)
                if not share > NEGLIGIBLE:
                    continue
                how = {"color": colour, "hatch": hatches[way], "edgecolor": "white", "linewidth": 0.6}
                axes.barh(middle, share, left=start, height=0.72, **how)
                if share >= 0.08:
                    box = {"facecolor": colour, "edgecolor": "none", "pad": 1.0} if hatches[way] else None
                    ink = "white" if way == "local" else "black"
                    place = {"ha": "center", "va": "center_baseline", "fontsize": SMALL, "color": ink}
                    axes.text(start + share / 2, middle, f"{100 * share:.0f}", bbox=box, **place)
                start += share
            right = "–" if row.accuracy != row.accuracy else f"{row.accuracy:.3f}"
            axes.text(1.08, middle, right, fontsize=TEXT, va="center_baseline")
        axes.set_xlim(0, 1)
        axes.set_ylim(*self.limits)
        percent_ticks(axes.xaxis)
        axes.xaxis.tick_top()
        axes.tick_params(axis="x", length=2, pad=2, colors=FAINT)
        # At the height of the scale's figures, whose pad is given in points.
        how = {"fontsize": SMALL, "color": FAINT, "va": "bottom"}
        axes.annotate("accuracy", (1.08, 1), (0, 4), "axes fraction", "offset points", **how)
        axes.set_yticks(self.middles, self.labels, fontsize=TEXT)
        axes.tick_params(axis="y", length=0, pad=4)
        if self.apart:
            axes.get_yticklabels()[-1].set_fontweight("bold")
        axes.spines[:].set_visible(False)
        axes.legend(
            handles=[
                Patch(facecolor=colour, label=way, hatch=hatches[way], edgecolor="white")
                for way, colour in WAYS.items()
            ],
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            ncols=4,
            frameon=False,
            fontsize=SMALL,
            handlelength=1.2,
            columnspacing=1.2,
            borderaxespad=0.3,
        )
