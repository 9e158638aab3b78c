"""Tables of a simulation for a terminal: what was measured beside what was planned."""

from collections.abc import Iterator, Sequence

import numpy as np
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from ..simulation import Headroom, Simulation
from .terminal import CLIENTS_ONE_BY_ONE, LONGEST_LIST, plain_table
from .wording import bare_percent, count, number, percent, printable

# From this width on the columns can stand apart.
ROOMY = 100


class SimulationReport:
    """What `rich` prints for a simulation.

    **Arguments:**

    - `simulation`: the figures.
    - `title`: what was simulated, e.g. the file and where the plan comes from.
    - `facts`: further lines of the headline, as pairs of a word and a text.
    - `headroom`: a search for a capacity factor, if there was one. The figures are those of the plan chosen.
    - `notes`: what a reader should not overlook.
    """

    def __init__(
        self,
        simulation: Simulation,
        title: str,
        facts: Sequence[tuple[str, str]] = (),
        headroom: Headroom | None = None,
        notes: Sequence[str] = (),
    ):
        self.simulation = simulation
        self.title = title
        self.facts = facts
        self.headroom = headroom
        self.notes = notes

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the parts of the report."""
        wide = options.max_width >= ROOMY
        yield Text(printable(self.title), style="bold")
        facts = list(self.facts)
        if self.headroom is not None and self.headroom.chosen is not None:
            facts.insert(0, ("Factor", f"{self.headroom.chosen.factor:.3g} of every window, chosen below"))
        yield _headline(self.simulation, facts)
        yield _edges(self.simulation, wide)
        yield _batches(self.simulation, wide)
        yield _clients(self.simulation, wide)
        if self.headroom is not None:
            yield _headroom(self.headroom, wide)
            yield Text(verdict(self.headroom), style="bold")
        if self.notes:
            yield ""
        for note in self.notes:
            yield Text(f"Note: {printable(note)}.", style="yellow")


def verdict(found: Headroom) -> str:
    """What a search for headroom comes to, in one line."""
    wanted = f"{100.0 * found.quantile:.6g} %"
    if found.chosen is None:
        return f"No factor that was tried lets {wanted} of the requests end within 2·T_b."
    if found.chosen.factor == 1.0:
        return f"No headroom is needed: {wanted} of the requests end within 2·T_b as it is."
    late = float(np.nan_to_num(found.chosen.simulation.late_share))
    in_time = f"{100.0 * (1.0 - late):.6g} % of the requests then end within 2·T_b, where {wanted} was asked for"
    return f"Plan with {found.chosen.factor:.3g} of every window: {in_time}."


def _headline(simulation: Simulation, facts: Sequence[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    mean, planned = float(simulation.accuracy.mean()), float(simulation.accuracy_planned)
    spread = float(simulation.accuracy.std())
    grid.add_row("Accuracy", Text(f"{mean:.4f} ± {spread:.4f}  (planned {planned:.4f})", style="bold"))
    grid.add_row("Late", f"{percent(simulation.late_share)} of what edges answered took longer than 2·T_b")
    if simulation.drop:
        grid.add_row("Dropped", f"{percent(simulation.dropped_share)} of what arrived at edges")
    seconds = number(float(simulation.duration.max()))
    mean_arrived = float(simulation.arrived.mean())
    requests = f"{number(mean_arrived)} {'request' if mean_arrived == 1.0 else 'requests'}"
    grid.add_row("Run", f"{count(len(simulation.accuracy), 'replication')} of {seconds} s and {requests}")
    for word, text in facts:
        grid.add_row(word, Text(printable(text)))
    return grid


def _edges(simulation: Simulation, wide: bool) -> Table:
    table = plain_table("Use of the windows, in %", wide)
    table.add_column("Edge", overflow="fold")
    for word in ("T_b, s", "Planned", "Measured", "Late"):
        table.add_column(word, justify="right", no_wrap=True)
    measured, late = simulation.utilisation_edge.mean(axis=0), simulation.late_share_by_edge
    order = np.argsort(-np.nan_to_num(late), kind="stable")
    for edge in sorted(order[:LONGEST_LIST]):
        table.add_row(
            Text(printable(simulation.names.edges[edge])),
            number(float(simulation.window[edge])),
            bare_percent(float(simulation.utilisation_edge_planned[edge])),
            bare_percent(float(measured[edge])),
            bare_percent(float(late[edge])),
        )
    _rest(table, len(order), "edge")
    return table


def _batches(simulation: Simulation, wide: bool) -> Table:
    table = plain_table("Batches: requests, delays in ms, shares in %", wide)
    table.add_column("Edge", overflow="fold")
    table.add_column("Task", overflow="fold")
    percentiles = [f"{level:g} %" for level in simulation.percentiles]
    dropped = ["Dropped"] if simulation.drop else []
    for word in ("Planned", "Size", *percentiles, "2·T_b", "Late", *dropped):
        table.add_column(word, justify="right", no_wrap=True)
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
    if len(there) > len(shown):
        table.add_row(Text(f"… and {count(len(there) - len(shown), 'more row')}, less late", style="dim"))
    return table


def _clients(simulation: Simulation, wide: bool) -> Table:
    table = plain_table("Use of the clients, in %", wide)
    table.add_column("Client", overflow="fold")
    for word in ("Planned", "Measured", "Windows overloaded"):
        table.add_column(word, justify="right", no_wrap=True)
    measured, beyond = simulation.utilisation_client.mean(axis=0), simulation.overload_client.mean(axis=0)
    fullest = np.argsort(-measured, kind="stable")
    shown = fullest if len(fullest) <= CLIENTS_ONE_BY_ONE else fullest[:LONGEST_LIST]
    for client in sorted(shown):
        table.add_row(
            Text(printable(simulation.names.clients[client])),
            bare_percent(float(simulation.utilisation_client_planned[client])),
            bare_percent(float(measured[client])),
            bare_percent(float(beyond[client])),
        )
    if len(shown) < len(fullest):
        table.add_row(Text(f"… and {count(len(fullest) - len(shown), 'more client')}, less used", style="dim"))
    return table


def _headroom(found: Headroom, wide: bool) -> Table:
    table = plain_table("Headroom: plans for a part of every window", wide)
    for word in ("Part", "Accuracy planned", "measured", "Late, %", "worst edge"):
        table.add_column(word, justify="right", no_wrap=True)
    for trial in found.trials:
        measured = trial.simulation
        edges = measured.late_share_by_edge
        worst = float(np.nanmax(edges)) if not np.isnan(edges).all() else float("nan")
        chosen = trial is found.chosen
        table.add_row(
            f"{trial.factor:.3g}",
            f"{float(measured.accuracy_planned):.4f}",
            f"{float(measured.accuracy.mean()):.4f}",
            bare_percent(measured.late_share),
            bare_percent(worst),
            style="bold" if chosen else None,
        )
    return table


def _rest(table: Table, size: int, word: str) -> None:
    if size > LONGEST_LIST:
        table.add_row(Text(f"… and {count(size - LONGEST_LIST, f'more {word}')}, less late", style="dim"))
