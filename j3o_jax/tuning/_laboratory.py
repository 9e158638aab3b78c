"""Where settings are tried: the scenarios of some seeds, and what is known of them."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence

import numpy as np

from .._certify import certify
from .._check import check
from .._scenario import Scenario
from .._solution import Solution
from .._solve import solve
from ..named_methods import NamedMethod
from ..sweeps import SweepSpec
from ._measure import Solved, equal_slices, program_of, solve_in_slices, stacked
from ._scenarios import Batch, scenarios_of

# Bounds are proven for as many scenarios at a time.
_MOST_BOUNDS = 1024


@dataclasses.dataclass(frozen=True)
class Measured:
    """What a setting reached on every scenario.

    **Arguments:**

    - `objective`: F, 0 where there is no plan: what serving nothing is worth. ``[n]``
    - `failed`: how many scenarios have no plan.
    - `seconds`: per scenario, in a batch that this setting had to itself, nothing compiled in it; NaN where it was not
      timed.
    - `reached`: part of the scenarios whose plan is within the gap of the proven bound; NaN where no gap is asked for.
    """

    objective: np.ndarray
    failed: int
    seconds: float = math.nan
    reached: float = math.nan

    @property
    def quality(self) -> float:
        """Mean F."""
        return float(np.mean(self.objective))


def seconds_to_gap(seconds: float, reached: float) -> float:
    """Seconds of a batch for each scenario that reached the gap; infinite where none did, NaN where not known.

    **Arguments:** as in `Measured`. What the others took is part of the price.
    """
    return math.inf if reached == 0.0 else seconds / reached


class Laboratory:
    """Scenarios, drawn when they are first needed.

    **Arguments:**

    - `spec`: whose they are; its method is solved for the bounds.
    - `gap`: that is asked for; None for none.
    - `checked`: whether the independent checker looks at every plan.
    """

    def __init__(self, spec: SweepSpec, gap: float | None = None, *, checked: bool = False):
        self.spec = spec
        self.gap = gap
        self.checked = checked
        self._warm: set[str] = set()

    @functools.cached_property
    def batches(self) -> list[Batch]:
        """The scenarios, in batches of one shape each."""
        return scenarios_of(self.spec)

    @functools.cached_property
    def seeds(self) -> np.ndarray:
        """Of each scenario. ``[n]``"""
        return np.concatenate([batch.seeds for batch in self.batches])

    @functools.cached_property
    def bound(self) -> np.ndarray:
        """A bound for every scenario, proven by `certify`. ``[n]``"""
        return np.concatenate([self._bound(batch.scenarios) for batch in self.batches])

    def together(self, methods: Sequence[NamedMethod]) -> list[Measured]:
        """Solve every scenario with each of the settings, which differ in their step size alone, in one call."""
        solved = self._solve(methods)
        return [self._measured(objective) for objective in solved.objective]

    def alone(self, method: NamedMethod) -> Measured:
        """Solve every scenario with one setting, and time it; where something may be compiled, after a first run."""
        program = program_of(method)
        if program not in self._warm:
            self._solve([method])
            self._warm.add(program)
        solved = self._solve([method])
        return dataclasses.replace(self._measured(solved.objective[0]), seconds=solved.seconds)

    def _solve(self, methods: Sequence[NamedMethod]) -> Solved:
        method = stacked(methods)
        inspect: Callable[[Scenario, Solution], object] | None = confirm if self.checked else None
        parts = [solve_in_slices(batch.scenarios, method, inspect=inspect) for batch in self.batches]
        weights = [batch.seeds.size for batch in self.batches]
        seconds = float(np.average([part.seconds for part in parts], weights=weights))
        return Solved(np.concatenate([part.objective for part in parts], axis=1), seconds)

    def _measured(self, objective: np.ndarray) -> Measured:
        found = ~np.isnan(objective)
        reached = math.nan
        if self.gap is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                reached = float(np.mean(found & (self.bound - objective <= self.gap * objective)))
        return Measured(np.where(found, objective, 0.0), int(np.sum(~found)), reached=reached)

    def _bound(self, scenarios: Scenario) -> np.ndarray:
        count = scenarios.batch_shape[0]
        method = self.spec.methods[0].build()
        parts = [scenarios[own] for own in equal_slices(count, _MOST_BOUNDS)]
        return np.concatenate([certify(part, solve(part, method)).bound for part in parts])[:count]


def confirm(scenarios: Scenario, solution: Solution) -> None:
    """Raise `ViolationError` where a plan of a batch, perhaps with several settings before its axis, breaks a limit."""
    places = np.nonzero(~np.isnan(solution.objective))
    if places[0].size:
        check(scenarios[places[-1]], solution[places]).raise_if_violated()
