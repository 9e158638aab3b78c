"""From a file to a checked plan: what the commands have in common."""

import os

import numpy as np

from .._scenario import Scenario
from .._solution import Solution
from .._status import Status
from ..methods import AbstractMethod
from ._failures import InputError, WorkError
from ._output import progress


def read_scenario(file: str) -> Scenario:
    """Load a scenario or a batch of them and look at every entry."""
    from ..io import load

    scenario = load(file, want=Scenario)
    problems = scenario.problems()
    if problems:
        raise InputError(f"{file}: {problems[0].message}")
    return scenario


def prepare_picture(path: str) -> None:
    """Make sure, before any work is done, that a picture can be drawn and put at `path`."""
    from ..io._write import check_destination
    from ..plots import check_suffix, require_matplotlib

    try:
        check_suffix(path)
    except ValueError as error:
        raise InputError(f"--plot: {error}") from None
    try:
        require_matplotlib()
    except ImportError as error:
        raise WorkError(f"--plot: {error}") from None
    check_destination(path)


def refuse_same(file: str, path: str, option: str) -> None:
    """Refuse to write over the file that is read."""
    if os.path.exists(path) and os.path.samefile(file, path):
        raise InputError(f"{option} {path}: is the file that is read: name another file")


def checked_plan(scenario: Scenario, method: AbstractMethod, name: str, file: str, seed: int | None) -> Solution:
    """Solve, and have the independent checker confirm every plan that came out."""
    from .._check import check
    from .._solve import solve

    with progress(f"{name}: solving {file} …"):
        solution = solve(scenario, method, key=seed)
        succeeded = np.isin(np.asarray(solution.status), [status for status in Status if status.success])
        report = check(scenario, solution)
    wrong = succeeded & ~np.asarray(report.ok)
    if wrong.any():
        first = tuple(map(int, np.argwhere(wrong)[0]))
        violation = next(found for found in report.violations if found.instance in (first, ()))
        raise WorkError(f"{file}: the plan of {name} fails the independent check: {violation}")
    return solution
