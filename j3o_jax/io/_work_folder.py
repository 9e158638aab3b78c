"""A folder of work that goes on where it stopped: a manifest says what it is of, and every file in it appears whole."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import BaseModel, ValidationError

from .. import __version__
from .._digest import digest_of, digest_of_array
from .._machine import source_digest
from ._errors import FileError
from ._one_writer import only_writer
from ._write import is_leftover, make_folder, write_file
from .words import shown

if TYPE_CHECKING:
    from .._scenario import Scenario

MANIFEST = "manifest.json"
# Inputs that a refusal names; of another deployment nearly all differ.
_MOST_NAMED = 3


class _Manifest(BaseModel):
    """Description of the work that a folder is of: what kind, by which program, and a digest of every input."""

    format: str
    version: str
    source: str
    inputs: dict[str, str]


class WorkFolder:
    """A folder that is being written: a manifest, and a directory with a file for everything that is done.

    A subclass knows what it is of, and what is in the files. It calls `begin` or `begin_of` before anything else.

    **Arguments:**

    - `path`: made where it is not there; its parent must be.
    - `results`: name of the directory of what is done.
    - `work`: what makes such folders, in a word that follows "a": ``sweep``.
    """

    def __init__(self, path: str, results: str, work: str):
        self.path = path
        self.results = os.path.join(path, results)
        self._manifest = os.path.join(path, MANIFEST)
        self._work = work

    def begin(self, manifest: Callable[[], BaseModel]) -> None:
        """Make the folder, with a manifest unless it has one.

        **Raises:** `FileError` where the folder cannot be made, or holds other files and no manifest.
        """
        make_folder(self.path)
        if not os.path.exists(self._manifest):
            others = sorted(name for name in os.listdir(self.path) if not is_leftover(name))
            if others:
                raise FileError(self.path, f"holds other files, such as {shown(others[0])}: name an empty folder")
            text = json.dumps(manifest().model_dump(), indent=1, allow_nan=False) + "\n"
            write_file(self._manifest, lambda file: file.write(text.encode()))
        make_folder(self.results)

    def begin_of(self, inputs: Mapping[str, Any]) -> None:
        """Make the folder of these inputs, or make sure that it is of the same ones and of this program.

        **Arguments:**

        - `inputs`: all that the results depend on, by names that follow "another": NumPy arrays, and what `repr` tells
          apart. The manifest has their digests.

        **Raises:** `FileError`, as `begin`, and where the folder is of other inputs, or of another program.
        """
        # Loads JAX, which whoever only wants the name of a manifest can do without.
        from ._files import read_text

        digests = {name: _digest(value) for name, value in inputs.items()}
        here = _Manifest(format=f"j3o-{self._work}-1", version=__version__, source=source_digest(), inputs=digests)
        self.begin(lambda: here)
        try:
            there = _Manifest.model_validate_json(read_text(self._manifest))
        except ValidationError:
            there = None
        if there is None or there.format != here.format:
            raise FileError(self._manifest, f"is no manifest of a {self._work}: name another folder")
        # What only one of them has differs as well: batching, say, that a deployment no longer has.
        others = [name for name in digests | there.inputs if there.inputs.get(name) != digests.get(name)]
        if others:
            more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
            words = ", ".join(others[:_MOST_NAMED]) + more
            raise FileError(self.path, f"holds plans of another {words}: name another folder, or empty this one")
        self.require_program(there.version, there.source)

    def require_program(self, version: str, source: str) -> None:
        """Raise `FileError` unless the folder was begun by this program: by its version, and the digest of its code."""
        if (version, source) != (__version__, source_digest()):
            raise FileError(
                self.path,
                f"was begun by j3o-jax {version}, code {source}, and this is {__version__}, code {source_digest()}: "
                "go on with that one, or name another folder",
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[Self]:
        """Context in which no other process writes here; raises `FileError` if one does.

        What writers that died have left is removed.
        """
        with only_writer(self.path, self._manifest, f"another {self._work}"):
            for folder in (self.path, self.results):
                for name in filter(is_leftover, os.listdir(folder)):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(os.path.join(folder, name))
            yield self


def inputs_of(scenario: "Scenario") -> dict[str, np.ndarray]:
    """All that plans of a scenario depend on, by names for `WorkFolder.begin_of`; the labels of nodes are no part."""
    values = {name: np.asarray(array, dtype=np.float64) for name, array in scenario.arrays().items()}
    values["allow_unserved"] = np.asarray(scenario.allow_unserved)
    return {f"deployment's {name}": value for name, value in values.items()}


def _digest(value: Any) -> str:
    return digest_of_array(value) if isinstance(value, np.ndarray) else digest_of(repr(value))
