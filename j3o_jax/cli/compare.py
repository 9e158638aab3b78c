"""`j3o compare`: several methods on one scenario, side by side."""

import dataclasses
from typing import Annotated

import typer

from ..io import check_readable
from ..plots import plot_comparison, save_figure
from . import _methods, _options
from ._failures import WorkError
from ._interrupts import cleaning_up
from ._output import hand_out


def compare(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Deployment (.yaml, .json, .npz).")],
    methods: Annotated[str, typer.Option(metavar="NAME,NAME", help=f"Which methods: {_methods.LISTED}.")] = ",".join(
        _methods.COMPARED
    ),
    time_limit: Annotated[
        float, typer.Option(metavar="SECONDS", help="Longest search of each method.")
    ] = _methods.TIME_LIMIT,
    gap: _options.Gap = None,
    seed: _options.Seed = None,
    plot: Annotated[str | None, _options.picture("Draw them")] = None,
    json: _options.Json = False,
) -> None:
    """Show what several methods reach on the same scenario, side by side."""
    names = [name.strip() for name in methods.split(",")]
    _options.require_seconds("--time-limit", time_limit)
    _options.require_gap(gap)
    choices = [
        dataclasses.replace(_methods.choose(name, "--methods"), time_limit=time_limit, gap=gap) for name in names
    ]
    _options.require_once(names, "method", "--methods")
    check_readable(file, "deployment")
    _options.require_picture_place(plot)

    from ..methods import Auto
    from ..report.comparison import ComparisonReport, content_of
    from ..report.summary import summarize
    from ._plans import checked_plan, read_one_scenario, require_support

    scenario = read_one_scenario(file, "compare")
    built = {choice.name: choice.build() for choice in choices}
    for name, method in built.items():
        require_support(method, name, scenario, file)
    summaries = {
        name: summarize(scenario, checked_plan(scenario, method, name, file, seed)) for name, method in built.items()
    }
    taken = Auto(time_limit=time_limit).taken(scenario)
    in_vain = _methods.ignored(choices)
    content = {
        "file": file,
        "picture": plot,
        "auto": {"chosen": taken.name, "because": taken.because},
        "ignored": in_vain,
        "methods": content_of(summaries),
    }
    if not any(summary.status.success for summary in summaries.values()):
        reason = f"{file}: no method found a plan; {names[0]}: {summaries[names[0]].reason}"
        raise WorkError(reason, {**content, "picture": None})
    if plot is not None:
        figure = plot_comparison(summaries)
        with cleaning_up():
            save_figure(figure, plot)
    lines = [f"auto takes {taken.name} here, since {taken.because}", *in_vain]
    hand_out(content, lambda: ComparisonReport(summaries, f"Methods on {file}", lines), json=json)
