"""The exact optimum without Gurobi: the strong formulation with HiGHS."""

import math
from typing import Any

import equinox as eqx
import numpy as np

from .._highs import MILP, solve_milp
from .._model import Plan
from .._scenario import Scenario
from .._time_limit import seconds_left
from .._types import Float
from ._base import AbstractMethod, Outcome
from .exact.recover_plan import ExactMethod, Incumbent, search_each
from .exact.strong_formulation import StrongFormulation, strong_formulation


class ExactMILP(ExactMethod):
    """The optimum of P1 (13), by the strong formulation as a mixed-integer linear program, with HiGHS.

    `Solution.bound` is the solver's bound, to its tolerance (1e-9 of the largest gain for each flow), and
    `Solution.gap` what is left open. Both are HiGHS's word: it keeps no proof that could be checked. `certify` puts a
    bound with a certificate in its place. An instance that reaches the time limit ends with `Status.iteration_limit`,
    its best plan so far and the bound so far.

    **Arguments:**

    - `gap`: (bound − F) / F at which the search ends. A plan counts as `optimal` up to 1e-4, else as `converged`.
    - `time_limit`: seconds for each scenario's search; building it and routing its plan come on top.
    - `threads`: of HiGHS; None for its own choice.
    - `start`: a method whose plan HiGHS starts from, such as `J3O()`. Without one it finds its own, which on large
      scenarios can take longer than the limit.
    """

    gap: float | int = eqx.field(static=True, default=1e-4)
    time_limit: float | int = eqx.field(static=True, default=math.inf)
    threads: int | None = eqx.field(static=True, default=None)
    start: AbstractMethod | None = None

    def __check_init__(self):
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads: must be at least 1, got {self.threads}")
        if self.start is not None and not isinstance(self.start, AbstractMethod):
            raise TypeError(f"start: must be a method such as J3O(), got {self.start!r}")

    @property
    def on_host(self) -> bool:
        """See `AbstractMethod`."""
        return self.start is None or self.start.on_host

    def run(self, scenarios: Scenario, key: Any) -> Outcome:
        """See `AbstractMethod`."""
        begun = None if self.start is None else self.start.run(scenarios, key)

        def search(scenario: Scenario, formulation: StrongFormulation, instance: int) -> Incumbent:
            plan = None if begun is None else Plan(*(field[instance] for field in begun.plan))
            return self._search(scenario, formulation, plan)

        return search_each(scenarios, strong_formulation, search, gap=float(self.gap))

    def _search(self, scenario: Scenario, formulation: StrongFormulation, plan: Plan | None) -> Incumbent:
        start = None if plan is None else formulation.values(plan, scenario.client_edge)
        answer = solve_milp(
            formulation.program,
            gap=float(self.gap),
            time_limit=min(float(self.time_limit), seconds_left()),
            threads=self.threads,
            start=start,
        )
        if answer.values is not None:
            return Incumbent(*formulation.choices(answer.values), answer.bound, answer.outcome, answer.message)
        if plan is not None and answer.outcome == "limit":
            # HiGHS did not get as far as to look at its start.
            return Incumbent(plan.client_choice, plan.edge_choice, answer.bound, answer.outcome, answer.message)
        return Incumbent.nothing(scenario, answer)


def relaxation_bounds(scenarios: Scenario) -> Float[np.ndarray, " B"]:
    """Optimum of the strong formulation's linear relaxation for each scenario of a batch: an upper bound on F.

    The value is not the solver's own but that of its multipliers, which bound F whatever their accuracy: with all
    variables in [0, 1], y·upper + Σ max(0, gain − Aᵀy) is a bound for every y >= 0. Where all must be served, it bounds
    the plans that do. ``[B]``
    """
    return np.array([_bound_of(strong_formulation(scenario).relaxation()) for scenario in _each(scenarios)])


def _each(scenarios: Scenario) -> list[Scenario]:
    return [scenarios[instance] for instance in range(scenarios.batch_shape[0])]


def _bound_of(program: MILP) -> float:
    answer = solve_milp(program)
    if answer.outcome == "infeasible":
        return -math.inf
    # Without multipliers, those of 0: a poor bound, but a bound.
    prices = np.zeros(program.row_upper.size) if answer.duals is None else answer.duals
    limits = np.where(prices > 0.0, program.row_upper, program.row_lower)
    limits = np.where(prices == 0.0, 0.0, limits)
    # A multiplier of the wrong sign on a row that is open on that side is the solver's rounding.
    prices = np.where(np.isfinite(limits), prices, 0.0)
    limits = np.where(np.isfinite(limits), limits, 0.0)
    return float(prices @ limits + np.maximum(program.objective - program.matrix.T @ prices, 0.0) @ program.upper)
