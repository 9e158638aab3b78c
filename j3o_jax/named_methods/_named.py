"""A method by its name, with settings."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import j3o_jax

from ..io.documents import described, refused, shown, suggestion, validated
from ._settings import Settings
from .registry import METHODS

_OWN = ("method", "label")


@dataclasses.dataclass(frozen=True)
class NamedMethod:
    """A method by name, with the settings that are not at their defaults.

    **Arguments:**

    - `method`: a name in `registry.METHODS`.
    - `settings`: checked.
    - `label`: what tables call it.
    """

    method: str
    settings: Settings
    label: str

    @property
    def batched(self) -> bool:
        """Whether it runs whole batches as one program."""
        lp = getattr(self.settings, "lp", None)
        return METHODS[self.method].batched and lp in (None, "hierarchical")

    def build(self) -> "j3o_jax.methods.AbstractMethod":
        """Make the method; this loads it."""
        return METHODS[self.method].build(**self.settings.arguments())

    def plain(self) -> dict[str, Any]:
        """As a file has it, without the label."""
        return {"method": self.method, **self.settings.given()}


def named_method(data: object) -> NamedMethod:
    """Make a method of what a file says: its name, or a mapping with `method`, perhaps `label`, and settings.

    **Raises:** `DocumentError` with the key.
    """
    if isinstance(data, str):
        data = {"method": data}
    if not isinstance(data, Mapping):
        raise refused((), f"{described(data)}: write the name of a method, or {{method: name, setting: value}}")
    if "method" not in data:
        raise refused(("method",), f"is missing: write one of {', '.join(METHODS)}")
    name = data["method"]
    if not isinstance(name, str):
        raise refused(("method",), f"{described(name)}: write one of {', '.join(METHODS)}")
    if name not in METHODS:
        raise refused(("method",), f"= {shown(name)} is no method: {suggestion(name, tuple(METHODS))}")
    label = data.get("label", name)
    if not isinstance(label, str) or not label.strip() or not label.isprintable():
        raise refused(("label",), f"{described(label)}: write a few words on one line")
    settings = validated(METHODS[name].schema, {key: value for key, value in data.items() if key not in _OWN})
    problem = settings.problem()
    if problem is not None:
        raise refused((problem[0],), problem[1])
    return NamedMethod(name, settings, label)
