"""The offloading step: linear programs for a fixed placement."""

from ._base import AbstractOffloadingSolver as AbstractOffloadingSolver
from ._base import Offloading as Offloading
from ._base import OffloadingProblem as OffloadingProblem
from ._base import no_offloading as no_offloading
from ._base import offloading_problem as offloading_problem
from ._base import settle_shares as settle_shares
from .cvxpy_lp import CvxpyLP as CvxpyLP
from .hierarchical import HierarchicalLP as HierarchicalLP
