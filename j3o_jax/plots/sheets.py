"""Panels on a sheet: each alone, for a page that arranges them, or all together, for a paper. Loads matplotlib."""

import dataclasses
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ._paper import FAINT, MARGIN, SMALL, TEXT, TITLE, UNSERVED, WAYS, heading, panel, short, style, text_width
from .curves import Curve, line_style
from .panels import AbstractPanel, RangesPanel, RatesPanel, SharesPanel

WAY_COLOURS = WAYS
NOTHING = UNSERVED
WIDTH = 3.75
LEFT, RIGHT, ABOVE, BELOW = 0.56, 0.14, 0.24, 0.46
COLUMNS, APART, BETWEEN, TITLED, PITCH, SAMPLE = 3, 0.3, 0.25, 0.2, 0.24, 0.42
SAMPLE_HEIGHT = 0.17


@dataclasses.dataclass(frozen=True)
class Named:
    """What a look, or a colour, stands for."""

    words: str
    look: int | None = None
    colour: str = ""


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
    panels: Sequence[AbstractPanel]
    names: Sequence[Named] = ()


def draw_alone(content: AbstractPanel) -> Figure:
    """A panel on a sheet of its own, without its title, and with nothing behind it."""
    with style():
        figure = Figure(figsize=(WIDTH, ABOVE + content.height + BELOW), facecolor="none")
        _draw(figure, content, 0.0, 0.0)
    return figure


def draw_sample(name: Named) -> Figure:
    """How a curve looks, as small as a word."""
    with style():
        figure = Figure(figsize=(SAMPLE, SAMPLE_HEIGHT), facecolor="none")
        axes = panel(figure, 0.0, 0.0, SAMPLE, SAMPLE_HEIGHT)
        axes.set_axis_off()
        axes.set_xlim(0, SAMPLE)
        axes.set_ylim(0, SAMPLE_HEIGHT)
        _sample(axes, name, 0.03, SAMPLE_HEIGHT / 2)
    return figure


def draw_picture(picture: Picture) -> Figure:
    """All panels of a picture, with its title and what the looks stand for."""
    rows = [picture.panels[at : at + COLUMNS] for at in range(0, len(picture.panels), COLUMNS)]
    titled = TITLED * any(content.title for content in picture.panels)
    with style(), without_glyph_warnings():
        columns = max(len(row) for row in rows)
        across = 2 * MARGIN + columns * WIDTH + (columns - 1) * APART
        across = max(across, 2 * MARGIN + text_width([picture.title], TITLE))
        lines = _lines(picture.names, across - 2 * MARGIN)
        heights = [titled + ABOVE + max(content.height for content in row) + BELOW for row in rows]
        head = 0.36 + PITCH * len(lines)
        figure = Figure(
            figsize=(across, 2 * MARGIN + head + sum(heights) + BETWEEN * (len(rows) - 1)), facecolor="white"
        )
        down = figure.get_size_inches()[1]
        figure.text(MARGIN / across, 1 - MARGIN / down, picture.title, fontsize=TITLE, fontweight="bold", va="top")
        if lines:
            _legend(figure, lines, across - 2 * MARGIN)
        top = MARGIN + head
        for row, height in zip(rows, heights, strict=True):
            for column, content in enumerate(row):
                left = MARGIN + column * (WIDTH + APART)
                heading(figure, left, top, content.title)
                _draw(figure, content, left, top + titled)
            top += height + BETWEEN
    return figure


def svg_of(figure: Figure) -> bytes:
    """The figure as SVG; text stays text, and the same figure is the same bytes."""
    with style(), without_glyph_warnings():
        mpl.rcParams.update({"svg.hashsalt": "j3o", "svg.fonttype": "none"})
        buffer = BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def places_of(figure: Figure, content: AbstractPanel) -> list[tuple[float, float, str]]:
    """Where the hits of a panel that was drawn alone are, in the units of its SVG, and what they say."""
    axes = figure.axes[0]
    height = 72.0 * figure.get_size_inches()[1]
    scale = 72.0 / figure.dpi
    found: list[tuple[float, float, str]] = []
    for hit in content.hits:
        x, y = axes.transData.transform((hit.x, hit.y))
        found.append((float(scale * x), float(height - scale * y), hit.words))
    return found


@contextmanager
def without_glyph_warnings() -> Iterator[None]:
    """Context in which a name in a script that the font lacks is drawn as boxes without a word."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def _draw(figure: Figure, content: AbstractPanel, left: float, top: float) -> None:
    # What names its rows above them has no figures at its left.
    indent = 0.08 if isinstance(content, SharesPanel | RangesPanel | RatesPanel) else LEFT
    axes = panel(figure, left + indent, top + ABOVE, WIDTH - indent - RIGHT, content.height)
    axes.set_facecolor("none")
    content.draw(axes)
    across, down = figure.get_size_inches()
    figure.text((left + 0.06) / across, 1 - (top + 0.05) / down, content.label, fontsize=SMALL, color=FAINT, va="top")


def _lines(names: Sequence[Named], room: float) -> list[list[tuple[float, Named]]]:
    """Names with their places from the left, in lines that fit."""
    lines: list[list[tuple[float, Named]]] = [[]] if names else []
    left = 0.0
    for name in names:
        width = SAMPLE + 0.06 + text_width([short(name.words)], TEXT)
        if lines[-1] and left + width > room:
            lines.append([])
            left = 0.0
        lines[-1].append((left, name))
        left += width + 0.2
    return lines


def _legend(figure: Figure, lines: Sequence[Sequence[tuple[float, Named]]], width: float) -> None:
    axes = panel(figure, MARGIN, MARGIN + 0.26, width, PITCH * len(lines))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(PITCH * len(lines), 0)
    for index, line in enumerate(lines):
        for left, name in line:
            _sample(axes, name, left, (index + 0.5) * PITCH)
            axes.text(left + SAMPLE, (index + 0.5) * PITCH, short(name.words), fontsize=TEXT, va="center_baseline")


def _sample(axes, name: Named, left: float, down: float) -> None:
    if name.look is None:
        axes.add_patch(Rectangle((left, down - 0.06), 0.3, 0.12, color=name.colour, linewidth=0))
        return
    look = line_style(Curve("", name.look, (), (), ()))
    look |= {"linewidth": 2.2 if look["linestyle"] == "solid" else 1.4, "markersize": 0.72 * look["markersize"]}
    middle = (SAMPLE - 0.08) / 2
    axes.plot([left, left + middle, left + 2 * middle], [down] * 3, markevery=[1], clip_on=False, **look)
