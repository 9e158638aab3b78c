"""Schema of plan files."""

import math
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, PlainValidator

from ._quantities import Name, fail, number
from ._schema import Part

PLAN_FORMAT = "j3o-plan-1"

_INFINITE = {"inf": math.inf, "-inf": -math.inf}


def written_number(value: Any) -> Any:
    """Convert a number, yes/no value or text, or nested lists of them, to what any JSON reader takes: null for NaN."""
    if isinstance(value, list):
        return [written_number(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def _read_number(value: object) -> float:
    if value is None:
        return math.nan
    if isinstance(value, str) and value in _INFINITE:
        return _INFINITE[value]
    return number(value, "a number or null", 'write a number, null, "inf" or "-inf"')


def _read_stat(value: object) -> Any:
    """Read a number of any kind, text, or an array of them, as NumPy has it."""
    try:
        array = np.asarray(_numbers(value))
    except ValueError:
        fail("is a ragged list: write rows of one length")
    if array.dtype.kind not in "biufU":
        fail("is not a figure: write a number, text, or lists of them")
    return array[()]


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return math.nan if value is None else _INFINITE.get(value, value) if isinstance(value, str) else value


Figure = Annotated[float, PlainValidator(_read_number), Field(description="a number or null")]
Stat = Annotated[Any, PlainValidator(_read_stat)]
Names = Annotated[list[Name], Field(description="a list of names")]


class ServedPart(Part):
    """Service of one client's queries for one task: shares, and the client's model."""

    model: Annotated[Name | None, Field(description="the name of a model or null")]
    local: Figure
    edge: Figure
    cloud: Figure
    unserved: Figure


class PlanClientPart(Part):
    """Decisions of one client. A task that is not there is one that it never asks for."""

    name: Name
    models: Names
    tasks: Annotated[dict[str, ServedPart], Field(description="{task: {model: ..., local: ..., ...}}")]


class PlanEdgePart(Part):
    """Decisions of one edge: models held, and which of them serves each task."""

    name: Name
    models: Names
    tasks: Annotated[dict[str, Name | None], Field(description="{task: model or null}")]


class CertifiedClientPart(Part):
    """Prices of one client: of its compute, and of its queries by task."""

    compute: Figure
    tasks: Annotated[dict[str, Figure], Field(description="{task: number}")]


class CertifiedEdgePart(Part):
    """Prices of one edge: of its compute and its uplink."""

    compute: Figure
    uplink: Figure


class CertificatePart(Part):
    """The prices that prove the bound, by the names of the deployment."""

    clients: Annotated[dict[str, CertifiedClientPart], Field(description="{client: {compute: ..., tasks: ...}}")]
    edges: Annotated[dict[str, CertifiedEdgePart], Field(description="{edge: {compute: ..., uplink: ...}}")]
    cloud_uplink: Figure


class PricedClientPart(Part):
    """Shadow prices of one client."""

    compute: Figure
    memory: Figure


class PricedEdgePart(Part):
    """Shadow prices of one edge."""

    compute: Figure
    uplink: Figure
    memory: Figure


class PricesPart(Part):
    """What one unit more of each limit would bring, by the names of the deployment; null where it is not known."""

    clients: Annotated[dict[str, PricedClientPart], Field(description="{client: {compute: ..., memory: ...}}")]
    edges: Annotated[dict[str, PricedEdgePart], Field(description="{edge: {compute: ..., uplink: ..., memory: ...}}")]
    cloud_uplink: Figure


class PlanPart(Part):
    """The whole file. `gap` follows from objective and bound, and is written for people.

    `accuracy` and `moved_mb` are there where the plan was made with a cost of moving models, which `objective` is less.
    """

    format: Literal["j3o-plan-1"]
    deployment: Name | None = None
    status: Name
    reason: str | None = None
    objective: Figure
    bound: Figure
    gap: Figure = math.nan
    accuracy: Figure | None = None
    moved_mb: Figure | None = None
    tasks: Annotated[Names, Field(min_length=1)]
    models: Annotated[Names, Field(min_length=1)]
    clients: Annotated[list[PlanClientPart], Field(min_length=1)]
    edges: Annotated[list[PlanEdgePart], Field(min_length=1)]
    certificate: CertificatePart | None = None
    prices: PricesPart | None = None
    history: Annotated[list[Figure], Field(description="a list of numbers")]
    stats: dict[str, Stat]
