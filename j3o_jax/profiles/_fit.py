"""The line latency(b) = ν + τ b of Eq. (27), fitted to measurements by least squares with ν, τ ≥ 0."""

import dataclasses
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float

from .._types import AnyArray

Weighting = Literal["relative", "ordinary"]

WEIGHTINGS: tuple[Weighting, ...] = get_args(Weighting)


@dataclasses.dataclass(frozen=True, eq=False)
class BatchProfile:
    """Latency of a batch on one device: ν + τ b seconds for b queries.

    **Arguments:**

    - `setup`: ν, seconds for each batch; an entry of `Batching.setup`.
    - `per_query`: τ = w/β, seconds for each query in it.
    - `weighting`: ``relative`` or ``ordinary``; see `fit_batch_profile`.
    - `batch_size`: sizes that were measured, in the order given. ``[n]``
    - `latency`: seconds that they took. ``[n]``
    - `residuals`: measured less fitted latency, seconds. ``[n]``
    """

    setup: float
    per_query: float
    weighting: Weighting
    batch_size: Float[np.ndarray, " n"]
    latency: Float[np.ndarray, " n"]
    residuals: Float[np.ndarray, " n"]

    @property
    def relative_residuals(self) -> Float[np.ndarray, " n"]:
        """Residuals ``[n]`` as a part of what was measured."""
        return self.residuals / self.latency

    @property
    def largest_relative_residual(self) -> float:
        """The largest of them, without its sign."""
        return float(np.max(np.abs(self.relative_residuals)))

    @property
    def r_squared(self) -> float:
        """Part of the latency's variance that the line explains, each row weighted alike; NaN where there is none."""
        total = float(np.sum((self.latency - np.mean(self.latency)) ** 2))
        return 1.0 - float(np.sum(self.residuals**2)) / total if total > 0 else float("nan")

    @property
    def setup_ratio(self) -> float:
        """ν/τ: how many queries take as long as the set-up, `setup_ratio` of the benchmarks; infinite for τ = 0."""
        return self.setup / self.per_query if self.per_query > 0 else float("inf")

    @property
    def fall(self) -> float:
        """Part by which the largest batches take less time than the smallest; 0 where they do not."""
        mean = [float(np.mean(self.latency[self.batch_size == size(self.batch_size)])) for size in (np.min, np.max)]
        return max(1.0 - mean[1] / mean[0], 0.0)

    def compute_capacity(self, model_compute: float) -> float:
        """β = w/τ in GFLOP/s, for a model of w GFLOP/query: with it a scenario has this profile's time per query.

        **Raises:** `ValueError` for a w that is no positive number, and for a profile with τ = 0.
        """
        if not 0.0 < model_compute < float("inf"):
            raise ValueError(f"model_compute = {model_compute}: must be a positive number of GFLOP/query")
        if self.per_query == 0.0:
            raise ValueError("per_query = 0: latency does not grow with the batch, so no compute capacity fits it")
        return model_compute / self.per_query

    def latency_at(self, batch_size: Any) -> np.ndarray:
        """ν + τ b in seconds, for one size or an array of them."""
        return np.asarray(self.setup + self.per_query * np.asarray(batch_size, np.float64))


def fit_batch_profile(batch_size: Any, latency: Any, *, weighting: Weighting = "relative") -> BatchProfile:
    """Fit ν and τ, both at least 0, to measured latencies; Eq. (27) of the paper, and its Section VI-D.

    Small batches hardly count in an ordinary fit of sizes 1 to 256, though ν is what they show: the relative one,
    which weighs each row by 1/latency, is the default. Where both are far from each other, latency is no line over
    these sizes; fit the sizes that will be served.

    **Arguments:**

    - `batch_size`: queries in a batch, at least one, and not all alike. ``[n]``
    - `latency`: seconds from its launch to its end. ``[n]``
    - `weighting`: ``relative`` minimises the sum of squared relative errors, ``ordinary`` that of squared errors.

    **Raises:** `ValueError` that names the entry, for what is not a finite number above 0, for rows that do not belong
    together, and for sizes that determine no line.
    """
    from scipy.optimize import nnls

    if weighting not in WEIGHTINGS:
        raise ValueError(f"weighting = {weighting!r}: must be one of {', '.join(WEIGHTINGS)}")
    sizes, times = _positive("batch_size", batch_size), _positive("latency", latency)
    if sizes.shape != times.shape:
        raise ValueError(f"latency: has {len(times)} entries, and batch_size has {len(sizes)}: give one for each batch")
    small = np.flatnonzero(sizes < 1.0)
    if small.size:
        raise ValueError(f"batch_size[{small[0]}] = {sizes[small[0]]:g}: must be at least 1")
    if len(np.unique(sizes)) < 2:
        found = f"only size {sizes[0]:g}" if sizes.size else "nothing"
        raise ValueError(f"batch_size: has {found}: a line needs two sizes that differ")
    weight = 1.0 / times if weighting == "relative" else np.full_like(times, 1.0 / np.max(times))
    columns = weight[:, None] * np.stack([np.ones_like(sizes), sizes], axis=1)
    # Columns of length 1: the constant one is up to a thousand times shorter than the sizes.
    lengths = np.linalg.norm(columns, axis=0)
    scaled, _ = nnls(columns / lengths, weight * times)
    setup, per_query = (float(value) for value in scaled / lengths)
    return BatchProfile(setup, per_query, weighting, sizes, times, times - setup - per_query * sizes)


def _positive(name: str, values: Any) -> AnyArray:
    array = np.asarray(values)
    if array.dtype.kind not in "iuf" or array.ndim != 1:
        raise ValueError(f"{name}: has shape {list(array.shape)} and type {array.dtype}: must be a list of numbers")
    array = array.astype(np.float64)
    bad = np.flatnonzero(~((array > 0.0) & np.isfinite(array)))
    if bad.size:
        raise ValueError(f"{name}[{bad[0]}] = {array[bad[0]]:g}: must be a finite number above 0")
    return array
