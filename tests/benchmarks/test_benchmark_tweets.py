"""The trace of tweets: what the table holds."""

import numpy as np

import j3o_jax as j3o
from j3o_jax.benchmarks._tables import rows


def test_hourly_tweets_are_counts_of_ten_series_over_three_days():
    counts = j3o.benchmarks.hourly_tweets()
    assert counts.shape == (72, 10)
    assert counts.dtype == np.float64
    assert (counts >= 0.0).all()
    assert (counts == np.rint(counts)).all()
    assert (counts.sum(axis=0) > 0.0).all()
    assert (counts.sum(axis=1) > 0.0).all()


def test_hours_of_tweets_follow_one_another():
    hours = np.array([row["hour_start"] for row in rows("tweets_hourly")], dtype="datetime64[m]")
    assert (np.diff(hours) == np.timedelta64(60, "m")).all()
