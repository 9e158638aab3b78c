"""Search space of a setting: values to try, or a range to draw from."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, get_args

from ...io.documents import DocumentError, described, refused, shown, suggestion, validated, within
from ...named_methods import METHODS
from .._values import RANGE, Grid, Value, is_number, is_range, read_list, read_range

_DISTRIBUTIONS = {"uniform": False, "log_uniform": True}
_WAYS = f"a list, {RANGE}, {{uniform: [low, high]}} or {{log_uniform: [low, high]}}"


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
        """Return the value at `u` of [0, 1)."""
        # Whole numbers have the stretch around them, so that those at the ends are as likely as the others.
        low, high = (self.low - 0.5, self.high + 0.5) if self.whole else (self.low, self.high)
        value = math.exp(math.log(low) + u * math.log(high / low)) if self.log else low + u * (high - low)
        value = min(max(value, self.low), self.high)
        return min(max(round(value), int(self.low)), int(self.high)) if self.whole else value


def read_setting(method: str, name: str, given: object) -> Grid | Range:
    """Read what a specification says of setting `name` of `method`, a name in the registry.

    **Raises:** `DocumentError` with the key and what it wants.
    """
    schema = METHODS[method].schema

    def read(value: object) -> Any:
        try:
            return getattr(validated(schema, {name: value}), name)
        except DocumentError as error:
            raise refused((), error.findings[0].message) from None

    if isinstance(given, list):
        # None leaves a setting at the method's own default.
        return read_list(lambda value: None if value is None else read(value), given, "a range")
    if not isinstance(given, Mapping):
        raise refused((), f"{described(given)}: write {_WAYS}")
    kinds = get_args(schema.model_fields[name].annotation)
    if not {int, float}.intersection(kinds):
        raise refused((), "is a mapping, and the setting takes words: write a list of them")
    whole = float not in kinds
    if is_range(given):
        return read_range(read, given, whole=whole)
    if len(given) != 1:
        raise refused((), f"is a mapping: write {_WAYS}")
    ((kind, ends),) = given.items()
    if kind not in _DISTRIBUTIONS:
        raise refused((kind,), f"is no range: {suggestion(kind, tuple(_DISTRIBUTIONS))}")
    wants, log = f"write {{{kind}: [low, high]}}", _DISTRIBUTIONS[kind]
    if not isinstance(ends, list) or len(ends) != 2 or not all(map(is_number, ends)):
        raise refused((kind,), f"must be a list of two numbers: {wants}")
    numbers = []
    for index, end in enumerate(ends):
        with within(kind, index):
            numbers.append(read(end))
    low, high = numbers
    if not low < high or (log and low <= 0.0):
        above = ", both above 0" if log else ""
        raise refused((kind,), f"= {shown(ends)} does not do: {wants}, the smaller one first{above}")
    return Range(float(low), float(high), log, whole)
