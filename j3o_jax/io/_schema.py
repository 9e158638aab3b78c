"""Schema of deployment files. Units are in the names of the keys."""

from collections.abc import Callable
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from ._quantities import (
    MEMORY,
    PARALLEL,
    SPEED,
    UPLINK,
    Compute,
    InputSize,
    Latency,
    Memory,
    Milliseconds,
    ModelCost,
    ModelSize,
    Money,
    Name,
    Parallel,
    Quantity,
    Rate,
    Setup,
    Share,
    Uplink,
    Window,
    fail,
)
from .words import shown

DEPLOYMENT_FORMAT = "j3o-deployment-1"

Accuracy: TypeAlias = Annotated[dict[str, Share], Field(description="shares from 0 to 1 by task, {task: number}")]
Demand: TypeAlias = Annotated[dict[str, Rate], Field(description="queries/s by task, {task: number}")]


class Part(BaseModel):
    """A mapping of a file: no key but its own, and nothing converted behind the writer's back."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TaskPart(Part):
    """One kind of query."""

    name: Name
    input_mb: InputSize


class DevicePart(Part):
    """One type of device: what was measured there. A model without a latency does not run there."""

    name: Name
    seconds_per_query: Annotated[dict[str, Latency] | None, Field(description="seconds by model, {model: number}")] = (
        None
    )
    latency_ms: Annotated[dict[str, Milliseconds] | None, Field(description="ms by model, {model: number}")] = None
    memory_mb: Annotated[dict[str, ModelSize], Field(description="MB by model, {model: number}")] = {}
    price: Money | None = None

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds of a query, by model."""
        if self.seconds_per_query is not None:
            return self.seconds_per_query
        return {model: latency * 1e-3 for model, latency in (self.latency_ms or {}).items()}


class VariantPart(Part):
    """Resources that a model takes on a client; devices of a type have their own."""

    memory_mb: ModelSize | None = None
    gflop_per_query: ModelCost | None = None


class EdgeVariantPart(VariantPart):
    """Resources that a model takes on an edge."""

    setup_s: Setup | None = None


class AtEdgePart(Part):
    """Exceptions of a model at one edge: single tasks, resources, set-up of a batch."""

    accuracy: Accuracy = {}
    client_accuracy: Accuracy = {}
    memory_mb: ModelSize | None = None
    gflop_per_query: ModelCost | None = None
    setup_s: Setup | None = None


class AtClientPart(Part):
    """Exceptions of a model at one client: resources."""

    memory_mb: ModelSize | None = None
    gflop_per_query: ModelCost | None = None


class ModelPart(Part):
    """One model, with the variants that clients and edges run."""

    name: Name
    client: VariantPart = VariantPart()
    edge: EdgeVariantPart = EdgeVariantPart()
    accuracy: Accuracy
    client_accuracy: Accuracy = {}
    at_edge: dict[str, AtEdgePart] = {}
    at_client: dict[str, AtClientPart] = {}


class EdgePart(Part):
    """One edge server."""

    name: Name
    memory_mb: Memory
    compute_gflop_per_s: Compute | None = None
    device: Annotated[Name, Field(description="the name of a type of device")] | None = None
    parallel: Parallel | None = None
    uplink_mb_per_s: Uplink
    batching_window_s: Window | None = None


class ClientPart(Part):
    """One client and what is asked of it."""

    name: Name
    edge: Annotated[Name, Field(description="the name of the client's edge")]
    memory_mb: Memory
    compute_gflop_per_s: Compute | None = None
    device: Annotated[Name, Field(description="the name of a type of device")] | None = None
    parallel: Parallel | None = None
    demand_per_s: Demand


class CloudPart(Part):
    """The cloud, and the way to it that all edges share."""

    accuracy: Accuracy = {}
    uplink_mb_per_s: Uplink


KEEP, NONE = "keep", "none"
"""Alternatives by a word: what the deployment has, and no machine at all."""


def _one_or_several(quantity: Quantity) -> Callable[[object], tuple[float, ...]]:
    """Read one number, or a list of numbers, each of which is an alternative."""

    def read(value: object) -> tuple[float, ...]:
        if isinstance(value, list) and not value:
            fail(f"is an empty list: write {quantity.wants}, or several of it")
        return tuple(quantity(one) for one in value) if isinstance(value, list) else (quantity(value),)

    return read


def _spelled_out(value: object) -> object:
    if isinstance(value, str):
        if value not in (KEEP, NONE):
            fail(f"= {shown(value)} is unknown: write keep, none, or a mapping such as {{device: ..., price: ...}}")
        return {"word": value, "name": value}
    return value


Numbers: TypeAlias = tuple[float, ...]
SeveralParallel = Annotated[Numbers, PlainValidator(_one_or_several(PARALLEL)), Field(description=PARALLEL.wants)]
SeveralMemory = Annotated[Numbers, PlainValidator(_one_or_several(MEMORY)), Field(description=MEMORY.wants)]
SeveralSpeeds = Annotated[Numbers, PlainValidator(_one_or_several(SPEED)), Field(description=SPEED.wants)]
SeveralUplinks = Annotated[Numbers, PlainValidator(_one_or_several(UPLINK)), Field(description=UPLINK.wants)]


class AlternativePart(Part):
    """One thing to buy for each node of a choice; lists stand for one alternative for each of their numbers."""

    word: Literal["keep", "none"] | None = None
    name: Name | None = None
    device: Annotated[Name | None, Field(description="the name of a type of device")] = None
    parallel: SeveralParallel | None = None
    memory_mb: SeveralMemory | None = None
    compute_gflop_per_s: SeveralSpeeds | None = None
    uplink_mb_per_s: SeveralUplinks | None = None
    price: Money | None = None
    price_per_mb_per_s: Money | None = None


class ChoicePart(Part):
    """A decision between alternatives: the same for all nodes that are named, unless `separately`."""

    name: Name
    clients: list[Name] = []
    edges: list[Name] = []
    cloud: bool = False
    separately: bool = False
    take: Annotated[list[Annotated[AlternativePart, BeforeValidator(_spelled_out)]], Field(min_length=1)]


class OptionsPart(Part):
    """What may be bought, and what for."""

    currency: Name | None = None
    budget: Money | None = None
    target_accuracy: Share | None = None
    choices: Annotated[list[ChoicePart], Field(min_length=1)]


class DeploymentPart(Part):
    """The whole file."""

    format: Literal["j3o-deployment-1"] | None = None
    name: Name | None = None
    allow_unserved: bool = True
    tasks: Annotated[list[TaskPart], Field(min_length=1)]
    models: Annotated[list[ModelPart], Field(min_length=1)]
    devices: list[DevicePart] = []
    edges: Annotated[list[EdgePart], Field(min_length=1)]
    clients: Annotated[list[ClientPart], Field(min_length=1)]
    cloud: CloudPart
    options: OptionsPart | None = None
