"""Rounds of a search on the disk, so that it goes on where it was interrupted. Every file appears whole."""

import dataclasses
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from .._solution import Solution
from ..io import FileError, WorkFolder, inputs_of, load, save
from ._choices import Alternative, Options
from ._search import Search

# Names of what the plans of a round have besides: their options, and whether an exact method found them.
_PICKS, _EXACT = "option", "exact"


class Journal(WorkFolder):
    """A folder of the rounds of one search. What is in it holds for any budget, target, gap and method.

    **Arguments:**

    - `path`: made where it is not there; its parent must be.
    - `options`: what may be bought; a folder of other options is refused.

    **Raises:** `FileError`.
    """

    def __init__(self, path: str, options: Options):
        super().__init__(path, "rounds", "search")
        self.begin_of(_inputs(options))

    def rounds(self, search: Search) -> Iterator[tuple[np.ndarray, Solution, bool]]:
        """Yield the rounds in their order: numbers of options, their plans, whether by an exact method.

        What the search does not look at, since it is beyond its budget, is left out.
        """
        numbers = {tuple(pick): number for number, pick in enumerate(search.picks.tolist())}
        for name in self._names():
            path = os.path.join(self.results, name)
            solution = load(path, want=Solution)
            if not {_PICKS, _EXACT} <= set(solution.stats) or not solution.batch_shape:
                raise FileError(path, "is no round of a search: name another folder")
            picks = [tuple(map(int, str(text).split(" "))) for text in solution.stats[_PICKS]]
            kept = np.array([row for row, pick in enumerate(picks) if pick in numbers], dtype=int)
            if len(kept):
                own = dataclasses.replace(solution[kept], names=search.options.scenario.names)
                yield np.array([numbers[picks[row]] for row in kept]), own, bool(own.stats[_EXACT].all())

    def add(self, search: Search, numbers: np.ndarray, solution: Solution, *, exact: bool) -> None:
        """Add a round, whole or not at all; raises `FileError`, where the disk is full among others."""
        picks = np.array([" ".join(map(str, pick)) for pick in search.picks[numbers].tolist()])
        stats = {**solution.stats, _PICKS: picks, _EXACT: np.full(len(numbers), exact)}
        name = f"round-{len(self._names()) + 1:05}.npz"
        save(dataclasses.replace(solution, stats=stats), os.path.join(self.results, name))

    def _names(self) -> list[str]:
        return sorted(name for name in os.listdir(self.results) if name.endswith(".npz") and name.startswith("round-"))


def _inputs(options: Options) -> dict[str, Any]:
    """All that the plans of options depend on, with the prices; the names of nodes and alternatives are no part."""
    choices = [
        (tuple(choice.clients), tuple(choice.edges), [_plain(alternative) for alternative in choice.alternatives])
        for choice in options.choices
    ]
    return {**inputs_of(options.scenario), "set of alternatives": choices}


def _plain(alternative: Alternative) -> tuple[float, dict[str, Any]]:
    values = {name: np.asarray(own, dtype=np.float64).tolist() for name, own in sorted(alternative.values.items())}
    return float(alternative.price), values
