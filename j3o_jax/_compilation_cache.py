"""Compiled programs kept on disk, so that the next process does not compile them again."""

import hashlib
import platform
from pathlib import Path

import jax
from platformdirs import user_cache_path

# Programs that take less to compile are not worth a file.
_LEAST_SECONDS = 0.1


def cache_compilations(directory: str | Path | None = None) -> Path:
    """Keep compiled programs on disk from here on: JAX's persistent compilation cache, set up for J3O.

    A new shape of batch costs some seconds of compilation; with the cache it costs them once, not in every process. The
    package's own programs are kept there too, in a form that need not be traced again.
    A folder that was chosen already, with JAX's own setting ``jax_compilation_cache_dir`` or its environment variable,
    is kept unless `directory` names another.

    **Arguments:**

    - `directory`: where; default: the user's cache folder. Each kind of processor gets a folder of its own in it,
      because compiled code may not run on another.

    **Returns:** the folder in use.

    **Raises:** `OSError` if the folder cannot be made.
    """
    chosen = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    if directory is None and chosen:
        return Path(chosen)
    root = user_cache_path("j3o-jax") / "compiled" if directory is None else Path(directory)
    folder = root / processor()
    folder.mkdir(parents=True, exist_ok=True)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", _LEAST_SECONDS)
    return folder


def processor() -> str:
    """Name what this machine's compiled code needs of a processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not on this system
        lines = []
    features = [line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))]
    kind = "\n".join(sorted(set(features))) or platform.processor()
    return f"{platform.machine()}-{hashlib.sha256(kind.encode()).hexdigest()[:12]}"
