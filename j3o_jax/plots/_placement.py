"""The matrix of the models that the nodes hold, with the memory that they take."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .._scenario import Scenario
from ._rows import Row, shown_models
from .panels import Named
from .sheet import PITCH, Line, flow, legend
from .style import EMPTY, INK, SMALL, TIERS, heading, panel, short, text_width

HEADING, MEMORY, GROUP = 0.28, 0.95, 0.45
LEGEND_WIDTH = 4.4
# A cell that is narrower has no room for three figures.
NUMBER_WIDTH = 0.16
# Names in columns stand upright; this is as close as they can stand.
NAME_PITCH = 0.145


class Placement:
    """A panel of the picture: it knows its size before it is drawn.

    **Arguments:**

    - `scenario`: for the names.
    - `rows`: what it shows.
    """

    def __init__(self, scenario: Scenario, rows: list[Row]):
        self.rows = rows
        self.models = shown_models(scenario, rows)
        self.all_models = scenario.models
        self.names = [short(scenario.labels.models[model]) for model in self.models]
        columns = len(self.models)
        self.cell = min(0.32, max(0.165, 2.4 / max(len(rows), 1)))
        self.wide_cell = min(self.cell if columns > 8 else 0.5, 6.4 / columns)
        # A gap before each group but the first keeps an edge with its clients.
        gaps = np.cumsum([GROUP * (row.first and index > 0) for index, row in enumerate(rows)])
        self.middles = np.arange(len(rows)) + 0.5 + gaps
        self.labels_width = text_width([short(row.label) for row in rows], SMALL, bold=True) + 0.12
        self.names_height = text_width(self.names, SMALL) + 0.1
        self.matrix_height = float(len(rows) + gaps[-1]) * self.cell
        self.height = HEADING + self.names_height + self.matrix_height + 0.18 + PITCH * len(self._meanings())

    @property
    def matrix_width(self) -> float:
        """Inches across all columns."""
        return len(self.models) * self.wide_cell

    @property
    def width(self) -> float:
        """Inches across."""
        return self.labels_width + max(self.matrix_width + 0.12 + MEMORY, LEGEND_WIDTH)

    def widen(self, width: float) -> None:
        """Stretch the columns, within reason, until the panel is `width` inches wide."""
        room = (width - self.labels_width - 0.12 - MEMORY) / len(self.models)
        self.wide_cell = max(self.wide_cell, min(room, 0.5))

    def draw(self, figure: Figure, left: float, top: float) -> None:
        """Draw the panel with its upper left corner at the given place, in inches."""
        heading(figure, left, top, "Models held" + self._selection())
        left, top = left + self.labels_width, top + HEADING + self.names_height
        axes = panel(figure, left, top, self.matrix_width, self.matrix_height)
        self._cells(axes)
        self._labels(axes)
        memory = panel(figure, left + self.matrix_width + 0.12, top, 0.5, self.matrix_height)
        self._memory(memory)
        place = (left, top + self.matrix_height + 0.1)
        legend(figure, self._meanings(), *place, LEGEND_WIDTH)

    def _meanings(self) -> list[Line]:
        """Say what the colours of the cells mean, in lines."""
        found = [Named("on an edge", colour=TIERS["edge"]), Named("on a client", colour=TIERS["client"])]
        if any(row.nodes == 1 for row in self.rows):
            found.append(Named("held, unused", colour="white"))
        if any(row.nodes > 1 for row in self.rows):
            words = "numbers: % that hold it" if self.wide_cell >= NUMBER_WIDTH else "deeper: more hold it"
            found.append(Named(words, colour=to_hex(_shade("client", 0.4))))
        return flow(found, LEGEND_WIDTH)

    def _selection(self) -> str:
        return "" if len(self.models) == self.all_models else f" ({len(self.models)} of {self.all_models} models)"

    def _cells(self, axes: Axes) -> None:
        boxes, faces, lines = [], [], []
        for middle, row in zip(self.middles, self.rows, strict=True):
            for column, model in enumerate(self.models):
                held = float(row.held[model])
                boxes.append(Rectangle((column + 0.07, middle - 0.43), 0.86, 0.86))
                line = _shade(row.tier, held)
                lines.append(line)
                # A model that a node holds but answers nothing with keeps its outline only.
                faces.append("white" if row.nodes == 1 and held and not row.busy[model] else line)
                if row.nodes > 1 and held and self.wide_cell >= NUMBER_WIDTH:
                    ink = "white" if held > 0.6 and row.tier == "client" else INK
                    text = "<1" if held < 0.005 else f"{100 * held:.0f}"
                    axes.text(column + 0.5, middle, text, fontsize=6, ha="center", va="center_baseline", color=ink)
        axes.add_collection(PatchCollection(boxes, facecolors=faces, edgecolors=lines, linewidths=0.8))
        axes.set_xlim(0, len(self.models))
        self._frame(axes)

    def _labels(self, axes: Axes) -> None:
        step = math.ceil(NAME_PITCH / self.wide_cell)
        columns = np.arange(0, len(self.models), step)
        axes.set_xticks(columns + 0.5, [self.names[c] for c in columns], rotation=90, fontsize=SMALL)
        axes.xaxis.tick_top()
        axes.set_yticks(self.middles, [short(row.label) for row in self.rows], fontsize=SMALL)
        for label, row in zip(axes.get_yticklabels(), self.rows, strict=True):
            label.set_fontweight("bold" if row.tier == "edge" else "normal")
        axes.tick_params(length=0, pad=3)

    def _memory(self, axes: Axes) -> None:
        shares = [0.0 if row.memory != row.memory else min(row.memory, 1.0) for row in self.rows]
        axes.barh(self.middles, 1.0, height=0.62, color=EMPTY)
        axes.barh(self.middles, shares, height=0.62, color=[TIERS[row.tier] for row in self.rows])
        for middle, row in zip(self.middles, self.rows, strict=True):
            text = "none" if row.memory != row.memory else f"{100 * row.memory:.0f} %"
            axes.text(1.1, middle, text, fontsize=SMALL, va="center_baseline", color=INK)
        axes.set_xlim(0, 1)
        axes.set_xticks([0.5], ["memory"], fontsize=SMALL)
        axes.xaxis.tick_top()
        axes.set_yticks([])
        axes.tick_params(length=0, pad=3)
        self._frame(axes)

    def _frame(self, axes: Axes) -> None:
        axes.set_ylim(self.middles[-1] + 0.5, 0)
        axes.spines[:].set_visible(False)


def _shade(tier: str, share: float) -> tuple[float, float, float]:
    """Colour of a cell: deeper the more of the row's nodes hold the model."""
    if share == 0:
        return to_rgb(EMPTY)
    depth = 0.12 + 0.88 * share
    red, green, blue = (1 - depth * (1 - part) for part in to_rgb(TIERS[tier]))
    return red, green, blue
