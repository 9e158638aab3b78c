"""Results of a simulation, beside what the plan predicts."""

import dataclasses
import math
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from .._names import Names
from .._types import AnyArray, Float

# Fewer requests say too little of a rate.
_FEWEST = 10


@dataclasses.dataclass(frozen=True)
class TraceSummary:
    """The requests of a trace beside what the scenario expects.

    **Arguments:**

    - `requests`: how many there are, those left out not counted.
    - `seconds`: from the first to the last.
    - `planned_rate`: of all streams together by `Scenario.demand`, queries/s.
    - `time_unit`: in which timestamps were read: s, ms, us or ns, or "date".
    - `without_demand`: requests by client and task of streams for which the scenario expects none. No plan serves them.
    - `unknown`: requests by client and task of names that the scenario does not have; they are left out.
    """

    requests: int
    seconds: float
    planned_rate: float
    time_unit: str
    without_demand: Mapping[tuple[str, str], int]
    unknown: Mapping[tuple[str, str], int]

    @property
    def rate(self) -> float:
        """Requests per second; NaN for a single one, and infinite where all come at once."""
        if self.requests < 2:
            return math.nan
        return (self.requests - 1) / self.seconds if self.seconds > 0.0 else math.inf

    @property
    def differs(self) -> bool:
        """Whether there are ten times as many requests as the scenario expects in their time, or a tenth of them.

        Never for fewer than ten requests.
        """
        if self.requests < _FEWEST:
            return False
        return not 0.1 * self.planned_rate < self.rate < 10.0 * self.planned_rate


@dataclasses.dataclass(frozen=True, eq=False)
class Simulation:
    """Figures of a plan under random arrivals, as float64 NumPy arrays. Delays are in seconds, rates in queries/s.

    Axes: ``R`` replications, ``E`` edges, ``T`` tasks, ``C`` clients, ``Q`` percentiles, ``G`` grid points. Figures of
    the requests of an edge and a task are NaN where there are none. What ends in ``_planned`` is what the plan predicts
    at average load.

    **Arguments:**

    - `window`: T_b of each edge, seconds. ``[E]``
    - `duration`: seconds simulated at each edge, a whole number of its windows. ``[E]``
    - `drop`: whether requests that would end too late were dropped.
    - `accuracy`: mean over all requests, those unserved or dropped counting 0; 0 without requests. ``[R]``
    - `accuracy_planned`: F, equation (2). ``[]``
    - `arrived`: requests of all streams, wherever they are answered. ``[R]``
    - `requests`: that arrived at each edge. ``[R, E, T]``
    - `dropped`: share of them that was dropped. ``[R, E, T]``
    - `late`: share of the others with a delay of more than 2·T_b. ``[R, E, T]``
    - `utilisation_edge`: seconds of work that arrived and was not dropped, per second; from 1 on the backlog has no
      end. ``[R, E]``
    - `utilisation_edge_planned`: left-hand side of (28) over T_b. ``[E]``
    - `utilisation_client`: seconds of work, per second, of what a client answers itself. ``[R, C]``
    - `utilisation_client_planned`: left-hand side of (9) over β_c. ``[C]``
    - `overload_client`: share of the windows (of its edge's length) that bring a client more work than it does in
      their time. Its requests count as served all the same: the model has no queues at clients. ``[R, C]``
    - `batch_mean`, `batch_deviation`: mean and standard deviation of the sizes of the batches that were run, windows
      without requests counting as batches of 0. ``[R, E, T]``
    - `batch_planned`: λ^e_t·T_b. ``[E, T]``
    - `percentiles`: which percentiles `delay` holds, in percent. ``[Q]``
    - `delay`: those percentiles of the delay, from arrival to the end of the batch. ``[R, E, T, Q]``
    - `grid`: delays in windows at which `distribution` is given. ``[G]``
    - `distribution`: share of the requests of all replications, not dropped, with a delay of at most that.
      ``[E, T, G]``
    - `names`: those of the scenario.
    - `trace`: what the requests of a trace are; None for random arrivals.
    """

    window: Float[AnyArray, " E"]
    duration: Float[AnyArray, " E"]
    drop: bool
    accuracy: Float[AnyArray, " R"]
    accuracy_planned: Float[AnyArray, ""]
    arrived: Float[AnyArray, " R"]
    requests: Float[AnyArray, "R E T"]
    dropped: Float[AnyArray, "R E T"]
    late: Float[AnyArray, "R E T"]
    utilisation_edge: Float[AnyArray, "R E"]
    utilisation_edge_planned: Float[AnyArray, " E"]
    utilisation_client: Float[AnyArray, "R C"]
    utilisation_client_planned: Float[AnyArray, " C"]
    overload_client: Float[AnyArray, "R C"]
    batch_mean: Float[AnyArray, "R E T"]
    batch_deviation: Float[AnyArray, "R E T"]
    batch_planned: Float[AnyArray, "E T"]
    percentiles: Float[AnyArray, " Q"]
    delay: Float[AnyArray, "R E T Q"]
    grid: Float[AnyArray, " G"]
    distribution: Float[AnyArray, "E T G"]
    names: Names
    trace: TraceSummary | None = None

    @cached_property
    def served(self) -> Float[AnyArray, "R E T"]:
        """Requests ``[R, E, T]`` that edges answered."""
        return self.requests * (1.0 - np.nan_to_num(self.dropped))

    @property
    def late_share(self) -> float:
        """Share of the requests answered at edges, in all replications, with a delay above 2·T_b; NaN if none."""
        return _ratio(np.sum(np.nan_to_num(self.late) * self.served), np.sum(self.served))

    @property
    def late_share_by_edge(self) -> Float[AnyArray, " E"]:
        """`late_share` ``[E]`` of each edge."""
        return ratios(np.sum(np.nan_to_num(self.late) * self.served, axis=(0, 2)), np.sum(self.served, axis=(0, 2)))

    @property
    def late_share_by_batch(self) -> Float[AnyArray, "E T"]:
        """`late_share` ``[E, T]`` of each edge and task."""
        return ratios(np.sum(np.nan_to_num(self.late) * self.served, axis=0), np.sum(self.served, axis=0))

    @property
    def dropped_share(self) -> float:
        """Share of the requests that arrived at edges, in all replications, that was dropped; NaN if none."""
        return _ratio(np.sum(self.requests - self.served), np.sum(self.requests))

    @property
    def dropped_share_by_batch(self) -> Float[AnyArray, "E T"]:
        """`dropped_share` ``[E, T]`` of each edge and task."""
        return ratios(np.sum(self.requests - self.served, axis=0), np.sum(self.requests, axis=0))

    @property
    def delay_mean(self) -> Float[AnyArray, "E T Q"]:
        """Percentiles ``[E, T, Q]`` of the delay, averaged over the replications that have any requests."""
        there = ~np.isnan(self.delay)
        return ratios(np.sum(np.where(there, self.delay, 0.0), axis=0), np.sum(there, axis=0).astype(np.float64))


def _ratio(part: float, whole: float) -> float:
    return float(ratios(np.asarray(part), np.asarray(whole)))


def ratios(part: AnyArray, whole: AnyArray, nothing: float = np.nan) -> AnyArray:
    """`part` / `whole`, `nothing` where the whole is 0; has the shape of `part`."""
    whole = np.broadcast_to(whole, np.shape(part))
    return np.divide(part, whole, out=np.full(np.shape(part), nothing), where=whole > 0)
