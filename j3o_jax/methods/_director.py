"""What the rounds on the device have to be told: who places models, by which settings, and what it hears of a round."""

import abc
from typing import Any, NamedTuple

from j3o_kernels.hierarchical_lp import HierarchicalLPSolution

from .._model import Placement, Plan
from ..routing import OffloadingProblem


class Settings(NamedTuple):
    """What the loop depends on besides its arrays.

    - `max_iterations`: most rounds.
    - `lp_iterations`: most Newton steps of an offloading step.
    - `activations`: with batching, most trials of other pairs of edge and task that are open (`_activation.py`).
    - `surrogate_width`: that of (29) in the rounds (`_surrogate.py`); None for the indicator itself.
    """

    max_iterations: int
    lp_iterations: int
    activations: int
    surrogate_width: float | None = None


class Round(NamedTuple):
    """What came of a round, for every instance.

    - `alternates`: instances that had one; the rest means nothing for the others. ``[B]``
    - `placement`, `problem`, `routed`, `plan`: what was placed, its offloading step, and the plan. ``[B, ...]``
    - `value`: of the plan; `best`, `best_before`: of the best plans with and without it. In all of them serving comes
      first (`serving_first`). ``[B]``
    - `better`: whether it is the best plan now. ``[B]``
    """

    alternates: Any
    placement: Placement
    problem: OffloadingProblem
    routed: HierarchicalLPSolution
    plan: Plan
    value: Any
    best: Any
    best_before: Any
    better: Any


class Director(abc.ABC):
    """Places models, round after round; what it learns is a pytree with the instances on any axis."""

    @abc.abstractmethod
    def begin(self) -> Any:
        """What is known before the first round."""

    @abc.abstractmethod
    def place(self, known: Any, turn: Any, plan: Plan, active: Any) -> Placement:
        """Place models in the instances `active`, whose best plans so far are `plan`."""

    @abc.abstractmethod
    def learn(self, known: Any, turn: Any, news: Round) -> tuple[Any, Any]:
        """What is known after a round, and which instances want another one ``[B]``."""
