"""An experiment's figures and runs as Parquet, for programs. Loads polars."""

import json
import math
from collections.abc import Mapping
from typing import BinaryIO

import polars as pl

from .declaration import Point
from .entries import METHODS
from .journal import Row
from .summary import Line, Summary

# What a run was timed on; a summary over several machines names each of them.
_PLACE: Mapping[str, pl.DataType] = {
    "processor": pl.String(),
    "cores": pl.Int64(),
    "device": pl.String(),
    "python": pl.String(),
    "jax": pl.String(),
    "highspy": pl.String(),
}
_DECISIONS: Mapping[str, pl.DataType] = {
    kind: pl.List(pl.Struct({"name": pl.String(), "value": pl.Float64()}))
    for kind in ("edge_models", "client_models", "edge_batches")
}
_POINT: Mapping[str, pl.DataType] = {
    "experiment": pl.String(),
    "benchmark": pl.String(),
    "overrides": pl.String(),
    "series": pl.String(),
    "x": pl.Float64(),
    "method": pl.String(),
    "label": pl.String(),
}
SUMMARY_SCHEMA: Mapping[str, pl.DataType] = {
    **_POINT,
    "measure": pl.String(),
    "mean": pl.Float64(),
    "deviation": pl.Float64(),
    "standard_error": pl.Float64(),
    "seeds": pl.Int64(),
    "failures": pl.Int64(),
    "milliseconds": pl.Float64(),
    "milliseconds_deviation": pl.Float64(),
    "share_of_optimum": pl.Float64(),
    "largest_gap": pl.Float64(),
    "paper_mean": pl.Float64(),
    "paper_deviation": pl.Float64(),
    "paper_milliseconds": pl.Float64(),
    "paper_milliseconds_deviation": pl.Float64(),
    "paper_share_of_optimum": pl.Float64(),
    "machines": pl.List(pl.Struct(_PLACE)),
    **_DECISIONS,
}
"""Columns of the summary: a row for each method at each point, or after each iteration. What there is not is null."""

RUNS_SCHEMA: Mapping[str, pl.DataType] = {
    **_POINT,
    "seed": pl.Int64(),
    "options": pl.String(),
    "status": pl.String(),
    "objective": pl.Float64(),
    "loss": pl.Float64(),
    "bound": pl.Float64(),
    "gap": pl.Float64(),
    "seconds": pl.Float64(),
    "iterations": pl.Int64(),
    "history": pl.List(pl.Float64()),
    "local": pl.Float64(),
    "edge": pl.Float64(),
    "cloud": pl.Float64(),
    "unserved": pl.Float64(),
    **_DECISIONS,
    "error": pl.String(),
    "reason": pl.String(),
    **_PLACE,
    "version": pl.String(),
    "source": pl.String(),
    "finished": pl.Datetime("us", "UTC"),
    "key": pl.String(),
}
"""Columns of the runs: a row for each run."""


def summary_frame(summary: Summary) -> pl.DataFrame:
    """The figures, with the columns of `SUMMARY_SCHEMA`."""
    machines = [machine.model_dump() for machine in summary.machines]
    rows = [_summary_row(summary.name, line) | {"machines": machines} for line in summary.lines]
    return pl.DataFrame(rows, schema=dict(SUMMARY_SCHEMA), orient="row")


def runs_frame(summary: Summary) -> pl.DataFrame:
    """The runs, with the columns of `RUNS_SCHEMA`."""
    rows = [_run_row(summary.name, point, row) for point, row in summary.rows]
    frame = pl.DataFrame(rows, schema={**RUNS_SCHEMA, "finished": pl.String()}, orient="row")
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
    paper = line.paper
    return _place(name, line.point, line.method, line.x) | {
        "measure": line.measure,
        "mean": _known(line.reached.mean),
        "deviation": _known(line.reached.deviation),
        "standard_error": _known(line.reached.standard_error),
        "seeds": line.reached.n,
        "failures": line.failures,
        "milliseconds": _known(line.milliseconds.mean),
        "milliseconds_deviation": _known(line.milliseconds.deviation),
        "share_of_optimum": _known(line.share),
        "largest_gap": _known(line.gap),
        "paper_mean": None if paper is None else paper.mean,
        "paper_deviation": None if paper is None else paper.deviation,
        "paper_milliseconds": None if paper is None else paper.milliseconds,
        "paper_milliseconds_deviation": None if paper is None else paper.milliseconds_deviation,
        "paper_share_of_optimum": line.paper_share,
        **{
            kind: _named({name: spread.mean for name, spread in line.decisions.get(kind, {}).items()})
            for kind in _DECISIONS
        },
    }


def _run_row(name: str, point: Point, row: Row) -> dict[str, object]:
    told = row.model_dump(exclude={"machine", "overrides", "traffic", "options", "benchmark", "method", "decisions"})
    traffic = {way: row.traffic.get(way) for way in ("local", "edge", "cloud", "unserved")}
    options = {"options": json.dumps(row.options, sort_keys=True)}
    decisions = {kind: _named(row.decisions.get(kind, {})) for kind in _DECISIONS}
    return _place(name, point, row.method, point.x) | told | options | traffic | decisions | row.machine.model_dump()


def _named(values: Mapping[str, float]) -> list[dict[str, object]] | None:
    """Named figures as Parquet holds them, whatever the names are; null where there are none."""
    return [{"name": name, "value": _known(value)} for name, value in values.items()] or None


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
