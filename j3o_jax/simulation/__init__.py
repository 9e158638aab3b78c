"""Simulation of plans under random arrivals: queues of batches, window by window."""

from ._headroom import Headroom as Headroom
from ._headroom import Trial as Trial
from ._headroom import headroom as headroom
from ._result import Simulation as Simulation
from ._result import TraceSummary as TraceSummary
from ._simulate import simulate as simulate
