"""Panels on a sheet: each alone, for a page that arranges them, or all together in rows, for a paper."""

from collections.abc import Sequence
from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .panels import Named, Panel
from .style import FAINT, MARGIN, SMALL, TEXT, TITLE, heading, line_style, panel, short, style, text_width, words_at

WIDTH = 3.05
LEFT, LEFT_OF_FIGURES, LEFT_OF_ROWS, RIGHT, ABOVE, BELOW = 0.72, 0.56, 0.08, 0.14, 0.24, 0.46
# What names may take beside the axes: at the right of them is nothing else.
SPARE = 0.29
APART, BETWEEN, TITLED, PITCH, SAMPLE, SAMPLE_HEIGHT, HEAD = 0.3, 0.25, 0.24, 0.24, 0.42, 0.17, 0.36

Line = list[tuple[float, Named]]
"""Names, and how far from the left each of them begins."""


def draw_sheet(
    rows: Sequence[tuple[str, Sequence[Panel]]],
    title: str,
    foot: str = "",
    *,
    names: Sequence[Named] = (),
    beside: bool = False,
    label_above: bool = False,
    shared: bool = False,
    width: float = WIDTH,
) -> Figure:
    """Draw panels in rows, with a title, and what the looks stand for.

    **Arguments:**

    - `rows`: what stands above each row, "" for nothing, and its panels.
    - `title`, `foot`: what stands above and below all of it.
    - `names`: what looks stand for on all panels; `beside` says that this stands at the right, one below the other.
    - `label_above`: whether what a panel measures stands above it, not at its left.
    - `shared`: whether the rows have their horizontal axis in common.
    - `width`: of the axes of a panel, in inches.
    """
    with style():
        left = LEFT_OF_FIGURES if label_above else LEFT
        columns, pitch = max(len(panels) for _, panels in rows), left + width + RIGHT + APART
        # Panels and, at their right, the names and what panels say there.
        body = columns * pitch - APART
        said = [line for _, panels in rows for content in panels for line in content.beside.splitlines()]
        names_width = SAMPLE + 0.1 + text_width([name.words for name in names], SMALL)
        across = body + (max(names_width, text_width(said, SMALL) + 0.2) if beside else 0.0)
        across = max(across, text_width([title], TITLE, bold=True), text_width([foot], SMALL))
        lines = flow(names, 0.0 if beside else across)
        tops, top = [], MARGIN + HEAD + (0.0 if beside else PITCH * len(lines))
        for index, row in enumerate(rows):
            tops.append(top)
            last = index + 1 == len(rows)
            top += sum(_heads(rows, index, width, label_above)) + max(content.height for content in row[1])
            top += BELOW if last or not shared else 0.0
            top += 0.0 if last else BETWEEN
        figure = Figure(figsize=(2 * MARGIN + across, top + (0.26 if foot else 0.0) + MARGIN), facecolor="white")
        words_at(figure, MARGIN, MARGIN, title, fontsize=TITLE, fontweight="bold")
        if foot:
            words_at(figure, MARGIN, top + 0.12, foot, fontsize=SMALL, color=FAINT)
        for index, (words, panels) in enumerate(rows):
            titled, headed, named, above = _heads(rows, index, width, label_above)
            heading(figure, MARGIN, tops[index], words)
            for column, content in enumerate(panels):
                start, top = MARGIN + column * pitch, tops[index] + titled
                indent = 0.0 if label_above else left
                heading(figure, start + indent, top, short(content.title, 40))
                if content.names and named:
                    legend(figure, flow(content.names, width + SPARE), start + left, top + headed - 0.05, width)
                axes = _draw(figure, content, start, top + headed + named + above, left, width)
                if label_above:
                    _label_above(figure, content, start, top + headed + named)
                else:
                    axes.set_ylabel(content.label, fontsize=TEXT)
                if shared and index + 1 < len(rows):
                    axes.tick_params(labelbottom=False)
                    axes.set_xlabel("")
        figure.align_ylabels()
        if beside:
            legend(figure, lines, MARGIN + body + 0.04, tops[0], names_width, max(1, len(lines)))
        elif lines:
            legend(figure, lines, MARGIN, MARGIN + HEAD - 0.1, across)
    return figure


def draw_alone(content: Panel) -> Figure:
    """Draw a panel on a sheet of its own, without its title, and with nothing behind it."""
    with style():
        across = LEFT_OF_FIGURES + WIDTH + RIGHT
        figure = Figure(figsize=(across, ABOVE + content.height + BELOW), facecolor="none")
        _draw(figure, content, 0.0, ABOVE, LEFT_OF_FIGURES, WIDTH)
        _label_above(figure, content, 0.0, 0.0)
    return figure


def draw_sample(name: Named) -> Figure:
    """Draw a sample of a curve's style, as small as a word."""
    with style():
        figure = Figure(figsize=(SAMPLE, SAMPLE_HEIGHT), facecolor="none")
        axes = panel(figure, 0.0, 0.0, SAMPLE, SAMPLE_HEIGHT)
        axes.set_axis_off()
        axes.set_xlim(0, SAMPLE)
        axes.set_ylim(0, SAMPLE_HEIGHT)
        _sample(axes, name, 0.03, SAMPLE_HEIGHT / 2)
    return figure


def svg_of(figure: Figure) -> bytes:
    """Write the figure as SVG; text stays text, and the same figure is the same bytes."""
    buffer = BytesIO()
    with style(**{"svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def places_of(figure: Figure, content: Panel) -> list[tuple[float, float, str]]:
    """Places of the tooltips of a panel that was drawn alone, in the units of its SVG, with their texts."""
    height, scale = 72.0 * figure.get_size_inches()[1], 72.0 / figure.dpi
    places = [figure.axes[0].transData.transform((hit.x, hit.y)) for hit in content.hits]
    return [
        (float(scale * x), float(height - scale * y), hit.words)
        for (x, y), hit in zip(places, content.hits, strict=True)
    ]


def _heads(
    rows: Sequence[tuple[str, Sequence[Panel]]], index: int, width: float, label_above: bool
) -> tuple[float, float, float, float]:
    """Heights of what stands above the axes of a row: its title, those of its panels, names, and labels."""
    words, panels = rows[index]
    names = [content.names for content in panels]
    # Names that are the same in the row above are not said again.
    again = index > 0 and names == [content.names for content in rows[index - 1][1]]
    lines = 0 if again else max(len(flow(own, width + SPARE)) for own in names)
    titled = TITLED * any(content.title for content in panels)
    return 0.28 * bool(words), titled, PITCH * lines, ABOVE * label_above


def _draw(figure: Figure, content: Panel, start: float, top: float, left: float, width: float) -> Axes:
    indent = LEFT_OF_ROWS if content.has_rows else left
    axes = panel(figure, start + indent, top, left + width - indent, content.height)
    axes.set_facecolor("none")
    content.draw(axes)
    return axes


def _label_above(figure: Figure, content: Panel, start: float, top: float) -> None:
    words_at(figure, start + 0.06, top + 0.05, content.label, fontsize=SMALL, color=FAINT)


def flow(names: Sequence[Named], room: float) -> list[Line]:
    """Names in lines that fit."""
    lines: list[Line] = []
    left = 0.0
    for name in names:
        width = _room(name) + 0.06 + text_width([name.words], SMALL)
        if not lines or left + width > room:
            lines.append([])
            left = 0.0
        lines[-1].append((left, name))
        left += width + 0.16
    return lines


def legend(
    figure: Figure, lines: Sequence[Line], left: float, top: float, width: float, tall: int | None = None
) -> None:
    """Names, each beside a sample."""
    height = PITCH * (len(lines) if tall is None else tall)
    axes = panel(figure, left, top, width, height)
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    for index, line in enumerate(lines):
        for at, name in line:
            _sample(axes, name, at, (index + 0.5) * PITCH)
            axes.text(at + _room(name), (index + 0.5) * PITCH, name.words, fontsize=SMALL, va="center_baseline")


def _room(name: Named) -> float:
    """Inches that a sample takes."""
    return 0.36 if name.colour else SAMPLE


def _sample(axes: Axes, name: Named, left: float, down: float) -> None:
    if name.colour:
        # What is white has an outline.
        line = {"edgecolor": FAINT if name.colour == "white" else name.colour, "linewidth": 0.8}
        axes.add_patch(Rectangle((left, down - 0.06), 0.3, 0.12, facecolor=name.colour, **line))
        return
    middle = (SAMPLE - 0.08) / 2
    across = [left, left + middle, left + 2 * middle]
    axes.plot(across, [down] * 3, markevery=[1], clip_on=False, **line_style(name.look, name.drawn))
