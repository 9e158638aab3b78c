"""The scenarios of a specification: a family, its parameters, and the seeds that they are drawn with."""

import dataclasses
import math
import os
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field

from .._scenario import Scenario
from ..benchmarks import NAMES
from ..io import load
from ..io.documents import (
    Collecting,
    FileError,
    Finding,
    Name,
    Part,
    described,
    read_document,
    refused,
    shown,
    suggestion,
    validated,
    within,
)
from ..named_methods import NamedMethod, named_method, read_method
from ._families import AbstractFamily, OfBenchmark, OfDeployment
from ._values import Drawn, Fixed, Grid, read_parameter

_MOST_POINTS = 1_000_000
_MOST_SEEDS = 2**31
SEED_WORDS = "a whole number of seeds, at least 1, or {first: 0, count: 20}"

SpecT = TypeVar("SpecT")
Seed = Annotated[int, Field(ge=0, lt=2**62, description="a whole number of at least 0")]
Count = Annotated[int, Field(ge=1, le=_MOST_SEEDS, description="a whole number of at least 1")]


class SeedsPart(Part):
    """The seeds `first` to `first` + `count` − 1."""

    first: Seed = 0
    count: Count


class PopulationPart(Part):
    """Keys that all specifications have. Values are validated later, against the family that is chosen."""

    name: Name | None = None
    benchmark: Annotated[str | None, Field(description=f"one of {', '.join(NAMES)}")] = None
    deployment: Annotated[str | None, Field(description="the path of a deployment file")] = None
    parameters: Annotated[
        dict[str, Any], Field(default_factory=dict, description="{parameter: value, list or distribution}")
    ]
    seeds: Annotated[Any, Field(description=SEED_WORDS)]


@dataclasses.dataclass(frozen=True)
class Population:
    """Every point of a grid with every seed.

    **Arguments:**

    - `family`: what scenarios are drawn from.
    - `parameters`: of the family, in its order; those that are not here are at their default.
    - `first_seed`, `seeds`: the seeds `first_seed` to `first_seed` + `seeds` − 1, the same at every point.
    """

    family: AbstractFamily
    parameters: Mapping[str, Fixed | Grid | Drawn]
    first_seed: int
    seeds: int

    @property
    def grid(self) -> dict[str, Grid]:
        """The parameters that take several values in turn."""
        return {name: value for name, value in self.parameters.items() if isinstance(value, Grid)}

    @property
    def drawn(self) -> dict[str, Drawn]:
        """The parameters that are drawn for each seed."""
        return {name: value for name, value in self.parameters.items() if isinstance(value, Drawn)}

    @property
    def points(self) -> int:
        """Number of points of the grid."""
        return math.prod(len(value.values) for value in self.grid.values())

    @property
    def scenarios(self) -> int:
        """Number of scenarios."""
        return self.points * self.seeds

    @property
    def has_batching(self) -> bool:
        """Whether any of the scenarios has it."""
        if isinstance(self.family, OfDeployment):
            return self.family.scenario.batching is not None
        windows = self.parameters.get("batching_window", Fixed(self.family.settings["batching_window"].default))
        return windows != Fixed(None)

    def plain(self) -> dict[str, Any]:
        """As plain data, with everything in it that the scenarios depend on."""
        return {
            **self.family.plain(),
            "parameters": {name: value.plain() for name, value in sorted(self.parameters.items())},
            "seeds": {"first": self.first_seed, "count": self.seeds},
        }

    def refuse_repeats(self, key: str = "seeds") -> None:
        """Raise `DocumentError` where several seeds, which are under `key`, would have the same scenarios."""
        random = self.family.random
        if self.seeds > 1 and random is not None and not self.drawn and not self.parameters.keys() & {*random}:
            words = " or ".join(random)
            raise refused((key,), f"= {self.seeds} would solve the same scenarios again: write 1, or give {words}")

    def refuse_method(self, method: NamedMethod) -> None:
        """Raise `DocumentError` where a method cannot solve the scenarios."""
        if method.method == "baj3o" and not self.has_batching:
            raise refused((), "= 'baj3o' needs batching: give batching_window, or write j3o")
        if method.method == "bilinear-minlp" and self.has_batching:
            raise refused((), "= 'bilinear-minlp' knows no batching: take it out")


def read_specification(
    path: str | os.PathLike[str], what: str, remedy: str, make: Callable[[Any, str], SpecT]
) -> SpecT:
    """Read a YAML or JSON file, and make a specification of its data and of the folder that its paths are relative to.

    **Raises:** `FileError` that says on which line what is wrong, and what belongs there.
    """
    document = read_document(path, what, remedy)
    return document.become(lambda data: make(data, os.path.dirname(document.path)))


def population_of(part: PopulationPart, folder: str, findings: list[Finding]) -> Population | None:
    """Read which scenarios a specification asks for; None where there are findings, which are added to the others."""
    first, count, family, parameters = 0, 1, None, {}
    before = len(findings)
    with Collecting(findings):
        first, count = read_seeds("seeds", part.seeds)
    with Collecting(findings):
        family = _family(part, folder)
        parameters = _parameters(family, part.parameters, findings)
    if len(findings) > before or family is None:
        return None
    found = Population(family, parameters, first, count)
    with Collecting(findings):
        if found.points > _MOST_POINTS:
            words = f"make a grid of {found.points:,} points: at most {_MOST_POINTS:,}; draw some"
            raise refused(("parameters",), words)
        found.refuse_repeats()
        return found
    return None


def read_seeds(key: str, given: object) -> tuple[int, int]:
    """Read the first seed and the number of seeds under a key."""
    if isinstance(given, dict):
        with within(key):
            part = validated(SeedsPart, given)
        return part.first, part.count
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= _MOST_SEEDS:
        raise refused((key,), f"{described(given)}: write {SEED_WORDS}")
    return 0, given


def read_named_method(entry: object, folder: str) -> NamedMethod:
    """Read a method: its name, a mapping with settings, or {file: PATH}, perhaps with a label."""
    if not isinstance(entry, dict) or "file" not in entry:
        return named_method(entry)
    other = next((key for key in entry if key not in ("file", "label")), None)
    if other is not None:
        raise refused((other,), "does not go with file: write it into that file")
    path = entry["file"]
    if not isinstance(path, str):
        raise refused(("file",), f"{described(path)}: write the path of a method's file")
    try:
        method = read_method(os.path.join(folder, path))
    except FileError as error:
        raise refused(("file",), f"= {shown(path)} cannot be read: {error}") from None
    if "label" not in entry:
        return method
    label = named_method({"method": "j3o", "label": entry["label"]}).label
    return dataclasses.replace(method, label=label)


def _family(part: PopulationPart, folder: str) -> AbstractFamily:
    name, path = part.benchmark, part.deployment
    if name is not None and path is not None:
        raise refused(("deployment",), "goes without a benchmark: leave one of the two out")
    if name is not None:
        if name not in NAMES:
            raise refused(("benchmark",), f"= {shown(name)} is no benchmark: {suggestion(name, tuple(NAMES))}")
        return OfBenchmark(name)
    if path is None:
        raise refused(("benchmark",), f"is missing: write one of {', '.join(NAMES)}, or deployment: FILE instead")
    try:
        scenario = load(os.path.join(folder, path), want=Scenario)
    except FileError as error:
        raise refused(("deployment",), f"= {shown(path)} cannot be read: {error}") from None
    if scenario.batch_shape:
        raise refused(("deployment",), f"= {shown(path)} holds a batch: name the file of one deployment")
    return OfDeployment(path, scenario)


def _parameters(
    family: AbstractFamily, given: Mapping[str, Any], findings: list[Finding]
) -> dict[str, Fixed | Grid | Drawn]:
    known = family.settings
    read: dict[str, Fixed | Grid | Drawn] = {}
    for name, value in given.items():
        with Collecting(findings), within("parameters", name):
            if name not in known:
                raise refused((), f"is no parameter of it: {suggestion(name, tuple(known))}")
            read[name] = read_parameter(name, known[name], value)
    for name, value in read.items():
        needs = known[name].needs
        if needs is not None and value != Fixed(None) and read.get(needs, Fixed(None)) == Fixed(None):
            findings.append(Finding(("parameters", name), f"has no effect without {needs}: give that too"))
    # In the family's order, so that the same sweep is the same whatever its lines' order.
    return {name: read[name] for name in known if name in read}
