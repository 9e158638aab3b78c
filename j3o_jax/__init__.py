"""Place multi-task models on clients and edge servers; route queries between client, edge and cloud."""

from importlib.metadata import version as _version

from ._names import Names as Names
from ._scenario import Batching as Batching
from ._scenario import Scenario as Scenario
from ._solution import Solution as Solution
from ._solution import SolveError as SolveError
from ._solve import solve as solve
from ._status import Status as Status
from .methods import J3O as J3O
from .methods import FullLocal as FullLocal
from .routing import CvxpyLP as CvxpyLP

__version__ = _version("j3o-jax")
