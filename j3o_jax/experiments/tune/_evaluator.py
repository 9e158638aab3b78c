"""Trying settings on the scenarios of some seeds."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..._certify import certify
from ..._check import check
from ..._scenario import Scenario
from ..._solution import Solution
from ..._solve import solve
from ...named_methods import NamedMethod
from .._points import groups_of
from .._population import Population
from .._statistics import spread_over_seeds
from ._outcome import HeldOut, Score, Trial
from ._slices import Solved, equal_slices, program_of, solve_in_slices, stacked
from ._spec import TuneSpec

# Bounds are proven for as many scenarios at a time.
_MOST_BOUNDS = 1024
# A difference of F below this is rounding.
_ROUNDING = 1e-9


class Batch(NamedTuple):
    """Scenarios of one shape, and the seed of each, int64 ``[n]``."""

    scenarios: Scenario
    seeds: np.ndarray


class Measured(NamedTuple):
    """Measurement of a setting: F of every scenario ``[n]``, 0 where there is no plan, and on the whole."""

    objective: np.ndarray
    score: Score


class Evaluator:
    """Scenarios, drawn when they are first needed, on which settings are tried.

    **Arguments:**

    - `population`: the scenarios.
    - `base`: the method that is solved by for bounds.
    - `gap`: that is asked for; None for none.
    - `checked`: whether the independent checker looks at every plan.
    """

    def __init__(self, population: Population, base: NamedMethod, gap: float | None = None, *, checked: bool = False):
        self.population = population
        self.base = base
        self.gap = gap
        self.checked = checked
        self._warm: set[str] = set()

    @functools.cached_property
    def batches(self) -> list[Batch]:
        """The scenarios, in batches of one shape each."""
        return batches_of(self.population)

    @functools.cached_property
    def seeds(self) -> np.ndarray:
        """Of each scenario, ``[n]``."""
        return np.concatenate([batch.seeds for batch in self.batches])

    @functools.cached_property
    def bound(self) -> np.ndarray:
        """A bound for every scenario, proven by `certify`, ``[n]``."""
        return np.concatenate([self._bound(batch.scenarios) for batch in self.batches])

    def together(self, methods: Sequence[NamedMethod]) -> list[Measured]:
        """Solve every scenario with each of the settings, which differ in their step size alone, in one call."""
        return [self._measured(objective) for objective in self._solve(methods).objective]

    def alone(self, method: NamedMethod) -> Measured:
        """Solve every scenario with one setting, and time it; where something may be compiled, after a first run."""
        program = program_of(method)
        if program not in self._warm:
            self._solve([method])
            self._warm.add(program)
        solved = self._solve([method])
        return self._measured(solved.objective[0], solved.seconds)

    def _solve(self, methods: Sequence[NamedMethod]) -> Solved:
        method = stacked(methods)
        inspect: Callable[[Scenario, Solution], object] | None = confirm if self.checked else None
        parts = [solve_in_slices(batch.scenarios, method, inspect=inspect) for batch in self.batches]
        weights = [batch.seeds.size for batch in self.batches]
        seconds = float(np.average([part.seconds for part in parts], weights=weights))
        return Solved(np.concatenate([part.objective for part in parts], axis=1), seconds)

    def _measured(self, objective: np.ndarray, seconds: float = math.nan) -> Measured:
        found = ~np.isnan(objective)
        reached = math.nan
        if self.gap is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                reached = float(np.mean(found & (self.bound - objective <= self.gap * objective)))
        objective = np.where(found, objective, 0.0)
        return Measured(objective, Score(float(np.mean(objective)), int(np.sum(~found)), seconds, reached))

    def _bound(self, scenarios: Scenario) -> np.ndarray:
        count = scenarios.batch_shape[0]
        method = self.base.build()
        parts = [scenarios[own] for own in equal_slices(count, _MOST_BOUNDS)]
        return np.concatenate([certify(part, solve(part, method)).bound for part in parts])[:count]


def batches_of(population: Population) -> list[Batch]:
    """Every point of the grid with every seed, always in the same order."""
    seeds = np.arange(population.first_seed, population.first_seed + population.seeds, dtype=np.int64)
    batches = []
    for group in groups_of(population):
        points = len(group.points)
        every = np.tile(seeds, points)
        batches.append(Batch(group.sample(np.repeat(np.arange(points), seeds.size), every), every))
    return batches


def confirm(scenarios: Scenario, solution: Solution) -> None:
    """Raise `ViolationError` where a plan of a batch, perhaps with several settings before its axis, breaks a limit."""
    places = np.nonzero(~np.isnan(solution.objective))
    if places[0].size:
        check(scenarios[places[-1]], solution[places]).raise_if_violated()


def compare_held_out(spec: TuneSpec, base: Trial, chosen: Trial) -> HeldOut:
    """Solve the held-out scenarios with both settings, each timed by itself, and check every plan.

    **Raises:** `ViolationError` where a plan breaks a limit.
    """
    evaluator = Evaluator(spec.held_out, spec.base, spec.gap, checked=True)
    before = evaluator.alone(base.method)
    after = before if chosen is base else evaluator.alone(chosen.method)
    difference = after.objective - before.objective
    spread = spread_over_seeds(difference, evaluator.seeds)
    return HeldOut(
        scenarios=difference.size,
        seeds=spread.n,
        base=before.score,
        chosen=after.score,
        difference=spread.mean,
        half_width=spread.half_width(),
        better=int(np.sum(difference > _ROUNDING)),
        worse=int(np.sum(difference < -_ROUNDING)),
    )
