"""Progress of long work, on stderr if somebody watches; and what is said where Ctrl-C ends it."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from ..report.wording import count
from ._interrupts import INTERRUPTED, last

# Parts of one work differ a hundredfold in time; the rate is that of the last hour, not of the last seconds.
_RATE_PERIOD = 3600.0


@contextlib.contextmanager
def progress(
    name: str, total: int, done: int, unit: str, count_done: Callable[[], int]
) -> Iterator[Callable[[str, int], None]]:
    """Context that shows how far the work is; Ctrl-C ends it with a line that says so.

    **Arguments:**

    - `name`: of the work.
    - `total`, `done`: how many units there are, and how many were done before.
    - `unit`: what is counted, in the singular.
    - `count_done`: counts what is done from what is on the disk: Ctrl-C may come between a file and its being counted.

    **Yields:** a function of the words for what is at work, and by how much more is done.
    """
    bar = Progress(
        TextColumn("{task.fields[name]}", style="bold", markup=False),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        _RateColumn(unit),
        TimeRemainingColumn(compact=True),
        # What is being solved takes the room that is left, and is cut where there is too little.
        TextColumn("{task.description}", style="dim", markup=False, table_column=Column(ratio=1, no_wrap=True)),
        console=Console(stderr=True, emoji=False),
        expand=True,
        transient=True,
        disable=not sys.stderr.isatty(),
        speed_estimate_period=_RATE_PERIOD,
    )
    task = bar.add_task("", total=total, completed=done, name=name)

    def advance(words: str, by: int) -> None:
        bar.update(task, description=words, advance=by)

    def say_goodbye() -> None:
        with contextlib.suppress(Exception):
            bar.stop()
        words = f"{count_done():,} of {count(total, unit)} are done; the same command goes on from there"
        os.write(sys.stderr.fileno(), f"j3o: interrupted: {words}\n".encode())
        # The line that would follow says less.
        os._exit(INTERRUPTED)

    with last(say_goodbye), bar:
        yield advance


class _RateColumn(ProgressColumn):
    """Seconds for each unit, or units for each second."""

    def __init__(self, unit: str):
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        """Write the rate of what is done since the start."""
        speed = task.speed
        if not speed:
            return Text("", style="dim")
        words = f"{speed:,.1f} {self.unit}s/s" if speed >= 1 else f"{1 / speed:.1f} s/{self.unit}"
        return Text(words, style="dim", no_wrap=True)
