"""The figures of a report against NumPy and SciPy on the same rows."""

import numpy as np
import polars as pl
import pytest
import scipy.stats
from support.made_up_sweeps import made_up_rows, write_sweep

from j3o_jax.experiments._means import differences, means, slices_by_seed
from j3o_jax.sweep_report import read_statistics
from j3o_jax.sweep_report._distributions import bins_of, quantiles

METHODS = ("j3o", "price-directed", "exact-milp")


@pytest.fixture(scope="module")
def rows():
    return made_up_rows(methods=METHODS, seeds=37, failing=0.3, unbounded=("price-directed",))


@pytest.fixture(scope="module")
def statistics(rows, tmp_path_factory):
    return read_statistics(write_sweep(tmp_path_factory.mktemp("sweep") / "made-up", rows))


def interval(values):
    """Mean and half width of Student's 95 % interval, by SciPy."""
    values = np.asarray(values)
    low, high = scipy.stats.t.interval(0.95, len(values) - 1, values.mean(), scipy.stats.sem(values))
    return values.mean(), (high - low) / 2


def test_a_point_has_students_interval(rows, statistics):
    assert statistics.by_point.height == 6 * 3
    for figures in statistics.by_point.to_dicts():
        own = rows.filter(pl.col("point") == figures["point"], pl.col("method") == figures["method"])
        known = own["objective"].drop_nulls().to_numpy()
        mean, half = interval(known)
        assert figures["total"] == own.height == 37
        assert figures["planned"] == len(known)
        assert figures["mean"] == pytest.approx(mean, rel=1e-9)
        assert figures["half_width"] == pytest.approx(half, rel=1e-6)
        gaps = own["gap"].drop_nulls().to_numpy()
        assert figures["proven"] == len(gaps)
        if len(gaps):
            assert figures["gap_mean"] == pytest.approx(gaps.mean())
            assert figures["gap_max"] == gaps.max()
            assert figures["gap50"] == pytest.approx(np.median(gaps), rel=1e-2)
        else:
            assert figures["gap_mean"] is None
            assert figures["gap50"] is None
        width = np.ptp(known) / 1024
        for name, level in (("q05", 0.05), ("q50", 0.5), ("q95", 0.95)):
            assert figures[name] == pytest.approx(np.quantile(known, level), abs=width)
        assert figures["edge"] == pytest.approx(own["edge"].mean())


def test_differences_are_paired(rows, statistics):
    assert statistics.reference == "j3o"
    for figures in statistics.by_point.to_dicts():
        at = rows.filter(pl.col("point") == figures["point"])
        base, own = (
            at.filter(pl.col("method") == method).sort("seed")["objective"].to_numpy()
            for method in ("j3o", figures["method"])
        )
        if figures["method"] == "j3o":
            assert figures["gain"] is None
            continue
        both = ~np.isnan(base) & ~np.isnan(own)
        mean, half = interval(own[both] - base[both])
        assert figures["gain_n"] == both.sum()
        assert figures["gain"] == pytest.approx(mean, rel=1e-9)
        assert figures["gain_half_width"] == pytest.approx(half, rel=1e-6)


def test_over_all_points_a_seed_is_one_observation(tmp_path):
    # With the same number of rows for each seed, it is the interval of the means of the seeds.
    rows = made_up_rows(methods=METHODS, seeds=25)
    statistics = read_statistics(write_sweep(tmp_path / "full", rows), "exact-milp")
    for figures in statistics.by_method.to_dicts():
        own = rows.filter(pl.col("method") == figures["method"])
        by_seed = own.group_by("seed").agg(pl.col("objective").mean())["objective"]
        mean, half = interval(by_seed)
        assert figures["mean"] == pytest.approx(mean)
        assert figures["half_width"] == pytest.approx(half, rel=1e-6)


def test_seeds_with_different_numbers_of_rows_are_a_ratio(rows):
    # The usual estimate for clusters, written out: the variance of sums around the mean, over the number of rows.
    own = rows.filter(pl.col("method") == "j3o", pl.col("objective").is_not_null())
    frame = means([rows.lazy()], ["method"], pl.col("objective")).filter(pl.col("method") == "j3o").row(0, named=True)
    mean = own["objective"].mean()
    residuals = own.group_by("seed").agg((pl.col("objective") - mean).sum())["objective"].to_numpy()
    seeds = len(residuals)
    error = np.sqrt(seeds / (seeds - 1) * np.sum(residuals**2)) / own.height
    assert frame["n"] == own.height
    assert frame["seeds"] == seeds
    assert frame["half_width"] == pytest.approx(error * scipy.stats.t.ppf(0.975, seeds - 1), rel=1e-6)


def test_slices_give_the_same(rows):
    whole = means(slices_by_seed(rows.lazy(), rows.height), ["point", "method"], pl.col("objective"))
    slices = slices_by_seed(rows.lazy(), rows.height, at_once=50)
    assert len(slices) == -(-rows.height // 50)
    parts = means(slices, ["point", "method"], pl.col("objective"))
    assert parts.select("point", "method", "n", "seeds").equals(whole.select("point", "method", "n", "seeds"))
    for name in ("mean", "half_width"):
        np.testing.assert_allclose(parts[name].to_numpy(), whole[name].to_numpy(), rtol=1e-9)
    gains = [
        means(some, ["method"], pl.col("gain"), lambda part: differences(part, "j3o", []))
        for some in (slices, [rows.lazy()])
    ]
    np.testing.assert_allclose(gains[0]["mean"].to_numpy(), gains[1]["mean"].to_numpy())


def test_one_seed_has_no_interval():
    rows = made_up_rows(seeds=1)
    frame = means([rows.lazy()], ["method"], pl.col("objective"))
    assert frame["half_width"].to_list() == [None, None]
    assert frame["n"].to_list() == [6, 6]


@pytest.mark.parametrize("log", [False, True])
def test_quantiles_are_right_to_a_bin(log):
    random = np.random.default_rng(0)
    values = np.exp(random.normal(-6.0, 2.0, 20_000))
    frame = pl.LazyFrame({"g": ["a"] * 19_999 + ["b"], "x": values})
    found = quantiles(bins_of(frame, ["g"], "x", log=log), ["g"], (0.05, 0.5, 0.95), "q").sort("g")
    own = values[:-1]
    expected = np.quantile(own, (0.05, 0.5, 0.95))
    measured = np.array(found.row(0)[1:])
    if log:
        bound = np.log(own.max() / own.min()) / 1024
        assert (np.abs(np.log(measured / expected)) <= bound).all()
    else:
        assert (np.abs(measured - expected) <= np.ptp(own) / 1024).all()
    assert found.row(1)[1:] == pytest.approx((values[-1],) * 3)


def test_outcomes_and_certificates_are_counted(rows, statistics):
    counted = rows.group_by("method", "status").len()
    for method, status, number in counted.iter_rows():
        own = statistics.statuses.filter(pl.col("method") == method, pl.col("status") == status)
        assert own["count"].item() == number
    gaps = rows.filter(pl.col("method") == "j3o")["gap"].drop_nulls().to_numpy()
    within = statistics.certificates.filter(pl.col("method") == "j3o").row(0)[1:]
    assert within == tuple(int((gaps <= limit).sum()) for limit in (1e-4, 1e-3, 1e-2, 1e-1))
    assert statistics.failures == rows["objective"].null_count()
    assert statistics.reasons["count"].to_list() == sorted(statistics.reasons["count"], reverse=True)
    assert statistics.rates["rows"].sum() == rows.height


def test_what_a_failed_row_holds_does_not_count(tmp_path):
    rows = made_up_rows(seeds=10)
    spoilt = pl.when(pl.col("seed") == 3).then(pl.lit("infeasible")).otherwise(pl.col("status"))
    statistics = read_statistics(write_sweep(tmp_path / "spoilt", rows.with_columns(spoilt.alias("status"))))
    kept = rows.filter(pl.col("method") == "j3o", pl.col("seed") != 3)
    assert statistics.by_method["planned"].to_list() == [54, 54]
    assert statistics.by_method["mean"][0] == pytest.approx(kept["objective"].mean())


def test_a_reference_of_ones_own(rows, tmp_path):
    folder = write_sweep(tmp_path / "made-up", rows)
    assert read_statistics(folder, "exact-milp").by_method["gain"].to_list()[2] is None
    with pytest.raises(ValueError, match="'nobody' has no rows here"):
        read_statistics(folder, "nobody")
