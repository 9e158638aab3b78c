"""Distributions of rows as narrow bins: quantiles and cumulative curves without the rows themselves."""

from collections.abc import Sequence

import numpy as np
import polars as pl

BINS = 1024
_MOST_BINS, _FEWEST = 4_000_000, 16
# A gap of nothing has no logarithm; below this it is rounding.
SMALLEST_GAP = 1e-9


def bins_of(
    rows: pl.LazyFrame, keys: Sequence[str], column: str, *, groups: int = 1, log: bool = False
) -> pl.DataFrame:
    """Count rows by group and bin, the bins as wide as 1/1024 of the group's own range.

    **Arguments:**

    - `rows`: the rows; those where the column is null or not finite are left out.
    - `keys`: columns that make the groups, without nulls.
    - `column`: whose distribution.
    - `groups`: about how many there are: with very many, bins are fewer.
    - `log`: whether the bins are even on a logarithmic scale; values below `SMALLEST_GAP` count as that.

    **Returns:** columns of `keys`, `value` (mean of the rows in the bin) and `count`, in order.
    """
    bins = int(min(BINS, max(_FEWEST, _MOST_BINS // max(groups, 1))))
    known = rows.select(*keys, pl.col(column).alias("value")).filter(pl.col("value").is_finite())
    if log:
        known = known.with_columns(pl.col("value").clip(SMALLEST_GAP))
    place = pl.col("value").log() if log else pl.col("value")
    ranges = known.group_by(keys).agg(place.min().alias("low"), place.max().alias("high")).collect(engine="streaming")
    width = (pl.col("high") - pl.col("low")) / bins
    number = pl.when(width > 0.0).then((place - pl.col("low")) / width).otherwise(0.0).floor().clip(0, bins - 1)
    counted = (
        known.join(ranges.lazy(), on=list(keys))
        .with_columns(number.cast(pl.Int32).alias("bin"))
        .group_by(*keys, "bin")
        .agg(pl.col("value").mean(), pl.len().cast(pl.Int64).alias("count"))
        .collect(engine="streaming")
    )
    return counted.sort(*keys, "bin").drop("bin")


def quantiles(bins: pl.DataFrame, keys: Sequence[str], levels: Sequence[float], prefix: str) -> pl.DataFrame:
    """Quantiles of each group, as NumPy's between neighbouring rows, right to the width of a bin.

    **Returns:** columns of `keys`, and ``{prefix}{percent:02d}`` for each level.
    """
    by_group = bins.group_by(keys, maintain_order=True).agg("value", "count")
    found = np.array(
        [_quantiles(row["value"], row["count"], levels) for row in by_group.iter_rows(named=True)], dtype=np.float64
    ).reshape(by_group.height, len(levels))
    columns = [pl.Series(f"{prefix}{100 * level:02.0f}", found[:, at]) for at, level in enumerate(levels)]
    return by_group.select(keys).with_columns(columns)


def _quantiles(values: list[float], counts: list[int], levels: Sequence[float]) -> np.ndarray:
    value, ends = np.asarray(values), np.cumsum(counts)
    places = np.asarray(levels) * (ends[-1] - 1)
    below = np.floor(places)
    low = value[np.searchsorted(ends, below, side="right")]
    high = value[np.searchsorted(ends, np.minimum(below + 1, ends[-1] - 1), side="right")]
    return low + (places - below) * (high - low)
