"""Declarations of experiments: points to solve at, methods to solve by, and how it is shown. Loads no library."""

import dataclasses
from collections.abc import Mapping
from typing import Literal, TypeAlias

from .methods import Value


@dataclasses.dataclass(frozen=True)
class Point:
    """A family of scenarios that is solved for every seed.

    **Arguments:**

    - `benchmark`: its name in `j3o_jax.benchmarks.NAMES`.
    - `overrides`: parameters of the benchmark that are not at their default.
    - `x`: where the point is on the horizontal axis of a figure.
    - `series`: the curve that it belongs to, for a figure with more curves than methods; "" otherwise.
    """

    benchmark: str
    overrides: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    x: float | None = None
    series: str = ""


@dataclasses.dataclass(frozen=True)
class Axis:
    """The horizontal axis of a figure.

    **Arguments:**

    - `words`: what it shows.
    - `symbol`: the same as a symbol of docs/formulation.md.
    - `meaning`: what the words leave open; for brackets.
    """

    words: str
    symbol: str = ""
    meaning: str = ""

    @property
    def label(self) -> str:
        """As it is written below the axis."""
        return " ".join(part for part in (self.words, self.meaning and f"({self.meaning})", self.symbol) if part)

    @property
    def heading(self) -> str:
        """As it is written above a column of a table, where there is little room."""
        return self.symbol or self.words


Shown: TypeAlias = Literal["accuracy", "edge_models", "client_models", "edge_batches"]
"""What a panel of a figure on placements shows."""


@dataclasses.dataclass(frozen=True)
class View:
    """One panel of a figure on placements.

    **Arguments:**

    - `shows`: ``accuracy`` has a curve for each method; ``edge_models`` and ``client_models`` one for each model, by
      how large a part of these nodes it answers queries; ``edge_batches`` one for each task, the queries of a window.
    - `title`: what stands above it.
    - `series`: the points that it shows; several series have curves of their own on it.
    - `method`: whose decisions it shows; "" for those of the experiment's last method.
    """

    shows: Shown
    title: str
    series: tuple[str, ...]
    method: str = ""


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A table or a figure of the paper.

    **Arguments:**

    - `title`: what it is called in the paper, and what it shows.
    - `does`: the same for a list of all of them, in a few words.
    - `points`, `methods`: what is solved, and by which methods of `methods.METHODS`.
    - `kind`: a ``table`` has a row for each method at each point; a ``sweep`` is a figure over the points' x; a
      ``convergence`` is a figure over iterations, at a single point; a ``placement`` is a figure over the points' x
      that shows what is decided, besides what is reached.
    - `axis`: the horizontal axis of a figure.
    - `iterations`: how many iterations a figure over iterations shows; the first plan is iteration 1.
    - `from_zero`: whether the vertical axis of a sweep starts at 0; if not, it is cut around the curves.
    - `digits`: decimals of what is reached, in tables.
    - `views`: panels of a placement, in rows.
    - `settings`: what the points have in common that the paper leaves out, in a sentence for the foot of the table.
    """

    title: str
    does: str
    points: tuple[Point, ...]
    methods: tuple[str, ...]
    kind: Literal["table", "sweep", "convergence", "placement"]
    axis: Axis | None = None
    iterations: int = 0
    from_zero: bool = True
    digits: int = 3
    views: tuple[tuple[View, ...], ...] = ()
    settings: str = ""

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """Names of its benchmarks, each once."""
        return tuple(dict.fromkeys(point.benchmark for point in self.points))

    def narrowed(self, methods: tuple[str, ...], benchmarks: tuple[str, ...]) -> "Experiment":
        """Return the experiment with only these methods and benchmarks, in its own order."""
        return dataclasses.replace(
            self,
            points=tuple(point for point in self.points if point.benchmark in benchmarks),
            methods=tuple(method for method in self.methods if method in methods),
            views=tuple(row for row in self.views if all(view.method in ("", *methods) for view in row)),
        )


def sweep(
    benchmark: str,
    parameter: str,
    values: tuple[float, ...],
    beside: Mapping[str, Value] | None = None,
    series: str = "",
) -> tuple[Point, ...]:
    """Points at which one parameter takes each of the values, which are also their places on the axis.

    `beside` are the other parameters that are not at their default, `series` is the curve that they belong to.
    """
    return tuple(Point(benchmark, {**(beside or {}), parameter: value}, value, series) for value in values)
