"""The specification of a sweep: what is solved, by which methods."""

import dataclasses
import functools
import os
from typing import Annotated, Any, Literal

from pydantic import Field

from .._digest import digest_of
from ..io.documents import Collecting, DocumentError, Finding, described, refused, shown, validated, within
from ..named_methods import NamedMethod
from ._population import Population, PopulationPart, population_of, read_named_method, read_specification

REMEDY = "write `benchmark: taskonomy5`, `seeds: 20` and `methods: [j3o]`"


class SweepPart(PopulationPart):
    """The keys of a specification."""

    format: Literal["j3o-sweep-1"] | None = None
    methods: Annotated[list[Any], Field(description="a list of methods, such as [j3o, exact-milp]", min_length=1)]
    chunk: Annotated[int | None, Field(ge=1, le=10**6, description="scenarios of a chunk, from 1 to 1000000")] = None


@dataclasses.dataclass(frozen=True)
class SweepSpec(Population):
    """Specification of a sweep: every point of the grid, with every seed, by every method; see `Population`.

    **Arguments:**

    - `methods`: with labels that differ.
    - `chunk`: scenarios of a chunk; None is 1024 for methods that solve batches as one program, and 16 for others.
    - `name`: what reports are called.
    """

    methods: tuple[NamedMethod, ...]
    chunk: int | None = None
    name: str = ""

    def plain(self) -> dict[str, Any]:
        """Return the specification as plain data, with everything in it that the results depend on."""
        methods = [{**method.plain(), "label": method.label} for method in self.methods]
        return super().plain() | {"methods": methods, "chunk": self.chunk}

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of `plain` as canonical JSON."""
        return digest_of(self.plain())


def read_sweep_spec(path: str | os.PathLike[str]) -> SweepSpec:
    """Read the specification in a YAML or JSON file; see `read_specification`."""
    return read_specification(path, "a sweep", REMEDY, sweep_spec)


def sweep_spec(data: object, folder: str = "") -> SweepSpec:
    """Read the specification in plain data, as a file has it; paths are relative to `folder`.

    **Raises:** `DocumentError`.
    """
    if not isinstance(data, dict):
        raise refused((), f"{described(data)}: {REMEDY}")
    part = validated(SweepPart, data)
    findings: list[Finding] = []
    population = population_of(part, folder, findings)
    methods: list[NamedMethod] = []
    for index, entry in enumerate(part.methods):
        with Collecting(findings), within("methods", index):
            method = read_named_method(entry, folder)
            if any(method.label == other.label for other in methods):
                raise refused((), f"has the label {shown(method.label)} of another: give it a label of its own")
            methods.append(method)
            if population is not None:
                population.refuse_method(method)
    if findings or population is None:
        raise DocumentError(findings)
    return SweepSpec(**vars(population), methods=tuple(methods), chunk=part.chunk, name=part.name or "")
