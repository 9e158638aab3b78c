"""The rows of a trace: when a request came, of which client and task."""

import csv
import dataclasses
import datetime as dt
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from .._names import Names
from ..io import FileError
from ..io.tables import SECONDS, Table, open_table, read_table, require_known
from ..io.words import shown, suggestion

COLUMNS = ("timestamp", "client", "task")
# Seconds since 1970 have ten digits; what is a thousand times as much is in the next smaller unit.
_EPOCHS = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"))
_MOST_LISTED = 3

Row = tuple[int, float, int, int]
"""Line, seconds, and the indices of client and task."""


@dataclasses.dataclass
class TraceFile:
    """A trace that is read once, and what is found out on the way.

    **Arguments:**

    - `path`: a CSV file with the columns timestamp, client and task; others are passed over.
    - `names`: of clients and tasks.
    - `columns`: names that the file has in place of these.
    - `unit`: of timestamps that are numbers; None to tell by the size of the first one: s, or ms, us and ns since 1970.
      "date" once there are dates.
    - `leave_out`: whether requests of clients and tasks that are not among the names are left out, not refused.
    - `unknown`: how many there are of them, by client and task.
    - `rows`: how many requests there are in all.
    """

    path: str
    names: Names
    columns: Mapping[str, str] | None = None
    unit: str | None = None
    leave_out: bool = False
    unknown: Counter[tuple[str, str]] = dataclasses.field(default_factory=Counter)
    rows: int = 0

    def __iter__(self) -> Iterator[Row]:
        """Read the requests; raises `FileError` that names the first bad row."""
        try:
            with open_table(self.path) as file:
                yield from self._rows(file)
        except UnicodeDecodeError:
            raise FileError(self.path, "is not UTF-8 text: save it as UTF-8") from None
        except OSError as error:
            raise FileError(self.path, f"cannot be opened ({error.strerror}): check the path") from None

    def _rows(self, file: Iterable[str]) -> Iterator[Row]:
        table = None
        stranger: FileError | None = None
        clients = {name: index for index, name in enumerate(self.names.clients)}
        tasks = {name: index for index, name in enumerate(self.names.tasks)}
        try:
            table = read_table(file, COLUMNS, self.columns)
            places = self._places(table)
            latest = -math.inf
            for row in table.rows:
                line = table.rows.line_num
                if not any(row):
                    continue
                if len(row) != len(table.header):
                    raise FileError(
                        self.path,
                        f"has {len(row)} columns, the first line has {len(table.header)}: add or take away",
                        line,
                    )
                written, client, task = (row[place].strip() for place in places)
                time = self._time(line, table.number(written))
                if time < latest:
                    raise self._wrong_time(line, written, "is before that of the last row: sort by time")
                latest = time
                self.rows += 1
                if client not in clients or task not in tasks:
                    self.unknown[client, task] += 1
                    what, name, known = ("task", task, tasks) if client in clients else ("client", client, clients)
                    message = f"= {shown(name)} is not in the deployment: {suggestion(name, tuple(known))}"
                    stranger = stranger or FileError(self.path, message, line, what)
                    continue
                yield line, time, clients[client], tasks[task]
        except csv.Error as error:
            line = 1 if table is None else table.rows.line_num
            raise FileError(self.path, f"is no CSV ({error}): put names with commas in quotes", line) from None
        if stranger is not None and not self.leave_out:
            which = f"{self.unknown.total():,} of {self.rows:,} requests, {listed(self.unknown)}"
            told = f" (unknown in all: {which}; --force or leave_out=True leaves them out)"
            raise FileError(self.path, f"{stranger.message}{told}", stranger.line, stranger.place)

    def _places(self, table: Table) -> list[int]:
        missing = [word for word in COLUMNS if word not in table.header]
        if missing:
            name = missing[0]
            theirs = (self.columns or {}).get(name)
            what = f"no column {name!r}" if theirs is None else f"no column {theirs!r}, which was to be {name!r}"
            remedy = f"begin with a line such as {','.join(COLUMNS)}, or say which column it is, {name}=NAME"
            raise FileError(self.path, f"has {what}: {remedy}", 1)
        return [table.header.index(word) for word in COLUMNS]

    def _time(self, line: int, written: str) -> float:
        """Seconds since some beginning."""
        try:
            number = float(written)
        except ValueError:
            return self._moment(line, written)
        if not math.isfinite(number):
            raise self._wrong_time(line, written, "is not finite: write seconds")
        if self.unit is None:
            self.unit = next((unit for least, unit in _EPOCHS if number >= least), "s")
        if self.unit == "date":
            raise self._wrong_time(line, written, "is not a date as in the rows before: write all alike")
        return number * SECONDS[self.unit]

    def _moment(self, line: int, written: str) -> float:
        try:
            moment = dt.datetime.fromisoformat(written)
        except ValueError:
            remedy = "write seconds, or a date such as 2030-01-31T12:00:00.5"
            raise self._wrong_time(line, written, f"is no time: {remedy}") from None
        if self.unit is None:
            self.unit = "date"
        if self.unit != "date":
            raise self._wrong_time(line, written, "is not a number as in the rows before: write all alike")
        # A date without an offset is taken as UTC, which knows no hour that is there twice.
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()

    def _wrong_time(self, line: int, written: str, fault: str) -> FileError:
        return FileError(self.path, f"= {shown(written)} {fault}", line, "timestamp")


def listed(streams: Mapping[tuple[str, str], int]) -> str:
    """Streams with the number of their requests, those with the most first."""
    order = sorted(streams.items(), key=lambda item: -item[1])
    words = ", ".join(f"{shown(client)} {shown(task)} ({count:,})" for (client, task), count in order[:_MOST_LISTED])
    rest = len(order) - _MOST_LISTED
    return words + (f" and {rest:,} more" if rest > 0 else "")


def trace_file(
    path: str | os.PathLike[str],
    names: Names,
    columns: Mapping[str, str] | None,
    unit: str | None,
    leave_out: bool,
) -> TraceFile:
    """Name a trace to read; raises `ValueError` for arguments that mean nothing."""
    require_known(COLUMNS, columns, unit)
    return TraceFile(os.fspath(path), names, columns, unit, leave_out)
