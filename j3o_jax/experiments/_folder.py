"""The folder of a sweep: what it is of, and a Parquet file for every chunk that is done. Every file appears whole."""

import datetime as dt
import os
from typing import Any

from .. import __version__
from .._machine import source_digest, this_machine
from ..io import FileError, WorkFolder, write_file
from ..io.documents import shown
from ._manifest import ROWS, Manifest, read_manifest
from ._rows import Solved
from ._spec import SweepSpec


class Folder(WorkFolder):
    """A folder of results that is being written.

    **Arguments:**

    - `path`: made where it is not there; its parent must be.
    """

    def __init__(self, path: str):
        super().__init__(path, ROWS, "sweep")

    def prepare(self, spec: SweepSpec, chunks: int) -> None:
        """Make the folder, or make sure that it is of this sweep and of this version of the program.

        **Raises:** `FileError`, if the folder is of another sweep among others.
        """
        self.begin(lambda: _manifest_of(spec, chunks))
        manifest = read_manifest(self.path)
        self._refuse_another(manifest, spec)
        self.require_program(manifest.version, manifest.source)

    def done(self) -> set[str]:
        """Names of the chunks that are done."""
        return {name.removesuffix(".parquet") for name in os.listdir(self.results) if name.endswith(".parquet")}

    def put(self, solved: Solved) -> None:
        """Add a chunk, whole or not at all; raises `FileError`, where the disk is full among others."""
        write_file(os.path.join(self.results, f"{solved.name}.parquet"), lambda file: file.write(solved.content))

    def _refuse_another(self, manifest: Manifest, spec: SweepSpec) -> None:
        if manifest.digest == spec.digest:
            return
        there, here = manifest.spec, spec.plain()
        if _without_content(there) == _without_content(here):
            raise FileError(
                self.path,
                f"holds this sweep from before an edit, the deployment {here['deployment']} has changed since: "
                "name another folder, or give the deployment as it was",
            )
        place = _difference(_without_content(there), _without_content(here))
        raise FileError(self.path, f"holds another sweep, {place}: name another folder, or give that specification")


def _manifest_of(spec: SweepSpec, chunks: int) -> Manifest:
    return Manifest(
        name=spec.name,
        digest=spec.digest,
        spec=spec.plain(),
        grid=list(spec.grid),
        drawn=list(spec.drawn),
        methods=[method.label for method in spec.methods],
        scenarios=spec.scenarios,
        rows=spec.scenarios * len(spec.methods),
        chunks=chunks,
        version=__version__,
        source=source_digest(),
        machine=this_machine(),
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    )


def _without_content(plain: dict[str, Any]) -> dict[str, Any]:
    """Return a specification without what is in the file of its deployment."""
    return {key: value for key, value in plain.items() if key != "content"}


def _difference(there: Any, here: Any, place: str = "") -> str:
    """First difference of two plain specifications, in words."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in [*here, *there]:
            if there.get(key) != here.get(key) or (key in there) != (key in here):
                return _difference(there.get(key), here.get(key), f"{place}.{key}" if place else key)
    return f"with {place} = {shown(there)} where this one has {shown(here)}"
