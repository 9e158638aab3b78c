"""A real trace, to let the demand of a scenario drift as demand does."""

import numpy as np

from .._types import Float
from ._tables import rows


def hourly_tweets() -> Float[np.ndarray, "hours series"]:
    """Mentions of ten companies on Twitter, hour by hour, for three days ``[72, 10]``.

    Hourly sums of the first 72 hours of the Numenta Anomaly Benchmark's `realTweets` (MIT licence), from
    26 February 2015, 21:40. The series are AAPL, AMZN, CRM, CVS, FB, GOOG, IBM, KO, PFE and UPS, in this order.
    """
    table = rows("tweets_hourly")
    return np.array([[float(count) for name, count in row.items() if name != "hour_start"] for row in table])
