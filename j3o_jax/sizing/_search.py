"""Search for the front of price and accuracy: plans for few options, bounds for all of them."""

import dataclasses
import math
from typing import Any

import jax
import numpy as np

from .._certificate import Certificate
from .._certify import certify
from .._check import check
from .._solution import Solution
from .._solve import solve
from .._status import Status
from .._violations import ViolationError
from ..methods import AbstractMethod
from ..methods.exact.recover_plan import NOT_FOUND
from ._choices import Options
from ._upper_bounds import UpperBounds

# Options of the first round, spread over the prices: their certificates bound all others.
_FIRST = 8
# Accuracies that differ by no more are the same: what plans may exceed their limits by.
SAME = 1e-9


@dataclasses.dataclass(frozen=True)
class Goal:
    """Question to which the front is searched for the answer.

    **Arguments:**

    - `budget`: options that cost more are not looked at; where there is no target, only the best of the others matters.
    - `target`: accuracy that is enough: only the cheapest option that reaches it matters.
    - `gap`: relative difference of accuracy that is not worth another plan.
    """

    budget: float | None = None
    target: float | None = None
    gap: float = 1e-3

    @property
    def asks(self) -> bool:
        """Whether there is one answer, not a front to choose from."""
        return self.budget is not None or self.target is not None


class Search:
    """State of a search: what is known of each option that no cheaper one can replace.

    - `picks`: numbers of alternatives. ``[N, D]``
    - `price`: by which options are in order. ``[N]``
    - `upper`: proven bound on the accuracy of each, infinite where nothing is known yet. ``[N]``
    - `lower`: accuracy of its plan, −∞ where there is none. ``[N]``
    - `planned`, `exact`: whether a plan was searched for, and by an exact method. ``[N]``
    - `rounds`: numbers of the options that were planned together, and their plans.
    """

    def __init__(self, options: Options, goal: Goal):
        self.options, self.goal = options, goal
        self.bounds = UpperBounds(options)
        kept = [_undominated(options, d) for d in range(len(options.choices))]
        sizes = [len(own) for own in kept]
        numbers = np.unravel_index(np.arange(math.prod(sizes)), sizes)
        picks = np.stack([own[number] for own, number in zip(kept, numbers, strict=True)], axis=1)
        price = options.prices(picks)
        self.dominated = options.count - len(picks)
        affordable = price <= (math.inf if goal.budget is None else goal.budget * (1.0 + SAME))
        self.unaffordable = int((~affordable).sum())
        picks, price = picks[affordable], price[affordable]
        order = np.argsort(price, kind="stable")
        self.picks, self.price = picks[order], price[order]
        self.upper, self.lower = np.full(len(price[order]), math.inf), np.full(len(price[order]), -math.inf)
        self.planned, self.exact = np.zeros((2, len(self.price)), dtype=bool)
        self.rounds: list[tuple[np.ndarray, Solution]] = []
        self._at_most = [options.at_most_as_good(d) for d in range(len(options.choices))]

    def plan(self, numbers: np.ndarray, method: AbstractMethod, key: Any) -> Solution:
        """Find plans for some of the options, with certificates; raises `ViolationError` where one breaks a limit."""
        scenarios = self.options.scenarios(self.picks[numbers])
        solution = solve(scenarios, method, key=key)
        report = check(scenarios, solution)
        wrong = np.flatnonzero(np.asarray(solution.success) & ~np.asarray(report.ok))
        if len(wrong):
            violation = next(found for found in report.violations if found.instance == (int(wrong[0]),))
            option = self.options.named(self.picks[numbers[wrong[0]]])
            raise ViolationError(f"the plan for {option} fails the independent check: {violation}")
        return solution if solution.certified.all() else certify(scenarios, solution)

    def plans_of(self, numbers: np.ndarray) -> Solution | None:
        """Best plans of some of the options, with one batch axis and without figures of runs; None of none."""
        where = {}
        for turn, (own, solution) in enumerate(self.rounds):
            for row, number in enumerate(own):
                if solution.success[row] and solution.objective[row] >= self.lower[number]:
                    where[int(number)] = (turn, row)
        plans = []
        for number in map(int, numbers):
            turn, row = where[number]
            plan = self.rounds[turn][1][[row]]
            plans.append(dataclasses.replace(plan, history=np.reshape(plan.objective, (1, 1)), stats={}, reasons=()))
        return jax.tree.map(lambda *arrays: np.concatenate(arrays), *plans) if plans else None

    def learn(self, numbers: np.ndarray, solution: Solution, *, exact: bool) -> None:
        """Take in the plans of some of the options, and what their certificates say of all.

        Where the method is `exact`, that there is no plan, and a solver's own bound, count as proven.
        """
        self.rounds.append((numbers, solution))
        self.planned[numbers] = True
        self.exact[numbers] |= exact
        success = np.asarray(solution.success)
        value = np.where(success, solution.objective, -math.inf)
        self.lower[numbers] = np.maximum(self.lower[numbers], value)
        bound = np.where(success, solution.bound, math.inf)
        if exact:
            word = np.asarray(solution.stats.get("solver_bound", bound))
            bound = np.where(success, np.fmin(bound, word), bound)
            bound = np.where(_is_infeasible(solution), -math.inf, bound)
        # No plan is worth more than its bound, but for what plans may exceed their limits by.
        bound = np.maximum(bound, value)
        self._lower_bounds(numbers, bound)
        self._bound_open(solution)

    def ask(self, goal: Goal) -> None:
        """Go on with another goal: what is open then is bounded by all that is known."""
        self.goal = goal
        for _, solution in self.rounds:
            self._bound_open(solution)

    def _bound_open(self, solution: Solution) -> None:
        """Bound what is open by the certificates of some plans."""
        proven, still = np.asarray(solution.certified), np.flatnonzero(self.open())
        if proven.any() and len(still):
            certificates: Certificate = jax.tree.map(lambda array: np.asarray(array)[proven], solution.certificate)
            self.upper[still] = np.minimum(self.upper[still], self.bounds.at(certificates, self.picks[still]))

    def _lower_bounds(self, numbers: np.ndarray, bound: np.ndarray) -> None:
        """Take in proven bounds of some options, which also hold for all that can bear no more than these."""
        for number, value in zip(numbers, bound, strict=True):
            pick = self.picks[number]
            no_better = np.ones(len(self.picks), dtype=bool)
            for d, at_most in enumerate(self._at_most):
                no_better &= at_most[:, pick[d]][self.picks[:, d]]
            self.upper[no_better] = np.minimum(self.upper[no_better], value)

    @property
    def reached(self) -> np.ndarray:
        """Best accuracy of a plan for each option's money ``[N]``."""
        return _of_equals(np.maximum.accumulate(self.lower), self.price)

    @property
    def interesting(self) -> np.ndarray:
        """Options that matter and may, as far as is known, be worth more than `reached` by the gap ``[N]``."""
        goal = self.goal
        if goal.target is not None:
            answer = self.answer
            return (self.upper >= goal.target) & (self.price < (math.inf if answer is None else self.price[answer]))
        best = self.lower.max(initial=-math.inf)
        reached = self.reached if goal.budget is None else np.full(len(self.price), best)
        return self.upper > np.where(reached > 0.0, reached * (1.0 + max(goal.gap, SAME)), reached)

    @property
    def answer(self) -> int | None:
        """Number of the cheapest option with a plan that reaches the target; None without a target."""
        if self.goal.target is None:
            return None
        reaching = np.flatnonzero(self.lower >= self.goal.target * (1.0 - SAME))
        return int(reaching[0]) if len(reaching) else None

    def open(self, *, exact: bool = False) -> np.ndarray:
        """Options of interest without a plan, or without an exact one ``[N]``."""
        return self.interesting & ~(self.exact if exact else self.planned)

    def next_round(self, most: int, *, exact: bool = False) -> np.ndarray:
        """Numbers of the options to plan next, the most promising at each price; none where nothing is open."""
        still = np.flatnonzero(self.open(exact=exact))
        if not self.rounds and len(still):
            spread = np.linspace(0, len(still) - 1, min(_FIRST, len(still), most)).round().astype(int)
            return still[np.unique(spread)]
        parts = np.array_split(still, min(most, len(still))) if len(still) else []
        return np.array([part[np.argmax(self.upper[part])] for part in parts], dtype=int)


def _undominated(options: Options, d: int) -> np.ndarray:
    """Alternatives of a choice than which no other one is as cheap and can bear as much."""
    at_most, price = options.at_most_as_good(d), options.choices[d].prices
    count = len(price)
    worse = at_most & (price[:, None] >= price[None])
    # Of equal ones the first stays.
    alike = worse & worse.T
    worse &= ~alike | (np.arange(count)[:, None] > np.arange(count)[None])
    np.fill_diagonal(worse, False)
    return np.flatnonzero(~worse.any(axis=1))


def _of_equals(running: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Give all options of one price the running maximum of the last of them."""
    last = np.searchsorted(price, price, side="right") - 1
    return running[last] if len(running) else running


def _is_infeasible(solution: Solution) -> np.ndarray:
    """For which of a batch an exact method has proven that nothing serves all the load."""
    said = np.asarray(solution.status) == Status.infeasible
    for number in np.flatnonzero(said):
        said[number] = not solution.reason(number).endswith(NOT_FOUND)
    return said
