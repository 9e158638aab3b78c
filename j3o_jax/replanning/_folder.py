"""The folder of a replanning: what it is of, and every plan that is done, each in a file that appears whole."""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .._solution import Solution
from ..io import WorkFolder, load, save, write_file

_SECONDS = "seconds.json"


class Folder(WorkFolder):
    """A folder of results that is being written.

    **Arguments:**

    - `path`: made where it is not there; its parent must be.
    - `inputs`: what the results depend on, by name: numbers, text and arrays.

    **Raises:** `FileError` where the folder is of other inputs, or of another version of the program.
    """

    def __init__(self, path: str, inputs: Mapping[str, Any]):
        super().__init__(path, "plans", "replanning")
        self.begin_of(inputs)

    def kept(self, name: str, make: Callable[[], Solution]) -> Solution:
        """Plans by a name: read if they are there, else made and written."""
        path = self._file(name)
        if not os.path.exists(path):
            save(make(), path)
        return load(path, want=Solution)

    def kept_number(self, name: str, make: Callable[[], float]) -> float:
        """Return a number by a name: it is read if it is there, else made and written."""
        path = os.path.join(self.results, f"{name}.json")
        if not os.path.exists(path):
            text = json.dumps(make())
            write_file(path, lambda file: file.write(text.encode()))
        with open(path, encoding="utf-8") as file:
            return float(json.load(file))

    def plans(self) -> list[Solution]:
        """Plans of the first periods, as far as they are done."""
        found = []
        while os.path.exists(path := self._file(_of_period(len(found)))):
            found.append(load(path, want=Solution))
        return found

    def kept_period(self, period: int, plan: Solution, seconds: np.ndarray) -> Solution:
        """Write the plan of a period if it is new, with the seconds that periods took; the plan as it is read again."""
        path = self._file(_of_period(period))
        if not os.path.exists(path):
            save(plan, path)
            took = self._seconds() | {str(period): float(seconds[period])}
            write_file(os.path.join(self.path, _SECONDS), lambda file: file.write(json.dumps(took).encode()))
        return load(path, want=Solution)

    def seconds(self, took: np.ndarray) -> np.ndarray:
        """Seconds that planning each period took when it was planned ``[K]``."""
        known = self._seconds()
        return np.array([known.get(str(period), float(own)) for period, own in enumerate(took)])

    def _seconds(self) -> dict[str, float]:
        path = os.path.join(self.path, _SECONDS)
        if not os.path.exists(path):
            return {}
        with open(path, encoding="utf-8") as file:
            return json.load(file)

    def _file(self, name: str) -> str:
        return os.path.join(self.results, f"{name}.npz")


def _of_period(period: int) -> str:
    return f"period-{period:05d}"
