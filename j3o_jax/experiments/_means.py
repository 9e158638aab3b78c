"""Means over the rows of a table with confidence intervals, in memory that does not grow with the rows."""

from collections.abc import Callable, Sequence

import polars as pl

from ._statistics import student_factor

DIGITS = 10
ROWS_AT_ONCE = 2_000_000


def slices_by_seed(rows: pl.LazyFrame, count: int, at_once: int = ROWS_AT_ONCE) -> list[pl.LazyFrame]:
    """Divide the rows into parts of about `at_once`; all rows of a seed are in the same part."""
    parts = max(1, -(-count // at_once))
    if parts == 1:
        return [rows]
    return [rows.filter(pl.col("seed") % parts == part) for part in range(parts)]


def means(
    slices: Sequence[pl.LazyFrame],
    keys: Sequence[str],
    value: pl.Expr,
    prepare: Callable[[pl.LazyFrame], pl.LazyFrame] = lambda rows: rows,
) -> pl.DataFrame:
    """Means of a value, with Student's 95 % confidence interval, for each group.

    The same seed has the same draws at every point of a grid, so its rows are no independent sample: what counts as
    one observation is a seed. With one row for each seed in a group this is the usual interval of a mean.

    **Arguments:**

    - `slices`: the rows, by `slices_by_seed`.
    - `keys`: columns that make the groups.
    - `value`: what to average; rows where it is null or not finite are left out.
    - `prepare`: made of each slice first.

    **Returns:** columns of `keys`, `n` (rows), `seeds`, `mean`, `half_width` (null for a single seed).
    """
    parts = [_sums(prepare(rows), keys, value) for rows in slices]
    total = pl.concat(parts).group_by(keys).agg(pl.exclude(keys).sum()).sort(keys)
    mean = total["sum"] / total["n"]
    # Of the sums of the seeds around what they would be if every row was at the mean.
    residual = total["squares"] - 2.0 * mean * total["cross"] + mean * mean * total["counts"]
    # What is left of equal values is rounding.
    residual = residual * (residual > 1e-14 * total["squares"])
    seeds = total["seeds"]
    error = (residual * seeds / (seeds - 1)).sqrt() / total["n"]
    factor = pl.Series(student_factor(seeds.to_numpy()))
    half_width = pl.select(pl.when(seeds > 1).then(error * factor)).to_series()
    found = total.select(*keys, "n", "seeds").with_columns(mean.alias("mean"), half_width.alias("half_width"))
    return rounded(found, "mean", "half_width")


def rounded(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Without the last digits, which depend on the order in which cores have added."""
    return frame.with_columns(pl.col(columns).round_sig_figs(DIGITS))


def differences(rows: pl.LazyFrame, reference: str, columns: Sequence[str]) -> pl.LazyFrame:
    """Rows of the other methods where the `reference` has a plan of the same point and seed, with what they gain."""
    kept = rows.select("method", "point", "seed", *columns, "objective").filter(pl.col("objective").is_not_null())
    base = kept.filter(pl.col("method") == reference).select("point", "seed", pl.col("objective").alias("base"))
    others = kept.filter(pl.col("method") != reference)
    joined = others.join(base, on=["point", "seed"])
    return joined.with_columns((pl.col("objective") - pl.col("base")).alias("gain"))


def _sums(rows: pl.LazyFrame, keys: Sequence[str], value: pl.Expr) -> pl.DataFrame:
    known = rows.select(*keys, "seed", value.cast(pl.Float64).alias("value")).filter(pl.col("value").is_finite())
    by_seed = known.group_by(*keys, "seed").agg(pl.len().cast(pl.Float64).alias("m"), pl.col("value").sum())
    summed = by_seed.group_by(keys).agg(
        pl.len().cast(pl.Int64).alias("seeds"),
        pl.col("m").sum().cast(pl.Int64).alias("n"),
        pl.col("value").sum().alias("sum"),
        (pl.col("value") ** 2).sum().alias("squares"),
        (pl.col("value") * pl.col("m")).sum().alias("cross"),
        (pl.col("m") ** 2).sum().alias("counts"),
    )
    return summed.collect(engine="streaming")
