"""A sweep in a few figures: means with confidence intervals for every point of the grid and method."""

import os
from typing import TYPE_CHECKING

import numpy as np

from .._status import SUCCESS_NAMES
from ._manifest import read_manifest
from ._reading import read_sweep
from ._statistics import student_factor

if TYPE_CHECKING:
    import polars as pl


def summarize_sweep(folder: str | os.PathLike[str]) -> "pl.DataFrame":
    """Return a row for every point of the grid and method that has rows, in the order of the grid and of the methods.

    `point`, the grid's parameters, `method`, `scenarios`, `failures` (scenarios without a plan); of the others
    `objective` (mean F), `objective_ci` (half of the 95 % confidence interval of the mean, by Student's t; null for a
    single one), `gap` and `gap_worst` (mean and largest gap by the bounds, which are proven or, of exact methods, their
    solver's word; null where there is none).

    **Raises:** `FileError`, as `read_sweep`.
    """
    import polars as pl

    manifest = read_manifest(folder)
    good = pl.col("status").is_in(SUCCESS_NAMES)
    table = (
        read_sweep(folder)
        .group_by("point", *manifest.grid, "method")
        .agg(
            scenarios=pl.len(),
            failures=(~good).sum(),
            objective=pl.col("objective").mean(),
            deviation=pl.col("objective").std(),
            gap=pl.col("gap").mean(),
            gap_worst=pl.col("gap").max(),
        )
        .collect(engine="streaming")
    )
    # A group has one row for each seed, so that its rows are independent observations.
    planned = (table["scenarios"] - table["failures"]).to_numpy()
    with np.errstate(divide="ignore"):
        factors = pl.Series(student_factor(planned) / np.sqrt(planned))
    order = {label: index for index, label in enumerate(manifest.methods)}
    return (
        table.with_columns(objective_ci=table["deviation"] * factors)
        .sort("point", pl.col("method").replace_strict(order, return_dtype=pl.Int64))
        .select(
            "point", *manifest.grid, "method", "scenarios", "failures", "objective", "objective_ci", "gap", "gap_worst"
        )
    )
