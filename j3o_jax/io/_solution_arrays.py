"""Layout of a plan's arrays: shapes, kinds, and which integers mean something."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._certificate import Certificate
from .._solution import Solution
from .._status import Status
from .._validate import AXIS_WORDS

# Axes after any batch axes, and the kind of number: b for yes/no, i for whole numbers, f for any.
AXES: Mapping[str, tuple[str, str]] = {
    "client_models": ("CM", "b"),
    "edge_models": ("EM", "b"),
    "client_choice": ("CT", "i"),
    "edge_choice": ("ET", "i"),
    "local": ("CT", "f"),
    "edge": ("CT", "f"),
    "cloud": ("CT", "f"),
    "unserved": ("CT", "f"),
    "objective": ("", "f"),
    "bound": ("", "f"),
    "status": ("", "i"),
    "history": ("N", "f"),
}
CERTIFICATE_AXES: Mapping[str, tuple[str, str]] = {
    "certificate_stream": ("CT", "f"),
    "certificate_client_compute": ("C", "f"),
    "certificate_edge_compute": ("E", "f"),
    "certificate_edge_uplink": ("E", "f"),
    "certificate_cloud_uplink": ("", "f"),
}
_CERTIFICATE = "certificate_"
_KINDS = {"b": ("b", "true or false"), "i": ("iu", "whole numbers"), "f": ("iuf", "numbers")}
_STAT_KINDS = "biufU"
_WORDS = AXIS_WORDS | {"N": "iterations"}


def arrays_of(solution: Solution) -> dict[str, np.ndarray]:
    """Collect the fields of `solution` that are arrays, by name; those of a certificate only where there is one."""
    arrays = {name: np.asarray(getattr(solution, name)) for name in AXES}
    if solution.certificate is None:
        return arrays
    prices = {name: getattr(solution.certificate, name.removeprefix(_CERTIFICATE)) for name in CERTIFICATE_AXES}
    return arrays | {name: np.asarray(price) for name, price in prices.items()}


def certificate_of(arrays: Mapping[str, np.ndarray]) -> Certificate | None:
    """Take the certificate out of the arrays of a plan, if it is there."""
    if not any(name in arrays for name in CERTIFICATE_AXES):
        return None
    return Certificate(
        **{
            name.removeprefix(_CERTIFICATE): arrays[name].astype(np.float64, copy=False)[()]
            for name in CERTIFICATE_AXES
        }
    )


def array_problem(arrays: Mapping[str, np.ndarray], stats: Mapping[str, Any]) -> str | None:
    """Find what is wrong with the arrays of a plan or its figures, the field first; None if nothing is."""
    sizes: dict[str, int] = {}
    batch = arrays["objective"].shape
    certificate = CERTIFICATE_AXES if any(name in arrays for name in CERTIFICATE_AXES) else {}
    for name, (axes, kind) in {**AXES, **certificate}.items():
        array = arrays[name]
        kinds, words = _KINDS[kind]
        if array.dtype.kind not in kinds:
            return f"{name}: wants {words}, got {array.dtype}"
        own = array.shape[len(batch) :]
        if array.shape[: len(batch)] != batch or len(own) != len(axes):
            wanted = ", ".join([*map(str, batch), *(_WORDS[axis] for axis in axes)])
            return f"{name}: has shape {list(array.shape)}, wants [{wanted}]"
        for axis, size in zip(axes, own, strict=True):
            if sizes.setdefault(axis, size) != size:
                other = f"{sizes[axis]} {_WORDS[axis]} of the other fields"
                return f"{name}: has shape {list(array.shape)}, wants the {other}"
    for name in ("client_choice", "edge_choice"):
        if np.any((arrays[name] < -1) | (arrays[name] >= sizes["M"])):
            return f"{name}: wants indices of models, -1 to {sizes['M'] - 1}"
    if not np.isin(arrays["status"], list(Status)).all():
        return f"status: wants 0 to {max(Status).value}"
    for name, value in stats.items():
        if np.asarray(value).dtype.kind not in _STAT_KINDS:
            return f"stats[{name!r}]: wants numbers or text, got {type(value).__name__}"
    return None
