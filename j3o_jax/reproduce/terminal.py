"""An experiment's figures on the terminal."""

import dataclasses
from collections.abc import Iterator, Mapping

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from ..report.tables import WIDEST, headed
from ..report.wording import printable
from .sheets import foot_of, sheets_of
from .summary import Summary


@dataclasses.dataclass(frozen=True)
class ResultsReport:
    """Experiment as `rich` prints it.

    **Arguments:**

    - `summary`: the figures.
    - `files`: what was written, by what it is.
    """

    summary: Summary
    files: Mapping[str, str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the tables, what has to be known of them, and where the files are."""
        # There may be room for everything that the Markdown has.
        roomy = options.max_width >= WIDEST
        yield headed(self.summary.experiment.title)
        yield from sheets_of(self.summary, brief=not roomy)
        yield Text("")
        for sentence in foot_of(self.summary) if roomy else self.summary.notes:
            yield Text(printable(sentence), style="dim")
        yield Text(f"Written: {', '.join(self.files.values())}")
