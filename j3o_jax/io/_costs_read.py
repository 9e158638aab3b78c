"""What models take at the nodes of a deployment: GFLOP, or seconds measured on a type of device."""

from collections.abc import Iterator, Sequence

import numpy as np

from .._model import NO_ROOM
from ._errors import Finding
from ._quantities import COMPUTE_WANTS, MODEL_COST_WANTS, MODEL_SIZE_WANTS
from ._schema import ClientPart, DeploymentPart, DevicePart, EdgePart
from .words import Loc, shown, suggestion

Nodes = Sequence[ClientPart] | Sequence[EdgePart]


def devices_of(nodes: Nodes) -> tuple[str, ...] | None:
    """Types of the nodes' devices, "" where there is none; None where no node has one."""
    devices = tuple(node.device or "" for node in nodes)
    return devices if any(devices) else None


def compute_of(nodes: Nodes) -> list[float]:
    """Compute capacity of each node: GFLOP/s, or how many devices of a type work side by side."""
    return [_parallel(node) if node.compute_gflop_per_s is None else node.compute_gflop_per_s for node in nodes]


def _parallel(node: ClientPart | EdgePart) -> float:
    return 1.0 if node.parallel is None else node.parallel


def costs_of(part: DeploymentPart) -> dict[str, np.ndarray]:
    """Find what models take: ``[M]``, or for each client or edge where any of them differs."""
    devices = {device.name: device for device in part.devices}
    costs = {}
    for tier, nodes in (("client", part.clients), ("edge", part.edges)):
        index = {node.name: row for row, node in enumerate(nodes)}
        for kind, key in (("memory", "memory_mb"), ("compute", "gflop_per_query")):
            said = [getattr(getattr(model, tier), key) for model in part.models]
            # What is missing here is there for every device of the tier.
            usual = np.array([0.0 if value is None else value for value in said])
            exceptions = [
                (index[name], column, value)
                for column, model in enumerate(part.models)
                for name, here in getattr(model, f"at_{tier}").items()
                if (value := getattr(here, key)) is not None
            ]
            measured = {row: devices[node.device] for row, node in enumerate(nodes) if node.device}
            if kind == "memory":
                alike = [
                    len(device.seconds) == len(part.models) and not device.memory_mb for device in measured.values()
                ]
                own = exceptions or not all(alike)
            else:
                own = exceptions or measured
            cost = np.tile(usual, (len(nodes), 1)) if own else usual
            for row, device in measured.items() if own else ():
                take = _memory if kind == "memory" else _seconds
                cost[row] = [take(device, model.name, usual[column]) for column, model in enumerate(part.models)]
            for row, column, value in exceptions:
                cost[row, column] = value
            costs[f"{tier}_model_{kind}"] = cost
    return costs


def _seconds(device: DevicePart, model: str, _: float) -> float:
    return device.seconds.get(model, 0.0)


def _memory(device: DevicePart, model: str, usual: float) -> float:
    return device.memory_mb.get(model, usual) if model in device.seconds else NO_ROOM


def cost_slips(part: DeploymentPart) -> Iterator[Finding]:
    """Find costs that are missing, that are there twice, and types and models that nobody knows."""
    devices, models = (tuple(named.name for named in parts) for parts in (part.devices, part.models))
    for index, device in enumerate(part.devices):
        loc: Loc = ("devices", index)
        if (device.seconds_per_query is None) == (device.latency_ms is None):
            both = "has seconds_per_query and latency_ms: keep one of them"
            neither = "has no latencies: write seconds_per_query or latency_ms, {model: number}"
            yield Finding(loc, neither if device.latency_ms is None else both)
        for key in ("seconds_per_query", "latency_ms", "memory_mb"):
            for model in getattr(device, key) or ():
                if model not in models:
                    yield Finding((*loc, key, model), f"is not one of the models: {suggestion(model, models)}")
        if device.seconds and all(seconds == 0.0 for seconds in device.seconds.values()):
            yield Finding(loc, "has latencies of 0 alone: write how long a query takes")
    typed: dict[str, list[DevicePart]] = {"client": [], "edge": []}
    for tier, word, nodes in (("client", "clients", part.clients), ("edge", "edges", part.edges)):
        for index, node in enumerate(nodes):
            loc = (word, index)
            if node.device is None:
                if node.compute_gflop_per_s is None:
                    hint = f"is missing: write {COMPUTE_WANTS}" + ("; or the node's device" if devices else "")
                    yield Finding((*loc, "compute_gflop_per_s"), hint)
                if node.parallel is not None:
                    yield Finding((*loc, "parallel"), "counts devices of a type: name it, device, or take it out")
            elif node.device not in devices:
                known = suggestion(node.device, devices) if devices else "write it under devices, with its latencies"
                yield Finding((*loc, "device"), f"= {shown(node.device)} is not one of the devices: {known}")
            else:
                typed[tier].append(part.devices[devices.index(node.device)])
                if node.compute_gflop_per_s is not None:
                    told = "is there beside a device, whose seconds it has no meaning for: keep one of them"
                    yield Finding((*loc, "compute_gflop_per_s"), f"{told} (several devices side by side: parallel)")
        yield from _missing(part, tier, bare=len(typed[tier]) < len(nodes), devices=typed[tier])


def _missing(part: DeploymentPart, tier: str, *, bare: bool, devices: Sequence[DevicePart]) -> Iterator[Finding]:
    """Costs that a node of a tier asks for; `bare` where any of them has no device, else only `devices` ask."""
    measured = {name for device in devices for name in device.seconds}
    sized = {name for name in measured if all(name in device.memory_mb for device in devices if name in device.seconds)}
    typed = {node.name for node in (part.clients if tier == "client" else part.edges) if node.device}
    for index, model in enumerate(part.models):
        variant = getattr(model, tier)
        loc: Loc = ("models", index, tier)
        no_memory = variant.memory_mb is None and (bare or (model.name in measured and model.name not in sized))
        no_cost = bare and variant.gflop_per_query is None
        if tier not in model.model_fields_set and no_memory and no_cost:
            yield Finding(loc, "is missing: write {memory_mb: ..., gflop_per_query: ...}")
            continue
        if no_memory:
            yield Finding((*loc, "memory_mb"), f"is missing: write {MODEL_SIZE_WANTS}")
        if no_cost:
            yield Finding((*loc, "gflop_per_query"), f"is missing: write {MODEL_COST_WANTS}")
        for name, here in getattr(model, f"at_{tier}").items():
            if name in typed and here.gflop_per_query is not None:
                told = "is there beside the seconds of its device: take it out, or give it a device of its own"
                yield Finding(("models", index, f"at_{tier}", name, "gflop_per_query"), told)
