"""Means of numbers with their uncertainty; see `_means` for those of tables."""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

LEVEL = 0.95
"""Of confidence intervals."""


@dataclasses.dataclass(frozen=True)
class Spread:
    """Mean and standard deviation (divided by n, as NumPy's) of n values; NaN where there are none."""

    mean: float
    deviation: float
    n: int

    @property
    def standard_error(self) -> float:
        """Of the mean, from the sample's variance; NaN for fewer than two values."""
        return self.deviation / math.sqrt(self.n - 1) if self.n > 1 else math.nan

    def half_width(self) -> float:
        """Half of the confidence interval of the mean, by Student's t; NaN for fewer than two values."""
        return self.standard_error * float(student_factor(self.n))


def spread_of(values: Iterable[float]) -> Spread:
    """Return the spread of the values that are not NaN."""
    known = np.array([value for value in values if not math.isnan(value)])
    if not known.size:
        return Spread(math.nan, math.nan, 0)
    return Spread(float(np.mean(known)), float(np.std(known)), known.size)


def spread_over_seeds(values: np.ndarray, seeds: np.ndarray) -> Spread:
    """Return the spread of the means of each seed, from ``[n]`` each.

    Scenarios of one seed, at several points of a grid, are no independent observations: their mean is one.
    """
    _, place = np.unique(seeds, return_inverse=True)
    return spread_of(np.bincount(place, weights=values) / np.bincount(place))


def student_factor(n: Any) -> Any:
    """Half of the confidence interval of a mean of n values, in standard errors."""
    from scipy.special import stdtrit

    return stdtrit(np.maximum(n - 1, 1), 0.5 + 0.5 * LEVEL)
