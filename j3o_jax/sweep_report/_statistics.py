"""The figures of a sweep: for each point and method, for each method over all points, and between methods."""

import dataclasses
from collections.abc import Sequence
from functools import reduce

import polars as pl

from .._status import SUCCESS_NAMES
from ..experiments._means import differences, means, rounded, slices_by_seed
from ..sweeps import Manifest
from ._distributions import bins_of, quantiles

LEVELS = (0.05, 0.5, 0.95)
WAYS = ("local", "edge", "cloud", "unserved")
CERTIFICATES = (1e-4, 1e-3, 1e-2, 1e-1)
REASONS_SHOWN, REASON_LENGTH = 8, 160


@dataclasses.dataclass(frozen=True)
class Statistics:
    """Statistics of a report.

    **Arguments:**

    - `manifest`, `chunks`: as the readers give them.
    - `slices`: the rows that there are, in parts, for means over groups of one's own.
    - `methods`: labels that have rows, in the manifest's order.
    - `reference`: the method that others are compared with; None where there is no other.
    - `by_method`, `by_point`: a row for each method, or each point and method: `total` rows, `planned` ones with a
      plan, `mean` and `half_width` of the objective, quantiles `q05`, `q50`, `q95`, `gap_mean`, `gap_max`, `gap50`,
      `proven` (rows with a bound, proven or by a solver's word), parts of the traffic, and `gain`, `gain_half_width`,
      `gain_n` of the paired difference from the reference.
    - `statuses`: columns method, status, count, by `Status`.
    - `reasons`: columns method, status, reason, count: the most frequent ones.
    - `objectives`, `gaps`: bins of the distributions by method.
    - `certificates`: a row for each method: `within0` … how many gaps are within `CERTIFICATES`.
    - `rates`: by method and machine: chunks, rows, seconds, compile_seconds, processor, device.
    """

    manifest: Manifest
    chunks: pl.DataFrame
    slices: Sequence[pl.LazyFrame]
    methods: tuple[str, ...]
    reference: str | None
    by_method: pl.DataFrame
    by_point: pl.DataFrame
    statuses: pl.DataFrame
    reasons: pl.DataFrame
    objectives: pl.DataFrame
    gaps: pl.DataFrame
    certificates: pl.DataFrame
    rates: pl.DataFrame

    @property
    def done(self) -> int:
        """Number of rows."""
        return int(self.by_method["total"].sum())

    @property
    def complete(self) -> bool:
        """Whether all chunks are there."""
        return self.chunks.height >= self.manifest.chunks

    @property
    def failures(self) -> int:
        """Number of rows without a plan."""
        return int((self.by_method["total"] - self.by_method["planned"]).sum())

    @property
    def bounded(self) -> bool:
        """Whether any row has a bound."""
        return bool(self.by_method["proven"].sum())


def statistics_of(
    manifest: Manifest, rows: pl.LazyFrame, chunks: pl.DataFrame, reference: str | None = None
) -> Statistics:
    """Compute the statistics of the rows so far. `reference` is one of the methods; None for the first of them."""
    count = int(chunks["rows"].sum())
    # Whatever a chunk holds for a scenario without a plan, it does not count.
    planned = pl.col("status").is_in(SUCCESS_NAMES)
    rows = rows.with_columns(
        pl.col("method").cast(pl.String),
        *(pl.when(planned).then(pl.col(name)).alias(name) for name in ("objective", "bound", "gap", *WAYS)),
    )
    slices = slices_by_seed(rows, count)
    has_rows = set(chunks["method"])
    methods = tuple(label for label in manifest.methods if label in has_rows)
    methods += tuple(sorted(has_rows.difference(methods)))
    reference = (reference or methods[0]) if len(methods) > 1 else None
    by_method = _table(slices, rows, ["method"], [], reference, len(methods))
    groups = len(methods) * max(1, -(-manifest.scenarios // max(1, _seeds(manifest))))
    by_point = _table(slices, rows, ["point", "method"], manifest.grid, reference, groups)
    statuses = rows.group_by("method", "status").agg(pl.len().cast(pl.Int64).alias("count")).collect(engine="streaming")
    return Statistics(
        manifest=manifest,
        chunks=chunks,
        slices=slices,
        methods=methods,
        reference=reference,
        by_method=_in_order(by_method, methods),
        by_point=_in_order(by_point, methods, "point"),
        statuses=_in_order(statuses, methods, "status"),
        reasons=_reasons(rows),
        objectives=bins_of(rows, ["method"], "objective"),
        gaps=bins_of(rows, ["method"], "gap", log=True),
        certificates=_certificates(rows),
        rates=_in_order(_rates(chunks), methods),
    )


def _table(
    slices: Sequence[pl.LazyFrame],
    rows: pl.LazyFrame,
    keys: list[str],
    grid: Sequence[str],
    reference: str | None,
    groups: int,
) -> pl.DataFrame:
    """See `Statistics.by_point`."""
    counted = rows.group_by(keys).agg(
        *(pl.col(name).first() for name in grid),
        pl.len().cast(pl.Int64).alias("total"),
        pl.col("objective").count().cast(pl.Int64).alias("planned"),
        pl.col("gap").count().cast(pl.Int64).alias("proven"),
        pl.col("gap").mean().alias("gap_mean"),
        pl.col("gap").max().alias("gap_max"),
        *(pl.col(name).mean() for name in WAYS),
    )
    parts = [
        means(slices, keys, pl.col("objective")).select(*keys, "mean", "half_width"),
        quantiles(bins_of(rows, keys, "objective", groups=groups), keys, LEVELS, "q"),
        quantiles(bins_of(rows, keys, "gap", groups=groups, log=True), keys, (0.5,), "gap"),
    ]
    # Without another method there is no difference; its columns are there all the same, and empty.
    other = reference if reference is not None else ""
    gains = means(slices, keys, pl.col("gain"), lambda part: differences(part, other, []))
    named = (("mean", "gain"), ("half_width", "gain_half_width"), ("n", "gain_n"))
    parts.append(gains.select(*keys, *(pl.col(old).alias(new) for old, new in named)))
    whole = reduce(
        lambda left, right: left.join(right, on=keys, how="left"), parts, counted.collect(engine="streaming")
    )
    return rounded(whole, "gap_mean", *WAYS, *(f"q{100 * level:02.0f}" for level in LEVELS), "gap50")


def _reasons(rows: pl.LazyFrame) -> pl.DataFrame:
    failed = rows.filter(pl.col("objective").is_null())
    cut = failed.select("method", "status", pl.col("reason").fill_null("").str.slice(0, REASON_LENGTH))
    counted = cut.group_by("method", "status", "reason").agg(pl.len().cast(pl.Int64).alias("count"))
    # Ties are broken by the text, so that the same rows give the same page.
    order = {"by": ["count", "method", "status", "reason"], "descending": [True, False, False, False]}
    return counted.sort(**order).head(REASONS_SHOWN).collect(engine="streaming")


def _certificates(rows: pl.LazyFrame) -> pl.DataFrame:
    within = [
        (pl.col("gap") <= limit).sum().cast(pl.Int64).alias(f"within{at}") for at, limit in enumerate(CERTIFICATES)
    ]
    return rows.group_by("method").agg(within).collect(engine="streaming")


def _rates(chunks: pl.DataFrame) -> pl.DataFrame:
    return (
        chunks.group_by("method", "processor", "device")
        .agg(pl.len().cast(pl.Int64).alias("chunks"), pl.col("rows", "seconds", "compile_seconds").sum())
        .sort("processor", "device")
    )


def _in_order(frame: pl.DataFrame, methods: Sequence[str], *first: str) -> pl.DataFrame:
    """Sort rows by the columns `first`, then by method."""
    place = pl.col("method").replace_strict({label: at for at, label in enumerate(methods)}, default=len(methods))
    return frame.with_columns(place.alias("_place")).sort(*first, "_place", maintain_order=True).drop("_place")


def _seeds(manifest: Manifest) -> int:
    seeds = manifest.spec.get("seeds")
    return int(seeds["count"]) if isinstance(seeds, dict) and "count" in seeds else 1
