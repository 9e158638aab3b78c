"""Ways to solve a scenario."""

from ._base import AbstractMethod as AbstractMethod
from ._base import Outcome as Outcome
from .alternation.multiplier import DualSearch as DualSearch
from .alternation.multiplier import Subgradient as Subgradient
from .auto import Auto as Auto
from .auto import Taken as Taken
from .baselines import FullLocal as FullLocal
from .baselines import GreedyAO as GreedyAO
from .baselines import OptAO as OptAO
from .baselines import RandAO as RandAO
from .j3o import BAJ3O as BAJ3O
from .j3o import J3O as J3O
from .milp import ExactMILP as ExactMILP
from .minlp import BilinearMINLP as BilinearMINLP
from .price_directed import PriceDirected as PriceDirected
