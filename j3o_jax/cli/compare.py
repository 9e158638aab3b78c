"""`j3o compare`: several methods on one scenario."""

from typing import Annotated

import typer

from . import _methods
from ._failures import InputError, WorkError
from ._output import plain, show, show_json
from ._plans import checked_plan, prepare_picture, read_scenario


def compare(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Deployment (.yaml, .json, .npz).")],
    methods: Annotated[
        str, typer.Option(metavar="NAME,NAME", help=f"Which methods, default all: {_methods.LISTED}.")
    ] = ",".join(_methods.METHODS),
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Draw them (.png, .svg, .pdf).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Show what several methods reach on the same scenario, side by side."""
    from ..report.comparison import ComparisonReport, best_objective
    from ..report.summary import summarize

    names = [name.strip() for name in methods.split(",")]
    chosen = {name: _methods.build(name, "--methods") for name in names}
    if len(chosen) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"--methods: {twice!r} is there twice: name each method once")
    if plot is not None:
        prepare_picture(plot)
    scenario = read_scenario(file)
    if scenario.batch_shape:
        size = scenario.demand[..., 0, 0].size
        raise InputError(f"{file}: holds {size:,} scenarios, and compare takes one: name a file with one")
    for name, method in chosen.items():
        _methods.require_support(method, name, scenario, file)
    summaries = {
        name: summarize(scenario, checked_plan(scenario, method, name, file, None)) for name, method in chosen.items()
    }
    best = best_objective(summaries)
    told = {
        "file": file,
        "picture": plot,
        "methods": {
            name: {
                "status": summary.status,
                "reason": summary.reason,
                "objective": summary.objective,
                "loss": summary.loss,
                "behind_best": best - summary.objective,
                "bound": summary.bound,
                "gap": summary.gap,
                "seconds": summary.seconds,
                "traffic": summary.total,
            }
            for name, summary in summaries.items()
        },
    }
    if not any(summary.status.success for summary in summaries.values()):
        reason = f"{file}: no method found a plan; {names[0]}: {summaries[names[0]].reason}"
        raise WorkError(reason, plain({**told, "picture": None}))
    if plot is not None:
        from ..plots import plot_comparison, save_figure

        save_figure(plot_comparison(summaries), plot)
    if json:
        show_json(told)
    else:
        show(ComparisonReport(summaries, f"Methods on {file}"))
