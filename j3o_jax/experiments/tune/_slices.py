"""Solving scenarios with many settings of a method, in slices, so that any number of both fits the memory."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np

from ..._digest import canonical_json
from ..._scenario import Scenario
from ..._solution import Solution
from ..._solve import solve
from ...methods import J3O, AbstractMethod, Subgradient
from ...named_methods import NamedMethod

MOST = 8192
"""Most solves of a slice: some hundred megabytes of scenarios and plans at the paper's sizes."""

# Settings that vary without a new compilation.
_TRACED = ("step_size", "tolerance", "gap", "bound_tolerance", "descent_schedule")


class Solved(NamedTuple):
    """Result of solving n scenarios, with G settings at a time.

    - `objective`: F, NaN where there is no plan. ``[G, n]``
    - `seconds`: for each solve, wall clock, without what was compiled.
    - `compile_seconds`: of all compiling.
    """

    objective: np.ndarray
    seconds: float
    compile_seconds: float = 0.0


def solve_in_slices(
    scenarios: Scenario,
    method: AbstractMethod,
    *,
    most: int = MOST,
    inspect: Callable[[Scenario, Solution], object] | None = None,
) -> Solved:
    """Solve a batch, and keep what the plans are worth, not the plans.

    All slices are equally long, the last one filled up with copies of its last scenario, so that one compiled program
    serves all of them.

    **Arguments:**

    - `scenarios`: with one batch axis.
    - `method`: perhaps with a grid of one axis, every setting of which solves every scenario.
    - `most`: solves of a slice, unless the settings alone are more.
    - `inspect`: is shown each slice with its plans; what it takes is not timed.
    """
    count = scenarios.batch_shape[0]
    settings = int(np.prod(method.grid_shape, dtype=int))
    objective, seconds, compiling = [], [], 0.0
    for own in equal_slices(count, max(most // settings, 1)):
        part = scenarios[own]
        solution = solve(part, method)
        objective.append(np.asarray(solution.objective).reshape(settings, own.size))
        seconds.append(float(np.mean(solution.stats["seconds"])))
        compiling += float(np.max(solution.stats.get("compile_seconds", 0.0)))
        if inspect is not None:
            inspect(part, solution)
    return Solved(np.concatenate(objective, axis=1)[:, :count], float(np.mean(seconds)), compiling)


def equal_slices(count: int, most: int) -> np.ndarray:
    """Split the indices of `count` things into rows of equal length, at most `most`; the last index fills up."""
    parts = -(-count // most)
    length = -(-count // parts)
    return np.minimum(np.arange(parts * length), count - 1).reshape(parts, length)


def stacked(methods: Sequence[NamedMethod]) -> AbstractMethod:
    """Make one method with a grid of step sizes, in their order, of settings that differ in nothing else."""
    built = [method.build() for method in methods]
    first = built[0]
    if not isinstance(first, J3O) or not isinstance(first.multiplier, Subgradient):
        if len(built) > 1:
            raise ValueError(f"{methods[0].method}: only step sizes can be solved together, got {len(built)} settings")
        return first
    multipliers = [method.multiplier for method in built if isinstance(method, J3O)]
    sizes = np.array([own.step_size for own in multipliers if isinstance(own, Subgradient)])
    multiplier = dataclasses.replace(first.multiplier, step_size=sizes)
    return eqx.tree_at(lambda method: method.multiplier, first, multiplier)


def call_of(method: NamedMethod) -> str:
    """Name what settings solved in one call have in common: all but the step size of a subgradient."""
    settings = _explicit(method)
    if settings.get("multiplier") == "subgradient":
        del settings["step_size"]
    return canonical_json(settings)


def program_of(method: NamedMethod) -> str:
    """Name what settings solved by one compiled program have in common: all that is compiled into it."""
    return canonical_json({name: value for name, value in json.loads(call_of(method)).items() if name not in _TRACED})


def key_of(method: NamedMethod) -> str:
    """Return the key of a setting; multipliers that are named and those that are left at their default are the same."""
    return canonical_json(_explicit(method))


def _explicit(method: NamedMethod) -> dict[str, Any]:
    settings = method.plain()
    built = method.build()
    if not isinstance(built, J3O):
        return settings
    multiplier = built.multiplier
    if not isinstance(multiplier, Subgradient):
        return settings | {"multiplier": "dual_search", "steps": multiplier.steps}
    own = {"steps": multiplier.steps, "schedule": multiplier.schedule, "update": multiplier.update}
    return settings | {"multiplier": "subgradient", "step_size": float(multiplier.step_size), **own}
