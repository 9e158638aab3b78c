"""Results of `verify`: limits, objective and proof of a plan, in exact arithmetic."""

import dataclasses
import math
from fractions import Fraction

import numpy as np

from ._types import AnyArray, Bool
from ._violations import Violation, ViolationError, told

PROVEN = Fraction(1, 10**9)
"""Part of the bound that is said by which a proof may exceed it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Limit:
    """One limit at one place, and what the plan loads it with.

    **Arguments:**

    - `instance`: index of the plan in the batch; ``()`` for a single plan.
    - `constraint`: which one, with the number of its equation: ``"client_memory (8)"``.
    - `place`: the name of the node.
    - `unit`: of load and capacity.
    - `load`, `capacity`: exact; infinite where there is no limit, and for queries at an edge that cannot compute.
    """

    instance: tuple[int, ...]
    constraint: str
    place: str
    unit: str
    load: Fraction | float
    capacity: Fraction | float

    @property
    def used(self) -> float:
        """Load over capacity; 1 where there is nothing to use and nothing is used."""
        if self.capacity == math.inf:
            return 0.0
        if self.capacity == 0:
            return 1.0 if self.load == 0 else math.inf
        return float(self.load / self.capacity)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Verification:
    """Exact verification of a plan, or of a batch of them: arrays have the batch shape of the scenario.

    **Arguments:**

    - `ok`: whether the plan is feasible, is worth what it says, and is not above the bound that it says; and whether
      its certificate, if it has one, proves that bound.
    - `feasible`: whether the plan keeps every limit to the tolerance; `violations` says where not.
    - `proven`: whether there is a certificate and D (see `bound`) is no more than the solution's bound and 10⁻⁹ of it:
      then no plan that keeps every limit exactly is worth more than that.
    - `objective`: F (2), less what moving models costs where it costs anything; None where there is no plan.
    - `accuracy`: F (2); None where there is no plan.
    - `bound`: D, what the certificate proves; None where there is none.
    - `limits`: every limit of every plan, in the order of instances.
    - `violations`: all that is wrong, in the order of instances.
    - `shared_bound`: what the certificate proves of scenarios that share one placement; None where they do not, or
      where there is none.
    - `shared_bound`: what the certificate proves of scenarios that share one placement; None where they do not, or
      where there is none.
    """

    ok: Bool[AnyArray, "*batch"]
    feasible: Bool[AnyArray, "*batch"]
    proven: Bool[AnyArray, "*batch"]
    objective: Fraction | np.ndarray | None
    bound: Fraction | np.ndarray | None
    limits: tuple[Limit, ...]
    violations: tuple[Violation, ...]
    shared_bound: Fraction | None = None
    accuracy: Fraction | np.ndarray | None = None

    def raise_if_violated(self) -> "Verification":
        """Return the verification itself if every plan is ok; raise `ViolationError` otherwise."""
        if not np.all(self.ok):
            raise ViolationError(str(self))
        return self

    def __repr__(self) -> str:
        return f"<Verification {self}>"

    def __str__(self) -> str:
        ok, proven = np.asarray(self.ok), np.asarray(self.proven)
        if ok.ndim:
            value = f"{ok.sum()} of {ok.size} plans ok, {proven.sum()} bounds proven"
        else:
            worth = "no plan" if self.objective is None else f"objective {float(self.objective):.9f}"
            value = f"{worth}, bound {float(self.bound):.9f}" if self.bound is not None else f"{worth}, no certificate"
        return told(f"{'ok' if ok.all() else 'not ok'}: {value}", self.violations)
