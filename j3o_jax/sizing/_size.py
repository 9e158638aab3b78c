"""size(): the cheapest hardware that is good enough, with a proof."""

import contextlib
import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .._scenario import Scenario
from ..methods import AbstractMethod, ExactMILP, PriceDirected
from ._choices import Choice, Options
from ._journal import Journal
from ._result import Sizing, result_of
from ._search import Goal, Search

PLANNER = PriceDirected(gap=2.5e-4, patience=20, max_iterations=128)
"""What plans unless another method is named: `PriceDirected`, ended early, for most plans only rule others out."""

# Accuracies that differ by less are the same to whoever pays for them.
_ALIKE = 1e-6


class Progress(NamedTuple):
    """How far a search is: options that have been planned, that are open, and all that were looked at."""

    plans: int
    open: int
    options: int


def size(
    scenario: Scenario,
    choices: Sequence[Choice],
    *,
    budget: float | None = None,
    target: float | None = None,
    gap: float = 1e-3,
    method: AbstractMethod = PLANNER,
    exact: ExactMILP | None = None,
    batch: int = 32,
    most_plans: int | None = None,
    folder: str | None = None,
    watch: Callable[[Progress], object] | None = None,
    key: Any = None,
) -> Sizing:
    """Find what to buy: the front of price and accuracy over all combinations of the alternatives, with a proof.

    Few combinations need a plan. The certificate of a plan bounds all of them: at its prices the bound is a sum of
    terms of nodes, each found once for each alternative (`node_bounds`), and a proven bound of one combination also
    holds for all that can bear no more. A combination is proven away when its bound is not above what a cheaper one
    has reached by more than the gap. The others are planned in batches, the most promising at each price first.

    **Arguments:**

    - `scenario`: a single one; what no choice is about is as it is here.
    - `choices`: what may be bought.
    - `budget`: most that may be spent. Only the best option within it is searched for, and of those as good as it the
      cheapest; the front is by the way.
    - `target`: accuracy that is enough, from 0 to 1. Only the cheapest option that reaches it is searched for.
      With neither, all of the front.
    - `gap`: relative difference of accuracy that is not worth another plan. `Sizing.gap` says what is left open.
    - `method`: that plans the batches; by default `PriceDirected`, ended early. What comes without a certificate goes
      through `certify`.
    - `exact`: plans in the end what is left open between bounds and plans, one by one, such as ``ExactMILP(gap=0)``.
      Its bounds are the solver's word.
    - `batch`: most options of a round.
    - `most_plans`: the search ends when so many options have been planned. What is open then is told.
    - `folder`: where rounds are kept, so that the same call goes on from there; made where it is not.
    - `watch`: called after every round.
    - `key`: seed of methods that draw at random.

    **Returns:** a `Sizing`. Nothing in it depends on how the search was cut into calls.

    **Raises:** `ValueError` for choices or arguments that are not valid, or more than two million combinations;
    `ViolationError` where a plan fails the independent check; `FileError` for a folder of something else.
    """
    goal = Goal(None if budget is None else float(budget), None if target is None else float(target), float(gap))
    _require_valid(goal, batch, most_plans)
    options = Options(scenario, choices)
    search = Search(options, goal)
    journal = None if folder is None else Journal(folder, options)
    with contextlib.nullcontext() if journal is None else journal.locked():
        for numbers, solution, by_exact in () if journal is None else journal.rounds(search):
            search.learn(numbers, solution, exact=by_exact)
        run = _Run(search, batch, most_plans, key, journal, watch)
        run.to_the_end(method, exact)
        if budget is not None and target is None:
            # Of all that are as good as the best, the cheapest.
            search.ask(dataclasses.replace(goal, target=search.lower.max(initial=-math.inf) * (1.0 - _ALIKE)))
            run.to_the_end(method, exact)
    return result_of(search, goal)


@dataclasses.dataclass(frozen=True)
class _Run:
    """Rounds of a search; arguments as those of `size`."""

    search: Search
    batch: int
    most_plans: int | None
    key: Any
    journal: Journal | None
    watch: Callable[[Progress], object] | None

    def to_the_end(self, method: AbstractMethod, exact: ExactMILP | None) -> None:
        """Plan until nothing is open."""
        self._rounds(method, self.batch, finishing=False)
        if exact is not None:
            # One after the other: the first may settle the next.
            self._rounds(exact, 1, finishing=True)

    def _rounds(self, method: AbstractMethod, most: int, *, finishing: bool) -> None:
        search, by_exact = self.search, isinstance(method, ExactMILP)
        while (left := math.inf if self.most_plans is None else self.most_plans - int(search.planned.sum())) > 0:
            numbers = search.next_round(int(min(most, left)), exact=finishing)
            if not len(numbers):
                return
            solution = search.plan(numbers, method, self.key)
            if self.journal is not None:
                self.journal.add(search, numbers, solution, exact=by_exact)
            search.learn(numbers, solution, exact=by_exact)
            if self.watch is not None:
                open_options = int(search.open(exact=finishing).sum())
                self.watch(Progress(int(search.planned.sum()), open_options, len(search.price)))


def _require_valid(goal: Goal, batch: int, most_plans: int | None) -> None:
    if goal.budget is not None and not 0.0 <= goal.budget < math.inf:
        raise ValueError(f"budget: must be a finite number >= 0, got {goal.budget}")
    if goal.target is not None and not 0.0 < goal.target <= 1.0:
        raise ValueError(f"target: must be an accuracy above 0, up to 1, got {goal.target}")
    if not 0.0 <= goal.gap < math.inf:
        raise ValueError(f"gap: must be a number >= 0, got {goal.gap}")
    for name, number in (("batch", batch), ("most_plans", most_plans)):
        if number is not None and number < 1:
            raise ValueError(f"{name}: must be at least 1, got {number}")
