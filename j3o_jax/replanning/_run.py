"""Strategies along the periods of a trace, and what their plans were worth under the demand that came."""

import dataclasses
import functools
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from .._model import moved_mb
from .._previous import with_period_before, with_previous
from .._replan import periods, stacked
from .._scenario import Scenario
from .._solution import Solution
from .._solve import solve
from .._solve_horizon import horizon_bound, solve_horizon
from .._status import Status
from ..methods import AbstractMethod, ExactMILP
from ._folder import Folder

STRATEGIES = ("static", "scratch", "replan", "clairvoyant", "horizon")
"""One plan of the mean demand; each period from scratch; at a cost of moving; so with the demand known; and all periods
together, where they are few."""

# Streams of all periods, times models, that are still one program which HiGHS gets somewhere with.
_FEW = 100_000
# So dear that nothing moves: what is left is to route, with the models that are there.
_STAYS = 1e3


@dataclasses.dataclass(frozen=True)
class Course:
    """What came of each strategy in each period; arrays are ``[S, K]``, in the order of `strategies`.

    - `accuracy`: of the demand that came, routed as well as the models that were placed allow.
    - `moved_mb`: moved at the beginning of the period.
    - `bound`: no plan of a period is more accurate, whatever it moves ``[K]``; NaN where the method proves none.
    - `gap`: of the plans of `replan`, by their bounds, given what was held ``[K]``.
    - `seconds`: of planning a period by all strategies together ``[K]``.
    - `rate`, `estimate`: queries/s that came, and that were planned for. ``[K]``
    - `horizon_bound`: no plans of all periods that begin with what is in place are worth more in the mean, whatever
      they know, proven; NaN where nobody asked. `highs_bound`: likewise, by HiGHS's word; NaN where it was not asked.
    - `horizon_optimal`: whether those of `horizon` are within 1e-4 of the best, by HiGHS's word.
    """

    accuracy: np.ndarray
    moved_mb: np.ndarray
    bound: np.ndarray
    gap: np.ndarray
    seconds: np.ndarray
    rate: np.ndarray
    estimate: np.ndarray
    period_seconds: float
    cost_per_mb: float
    horizon_bound: float
    highs_bound: float
    horizon_optimal: bool

    @property
    def strategies(self) -> tuple[str, ...]:
        """Names of the strategies that there are."""
        return STRATEGIES[: len(self.accuracy)]

    @property
    def objective(self) -> np.ndarray:
        """Accuracy less the cost of what was moved ``[S, K]``."""
        return self.accuracy - self.cost_per_mb * self.moved_mb

    @property
    def regret(self) -> np.ndarray:
        """What the clairvoyant strategy has more, in objective ``[S, K]``."""
        return self.objective[STRATEGIES.index("clairvoyant")] - self.objective


def follow(
    scenario: Scenario,
    demand: np.ndarray,
    estimates: np.ndarray,
    method: AbstractMethod,
    folder: Folder,
    *,
    seconds: float,
    cost_per_mb: float,
    horizon_seconds: float = 0.0,
    key: Any = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Course:
    """Plan every period by every strategy, and score the plans on the demand that came.

    What is done is in the folder, and is not done again. The plan for the deployment's own demand is in place at first;
    the one of the mean demand is taken to be.

    **Arguments:**

    - `scenario`: the deployment; `demand`, `estimates`: of each period ``[K, C, T]``, queries/s.
    - `seconds`: of a period. `cost_per_mb`: of moving models.
    - `horizon_seconds`: how long the best plans of all periods together are searched for, if these are few. With 0
      there is no bound on them either.
    - `tell`: hears how far it is.
    """
    count = len(demand)
    # Runs side by side: from scratch, at a cost, at a cost with the demand known, and with it known and at no cost.
    runs = _of_periods(scenario, np.stack([estimates, estimates, demand, demand], axis=1))
    costs = np.broadcast_to(np.array([0.0, 1.0, 1.0, 0.0]) * cost_per_mb, (count, 4))
    bare = dataclasses.replace(scenario, names=None)

    def planned(words: str, expected: np.ndarray) -> Solution:
        tell(words)
        return solve(dataclasses.replace(bare, demand=expected), method, key=key)

    initial = folder.kept("initial", lambda: planned("the plan that is in place", scenario.demand))
    static = folder.kept("static", lambda: planned("the plan of the mean demand", demand.mean(axis=0)))
    plans: list[Solution] = []
    took = np.zeros(count)
    steps = periods(runs, method, initial, costs, key, folder.plans())
    for period in range(count):
        tell(f"period {period + 1:,} of {count:,}")
        start = time.perf_counter()
        plan = next(steps)
        took[period] = time.perf_counter() - start
        plans.append(folder.kept_period(period, plan, took))
    moving = stacked(plans)
    for words, found in (("in place", initial), ("of the mean demand", static), ("of a period", moving)):
        if not np.asarray(found.success).all():
            raise ValueError(f"there is no plan {words}: {found.reason(_first_failure(found))}")

    always = jax.tree.map(lambda array: np.broadcast_to(array, (count, *np.shape(array))), static)
    held = [always, moving[:, 0], moving[:, 1], moving[:, 2]]
    truth = dataclasses.replace(_of_periods(scenario, demand), allow_unserved=True)

    def scored(number: int) -> Solution:
        tell(f"{STRATEGIES[number]}: what came of it")
        return solve(with_previous(truth, held[number], _STAYS), method, key=key)

    names = STRATEGIES[: len(held)]
    scores = [folder.kept(f"score-{name}", functools.partial(scored, number)) for number, name in enumerate(names)]
    moved = [np.zeros(count), *(_moved(truth, own, initial) for own in held[1:])]
    bound, best = float("nan"), None
    if horizon_seconds > 0.0:
        bound, best = _horizon(folder, truth, scores[-1], initial, cost_per_mb, horizon_seconds, tell)
    if best is not None:
        scores.append(best)
        moved.append(np.asarray(best.moved_mb))
    return Course(
        accuracy=np.stack([np.asarray(score.accuracy) for score in scores]),
        moved_mb=np.stack(moved),
        bound=np.asarray(moving.bound)[:, 3],
        gap=np.asarray(moving.gap)[:, 1],
        seconds=folder.seconds(took),
        rate=demand.sum(axis=(1, 2)),
        estimate=estimates.sum(axis=(1, 2)),
        period_seconds=seconds,
        cost_per_mb=cost_per_mb,
        horizon_bound=bound,
        highs_bound=float("nan") if best is None else float(best.stats["horizon_bound"][0]),
        horizon_optimal=best is not None and bool((best.status == int(Status.optimal)).all()),
    )


def _horizon(
    folder: Folder,
    truth: Scenario,
    known: Solution,
    initial: Solution,
    cost_per_mb: float,
    seconds: float,
    tell: Callable[[str], None],
) -> tuple[float, Solution | None]:
    """Bound on all plans of all periods, and the best that are found in some seconds where these are few."""
    ends: dict[str, Any] = {"initial": initial, "cost_per_mb": cost_per_mb}
    tell("a bound on all plans of all periods")
    bound = folder.kept_number("horizon-bound", lambda: horizon_bound(truth, **ends))
    if int(np.count_nonzero(truth.demand)) * truth.models > _FEW:
        return bound, None
    tell(f"the best plans of all periods together, for {seconds:g} s at most")
    exact = ExactMILP(time_limit=seconds)
    return bound, folder.kept(f"horizon-{seconds:g}s", lambda: solve_horizon(truth, exact, **ends, start=known))


def _of_periods(scenario: Scenario, demand: np.ndarray) -> Scenario:
    """Scenario with the demand of each period in front, ``[K, *runs, C, T]``."""
    axes = demand.shape[:-2]
    bare = dataclasses.replace(scenario, names=None)
    several = jax.tree.map(lambda array: np.broadcast_to(array, (*axes, *np.shape(array))), bare)
    return dataclasses.replace(several, demand=demand)


def _moved(truth: Scenario, plans: Solution, initial: Solution) -> np.ndarray:
    """MB of models that each period's plan holds and that of the period before did not ``[K]``."""
    held = initial.client_models, initial.edge_models
    scenarios = with_period_before(truth, plans, held, np.zeros(truth.batch_shape))
    return np.asarray(moved_mb(scenarios, plans.client_models, plans.edge_models))


def _first_failure(plans: Solution) -> tuple[int, ...]:
    return tuple(map(int, np.argwhere(~np.asarray(plans.success))[0])) if plans.batch_shape else ()
