"""Errors in files: where, what, and what to write instead, in one line."""

import dataclasses
from collections.abc import Iterable, Mapping

from .words import Loc, one_line, place_words


class FileError(ValueError):
    """A file that cannot be read or written. The text of the error is one line.

    **Arguments:**

    - `path`: the file, as it was named.
    - `message`: what is wrong, and after a colon what to do about it.
    - `line`: number of the line, from 1, where there is one.
    - `place`: path of keys such as ``clients[2].demand_per_s.depth``, or "".
    - `more`: how many further problems the file has.
    """

    def __init__(self, path: str, message: str, line: int | None = None, place: str = "", more: int = 0):
        # All of them positional: that is what pickle hands back when an error crosses processes.
        super().__init__(path, message, line, place, more)
        self.path = path
        self.message = message
        self.line = line
        self.place = place
        self.more = more

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}:{self.line}"
        said = f"{self.place} {self.message}" if self.place else self.message
        problems = "problem" if self.more == 1 else "problems"
        rest = f" (and {self.more} more {problems})" if self.more else ""
        return one_line(f"{where}: {said}{rest}")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing wrong in a document: the message follows the place, ``= -3 is negative: write …``."""

    loc: Loc
    message: str


class DocumentError(Exception):
    """A document that is not what it should be; becomes a `FileError` where the file is known."""

    def __init__(self, findings: list[Finding]):
        super().__init__(findings)
        self.findings = findings

    def at(self, path: str, lines: Mapping[Loc, int]) -> FileError:
        """Make the error to raise for the file at `path`: the first finding by line."""
        # In the order of the lines; what is missing has none, and is often there under a wrong key.
        located = sorted(
            ((finding.loc not in lines, _line(lines, finding.loc), finding) for finding in self.findings),
            key=lambda found: (found[0], found[1] or 0),
        )
        _, line, first = located[0]
        return FileError(path, first.message, line, place_words(first.loc), len(located) - 1)


def refuse(findings: Iterable[Finding]) -> None:
    """Raise `DocumentError` if there is any finding."""
    found = list(findings)
    if found:
        raise DocumentError(found)


def _line(lines: Mapping[Loc, int], loc: Loc) -> int | None:
    """Line of `loc`, or of what holds it: a key that is missing has no line of its own."""
    for end in range(len(loc), -1, -1):
        if loc[:end] in lines:
            return lines[loc[:end]]
    return None
