"""Runs: one scenario of one seed, solved by one method. What they are identified by, and which an experiment takes."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Mapping, Sequence

import j3o_jax

from ..._digest import digest_of
from .declaration import Experiment, Point
from .methods import TIME_LIMIT, Value, options_of

# 1 and 1.0 are the same override, and must be the same run.
_KINDS: Mapping[str, Callable[[Value], Value]] = {"number": float, "count": int, "flag": bool}


@dataclasses.dataclass(frozen=True)
class Run:
    """One run. Experiments that ask for the same one share it, since no experiment is part of it.

    **Arguments:**

    - `benchmark`: its name in `j3o_jax.benchmarks.NAMES`.
    - `overrides`: its parameters that differ from their defaults.
    - `method`: its name in `methods.METHODS`.
    - `options`: settings of the method.
    - `seed`: of the scenario, and of a method that draws at random.
    - `version`: of this package.
    """

    benchmark: str
    overrides: Mapping[str, Value]
    method: str
    options: Mapping[str, Value]
    seed: int
    version: str

    @functools.cached_property
    def key(self) -> str:
        """SHA-256 of the run as canonical JSON."""
        return digest_of(dataclasses.asdict(self))


def run_at(point: Point, method: str, seed: int, *, version: str, time_limit: float = TIME_LIMIT) -> Run:
    """Return the run at `point`. A parameter at its default is left out: it is the run of whoever left it out."""
    settings = _settings(point.benchmark)
    overrides = {
        name: _KINDS[settings[name].kind](value)
        for name, value in point.overrides.items()
        if value != settings[name].default
    }
    return Run(point.benchmark, overrides, method, options_of(method, time_limit), seed, version)


def runs_of(experiment: Experiment, seeds: Sequence[int], *, version: str, time_limit: float = TIME_LIMIT) -> list[Run]:
    """Every run of an experiment, each once.

    Seeds come first: an experiment that is interrupted has a few seeds of everything, not all seeds of a few things.
    """
    wanted = (
        run_at(point, method, seed, version=version, time_limit=time_limit)
        for seed, point, method in itertools.product(seeds, experiment.points, experiment.methods)
    )
    return list({run.key: run for run in wanted}.values())


@functools.cache
def _settings(benchmark: str) -> "Mapping[str, j3o_jax.benchmarks.Parameter]":
    from ...benchmarks import NAMES

    return NAMES[benchmark]().settings
