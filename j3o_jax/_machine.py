"""The machine that a run is timed on, its libraries, and a digest of the code that solves."""

import functools
import hashlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

# The code that draws scenarios and solves them; in `experiments` not that which only shows the paper's or searches.
_SOURCES = ("_*.py", "benchmarks/*.py", "experiments/_*.py", "methods/**/*.py", "named_methods/*.py", "routing/*.py")


class Machine(BaseModel):
    """Hardware that a run was timed on, and the libraries that did the work."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    processor: str
    cores: int
    device: str
    python: str
    jax: str
    highspy: str


@functools.cache
def this_machine() -> Machine:
    """Return the machine that this process runs on, with JAX's default device."""
    import jax

    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        device=jax.devices()[0].device_kind,
        python=platform.python_version(),
        jax=jax.__version__,
        highspy=_version("highspy"),
    )


@functools.cache
def source_digest() -> str:
    """Twelve digits of the SHA-256 of the code that solves: a version under development has more than one."""
    digest = hashlib.sha256()
    for root, path in source_files():
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def source_files() -> list[tuple[Path, Path]]:
    """List the files of the code that draws scenarios and solves them, each with the folder of its package."""
    import j3o_kernels

    package, kernels = Path(__file__).parent, Path(str(j3o_kernels.__file__)).parent
    rooms = [(package, pattern) for pattern in _SOURCES] + [(kernels, "**/*.py")]
    return sorted((root, path) for root, pattern in rooms for path in root.glob(pattern))


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() == "model name" and value.strip():
                    return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
