"""Compiled programs on disk, loaded without being traced again: a quarter of a second in place of seconds.

They lie beside those that JAX keeps (`cache_compilations`), which have to be traced and lowered before they are found.
A name holds all that a program depends on: shapes, settings, the package's code, the versions of its compiler, and the
processor.
"""

import contextlib
import functools
import hashlib
import os
import pickle
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

from ._compilation_cache import processor

_FOLDER = "j3o-programs"
# Programs that are kept; of more, those that were not used for longest go. They take one to three MB each.
_MOST_FILES = 300


class KeptProgram:
    """File that a compiled program is kept in, if it is."""

    def __init__(self, *parts: Any):
        folder = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
        text = repr(parts)
        # Objects that tell nothing of themselves but their address are others in the next process.
        self.path = None if not folder or " at 0x" in text else Path(folder) / _FOLDER / f"{_digest(text)}.bin"

    def load(self) -> tuple[Any, Any] | None:
        """Read the program, of flat arguments and results, and the form of its results; None where it is not there."""
        from jax.experimental import serialize_executable

        if self.path is None:
            return None
        # Whatever is wrong with a file, the program can be compiled.
        with contextlib.suppress(Exception):
            payload, arguments, results, form = pickle.loads(self.path.read_bytes())
            trees = jax.tree.structure((arguments, {})), jax.tree.structure(results)
            program = serialize_executable.deserialize_and_load(payload, *trees)
            os.utime(self.path, (time.time(), time.time()))
            return program, form
        return None

    @property
    def there(self) -> bool:
        """Whether it looks as if it was kept."""
        return self.path is not None and self.path.exists()

    def store(self, program: Any, form: Any, arguments: int) -> None:
        """Keep a program; without room for it nothing happens."""
        from jax.experimental import serialize_executable

        if self.path is None:
            return
        # A form that cannot be written, or a device whose programs cannot: they are compiled every time.
        with contextlib.suppress(OSError, ValueError, TypeError, pickle.PicklingError, AttributeError):
            payload, _, _ = serialize_executable.serialize(program)
            results = [0] * len(jax.tree.leaves(form))
            content = pickle.dumps((payload, (0,) * arguments, results, form))
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.path.parent, delete=False) as file:
                file.write(content)
            os.replace(file.name, self.path)
            _let_go(self.path.parent)


def _let_go(folder: Path) -> None:
    files = sorted(folder.glob("*.bin"), key=lambda path: path.stat().st_mtime)
    for path in files[:-_MOST_FILES]:
        path.unlink(missing_ok=True)


def _digest(text: str) -> str:
    return hashlib.sha256(f"{_surroundings()}{text}".encode()).hexdigest()[:32]


@functools.cache
def _surroundings() -> str:
    import j3o_kernels

    device = jax.devices()[0]
    code = hashlib.sha256()
    for package in (Path(__file__).parent, Path(j3o_kernels.__file__).parent):
        for path in sorted(package.rglob("*.py")):
            code.update(path.read_bytes())
    told = (jax.__version__, version("jaxlib"), device.client.platform_version, device.device_kind, processor())
    return f"{told} {code.hexdigest()}"
