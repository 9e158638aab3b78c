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
from .._model import normalized_demand
from .._scenario import Scenario
from .._solution import Solution
from .._solve import solve
from .._status import Status, succeeded
from .._types import AnyArray, Float
from ._chunks import Chunk
from ._manifest import METADATA, WAYS

if TYPE_CHECKING:
    import polars as pl


class Solved(NamedTuple):
    """A chunk that is done: the name and content of its file."""

    name: str
    content: bytes


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
    return Solved(chunk.name, buffer.getvalue())


def rows_of(chunk: Chunk, scenarios: Scenario, plans: Solution) -> "pl.DataFrame":
    """Return the rows of a chunk whose plans were found; a plan that the independent checker turns down is none."""
    import polars as pl

    index, seeds = chunk.places()
    status = np.array(plans.status)
    planned = succeeded(status)
    reason = plans.reason  # once: Equinox wraps a method at each look
    reasons = ["" if planned[i] else reason(i) for i in range(chunk.size)]
    for violation in check(scenarios, plans).violations:
        (instance,) = violation.instance
        # What has no plan has nothing to check.
        if planned[instance]:
            planned[instance], status[instance] = False, int(Status.numerical_error)
            reasons[instance] = f"the plan fails the independent check: {violation}"

    def known(values: Any) -> pl.Series:
        """Return the values where there is a plan and they are known, null elsewhere."""
        return pl.Series(np.where(planned, np.asarray(values, dtype=np.float64), np.nan)).fill_nan(None)

    columns: dict[str, Any] = {
        "method": [chunk.method.label] * chunk.size,
        "point": np.array([point.number for point in chunk.group.points], dtype=np.int32)[index],
        "seed": seeds,
        **_parameters(chunk),
        **{name: known(getattr(plans, name)) for name in ("objective", "bound", "gap")},
        "status": [Status(int(value)).name for value in status],
        "iterations": known(plans.stats.get("iterations", np.nan)).cast(pl.Int64),
        **{way: known(parts) for way, parts in traffic_of(scenarios, plans).items()},
        "reason": reasons,
    }
    return pl.DataFrame(columns)


def traffic_of(scenarios: Scenario, plans: Solution) -> dict[str, Float[AnyArray, "*batch"]]:
    """Parts of all queries that are served in each way, ``[*batch]`` each."""
    weight = normalized_demand(scenarios)
    return {way: np.sum(weight * np.asarray(getattr(plans, way)), axis=(-2, -1)) for way in WAYS}


def _parameters(chunk: Chunk) -> dict[str, Any]:
    """Columns of the parameters of which there is more than one value in the sweep."""
    import polars as pl

    kinds = {"number": pl.Float64, "count": pl.Int64, "flag": pl.Boolean}
    shown = {*chunk.varying, *(name for name, _ in chunk.group.drawn)}
    return {
        name: pl.Series(np.broadcast_to(value, chunk.size) if value is not None else [None] * chunk.size).cast(
            kinds[chunk.group.family.settings[name].kind]
        )
        for name, value in chunk.values().items()
        if name in shown
    }
