"""What a search for the cheapest hardware has found, and how far it is proven."""

import dataclasses
from typing import NamedTuple

import numpy as np

from .._scenario import Scenario
from .._solution import Solution
from ._choices import Options
from ._search import SAME, Goal, Search


class Counts(NamedTuple):
    """What became of the options; those in the last four lines add up to all of them.

    - `options`: all combinations of alternatives.
    - `plans`: options that a plan was searched for.
    - `dominated`: with an alternative than which another one is no dearer and no worse.
    - `unaffordable`: beyond the budget.
    - `by_bounds`: proven away by bounds, without a plan.
    - `open`: neither planned nor proven away.
    """

    options: int
    plans: int
    dominated: int
    unaffordable: int
    by_bounds: int
    open: int

    @property
    def share_without_plan(self) -> float:
        """Share of all options that were proven away without a plan."""
        return (self.dominated + self.by_bounds) / self.options


@dataclasses.dataclass(frozen=True, eq=False)
class Sizing:
    """Front of price and accuracy: options that are better, by more than the gap, than any that costs no more.

    **Arguments:** (axes: ``F`` points of the front, by price; ``D`` choices; ``N`` options that were looked at)

    - `options`: what may be bought.
    - `goal`: what was asked.
    - `picks`: number of the alternative of each choice. ``[F, D]``
    - `price`, `accuracy`: ``[F]``
    - `bound`: what no option of the same price or less can be worth more than. ``[F]``
    - `cheaper_bound`: what no cheaper option can be worth more than; −∞ where there is none. ``[F]``
    - `solutions`: plans with certificates, with one batch axis; None where there is none. ``[F]``
    - `all_prices`, `all_bounds`, `all_accuracies`: of every option that was looked at; infinite where nothing is known,
      −∞ where there is no plan. ``[N]``
    - `counts`: what became of the options.
    - `exact`: whether bounds are, in part, the word of an exact solver.
    """

    options: Options
    goal: Goal
    picks: np.ndarray
    price: np.ndarray
    accuracy: np.ndarray
    bound: np.ndarray
    cheaper_bound: np.ndarray
    solutions: Solution | None
    all_prices: np.ndarray
    all_bounds: np.ndarray
    all_accuracies: np.ndarray
    counts: Counts
    exact: bool

    @property
    def gap(self) -> np.ndarray:
        """(bound − accuracy) / accuracy: how much better an option of the same price or less may be at most ``[F]``."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.bound <= self.accuracy, 0.0, (self.bound - self.accuracy) / self.accuracy)

    @property
    def proven(self) -> np.ndarray:
        """Whether it is proven that no cheaper option reaches the accuracy of a point ``[F]``."""
        return self.cheaper_bound < self.accuracy

    @property
    def answer(self) -> int | None:
        """Number of the point that answers a budget or a target; None where there is none, or neither was given."""
        if self.goal.target is not None:
            return self.cheapest(self.goal.target)
        return None if self.goal.budget is None else self.best(self.goal.budget)

    @property
    def proven_out_of_reach(self) -> bool:
        """Whether it is proven that no option within the budget reaches the target."""
        return self.goal.target is not None and not bool((self.all_bounds >= self.goal.target).any())

    def best(self, budget: float) -> int | None:
        """Find the best point that costs no more; its number, None where there is none."""
        affordable = np.flatnonzero(self.price <= budget * (1.0 + SAME))
        return int(affordable[-1]) if len(affordable) else None

    def cheapest(self, target: float) -> int | None:
        """Find the cheapest point that is worth as much; its number, None where there is none."""
        reaching = np.flatnonzero(self.accuracy >= target * (1.0 - SAME))
        return int(reaching[0]) if len(reaching) else None

    def scenario(self, point: int) -> Scenario:
        """Scenario of a point of the front."""
        return self.options.scenario_of(self.picks[point])

    def named(self, point: int) -> dict[str, str]:
        """Name of the alternative of each choice at a point of the front."""
        return self.options.named(self.picks[point])


def result_of(search: Search, goal: Goal) -> Sizing:
    """Front of a search for a goal."""
    front = _front(search)
    most = np.maximum.accumulate(np.concatenate([[-np.inf], search.upper]))
    same = np.searchsorted(search.price, search.price[front], side="right")
    cheaper = np.searchsorted(search.price, search.price[front], side="left")
    open_options = int(search.open().sum())
    planned = int(search.planned.sum())
    counts = Counts(
        options=search.options.count,
        plans=planned,
        dominated=search.dominated,
        unaffordable=search.unaffordable,
        by_bounds=len(search.price) - planned - open_options,
        open=open_options,
    )
    return Sizing(
        options=search.options,
        goal=goal,
        picks=search.picks[front],
        price=search.price[front],
        accuracy=search.lower[front],
        bound=most[same],
        cheaper_bound=most[cheaper],
        solutions=search.plans_of(front),
        all_prices=search.price,
        all_bounds=search.upper,
        all_accuracies=search.lower,
        counts=counts,
        exact=bool(search.exact.any()),
    )


def _front(search: Search) -> np.ndarray:
    """Numbers of the options of the front: each better by more than the gap than any that costs no more."""
    front: list[int] = []
    reached = -np.inf
    answer = search.answer
    rising = np.flatnonzero(search.lower >= np.maximum.accumulate(search.lower)) if len(search.lower) else []
    for number in map(int, rising):
        value = search.lower[number]
        if np.isfinite(value) and (value > reached * (1.0 + max(search.goal.gap, SAME)) or number == answer):
            # Of several that cost the same, the last is the best.
            if front and search.price[front[-1]] == search.price[number]:
                front.pop()
            front.append(number)
            reached = value
    return np.array(front, dtype=int)
