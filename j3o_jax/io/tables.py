"""Tables as people have them: CSV with one of several separators, with decimal commas, compressed, with other names."""

import contextlib
import csv
import gzip
import io
import itertools
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ._errors import FileError
from ._paths import Path
from .words import shown, suggestion

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Units of time that a column may be in, and their seconds."""

UNIT_WORDS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}

_SEPARATORS = (",", ";", "\t", "|")
_GZIP = b"\x1f\x8b"
_DECIMAL_COMMA = re.compile(r"([-+]?\d+),(\d+(?:[eE][-+]?\d+)?)")


class Table(NamedTuple):
    """A table that is being read.

    - `header`: names of the columns, in the words of the reader where `columns` says so.
    - `separator`: between cells.
    - `rows`: of `csv.reader`, the header before them taken off.
    """

    header: list[str]
    separator: str
    rows: Any

    def number(self, cell: str) -> str:
        """Write the decimal comma of a cell as a point."""
        decimal = _DECIMAL_COMMA.fullmatch(cell.strip())
        # Between commas, 1,000 may be a thousand as well.
        if decimal is None or (self.separator == "," and len(decimal[2]) == 3):
            return cell
        return ".".join(decimal.groups())


@contextlib.contextmanager
def open_table(path: Path) -> Iterator[io.TextIOWrapper]:
    """Text of a UTF-8 file, decompressed where it is one of gzip, whatever its name.

    **Raises:** `FileError` for a damaged archive; `OSError` and `UnicodeDecodeError` as files do.
    """
    with open(path, "rb") as file:
        packed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        raw: Any = gzip.GzipFile(fileobj=file) if packed else file
        try:
            # Excel marks its UTF-8 files with a byte order mark.
            with io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
                yield text
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FileError(os.fspath(path), f"is a damaged gzip archive ({error}): compress it again") from None


def read_table(text: Iterable[str], known: Sequence[str], columns: Mapping[str, str] | None = None) -> Table:
    """Read the header of a table, whose rows are still to come. Raises `csv.Error`.

    The separator is the one by which the header has most of the columns `known`; names match whatever their case.

    **Arguments:**

    - `known`: names that the reader looks for.
    - `columns`: names that the file has in place of known ones: ``{"timestamp": "time"}``.
    """
    lines = iter(text)
    first = next(lines, "")
    wanted = {*known, *(columns or {}).values()}
    separator = max(_SEPARATORS, key=lambda one: (len(wanted & set(_cells(first, one))), len(_cells(first, one))))
    rows = csv.reader(itertools.chain([first] if first else [], lines), delimiter=separator, strict=True)
    header = [cell.strip() for cell in next(rows, [])]
    return Table(_in_our_words(header, known, columns or {}), separator, rows)


def require_known(known: Sequence[str], columns: Mapping[str, str] | None, time_unit: str | None) -> None:
    """Raise `ValueError` for names of columns other than the `known`, or a unit of time that is none."""
    if time_unit is not None and time_unit not in SECONDS:
        raise ValueError(f"time_unit: must be one of {', '.join(SECONDS)}, got {time_unit!r}")
    wrong = [name for name in columns or {} if name not in known]
    if wrong:
        raise ValueError(f"columns: {wrong[0]!r} is none of {', '.join(known)}")


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]


def _in_our_words(header: list[str], known: Sequence[str], columns: Mapping[str, str]) -> list[str]:
    words = list(header)
    for ours, theirs in columns.items():
        # A column that bears the name and is not meant is another one.
        words = [f"{word} (not {theirs})" if word == ours and word != theirs else word for word in words]
        words = [ours if word == theirs else word for word in words]
    for name in known:
        alike = [index for index, word in enumerate(words) if word.lower() == name]
        if name not in words and len(alike) == 1:
            words[alike[0]] = name
    return words


def columns_of(text: str, known: Sequence[str]) -> dict[str, str]:
    """Read an option such as ``timestamp=time,client=camera``; either name may come first.

    **Raises:** `ValueError` that says what is wrong with it.
    """
    found: dict[str, str] = {}
    for entry in text.split(","):
        left, equals, right = (part.strip() for part in entry.partition("="))
        if not equals or not left or not right:
            raise ValueError(f"{shown(entry)} is no pair: write {known[0]}=NAME, with the name that the file has")
        ours, theirs = (left, right) if left in known else (right, left)
        if ours not in known:
            raise ValueError(f"{shown(entry)} names none of the columns: {suggestion(left, tuple(known))}")
        if ours in found:
            raise ValueError(f"{ours} is there twice: keep one of them")
        found[ours] = theirs
    return found
