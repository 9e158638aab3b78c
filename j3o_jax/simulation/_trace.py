"""Traces: requests from a CSV file, counted window by window while the file is read."""

import csv
import dataclasses
import datetime as dt
import math
import os
from collections.abc import Iterator
from typing import TextIO, TypeAlias

import numpy as np

from j3o_kernels.batch_queue import overloaded

from .._names import Names
from .._precision import double_precision
from ..io import FileError
from ..io._words import shown, suggestion
from ._edges import AtClients
from ._workload import Workload

Path: TypeAlias = str | os.PathLike[str]

COLUMNS = ("timestamp", "client", "task")
_ROWS_AT_ONCE = 16_384
# Windows, replications, edges and tasks; four bytes each.
_MOST_COUNTS = 500_000_000


@dataclasses.dataclass(frozen=True)
class Counts:
    """A trace in counts: requests in each window of each edge ``[R, N, E, T]``, the others in all.

    `windows` is how many there are at each edge. ``[E]``
    """

    edge: np.ndarray
    clients: AtClients
    windows: np.ndarray


def read_trace(path: Path, names: Names, shares: np.ndarray, work: Workload, replications: int, seed: int) -> Counts:
    """Route and count the requests of a file; a request is drawn anew in every replication.

    Memory grows with the time that the trace spans, not with the requests in it.

    **Arguments:**

    - `path`: a CSV file with the columns timestamp, client and task; others are passed over.
    - `names`: of clients and tasks.
    - `shares`: of each stream that are answered by the client, the edge and the cloud. ``[C, T, 3]``
    - `work`: gives windows and times.

    **Raises:** `FileError` that names the first bad row.
    """
    counter = _Counter(os.fspath(path), shares, work, replications, seed)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            for lines, times, clients, tasks in _blocks(counter.path, file, names):
                counter.add(lines, times, clients, tasks)
    except UnicodeDecodeError:
        raise FileError(counter.path, "is not UTF-8 text: save it as UTF-8") from None
    except OSError as error:
        raise FileError(counter.path, f"cannot be opened ({error.strerror}): check the path") from None
    return counter.counts()


class _Counter:
    def __init__(self, path: str, shares: np.ndarray, work: Workload, replications: int, seed: int):
        self.path = path
        self.work = work
        self.replications = replications
        # A request goes where a number between 0 and 1 falls among these.
        self.ends = np.cumsum(np.clip(shares, 0.0, 1.0), axis=-1)
        # One stream of numbers for each replication, one number of it for each request.
        self.draws = [np.random.Generator(np.random.Philox(key=[seed, number])) for number in range(replications)]
        clients, tasks = shares.shape[:2]
        self.shape = (replications, len(work.window), tasks)
        # Windows in front, so that there can be more of them.
        self.edge = np.zeros((0, *self.shape), dtype=np.int32)
        self.load = np.zeros((0, replications, clients))
        self.ways = np.zeros((replications, 4, clients, tasks))
        self.start: float | None = None
        self.last = np.zeros(len(work.window), dtype=np.int64)

    def add(self, lines: np.ndarray, times: np.ndarray, clients: np.ndarray, tasks: np.ndarray) -> None:
        """Count some requests."""
        if self.start is None:
            self.start = float(times[0])
        home = self.work.client_edge[clients]
        since = times - self.start
        # A window ends where the next begins; rounding must not put a request that arrives there before it.
        windows = np.floor(since / self.work.window[home] * (1.0 + 1e-12) + 1e-9).astype(np.int64)
        self.last = np.maximum(
            self.last, np.floor(since[-1] / self.work.window * (1.0 + 1e-12) + 1e-9).astype(np.int64)
        )
        self._grow(int(self.last.max()) + 1, int(lines[-1]))
        seconds = self.work.client_seconds[clients, tasks]
        for replication, draws in enumerate(self.draws):
            way = np.sum(draws.random(len(times))[:, None] >= self.ends[clients, tasks], axis=1)
            np.add.at(self.ways[replication], (way, clients, tasks), 1.0)
            local, sent = way == 0, way == 1
            np.add.at(self.edge[:, replication], (windows[sent], home[sent], tasks[sent]), 1)
            np.add.at(self.load[:, replication], (windows[local], clients[local]), seconds[local])

    def counts(self) -> Counts:
        """What was counted."""
        if self.start is None:
            raise FileError(self.path, "has no requests: give it a row for each")
        windows = self.last + 1
        count = int(windows.max())
        with double_precision():
            over = np.asarray(overloaded(self.load[:count], self.work.window[self.work.client_edge])).sum(axis=0)
        local, _, cloud, none = np.moveaxis(self.ways, 1, 0)
        clients = AtClients(local, np.stack([cloud, none], axis=1), over)
        return Counts(np.moveaxis(self.edge[:count], 0, 1), clients, windows.astype(np.float64))

    def _grow(self, count: int, line: int) -> None:
        if count * math.prod(self.shape) > _MOST_COUNTS:
            raise FileError(self.path, f"is {count:,} windows after the first row: take a shorter trace", line)
        if count > len(self.edge):
            more = max(count, 2 * len(self.edge)) - len(self.edge)
            self.edge = np.concatenate([self.edge, np.zeros((more, *self.edge.shape[1:]), dtype=np.int32)])
            self.load = np.concatenate([self.load, np.zeros((more, *self.load.shape[1:]))])


def _blocks(path: str, file: TextIO, names: Names) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Line, time, client and task of the requests, some thousand at a time."""
    block: list[tuple[int, float, int, int]] = []
    for row in _rows(path, file, names):
        block.append(row)
        if len(block) == _ROWS_AT_ONCE:
            yield _arrays(block)
            block = []
    if block:
        yield _arrays(block)


def _arrays(block: list[tuple[int, float, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    lines, times, clients, tasks = zip(*block, strict=True)
    return np.array(lines), np.array(times), np.array(clients), np.array(tasks)


def _rows(path: str, file: TextIO, names: Names) -> Iterator[tuple[int, float, int, int]]:
    reader = csv.reader(file, strict=True)
    clients = {name: index for index, name in enumerate(names.clients)}
    tasks = {name: index for index, name in enumerate(names.tasks)}
    try:
        header = [word.strip() for word in next(reader, [])]
        missing = [word for word in COLUMNS if word not in header]
        if missing:
            raise FileError(path, f"has no column {missing[0]!r}: begin with a line such as {','.join(COLUMNS)}", 1)
        places = [header.index(word) for word in COLUMNS]
        latest, dates = -math.inf, None
        for row in reader:
            line = reader.line_num
            if not row:
                continue
            if len(row) != len(header):
                raise FileError(
                    path, f"has {len(row)} columns, the first line has {len(header)}: add or take away", line
                )
            written, client, task = (row[place].strip() for place in places)
            time, dated = _time(path, line, written)
            if dates is None:
                dates = dated
            if dated != dates:
                kind = "a date" if dates else "a number of seconds"
                raise FileError(
                    path, f"= {shown(written)} is not {kind} as in the rows before: write all alike", line, "timestamp"
                )
            if time < latest:
                raise FileError(
                    path, f"= {shown(written)} is before that of the last row: sort by time", line, "timestamp"
                )
            latest = time
            yield line, time, _index(path, line, "client", client, clients), _index(path, line, "task", task, tasks)
    except csv.Error as error:
        raise FileError(path, f"is no CSV ({error}): put names with commas in quotes", reader.line_num) from None


def _time(path: str, line: int, written: str) -> tuple[float, bool]:
    """Seconds since some beginning, and whether a date was written."""
    try:
        seconds, dated = float(written), False
    except ValueError:
        try:
            moment = dt.datetime.fromisoformat(written)
        except ValueError:
            raise FileError(
                path,
                f"= {shown(written)} is no time: write seconds, or a date such as 2030-01-31T12:00:00.5",
                line,
                "timestamp",
            ) from None
        # A date without an offset is taken as UTC, which knows no hour that is there twice.
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        seconds, dated = moment.timestamp(), True
    if not math.isfinite(seconds):
        raise FileError(path, f"= {shown(written)} is not finite: write seconds", line, "timestamp")
    return seconds, dated


def _index(path: str, line: int, what: str, name: str, known: dict[str, int]) -> int:
    try:
        return known[name]
    except KeyError:
        remedy = suggestion(name, tuple(known))
        raise FileError(path, f"= {shown(name)} is not in the deployment: {remedy}", line, what) from None
