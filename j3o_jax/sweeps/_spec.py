"""The specification of a sweep: what is solved, by which methods."""

import dataclasses
import functools
import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from .._digest import digest_of
from .._scenario import Scenario
from ..benchmarks import NAMES
from ..io import load
from ..io.documents import (
    Collecting,
    DocumentError,
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
from ._values import Drawn, Fixed, Grid, read_value

REMEDY = "write `benchmark: taskonomy5`, `seeds: 20` and `methods: [j3o]`"
_MOST_POINTS = 1_000_000
_MOST_SEEDS = 2**31
_SEED_WORDS = "a whole number of seeds, at least 1, or {first: 0, count: 20}"

Seed = Annotated[int, Field(ge=0, lt=2**62, description="a whole number of at least 0")]
Count = Annotated[int, Field(ge=1, le=_MOST_SEEDS, description="a whole number of at least 1")]


class SeedsPart(Part):
    """The seeds `first` to `first` + `count` − 1."""

    first: Seed = 0
    count: Count


class SweepPart(Part):
    """The keys of a specification; what is in them is looked at where it is known what belongs there."""

    format: Literal["j3o-sweep-1"] | None = None
    name: Name | None = None
    benchmark: Annotated[str | None, Field(description=f"one of {', '.join(NAMES)}")] = None
    deployment: Annotated[str | None, Field(description="the path of a deployment file")] = None
    parameters: Annotated[
        dict[str, Any], Field(default_factory=dict, description="{parameter: value, list or distribution}")
    ]
    seeds: Annotated[Any, Field(description=_SEED_WORDS)]
    methods: Annotated[list[Any], Field(description="a list of methods, such as [j3o, exact-milp]", min_length=1)]
    chunk: Annotated[int | None, Field(ge=1, le=10**6, description="scenarios of a chunk, from 1 to 1000000")] = None


@dataclasses.dataclass(frozen=True)
class SweepSpec:
    """What a sweep solves: every point of the grid, with every seed, by every method.

    **Arguments:**

    - `family`: what scenarios are drawn from.
    - `parameters`: of the family; those that are not here are at their default.
    - `first_seed`, `seeds`: the seeds `first_seed` to `first_seed` + `seeds` − 1, the same at every point.
    - `methods`: with labels that differ.
    - `chunk`: scenarios of a chunk; None is 1024 for methods that solve batches as one program, and 16 for others.
    - `name`: what reports are called.
    """

    family: AbstractFamily
    parameters: Mapping[str, Fixed | Grid | Drawn]
    first_seed: int
    seeds: int
    methods: tuple[NamedMethod, ...]
    chunk: int | None = None
    name: str = ""

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
        """How many points the grid has."""
        return _product(self.grid)

    @property
    def scenarios(self) -> int:
        """How many scenarios there are; each is solved by every method."""
        return self.points * self.seeds

    def plain(self) -> dict[str, Any]:
        """The specification as plain data, with everything in it that the results depend on."""
        return {
            **self.family.plain(),
            "parameters": {name: value.plain() for name, value in sorted(self.parameters.items())},
            "seeds": {"first": self.first_seed, "count": self.seeds},
            "methods": [{**method.plain(), "label": method.label} for method in self.methods],
            "chunk": self.chunk,
        }

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of `plain` as canonical JSON."""
        return digest_of(self.plain())


def read_sweep_spec(path: str | os.PathLike[str]) -> SweepSpec:
    """The specification in a YAML or JSON file. Paths in it are relative to its folder.

    **Raises:** `FileError` that says on which line what is wrong, and what belongs there.
    """
    document = read_document(path, "a sweep", REMEDY)
    folder = os.path.dirname(document.path)
    return document.become(lambda data: sweep_spec(data, folder))


def sweep_spec(data: object, folder: str = "") -> SweepSpec:
    """The specification in plain data, as a file has it; paths are relative to `folder`.

    **Raises:** `DocumentError`.
    """
    if not isinstance(data, dict):
        raise refused((), f"{described(data)}: {REMEDY}")
    part = validated(SweepPart, data)
    findings: list[Finding] = []
    first, count = 0, 1
    family, parameters = None, {}
    with Collecting(findings):
        first, count = _seeds(part.seeds)
    methods = _methods(part.methods, folder, findings)
    with Collecting(findings):
        family = _family(part, folder)
        parameters = _parameters(family, part.parameters, findings)
    if findings or family is None:
        raise DocumentError(findings)
    spec = SweepSpec(family, parameters, first, count, methods, part.chunk, part.name or "")
    _check_whole(spec)
    return spec


def _seeds(given: object) -> tuple[int, int]:
    if isinstance(given, dict):
        with within("seeds"):
            part = validated(SeedsPart, given)
        return part.first, part.count
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= _MOST_SEEDS:
        raise refused(("seeds",), f"{described(given)}: write {_SEED_WORDS}")
    return 0, given


def _family(part: SweepPart, folder: str) -> AbstractFamily:
    if part.benchmark is None and part.deployment is None:
        raise refused(("benchmark",), f"is missing: write one of {', '.join(NAMES)}, or deployment: FILE instead")
    if part.benchmark is not None and part.deployment is not None:
        raise refused(("deployment",), "goes without a benchmark: leave one of the two out")
    if part.benchmark is not None:
        if part.benchmark not in NAMES:
            known = suggestion(part.benchmark, tuple(NAMES))
            raise refused(("benchmark",), f"= {shown(part.benchmark)} is no benchmark: {known}")
        return OfBenchmark(part.benchmark)
    assert part.deployment is not None
    try:
        scenario = load(os.path.join(folder, part.deployment), want=Scenario)
    except FileError as error:
        raise refused(("deployment",), f"= {shown(part.deployment)} cannot be read: {error}") from None
    if scenario.batch_shape:
        raise refused(("deployment",), f"= {shown(part.deployment)} holds a batch: name the file of one deployment")
    return OfDeployment(part.deployment, scenario)


def _parameters(
    family: AbstractFamily, given: Mapping[str, Any], findings: list[Finding]
) -> dict[str, Fixed | Grid | Drawn]:
    known = family.settings
    read: dict[str, Fixed | Grid | Drawn] = {}
    for name, value in given.items():
        with Collecting(findings), within("parameters", name):
            if name not in known:
                raise refused((), f"is no parameter of it: {suggestion(name, tuple(known))}")
            read[name] = read_value(name, known[name], value)
    for name, value in read.items():
        needs = known[name].needs
        if needs is not None and value != Fixed(None) and read.get(needs, Fixed(None)) == Fixed(None):
            findings.append(Finding(("parameters", name), f"has no effect without {needs}: give that too"))
    # In the family's order, so that the same sweep is the same whatever its lines' order.
    return {name: read[name] for name in known if name in read}


def _methods(given: list[Any], folder: str, findings: list[Finding]) -> tuple[NamedMethod, ...]:
    methods: list[NamedMethod] = []
    for index, entry in enumerate(given):
        with Collecting(findings), within("methods", index):
            method = _method(entry, folder)
            if any(method.label == other.label for other in methods):
                raise refused((), f"has the label {shown(method.label)} of another: give it a label of its own")
            methods.append(method)
    return tuple(methods)


def _method(entry: object, folder: str) -> NamedMethod:
    """A name, a mapping with settings, or {file: PATH}, perhaps with a label."""
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


def _check_whole(spec: SweepSpec) -> None:
    if spec.points > _MOST_POINTS:
        raise refused(("parameters",), f"make a grid of {spec.points:,} points: at most {_MOST_POINTS:,}; draw some")
    random = spec.family.random
    if spec.seeds > 1 and random is not None and not spec.drawn and not any(n in spec.parameters for n in random):
        words = " or ".join(random)
        raise refused(("seeds",), f"= {spec.seeds} would solve the same scenarios again: write 1, or give {words}")
    batching = _has_batching(spec)
    for index, method in enumerate(spec.methods):
        if method.method == "baj3o" and not batching:
            raise refused(("methods", index), "= 'baj3o' needs batching: give batching_window, or write j3o")
        if method.method == "bilinear-minlp" and batching:
            raise refused(("methods", index), "= 'bilinear-minlp' knows no batching: take it out")


def _has_batching(spec: SweepSpec) -> bool:
    """Whether any of the scenarios has it."""
    if isinstance(spec.family, OfDeployment):
        return spec.family.scenario.batching is not None
    windows = spec.parameters.get("batching_window", Fixed(spec.family.settings["batching_window"].default))
    return windows != Fixed(None)


def _product(grid: Mapping[str, Grid]) -> int:
    return functools.reduce(lambda product, value: product * len(value.values), grid.values(), 1)
