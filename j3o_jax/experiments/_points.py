"""Points of a grid, in groups of one shape each, and the scenarios at them."""

import dataclasses
import itertools
from typing import Any

import numpy as np

from .._scenario import Scenario
from ._families import AbstractFamily
from ._population import Population
from ._values import Drawn, Value


@dataclasses.dataclass(frozen=True)
class Point:
    """A point of the grid: its number, and the values of the parameters that are not drawn."""

    number: int
    values: tuple[tuple[str, Value], ...]


@dataclasses.dataclass(frozen=True)
class PointGroup:
    """Points whose scenarios have one shape, so that any of them can be a batch. Picklable.

    **Arguments:**

    - `family`: what the scenarios are drawn from.
    - `points`: they differ in nothing but numbers.
    - `drawn`: the parameters that are drawn for each seed.
    """

    family: AbstractFamily
    points: tuple[Point, ...]
    drawn: tuple[tuple[str, Drawn], ...]

    def values(self, index: np.ndarray, seeds: np.ndarray) -> dict[str, Any]:
        """Return the value of every parameter, at points and with seeds.

        **Arguments:**

        - `index`: into `points`, of each scenario. int64 ``[n]``
        - `seeds`: of each scenario. int64 ``[n]``

        **Returns:** an array ``[n]`` for what may vary over a batch, else the one value of all.
        """
        found: dict[str, Any] = {}
        for position, (name, value) in enumerate(self.points[0].values):
            found[name] = value
            if _may_vary(self.family, name, value):
                table = np.array([point.values[position][1] for point in self.points], dtype=np.float64)
                found[name] = table[index]
        return found | {name: drawn.draw(name, seeds) for name, drawn in self.drawn}

    def sample(self, index: np.ndarray, seeds: np.ndarray) -> Scenario:
        """Draw the scenarios at points and with seeds, as for `values`, as a batch."""
        return self.family.sample(seeds, self.values(index, seeds))


def groups_of(population: Population) -> list[PointGroup]:
    """All points of the grid; those that differ in more than numbers have groups of their own."""
    family, drawn = population.family, population.drawn
    names = [name for name in population.parameters if name not in drawn]
    groups: dict[Any, list[Point]] = {}
    choices = [value.values for value in population.parameters.values() if not isinstance(value, Drawn)]
    for number, values in enumerate(itertools.product(*choices)):
        named = tuple(zip(names, values, strict=True))
        shape = tuple("number" if _may_vary(family, *own) else own for own in named)
        groups.setdefault(shape, []).append(Point(number, named))
    return [PointGroup(family, tuple(points), tuple(drawn.items())) for points in groups.values()]


def _may_vary(family: AbstractFamily, name: str, value: Value) -> bool:
    """Whether a parameter may vary over a batch."""
    return family.settings[name].kind == "number" and value is not None and not isinstance(value, bool)
