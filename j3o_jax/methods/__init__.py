"""Ways to solve a scenario."""

from ._base import AbstractMethod as AbstractMethod
from ._base import Outcome as Outcome
from .baselines import FullLocal as FullLocal
from .j3o import J3O as J3O
from .j3o import Subgradient as Subgradient
