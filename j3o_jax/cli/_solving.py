"""The work of `j3o solve`."""

from typing import Any

import numpy as np

from .._scenario import Scenario
from .._solution import Solution
from ..io import check_writable, save
from ..plots import plot_plan, save_figure
from ..report.batch import BatchReport, BatchSummary, place, summarize_batch
from ..report.summary import summarize
from ..report.terminal import PlanReport
from ._failures import InputError, WorkError
from ._interrupts import cleaning_up
from ._methods import Choice, ignored
from ._output import plain, show, show_json
from ._plans import checked_plan, read_scenario, require_support, taken_by

CHECKED = "every limit kept, checked independently"


def solve_file(file: str, choice: Choice, seed: int | None, *, out: str | None, plot: str | None, json: bool) -> None:
    """Solve what `file` holds, one scenario or a batch, and hand out the plans."""
    method = choice.build()
    scenario = read_scenario(file)
    batch = bool(scenario.batch_shape)
    require_support(method, choice.name, scenario, file)
    if batch and out is not None:
        with cleaning_up():
            check_writable(out, "plan", batch=True)
    if batch and plot is not None:
        size = scenario.demand[..., 0, 0].size
        raise InputError(f"{file}: holds {size:,} scenarios, and --plot draws one plan: leave --plot out")
    taken = taken_by(method, scenario)
    name, because = (choice.name, None) if taken is None else (taken.name, taken.because)
    solution = checked_plan(scenario, method, name, file, seed)
    written = {"plan": out, "picture": plot}
    facts = [("Check", CHECKED), *((word.capitalize(), path) for word, path in written.items() if path)]
    if because is not None:
        facts.insert(0, ("Method", f"auto: {name}, since {because}; --method chooses another"))
    planner = str(np.ravel(solution.stats.get("method", name))[0])
    if planner != name:
        facts.append(("Plan", f"by {planner}, which was better than what {name} had when its time was over"))
    facts += [("Note", note) for note in ignored([choice])]
    told = {"file": file, "method": choice.name, "chosen": name, "because": because, "checked": True, **written}
    told["planned_by"] = planner
    told["ignored"] = ignored([choice])
    if batch:
        _finish_batch(solution, f"Plans for {file} ({name})", facts, told, json)
    else:
        _finish_one(scenario, solution, f"Plan for {file} ({name})", facts, told, json)


def _finish_one(
    scenario: Scenario,
    solution: Solution,
    title: str,
    facts: list[tuple[str, str]],
    told: dict[str, Any],
    json: bool,
) -> None:
    summary = summarize(scenario, solution)
    if not summary.status.success:
        nothing = {"checked": False, "plan": None, "picture": None}
        reason = f"{told['file']}: {summary.status.name}: {summary.reason}"
        raise WorkError(reason, {**told, **plain(summary), **nothing})
    # Files first: a reader that closes the pipe early must not cost the plan.
    _save(solution, told["plan"])
    if told["picture"] is not None:
        figure = plot_plan(scenario, solution)
        with cleaning_up():
            save_figure(figure, told["picture"])
    if json:
        show_json({**told, **plain(summary)})
    else:
        show(PlanReport(summary, title, facts))


def _finish_batch(
    solution: Solution, title: str, facts: list[tuple[str, str]], told: dict[str, Any], json: bool
) -> None:
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
        "certified": summary.certified,
        "seconds": summary.seconds,
        "compile_seconds": summary.compile_seconds,
        "failures": [{"instance": index, "reason": reason} for index, reason in summary.failures.items()],
    }


def _save(solution: Solution, path: str | None) -> None:
    if path is not None:
        with cleaning_up():
            save(solution, path)
