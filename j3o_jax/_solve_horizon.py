"""The whole horizon: all periods planned together, with everything that comes known, and a bound on all its plans."""

import dataclasses
from typing import Any

import numpy as np

from ._check import check
from ._highs import above
from ._model import moved_mb
from ._previous import held_before, with_period_before
from ._replan import costs_of_periods, replan
from ._scenario import Scenario
from ._solution import Moves, Solution
from ._solve_shared import solve_recourse
from ._status import OPTIMAL_GAP, Status
from ._types import Bool, Float, Int
from .methods import ExactMILP
from .methods.horizon.bound import bound_of_horizon
from .methods.horizon.exact import HorizonPlacement, place_over_time


def solve_horizon(
    scenarios: Scenario,
    method: ExactMILP = ExactMILP(),  # noqa: B008 — methods are frozen
    *,
    initial: Solution | None = None,
    cost_per_mb: Any = 0.0,
    start: Solution | None = None,
    throw: bool | None = None,
) -> Solution:
    """Plan all periods of a horizon together, where moving a model costs something and what comes is known.

    Maximised is the mean over the periods of accuracy less the cost of what is moved: what `replan` would reach at best
    if it saw ahead. All periods are one mixed-integer program, for short horizons and few nodes: twelve periods of 30
    clients take HiGHS a minute. For long horizons there is `horizon_bound`.

    **Arguments:**

    - `scenarios`: the only batch axis is time, K periods. ``[K]``
    - `method`: `ExactMILP`. Its gap, time limit and threads are those of the search, and of each of the smaller ones:
      those of `replan`, and for the choices and routing of each period once models are placed.
    - `initial`, `cost_per_mb`: as of `replan`, for one run. ``[]`` or ``[K]``
    - `start`: plans of all periods that are known, where the search begins; those of `replan` by default.
    - `throw`: as of `solve`.

    **Returns:** the plans of all periods. ``stats["horizon_bound"]`` is the same for all: by HiGHS's word no plans have
    a mean of `Solution.objective` above it. `Solution.bound` of a period is NaN: what is best in one period depends on
    the others. Plans are `optimal` where their mean is within 1e-4 of that bound. Where `start` has no plan for some
    period it is returned as it is.

    **Raises:** `ValueError` for scenarios without periods, with further axes, or with a `switching` of their own, and
    as `solve`; `TypeError` for another method.
    """
    if not isinstance(method, ExactMILP):
        raise TypeError(f"solve_horizon: knows ExactMILP(), got {method!r}: `replan` takes any method")
    _require_periods(scenarios, "solve_horizon")
    if start is None:
        start = replan(scenarios, method, initial=initial, cost_per_mb=cost_per_mb)
    elif start.batch_shape != scenarios.batch_shape:
        raise ValueError(
            f"start: has the batch axes {list(start.batch_shape)}, the scenarios {list(scenarios.batch_shape)}"
        )
    plans = start
    if start.success.all():
        costs, held = costs_of_periods(scenarios.batch_shape, initial, cost_per_mb), _held_at_first(scenarios, initial)
        start = _with_moves(start, scenarios, held, costs)
        report = check(with_period_before(scenarios, start, held, costs), start)
        if not report.ok.all():
            raise ValueError(f"start: is no plan of period {int(np.flatnonzero(~report.ok)[0])}: {report}")
        found = place_over_time(method, scenarios, held, costs, start)
        placement = dataclasses.replace(start, client_models=found.client_models, edge_models=found.edge_models)
        plans = _with_moves(_until_last_use(solve_recourse(scenarios, placement, method)), scenarios, held, costs)
        better = plans.success.all() and plans.objective.mean() > start.objective.mean()
        plans = _judged(plans if better else start, found)
    return plans.raise_for_status() if throw else plans


def horizon_bound(scenarios: Scenario, *, initial: Solution | None = None, cost_per_mb: Any = 0.0) -> float:
    """Bound what plans of a horizon are worth: no way to plan its periods, whatever it knows, is better in the mean.

    The mean over the periods of `Solution.objective`, accuracy less the cost of what is moved, of all plans that keep
    their limits; so that what `replan` lacks of it is what a better estimate, or looking ahead, could bring at most.
    It is computed on the device from prices of every period and of holding models over time, at any of which it holds,
    in float64 and rounded up.

    **Arguments:**

    - `scenarios`: the only batch axis is time, K periods; clients have the same edges in all of them. ``[K]``
    - `initial`, `cost_per_mb`: as of `replan`, for one run. ``[]`` or ``[K]``

    **Raises:** `ValueError` for scenarios without periods, with further axes or with a `switching` of their own, where
    clients change edges, and for data that are not valid.
    """
    _require_periods(scenarios, "horizon_bound")
    scenarios.require_valid()
    if (scenarios.client_edge != scenarios.client_edge[:1]).any():
        raise ValueError("horizon_bound: client_edge must be the same in all periods")
    costs = costs_of_periods(scenarios.batch_shape, initial, cost_per_mb)
    return bound_of_horizon(scenarios, _held_at_first(scenarios, initial), costs)


def _require_periods(scenarios: Scenario, name: str) -> None:
    if scenarios.traced:
        raise TypeError(f"{name}: works on the host and cannot be traced by jax.jit or jax.vmap: call it outside")
    shape = scenarios.batch_shape
    if len(shape) != 1 or not shape[0]:
        raise ValueError(f"{name}: wants scenarios whose only batch axis is time, have the batch axes {list(shape)}")
    if scenarios.switching is not None:
        raise ValueError(f"{name}: tells by itself what is held: give scenarios without switching, and `initial`")


def _held_at_first(
    scenarios: Scenario, initial: Solution | None
) -> tuple[Bool[np.ndarray, "C M"], Bool[np.ndarray, "E M"]]:
    """Models that clients and edges hold before the first period: those of a plan, or none."""
    clients, edges, models = scenarios.clients, scenarios.edges, scenarios.models
    if initial is None:
        return np.zeros((clients, models), dtype=bool), np.zeros((edges, models), dtype=bool)
    if initial.batch_shape:
        raise ValueError(f"initial: wants one plan, got the batch axes {list(initial.batch_shape)}")
    return held_before(initial, scenarios.names, clients, edges, models)


def _until_last_use(plans: Solution) -> Solution:
    """Plans of all periods without models that are not used any more before they are dropped."""
    return dataclasses.replace(
        plans,
        client_models=_useful(plans.client_models, plans.client_choice),
        edge_models=_useful(plans.edge_models, plans.edge_choice),
    )


def _useful(models: Bool[np.ndarray, "K V M"], choice: Int[np.ndarray, "K V T"]) -> Bool[np.ndarray, "K V M"]:
    used = (choice[..., None, :] == np.arange(models.shape[-1])[:, None]).any(axis=-1)
    useful = np.zeros_like(models)
    later = np.zeros_like(models[0])
    for period in reversed(range(len(models))):
        later = models[period] & (used[period] | later)
        useful[period] = later
    return useful


def _with_moves(
    plans: Solution, scenarios: Scenario, held: tuple[np.ndarray, np.ndarray], costs: Float[np.ndarray, " K"]
) -> Solution:
    over_time = with_period_before(scenarios, plans, held, costs)
    moved = np.asarray(moved_mb(over_time, plans.client_models, plans.edge_models))
    objective = np.asarray(plans.accuracy) - costs * moved
    moves = Moves(accuracy=plans.accuracy, moved_mb=moved)
    return dataclasses.replace(plans, moves=moves, objective=objective)


def _judged(plans: Solution, found: HorizonPlacement) -> Solution:
    """Plans with the bound of the horizon, and a status that says what they are by it."""
    count, value = len(plans.objective), float(plans.objective.mean())
    bound = above(found.bound, value)
    reasons: tuple[str, ...] = ()
    if found.reason:
        status = Status.numerical_error
        reasons = (f"the program of all periods was not solved: {found.reason}",) * count
    elif bound < value:
        status = Status.numerical_error
        reasons = (f"the plans are worth {value:.9g} in the mean, more than the bound {bound:.9g}: report it",) * count
    elif bound - value <= OPTIMAL_GAP * abs(value):
        status = Status.optimal
    else:
        status = Status.iteration_limit if found.limited else Status.converged
    none = np.full(count, np.nan)
    return dataclasses.replace(
        plans,
        bound=none,
        certificate=None,
        status=np.full(count, int(status)),
        history=plans.objective[:, None],
        stats=dict(plans.stats) | {"horizon_bound": np.full(count, bound)},
        reasons=reasons,
    )
