"""The work of a sweep in chunks: each is a pure function of the specification, named by its content."""

import dataclasses
import functools
import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from .._digest import digest_of
from .._scenario import Scenario
from ..named_methods import NamedMethod
from ._families import AbstractFamily
from ._spec import SweepSpec
from ._values import Drawn, Fixed, Plain

LARGE, SMALL = 1024, 16
"""Scenarios of a chunk where none are given: of methods that solve batches as one program, and of others."""


@dataclasses.dataclass(frozen=True)
class Point:
    """A point of the grid: its number, and the values of the parameters that are not drawn."""

    number: int
    values: tuple[tuple[str, Plain], ...]


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Some scenarios of a sweep and the method to solve them by. Picklable; holds all that it takes to solve them.

    **Arguments:**

    - `family`: what the scenarios are drawn from.
    - `points`: of one shape, so that they are one batch.
    - `varying`: the parameters that differ from point to point of the sweep.
    - `drawn`: the parameters that are drawn for each seed.
    - `method`: solves them.
    - `first_seed`, `start`, `stop`: the scenarios; number k is of seed `first_seed` + k // P at point k % P.
    - `version`: of this package.
    """

    family: AbstractFamily
    points: tuple[Point, ...]
    varying: tuple[str, ...]
    drawn: tuple[tuple[str, Drawn], ...]
    method: NamedMethod
    first_seed: int
    start: int
    stop: int
    version: str

    @property
    def size(self) -> int:
        """How many scenarios."""
        return self.stop - self.start

    @functools.cached_property
    def name(self) -> str:
        """The name of its file, without suffix: the method's label, and a digest of everything that it is made of."""
        content = {
            **self.family.plain(),
            "points": [(point.number, point.values) for point in self.points],
            "drawn": [(name, drawn.plain()) for name, drawn in self.drawn],
            "method": {**self.method.plain(), "label": self.method.label},
            "scenarios": (self.first_seed, self.start, self.stop),
            "version": self.version,
        }
        label = re.sub(r"[^a-z0-9]+", "-", self.method.label.lower()).strip("-")[:40] or "method"
        return f"{label}-{digest_of(content)[:16]}"

    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Index into `points`, and seed, of every scenario. int64 ``[n]`` each"""
        numbers = np.arange(self.start, self.stop)
        return numbers % len(self.points), self.first_seed + numbers // len(self.points)

    def values(self) -> dict[str, Any]:
        """Every parameter: an array ``[n]`` where it may vary over a batch, else the one value of all. Of the sample"""
        index, seeds = self.places()
        found: dict[str, Any] = {}
        for position, (name, value) in enumerate(self.points[0].values):
            if _varies(value) and self.family.settings[name].kind == "number":
                table = np.array([point.values[position][1] for point in self.points], dtype=np.float64)
                found[name] = table[index]
            else:
                found[name] = value
        return found | {name: drawn.draw(name, seeds) for name, drawn in self.drawn}

    def sample(self) -> Scenario:
        """The scenarios, as a batch."""
        return self.family.sample(self.places()[1], self.values())


def _varies(value: Plain) -> bool:
    return value is not None and not isinstance(value, bool)


def chunks_of(spec: SweepSpec, version: str) -> Iterator[Chunk]:
    """All chunks, method by method.

    Seeds come first within a method: a sweep that is interrupted has a few seeds of every point, not all of a few.
    """
    varying, drawn = tuple(spec.grid), tuple(spec.drawn.items())
    groups = _groups(spec)
    for method in spec.methods:
        size = spec.chunk or (LARGE if method.batched else SMALL)
        for points in groups:
            count = len(points) * spec.seeds
            for start in range(0, count, size):
                stop = min(start + size, count)
                yield Chunk(spec.family, points, varying, drawn, method, spec.first_seed, start, stop, version)


def _groups(spec: SweepSpec) -> list[tuple[Point, ...]]:
    """The points of the grid, those together whose scenarios have one shape and can be a batch."""
    settings = spec.family.settings
    names = [name for name, value in spec.parameters.items() if not isinstance(value, Drawn)]
    choices = [_choices(spec.parameters[name]) for name in names]
    groups: dict[Any, list[Point]] = {}
    for number, values in enumerate(itertools.product(*choices)):
        alike = tuple(
            "number" if settings[name].kind == "number" and _varies(value) else (name, value)
            for name, value in zip(names, values, strict=True)
        )
        groups.setdefault(alike, []).append(Point(number, tuple(zip(names, values, strict=True))))
    return [tuple(points) for points in groups.values()]


def _choices(value: Any) -> tuple[Plain, ...]:
    return (value.value,) if isinstance(value, Fixed) else value.values
