"""The paper's experiments, declared: points to solve at, methods to solve by. Loads no library.

A further figure is a further entry of `EXPERIMENTS`.
"""

import dataclasses
from collections.abc import Mapping
from typing import Literal

from .entries import METHODS, Value


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


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A table or a figure of the paper.

    **Arguments:**

    - `title`: what it is called in the paper, and what it shows.
    - `does`: the same for a list of all of them, in a few words.
    - `points`, `methods`: what is solved, and by which methods of `entries.METHODS`.
    - `kind`: a ``table`` has a row for each method at each point; a ``sweep`` is a figure over the points' x; a
      ``convergence`` is a figure over iterations, at a single point.
    - `axis`: the horizontal axis of a figure.
    - `iterations`: how many iterations a figure over iterations shows; the first plan is iteration 1.
    """

    title: str
    does: str
    points: tuple[Point, ...]
    methods: tuple[str, ...]
    kind: Literal["table", "sweep", "convergence"]
    axis: Axis | None = None
    iterations: int = 0

    @property
    def benchmarks(self) -> tuple[str, ...]:
        """Names of its benchmarks, each once."""
        return tuple(dict.fromkeys(point.benchmark for point in self.points))

    def narrowed(self, methods: tuple[str, ...], benchmarks: tuple[str, ...]) -> "Experiment":
        """The experiment with only these methods and benchmarks, in its own order."""
        return dataclasses.replace(
            self,
            points=tuple(point for point in self.points if point.benchmark in benchmarks),
            methods=tuple(method for method in self.methods if method in methods),
        )


def sweep(benchmark: str, parameter: str, values: tuple[float, ...]) -> tuple[Point, ...]:
    """Points at which one parameter takes each of the values, which are also their places on the axis."""
    return tuple(Point(benchmark, {parameter: value}, value) for value in values)


_WITHOUT_FULL_LOCAL = tuple(method for method in METHODS if method != "full-local")

EXPERIMENTS: Mapping[str, Experiment] = {
    "table4": Experiment(
        title="Table IV: quality and time of the methods",
        does="quality and time of all methods on taskonomy5, domainnet6 and cityscapes3d",
        points=(Point("taskonomy5"), Point("domainnet6"), Point("cityscapes3d")),
        methods=tuple(METHODS),
        kind="table",
    ),
    "fig3": Experiment(
        title="Figure 3: loss over the iterations",
        does="loss over the iterations of all methods, taskonomy5",
        points=(Point("taskonomy5"),),
        methods=tuple(METHODS),
        kind="convergence",
        axis=Axis("Iteration", meaning="outer round"),
        iterations=8,
    ),
    "fig4": Experiment(
        title="Figure 4: loss over the offloading budget",
        does="loss over the edges' uplink χₑ, 0.4 to 0.9, taskonomy5",
        points=sweep("taskonomy5", "edge_uplink_fraction", (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)),
        methods=_WITHOUT_FULL_LOCAL,
        kind="sweep",
        axis=Axis("Edge uplink, as a fraction of the clients' input,", "χₑ"),
    ),
    "fig5": Experiment(
        title="Figure 5: loss over the clients' compute",
        does="loss over the clients' compute χᵦ, 0.3 to 1.0, taskonomy5",
        points=sweep("taskonomy5", "client_compute_scale", (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)),
        methods=_WITHOUT_FULL_LOCAL,
        kind="sweep",
        axis=Axis("Client compute, as a fraction of Table III,", "χᵦ"),
    ),
}

LISTED = "\n\n".join(f"{name}: {experiment.does}" for name, experiment in EXPERIMENTS.items())
