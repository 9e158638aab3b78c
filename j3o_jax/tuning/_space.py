"""What a search says of a setting: values to try, or a range to draw from."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from ..io.documents import DocumentError, described, refused, shown, suggestion, validated, within
from ..named_methods import METHODS

Value: TypeAlias = bool | int | float | str | None
"""A value of a setting; None leaves it at the method's own default."""

MOST_VALUES = 100_000
"""Most values of one setting."""

_GRID = "{from: low, to: high, count: n}, with scale: log perhaps"
_LAWS = {"uniform": False, "log_uniform": True}
_WAYS = f"a list, {_GRID}, {{uniform: [low, high]}} or {{log_uniform: [low, high]}}"


@dataclasses.dataclass(frozen=True)
class Choices:
    """One of several values."""

    values: tuple[Value, ...]

    def plain(self) -> Any:
        """As a specification has it."""
        return list(self.values)

    def at(self, u: float) -> Value:
        """The value at `u` of [0, 1)."""
        return self.values[min(int(u * len(self.values)), len(self.values) - 1)]


@dataclasses.dataclass(frozen=True)
class Range:
    """A number between two ends, which belong to it.

    **Arguments:**

    - `low`, `high`: the ends.
    - `log`: whether the logarithm is spread evenly, and not the number.
    - `whole`: whether it is a whole number.
    """

    low: float
    high: float
    log: bool
    whole: bool

    def plain(self) -> Any:
        """As a specification has it."""
        return {"log_uniform" if self.log else "uniform": [self.low, self.high]}

    def at(self, u: float) -> Value:
        """The value at `u` of [0, 1)."""
        # Whole numbers have the stretch around them, so that those at the ends are as likely as the others.
        low, high = (self.low - 0.5, self.high + 0.5) if self.whole else (self.low, self.high)
        value = math.exp(math.log(low) + u * math.log(high / low)) if self.log else low + u * (high - low)
        value = min(max(value, self.low), self.high)
        return min(max(round(value), int(self.low)), int(self.high)) if self.whole else value


def read_dimension(method: str, name: str, given: object) -> Choices | Range:
    """What a specification says of setting `name` of `method`, a name in the registry.

    **Raises:** `DocumentError` with the key and what it wants.
    """
    if isinstance(given, list):
        return _list(method, name, given)
    if not isinstance(given, Mapping):
        raise refused((), f"{described(given)}: write {_WAYS}")
    kind = _kind(method, name)
    if kind == "word":
        raise refused((), "is a mapping, and the setting takes words: write a list of them")
    if "from" in given or "to" in given or "count" in given:
        return _grid(method, name, kind, given)
    if len(given) != 1:
        raise refused((), f"is a mapping: write {_WAYS}")
    ((law, ends),) = given.items()
    if law not in _LAWS:
        raise refused((law,), f"is no range: {suggestion(law, tuple(_LAWS))}")
    wants = f"write {{{law}: [low, high]}}"
    if not isinstance(ends, list) or len(ends) != 2 or not all(_is_number(end) for end in ends):
        raise refused((law,), f"must be a list of two numbers: {wants}")
    low, high = (_checked(method, name, end, law, place) for place, end in enumerate(ends))
    if not low < high or (_LAWS[law] and low <= 0.0):
        above = ", both above 0" if _LAWS[law] else ""
        raise refused((law,), f"= {shown(ends)} does not do: {wants}, the smaller one first{above}")
    return Range(float(low), float(high), _LAWS[law], kind == "count")


def _list(method: str, name: str, given: list[Any]) -> Choices:
    if not given:
        raise refused((), "is an empty list: write at least one value")
    if len(given) > MOST_VALUES:
        raise refused((), f"has {len(given):,} values: write at most {MOST_VALUES:,}, or a range")
    values: list[Value] = []
    for index, entry in enumerate(given):
        value = None if entry is None else _checked(method, name, entry, index)
        if value in values:
            raise refused((index,), f"= {shown(entry)} is there twice: keep one of them")
        values.append(value)
    return Choices(tuple(values))


def _grid(method: str, name: str, kind: str, given: Mapping[str, Any]) -> Choices:
    unknown = next((key for key in given if key not in ("from", "to", "count", "scale")), None)
    if unknown is not None:
        raise refused((unknown,), f"does not belong to a range: write {_GRID}")
    for key in ("from", "to", "count"):
        if not _is_number(given.get(key)):
            raise refused((key,) if key in given else (), f"wants a number as {key}: write {_GRID}")
    scale, count = given.get("scale", "linear"), given["count"]
    if scale not in ("linear", "log"):
        raise refused(("scale",), f"{described(scale)}: write linear or log")
    if not isinstance(count, int) or not 2 <= count <= MOST_VALUES:
        raise refused(("count",), f"= {shown(count)} does not do: write a whole number from 2 to {MOST_VALUES:,}")
    low, high = (_checked(method, name, given[key], key) for key in ("from", "to"))
    if not low < high:
        raise refused(("to",), f"= {shown(given['to'])} is not above {shown(given['from'])}: write the larger end here")
    if scale == "log" and low <= 0.0:
        raise refused(("from",), f"= {shown(given['from'])} has no logarithm: write a number above 0")
    values = np.geomspace(low, high, count) if scale == "log" else np.linspace(low, high, count)
    if kind == "count":
        return Choices(tuple(int(value) for value in np.unique(np.round(values))))
    # Rounded to what a person would have written: 0.001, not 0.0010000000000000002.
    return Choices(tuple(float(f"{value:.12g}") for value in values))


def _checked(method: str, name: str, value: Any, *loc: str | int) -> Any:
    """A value that the setting can have."""
    with within(*loc):
        try:
            part = validated(METHODS[method].schema, {name: value})
        except DocumentError as error:
            raise refused((), error.findings[0].message) from None
    return getattr(part, name)


def _kind(method: str, name: str) -> Literal["word", "count", "number"]:
    kinds = get_args(METHODS[method].schema.model_fields[name].annotation)
    return "number" if float in kinds else "count" if int in kinds else "word"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
