"""A sheet: a table of text, and how the figures in its cells are written."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from .paper import Measure
from .summary import Line, Spread

NOTHING = "–"


@dataclasses.dataclass(frozen=True)
class Sheet:
    """A table of text.

    **Arguments:**

    - `title`: what it shows.
    - `columns`: their headings; the first column names the rows.
    - `rows`: cells, each row as long as `columns`.
    - `remark`: what to know of it, where there is room to say so.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remark: str = ""


def grid(
    title: str, heading: str, lines: Iterable[Line], column: Callable[[Line], str], cell: Callable[[Line], str]
) -> Sheet:
    """A sheet with a row for each place on the axis, which is called `heading`, and a column for each curve."""
    lines = list(lines)
    columns = list(dict.fromkeys(column(line) for line in lines))
    cells = {(line.x, column(line)): cell(line) for line in lines}
    return Sheet(title, (heading, *columns), _rows(lines, columns, cells))


def named_grid(title: str, heading: str, lines: Iterable[Line], kind: str, digits: int, brief: bool) -> Sheet:
    """Likewise for one method's decisions of one kind, with a column for each model or task."""
    lines = list(lines)
    columns = list(dict.fromkeys(name for line in lines for name in line.decisions.get(kind, {})))
    cells = {
        (line.x, name): figure_words(spread, digits, brief)
        for line in lines
        for name, spread in line.decisions.get(kind, {}).items()
    }
    return Sheet(title, (heading, *columns), _rows(lines, columns, cells))


def _rows(
    lines: Sequence[Line], columns: Sequence[str], cells: Mapping[tuple[float | None, str], str]
) -> tuple[tuple[str, ...], ...]:
    places = dict.fromkeys(line.x for line in lines)
    return tuple(
        (NOTHING if x is None else f"{x:g}", *(cells.get((x, column), NOTHING) for column in columns)) for x in places
    )


def measure_words(measure: Measure) -> str:
    """What a benchmark is judged by."""
    return "Average loss" if measure == "loss" else "Average accuracy"


def figure_words(spread: Spread, digits: int, brief: bool) -> str:
    """Mean and deviation, or the `brief` mean alone."""
    if math.isnan(spread.mean):
        return NOTHING
    mean = f"{spread.mean:.{digits}f}"
    return mean if brief else f"{mean} ± {spread.deviation:.{digits}f}"


def time_words(spread: Spread, brief: bool) -> str:
    """Milliseconds, to the tenth where that is a good part of them."""
    digits = 1 if spread.mean < 100 else 0
    if math.isnan(spread.mean):
        return NOTHING
    mean = f"{spread.mean:,.{digits}f}"
    return mean if brief else f"{mean} ± {spread.deviation:,.{digits}f}"


def percent_words(share: float, digits: int) -> str:
    """A share in percent."""
    return NOTHING if math.isnan(share) else f"{100 * share:.{digits}f} %"


def gap_words(gap: float) -> str:
    """A certified gap in percent, to one digit where it is small."""
    if math.isnan(gap):
        return NOTHING
    return "0 %" if gap <= 0 else f"{100 * gap:.1g} %" if gap < 1e-2 else f"{100 * gap:.1f} %"
