"""Plans over time: each period is planned from what the period before has left at the nodes."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from ._previous import with_previous
from ._scenario import Scenario, Switching
from ._solution import Moves, Solution
from ._solve import solve
from ._status import OPTIMAL_GAP, Status
from ._types import Float
from .methods import AbstractMethod, PriceDirected

_DECISIONS = (
    "client_models",
    "edge_models",
    "client_choice",
    "edge_choice",
    "local",
    "edge",
    "cloud",
    "unserved",
)


def replan(
    scenarios: Scenario,
    method: AbstractMethod = PriceDirected(),  # noqa: B008 — methods are frozen
    *,
    initial: Solution | None = None,
    cost_per_mb: Any = 0.0,
    key: Any = None,
) -> Solution:
    """Plan period after period, where moving a model costs something: period k starts from what period k − 1 holds.

    One program serves all periods; what stands on further batch axes, such as seeds, is planned together. Within a
    period nothing of later ones is known.

    - A period whose data are those of the period before keeps its plan: nothing has changed, so nothing moves.
    - Where a period has no plan, nodes hold on to what they had.

    **Arguments:**

    - `scenarios`: the first batch axis is time, K periods; any others are independent runs. ``[K, *runs]``
    - `initial`: the plan in place before the first period, one for all runs or one for each ``[*runs]``. None: nothing
      is held, and the first period is rolled out at no cost.
    - `cost_per_mb`: what a MB that is moved costs, in objective: for all, or with axes ``[*runs]`` or ``[K, *runs]``.
    - `method`, `key`: see `solve`; every period has the same key.

    **Returns:** the plans, with the axes of the scenarios; ``stats["kept"]`` says which were kept as they were. The
    bound, and the certificate, of each is of its own period, given what was held.

    **Raises:** `ValueError` for scenarios without periods, or with a `switching` of their own, and as `solve`.
    """
    shape = scenarios.batch_shape
    if not shape or not shape[0]:
        raise ValueError("replan: wants a batch of scenarios whose first axis is time, got no periods")
    if scenarios.switching is not None:
        raise ValueError("replan: tells by itself what is held: give scenarios without switching, and `initial`")
    if method.grid_shape:
        raise ValueError(f"replan: {type(method).__name__} has a grid of parameters: choose one of them")
    costs = costs_of_periods(shape, initial, cost_per_mb)
    return stacked(list(periods(scenarios, method, initial, costs, key)))


def costs_of_periods(
    shape: tuple[int, ...], initial: Solution | None, cost_per_mb: Any
) -> Float[np.ndarray, " K *runs"]:
    """Cost of moving a MB in every period and run; the first period costs nothing where there is no plan before it."""
    costs = np.array(np.broadcast_to(np.asarray(cost_per_mb, dtype=np.float64), shape))
    wrong = costs[~((costs >= 0.0) & np.isfinite(costs))]
    if wrong.size:
        raise ValueError(f"cost_per_mb: must be a finite number of at least 0, got {wrong[0]:g}")
    if initial is None:
        costs[0] = 0.0
    return costs


def periods(
    scenarios: Scenario,
    method: AbstractMethod,
    initial: Solution | None,
    costs: Float[np.ndarray, " K *runs"],
    key: Any,
    done: Sequence[Solution] = (),
) -> Iterator[Solution]:
    """Yield the plans of `replan`, period after period; those of the first periods that are `done` as they are."""
    before, held = None, initial
    for period in range(scenarios.batch_shape[0]):
        now = scenarios[period]
        if period < len(done):
            plan = done[period]
        else:
            start = _nothing_held(now, costs[0]) if held is None else with_previous(now, held, costs[period])
            plan = solve(start, method, key=key)
            none = np.zeros(now.batch_shape, dtype=bool)[()]
            if before is None:
                plan = dataclasses.replace(plan, stats={**plan.stats, "kept": none})
            else:
                plan = _kept(plan, before, _unchanged(scenarios, period))
        yield plan
        held = _holdings(plan, held)
        before = plan


def _nothing_held(scenario: Scenario, cost: Any) -> Scenario:
    nodes = (*scenario.demand.shape[:-1], scenario.models), (*scenario.edge_memory.shape, scenario.models)
    none = (np.zeros(shape, dtype=bool) for shape in nodes)
    return dataclasses.replace(scenario, switching=Switching(*none, cost_per_mb=cost))


def _unchanged(scenarios: Scenario, period: int) -> np.ndarray:
    """Mark the runs whose data are those of the period before ``[*runs]``."""
    runs = scenarios.batch_shape[1:]
    same = np.ones(runs, dtype=bool)
    for array in scenarios.arrays().values():
        equal = np.asarray(array[period] == array[period - 1])
        same &= equal.reshape((*runs, -1)).all(axis=-1)
    return same


def _pick(where: np.ndarray, one: Any, other: Any) -> Any:
    """Fields of one solution `where` it is said, and of another elsewhere; axes of runs come first."""
    where = np.asarray(where)
    return np.where(where.reshape(where.shape + (1,) * (np.ndim(one) - where.ndim)), one, other)[()]


def _kept(plan: Solution, before: Solution, unchanged: np.ndarray) -> Solution:
    """Plans of a period, those of the period before where nothing has changed and there was one."""
    kept = np.asarray(unchanged & before.success & plan.success)
    own = {name: _pick(kept, getattr(before, name), getattr(plan, name)) for name in _DECISIONS}
    accuracy = _pick(kept, before.accuracy, plan.accuracy)
    moves = Moves(accuracy=accuracy, moved_mb=_pick(kept, np.zeros_like(accuracy), plan.moved_mb))
    objective = _pick(kept, accuracy, plan.objective)
    bound, status = np.asarray(plan.bound), np.asarray(plan.status)
    # No plan is worth more than the bound, and the plan that stays is one.
    bound = np.where(kept & (bound < objective), objective, bound)
    loose = kept & (status == int(Status.optimal)) & (bound - objective > OPTIMAL_GAP * np.abs(objective))
    return dataclasses.replace(
        plan,
        **own,
        moves=moves,
        objective=objective,
        bound=bound[()],
        status=np.where(loose, int(Status.converged), status)[()],
        stats={**plan.stats, "kept": kept[()]},
    )


def _holdings(plan: Solution, held: Solution | None) -> Solution:
    """Plan with what nodes hold, where it is none what they held before."""
    success = np.asarray(plan.success)
    own = {}
    for name in ("client_models", "edge_models"):
        models = getattr(plan, name)
        own[name] = _pick(success, models, np.zeros_like(models) if held is None else getattr(held, name))
    return dataclasses.replace(plan, **own)


def stacked(plans: Sequence[Solution]) -> Solution:
    """Stack the plans of all periods along a new first axis."""
    reasons: tuple[str, ...] = ()
    if any(plan.reasons for plan in plans):
        reasons = tuple(
            reason for plan in plans for reason in plan.reasons or ("",) * int(np.size(np.asarray(plan.status)))
        )
    bare = [dataclasses.replace(plan, reasons=()) for plan in plans]
    return dataclasses.replace(jax.tree.map(lambda *arrays: np.stack(arrays), *bare), reasons=reasons)
