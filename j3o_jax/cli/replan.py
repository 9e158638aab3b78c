"""`j3o replan`: plans along a trace, period by period, at a cost of moving models."""

import os
from typing import Annotated

import typer

from ..io import FileError, check_readable, write_file
from ..plots import plot_replanning, require_matplotlib, save_figure
from . import _methods, _options
from ._failures import InputError, WorkError, unknown
from ._interrupts import cleaning_up
from ._output import hand_out, plain, progress

_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_ESTIMATORS = ("last", "smoothing", "seasonal")


def replan(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Deployment (.yaml, .json, .npz).")],
    trace: Annotated[
        str, typer.Option(metavar="FILE", help="Requests (CSV): columns timestamp, client, task; by time.")
    ],
    out: Annotated[str, typer.Option(metavar="DIR", help="Folder of the results.")],
    period: Annotated[str, typer.Option(metavar="TIME", help="Length of a period: 15min, 1h, 30s.")] = "15min",
    cost_per_gb: Annotated[
        float,
        typer.Option(metavar="COST", help="What moving 1,000 MB of models costs, in accuracy: 0.001 is 0.1 points."),
    ] = 0.0,
    estimator: Annotated[
        str, typer.Option(metavar="NAME", help=f"Of the next period's demand: {', '.join(_ESTIMATORS)}.")
    ] = "last",
    season: Annotated[str, typer.Option(metavar="TIME", help="Length of a season, for the seasonal estimator.")] = "1d",
    method: Annotated[str, typer.Option(metavar="NAME", help=f"How to plan: {_methods.LISTED}.")] = "price-directed",
    horizon: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="Time for the best plans of all periods together, where these are few; 0s for no horizon.",
        ),
    ] = "1min",
    columns: Annotated[
        str | None,
        typer.Option(metavar="NAME=THEIRS,...", help="Names that the trace has for columns: timestamp=time,task=kind."),
    ] = None,
    time_unit: Annotated[
        str | None, typer.Option(metavar="UNIT", help="Of the trace's timestamps: s, ms, us or ns.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Leave out requests of unknown clients and tasks.")] = False,
    seed: _options.Seed = None,
    json: _options.Json = False,
) -> None:
    """Plan every period of a trace for the demand that is expected, and score the plans on the demand that came.

    Beside it, in the same report: the plan of the mean demand, plans from scratch, plans with the demand known, and
    what no plans of all periods can exceed.
    What is done stays done: the same command goes on where it was stopped.
    """
    seconds, season_seconds = _seconds("--period", period), _seconds("--season", season)
    horizon_seconds = _seconds("--horizon", horizon, least=0.0)
    if estimator not in _ESTIMATORS:
        raise unknown("estimator", estimator, _ESTIMATORS, "--estimator")
    _options.require_cost(cost_per_gb, file)
    _options.require_time_unit(time_unit)
    choice = _methods.choose(method, "--method")
    check_readable(file, "deployment")
    picture = os.path.join(out, "replan.svg")
    _options.prepare_folder(out, [os.path.join(out, "report.md")])
    require_matplotlib()

    from .._previous import MB_PER_GB
    from ..io import inputs_of
    from ..replanning._demand import ESTIMATORS, demand_of_trace
    from ..replanning._folder import Folder
    from ..replanning._run import follow
    from ..report.replanning import ReplanReport, content_of, markdown_of
    from ..simulation._trace_rows import COLUMNS, trace_file
    from ._plans import keep_compiled, read_one_scenario, require_support

    scenario = read_one_scenario(file, "replan")
    built = choice.build()
    require_support(built, choice.name, scenario, file)
    rows = trace_file(trace, scenario.labels, _options.named_columns(columns, COLUMNS), time_unit, force)
    demand = demand_of_trace(rows, seconds)
    if len(demand) < 2:
        raise InputError(f"{trace}: has less than two periods of {period}: name a longer trace or a shorter --period")
    estimates = ESTIMATORS[estimator](demand, scenario.demand, max(round(season_seconds / seconds), 1))
    cost = cost_per_gb / MB_PER_GB
    inputs = {**inputs_of(scenario), "demand": demand, "estimates": estimates}
    inputs |= {"method": built, "cost": cost, "seed": seed}
    keep_compiled()
    with progress(f"{choice.name}: replanning {file} …") as show, cleaning_up(), Folder(out, inputs).locked() as folder:
        try:
            course = follow(
                scenario,
                demand,
                estimates,
                built,
                folder,
                seconds=seconds,
                cost_per_mb=cost,
                horizon_seconds=horizon_seconds,
                key=seed,
                tell=lambda words: show(f"{choice.name}: {words} …"),
            )
        except FileError:
            raise
        except ValueError as error:
            raise WorkError(f"{file}: {error}") from None
        title = f"Replanning of {file} along {trace} ({choice.name})"
        save_figure(plot_replanning(course), picture)
        page = markdown_of(course, title, estimator, "replan.svg")
        write_file(os.path.join(out, "report.md"), lambda file: file.write(page.encode()))
    content = {"file": file, "trace": trace, "method": choice.name, "estimator": estimator, "folder": out}
    content |= content_of(course)
    facts = [("Report", os.path.join(out, "report.md")), ("Picture", picture)]
    hand_out(plain(content), lambda: ReplanReport(course, title, estimator, facts), json=json)


def _seconds(option: str, text: str, least: float = 1e-9) -> float:
    """Read a time such as ``15min``."""
    unit = next((unit for unit in ("min", "s", "h", "d") if text.endswith(unit)), None)
    try:
        value = float(text.removesuffix(unit or ""))
    except ValueError:
        value = -1.0
    if unit is None or not least <= value * _UNITS[unit] < 1e9:
        floor = "above 0" if least else "of at least 0"
        raise InputError(f"{option} {text}: must be a time {floor} with its unit, s, min, h or d, such as 15min")
    return value * _UNITS[unit]
