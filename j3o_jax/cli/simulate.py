"""`j3o simulate`: a plan under random arrivals, or those of a trace."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Annotated, Any

import typer

import j3o_jax

from ..io import check_readable
from ..plots import plot_simulation, save_figure
from . import _methods, _options
from ._failures import InputError, WorkError
from ._interrupts import cleaning_up
from ._output import hand_out, progress


def simulate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Deployment (.yaml, .json, .npz).")],
    plan: Annotated[
        str | None, typer.Option(metavar="FILE", help="Plan to simulate (.json, .npz); none: make one by --method.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"How to plan, {_methods.DEFAULT} if not given: {_methods.LISTED}."),
    ] = None,
    duration: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="How long requests arrive; 60 if not given.")
    ] = None,
    replications: Annotated[int, typer.Option(min=1, help="How many independent runs.")] = 20,
    seed: Annotated[int, _options.seed("Seed of all that is drawn.")] = 0,
    window: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Batching window, for a deployment that has none.")
    ] = None,
    trace: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Requests from a CSV file: columns timestamp, client, task; by time."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="NAME=THEIRS,...", help="Names that the trace has for columns: timestamp=time,task=kind."),
    ] = None,
    time_unit: Annotated[
        str | None,
        typer.Option(
            metavar="UNIT", help="Of the trace's timestamps: s, ms, us or ns; told by their size if not given."
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Simulate even a plan beyond limits or a trace of another rate; leave out unknown clients and tasks.",
        ),
    ] = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="Cut batches to what ends within two windows; what is dropped scores 0.")
    ] = False,
    headroom: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE", help="Find the part of the windows to plan with, so that this share is in time: 0.99."
        ),
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the plan that was made or chosen (.json, .npz).")
    ] = None,
    plot: Annotated[str | None, _options.picture("Draw it")] = None,
    json: _options.Json = False,
) -> None:
    """Let requests arrive at random, or as in a trace, and measure what becomes of a plan."""
    _options.require_seconds("--duration", duration)
    _options.require_seconds("--window", window)
    if headroom is not None:
        if not 0.0 < headroom < 1.0:
            raise InputError(f"--headroom {headroom:g}: must be a share between 0 and 1, such as 0.99")
        for option, given in (("--plan", plan), ("--trace", trace), ("--drop", drop)):
            if given:
                raise InputError(f"{option}: --headroom plans anew and simulates at the planned rates: leave one out")
    if plan is not None and method is not None:
        raise InputError("--method: --plan brings a plan: leave one of them out")
    if trace is not None and duration is not None:
        raise InputError("--duration: a trace has its own: leave the option out")
    for option, given in (("--columns", columns), ("--time-unit", time_unit)):
        if given is not None and trace is None:
            raise InputError(f"{option}: is about a trace: give one with --trace, or leave the option out")
    if out is not None and plan is not None:
        raise InputError("--out: --plan brings a plan, and none is made: leave one of them out")
    _options.require_time_unit(time_unit)
    choice = _methods.choose(method or _methods.DEFAULT, "--method")
    check_readable(file, "deployment")
    if plan is not None:
        check_readable(plan, "plan")
    _options.require_place(out, file)
    _options.require_picture_place(plot)

    from ..report.simulation import SimulationReport, content_of, headroom_content, trace_content, verdict
    from ..simulation._trace_rows import COLUMNS
    from ._plans import keep_compiled

    scenario = _read(file, window)
    common = {"duration": 60.0 if duration is None else duration, "replications": replications, "seed": seed}
    found = None
    if headroom is not None:
        found = _headroom(file, scenario, choice, quantile=headroom, window=window, **common)
        # Where none of them will do, the figures are about the plan as it is without headroom.
        shown = found.chosen or found.trials[0]
        solution, simulation = _for_all_of_the_window(shown), shown.simulation
        if found.chosen is None and out is not None:
            raise WorkError(f"{file}: {verdict(found)} There is no plan to write to {out}")
    else:
        solution = _read_plan(plan, scenario, file) if plan is not None else _make_plan(choice, scenario, file, seed)
        keep_compiled()
        with progress(f"simulating {file} …"), _naming(plan or file):
            simulation = j3o_jax.simulate(
                scenario,
                solution,
                drop=drop,
                window=window,
                trace=trace,
                columns=_options.named_columns(columns, COLUMNS),
                time_unit=time_unit,
                leave_out=force,
                strict=not force,
                **common,
            )
    if out is not None:
        with cleaning_up():
            j3o_jax.save(solution, out)
    if plot is not None:
        figure = plot_simulation(simulation)
        with cleaning_up():
            save_figure(figure, plot)
    requests = simulation.trace
    content = {
        "file": file,
        "plan": plan,
        "method": None if plan is not None else choice.name,
        "trace": trace,
        "trace_requests": None if requests is None else trace_content(requests),
        "written": out,
        "picture": plot,
        "replications": replications,
        "seed": seed,
        "drop": drop,
        **content_of(simulation),
        **({} if found is None else {"headroom": headroom_content(found)}),
    }
    facts = [] if requests is None else [("Trace", f"{trace}: {_rates(requests)}")]
    facts += [(word, path) for word, path in (("Plan", out), ("Picture", plot)) if path]
    notes = [] if requests is None else _passed_over(requests)
    title = f"Simulation of {file} ({choice.name if plan is None else plan})"
    hand_out(content, lambda: SimulationReport(simulation, title, facts, found, notes), json=json)


def _read(file: str, window: float | None) -> "j3o_jax.Scenario":
    """Load the scenario, whose windows come from the file or from --window, and not from both."""
    from ._plans import read_one_scenario

    scenario = read_one_scenario(file, "simulate")
    if scenario.batching is None and window is None:
        raise InputError(f"{file}: has no batching windows: give every edge batching_window_s, or say --window SECONDS")
    if scenario.batching is not None and window is not None:
        raise InputError(f"--window: {file} has batching windows of its own: leave the option out")
    return scenario


def _read_plan(path: str, scenario: "j3o_jax.Scenario", file: str) -> "j3o_jax.Solution":
    from ._plans import read_plan

    solution = read_plan(path, scenario, file)
    if not solution.batch_shape and not solution.success:
        raise InputError(f"{path}: has no plan, {j3o_jax.Status(int(solution.status)).name}: name one that has")
    return solution


def _make_plan(choice: _methods.Choice, scenario: "j3o_jax.Scenario", file: str, seed: int) -> "j3o_jax.Solution":
    from ._plans import checked_plan, require_support

    method = choice.build()
    require_support(method, choice.name, scenario, file)
    solution = checked_plan(scenario, method, choice.name, file, seed)
    if not solution.success:
        raise WorkError(f"{file}: {j3o_jax.Status(int(solution.status)).name}: {solution.reason()}")
    return solution


def _headroom(file: str, scenario: "j3o_jax.Scenario", choice: _methods.Choice, **arguments: Any) -> "j3o_jax.Headroom":
    from ._plans import keep_compiled, require_support

    method = choice.build()
    require_support(method, choice.name, scenario, file)
    if not method.supports_batching:
        raise InputError(f"--headroom: {choice.name} does not know batching windows: choose another --method")
    keep_compiled()
    with progress(f"{choice.name}: looking for headroom in {file} …"), _naming(file):
        try:
            return j3o_jax.headroom(scenario, method, **arguments)
        except RuntimeError as error:
            raise WorkError(f"{file}: {error}") from None


@contextlib.contextmanager
def _naming(file: str) -> Iterator[None]:
    """Context in which a complaint about arguments names the file that they come from; one about a file has it."""
    try:
        yield
    except ValueError as error:
        if isinstance(error, j3o_jax.FileError):
            raise
        raise InputError(f"{file}: {str(error).removeprefix('simulate: ')}") from None


def _for_all_of_the_window(trial: "j3o_jax.simulation.Trial") -> "j3o_jax.Solution":
    """Make the plan of a trial one for the whole scenario: what was proven for a part is not proven for that."""
    import numpy as np

    if trial.factor == 1.0:
        return trial.solution
    optimal, converged = j3o_jax.Status.optimal, j3o_jax.Status.converged
    status = np.int64(converged if trial.solution.status == optimal else trial.solution.status)
    return dataclasses.replace(trial.solution, bound=np.float64(np.nan), status=status, certificate=None)


def _rates(trace: "j3o_jax.simulation.TraceSummary") -> str:
    """Describe the rate of a trace beside the planned one, and the unit of its timestamps where that is not plain."""
    from ..io.tables import UNIT_WORDS
    from ..report.wording import number

    unit = UNIT_WORDS.get(trace.time_unit)
    told = "" if trace.time_unit in ("s", "date") else f"; timestamps taken for {unit}"
    return f"{number(trace.rate)} per second, where the deployment expects {number(trace.planned_rate)}{told}"


def _passed_over(trace: "j3o_jax.simulation.TraceSummary") -> list[str]:
    """Write notes about requests that no plan serves, or that are not among those simulated."""
    from ..report.wording import count
    from ..simulation._trace_rows import listed

    notes = []
    if trace.without_demand:
        many = count(sum(trace.without_demand.values()), "request")
        streams = listed(trace.without_demand)
        notes.append(f"{many} of {trace.requests:,} of streams without demand, which no plan serves: {streams}")
    if trace.unknown:
        many = count(sum(trace.unknown.values()), "request")
        notes.append(f"{many} left out, of clients or tasks that the deployment does not have: {listed(trace.unknown)}")
    return notes
