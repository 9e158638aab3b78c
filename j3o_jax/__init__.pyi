"""Place multi-task models on clients and edge servers; route queries between client, edge and cloud."""

from . import benchmarks as benchmarks
from . import io as io
from . import methods as methods
from . import profiles as profiles
from . import routing as routing
from ._certify import certify as certify
from ._check import check as check
from ._compilation_cache import cache_compilations as cache_compilations
from ._names import Names as Names
from ._relaxation import relaxation_bound as relaxation_bound
from ._scenario import Batching as Batching
from ._scenario import Scenario as Scenario
from ._solution import Solution as Solution
from ._solution import SolveError as SolveError
from ._solve import solve as solve
from ._status import Status as Status
from ._violations import Report as Report
from ._violations import Violation as Violation
from ._violations import ViolationError as ViolationError
from .io import FileError as FileError
from .io import load as load
from .io import save as save
from .methods import BAJ3O as BAJ3O
from .methods import J3O as J3O
from .methods import BilinearMINLP as BilinearMINLP
from .methods import DualSearch as DualSearch
from .methods import ExactMILP as ExactMILP
from .methods import FullLocal as FullLocal
from .methods import GreedyAO as GreedyAO
from .methods import OptAO as OptAO
from .methods import PriceDirected as PriceDirected
from .methods import RandAO as RandAO
from .methods import Subgradient as Subgradient
from .profiles import BatchProfile as BatchProfile
from .profiles import fit_batch_profile as fit_batch_profile
from .profiles import read_latency_rows as read_latency_rows
from .routing import CvxpyLP as CvxpyLP
from .routing import HierarchicalLP as HierarchicalLP
from .simulation import Headroom as Headroom
from .simulation import Simulation as Simulation
from .simulation import headroom as headroom
from .simulation import simulate as simulate

__version__: str
