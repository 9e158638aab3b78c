"""headroom(): how much of its window an edge should be planned to use, so that random arrivals fit too."""

import dataclasses
import math

from .._scenario import Batching, Scenario
from .._solution import Solution
from .._solve import solve
from ..methods import J3O, AbstractMethod
from ._result import Simulation
from ._simulate import simulate
from ._workload import with_window


@dataclasses.dataclass(frozen=True, eq=False)
class Trial:
    """A plan for a part of every edge's window, and how it does with the whole.

    **Arguments:**

    - `factor`: that part, in (0, 1].
    - `solution`: the plan.
    - `simulation`: of the plan with the whole window.
    """

    factor: float
    solution: Solution
    simulation: Simulation

    def keeps(self, quantile: float) -> bool:
        """Whether the share `quantile` of the requests answered at edges had a delay of at most 2·T_b."""
        late = self.simulation.late_share
        return math.isnan(late) or late <= 1.0 - quantile


@dataclasses.dataclass(frozen=True, eq=False)
class Headroom:
    """Result of a search for a capacity factor.

    **Arguments:**

    - `quantile`: share of the requests that was to be in time.
    - `trials`: all the factors tried, from the largest to the smallest.
    - `chosen`: of the trials that keep the quantile the one whose plan is worth most; None if none does. With methods
      that prove optima it has the largest of their factors; heuristics may do better with less.
    """

    quantile: float
    trials: tuple[Trial, ...]
    chosen: Trial | None


def headroom(
    scenario: Scenario,
    method: AbstractMethod = J3O(),  # noqa: B008 — methods are frozen
    *,
    quantile: float = 0.99,
    tolerance: float = 0.01,
    duration: float = 60.0,
    replications: int = 20,
    seed: int = 0,
    window: float | None = None,
) -> Headroom:
    """Find how much of its window every edge should be planned to use.

    (28) holds for average load, so a plan that fills the windows leaves no room for more than that. Planned with a
    factor f, Σ_t (ν + (w/β) λ T_b) ≤ f·T_b, it does. The search halves the interval between the largest factor known
    to keep the quantile and the smallest known not to; each factor is planned and simulated, with the same draws.

    **Arguments:**

    - `scenario`: one scenario, with batching windows or `window`.
    - `method`: which plans.
    - `quantile`: share of all requests answered at edges that shall have a delay of at most 2·T_b, in (0, 1).
    - `tolerance`: the factors between which the search ends differ by at most this.
    - `duration`, `replications`, `seed`, `window`: see `simulate`.

    **Returns:** a `Headroom`. Its factor is found with the same draws as its late share: check it with another seed.

    **Raises:** `ValueError` as `simulate` does; `SolveError` if a factor has no plan, which is possible only where all
    load must be served.
    """
    if not 0.0 < quantile < 1.0:
        raise ValueError(f"quantile: must be between 0 and 1, got {quantile:g}")
    if not 0.0 < tolerance < 1.0:
        raise ValueError(f"tolerance: must be between 0 and 1, got {tolerance:g}")
    scenario = with_window(scenario, window)

    def attempt(factor: float) -> Trial:
        solution = solve(with_factor(scenario, factor), method, key=seed, throw=True)
        found = simulate(scenario, solution, duration=duration, replications=replications, seed=seed)
        return Trial(factor, solution, found)

    trials = [attempt(1.0)]
    low, high = (1.0, 1.0) if trials[0].keeps(quantile) else (0.0, 1.0)
    while high - low > tolerance:
        trials.append(attempt(0.5 * (low + high)))
        low, high = (trials[-1].factor, high) if trials[-1].keeps(quantile) else (low, trials[-1].factor)
    trials.sort(key=lambda trial: -trial.factor)
    # The first of equals has the largest factor.
    keeping = [trial for trial in trials if trial.keeps(quantile)]
    chosen = max(keeping, key=lambda trial: float(trial.solution.objective), default=None)
    return Headroom(quantile, tuple(trials), chosen)


def with_factor(scenario: Scenario, factor: float) -> Scenario:
    """Leave the part `factor` of every edge's window: all that fills it takes 1/`factor` of the time."""
    assert scenario.batching is not None
    batching = Batching(scenario.batching.window, scenario.batching.setup / factor)
    return dataclasses.replace(scenario, batching=batching, edge_compute=scenario.edge_compute * factor)
