"""The scenarios of a family: in batches of one shape each, always in the same order."""

import itertools
from typing import Any, NamedTuple

import numpy as np

from .._scenario import Scenario
from ..sweeps import SweepSpec


class Batch(NamedTuple):
    """Scenarios of one shape, and the seed of each. Seeds int64 ``[n]``"""

    scenarios: Scenario
    seeds: np.ndarray


def scenarios_of(spec: SweepSpec) -> list[Batch]:
    """Every point of the grid with every seed.

    Points that differ in nothing but numbers are one batch; others, such as those of 10 and of 20 clients, have
    shapes of their own.
    """
    seeds = np.arange(spec.first_seed, spec.first_seed + spec.seeds, dtype=np.int64)
    names = list(spec.grid)
    together: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for point in itertools.product(*(value.values for value in spec.grid.values())):
        apart = tuple(
            value if spec.family.settings[name].kind != "number" or value is None else "a number"
            for name, value in zip(names, point, strict=True)
        )
        together.setdefault(apart, []).append(point)
    same = {
        name: value.plain()
        for name, value in spec.parameters.items()
        if name not in spec.grid and name not in spec.drawn
    }
    return [_batch(spec, names, points, seeds, same) for points in together.values()]


def _batch(
    spec: SweepSpec, names: list[str], points: list[tuple[Any, ...]], seeds: np.ndarray, same: dict[str, Any]
) -> Batch:
    every = np.tile(seeds, len(points))
    values = dict(same)
    for name, own in zip(names, zip(*points, strict=True), strict=True):
        number = spec.family.settings[name].kind == "number" and own[0] is not None
        values[name] = np.repeat(np.asarray(own, dtype=np.float64), seeds.size) if number else own[0]
    for name, drawn in spec.drawn.items():
        values[name] = np.tile(drawn.draw(name, seeds), len(points))
    return Batch(spec.family.sample(every, values), every)
