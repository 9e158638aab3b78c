"""Sweeps: many scenarios of a family, by several methods, in chunks that any worker may solve, kept in a folder.

The names are those of `j3o_jax.experiments`, imported when they are first used.
"""

from typing import Any

from .. import experiments as _experiments


def __getattr__(name: str) -> Any:
    return getattr(_experiments, name)


def __dir__() -> list[str]:
    return dir(_experiments)
