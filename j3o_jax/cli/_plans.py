"""From a file to a checked plan: what the commands have in common."""

import contextlib
from collections.abc import Iterator

import numpy as np

from .._check import check
from .._compilation_cache import cache_compilations
from .._levels import Level
from .._previous import MB_PER_GB, with_previous
from .._programs import Compilation, telling_compilations
from .._scenario import Scenario
from .._solution import Solution
from .._solve import solve
from ..io import load, load_with_doubts
from ..methods import AbstractMethod, Auto, Taken
from ._failures import InputError, WorkError
from ._output import progress, warn

# Seconds to compile a program on two cores, by level; whoever waits is told.
_COMPILES_IN: dict[Level, int] = {"light": 3, "full": 7}


def read_scenario(file: str) -> Scenario:
    """Load a scenario, or a batch of them and look at every entry: those of one are looked at as it is made."""
    scenario, doubts = load_with_doubts(file)
    for doubt in doubts:
        warn(doubt)
    if scenario.batch_shape:
        try:
            scenario.require_valid()
        except ValueError as error:
            raise InputError(f"{file}: {error}") from None
    return scenario


def read_one_scenario(file: str, command: str) -> Scenario:
    """Load the scenario for a command that takes no batch."""
    scenario = read_scenario(file)
    if scenario.batch_shape:
        raise InputError(
            f"{file}: holds {instances(scenario):,} scenarios, and {command} takes one: name a file with one"
        )
    return scenario


def instances(scenario: Scenario) -> int:
    """Count the scenarios in a batch."""
    return scenario.demand[..., 0, 0].size


def read_plan(path: str, scenario: Scenario, file: str) -> Solution:
    """Load a plan, or a batch of them, for the scenario in `file`: the names that it has must be the same."""
    solution = load(path, want=Solution)
    for word in ("tasks", "models", "clients", "edges") if solution.names is not None else ():
        if getattr(solution.labels, word) != getattr(scenario.labels, word):
            raise InputError(f"{path}: has other {word} than {file}: name a plan for it")
    return solution


def with_plan_before(scenario: Scenario, previous: str | None, cost_per_gb: float | None) -> Scenario:
    """Make what the plan in a file holds cost nothing, and other models so much for 1,000 MB, where a file is named."""
    if previous is None:
        return scenario
    before = load(previous, want=Solution)
    try:
        return with_previous(scenario, before, (cost_per_gb or 0.0) / MB_PER_GB)
    except ValueError as error:
        why = str(error).removeprefix("previous: ")
        raise InputError(f"--previous {previous}: {why}: name a plan for this deployment") from None


def require_support(method: AbstractMethod, name: str, scenario: Scenario, file: str) -> None:
    """Refuse a method that does not know one of the scenario's limits."""
    if scenario.batching is not None and not method.supports_batching:
        raise InputError(f"{file}: has batching windows, which {name} does not know: choose another --method")


def taken_by(method: AbstractMethod, scenario: Scenario) -> Taken | None:
    """Ask a method that chooses another one what it takes; None for the others."""
    return method.taken(scenario) if isinstance(method, Auto) else None


def keep_compiled() -> None:
    """Compile once per kind of work, not once per command."""
    # Without a place to keep them, commands are slower and nothing else.
    with contextlib.suppress(OSError):
        cache_compilations()


def checked_plan(scenario: Scenario, method: AbstractMethod, name: str, file: str, seed: int | None) -> Solution:
    """Solve, and have the independent checker confirm every plan that came out."""
    keep_compiled()
    solving = f"{name}: solving {file} …"
    sizes = " × ".join(map(str, (scenario.clients, scenario.edges, scenario.tasks, scenario.models)))
    with progress(solving) as show:

        @contextlib.contextmanager
        def compiling(program: Compilation) -> Iterator[None]:
            show(f"{name}: compiling for {sizes}, about {_COMPILES_IN[program.level]} s; kept for next time …")
            yield
            show(solving)

        with telling_compilations(compiling):
            solution = solve(scenario, method, key=seed)
        report = check(scenario, solution)
    wrong = solution.success & ~np.asarray(report.ok)
    if wrong.any():
        first = tuple(map(int, np.argwhere(wrong)[0]))
        violation = next(found for found in report.violations if found.instance in (first, ()))
        raise WorkError(f"{file}: the plan of {name} fails the independent check: {violation}")
    return solution
