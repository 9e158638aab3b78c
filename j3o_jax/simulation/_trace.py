"""Traces: requests from a CSV file, counted window by window while the file is read."""

import dataclasses
import math
from collections.abc import Iterable, Iterator

import numpy as np

from j3o_kernels.batch_queue import overloaded

from .._precision import double_precision
from ..io import FileError
from ._edges import AtClients
from ._result import TraceSummary
from ._trace_rows import Row, TraceFile
from ._workload import Workload

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
    summary: TraceSummary


def read_trace(
    trace: TraceFile, demand: np.ndarray, shares: np.ndarray, work: Workload, replications: int, seed: int
) -> Counts:
    """Route and count the requests of a file; a request is drawn anew in every replication.

    Memory grows with the time that the trace spans, not with the requests in it.

    **Arguments:**

    - `trace`: the file.
    - `demand`: queries/s that the scenario expects of each stream. ``[C, T]``
    - `shares`: of each stream that are answered by the client, the edge and the cloud. ``[C, T, 3]``
    - `work`: gives windows and times.

    **Raises:** `FileError` that names the first bad row.
    """
    counter = _Counter(trace.path, shares, work, replications, seed)
    for lines, times, clients, tasks in _blocks(trace):
        counter.add(lines, times, clients, tasks)
    return counter.counts(trace, demand)


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
        self.end = -math.inf
        self.last = np.zeros(len(work.window), dtype=np.int64)

    def add(self, lines: np.ndarray, times: np.ndarray, clients: np.ndarray, tasks: np.ndarray) -> None:
        """Count some requests."""
        if self.start is None:
            self.start = float(times[0])
        self.end = float(times[-1])
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

    def counts(self, trace: TraceFile, demand: np.ndarray) -> Counts:
        """Return what was counted."""
        if self.start is None:
            none = "no requests of clients and tasks of the deployment" if trace.unknown else "no requests"
            raise FileError(self.path, f"has {none}: give it a row for each")
        windows = self.last + 1
        count = int(windows.max())
        with double_precision():
            over = np.asarray(overloaded(self.load[:count], self.work.window[self.work.client_edge])).sum(axis=0)
        local, _, cloud, none = np.moveaxis(self.ways, 1, 0)
        clients = AtClients(local, np.stack([cloud, none], axis=1), over)
        streams = self.ways[0].sum(axis=0)
        names = trace.names
        summary = TraceSummary(
            requests=int(streams.sum()),
            seconds=self.end - self.start,
            planned_rate=float(demand.sum()),
            time_unit=trace.unit or "s",
            without_demand={
                (names.clients[client], names.tasks[task]): int(streams[client, task])
                for client, task in np.argwhere((streams > 0) & (demand == 0.0))
            },
            unknown=dict(trace.unknown),
        )
        return Counts(np.moveaxis(self.edge[:count], 0, 1), clients, windows.astype(np.float64), summary)

    def _grow(self, count: int, line: int) -> None:
        if count * math.prod(self.shape) > _MOST_COUNTS:
            remedy = "take a shorter trace, or say in which unit its timestamps are"
            raise FileError(self.path, f"is {count:,} windows after the first row: {remedy}", line)
        if count > len(self.edge):
            more = max(count, 2 * len(self.edge)) - len(self.edge)
            self.edge = np.concatenate([self.edge, np.zeros((more, *self.edge.shape[1:]), dtype=np.int32)])
            self.load = np.concatenate([self.load, np.zeros((more, *self.load.shape[1:]))])


def _blocks(rows: Iterable[Row]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Line, time, client and task of the requests, some thousand at a time."""
    block: list[Row] = []
    for row in rows:
        block.append(row)
        if len(block) == _ROWS_AT_ONCE:
            yield _arrays(block)
            block = []
    if block:
        yield _arrays(block)


def _arrays(block: list[Row]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    lines, times, clients, tasks = zip(*block, strict=True)
    return np.array(lines), np.array(times), np.array(clients), np.array(tasks)
