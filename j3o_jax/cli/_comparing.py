"""The work of `j3o compare`."""

from collections.abc import Sequence

from ..methods import Auto
from ..plots import plot_comparison, save_figure
from ..report.comparison import ComparisonReport, best_objective
from ..report.summary import summarize
from ._failures import InputError, WorkError
from ._interrupts import cleaning_up
from ._methods import Choice, ignored
from ._output import plain, show, show_json
from ._plans import checked_plan, read_scenario, require_support


def compare_on(file: str, choices: Sequence[Choice], seed: int | None, *, plot: str | None, json: bool) -> None:
    """Solve the scenario in `file` by every one of the methods, and hand out what they reach."""
    scenario = read_scenario(file)
    if scenario.batch_shape:
        size = scenario.demand[..., 0, 0].size
        raise InputError(f"{file}: holds {size:,} scenarios, and compare takes one: name a file with one")
    methods = {choice.name: choice.build() for choice in choices}
    for name, method in methods.items():
        require_support(method, name, scenario, file)
    summaries = {
        name: summarize(scenario, checked_plan(scenario, method, name, file, seed)) for name, method in methods.items()
    }
    taken = Auto(time_limit=choices[0].time_limit).taken(scenario)
    said_in_vain = ignored(choices)
    best = best_objective(summaries)
    told = {
        "file": file,
        "picture": plot,
        "auto": {"chosen": taken.name, "because": taken.because},
        "ignored": said_in_vain,
        "methods": {
            name: {
                "status": summary.status,
                "reason": summary.reason,
                "objective": summary.objective,
                "loss": summary.loss,
                "behind_best": best - summary.objective,
                "bound": summary.bound,
                "gap": summary.gap,
                "certified": summary.certified,
                "seconds": summary.seconds,
                "compile_seconds": summary.compile_seconds,
                "traffic": summary.total,
            }
            for name, summary in summaries.items()
        },
    }
    if not any(summary.status.success for summary in summaries.values()):
        reason = f"{file}: no method found a plan; {choices[0].name}: {summaries[choices[0].name].reason}"
        raise WorkError(reason, plain({**told, "picture": None}))
    if plot is not None:
        figure = plot_comparison(summaries)
        with cleaning_up():
            save_figure(figure, plot)
    if json:
        show_json(told)
    else:
        auto = f"auto takes {taken.name} here, since {taken.because}"
        show(ComparisonReport(summaries, f"Methods on {file}", [auto, *said_in_vain]))
