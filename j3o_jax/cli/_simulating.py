"""The work of `j3o simulate`."""

import dataclasses
import math
from typing import Any

import numpy as np

from .._scenario import Scenario
from .._solution import Solution
from .._status import Status
from ..io import save
from ..io.tables import UNIT_WORDS
from ..plots import plot_simulation, save_figure
from ..report.simulation import SimulationReport, verdict
from ..report.wording import count, number
from ..simulation import Headroom, Simulation, TraceSummary, Trial, headroom, simulate
from ..simulation._trace_rows import COLUMNS, listed
from ._failures import InputError, WorkError
from ._interrupts import cleaning_up
from ._methods import Choice
from ._output import progress, show, show_json
from ._plans import checked_plan, keep_compiled, read_plan, read_scenario, require_support
from ._tables import named_columns


@dataclasses.dataclass(frozen=True)
class Request:
    """What was asked for on the command line, looked at already."""

    file: str
    plan: str | None
    choice: Choice
    duration: float
    replications: int
    seed: int
    window: float | None
    trace: str | None
    columns: str | None
    time_unit: str | None
    force: bool
    out: str | None
    drop: bool
    headroom: float | None
    picture: str | None


def simulate_file(request: Request, *, json: bool) -> None:
    """Simulate a plan for the scenario in a file, and hand out what was measured."""
    scenario = _scenario(request)
    found = None
    if request.headroom is not None:
        found = _headroom(request, scenario)
        # Where none of them will do, the figures are about the plan as it is without headroom.
        shown = found.chosen or found.trials[0]
        solution, simulation = _for_all_of_the_window(shown), shown.simulation
        if found.chosen is None and request.out is not None:
            raise WorkError(f"{request.file}: {verdict(found)} There is no plan to write to {request.out}")
    else:
        solution = _plan(request, scenario)
        simulation = _simulation(request, scenario, solution)
    if request.out is not None:
        with cleaning_up():
            save(solution, request.out)
    if request.picture is not None:
        figure = plot_simulation(simulation)
        with cleaning_up():
            save_figure(figure, request.picture)
    if json:
        show_json(_content(request, simulation, found))
        return
    source = request.plan if request.plan is not None else request.choice.name
    facts, notes = [], []
    if request.trace is not None and simulation.trace is not None:
        facts.append(("Trace", f"{request.trace}: {_rates(simulation.trace)}"))
        notes = _passed_over(simulation.trace)
    facts += [(word, path) for word, path in (("Plan", request.out), ("Picture", request.picture)) if path]
    show(SimulationReport(simulation, f"Simulation of {request.file} ({source})", facts, found, notes))


def _for_all_of_the_window(trial: Trial) -> Solution:
    """The plan of a trial as one for the whole scenario, for which nothing is proven that was proven for a part."""
    if trial.factor == 1.0:
        return trial.solution
    status = np.where(trial.solution.status == Status.optimal, Status.converged, trial.solution.status)[()]
    return dataclasses.replace(trial.solution, bound=np.float64(math.nan), status=np.int64(status), certificate=None)


def _rates(trace: TraceSummary) -> str:
    """The rate of a trace beside that of the plan, and the unit of its timestamps where that is not plain."""
    unit = UNIT_WORDS.get(trace.time_unit)
    told = "" if trace.time_unit in ("s", "date") else f"; timestamps taken for {unit}"
    return f"{number(trace.rate)} per second, where the deployment expects {number(trace.planned_rate)}{told}"


def _passed_over(trace: TraceSummary) -> list[str]:
    """What a reader should know of requests that no plan serves, or that are not among those simulated."""
    notes = []
    if trace.without_demand:
        many = count(sum(trace.without_demand.values()), "request")
        streams = listed(trace.without_demand)
        notes.append(f"{many} of {trace.requests:,} of streams without demand, which no plan serves: {streams}")
    if trace.unknown:
        many = count(sum(trace.unknown.values()), "request")
        notes.append(f"{many} left out, of clients or tasks that the deployment does not have: {listed(trace.unknown)}")
    return notes


def _scenario(request: Request) -> Scenario:
    scenario = read_scenario(request.file)
    if scenario.batch_shape:
        size = scenario.demand[..., 0, 0].size
        raise InputError(f"{request.file}: holds {size:,} scenarios, and simulate takes one: name a file with one")
    if scenario.batching is None and request.window is None:
        raise InputError(
            f"{request.file}: has no batching windows: give every edge batching_window_s, or say --window SECONDS"
        )
    if scenario.batching is not None and request.window is not None:
        raise InputError(f"--window: {request.file} has batching windows of its own: leave the option out")
    return scenario


def _plan(request: Request, scenario: Scenario) -> Solution:
    if request.plan is not None:
        solution = read_plan(request.plan, scenario, request.file)
        status = Status(int(solution.status)) if not solution.batch_shape else Status.converged
        if not status.success:
            raise InputError(f"{request.plan}: has no plan, {status.name}: name one that has")
        return solution
    method = request.choice.build()
    require_support(method, request.choice.name, scenario, request.file)
    solution = checked_plan(scenario, method, request.choice.name, request.file, request.seed)
    status = Status(int(solution.status))
    if not status.success:
        raise WorkError(f"{request.file}: {status.name}: {solution.reason()}")
    return solution


def _simulation(request: Request, scenario: Scenario, solution: Solution) -> Simulation:
    keep_compiled()
    with progress(f"simulating {request.file} …"):
        try:
            return simulate(
                scenario,
                solution,
                duration=request.duration,
                replications=request.replications,
                seed=request.seed,
                drop=request.drop,
                window=request.window,
                trace=request.trace,
                columns=named_columns(request.columns, COLUMNS),
                time_unit=request.time_unit,
                leave_out=request.force,
                strict=not request.force,
            )
        except ValueError as error:
            raise _refused(request, error) from None


def _headroom(request: Request, scenario: Scenario) -> Headroom:
    assert request.headroom is not None
    method = request.choice.build()
    require_support(method, request.choice.name, scenario, request.file)
    if not method.supports_batching:
        raise InputError(f"--headroom: {request.choice.name} does not know batching windows: choose another --method")
    keep_compiled()
    with progress(f"{request.choice.name}: looking for headroom in {request.file} …"):
        try:
            return headroom(
                scenario,
                method,
                quantile=request.headroom,
                duration=request.duration,
                replications=request.replications,
                seed=request.seed,
                window=request.window,
            )
        except ValueError as error:
            raise _refused(request, error) from None
        except RuntimeError as error:
            raise WorkError(f"{request.file}: {error}") from None


def _refused(request: Request, error: ValueError) -> Exception:
    """A complaint about arguments, with the file that they come from; one about a file has it already."""
    from ..io import FileError

    if isinstance(error, FileError):
        return error
    return InputError(f"{request.plan or request.file}: {str(error).removeprefix('simulate: ')}")


def _content(request: Request, simulation: Simulation, found: Headroom | None) -> dict[str, Any]:
    told = {
        "file": request.file,
        "plan": request.plan,
        "method": None if request.plan is not None else request.choice.name,
        "trace": request.trace,
        "trace_requests": None if simulation.trace is None else _told_of(simulation.trace),
        "written": request.out,
        "picture": request.picture,
        "replications": request.replications,
        "seed": request.seed,
        "drop": request.drop,
        "accuracy": {
            "planned": float(simulation.accuracy_planned),
            "measured": float(simulation.accuracy.mean()),
            "deviation": float(simulation.accuracy.std()),
            "replications": simulation.accuracy.tolist(),
        },
        "requests": float(simulation.arrived.mean()),
        "late": simulation.late_share,
        "dropped": simulation.dropped_share,
        "edges": [_edge(simulation, edge) for edge in range(len(simulation.window))],
        "clients": [
            {
                "client": name,
                "utilisation_planned": float(simulation.utilisation_client_planned[client]),
                "utilisation": float(simulation.utilisation_client[:, client].mean()),
                "overload": float(simulation.overload_client[:, client].mean()),
            }
            for client, name in enumerate(simulation.names.clients)
        ],
    }
    if found is not None:
        told["headroom"] = {
            "quantile": found.quantile,
            "factor": None if found.chosen is None else found.chosen.factor,
            "verdict": verdict(found),
            "trials": [
                {
                    "factor": trial.factor,
                    "accuracy_planned": float(trial.simulation.accuracy_planned),
                    "accuracy": float(trial.simulation.accuracy.mean()),
                    "late": trial.simulation.late_share,
                }
                for trial in found.trials
            ],
        }
    return told


def _told_of(trace: TraceSummary) -> dict[str, Any]:
    def rows(streams: Any) -> list[dict[str, Any]]:
        return [{"client": client, "task": task, "requests": many} for (client, task), many in streams.items()]

    return {
        "requests": trace.requests,
        "seconds": trace.seconds,
        "rate": trace.rate,
        "rate_planned": trace.planned_rate,
        "time_unit": trace.time_unit,
        "without_demand": rows(trace.without_demand),
        "unknown": rows(trace.unknown),
    }


def _edge(simulation: Simulation, edge: int) -> dict[str, Any]:
    late, dropped = simulation.late_share_by_batch, simulation.dropped_share_by_batch
    size, spread = simulation.batch_mean.mean(axis=0), simulation.batch_deviation.mean(axis=0)
    delays = simulation.delay_mean
    tasks = [
        {
            "task": name,
            "requests": float(simulation.requests[:, edge, task].mean()),
            "batch_planned": float(simulation.batch_planned[edge, task]),
            "batch": float(size[edge, task]),
            "batch_deviation": float(spread[edge, task]),
            "delay_s": {
                f"{level:g}": float(delay)
                for level, delay in zip(simulation.percentiles, delays[edge, task], strict=True)
            },
            "late": float(late[edge, task]),
            "dropped": float(dropped[edge, task]),
        }
        for task, name in enumerate(simulation.names.tasks)
    ]
    return {
        "edge": simulation.names.edges[edge],
        "window_s": float(simulation.window[edge]),
        "duration_s": float(simulation.duration[edge]),
        "utilisation_planned": float(simulation.utilisation_edge_planned[edge]),
        "utilisation": float(np.mean(simulation.utilisation_edge[:, edge])),
        "late": float(simulation.late_share_by_edge[edge]),
        "tasks": tasks,
    }
