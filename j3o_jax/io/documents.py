"""Documents of other kinds than deployments and plans: read, validated, refused with the line that is wrong.

A package with a kind of file of its own declares it as `Part`s and reads it by `read_document`.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from ._errors import DocumentError, FileError, Finding, refuse
from ._explain import validated
from ._files import read_text
from ._parse import json_lines, parse_json, parse_yaml
from ._paths import Path, check_text, plain_path, suffix_of
from ._quantities import Name, fail, number
from ._schema import Part
from .words import Loc, described, shown, suggestion

__all__ = [
    "Collecting",
    "Document",
    "DocumentError",
    "FileError",
    "Finding",
    "Loc",
    "Name",
    "Part",
    "described",
    "fail",
    "number",
    "read_document",
    "refuse",
    "refused",
    "shown",
    "suggestion",
    "validated",
    "within",
]

MadeT = TypeVar("MadeT")


class Document(NamedTuple):
    """Plain data of a file, and the line of each value."""

    path: str
    data: Any
    lines: Mapping[Loc, int]

    def become(self, make: Callable[[Any], MadeT]) -> MadeT:
        """Make something of the data by `make`; its `DocumentError` becomes a `FileError` with path and line."""
        try:
            return make(self.data)
        except DocumentError as error:
            raise error.at(self.path, self.lines) from None


def refused(loc: Loc, message: str) -> DocumentError:
    """Make the error to raise over one finding."""
    return DocumentError([Finding(loc, message)])


class Collecting:
    """Context that adds findings to a list, so that a file with several mistakes is told all of them."""

    def __init__(self, findings: list[Finding]):
        self.findings = findings

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        """Take a `DocumentError`, and let nothing else end here."""
        if not isinstance(error, DocumentError):
            return False
        self.findings += error.findings
        return True


@contextlib.contextmanager
def within(*loc: str | int) -> Iterator[None]:
    """Context in which the places of findings are below `loc`."""
    try:
        yield
    except DocumentError as error:
        raise DocumentError([Finding((*loc, *own.loc), own.message) for own in error.findings]) from None


def read_document(path: Path, what: str, remedy: str) -> Document:
    """Read the YAML or JSON in a file.

    **Arguments:**

    - `path`: a .yaml, .yml or .json file.
    - `what`: what it is to hold, with its article.
    - `remedy`: what to write into an empty file.

    **Raises:** `FileError` with the line.
    """
    check_text(path, what)
    name = plain_path(path)
    text = read_text(name)
    if suffix_of(name) == ".json" and text.strip():
        data, lines = parse_json(name, text), json_lines(name, text)
    else:
        data, lines = parse_yaml(name, text) if text.strip() else (None, {})
    if data is None:
        raise FileError(name, f"is empty: {remedy}")
    return Document(name, data, lines)
