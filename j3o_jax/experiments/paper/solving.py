"""Solving the paper's runs one scenario at a time: every plan is checked, and the time is kept."""

import dataclasses
import datetime as dt
import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..._check import check
from ..._machine import source_digest, this_machine
from ..._scenario import Scenario
from ..._solution import Solution
from ..._solve import solve
from ..._status import Status
from ...benchmarks import NAMES
from ...methods import AbstractMethod
from .._rows import traffic_of
from .methods import METHODS, WARM_UP_LIMIT, Value
from .placement import decisions_of
from .rows import Row, RunLog
from .runs import Run


class Runner:
    """Solves runs; remembers what this process has compiled, so that no time that it takes has compilation in it."""

    def __init__(self):
        self._warm: set[tuple[object, ...]] = set()
        self._scenario: tuple[tuple[object, ...], Scenario] | None = None

    def solve(self, run: Run) -> Row:
        """Solve a run. What goes wrong in it is told by the row, so that the other runs go on."""
        started = time.perf_counter()
        try:
            scenario = self._scenario_of(run)
            method = build(run.method, run.options)
            self._warm_up(run, scenario)
            started = time.perf_counter()
            solution = solve(scenario, method, key=run.seed)
            seconds = time.perf_counter() - started
            outcome: dict[str, Any] = _outcome(scenario, solution)
        except Exception as error:
            seconds = time.perf_counter() - started
            outcome = {"error": " ".join(f"{type(error).__name__}: {error}".split())}
        return Row(
            **dataclasses.asdict(run),
            key=run.key,
            machine=this_machine(),
            source=source_digest(),
            finished=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            seconds=seconds,
            **outcome,
        )

    def _scenario_of(self, run: Run) -> Scenario:
        """Draw the scenario, unless it is the last one once more: methods that are compared follow each other."""
        name = (run.benchmark, tuple(sorted(run.overrides.items())), run.seed)
        if self._scenario is None or self._scenario[0] != name:
            self._scenario = name, sample(run)
        return self._scenario[1]

    def _warm_up(self, run: Run, scenario: Scenario) -> None:
        shapes = tuple((name, np.shape(array)) for name, array in scenario.arrays().items())
        static = (scenario.allow_unserved, scenario.batching is None)
        place = (run.method, tuple(sorted(run.options.items())), shapes, static)
        if place not in self._warm:
            shorter = {"time_limit": min(run.options["time_limit"], WARM_UP_LIMIT)} if METHODS[run.method].timed else {}
            solve(scenario, build(run.method, {**run.options, **shorter}), key=run.seed)
            self._warm.add(place)


def solve_runs(runs: Iterable[Run], run_log: RunLog, tell: Callable[[Run, int], None]) -> dict[str, Row]:
    """Solve runs one after another, each added to the log at once, and return their rows by key.

    **Arguments:**

    - `tell`: called with each run and 0 before it is solved, and with 1 after it is in the log.
    """
    runner, rows = Runner(), {}
    for run in runs:
        tell(run, 0)
        row = rows[run.key] = runner.solve(run)
        run_log.append(row)
        tell(run, 1)
    return rows


def sample(run: Run) -> Scenario:
    """Draw the scenario of a run."""
    overrides: dict[str, Any] = dict(run.overrides)
    return NAMES[run.benchmark]().sample(run.seed, **overrides)


def build(method: str, options: Mapping[str, Value]) -> AbstractMethod:
    """Make the method of this name in `METHODS`."""
    return METHODS[method].build(**options)


def _outcome(scenario: Scenario, solution: Solution) -> dict[str, Any]:
    """Return what a row says of a solution."""
    status = Status(int(solution.status))
    if not status.success:
        return {"status": status.name, "reason": solution.reason()}
    report = check(scenario, solution)
    if not report.ok:
        return {"error": f"the plan fails the independent check: {report.violations[0]}"}
    # The checker's figure, not the method's own.
    objective = float(report.objective)
    iterations = solution.stats.get("iterations")
    return {
        "status": status.name,
        "objective": objective,
        "loss": 1.0 - objective,
        "bound": _finite(solution.bound),
        "gap": _finite(solution.gap),
        "iterations": None if iterations is None else int(iterations),
        "history": _history(np.asarray(solution.history)),
        "traffic": {way: float(part) for way, part in traffic_of(scenario, solution).items()},
        "decisions": decisions_of(scenario, solution),
    }


def _history(values: np.ndarray) -> list[float | None]:
    """Return the history without the NaN that pad it; a NaN before its end is an iteration without a plan."""
    ended = int(np.max(np.flatnonzero(np.isfinite(values)), initial=-1)) + 1
    return [_finite(value) for value in values[:ended]]


def _finite(value: Any) -> float | None:
    """Return a float that JSON can hold, None for one that is not finite."""
    return float(value) if math.isfinite(value) else None
