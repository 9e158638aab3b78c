"""Rounds of a search on the disk, so that it goes on where it was interrupted. Every file appears whole."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator

import numpy as np

from .. import __version__
from .._digest import digest_of, digest_of_array
from .._solution import Solution
from ..io import FileError, load, only_writer, save, write_file
from ._choices import Options
from ._search import Search

FORMAT = "j3o-sizing-1"
_MANIFEST, _ROUNDS = "manifest.json", "rounds"
# Names of what the plans of a round have besides: their options, and whether an exact method found them.
_PICKS, _EXACT = "option", "exact"


class Journal:
    """A folder of the rounds of one search. What is in it holds for any budget, target, gap and method.

    **Arguments:**

    - `path`: made where it is not there; its parent must be.
    - `options`: what may be bought; a folder of other options is refused.

    **Raises:** `FileError`.
    """

    def __init__(self, path: str, options: Options):
        self.path = path
        self._folder, self._manifest = os.path.join(path, _ROUNDS), os.path.join(path, _MANIFEST)
        if os.path.exists(path) and not os.path.isdir(path):
            raise FileError(path, "is not a directory: name a folder")
        digest = _digest(options)
        try:
            os.makedirs(self._folder, exist_ok=True)
        except OSError as error:
            raise FileError(path, f"cannot be made ({error.strerror}): name another folder") from None
        if os.path.exists(self._manifest):
            if _read(self._manifest).get("digest") != digest:
                raise FileError(path, "is of another deployment or other alternatives: name another folder")
        else:
            text = json.dumps({"format": FORMAT, "digest": digest, "version": __version__}, indent=1) + "\n"
            write_file(self._manifest, lambda file: file.write(text.encode()))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Context in which no other process writes here; raises `FileError` if one does."""
        with only_writer(self.path, self._manifest, "another search"):
            yield

    def rounds(self, search: Search) -> Iterator[tuple[np.ndarray, Solution, bool]]:
        """Yield the rounds in their order: numbers of options, their plans, whether by an exact method.

        What the search does not look at, since it is beyond its budget, is left out.
        """
        numbers = {tuple(pick): number for number, pick in enumerate(search.picks.tolist())}
        for name in self._names():
            path = os.path.join(self._folder, name)
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
        save(dataclasses.replace(solution, stats=stats), os.path.join(self._folder, name))

    def _names(self) -> list[str]:
        return sorted(name for name in os.listdir(self._folder) if name.endswith(".npz") and name.startswith("round-"))


def _read(path: str) -> dict[str, object]:
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except OSError as error:
        raise FileError(path, f"cannot be read ({error.strerror}): check the permissions") from None
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FileError(path, "is no manifest of a search: name another folder")
    return content


def _digest(options: Options) -> str:
    """SHA-256 of the scenario and of what may be bought, names aside."""
    base = {name: _hash(array) for name, array in options.scenario.arrays().items()}
    choices = [
        {
            "clients": list(choice.clients),
            "edges": list(choice.edges),
            "alternatives": [
                {"price": float(one.price), "values": {name: _hash(value) for name, value in one.values.items()}}
                for one in choice.alternatives
            ],
        }
        for choice in options.choices
    ]
    return digest_of({"scenario": base, "allow_unserved": options.scenario.allow_unserved, "choices": choices})


def _hash(values: object) -> str:
    return digest_of_array(np.asarray(values, dtype=np.float64))
