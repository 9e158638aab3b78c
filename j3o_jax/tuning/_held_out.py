"""The last comparison: the chosen setting against the one to begin from, on seeds that no trial has seen."""

import math

import numpy as np

from ._laboratory import Laboratory, Measured
from ._outcome import HeldOut, Score, Trial
from ._spec import TuneSpec


def compare_held_out(spec: TuneSpec, base: Trial, chosen: Trial) -> HeldOut:
    """Solve the held-out scenarios with both settings, each timed by itself, and check every plan.

    **Raises:** `ViolationError` where a plan breaks a limit.
    """
    laboratory = Laboratory(spec.held_out, spec.gap, checked=True)
    before = laboratory.alone(base.method)
    after = before if chosen is base else laboratory.alone(chosen.method)
    difference = after.objective - before.objective
    mean, half_width = paired(difference, laboratory.seeds)
    return HeldOut(
        scenarios=difference.size,
        seeds=np.unique(laboratory.seeds).size,
        base=_score(before),
        chosen=_score(after),
        difference=mean,
        half_width=half_width,
        better=int(np.sum(difference > 1e-9)),
        worse=int(np.sum(difference < -1e-9)),
    )


def paired(difference: np.ndarray, seeds: np.ndarray) -> tuple[float, float]:
    """Mean of paired differences ``[n]``, and the half-width of its 95 % interval.

    Scenarios of one seed, at several points of a grid, are no independent observations: their mean is one.
    """
    from scipy.special import stdtrit

    _, place = np.unique(seeds, return_inverse=True)
    own = np.bincount(place, weights=difference) / np.bincount(place)
    if own.size < 2:
        return float(own.mean()), math.nan
    half_width = stdtrit(own.size - 1, 0.975) * own.std(ddof=1) / math.sqrt(own.size)
    return float(own.mean()), float(half_width)


def _score(measured: Measured) -> Score:
    return Score(measured.quality, measured.failed, measured.seconds, measured.reached)
