"""Demand of each period of a trace, and estimates of it from what was seen before."""

from collections.abc import Callable, Mapping

import numpy as np

from ..io import FileError
from ..simulation._trace_rows import TraceFile

# Periods in memory at most, times streams: eight bytes each.
_MOST_COUNTS = 200_000_000
# Weight of the newest period in exponential smoothing.
SMOOTHING = 0.3


def demand_of_trace(trace: TraceFile, seconds: float) -> np.ndarray:
    """Count rates ``[K, C, T]``, queries/s, of the whole periods of a trace, each of so many seconds from its start on.

    What comes after the last whole period is left out, unless there is none.

    **Raises:** `FileError` that names the first bad row, or where there is nothing to count.
    """
    clients, tasks = len(trace.names.clients), len(trace.names.tasks)
    counts = np.zeros((1, clients, tasks))
    start, latest = None, 0.0
    for line, time, client, task in trace:
        start = time if start is None else start
        latest = time - start
        period = int(latest // seconds)
        if (period + 1) * clients * tasks > _MOST_COUNTS:
            remedy = "take longer periods, or say in which unit its timestamps are"
            raise FileError(trace.path, f"is {period + 1:,} periods after the first row: {remedy}", line)
        if period >= len(counts):
            more = max(period + 1, 2 * len(counts)) - len(counts)
            counts = np.concatenate([counts, np.zeros((more, clients, tasks))])
        counts[period, client, task] += 1.0
    if start is None:
        raise FileError(trace.path, "has no requests: give it a row for each")
    return counts[: max(int(latest // seconds), 1)] / seconds


def last_period(demand: np.ndarray, first: np.ndarray, _season: int) -> np.ndarray:
    """Estimate of each period ``[K, C, T]``: the demand of the period before."""
    return np.concatenate([first[None], demand[:-1]])


def exponential_smoothing(demand: np.ndarray, first: np.ndarray, _season: int) -> np.ndarray:
    """Estimate of each period ``[K, C, T]``: a mean of those before, in which each weighs less than the next."""
    level, found = first, []
    for seen in demand:
        found.append(level)
        level = (1.0 - SMOOTHING) * level + SMOOTHING * seen
    return np.stack(found)


def seasonal(demand: np.ndarray, first: np.ndarray, season: int) -> np.ndarray:
    """Estimate of each period ``[K, C, T]``: the demand one season before; that of the period before until there is."""
    found = last_period(demand, first, season)
    found[season:] = demand[:-season] if season < len(demand) else found[season:]
    return found


Estimator = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
"""From demand ``[K, C, T]``, what is expected at first ``[C, T]`` and the periods of a season: ``[K, C, T]``."""

ESTIMATORS: Mapping[str, Estimator] = {
    "last": last_period,
    "smoothing": exponential_smoothing,
    "seasonal": seasonal,
}
"""By name. The k-th estimate depends on periods before the k-th alone."""
