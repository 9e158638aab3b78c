"""Layout of a plan's arrays: shapes, kinds, and which integers mean something."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from .._certificate import Certificate
from .._prices import Prices
from .._risk import Risk, SharedObjective
from .._solution import Moves, Solution
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
# Fields that have fields of their own, or are not there.
_PARTS: Mapping[str, tuple[type, Mapping[str, str]]] = {
    "certificate": (
        Certificate,
        {"stream": "CT", "client_compute": "C", "edge_compute": "E", "edge_uplink": "E", "cloud_uplink": ""},
    ),
    "prices": (
        Prices,
        {
            "client_compute": "C",
            "edge_compute": "E",
            "edge_uplink": "E",
            "cloud_uplink": "",
            "client_memory": "C",
            "edge_memory": "E",
        },
    ),
    "moves": (Moves, {"accuracy": "", "moved_mb": ""}),
}
_SHARED = ("weights", "tail", "tail_weight", "value", "bound", "dual_weights")
PART_AXES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    part: {f"{part}_{name}": (axes, "f") for name, axes in fields.items()} for part, (_, fields) in _PARTS.items()
} | {"shared": {f"shared_{name}": ("", "f") for name in _SHARED}}
"""Likewise of what a plan may have besides: certificate, shadow prices, what moving models cost, what is in common.

Of the last, what is one number for all scenarios stands at each of them.
"""
_KINDS = {"b": ("b", "true or false"), "i": ("iu", "whole numbers"), "f": ("iuf", "numbers")}
_STAT_KINDS = "biufU"
_WORDS = AXIS_WORDS | {"N": "iterations"}


def arrays_of(solution: Solution) -> dict[str, np.ndarray]:
    """Collect the fields of `solution` that are arrays, by name; those of parts only where they are there."""
    arrays = {name: np.asarray(getattr(solution, name)) for name in AXES}
    for part, (_, fields) in _PARTS.items():
        own = getattr(solution, part)
        if own is not None:
            arrays |= {f"{part}_{name}": np.asarray(getattr(own, name)) for name in fields}
    if solution.shared is not None:
        shared, risk = solution.shared, solution.shared.risk
        numbers = (risk.weights, risk.tail, risk.tail_weight, shared.value, shared.bound, shared.dual_weights)
        shape = np.shape(risk.weights)
        arrays |= {
            f"shared_{name}": np.broadcast_to(number, shape).astype(np.float64)
            for name, number in zip(_SHARED, numbers, strict=True)
        }
    return arrays


def parts_of(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Take the parts that are there out of the arrays of a plan."""
    parts: dict[str, Any] = {}
    if part_axes(arrays).keys() & PART_AXES["shared"].keys():
        weights, *one, dual_weights = (arrays[f"shared_{name}"].astype(np.float64, copy=False) for name in _SHARED)
        tail, tail_weight, value, bound = (number[0] for number in one)
        parts["shared"] = SharedObjective(Risk(weights, tail, tail_weight), value, bound, dual_weights)
    return parts | {
        part: kind(**{name: arrays[f"{part}_{name}"].astype(np.float64, copy=False)[()] for name in fields})
        for part, (kind, fields) in _PARTS.items()
        if part_axes(arrays).keys() & PART_AXES[part].keys()
    }


def part_axes(keys: Collection[str]) -> dict[str, tuple[str, str]]:
    """Axes of all fields of the parts that any of the keys is of."""
    there = [axes for axes in PART_AXES.values() if axes.keys() & set(keys)]
    return {name: own for axes in there for name, own in axes.items()}


def array_problem(arrays: Mapping[str, np.ndarray], stats: Mapping[str, Any]) -> str | None:
    """Find what is wrong with the arrays of a plan or its figures, the field first; None if nothing is."""
    sizes: dict[str, int] = {}
    batch = arrays["objective"].shape
    for name, (axes, kind) in {**AXES, **part_axes(arrays)}.items():
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
    for name in part_axes(arrays).keys() & PART_AXES["shared"].keys():
        if len(batch) != 1 or not batch[0]:
            return f"{name}: is of plans on one axis, these have the batch axes {list(batch)}"
        if name not in ("shared_weights", "shared_dual_weights"):
            number = arrays[name]
            if not np.array_equal(number, np.broadcast_to(number[0], number.shape), equal_nan=True):
                return f"{name}: wants the same number for all scenarios"
    for name in ("client_choice", "edge_choice"):
        if np.any((arrays[name] < -1) | (arrays[name] >= sizes["M"])):
            return f"{name}: wants indices of models, -1 to {sizes['M'] - 1}"
    if not np.isin(arrays["status"], list(Status)).all():
        return f"status: wants 0 to {max(Status).value}"
    for name, value in stats.items():
        if np.asarray(value).dtype.kind not in _STAT_KINDS:
            return f"stats[{name!r}]: wants numbers or text, got {type(value).__name__}"
    return None
