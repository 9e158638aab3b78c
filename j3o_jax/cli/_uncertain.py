"""`j3o solve` for an uncertain demand and edges that may fail: one placement for many scenarios."""

import dataclasses
from typing import Any

import numpy as np

from .._check import check
from .._risk import SharedObjective
from .._scenario import Scenario
from .._solution import Solution
from .._solve import solve
from .._solve_shared import solve_recourse, solve_shared
from .._status import OPTIMAL_GAP, Status
from .._uncertainty import RiskFigures, ScenarioSet, risk_figures, uncertain_scenarios
from ..methods import ExactMILP, PriceDirected
from ..report.uncertainty import UncertaintySummary
from ._failures import InputError, WorkError
from ._options import Uncertainty
from ._output import progress
from ._plans import keep_compiled


def plan_uncertain(
    scenario: Scenario, method: PriceDirected | ExactMILP, name: str, file: str, asked: Uncertainty, seed: int | None
) -> tuple[Solution, UncertaintySummary]:
    """Plan of the scenario itself with the shared placement, and its figures beside those of the plan of the mean.

    **Raises:** `InputError` where edges cannot fail as asked, `WorkError` where there is no plan or one fails a check.
    """
    keep_compiled()
    if asked.edge_failures * scenario.edges > 1.0:
        raise InputError(
            f"--edge-failures {asked.edge_failures:g}: {file} has {scenario.edges} edges, of which one at a time is "
            f"down: give at most {1.0 / scenario.edges:.4g}"
        )
    settings = {"demand_noise": asked.demand_noise, "samples": asked.samples, "edge_failure": asked.edge_failures}
    try:
        planned = uncertain_scenarios(scenario, **settings, seed=seed or 0)
        unseen = uncertain_scenarios(scenario, **settings, seed=seed or 0, unseen=True, every_failure=True)
    except ValueError as error:
        raise InputError(f"{file}: {error}") from None
    count = len(planned.weights)
    with progress(f"{name}: one placement for {count:,} scenarios of {file} …") as show:
        cvar_weight = 1.0 if asked.cvar is None else asked.cvar_weight
        shared = solve_shared(*planned, method, cvar=asked.cvar, cvar_weight=cvar_weight)
        _require_plans(planned.scenarios, shared, name, file)
        show(f"{name}: the plan of the mean of {file} …")
        mean = solve(scenario, method)
        _require_plans(scenario, mean, name, file)
        plan = solve_recourse(scenario, shared[0], method)
        _require_plans(scenario, plan, name, file)
        show(f"{name}: both plans on {len(unseen.weights):,} unseen scenarios of {file} …")
        seen = _figures(planned, mean, method, name, file)
        later = [_figures(unseen, placement, method, name, file) for placement in (shared[0], mean)]
    assert shared.shared is not None
    summary = UncertaintySummary(
        demand_noise=asked.demand_noise,
        samples=asked.samples,
        edge_failures=asked.edge_failures,
        cvar=asked.cvar,
        cvar_weight=cvar_weight if asked.cvar is not None else None,
        scenarios=count,
        unseen_scenarios=len(unseen.weights),
        objective=float(shared.shared.value),
        bound=float(shared.shared.bound),
        gap=shared.shared.gap,
        certified=bool(np.all(shared.certified)),
        planned={"shared": risk_figures(shared.objective, planned.weights), "mean": seen},
        unseen=dict(zip(("shared", "mean"), later, strict=True)),
        nominal={"shared": float(plan.objective), "mean": float(mean.objective)},
    )
    return _with_figures(plan, mean, summary, shared.shared, seed), summary


def _with_figures(
    plan: Solution, mean: Solution, summary: UncertaintySummary, shared: SharedObjective, seed: int | None
) -> Solution:
    """Plan with the bound of the scenario itself, and the figures as a plan file keeps them."""
    figures = {
        "shared_objective": summary.objective,
        "shared_bound": summary.bound,
        "shared_scenarios": summary.scenarios,
        "demand_noise": summary.demand_noise,
        "samples": summary.samples,
        "edge_failures": summary.edge_failures,
        "cvar": float(shared.risk.tail),
        "cvar_weight": float(shared.risk.tail_weight),
        "uncertainty_seed": seed or 0,
        "unseen_scenarios": summary.unseen_scenarios,
        **{f"unseen_{word}": value for word, value in dataclasses.asdict(summary.unseen["shared"]).items()},
        **{f"unseen_{word}_of_mean_plan": value for word, value in dataclasses.asdict(summary.unseen["mean"]).items()},
    }
    gap = float(mean.bound) - float(plan.objective)
    optimal = gap <= OPTIMAL_GAP * float(plan.objective)
    return dataclasses.replace(
        plan,
        bound=mean.bound,
        certificate=mean.certificate,
        status=np.int64(Status.optimal if optimal else Status.converged),
        stats=dict(plan.stats) | {name: np.asarray(value)[()] for name, value in figures.items()},
    )


def _figures(
    drawn: ScenarioSet, placement: Solution, method: PriceDirected | ExactMILP, name: str, file: str
) -> RiskFigures:
    plans = solve_recourse(drawn.scenarios, placement, method)
    _require_plans(drawn.scenarios, plans, name, file)
    return risk_figures(plans.objective, drawn.weights)


def _require_plans(scenarios: Scenario, plans: Solution, name: str, file: str) -> None:
    """Raise `WorkError` where a scenario has no plan, or one that the independent checker refuses."""
    success = np.asarray(plans.success)
    if not success.all():
        first = tuple(map(int, np.argwhere(~success)[0]))
        of = f"{(~success).sum():,} of {success.size:,} scenarios have no plan, the first: " if success.ndim else ""
        status = Status(int(np.asarray(plans.status)[first]))
        details: dict[str, Any] = {"file": file, "status": status.name, "reason": plans.reason(first)}
        raise WorkError(f"{file}: {of}{status.name}: {plans.reason(first)}", details)
    report = check(scenarios, plans)
    if not np.all(report.ok):
        raise WorkError(f"{file}: a plan of {name} fails the independent check: {report.violations[0]}")
