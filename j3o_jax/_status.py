"""Outcomes of solving a scenario."""

import enum
import functools
import operator
from typing import Any

# The widest gap, (bound − objective) / objective, at which a plan is called an optimum.
OPTIMAL_GAP = 1e-4


class Status(enum.IntEnum):
    """Outcome of one scenario; `Solution.status` holds these as integers, one per instance."""

    optimal = 0
    converged = 1
    iteration_limit = 2
    infeasible = 3
    numerical_error = 4
    invalid = 5

    @property
    def message(self) -> str:
        """Message that says what happened, and what to do about it."""
        return _MESSAGES[self]

    @property
    def success(self) -> bool:
        """Whether the solution holds a plan that keeps every limit."""
        return self in SUCCESSES


SUCCESSES = (Status.optimal, Status.converged, Status.iteration_limit)
"""The outcomes with a plan that keeps every limit."""

SUCCESS_NAMES = tuple(status.name for status in SUCCESSES)
"""Their names, as tables have them."""


def succeeded(status: Any) -> Any:
    """Whether each of some statuses is a success: NumPy's or JAX's integers, which may be traced."""
    return functools.reduce(operator.or_, [status == int(kind) for kind in SUCCESSES])


_MESSAGES = {
    Status.optimal: "an optimum, to within 0.01 % by its bound",
    Status.converged: "the method met its stopping criterion; the plan is feasible",
    Status.iteration_limit: (
        "stopped at its limit of iterations or time; the plan is feasible, and more of either may improve it"
    ),
    Status.infeasible: ("no plan that serves all the load was found; allow unserved queries or add capacity"),
    Status.numerical_error: "numerical failure: no plan was accepted; check the scaling of the inputs",
    Status.invalid: "the scenario's data are not valid",
}
