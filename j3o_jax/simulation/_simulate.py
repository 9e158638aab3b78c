"""simulate(): a plan under random arrivals, or under those of a trace."""

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import jax
import numpy as np

from .._precision import double_precision
from .._scenario import Scenario
from .._solution import Solution
from ..io import FileError
from ..io.tables import UNIT_WORDS
from ._edges import AtClients, AtEdges, Rates, Windows, draw_and_measure, measure
from ._result import Simulation, TraceSummary, ratios
from ._trace import read_trace
from ._trace_rows import trace_file
from ._workload import Workload, with_window, workload_of

_TreeT = TypeVar("_TreeT")

# Delays, in windows, at which the distribution is told: it is at most 2 if nothing is late.
_GRID = np.linspace(0.0, 4.0, 81)
_MOST_WINDOWS = 10_000_000
# What the replications that are simulated together may take, in numbers per window, edge and task: about 250 MB.
_NUMBERS_AT_ONCE = 4_000_000


def simulate(
    scenario: Scenario,
    solution: Solution,
    *,
    duration: float = 60.0,
    replications: int = 20,
    seed: int = 0,
    drop: bool = False,
    window: float | None = None,
    trace: str | os.PathLike[str] | None = None,
    columns: Mapping[str, str] | None = None,
    time_unit: str | None = None,
    leave_out: bool = False,
    strict: bool = False,
    percentiles: Sequence[float] = (50.0, 95.0, 99.0),
    replications_at_once: int | None = None,
) -> Simulation:
    """Let requests arrive, route them by the shares of a plan, and run them in batches at the edges.

    Requests of every stream arrive as a Poisson process of the rate λ_ct of `scenario`, which need not be the rate
    that was planned for. Each goes its way at random, by the shares of the plan. At the end of each of its windows of
    T_b seconds an edge runs one batch for each task, in the order of the tasks, after what is left of earlier windows;
    b requests take ν + (w/β)·b. See ``docs/simulation.md``.

    **Arguments:**

    - `scenario`: one scenario. Its edges have batching windows, or `window` says how long they are.
    - `solution`: a plan for it, whose models fit in the memories. It may exceed the limits that depend on the demand,
      and the simulation shows what comes of that at edges and clients; it knows no uplinks.
    - `duration`: seconds to simulate, rounded to whole windows, at least one. Of no concern with a trace.
    - `replications`: how many independent runs.
    - `seed`: of the draws, in [0, 2³²). A replication depends on it and on its own number, on nothing else.
    - `drop`: whether edges drop the requests of a batch with which it would not end within 2·T_b of the arrival of its
      first: the batch is cut to what fits. What is dropped scores 0. Otherwise everything is answered, however late.
    - `window`: T_b in seconds, for a scenario without batching; set-up times are then 0.
    - `trace`: a CSV file of requests to take in place of Poisson streams: columns timestamp (seconds, or ISO 8601),
      client and task (names, see `Scenario.labels`), in the order of time. Replications then differ in the routes.
      Separators other than commas, decimal commas and gzip are recognised, and timestamps in ms, µs or ns since 1970.
    - `columns`: names of the trace's columns that are others: ``{"timestamp": "time"}``.
    - `time_unit`: of timestamps that are numbers, ``"s"``, ``"ms"``, ``"us"`` or ``"ns"``; None to go by their size.
    - `leave_out`: whether requests of clients and tasks that the scenario does not have are left out and counted, in
      `Simulation.trace`, not refused.
    - `strict`: whether a plan is refused that exceeds any of the scenario's limits, and a trace whose rate differs
      tenfold from the scenario's, as `j3o simulate` does.
    - `percentiles`: of the delays, in percent.
    - `replications_at_once`: how many share the memory; as many as fit into some 250 MB if not given. Figures do not
      depend on it, but for rounding.

    **Returns:** a `Simulation`.

    **Raises:** `ValueError` for a batch, a plan that does not fit the scenario (by name and amount), or arguments out
    of range; `SolveError` for a solution without a plan; `FileError` for a trace that cannot be read.
    """
    scenario = with_window(scenario, window)
    if not 0.0 < duration < math.inf:
        raise ValueError(f"duration: must be a number of seconds above 0, got {duration:g}")
    for name, value in (("replications", replications), ("replications_at_once", replications_at_once)):
        if value is not None and value < 1:
            raise ValueError(f"{name}: must be at least 1, got {value}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed: must be in [0, 2**32), got {seed}")
    shown = np.asarray(percentiles, dtype=np.float64)
    if shown.ndim != 1 or not len(shown) or not ((shown > 0) & (shown < 100)).all():
        raise ValueError(f"percentiles: must be numbers between 0 and 100, got {percentiles!r}")
    work = workload_of(scenario, solution, strict=strict)

    counted = None
    if trace is not None:
        shares = np.stack([solution.local, solution.edge, solution.cloud], axis=-1)
        file = trace_file(trace, scenario.labels, columns, time_unit, leave_out)
        counted = read_trace(file, np.asarray(scenario.demand), shares, work, replications, seed)
        if strict and counted.summary.differs:
            raise FileError(file.path, _difference(counted.summary))
        count = counted.windows
    else:
        # In floating point, 0.3 s are 2.9999 windows of 0.1 s.
        count = np.maximum(np.round(duration / work.window), 1.0)
        if count.max() > _MOST_WINDOWS:
            raise ValueError(
                f"duration: has {count.max():,.0f} windows, more than {_MOST_WINDOWS:,}: take a shorter one"
            )
    runs = (np.arange(int(count.max()))[:, None] < count[None, :]).astype(np.float64)
    size = runs.size * scenario.tasks
    together = replications_at_once or max(_NUMBERS_AT_ONCE // size, 1)
    windows = Windows(work.window, work.setup, work.edge_seconds, runs, _GRID, shown / 100.0)
    with double_precision():
        if counted is None:
            edges, clients = _draw(work, windows, count, replications, min(together, replications), seed, drop)
        else:
            requests = counted.edge
            parts = _chunks(
                lambda numbers: measure(
                    requests[np.minimum(numbers, replications - 1)].astype(np.float64), windows, drop
                ),
                replications,
                min(together, replications),
            )
            edges, clients = parts, counted.clients
    summary = None if counted is None else counted.summary
    return _result(scenario, work, edges, clients, count, shown, drop, summary)


def _difference(trace: TraceSummary) -> str:
    """Describe a trace whose rate is not the scenario's, and what may be wrong with it."""
    times = trace.rate / trace.planned_rate if trace.planned_rate > 0.0 else math.inf
    factor = f"{times:,.3g} times as many" if times >= 1.0 else f"{1.0 / times:,.3g} times fewer"
    said = f"brings {trace.rate:.3g} requests/s where the deployment expects {trace.planned_rate:.3g}, {factor}"
    # By the power of 1,000 that is nearest.
    power = 0 if not 0.0 < times < math.inf else round(-math.log10(times) / 3.0)
    unit = {1: "ms", 2: "us", 3: "ns"}.get(power)
    hint = (
        f"are its timestamps in {UNIT_WORDS[unit]} (--time-unit {unit})? If not"
        if unit
        else "is it of this deployment? If so"
    )
    others = ""
    if trace.without_demand:
        many = sum(trace.without_demand.values())
        others = f"; {many:,} of its {trace.requests:,} requests are of streams without demand"
    return f"{said}{others}: {hint}, --force (strict=False) simulates it all the same"


def _draw(
    work: Workload, windows: Windows, count: np.ndarray, replications: int, together: int, seed: int, drop: bool
) -> tuple[AtEdges, AtClients]:
    home = work.client_edge
    own = work.window[home]
    rates = Rates(
        edge=work.edge_rate * work.window[:, None],
        local=work.local_rate * own[:, None],
        elsewhere=work.elsewhere_rate * (own * count[home])[None, :, None],
        seconds=work.client_seconds,
        window=own,
        runs=windows.runs[:, home],
    )
    key = jax.random.key(seed, impl="threefry2x32")
    return _chunks(lambda numbers: draw_and_measure(key, numbers, windows, rates, drop), replications, together)


def _chunks(run: Callable[[np.ndarray], _TreeT], replications: int, together: int) -> _TreeT:
    """`run` over all replications, `together` at a time; the last chunk is filled up, so that all compile to one."""

    def parts() -> Iterator[_TreeT]:
        for start in range(0, replications, together):
            yield jax.tree.map(np.asarray, run(np.arange(start, start + together)))

    return jax.tree.map(lambda *arrays: np.concatenate(arrays)[:replications], *parts())


def _result(
    scenario: Scenario,
    work: Workload,
    edges: AtEdges,
    clients: AtClients,
    count: np.ndarray,
    percentiles: np.ndarray,
    drop: bool,
    trace: TraceSummary | None,
) -> Simulation:
    """Figures from counts."""
    seconds = count * work.window
    own = seconds[work.client_edge]
    cloud = clients.elsewhere[:, 0]
    arrived = edges.requests.sum(axis=(1, 2)) + clients.local.sum(axis=(1, 2)) + clients.elsewhere.sum(axis=(1, 2, 3))
    scored = (
        np.sum(edges.kept * work.edge_accuracy, axis=(1, 2))
        + np.sum(clients.local * work.local_accuracy, axis=(1, 2))
        + np.sum(cloud * work.cloud_accuracy, axis=(1, 2))
    )
    mean = edges.kept / count[:, None]
    variance = np.maximum(edges.squares / count[:, None] - mean**2, 0.0)
    kept = edges.kept.sum(axis=0)
    return Simulation(
        window=work.window,
        duration=seconds,
        drop=drop,
        accuracy=ratios(scored, arrived, nothing=0.0),
        accuracy_planned=work.accuracy,
        arrived=arrived,
        requests=edges.requests,
        dropped=ratios(edges.requests - edges.kept, edges.requests),
        late=ratios(edges.late, edges.kept),
        utilisation_edge=edges.work / seconds,
        utilisation_edge_planned=work.edge_utilisation,
        utilisation_client=np.sum(clients.local * work.client_seconds, axis=2) / own,
        utilisation_client_planned=work.client_utilisation,
        overload_client=clients.overloaded / count[work.client_edge],
        batch_mean=mean,
        batch_deviation=np.sqrt(variance),
        batch_planned=work.edge_rate * work.window[:, None],
        percentiles=percentiles,
        delay=np.moveaxis(edges.delay, 1, -1),
        grid=_GRID.copy(),
        distribution=np.moveaxis(ratios(edges.distribution.sum(axis=0), kept[None]), 0, -1),
        names=scenario.labels,
        trace=trace,
    )
