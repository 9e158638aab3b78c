"""Batch profiles: set-up time and time per query, fitted to measured latencies."""

from ._fit import BatchProfile as BatchProfile
from ._fit import fit_batch_profile as fit_batch_profile
from ._rows import LatencyRows as LatencyRows
from ._rows import read_latency_rows as read_latency_rows

__all__ = ["BatchProfile", "LatencyRows", "fit_batch_profile", "read_latency_rows"]
