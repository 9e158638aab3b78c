"""A sweep in a few figures: means with confidence intervals for every point of the grid and method."""

import os
from typing import TYPE_CHECKING

from .._status import SUCCESS_NAMES
from ._manifest import read_manifest
from ._reading import read_sweep

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

    from ._means import means, slices_by_seed

    manifest, rows, keys = read_manifest(folder), read_sweep(folder), ["point", "method"]
    counted = rows.group_by(keys).agg(
        *(pl.col(name).first() for name in manifest.grid),
        scenarios=pl.len(),
        failures=(~pl.col("status").is_in(SUCCESS_NAMES)).sum(),
        gap=pl.col("gap").mean(),
        gap_worst=pl.col("gap").max(),
    )
    found = means(slices_by_seed(rows, manifest.rows), keys, pl.col("objective"))
    found = found.select(*keys, objective="mean", objective_ci="half_width")
    order = {label: index for index, label in enumerate(manifest.methods)}
    return (
        counted.collect(engine="streaming")
        .join(found, on=keys, how="left")
        .sort("point", pl.col("method").replace_strict(order, return_dtype=pl.Int64))
        .select(
            "point", *manifest.grid, "method", "scenarios", "failures", "objective", "objective_ci", "gap", "gap_worst"
        )
    )
