"""An experiment's figures as Markdown."""

from collections.abc import Sequence

from .sheet import Sheet
from .sheets import foot_of, sheets_of
from .summary import Summary


def markdown_of(summary: Summary, picture: str | None = None) -> str:
    """The document; `picture` is the name of a file beside it."""
    experiment = summary.experiment
    parts = [f"# {experiment.title}"]
    if picture is not None:
        parts.append(f"![{experiment.does}]({picture})")
    for sheet in sheets_of(summary):
        parts += [part for part in (f"## {_plain(sheet.title)}", _plain(sheet.remark), _table(sheet)) if part]
    parts += ["---", "\n".join(f"- {_plain(sentence)}" for sentence in foot_of(summary))]
    return "\n\n".join(parts) + "\n"


def _table(sheet: Sheet) -> str:
    rules = ["---", *("---:" for _ in sheet.columns[1:])]
    return "\n".join(_row(cells) for cells in (sheet.columns, rules, *sheet.rows))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_plain(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _plain(text: str) -> str:
    """`text` on one line, so that a solver's message cannot break the document."""
    return " ".join(text.split())
