"""solve_shared(): one placement for many scenarios, each with choices and routing of its own."""

import dataclasses
import time
from typing import Any

import jax
import numpy as np

from j3o_kernels.masked_select import select_leading
from j3o_kernels.tolerances import ROUNDING

from ._certificate import but_for_rounding, is_refuted
from ._model import model_costs
from ._precision import double_precision
from ._risk import Risk, SharedObjective
from ._scenario import Scenario
from ._solution import Solution
from ._solve import solve
from ._status import OPTIMAL_GAP, Status
from ._types import AnyArray, Bool
from .methods import J3O, AbstractMethod, ExactMILP, PriceDirected
from .methods.shared_placement.exact import place_exactly
from .methods.shared_placement.found import SharedPlacement
from .methods.shared_placement.recourse import with_placement
from .methods.shared_placement.search import place_by_prices

# What weights may lack of 1, or exceed it by.
_ONE = 1e-9
# What all scenarios have in common, besides the numbers of their nodes, tasks and models.
_COMMON = ("client_edge", "client_model_memory", "edge_model_memory")


def solve_shared(
    scenarios: Scenario,
    weights: Any,
    method: AbstractMethod = PriceDirected(),  # noqa: B008 — methods are frozen
    *,
    cvar: float | None = None,
    cvar_weight: float = 1.0,
    throw: bool | None = None,
) -> Solution:
    """Choose the models that nodes hold in all of many scenarios; choices and routing are each scenario's own.

    The two-stage program of an uncertain demand, or of nodes that may fail: models are placed before it is known which
    scenario comes, queries are routed when it is. Maximised is the mean Σ_s w_s F_s, or the conditional value at risk
    of the F_s: the mean of the worst scenarios, or a mixture of both.

    **Arguments:**

    - `scenarios`: on one leading axis. They differ in demand, accuracies, costs or capacities; clients have the same
      edges, and models the same sizes, in all of them. Where memories differ, what is held fits in every one.
    - `weights`: w ≥ 0, which sum to 1. ``[S]``
    - `method`: `PriceDirected`, whose bound comes with its proof, or `ExactMILP`, the extensive form, for small cases.
      Its time limit and its gap are those of the placement, and of the plans for it.
    - `cvar`: α in (0, 1], the part of the scenarios, by weight, whose mean counts in place of that of all; None for the
      mean of all.
    - `cvar_weight`: γ in [0, 1] of a mixture (1 − γ) Σ_s w_s F_s + γ CVaR_α(F).
    - `throw`: as of `solve`.

    **Returns:** a `Solution` with the scenarios' axis. Models are the same in all its plans, also those that a scenario
    has no use for. `Solution.shared` has the common objective and its bound, `Solution.shared_bound`; the prices of the
    certificate prove that bound, and `Solution.bound` of each scenario alone. A plan is `optimal` where the placement
    is proven to be within 1e-4 of the best.

    **Raises:** `ValueError` for data or arguments that are not valid; `TypeError` for another method.
    """
    if not isinstance(scenarios, Scenario):
        raise TypeError(f"solve_shared wants a Scenario, got {type(scenarios).__name__}")
    if not isinstance(method, PriceDirected | ExactMILP):
        raise TypeError(f"solve_shared: knows PriceDirected() and ExactMILP(), got {method!r}: take one of the two")
    if scenarios.traced:
        raise TypeError("solve_shared: works on the host and cannot be traced by jax.jit or jax.vmap: call it outside")
    if scenarios.switching is not None:
        raise ValueError("solve_shared: knows no cost of moving models: give scenarios without switching")
    risk = _risk_of(scenarios, weights, cvar, cvar_weight)
    start = time.perf_counter()
    flat = scenarios.flattened()
    with double_precision():
        place = place_by_prices if isinstance(method, PriceDirected) else place_exactly
        found = place(method, flat, risk)  # pyright: ignore[reportArgumentType]
    seconds = time.perf_counter() - start
    plans = _recourse(scenarios, found.client_models, found.edge_models, method)
    if found.needed is not None:
        # A choice among fewer models is easier, and sometimes better.
        plans = _better_of_each(plans, _recourse(scenarios, *found.needed, method))
    # Models that no scenario uses are not held.
    held = plans.client_models.any(axis=0, keepdims=True), plans.edge_models.any(axis=0, keepdims=True)
    client_models, edge_models = (
        np.broadcast_to(own, of_plans.shape).copy()
        for own, of_plans in zip(held, (plans.client_models, plans.edge_models), strict=True)
    )
    plans = dataclasses.replace(plans, client_models=client_models, edge_models=edge_models)
    plans = _judged(plans, found, risk, seconds)
    return plans.raise_for_status() if throw else plans


def solve_recourse(
    scenario: Scenario,
    placement: Solution,
    method: AbstractMethod = J3O(),  # noqa: B008 — methods are frozen
    *,
    key: Any = None,
    throw: bool | None = None,
) -> Solution:
    """Choose and route for models that nodes hold already: the best that a placement can do in other scenarios.

    **Arguments:**

    - `scenario`: one, or a batch of them.
    - `placement`: a plan for the same nodes, tasks and models, for one scenario, or with the batch axes of `scenario`.
      Its models are held; its choices and shares mean nothing.
    - `method`, `key`, `throw`: as of `solve`.

    **Returns:** plans that hold these models. A bound would be one for these models alone: it is NaN, and
    ``stats["recourse_bound"]`` has what the method knows.

    **Raises:** `ValueError` for data that are not valid, where the two do not fit together, or where the models do not
    fit in the memory of a node.
    """
    scenario.require_valid()
    models = placement.client_models, placement.edge_models
    wanted = (scenario.clients, scenario.models), (scenario.edges, scenario.models)
    for name, own, shape in zip(("client_models", "edge_models"), models, wanted, strict=True):
        if np.shape(own) not in (shape, scenario.batch_shape + shape):
            raise ValueError(
                f"placement: {name} has shape {list(np.shape(own))}, the scenario wants {list(shape)}, or its batch "
                f"axes {list(scenario.batch_shape)} before that"
            )
    client_models, edge_models = (np.broadcast_to(own, scenario.batch_shape + np.shape(own)[-2:]) for own in models)
    _require_room(scenario, client_models, edge_models)
    plans = _recourse(scenario, client_models, edge_models, method, key=key, throw=throw)
    plans = dataclasses.replace(plans, client_models=client_models.copy(), edge_models=edge_models.copy())
    return jax.tree.map(lambda array: np.asarray(array)[()], plans)


def _risk_of(scenarios: Scenario, weights: Any, cvar: float | None, cvar_weight: float) -> Risk:
    """Objective for valid scenarios and arguments."""
    if len(scenarios.batch_shape) != 1 or not scenarios.batch_shape[0]:
        axes = list(scenarios.batch_shape)
        raise ValueError(f"scenarios: want one leading axis with at least one scenario, have the batch axes {axes}")
    scenarios.require_valid()
    count = scenarios.batch_shape[0]
    try:
        given = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"weights: want {count} numbers, got {weights!r}") from None
    if given.shape != (count,):
        raise ValueError(f"weights: have shape {list(given.shape)}, {count} scenarios want [{count}]")
    wrong = np.flatnonzero(~((given >= 0.0) & np.isfinite(given)))
    if wrong.size:
        raise ValueError(f"weights[{wrong[0]}]: must be a finite number of at least 0, got {given[wrong[0]]}")
    if abs(given.sum() - 1.0) > _ONE:
        raise ValueError(f"weights: must sum to 1, sum to {given.sum():.9g}: divide them by their sum")
    for name in _COMMON:
        array = np.asarray(getattr(scenarios, name))
        other = np.flatnonzero((array != array[:1]).reshape(count, -1).any(axis=1))
        if other.size:
            raise ValueError(f"{name}: must be the same in all scenarios, that of scenario {other[0]} is another")
    if cvar is not None and not 0.0 < cvar <= 1.0:
        raise ValueError(f"cvar: must be in (0, 1], such as 0.1 for the worst tenth, got {cvar}")
    if not 0.0 <= cvar_weight <= 1.0:
        raise ValueError(f"cvar_weight: must be in [0, 1], got {cvar_weight}")
    if cvar is None and cvar_weight != 1.0:
        raise ValueError("cvar_weight: means nothing without cvar: name the part of the worst scenarios")
    tail, part = (1.0, 0.0) if cvar is None else (float(cvar), float(cvar_weight))
    return Risk(given, np.asarray(tail), np.asarray(part))


def _require_room(scenario: Scenario, client_models: np.ndarray, edge_models: np.ndarray) -> None:
    costs = model_costs(scenario)
    tiers = (
        ("client", client_models, costs.client_memory, scenario.client_memory, scenario.labels.clients),
        ("edge", edge_models, costs.edge_memory, scenario.edge_memory, scenario.labels.edges),
    )
    for tier, models, size, memory, names in tiers:
        used = np.where(models, size, 0.0).sum(axis=-1)
        over = np.argwhere(used > memory * (1.0 + ROUNDING))
        if over.size:
            place = tuple(over[0])
            taken = f"{used[place]:.6g} MB of {memory[place]:.6g} MB"
            raise ValueError(f"placement: the models of {tier} {names[place[-1]]!r} take {taken}")


def _recourse(
    scenario: Scenario,
    client_models: Bool[AnyArray, "... C M"],
    edge_models: Bool[AnyArray, "... E M"],
    method: AbstractMethod,
    *,
    key: Any = None,
    throw: bool | None = None,
) -> Solution:
    """Plans that hold some of the given models, without a bound."""
    plans = solve(with_placement(scenario, client_models, edge_models), method, key=key, throw=throw)
    return dataclasses.replace(
        plans,
        bound=np.full(np.shape(plans.bound), np.nan)[()],
        certificate=None,
        stats=dict(plans.stats) | {"recourse_bound": plans.bound},
    )


def _better_of_each(plans: Solution, others: Solution) -> Solution:
    """Plans of a batch, of every scenario the better one of two."""
    mask = np.asarray(others.success & ~(plans.success & (plans.objective >= others.objective)))
    reasons = [list(own.reasons) or [""] * mask.size for own in (plans, others)]
    chosen = tuple(np.where(mask, reasons[1], reasons[0]).tolist())
    first, second = (dataclasses.replace(own, reasons=()) for own in (plans, others))
    width = max(own.history.shape[1] for own in (plans, others))

    def padded(own: Solution) -> Solution:
        missing = width - own.history.shape[1]
        return dataclasses.replace(own, history=np.pad(own.history, [(0, 0), (0, missing)], constant_values=np.nan))

    best = select_leading(mask, padded(second), padded(first))
    return dataclasses.replace(best, reasons=chosen)


def _judged(plans: Solution, found: SharedPlacement, risk: Risk, seconds: float) -> Solution:
    """Plans with their common objective, bounds and status."""
    values, count = np.asarray(plans.objective), len(plans.objective)
    success = plans.success
    value = float(risk.value(values)) if success.all() else np.nan
    bound = found.bound if np.isfinite(found.bound) and not found.reason else np.nan
    bound = float(but_for_rounding(np.asarray(bound), np.asarray(value)))
    reasons = list(plans.reasons) or [""] * count
    status = np.asarray(plans.status).copy()
    status[success] = int(Status.iteration_limit if found.limited else Status.converged)
    own = np.full(count, np.nan) if found.own_bounds is None else but_for_rounding(found.own_bounds, values)
    if is_refuted(np.asarray(bound), np.asarray(value)) or (success & is_refuted(own, values)).any():
        status[success] = int(Status.numerical_error)
        why = (
            f"the plans are worth {value:.9g} together, more than the bound {bound:.9g} that comes with them: report it"
        )
        reasons = [why if ok else reason for ok, reason in zip(success, reasons, strict=True)]
    elif bound - value <= OPTIMAL_GAP * value:
        status[success] = int(Status.optimal)
    if found.reason:
        reasons = [reason or found.reason for reason in reasons]
    success = success & (status != int(Status.numerical_error))
    dual = risk.weights if found.dual_weights is None else found.dual_weights
    spent = {"placement_seconds": seconds / count, **found.stats}
    return dataclasses.replace(
        plans,
        objective=np.where(success, values, np.nan),
        bound=np.where(success, own, np.nan),
        status=status,
        history=np.where(success, values, np.nan)[:, None],
        stats=dict(plans.stats) | {name: np.full(count, number) for name, number in spent.items()},
        reasons=tuple(reasons) if not success.all() else (),
        certificate=found.certificate,
        shared=SharedObjective(risk, np.asarray(value), np.asarray(bound), np.asarray(dual)),
    )
