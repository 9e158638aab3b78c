"""An experiment's figures and runs as Parquet, for programs. Loads polars."""

import json
import math
from collections.abc import Mapping
from typing import BinaryIO

import polars as pl

from ..experiments._manifest import WAYS
from ..experiments._statistics import Spread
from ..experiments.paper.declaration import Point
from ..experiments.paper.methods import METHODS
from ..experiments.paper.rows import Row
from .summary import Line, Summary

_TEXT: pl.DataType = pl.String()
_NUMBER: pl.DataType = pl.Float64()
_COUNT: pl.DataType = pl.Int64()
# What a run was timed on; a summary over several machines names each of them.
_PLACE: Mapping[str, pl.DataType] = {
    "processor": _TEXT,
    "cores": _COUNT,
    **dict.fromkeys(("device", "python", "jax", "highspy"), _TEXT),
}
_DECISIONS: Mapping[str, pl.DataType] = dict.fromkeys(
    ("edge_models", "client_models", "edge_batches"), pl.List(pl.Struct({"name": _TEXT, "value": _NUMBER}))
)
_POINT: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("experiment", "benchmark", "overrides", "series"), _TEXT),
    "x": _NUMBER,
    **dict.fromkeys(("method", "label"), _TEXT),
}
SUMMARY_SCHEMA: Mapping[str, pl.DataType] = {
    **_POINT,
    "measure": _TEXT,
    **dict.fromkeys(("mean", "deviation", "standard_error"), _NUMBER),
    **dict.fromkeys(("seeds", "failures"), _COUNT),
    **dict.fromkeys(("milliseconds", "milliseconds_deviation", "share_of_optimum", "largest_gap"), _NUMBER),
    **dict.fromkeys(("paper_mean", "paper_deviation", "paper_milliseconds"), _NUMBER),
    **dict.fromkeys(("paper_milliseconds_deviation", "paper_share_of_optimum"), _NUMBER),
    "machines": pl.List(pl.Struct(_PLACE)),
    **_DECISIONS,
}
"""Columns of the summary: a row for each method at each point, or after each iteration. What there is not is null."""

RUNS_SCHEMA: Mapping[str, pl.DataType] = {
    **_POINT,
    "seed": _COUNT,
    **dict.fromkeys(("options", "status"), _TEXT),
    **dict.fromkeys(("objective", "loss", "bound", "gap", "seconds"), _NUMBER),
    "iterations": _COUNT,
    "history": pl.List(_NUMBER),
    **dict.fromkeys(WAYS, _NUMBER),
    **_DECISIONS,
    **dict.fromkeys(("error", "reason"), _TEXT),
    **_PLACE,
    **dict.fromkeys(("version", "source"), _TEXT),
    "finished": pl.Datetime("us", "UTC"),
    "key": _TEXT,
}
"""Columns of the runs: a row for each run."""


def summary_frame(summary: Summary) -> pl.DataFrame:
    """Return the figures, with the columns of `SUMMARY_SCHEMA`."""
    machines = [machine.model_dump() for machine in summary.machines]
    rows = [_summary_row(summary.name, line) | {"machines": machines} for line in summary.lines]
    frame = pl.DataFrame(rows, schema=dict(SUMMARY_SCHEMA), orient="row")
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def runs_frame(summary: Summary) -> pl.DataFrame:
    """Return the runs, with the columns of `RUNS_SCHEMA`."""
    rows = [_run_row(summary.name, point, row) for point, row in summary.rows]
    frame = pl.DataFrame(rows, schema={**RUNS_SCHEMA, "finished": _TEXT}, orient="row")
    return frame.with_columns(pl.col("finished").str.to_datetime(time_unit="us", time_zone="UTC"))


def write_frame(frame: pl.DataFrame, file: BinaryIO) -> None:
    """Put a table into an open file, as Parquet."""
    frame.write_parquet(file)


def _place(name: str, point: Point, method: str, x: float | None) -> dict[str, object]:
    return {
        "experiment": name,
        "benchmark": point.benchmark,
        "overrides": json.dumps(dict(point.overrides), sort_keys=True),
        "series": point.series,
        "x": x,
        "method": method,
        "label": METHODS[method].label,
    }


def _summary_row(name: str, line: Line) -> dict[str, object]:
    reached, times = line.reached, line.milliseconds
    printed = {} if line.paper is None else {f"paper_{name}": value for name, value in vars(line.paper).items()}
    return _place(name, line.point, line.method, line.x) | {
        "measure": line.measure,
        "mean": reached.mean,
        "deviation": reached.deviation,
        "standard_error": reached.standard_error,
        "seeds": reached.n,
        "failures": line.failures,
        "milliseconds": times.mean,
        "milliseconds_deviation": times.deviation,
        "share_of_optimum": line.share,
        "largest_gap": line.gap,
        "paper_share_of_optimum": line.paper_share,
        **{kind: _named(line.decisions.get(kind, {})) for kind in _DECISIONS},
        **printed,
    }


def _run_row(name: str, point: Point, row: Row) -> dict[str, object]:
    return {
        **_place(name, point, row.method, point.x),
        **row.model_dump(exclude={"machine", "overrides", "traffic", "benchmark", "method"}),
        "options": json.dumps(row.options, sort_keys=True),
        **{way: row.traffic.get(way) for way in WAYS},
        **{kind: _named(row.decisions.get(kind, {})) for kind in _DECISIONS},
        **row.machine.model_dump(),
    }


def _named(values: Mapping[str, float | Spread]) -> list[dict[str, object]] | None:
    """Named figures as Parquet holds them, whatever the names are; null where there are none."""
    means = {name: value.mean if isinstance(value, Spread) else value for name, value in values.items()}
    return [{"name": name, "value": None if math.isnan(mean) else mean} for name, mean in means.items()] or None
