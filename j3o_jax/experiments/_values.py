"""Values in a specification: one value, several in turn, or a distribution to draw from."""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from ..benchmarks import Parameter
from ..io.documents import described, refused, shown, suggestion, within

Value: TypeAlias = bool | int | float | str | None
"""A value of a parameter or of a setting."""

Read: TypeAlias = Callable[[object], Any]
"""Checks one value; raises `DocumentError`."""

MOST_VALUES = 100_000
"""Most values of one grid."""

RANGE = "{from: low, to: high, count: n}, with scale: log perhaps"
_RANGE_KEYS = ("from", "to", "count", "scale")


@dataclasses.dataclass(frozen=True)
class Fixed:
    """The same value everywhere."""

    value: Value

    @property
    def values(self) -> tuple[Value, ...]:
        """The one value."""
        return (self.value,)

    def plain(self) -> Any:
        """As a specification has it."""
        return self.value


@dataclasses.dataclass(frozen=True)
class Grid:
    """Every one of the values."""

    values: tuple[Value, ...]

    def plain(self) -> Any:
        """As a specification has it."""
        return list(self.values)

    def at(self, u: float) -> Value:
        """Return the value at `u` of [0, 1)."""
        return self.values[min(int(u * len(self.values)), len(self.values) - 1)]


@dataclasses.dataclass(frozen=True)
class Drawn:
    """A value for each seed, from a distribution; the same at every point of the grid.

    **Arguments:**

    - `distribution`: a name in `DISTRIBUTIONS`.
    - `numbers`: its parameters.
    - `low`, `high`: the range of what is drawn, to which a distribution without ends of its own is truncated.
    """

    distribution: str
    numbers: tuple[float, ...]
    low: float
    high: float

    def plain(self) -> Any:
        """As a specification has it."""
        return {self.distribution: list(self.numbers)}

    def draw(self, name: str, seeds: np.ndarray) -> np.ndarray:
        """Return the values ``[n]`` of parameter `name` for the seeds, int64 ``[n]``."""
        return DISTRIBUTIONS[self.distribution].draw(_uniform_numbers(name, seeds), self)


@dataclasses.dataclass(frozen=True)
class Distribution:
    """A kind of distribution.

    **Arguments:**

    - `wants`: how it is written.
    - `draw`: values from uniform numbers of (0, 1).
    - `problem`: what is wrong with its parameters, or None.
    """

    wants: str
    draw: Callable[[np.ndarray, Drawn], np.ndarray]
    problem: Callable[[Sequence[float]], str | None]


def _uniform(u: np.ndarray, drawn: Drawn) -> np.ndarray:
    low, high = drawn.numbers
    return np.clip(low + u * (high - low), low, high)


def _log_uniform(u: np.ndarray, drawn: Drawn) -> np.ndarray:
    low, high = drawn.numbers
    return np.clip(np.exp(math.log(low) + u * (math.log(high) - math.log(low))), low, high)


def _normal(u: np.ndarray, drawn: Drawn) -> np.ndarray:
    from scipy.special import ndtr, ndtri

    mean, deviation = drawn.numbers
    first, last = ndtr((drawn.low - mean) / deviation), ndtr((drawn.high - mean) / deviation)
    return np.clip(mean + deviation * ndtri(first + u * (last - first)), drawn.low, drawn.high)


def _choice(u: np.ndarray, drawn: Drawn) -> np.ndarray:
    return np.asarray(drawn.numbers)[np.minimum((u * len(drawn.numbers)).astype(int), len(drawn.numbers) - 1)]


def _ends(numbers: Sequence[float]) -> str | None:
    return None if len(numbers) == 2 and numbers[0] < numbers[1] else "write two numbers, the smaller one first"


def _positive_ends(numbers: Sequence[float]) -> str | None:
    return "both ends must be above 0" if len(numbers) == 2 and numbers[0] <= 0.0 else _ends(numbers)


def _deviates(numbers: Sequence[float]) -> str | None:
    good = len(numbers) == 2 and numbers[1] > 0.0
    return None if good else "write mean and standard deviation, which is above 0"


DISTRIBUTIONS: Mapping[str, Distribution] = {
    "uniform": Distribution("{uniform: [low, high]}", _uniform, _ends),
    "log_uniform": Distribution("{log_uniform: [low, high]}", _log_uniform, _positive_ends),
    "normal": Distribution("{normal: [mean, deviation]}", _normal, _deviates),
    "choice": Distribution("{choice: [value, value]}", _choice, lambda f: None if f else "write at least one value"),
}
"""The distributions, by the name that a specification has for them."""


def read_parameter(name: str, parameter: Parameter, given: object) -> Fixed | Grid | Drawn:
    """Read what a specification says of a parameter: a value, a list, a range, or a distribution.

    **Raises:** `DocumentError` with the key and what it wants.
    """
    wants = _wants(parameter)

    def read(value: object) -> Value:
        if isinstance(value, str | list | Mapping) or (value is None and not parameter.optional):
            raise refused((), f"{described(value)}: write {wants}")
        try:
            found = parameter.read(name, value, None)
        except ValueError:
            raise refused((), f"= {shown(value)} does not do: write {wants}") from None
        return found.item() if isinstance(found, np.ndarray) else found

    if isinstance(given, list):
        return read_list(read, given, "a distribution")
    if not isinstance(given, Mapping):
        return Fixed(read(given))
    if is_range(given):
        return read_range(read, given, whole=parameter.kind == "count")
    if len(given) != 1:
        ways = ", ".join(distribution.wants for distribution in DISTRIBUTIONS.values())
        raise refused((), f"is a mapping: write one of {ways} or {RANGE}")
    ((kind, numbers),) = given.items()
    if kind not in DISTRIBUTIONS:
        raise refused((kind,), f"is no distribution: {suggestion(kind, tuple(DISTRIBUTIONS))}")
    if parameter.kind != "number":
        raise refused((kind,), f"cannot be drawn, all scenarios of a batch share it: write {wants}, or a list")
    distribution = DISTRIBUTIONS[kind]
    if not isinstance(numbers, list) or not all(is_number(number) for number in numbers):
        raise refused((kind,), f"must be a list of numbers: write {distribution.wants}")
    found = tuple(map(float, numbers))
    problem = distribution.problem(found)
    if problem is not None:
        raise refused((kind,), f"= {shown(numbers)} does not do, {problem}: {distribution.wants}")
    if kind != "normal":  # which is truncated
        for index, number in enumerate(numbers):
            with within(kind, index):
                read(number)
    return Drawn(kind, found, parameter.low, parameter.high)


def read_list(read: Read, given: Sequence[object], otherwise: str) -> Grid:
    """Several values, each once; `otherwise` says what to write in place of too many."""
    if not given:
        raise refused((), "is an empty list: write at least one value")
    if len(given) > MOST_VALUES:
        raise refused((), f"has {len(given):,} values: write at most {MOST_VALUES:,}, or {otherwise}")
    values: list[Value] = []
    for index, entry in enumerate(given):
        with within(index):
            value = read(entry)
            if value in values:
                raise refused((), f"= {shown(entry)} is there twice: keep one of them")
        values.append(value)
    return Grid(tuple(values))


def is_range(given: Mapping[str, Any]) -> bool:
    """Whether a mapping is meant to be a range."""
    return bool(given.keys() & {"from", "to", "count"})


def read_range(read: Read, given: Mapping[str, Any], *, whole: bool) -> Grid:
    """Values evenly spread between two ends, or their logarithms; `whole` numbers are rounded."""
    unknown = next((key for key in given if key not in _RANGE_KEYS), None)
    if unknown is not None:
        raise refused((unknown,), f"does not belong to a range: write {RANGE}")
    for key in ("from", "to", "count"):
        if not is_number(given.get(key)):
            raise refused((key,) if key in given else (), f"wants a number as {key}: write {RANGE}")
    scale, count = given.get("scale", "linear"), given["count"]
    if scale not in ("linear", "log"):
        raise refused(("scale",), f"{described(scale)}: write linear or log")
    if not isinstance(count, int) or not 2 <= count <= MOST_VALUES:
        raise refused(("count",), f"= {shown(count)} does not do: write a whole number from 2 to {MOST_VALUES:,}")
    with within("from"):
        low = read(given["from"])
    with within("to"):
        high = read(given["to"])
    if not low < high:
        raise refused(("to",), f"= {shown(given['to'])} is not above {shown(given['from'])}: write the larger end here")
    if scale == "log" and low <= 0.0:
        raise refused(("from",), f"= {shown(given['from'])} has no logarithm: write a number above 0")
    values = np.geomspace(low, high, count) if scale == "log" else np.linspace(low, high, count)
    if whole:
        return Grid(tuple(int(value) for value in np.unique(np.round(values))))
    # Rounded to what a person would have written: 0.6, not 0.6000000000000001.
    return Grid(tuple(float(f"{value:.12g}") for value in values))


def is_number(value: object) -> bool:
    """Whether a value of a document is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _wants(parameter: Parameter) -> str:
    if parameter.kind == "flag":
        return "true or false"
    kind = "a whole number" if parameter.kind == "count" else "a number"
    return f"{kind} from {parameter.low:g} to {parameter.high:g}" + (", or null" if parameter.optional else "")


def _uniform_numbers(name: str, seeds: np.ndarray) -> np.ndarray:
    """Return a number of (0, 1) for every seed ``[n]``, the same on every machine; each name has its own stream."""
    first = hashlib.sha256(name.encode())

    def word(seed: int) -> int:
        own = first.copy()
        own.update(seed.to_bytes(8, "little"))
        return int.from_bytes(own.digest()[:8], "little")

    words = np.fromiter((word(seed) for seed in seeds.tolist()), dtype=np.uint64, count=len(seeds))
    return ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
