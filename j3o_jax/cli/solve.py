"""`j3o solve`: a plan for a file."""

from typing import Annotated, Any

import typer

from .._scenario import Scenario
from .._solution import Solution
from ..report.batch import BatchSummary
from . import _methods
from ._failures import InputError, WorkError
from ._output import plain, show, show_json
from ._plans import checked_plan, prepare_picture, read_scenario, refuse_same

CHECKED = "every limit kept, checked independently"


def solve(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Deployment (.yaml, .json) or batch (.npz).")],
    method: Annotated[str, typer.Option(metavar="NAME", help=f"How to plan: {_methods.LISTED}.")] = _methods.DEFAULT,
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Write the plan (.json, .npz).")] = None,
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Draw it (.png, .svg, .pdf).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Seed of methods that draw at random.")] = None,
    lp_solver: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"Of the routing LP: {' or '.join(_methods.LP_SOLVERS)}.")
    ] = None,
) -> None:
    """Choose the models that every client and edge holds, and where the queries are answered."""
    chosen = _methods.build(method, "--method", lp_solver)
    if plot is not None:
        prepare_picture(plot)
    scenario = read_scenario(file)
    batch = bool(scenario.batch_shape)
    _methods.require_support(chosen, method, scenario, file)
    if out is not None:
        from ..io import check_writable

        check_writable(out, Solution, batch=batch)
        refuse_same(file, out, "--out")
    if batch and plot is not None:
        size = scenario.demand[..., 0, 0].size
        raise InputError(f"{file}: holds {size:,} scenarios, and --plot draws one plan: leave --plot out")
    solution = checked_plan(scenario, chosen, method, file, seed)
    written = {"plan": out, "picture": plot}
    facts = [("Check", CHECKED), *((word.capitalize(), path) for word, path in written.items() if path)]
    told = {"file": file, "method": method, "checked": True, **written}
    if batch:
        _finish_batch(solution, f"Plans for {file} ({method})", facts, told, json)
    else:
        _finish_one(scenario, solution, f"Plan for {file} ({method})", facts, told, json)


def _finish_one(
    scenario: Scenario,
    solution: Solution,
    title: str,
    facts: list[tuple[str, str]],
    told: dict[str, Any],
    json: bool,
) -> None:
    from ..report.summary import summarize
    from ..report.terminal import PlanReport

    summary = summarize(scenario, solution)
    if not summary.status.success:
        nothing = {"checked": False, "plan": None, "picture": None}
        reason = f"{told['file']}: {summary.status.name}: {summary.reason}"
        raise WorkError(reason, {**told, **plain(summary), **nothing})
    # Files first: a reader that closes the pipe early must not cost the plan.
    _save(solution, told["plan"])
    if told["picture"] is not None:
        from ..plots import plot_plan, save_figure

        save_figure(plot_plan(scenario, solution), told["picture"])
    if json:
        show_json({**told, **plain(summary)})
    else:
        show(PlanReport(summary, title, facts))


def _finish_batch(
    solution: Solution, title: str, facts: list[tuple[str, str]], told: dict[str, Any], json: bool
) -> None:
    from ..report.batch import BatchReport, place, summarize_batch

    summary = summarize_batch(solution)
    _save(solution, told["plan"])
    content = {**told, **_batch_content(summary)}
    failure = None
    if summary.failures:
        index, reason = next(iter(summary.failures.items()))
        counted = f"{len(summary.failures):,} of {summary.instances:,} instances have no plan"
        failure = WorkError(f"{told['file']}: {counted}; instance {place(index)}: {reason}", content)
    if not json:
        show(BatchReport(summary, title, facts))
    elif failure is None:
        show_json(content)
    if failure is not None:
        raise failure


def _batch_content(summary: BatchSummary) -> dict[str, Any]:
    return {
        "instances": summary.instances,
        "statuses": dict(summary.statuses),
        "objective": {
            "mean": summary.mean,
            "deviation": summary.deviation,
            "lowest": summary.lowest,
            "median": summary.median,
            "highest": summary.highest,
        },
        "worst": summary.worst,
        "best": summary.best,
        "gap": summary.gap,
        "seconds": summary.seconds,
        "failures": [{"instance": index, "reason": reason} for index, reason in summary.failures.items()],
    }


def _save(solution: Solution, path: str | None) -> None:
    if path is not None:
        from ..io import save

        save(solution, path)
