"""Validation of scenarios: shapes, ranges, and messages that name the field and the entry."""

import dataclasses
import functools
import operator
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from jax.core import Tracer

from ._types import AnyArray


@dataclasses.dataclass(frozen=True)
class FieldRule:
    """Shape and range that one field must have.

    **Arguments:**

    - `axes`: letters of the field's own axes, after any batch axes.
    - `node`: letter of one more axis that the field may have before them, where its values differ from node to node.
    - `upper`: largest value allowed; infinite means that +inf itself is allowed ("no limit").
    - `wants`: the range and unit, for messages.
    - `positive`: whether zero is refused too.
    """

    axes: str
    wants: str
    upper: float = np.finfo(np.float64).max
    positive: bool = False
    node: str = ""


_UNLIMITED = np.inf
AXIS_WORDS = {"C": "clients", "E": "edges", "T": "tasks", "M": "models"}

RULES: dict[str, FieldRule] = {
    "demand": FieldRule("CT", "a finite rate >= 0 in queries/s"),
    "client_edge": FieldRule("C", "the index of an edge"),
    "client_accuracy": FieldRule("EMT", "an accuracy in [0, 1]", upper=1.0),
    "edge_accuracy": FieldRule("EMT", "an accuracy in [0, 1]", upper=1.0),
    "cloud_accuracy": FieldRule("T", "an accuracy in [0, 1]", upper=1.0),
    "client_model_memory": FieldRule("M", "a finite size >= 0 in MB", node="C"),
    "edge_model_memory": FieldRule("M", "a finite size >= 0 in MB", node="E"),
    "client_model_compute": FieldRule("M", "a finite cost >= 0 in GFLOP/query", node="C"),
    "edge_model_compute": FieldRule("M", "a finite cost >= 0 in GFLOP/query", node="E"),
    "client_memory": FieldRule("C", "a capacity >= 0 in MB", upper=_UNLIMITED),
    "client_compute": FieldRule("C", "a capacity >= 0 in GFLOP/s", upper=_UNLIMITED),
    "edge_memory": FieldRule("E", "a capacity >= 0 in MB", upper=_UNLIMITED),
    "edge_compute": FieldRule("E", "a capacity >= 0 in GFLOP/s", upper=_UNLIMITED),
    "edge_uplink": FieldRule("E", "a capacity >= 0 in MB/s", upper=_UNLIMITED),
    "cloud_uplink": FieldRule("", "a capacity >= 0 in MB/s", upper=_UNLIMITED),
    "input_size": FieldRule("T", "a finite size >= 0 in MB/query"),
}
BATCHING_RULES: dict[str, FieldRule] = {
    "batching.window": FieldRule("E", "a finite time > 0 in seconds", positive=True),
    "batching.setup": FieldRule("EM", "a finite time >= 0 in seconds"),
}
SWITCHING_RULES: dict[str, FieldRule] = {
    "switching.client_held": FieldRule("CM", "true or false"),
    "switching.edge_held": FieldRule("EM", "true or false"),
    "switching.cost_per_mb": FieldRule("", "a finite cost >= 0 in objective per MB"),
}
_ALL_RULES = RULES | BATCHING_RULES | SWITCHING_RULES


def as_array(name: str, value: object, dtype: type[np.generic]) -> AnyArray:
    """`value` as a NumPy array of `dtype`, or untouched while JAX traces it; raises `ValueError`."""
    if isinstance(value, Tracer):
        return value
    kind = {np.int64: "whole numbers", np.bool_: "true or false"}.get(dtype, "numbers")
    try:
        array = np.asarray(value)
        if array.dtype.kind not in ("b" if dtype is np.bool_ else "biuf"):
            raise TypeError
    except (TypeError, ValueError):
        raise ValueError(f"{name}: wants an array of {kind}, got {_short(value)}") from None
    if dtype is np.int64 and array.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = np.isfinite(array) & (array == np.floor(array)) & (np.abs(array) < 2**53)
        if not whole.all():
            index = tuple(map(int, np.argwhere(~whole)[0]))
            raise ValueError(f"{name}{list(index) if index else ''} = {array[index]}: must be a whole number")
    array = array.astype(dtype, copy=False)
    if array.flags.writeable:
        # A scenario is frozen: nobody else's array may change it. Views that are read-only, such as broadcast ones
        # that take no memory, are kept as they are.
        array = array.copy() if isinstance(value, np.ndarray) and np.may_share_memory(array, value) else array
        array.flags.writeable = False
    return array


def check_shapes(fields: Mapping[str, AnyArray]) -> tuple[tuple[int, ...], dict[str, int]]:
    """Batch shape and axis sizes on which the fields agree.

    Most fields decide what an axis measures, so that the odd one out is the one named. A field that may be given for
    each node is so if it has one axis more than its plain form has after the batch axes of the others.
    Raises `ValueError` with the field, the shape it has and the shape it wants.
    """
    rules = _ALL_RULES
    short = next((n for n, x in fields.items() if x.ndim < len(rules[n].axes)), None)
    if short is not None:
        raise ValueError(
            f"{short}: has shape {list(fields[short].shape)}, wants {_wanted(rules[short])} (after any batch axes)"
        )
    votes: dict[str, Counter[int]] = {axis: Counter() for axis in AXIS_WORDS}
    batch_votes: Counter[tuple[int, ...]] = Counter()
    for name, array in fields.items():
        axes = rules[name].axes
        if not rules[name].node:
            batch_votes[array.shape[: array.ndim - len(axes)]] += 1
        for axis, size in zip(axes, array.shape[array.ndim - len(axes) :], strict=True):
            votes[axis][size] += 1
    sizes = {axis: counter.most_common(1)[0][0] for axis, counter in votes.items()}
    batch = batch_votes.most_common(1)[0][0]
    for name, array in fields.items():
        if array.shape not in _shapes(rules[name], batch, sizes):
            raise ValueError(
                f"{name}: has shape {list(array.shape)}, wants {_wanted(rules[name], batch, sizes)}"
                + (f" with the batch axes {list(batch)} of the other fields" if batch else "")
            )
    empty = next((AXIS_WORDS[axis] for axis, size in sizes.items() if size == 0), None)
    if empty is not None:
        name = next(n for n, x in fields.items() if 0 in x.shape[len(batch) :])
        raise ValueError(f"{name}: has shape {list(fields[name].shape)}, wants at least one of the {empty}")
    return batch, sizes


@dataclasses.dataclass(frozen=True)
class Problem:
    """The first bad entry of one field in one instance of a batch."""

    instance: int
    field: str
    message: str


def value_problems(fields: Mapping[str, AnyArray], batch: tuple[int, ...], edges: int) -> list[Problem]:
    """Every (instance, field) with an entry out of range, in the order of instances, then of fields."""
    rules = _ALL_RULES
    problems = []
    for name, array in fields.items():
        rule = rules[name]
        values = np.asarray(array)
        good = _in_range(name, values, edges)
        if good.all():
            continue
        wants = f"{rule.wants}, 0 to {edges - 1}" if name == "client_edge" else rule.wants
        flat = good.reshape(int(np.prod(batch, dtype=int)), -1)
        for instance in np.flatnonzero(~flat.all(axis=1)):
            entry = np.unravel_index(int(np.argmin(flat[instance])), values.shape[len(batch) :])
            index = (*np.unravel_index(instance, batch), *entry)
            place = f"[{', '.join(str(int(i)) for i in index)}]" if index else ""
            message = f"{name}{place} = {values[index]}: must be {wants}"
            problems.append(Problem(int(instance), name, message))
    return sorted(problems, key=lambda problem: problem.instance)


def all_in_range(fields: Mapping[str, AnyArray], batch: tuple[int, ...], edges: int) -> AnyArray:
    """Whether an instance has no problem, for fields that JAX may be tracing, ``[*batch]``."""
    good = [_in_range(name, array, edges) for name, array in fields.items()]
    return functools.reduce(operator.and_, [own.reshape((*batch, -1)).all(axis=-1) for own in good])


def _in_range(name: str, values: AnyArray, edges: int) -> Any:
    if name == "client_edge":
        return (values >= 0) & (values < edges)
    if values.dtype == np.bool_:
        return values | ~values
    rule = _ALL_RULES[name]
    return (values > 0 if rule.positive else values >= 0) & (values <= rule.upper)


def _forms(rule: FieldRule) -> tuple[str, ...]:
    """Axes that the field may have: its own, and one of nodes before them if there may be one."""
    return (rule.axes, rule.node + rule.axes) if rule.node else (rule.axes,)


def _shapes(rule: FieldRule, batch: tuple[int, ...], sizes: Mapping[str, int]) -> list[tuple[int, ...]]:
    return [batch + tuple(sizes[axis] for axis in axes) for axes in _forms(rule)]


def _wanted(rule: FieldRule, batch: tuple[int, ...] = (), sizes: Mapping[str, int] | None = None) -> str:
    words = [f"[{', '.join(AXIS_WORDS[axis] for axis in axes)}]" for axes in _forms(rule)]
    if sizes is not None:
        shapes = _shapes(rule, batch, sizes)
        words = [f"{word} = {list(shape)}" for word, shape in zip(words, shapes, strict=True)]
    return " or ".join(words)


def _short(value: object) -> str:
    text = repr(value).replace("\n", " ")
    return text if len(text) <= 60 else text[:57] + "..."
