"""Tables of a simulation for a terminal: what was measured beside what was planned."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from ..simulation import Headroom, Simulation, TraceSummary
from .tables import LONGEST_LIST, ROOMY, facts_list, figures, headed, names, notes, plain_table
from .terminal import CLIENTS_ONE_BY_ONE
from .wording import bare_percent, count, number, percent, printable


@dataclasses.dataclass(frozen=True)
class SimulationReport:
    """Simulation as `rich` prints it.

    **Arguments:**

    - `simulation`: the figures.
    - `title`: what was simulated, e.g. the file and where the plan comes from.
    - `facts`: further lines of the headline, as pairs of a word and a text.
    - `headroom`: a search for a capacity factor, if there was one. The figures are those of the plan chosen.
    - `notes`: what a reader should not overlook.
    """

    simulation: Simulation
    title: str
    facts: Sequence[tuple[str, str]] = ()
    headroom: Headroom | None = None
    notes: Sequence[str] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the parts of the report."""
        wide, simulation, headroom = options.max_width >= ROOMY, self.simulation, self.headroom
        chosen = None if headroom is None else headroom.chosen
        factor = [] if chosen is None else [("Factor", f"{chosen.factor:.3g} of every window, chosen below")]
        yield headed(self.title)
        yield facts_list([*_headline(simulation), *factor, *self.facts])
        yield _edges(simulation, wide)
        yield _batches(simulation, wide)
        yield _clients(simulation, wide)
        if headroom is not None:
            yield _headroom(headroom, wide)
            yield Text(verdict(headroom), style="bold")
        yield from notes(self.notes)


def verdict(found: Headroom) -> str:
    """Sum up a search for headroom in one line."""
    wanted = f"{100.0 * found.quantile:.6g} %"
    if found.chosen is None:
        return f"No factor that was tried lets {wanted} of the requests end within 2·T_b."
    if found.chosen.factor == 1.0:
        return f"No headroom is needed: {wanted} of the requests end within 2·T_b as it is."
    late = float(np.nan_to_num(found.chosen.simulation.late_share))
    in_time = f"{100.0 * (1.0 - late):.6g} % of the requests then end within 2·T_b, where {wanted} was asked for"
    return f"Plan with {found.chosen.factor:.3g} of every window: {in_time}."


def _headline(simulation: Simulation) -> Iterator[tuple[str, str | Text]]:
    mean, planned = float(simulation.accuracy.mean()), float(simulation.accuracy_planned)
    spread = float(simulation.accuracy.std())
    yield "Accuracy", Text(f"{mean:.4f} ± {spread:.4f}  (planned {planned:.4f})", style="bold")
    yield "Late", f"{percent(simulation.late_share)} of what edges answered took longer than 2·T_b"
    if simulation.drop:
        yield "Dropped", f"{percent(simulation.dropped_share)} of what arrived at edges"
    seconds, arrived = number(float(simulation.duration.max())), float(simulation.arrived.mean())
    requests = f"{number(arrived)} {'request' if arrived == 1.0 else 'requests'}"
    yield "Run", f"{count(len(simulation.accuracy), 'replication')} of {seconds} s and {requests}"


def _edges(simulation: Simulation, wide: bool) -> Table:
    columns = (*names("Edge"), *figures("T_b, s", "Planned", "Measured", "Late"))
    table = plain_table("Use of the windows, in %", *columns, wide=wide)
    measured, late = simulation.utilisation_edge.mean(axis=0), simulation.late_share_by_edge
    order = np.argsort(-np.nan_to_num(late), kind="stable")
    for edge in sorted(order[:LONGEST_LIST]):
        shares = (simulation.utilisation_edge_planned[edge], measured[edge], late[edge])
        figures_of = (number(float(simulation.window[edge])), *(bare_percent(float(share)) for share in shares))
        table.add_row(Text(printable(simulation.names.edges[edge])), *figures_of)
    _rest(table, len(order) - LONGEST_LIST, "edge", "late")
    return table


def _batches(simulation: Simulation, wide: bool) -> Table:
    percentiles = [f"{level:g} %" for level in simulation.percentiles]
    headers = ("Planned", "Size", *percentiles, "2·T_b", "Late", *(["Dropped"] if simulation.drop else []))
    title = "Batches: requests, delays in ms, shares in %"
    table = plain_table(title, *names("Edge", "Task"), *figures(*headers), wide=wide)
    late, lost = simulation.late_share_by_batch, simulation.dropped_share_by_batch
    size, spread = simulation.batch_mean.mean(axis=0), simulation.batch_deviation.mean(axis=0)
    there = [place for place in np.ndindex(late.shape) if simulation.requests[:, place[0], place[1]].any()]
    shown = sorted(sorted(there, key=lambda place: -np.nan_to_num(late[place]))[: 2 * LONGEST_LIST])
    for edge, task in shown:
        table.add_row(
            Text(printable(simulation.names.edges[edge])),
            Text(printable(simulation.names.tasks[task])),
            number(float(simulation.batch_planned[edge, task])),
            f"{number(float(size[edge, task]))} ± {number(float(spread[edge, task]))}",
            *(number(1000.0 * float(delay)) for delay in simulation.delay_mean[edge, task]),
            number(2000.0 * float(simulation.window[edge])),
            bare_percent(float(late[edge, task])),
            *([bare_percent(float(lost[edge, task]))] if simulation.drop else []),
        )
    _rest(table, len(there) - len(shown), "row", "late")
    return table


def _clients(simulation: Simulation, wide: bool) -> Table:
    columns = (*names("Client"), *figures("Planned", "Measured", "Windows overloaded"))
    table = plain_table("Use of the clients, in %", *columns, wide=wide)
    measured, beyond = simulation.utilisation_client.mean(axis=0), simulation.overload_client.mean(axis=0)
    fullest = np.argsort(-measured, kind="stable")
    shown = fullest if len(fullest) <= CLIENTS_ONE_BY_ONE else fullest[:LONGEST_LIST]
    for client in sorted(shown):
        shares = (simulation.utilisation_client_planned[client], measured[client], beyond[client])
        name = Text(printable(simulation.names.clients[client]))
        table.add_row(name, *(bare_percent(float(share)) for share in shares))
    _rest(table, len(fullest) - len(shown), "client", "used")
    return table


def _headroom(found: Headroom, wide: bool) -> Table:
    headers = ("Part", "Accuracy planned", "measured", "Late, %", "worst edge")
    table = plain_table("Headroom: plans for a part of every window", *figures(*headers), wide=wide)
    for trial in found.trials:
        measured = trial.simulation
        edges = measured.late_share_by_edge
        worst = math.nan if np.isnan(edges).all() else float(np.nanmax(edges))
        reached = (f"{float(measured.accuracy_planned):.4f}", f"{float(measured.accuracy.mean()):.4f}")
        late = (bare_percent(measured.late_share), bare_percent(worst))
        table.add_row(f"{trial.factor:.3g}", *reached, *late, style="bold" if trial is found.chosen else None)
    return table


def _rest(table: Table, size: int, word: str, less: str) -> None:
    if size > 0:
        table.add_row(Text(f"… and {count(size, f'more {word}')}, less {less}", style="dim"))


def content_of(simulation: Simulation) -> dict[str, Any]:
    """Return the figures of a simulation as `j3o simulate --json` prints them."""
    return {
        "accuracy": {
            "planned": float(simulation.accuracy_planned),
            "measured": float(simulation.accuracy.mean()),
            "deviation": float(simulation.accuracy.std()),
            "replications": simulation.accuracy.tolist(),
        },
        "requests": float(simulation.arrived.mean()),
        "late": simulation.late_share,
        "dropped": simulation.dropped_share,
        "edges": [_edge_content(simulation, edge) for edge in range(len(simulation.window))],
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


def _edge_content(simulation: Simulation, edge: int) -> dict[str, Any]:
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


def headroom_content(found: Headroom) -> dict[str, Any]:
    """Return a search for headroom as `j3o simulate --json` prints it."""
    return {
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


def trace_content(trace: TraceSummary) -> dict[str, Any]:
    """Return the requests of a trace as `j3o simulate --json` prints them."""

    def rows(streams: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
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
