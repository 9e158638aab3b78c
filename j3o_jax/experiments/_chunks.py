"""The work of a sweep in chunks: each is a pure function of the specification, named by its content."""

import dataclasses
import functools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from .._digest import digest_of
from .._scenario import Scenario
from ..named_methods import NamedMethod
from ._points import PointGroup, groups_of
from ._spec import SweepSpec

LARGE, SMALL = 1024, 16
"""Scenarios of a chunk where none are given: of methods that solve batches as one program, and of others."""


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Some scenarios of a sweep and the method to solve them by. Picklable; holds all that it takes to solve them.

    **Arguments:**

    - `group`: the points, which are P.
    - `varying`: the parameters that differ from point to point of the sweep.
    - `method`: solves them.
    - `first_seed`, `start`, `stop`: the scenarios; number k is of seed `first_seed` + k // P at point k % P.
    - `version`: of this package.
    """

    group: PointGroup
    varying: tuple[str, ...]
    method: NamedMethod
    first_seed: int
    start: int
    stop: int
    version: str

    @property
    def size(self) -> int:
        """Number of scenarios."""
        return self.stop - self.start

    @functools.cached_property
    def name(self) -> str:
        """The name of its file, without suffix: the method's label, and a digest of everything that it is made of."""
        group = self.group
        content = {
            **group.family.plain(),
            "points": [(point.number, point.values) for point in group.points],
            "drawn": [(name, drawn.plain()) for name, drawn in group.drawn],
            "method": {**self.method.plain(), "label": self.method.label},
            "scenarios": (self.first_seed, self.start, self.stop),
            "version": self.version,
        }
        label = re.sub(r"[^a-z0-9]+", "-", self.method.label.lower()).strip("-")[:40] or "method"
        return f"{label}-{digest_of(content)[:16]}"

    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Index into the points, and seed, of every scenario: int64 ``[n]`` each."""
        numbers = np.arange(self.start, self.stop)
        points = len(self.group.points)
        return numbers % points, self.first_seed + numbers // points

    def values(self) -> dict[str, Any]:
        """Every parameter; see `PointGroup.values`."""
        return self.group.values(*self.places())

    def sample(self) -> Scenario:
        """Draw the scenarios, as a batch."""
        return self.group.sample(*self.places())


def chunks_of(spec: SweepSpec, version: str) -> Iterator[Chunk]:
    """All chunks, method by method.

    Seeds come first within a method: a sweep that is interrupted has a few seeds of every point, not all of a few.
    """
    groups, varying = groups_of(spec), tuple(spec.grid)
    for method in spec.methods:
        size = spec.chunk or (LARGE if method.batched else SMALL)
        for group in groups:
            count = len(group.points) * spec.seeds
            for start in range(0, count, size):
                stop = min(start + size, count)
                yield Chunk(group, varying, method, spec.first_seed, start, stop, version)
