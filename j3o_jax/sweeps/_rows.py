"""Solving a chunk, and what is kept of it: a row for every scenario, as a Parquet file in memory."""

import datetime as dt
import io
import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._check import check
from .._compilation_cache import cache_compilations
from .._machine import this_machine
from .._scenario import Scenario
from .._solution import Solution
from .._solve import solve
from .._status import Status, succeeded
from ._chunks import Chunk
from ._manifest import METADATA

if TYPE_CHECKING:
    import polars as pl

_WAYS = ("local", "edge", "cloud", "unserved")


class Solved(NamedTuple):
    """A chunk that is done: the name and content of its file."""

    name: str
    content: bytes
    rows: int


def solve_chunk(chunk: Chunk) -> Solved:
    """Draw the scenarios of a chunk, solve and check them.

    A pure function of the chunk on one kind of machine: the rows are the same to the bit whenever and wherever it runs.
    Times are not, and are kept as metadata of the file, not in the rows.
    """
    cache_compilations()
    scenarios = chunk.sample()
    start = time.perf_counter()
    # What a method draws at random for a scenario depends on the scenario's data, so one key for all will do; rows
    # then do not depend on how scenarios are put into chunks.
    plans = solve(scenarios, chunk.method.build(), throw=False)
    seconds = time.perf_counter() - start
    compiling = float(np.max(plans.stats.get("compile_seconds", 0.0), initial=0.0))
    figures = {
        "seconds": seconds - compiling,
        "compile_seconds": compiling,
        "rows": chunk.size,
        "method": chunk.method.label,
        "machine": this_machine().model_dump(),
        "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "version": chunk.version,
    }
    buffer = io.BytesIO()
    rows_of(chunk, scenarios, plans).write_parquet(buffer, compression="zstd", metadata={METADATA: json.dumps(figures)})
    return Solved(chunk.name, buffer.getvalue(), chunk.size)


def rows_of(chunk: Chunk, scenarios: Scenario, plans: Solution) -> "pl.DataFrame":
    """The rows of a chunk whose plans were found; a plan that the independent checker turns down is none."""
    import polars as pl

    index, seeds = chunk.places()
    status = np.array(plans.status)
    report = check(scenarios, plans)
    # What has no plan has nothing to check.
    planned = succeeded(status)
    reason = plans.reason  # once: Equinox wraps a method at each look
    reasons = ["" if planned[i] else reason(i) for i in range(chunk.size)]
    for violation in report.violations:
        (instance,) = violation.instance
        if planned[instance]:
            planned[instance], status[instance] = False, int(Status.numerical_error)
            reasons[instance] = f"the plan fails the independent check: {violation}"
    columns: dict[str, Any] = {
        "method": [chunk.method.label] * chunk.size,
        "point": np.array([point.number for point in chunk.points], dtype=np.int32)[index],
        "seed": seeds,
        **_parameters(chunk),
        "objective": _where(planned, plans.objective),
        "bound": _where(planned, plans.bound),
        "gap": _where(planned, plans.gap),
        "status": [Status(int(value)).name for value in status],
        "iterations": _iterations(plans, planned),
        **_traffic(scenarios, plans, planned),
        "reason": reasons,
    }
    return pl.DataFrame(columns)


def _parameters(chunk: Chunk) -> dict[str, Any]:
    """Columns of the parameters of which there is more than one value in the sweep."""
    import polars as pl

    kinds = {"number": pl.Float64, "count": pl.Int64, "flag": pl.Boolean}
    shown = {*chunk.varying, *(name for name, _ in chunk.drawn)}
    return {
        name: pl.Series(np.broadcast_to(value, chunk.size) if value is not None else [None] * chunk.size).cast(
            kinds[chunk.family.settings[name].kind]
        )
        for name, value in chunk.values().items()
        if name in shown
    }


def _where(planned: np.ndarray, values: Any) -> Any:
    """The values where there is a plan and they are known, null elsewhere."""
    import polars as pl

    return pl.Series(np.where(planned, np.asarray(values, dtype=np.float64), np.nan)).fill_nan(None)


def _iterations(plans: Solution, planned: np.ndarray) -> Any:
    import polars as pl

    return _where(planned, plans.stats.get("iterations", np.nan)).cast(pl.Int64)


def _traffic(scenarios: Scenario, plans: Solution, planned: np.ndarray) -> dict[str, Any]:
    """Parts of all queries that are served in each way."""
    demand = np.asarray(scenarios.demand)
    total = np.sum(demand, axis=(1, 2))
    weight = demand / np.where(total > 0.0, total, 1.0)[:, None, None]
    return {way: _where(planned, np.sum(weight * np.asarray(getattr(plans, way)), axis=(1, 2))) for way in _WAYS}
