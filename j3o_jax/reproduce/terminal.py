"""An experiment's figures on the terminal."""

from collections.abc import Iterator, Mapping

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from ..report.terminal import plain_table
from ..report.wording import printable
from .sheets import foot_of, sheets_of
from .summary import Summary

# From this width on there is room for everything that the Markdown has.
ROOMY = 140


class ResultsReport:
    """What `rich` prints for an experiment.

    **Arguments:**

    - `summary`: the figures.
    - `files`: what was written, by what it is.
    """

    def __init__(self, summary: Summary, files: Mapping[str, str]):
        self.summary = summary
        self.files = files

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the tables, what has to be known of them, and where the files are."""
        roomy = options.max_width >= ROOMY
        yield Text(self.summary.experiment.title, style="bold")
        for sheet in sheets_of(self.summary, brief=not roomy):
            # Above the table and not in it: a title is often wider than the figures, and would be broken.
            yield Text(f"\n{printable(sheet.title)}", style="bold")
            table = plain_table("", roomy)
            table.title = None
            for index, column in enumerate(sheet.columns):
                table.add_column(column, justify="right" if index else "left", no_wrap=True)
            for row in sheet.rows:
                table.add_row(*row)
            yield table
        yield Text("")
        for sentence in foot_of(self.summary) if roomy else self.summary.notes:
            yield Text(printable(sentence), style="dim")
        yield Text(f"Written: {', '.join(self.files.values())}")
