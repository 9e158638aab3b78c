"""Methods and their parts as text: every setting with its value, defaults too."""

import dataclasses
from typing import Any

import equinox as eqx
import numpy as np

# Longer than this, text has a line for each setting.
_WIDTH = 100
_MOST_ENTRIES = 8


class Settings(eqx.Module):
    """Base of methods and their parts, which print with all of their settings."""

    def __repr__(self) -> str:
        return settings_text(self)

    def __str__(self) -> str:
        return settings_text(self, lines=True)


def settings_text(module: Any, *, lines: bool = False) -> str:
    """``J3O(lp=HierarchicalLP(tolerance=1e-08, …), …)``, on one line, or where it is long on `lines`."""
    parts = [f"{field.name}={_value(getattr(module, field.name), lines)}" for field in dataclasses.fields(module)]
    name = type(module).__name__
    text = f"{name}({', '.join(parts)})"
    if not lines or (len(text) <= _WIDTH and "\n" not in text):
        return text
    inner = "".join(f"  {part},\n".replace("\n", "\n  ").removesuffix("  ") for part in parts)
    return f"{name}(\n{inner})"


def _value(value: Any, lines: bool) -> str:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return settings_text(value, lines=lines)
    if isinstance(value, np.ndarray | np.generic):
        return repr(value.tolist()) if value.size <= _MOST_ENTRIES else f"{value.dtype}{list(value.shape)}"
    return getattr(value, "__name__", None) or repr(value)
