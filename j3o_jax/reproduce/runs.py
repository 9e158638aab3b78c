"""Runs: one scenario of one seed, solved by one method. What they are identified by, and which an experiment takes."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence

import j3o_jax

from .declaration import Experiment, Point
from .entries import TIME_LIMIT, Value, options_of

# 1 and 1.0 are the same override, and must be the same run.
_KINDS: Mapping[str, Callable[[Value], Value]] = {"number": float, "count": int, "flag": bool}


@dataclasses.dataclass(frozen=True)
class Run:
    """One run. Experiments that ask for the same one share it, since no experiment is part of it.

    **Arguments:**

    - `benchmark`: its name in `j3o_jax.benchmarks.NAMES`.
    - `overrides`: its parameters that differ from their defaults.
    - `method`: its name in `entries.METHODS`.
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
        """SHA-256 of the run as canonical JSON: keys sorted, no spaces, numbers as Python writes them."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


def run_at(point: Point, method: str, seed: int, *, version: str, time_limit: float = TIME_LIMIT) -> Run:
    """The run at `point`. A parameter at its default is left out, so that it is the run of whoever left it out."""
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
    wanted = (run_at(*place, version=version, time_limit=time_limit) for place in _places(experiment, seeds))
    return list({run.key: run for run in wanted}.values())


def _places(experiment: Experiment, seeds: Sequence[int]) -> Iterator[tuple[Point, str, int]]:
    for seed in seeds:
        for point in experiment.points:
            for method in experiment.methods:
                yield point, method, seed


@functools.cache
def _settings(benchmark: str) -> "Mapping[str, j3o_jax.benchmarks.Parameter]":
    from ..benchmarks import NAMES

    return NAMES[benchmark]().settings
