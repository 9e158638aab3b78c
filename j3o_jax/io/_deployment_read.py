"""A deployment document as a scenario."""

from collections import ChainMap
from collections.abc import Iterator, Mapping

import numpy as np

from .._names import Names
from .._scenario import Batching, Scenario
from ._costs_read import compute_of, cost_slips, costs_of, devices_of
from ._errors import Finding, refuse
from ._explain import validated
from ._schema import AtEdgePart, DeploymentPart, ModelPart
from .words import Loc, shown, suggestion


def scenario_of(document: object) -> Scenario:
    """Build the scenario that a deployment describes, with its names; raises `DocumentError`."""
    part = validated(DeploymentPart, document)
    names = Names(
        tasks=tuple(task.name for task in part.tasks),
        models=tuple(model.name for model in part.models),
        clients=tuple(client.name for client in part.clients),
        edges=tuple(edge.name for edge in part.edges),
        deployment=part.name,
        client_devices=devices_of(part.clients),
        edge_devices=devices_of(part.edges),
    )
    refuse((*_twice(part), *_unknown_names(part, names), *_batching_slips(part), *cost_slips(part)))
    edge_index = {name: index for index, name in enumerate(names.edges)}
    client_accuracy, edge_accuracy = _accuracies(part.models, names)
    return Scenario(
        demand=[[client.demand_per_s.get(task, 0.0) for task in names.tasks] for client in part.clients],
        client_edge=[edge_index[client.edge] for client in part.clients],
        client_accuracy=client_accuracy,
        edge_accuracy=edge_accuracy,
        cloud_accuracy=[part.cloud.accuracy.get(task, 1.0) for task in names.tasks],
        **costs_of(part),
        client_memory=[client.memory_mb for client in part.clients],
        client_compute=compute_of(part.clients),
        edge_memory=[edge.memory_mb for edge in part.edges],
        edge_compute=compute_of(part.edges),
        edge_uplink=[edge.uplink_mb_per_s for edge in part.edges],
        cloud_uplink=part.cloud.uplink_mb_per_s,
        input_size=[task.input_mb for task in part.tasks],
        batching=_batching(part, names),
        allow_unserved=part.allow_unserved,
        names=names,
        switching=None,
    )


def _accuracies(models: list[ModelPart], names: Names) -> tuple[np.ndarray, np.ndarray]:
    """Those of the client and of the edge variants, ``[E, M, T]`` each."""
    client, edge = np.zeros((2, len(names.edges), len(models), len(names.tasks)))
    for column, model in enumerate(models):
        # One row for all edges, then the few that differ: a model at a hundred edges is mostly the same.
        for row, name in ((slice(None), None), *((names.edges.index(e), e) for e in model.at_edge)):
            here = model.at_edge[name] if name is not None else AtEdgePart()
            # Where several say something of a task, the one who speaks of fewer goes first.
            at_edge = ChainMap(here.accuracy, model.accuracy)
            at_client = ChainMap(here.client_accuracy, model.client_accuracy, here.accuracy, model.accuracy)
            edge[row, column] = [at_edge.get(task, 0.0) for task in names.tasks]
            client[row, column] = [at_client.get(task, 0.0) for task in names.tasks]
    return client, edge


def _batching(part: DeploymentPart, names: Names) -> Batching | None:
    windows = [edge.batching_window_s for edge in part.edges]
    if None in windows:
        return None
    setup = np.zeros((len(part.edges), len(part.models)))
    for column, model in enumerate(part.models):
        setup[:, column] = 0.0 if model.edge.setup_s is None else model.edge.setup_s
        for name, here in model.at_edge.items():
            if here.setup_s is not None:
                setup[names.edges.index(name), column] = here.setup_s
    return Batching(window=windows, setup=setup)


def _twice(part: DeploymentPart) -> Iterator[Finding]:
    for word in ("tasks", "models", "devices", "edges", "clients"):
        seen: set[str] = set()
        for index, item in enumerate(getattr(part, word)):
            if item.name in seen:
                message = f"= {shown(item.name)} is there twice: give each of the {word} a name of its own"
                yield Finding((word, index, "name"), message)
            seen.add(item.name)


def _unknown_names(part: DeploymentPart, names: Names) -> Iterator[Finding]:
    """Tasks, edges and clients that are spoken of and not there."""
    tasks, edges, clients = set(names.tasks), set(names.edges), set(names.clients)

    def unknown_tasks(by_task: Mapping[str, float], *loc: str | int) -> Iterator[Finding]:
        for task in by_task:
            if task not in tasks:
                yield Finding((*loc, task), f"is not one of the tasks: {suggestion(task, names.tasks)}")

    for index, model in enumerate(part.models):
        yield from unknown_tasks(model.accuracy, "models", index, "accuracy")
        yield from unknown_tasks(model.client_accuracy, "models", index, "client_accuracy")
        for edge, here in model.at_edge.items():
            loc: Loc = ("models", index, "at_edge", edge)
            if edge not in edges:
                yield Finding(loc, f"is not one of the edges: {suggestion(edge, names.edges)}")
            yield from unknown_tasks(here.accuracy, *loc, "accuracy")
            yield from unknown_tasks(here.client_accuracy, *loc, "client_accuracy")
        for name in model.at_client:
            if name not in clients:
                message = f"is not one of the clients: {suggestion(name, names.clients)}"
                yield Finding(("models", index, "at_client", name), message)
    for index, client in enumerate(part.clients):
        if client.edge not in edges:
            hint = suggestion(client.edge, names.edges)
            message = f"= {shown(client.edge)} is not one of the edges: {hint}"
            yield Finding(("clients", index, "edge"), message)
        yield from unknown_tasks(client.demand_per_s, "clients", index, "demand_per_s")
    yield from unknown_tasks(part.cloud.accuracy, "cloud", "accuracy")


def _batching_slips(part: DeploymentPart) -> Iterator[Finding]:
    """Find windows at some edges only, and set-up times that no window gives a meaning."""
    without = [index for index, edge in enumerate(part.edges) if edge.batching_window_s is None]
    if 0 < len(without) < len(part.edges):
        for index in without:
            loc = ("edges", index, "batching_window_s")
            yield Finding(loc, "is missing: write a window for every edge or for none")
    if len(without) < len(part.edges):
        return
    for index, model in enumerate(part.models):
        given = {("models", index, "edge", "setup_s"): model.edge.setup_s}
        given |= {("models", index, "at_edge", e, "setup_s"): here.setup_s for e, here in model.at_edge.items()}
        for loc, setup in given.items():
            if setup is not None:
                remedy = "take it out, or give every edge a batching_window_s"
                yield Finding(loc, f"= {shown(setup)} would count for nothing without batching: {remedy}")
