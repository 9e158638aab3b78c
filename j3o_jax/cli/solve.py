"""`j3o solve`: a plan for a deployment, or plans for a batch."""

from typing import Annotated, Any

import typer

import j3o_jax

from ..io import check_readable, check_writable
from ..plots import plot_plan, save_figure
from . import _methods, _options
from ._failures import InputError, WorkError
from ._interrupts import cleaning_up
from ._output import hand_out, plain

_CHECKED = "every limit kept, checked independently"


def solve(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Deployment (.yaml, .json) or batch (.npz).")],
    method: Annotated[str, typer.Option(metavar="NAME", help=f"How to plan: {_methods.LISTED}.")] = _methods.AUTO,
    out: _options.PlanFile = None,
    plot: Annotated[str | None, _options.picture("Draw it")] = None,
    json: _options.Json = False,
    seed: _options.Seed = None,
    lp_solver: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"Of the routing LP: {' or '.join(_methods.LP_SOLVERS)}.")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help=f"Longest search for a scenario; {_methods.TIME_LIMIT:g} if not given."),
    ] = None,
    gap: _options.Gap = None,
    previous: _options.Previous = None,
    cost_per_gb: _options.CostPerGB = None,
    demand_noise: Annotated[
        float | None,
        typer.Option(metavar="STD", help="One placement for a demand that varies so much, such as 0.3 for 30 %."),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(metavar="N", help=f"Draws of that demand; {_options.SAMPLES} if not given.")
    ] = None,
    edge_failures: Annotated[
        float | None, typer.Option(metavar="P", help="One placement for every single edge down with this probability.")
    ] = None,
    cvar: Annotated[
        float | None, typer.Option(metavar="PART", help="The mean of the worst part, such as 0.1, in place of all.")
    ] = None,
    cvar_weight: Annotated[
        float | None, typer.Option(metavar="WEIGHT", help="What that counts; the rest is the mean of all.")
    ] = None,
) -> None:
    """Choose the models that every client and edge holds, and where the queries are answered."""
    asked = _options.uncertainty(demand_noise, samples, edge_failures, cvar, cvar_weight)
    choice = _methods.choose(method, "--method", lp_solver=lp_solver, time_limit=time_limit, gap=gap)
    if asked is not None:
        if previous is not None:
            raise InputError(
                "--previous: one placement for many scenarios has no cost of moving: leave one of them out"
            )
        choice = _methods.choose_for_many(choice)
    check_readable(file, "deployment")
    _options.require_cost(cost_per_gb, previous)
    if previous is not None:
        check_readable(previous, "plan")
    _options.require_place(out, file)
    _options.require_picture_place(plot)

    import numpy as np

    from ._plans import (
        checked_plan,
        instances,
        read_one_scenario,
        read_scenario,
        require_support,
        taken_by,
        with_plan_before,
    )

    chosen = choice.build()
    if asked is not None:
        scenario = read_one_scenario(file, "a placement for many scenarios")
        _solve_uncertain(scenario, chosen, choice.name, file, asked, seed, {"plan": out, "picture": plot}, json)
        return
    scenario = with_plan_before(read_scenario(file), previous, cost_per_gb)
    batch = bool(scenario.batch_shape)
    require_support(chosen, choice.name, scenario, file)
    if batch and out is not None:
        with cleaning_up():
            check_writable(out, "plan", batch=True)
    if batch and plot is not None:
        raise InputError(
            f"{file}: holds {instances(scenario):,} scenarios, and --plot draws one plan: leave --plot out"
        )
    taken = taken_by(chosen, scenario)
    name, because = (choice.name, None) if taken is None else (taken.name, taken.because)
    solution = checked_plan(scenario, chosen, name, file, seed)
    written = {"plan": out, "picture": plot}
    facts = [("Check", _CHECKED), *((word.capitalize(), path) for word, path in written.items() if path)]
    if previous is not None:
        facts.insert(0, ("Before", f"{previous}; {cost_per_gb or 0.0:g} of accuracy for 1,000 MB moved"))
    if because is not None:
        facts.insert(0, ("Method", f"auto: {name}, since {because}; --method chooses another"))
    planner = str(np.ravel(solution.stats.get("method", name))[0])
    if planner != name:
        facts.append(("Plan", f"by {planner}, which was better than what {name} had when its time was over"))
    in_vain = _methods.ignored([choice])
    facts += [("Note", note) for note in in_vain]
    content = {"file": file, "method": choice.name, "chosen": name, "because": because, "checked": True, **written}
    content |= {"planned_by": planner, "ignored": in_vain}
    if previous is not None:
        content |= {"previous": previous, "cost_per_gb": cost_per_gb or 0.0}
    if batch:
        _finish_batch(solution, f"Plans for {file} ({name})", facts, content, json)
    else:
        _finish_one(scenario, solution, f"Plan for {file} ({name})", facts, content, json)


def _solve_uncertain(
    scenario: "j3o_jax.Scenario",
    method: Any,
    name: str,
    file: str,
    asked: _options.Uncertainty,
    seed: int | None,
    written: dict[str, Any],
    json: bool,
) -> None:
    """Plan for many scenarios: the plan of the scenario itself, and what its placement is worth in the others."""
    from ._uncertain import plan_uncertain

    solution, figures = plan_uncertain(scenario, method, name, file, asked, seed)
    facts = [("Check", _CHECKED), *((word.capitalize(), path) for word, path in written.items() if path)]
    content = {"file": file, "method": name, "checked": True, "uncertainty": plain(figures), **written}
    _finish_one(scenario, solution, f"Plan for {file} ({name})", facts, content, json, figures)


def _finish_one(
    scenario: "j3o_jax.Scenario",
    solution: "j3o_jax.Solution",
    title: str,
    facts: list[tuple[str, str]],
    content: dict[str, Any],
    json: bool,
    besides: Any = None,
) -> None:
    from rich.console import Group

    from ..report.summary import summarize
    from ..report.terminal import PlanReport

    solution = j3o_jax.shadow_prices(scenario, solution)
    summary = summarize(scenario, solution)
    if not summary.status.success:
        nothing = {"checked": False, "plan": None, "picture": None}
        reason = f"{content['file']}: {summary.status.name}: {summary.reason}"
        raise WorkError(reason, {**content, **plain(summary), **nothing})
    # Files first: a reader that closes the pipe early must not cost the plan.
    _save(solution, content["plan"])
    if content["picture"] is not None:
        figure = plot_plan(scenario, solution)
        with cleaning_up():
            save_figure(figure, content["picture"])

    def report() -> Any:
        own = PlanReport(summary, title, facts)
        return own if besides is None else Group(own, besides)

    hand_out({**content, **plain(summary)}, report, json=json)


def _finish_batch(
    solution: "j3o_jax.Solution",
    title: str,
    facts: list[tuple[str, str]],
    content: dict[str, Any],
    json: bool,
) -> None:
    from ..report.batch import BatchReport, content_of, place, summarize_batch

    summary = summarize_batch(solution)
    _save(solution, content["plan"])
    failure = None
    if summary.failures:
        index, reason = next(iter(summary.failures.items()))
        counted = f"{len(summary.failures):,} of {summary.instances:,} instances have no plan"
        failure = f"{content['file']}: {counted}; instance {place(index)}: {reason}"
    hand_out({**content, **content_of(summary)}, lambda: BatchReport(summary, title, facts), json=json, failure=failure)


def _save(solution: "j3o_jax.Solution", path: str | None) -> None:
    if path is not None:
        with cleaning_up():
            j3o_jax.save(solution, path)
