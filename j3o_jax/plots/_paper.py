"""What every picture is made of: colours, type, panels laid out in inches, and the file it ends up in."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

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

TITLE, TEXT, SMALL = 11.0, 9.0, 8.0
MARGIN = 0.2
LONGEST_NAME = 22
# Panels with a scale from 0 to 100 % are equally wide, so that they stand in line, one above the other.
SCALE_WIDTH, FIGURES = 3.0, 1.1


def style() -> AbstractContextManager[None]:
    """Context in which pictures are made: the caller's own settings are neither used nor touched."""
    return mpl.rc_context(
        {
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
        }
    )


def panel(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place measured in inches from the upper left corner of the figure."""
    across, down = figure.get_size_inches()
    return figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))


def heading(figure: Figure, left: float, top: float, text: str) -> None:
    """Title of a panel, above it."""
    across, down = figure.get_size_inches()
    figure.text(left / across, 1 - top / down, text, fontsize=TEXT, fontweight="bold", va="top")


def percent_scale(axes: Axes) -> None:
    """Label the horizontal axis of shares in percent."""
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"], fontsize=SMALL)
    axes.tick_params(axis="x", length=2, pad=2, colors=FAINT)


def text_width(texts: Sequence[str], size: float, bold: bool = False) -> float:
    """Width of the widest of some texts, in inches."""
    font = FontProperties(weight="bold" if bold else "normal")
    widths = [TextPath((0, 0), text, size, prop=font).get_extents().width / 72 for text in texts if text]
    return float(max(widths, default=0.0))


def short(name: str) -> str:
    """Name, cut if it would take the place of the picture: in the middle, since names differ at their ends."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in name)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[:11]}…{shown[-10:]}"


def write(figure: Figure, path: Path) -> None:
    """Write `figure` as the suffix of `path` says."""
    kind = path.suffix.lower().removeprefix(".")
    # Dates would make two files of the same picture differ.
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[kind]
    with style():
        # Type 42: publishers refuse matplotlib's usual Type 3 fonts.
        mpl.rcParams.update({"pdf.fonttype": 42, "svg.hashsalt": "j3o"})
        write_file(str(path), lambda file: figure.savefig(file, format=kind, dpi=200, metadata=metadata))
