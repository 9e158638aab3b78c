"""Style of every picture: colours and type, places in inches, and the file that a picture ends up in."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from ..io import write_file

# Okabe and Ito's palette: told apart by colour-blind readers, and in grey by lightness.
LOCAL = "#0072B2"
EDGE = "#E69F00"
CLOUD = "#CC79A7"
UNSERVED = "#D9D9D9"
INK = "#222222"
FAINT = "#6B6B6B"
EMPTY = "#F1F2F4"

WAYS = {"local": LOCAL, "edge": EDGE, "cloud": CLOUD, "unserved": UNSERVED}
TIERS = {"client": LOCAL, "edge": EDGE, "cloud": CLOUD}

# Colour, marker, its size, dash. Each look has a marker and a dash of its own, so that grey print tells them apart.
# Curves may lie on each other: one is broad and filled and goes below, the others are thin, broken and hollow, with
# markers of different sizes.
_LOOKS = (
    (EDGE, "s", 6.0, (0, (5, 2))),
    ("#009E73", "^", 9.0, (0, (7, 3, 1.5, 3))),
    (CLOUD, "D", 4.8, (0, (3, 1.5))),
    (FAINT, "v", 6.0, (0, (1.2, 1.4))),
    (INK, "x", 5.0, (0, (2, 4))),
    (LOCAL, "o", 6.5, "solid"),
    ("#D55E00", "P", 6.5, (0, (9, 2))),
    ("#56B4E9", "*", 8.0, (0, (4, 1, 1, 1, 1, 1))),
)
_DISTINCT = (5, 0, 1, 6, 2, 7, 3, 4)
BROAD, THIN = 2.8, 1.3

TITLE, TEXT, SMALL = 11.0, 9.0, 8.0
MARGIN = 0.2
LONGEST_NAME = 22
# Panels with a scale from 0 to 100 % are equally wide, so that they stand in line, one above the other.
SCALE_WIDTH, FIGURES = 3.0, 1.1

Drawn: TypeAlias = Literal["curve", "joined", "line", "points", "mark"]
"""How a curve is drawn: as a look has it, or with plain lines and filled markers, or one of the two, or set apart."""


def distinct(place: int) -> int:
    """Choose the look of what comes at a place, in the order in which looks are told apart best."""
    return _DISTINCT[place % len(_DISTINCT)]


def colour_of(look: int) -> str:
    """Return the colour of a look."""
    return _LOOKS[look % len(_LOOKS)][0]


def line_style(look: int | None, drawn: Drawn = "curve") -> dict[str, Any]:
    """Return matplotlib's settings for a look; None is that of faint dots, which others stand out from."""
    colour, marker, size, dash = (FAINT, "o", 2.6, "solid") if look is None else _LOOKS[look % len(_LOOKS)]
    solid = dash == "solid"
    common = {"color": colour, "marker": marker, "markersize": size, "markeredgewidth": 1.2, "zorder": 2.5}
    kinds: dict[Drawn, dict[str, Any]] = {
        "curve": {
            "linestyle": dash,
            "linewidth": BROAD if solid else THIN,
            "markerfacecolor": colour if solid else "none",
            "zorder": 2 if solid else 3,
        },
        "joined": {"linestyle": "-", "linewidth": THIN, "markersize": 0.6 * size, "markeredgewidth": 0.8},
        "line": {"linestyle": "-", "linewidth": THIN, "marker": ""},
        "points": {"linestyle": "none", "markersize": 0.9 * size, "markeredgewidth": 0.8},
        "mark": {"linestyle": "none", "markersize": 9.0, "markeredgecolor": INK, "zorder": 5},
    }
    return common | kinds[drawn]


@contextmanager
def style(**further: Any) -> Iterator[None]:
    """Context in which pictures are made: the caller's own settings are neither used nor touched.

    A name in a script that the font lacks is drawn as boxes without a word. `further` are settings of matplotlib.
    """
    settings: dict[Any, Any] = {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": TEXT,
        "text.color": INK,
        "text.usetex": False,
        # A dollar or an underscore in the name of a node is no formula.
        "text.parse_math": False,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.6,
        "xtick.color": INK,
        "ytick.color": INK,
        "hatch.linewidth": 0.5,
        # The same picture has the same ids, and type 42: publishers refuse matplotlib's usual Type 3 fonts.
        "svg.hashsalt": "j3o",
        "pdf.fonttype": 42,
        **further,
    }
    with mpl.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def panel(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place measured in inches from the upper left corner of the figure."""
    across, down = figure.get_size_inches()
    return figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))


def words_at(figure: Figure, left: float, top: float, text: str, **how: Any) -> None:
    """Text with its upper left corner at a place measured likewise."""
    across, down = figure.get_size_inches()
    figure.text(left / across, 1 - top / down, text, va="top", **how)


def heading(figure: Figure, left: float, top: float, text: str) -> None:
    """Title of a panel, above it."""
    words_at(figure, left, top, text, fontsize=TEXT, fontweight="bold")


def headline(figure: Figure, title: str, subtitle: str) -> None:
    """Title of a whole picture with a line below."""
    words_at(figure, MARGIN, MARGIN, title, fontsize=TITLE, fontweight="bold")
    words_at(figure, MARGIN, MARGIN + 0.22, subtitle, fontsize=SMALL, color=FAINT)


def finish_axes(axes: Axes, grid: Literal["x", "y", "both"] | None = None) -> None:
    """Give axes a grid behind the data, faint ticks, and no frame but their own lines."""
    if grid is not None:
        axes.grid(axis=grid, color=EMPTY, linewidth=0.9)
        axes.set_axisbelow(True)
    axes.tick_params(length=2.5, pad=3, colors=FAINT, labelcolor=INK, labelsize=SMALL)
    axes.spines[["top", "right"]].set_visible(False)


def text_width(texts: Sequence[str], size: float, bold: bool = False) -> float:
    """Width of the widest of some texts, in inches."""
    font = FontProperties(weight="bold" if bold else "normal")
    widths = [TextPath((0, 0), text, size, prop=font).get_extents().width / 72 for text in texts if text]
    return float(max(widths, default=0.0))


def short(name: str, longest: int = LONGEST_NAME) -> str:
    """Name, cut if it would take the place of the picture: in the middle, since names differ at their ends."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in name)
    return shown if len(shown) <= longest else f"{shown[: longest // 2]}…{shown[-(longest - longest // 2 - 1) :]}"


def write(figure: Figure, path: Path) -> None:
    """Write `figure` as the suffix of `path` says."""
    kind = path.suffix.lower().removeprefix(".")
    # Dates would make two files of the same picture differ.
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[kind]
    with style():
        write_file(str(path), lambda file: figure.savefig(file, format=kind, dpi=200, metadata=metadata))
