"""Tables and lists of facts on a terminal, in the style of all reports."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

from .wording import one_line, printable

# As many rows as a reader takes in at a glance; what is beyond is counted.
LONGEST_LIST = 10
# From this width on columns can stand apart, those of sheets too.
ROOMY, WIDEST = 100, 140


def plain_table(title: str, *columns: Column, wide: bool = True) -> Table:
    """Make an empty table; narrow ones keep their columns closer together."""
    return Table(
        *columns,
        title=Text(f"\n{title}", style="bold") if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1 if wide else 0, 0, 0),
        show_edge=False,
        header_style="dim",
        expand=False,
    )


def names(*headers: str) -> Iterator[Column]:
    """Columns of names, which are broken where they are too long."""
    return (Column(header, overflow="fold") for header in headers)


def words(*headers: str) -> Iterator[Column]:
    """Columns of words, which are kept whole."""
    return (Column(header, no_wrap=True) for header in headers)


def figures(*headers: str) -> Iterator[Column]:
    """Columns of figures."""
    return (Column(header, justify="right", no_wrap=True) for header in headers)


@dataclasses.dataclass(frozen=True)
class Sheet:
    """A table of text, for a terminal and for Markdown.

    **Arguments:**

    - `title`: what it shows.
    - `columns`: their headings; the first column names the rows.
    - `rows`: cells, each row as long as `columns`.
    - `remark`: what to know of it, where there is room to say so.
    - `styles`: of the rows on a terminal; "" for plain ones.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    remark: str = ""
    styles: Sequence[str] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the title, which is often wider than the figures and would be broken in the table, and the table."""
        if self.title:
            yield Text(f"\n{printable(self.title)}", style="bold")
        wide = options.max_width >= WIDEST
        table = plain_table("", *names(self.columns[0]), *figures(*self.columns[1:]), wide=wide)
        for cells, style in zip(self.rows, self.styles or [""] * len(self.rows), strict=True):
            table.add_row(*(Text(printable(cell)) for cell in cells), style=style)
        yield table

    def markdown(self) -> str:
        """Write the title as a heading, the remark and the table."""
        rules = ["---", *("---:" for _ in self.columns[1:])]
        rows = [[one_line(cell).replace("|", "\\|") for cell in cells] for cells in (self.columns, rules, *self.rows)]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
        return "\n\n".join(part for part in (f"## {one_line(self.title)}", one_line(self.remark), table) if part)


def facts_list(facts: Iterable[tuple[str, str | Text]]) -> Table:
    """Facts, a line each: what it is, and what there is to say of it."""
    grid = Table.grid(Column(style="dim", no_wrap=True), Column(), padding=(0, 2))
    for word, text in facts:
        grid.add_row(word, Text(printable(text)) if isinstance(text, str) else text)
    return grid


def headed(title: str) -> Text:
    """Make the line that a report or a part of it begins with."""
    return Text(printable(title), style="bold")


def notes(sentences: Sequence[str]) -> Iterator[Text | str]:
    """Yield what a reader should not overlook, after an empty line."""
    if sentences:
        yield ""
    for sentence in sentences:
        yield Text(f"Note: {printable(sentence)}.", style="yellow")


def fitting(console: Console, options: ConsoleOptions, *tables: Callable[[], Table]) -> Table:
    """Make the first of some tables that fits without breaking a word, or the last one."""
    for table in tables[:-1]:
        made = table()
        if Measurement.get(console, options.update(max_width=10_000), made).maximum <= options.max_width:
            return made
    return tables[-1]()
