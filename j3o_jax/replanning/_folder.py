"""The folder of a replanning: what it is of, and every plan that is done, each in a file that appears whole."""

import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from .._digest import digest_of, digest_of_array
from .._machine import source_digest
from .._solution import Solution
from ..io import FileError, load, save, write_file

_MANIFEST, _PLANS, _SECONDS = "replan.json", "plans", "seconds.json"


class Folder:
    """A folder of results that is being written.

    **Arguments:**

    - `path`: of a directory, which is there.
    - `inputs`: what the results depend on, by name: numbers, text and arrays.

    **Raises:** `FileError` where the folder is of other inputs, or of another version of the program.
    """

    def __init__(self, path: str, inputs: dict[str, Any]):
        self.path = path
        digests = {name: _digest(value) for name, value in (inputs | {"program": source_digest()}).items()}
        manifest = os.path.join(path, _MANIFEST)
        if os.path.exists(manifest):
            self._require_same(manifest, digests)
        elif os.listdir(path):
            raise FileError(path, f"holds other files, such as {sorted(os.listdir(path))[0]}: name an empty folder")
        os.makedirs(os.path.join(path, _PLANS), exist_ok=True)
        if not os.path.exists(manifest):
            text = json.dumps({"format": "j3o-replan-1", "inputs": digests}, indent=1) + "\n"
            write_file(manifest, lambda file: file.write(text.encode()))

    def kept(self, name: str, make: Callable[[], Solution]) -> Solution:
        """Plans by a name: read if they are there, else made and written."""
        path = self._file(name)
        if not os.path.exists(path):
            save(make(), path)
        return load(path, want=Solution)

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
        return os.path.join(self.path, _PLANS, f"{name}.npz")

    def _require_same(self, manifest: str, digests: dict[str, str]) -> None:
        try:
            with open(manifest, encoding="utf-8") as file:
                before = json.load(file)["inputs"]
        except (ValueError, KeyError, TypeError):
            raise FileError(manifest, "is no record of a replanning: name another folder") from None
        other = [name for name in digests if before.get(name) != digests[name]]
        if other:
            words = ", ".join(other)
            raise FileError(self.path, f"holds plans of another {words}: name another folder, or empty this one")


def _of_period(period: int) -> str:
    return f"period-{period:05d}"


def _digest(value: Any) -> str:
    return digest_of_array(value) if isinstance(value, np.ndarray) else digest_of(repr(value))
