"""The folder of a sweep: what it is of, and a Parquet file for every chunk that is done. Every file appears whole."""

import contextlib
import datetime as dt
import json
import os
from collections.abc import Iterator
from typing import Any

from .. import __version__
from .._machine import source_digest, this_machine
from ..io import FileError, only_writer, write_file
from ..io.documents import shown
from ._manifest import MANIFEST, ROWS, Manifest, read_manifest
from ._rows import Solved
from ._spec import SweepSpec


class Folder:
    """A folder of results that is being written.

    **Arguments:**

    - `path`: made where it is not there; its parent must be.
    """

    def __init__(self, path: str):
        self.path = path
        self.rows = os.path.join(path, ROWS)

    def prepare(self, spec: SweepSpec, chunks: int) -> Manifest:
        """Make the folder, or make sure that it is of this sweep; leftovers of writers that died are removed.

        **Raises:** `FileError`, if the folder is of another sweep among others.
        """
        parent = os.path.dirname(os.path.abspath(self.path))
        if not os.path.isdir(parent):
            raise FileError(self.path, f"cannot be made, there is no directory {parent}: make it first")
        if os.path.exists(self.path) and not os.path.isdir(self.path):
            raise FileError(self.path, "is not a directory: name a folder")
        if os.path.isdir(self.path) and not os.path.exists(self._manifest) and self._foreign():
            raise FileError(self.path, f"holds other files, such as {shown(self._foreign()[0])}: name an empty folder")
        try:
            os.makedirs(self.rows, exist_ok=True)
        except OSError as error:
            raise FileError(self.path, f"cannot be made ({error.strerror}): name another folder") from None
        if not os.path.exists(self._manifest):
            text = json.dumps(_manifest_of(spec, chunks).model_dump(), indent=1, allow_nan=False) + "\n"
            write_file(self._manifest, lambda file: file.write(text.encode()))
        manifest = read_manifest(self.path)
        self._refuse_another(manifest, spec)
        return manifest

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Context in which no other process writes here; raises `FileError` if one does.

        What writers that died have left is removed.
        """
        with only_writer(self.path, self._manifest, "another sweep"):
            self._clean()
            yield

    def done(self) -> set[str]:
        """Names of the chunks that are done."""
        return {name.removesuffix(".parquet") for name in os.listdir(self.rows) if name.endswith(".parquet")}

    def put(self, solved: Solved) -> None:
        """Add a chunk, whole or not at all; raises `FileError`, where the disk is full among others."""
        write_file(os.path.join(self.rows, f"{solved.name}.parquet"), lambda file: file.write(solved.content))

    @property
    def _manifest(self) -> str:
        return os.path.join(self.path, MANIFEST)

    def _foreign(self) -> list[str]:
        """Return the names of files that no sweep has put there."""
        return sorted(name for name in os.listdir(self.path) if name != ROWS and not _is_leftover(name))

    def _clean(self) -> None:
        for folder in (self.path, self.rows):
            for name in os.listdir(folder):
                if _is_leftover(name):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(os.path.join(folder, name))

    def _refuse_another(self, manifest: Manifest, spec: SweepSpec) -> None:
        if manifest.digest != spec.digest:
            there, here = manifest.spec, spec.plain()
            if _without_content(there) == _without_content(here):
                raise FileError(
                    self.path,
                    f"holds this sweep from before an edit, the deployment {here['deployment']} has changed since: "
                    "name another folder, or give the deployment as it was",
                )
            place = _difference(_without_content(there), _without_content(here))
            raise FileError(self.path, f"holds another sweep, {place}: name another folder, or give that specification")
        if (manifest.version, manifest.source) != (__version__, source_digest()):
            made = f"{manifest.version}, code {manifest.source}"
            raise FileError(
                self.path,
                f"was begun by j3o-jax {made}, and this is {__version__}, code {source_digest()}: "
                "go on with that one, or name another folder",
            )


def _is_leftover(name: str) -> bool:
    """Whether it is what `write_file` leaves when its process is killed."""
    return name.startswith(".j3o-") and name.endswith(".tmp")


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
