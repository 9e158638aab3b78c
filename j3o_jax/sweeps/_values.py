"""What a sweep says of a parameter: one value, several in turn, or a distribution to draw from for every scenario."""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from ..benchmarks import Parameter
from ..io.documents import described, refused, shown, suggestion, within

Plain: TypeAlias = bool | int | float | None
"""A value of a parameter."""

MOST_VALUES = 100_000
"""Most values of one parameter's grid."""


@dataclasses.dataclass(frozen=True)
class Fixed:
    """The same value everywhere."""

    value: Plain

    def plain(self) -> Any:
        """As a specification has it."""
        return self.value


@dataclasses.dataclass(frozen=True)
class Grid:
    """Every one of the values, with every seed."""

    values: tuple[Plain, ...]

    def plain(self) -> Any:
        """As a specification has it."""
        return list(self.values)


@dataclasses.dataclass(frozen=True)
class Drawn:
    """A value for each seed, from a distribution; the same at every point of the grid.

    **Arguments:**

    - `law`: a name in `LAWS`.
    - `figures`: what the law takes.
    - `low`, `high`: the range of the parameter, to which a law without ends of its own is truncated.
    """

    law: str
    figures: tuple[float, ...]
    low: float
    high: float

    def plain(self) -> Any:
        """As a specification has it."""
        return {self.law: list(self.figures)}

    def draw(self, name: str, seeds: np.ndarray) -> np.ndarray:
        """The values of parameter `name` for the seeds. ``[n]`` from int64 ``[n]``"""
        return LAWS[self.law].draw(_uniform(name, seeds), self)


@dataclasses.dataclass(frozen=True)
class Law:
    """A kind of distribution.

    **Arguments:**

    - `wants`: how it is written.
    - `draw`: values from uniform numbers of (0, 1).
    - `problem`: what is wrong with figures, or None.
    """

    wants: str
    draw: Callable[[np.ndarray, Drawn], np.ndarray]
    problem: Callable[[Sequence[float]], str | None]


def _uniform_law(u: np.ndarray, drawn: Drawn) -> np.ndarray:
    low, high = drawn.figures
    return np.clip(low + u * (high - low), low, high)


def _log_uniform_law(u: np.ndarray, drawn: Drawn) -> np.ndarray:
    low, high = drawn.figures
    return np.clip(np.exp(math.log(low) + u * (math.log(high) - math.log(low))), low, high)


def _normal_law(u: np.ndarray, drawn: Drawn) -> np.ndarray:
    from scipy.special import ndtr, ndtri

    mean, deviation = drawn.figures
    first, last = ndtr((drawn.low - mean) / deviation), ndtr((drawn.high - mean) / deviation)
    return np.clip(mean + deviation * ndtri(first + u * (last - first)), drawn.low, drawn.high)


def _choice_law(u: np.ndarray, drawn: Drawn) -> np.ndarray:
    return np.asarray(drawn.figures)[np.minimum((u * len(drawn.figures)).astype(int), len(drawn.figures) - 1)]


def _ends(figures: Sequence[float]) -> str | None:
    return None if len(figures) == 2 and figures[0] < figures[1] else "write two numbers, the smaller one first"


def _positive_ends(figures: Sequence[float]) -> str | None:
    return "both ends must be above 0" if len(figures) == 2 and figures[0] <= 0.0 else _ends(figures)


def _deviates(figures: Sequence[float]) -> str | None:
    good = len(figures) == 2 and figures[1] > 0.0
    return None if good else "write mean and standard deviation, which is above 0"


LAWS: Mapping[str, Law] = {
    "uniform": Law("{uniform: [low, high]}", _uniform_law, _ends),
    "log_uniform": Law("{log_uniform: [low, high]}", _log_uniform_law, _positive_ends),
    "normal": Law("{normal: [mean, deviation]}", _normal_law, _deviates),
    "choice": Law("{choice: [value, value]}", _choice_law, lambda f: None if f else "write at least one value"),
}
"""The distributions, by the name that a specification has for them."""

_GRID = "{from: low, to: high, count: n}"


def read_value(name: str, parameter: Parameter, given: object) -> Fixed | Grid | Drawn:
    """What a specification says of a parameter: a value, a list, a range, or a distribution.

    **Raises:** `DocumentError` with the key and what it wants.
    """
    if isinstance(given, list):
        return _grid(name, parameter, given)
    if isinstance(given, Mapping):
        return _mapping(name, parameter, given)
    return Fixed(_single(name, parameter, given))


def _single(name: str, parameter: Parameter, given: object) -> Plain:
    wants = _wants(parameter)
    if isinstance(given, str | list | Mapping) or (given is None and not parameter.optional):
        raise refused((), f"{described(given)}: write {wants}")
    try:
        read = parameter.read(name, given, None)
    except ValueError:
        raise refused((), f"= {shown(given)} does not do: write {wants}") from None
    return read.item() if isinstance(read, np.ndarray) else read


def _wants(parameter: Parameter) -> str:
    if parameter.kind == "flag":
        return "true or false"
    kind = "a whole number" if parameter.kind == "count" else "a number"
    return f"{kind} from {parameter.low:g} to {parameter.high:g}" + (", or null" if parameter.optional else "")


def _grid(name: str, parameter: Parameter, given: list[Any]) -> Grid:
    if not given:
        raise refused((), "is an empty list: write at least one value")
    values: list[Plain] = []
    for index, entry in enumerate(given):
        with within(index):
            value = _single(name, parameter, entry)
            if value in values:
                raise refused((), f"= {shown(entry)} is there twice: keep one of them")
        values.append(value)
    return _limited(tuple(values))


def _limited(values: tuple[Plain, ...]) -> Grid:
    if len(values) > MOST_VALUES:
        raise refused((), f"has {len(values):,} values: write at most {MOST_VALUES:,}, or a distribution")
    return Grid(values)


def _mapping(name: str, parameter: Parameter, given: Mapping[str, Any]) -> Grid | Drawn:
    if "from" in given or "to" in given or "count" in given:
        return _range(name, parameter, given)
    ways = f"{', '.join(law.wants for law in LAWS.values())} or {_GRID}"
    if len(given) != 1:
        raise refused((), f"is a mapping: write one of {ways}")
    ((law, figures),) = given.items()
    if law not in LAWS:
        raise refused((law,), f"is no distribution: {suggestion(law, tuple(LAWS))}")
    if parameter.kind != "number":
        raise refused(
            (law,), f"cannot be drawn, all scenarios of a batch share it: write {_wants(parameter)}, or a list"
        )
    if not isinstance(figures, list) or not all(_is_number(figure) for figure in figures):
        raise refused((law,), f"must be a list of numbers: write {LAWS[law].wants}")
    numbers = tuple(float(figure) for figure in figures)
    problem = LAWS[law].problem(numbers)
    if problem is not None:
        raise refused((law,), f"= {shown(figures)} does not do, {problem}: {LAWS[law].wants}")
    if law != "normal":  # which is truncated
        for index, figure in enumerate(figures):
            with within(law, index):
                _single(name, parameter, figure)
    return Drawn(law, numbers, parameter.low, parameter.high)


def _range(name: str, parameter: Parameter, given: Mapping[str, Any]) -> Grid:
    unknown = next((key for key in given if key not in ("from", "to", "count")), None)
    if unknown is not None:
        raise refused((unknown,), f"does not belong to a range: write {_GRID}")
    for key in ("from", "to", "count"):
        if not _is_number(given.get(key)):
            raise refused((key,) if key in given else (), f"wants a number as {key}: write {_GRID}")
    count = given["count"]
    if not isinstance(count, int) or not 2 <= count <= MOST_VALUES:
        raise refused(("count",), f"= {shown(count)} does not do: write a whole number from 2 to {MOST_VALUES:,}")
    low, high = float(given["from"]), float(given["to"])
    if not low < high:
        raise refused(("to",), f"= {shown(given['to'])} is not above {shown(given['from'])}: write the larger end here")
    values = np.linspace(low, high, count)
    if parameter.kind == "count":
        if (values != np.round(values)).any():
            raise refused(("count",), "leaves no whole numbers between the ends: write a list")
        return _grid(name, parameter, [int(value) for value in values])
    # Rounded to what a person would have written: 0.6, not 0.6000000000000001.
    return _grid(name, parameter, [float(f"{value:.12g}") for value in values])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _uniform(name: str, seeds: np.ndarray) -> np.ndarray:
    """A number of (0, 1) for every seed, the same on every machine; parameters have streams of their own. ``[n]``"""
    first = hashlib.sha256(name.encode())

    def word(seed: int) -> int:
        own = first.copy()
        own.update(seed.to_bytes(8, "little"))
        return int.from_bytes(own.digest()[:8], "little")

    words = np.fromiter((word(seed) for seed in seeds.tolist()), dtype=np.uint64, count=len(seeds))
    return ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
