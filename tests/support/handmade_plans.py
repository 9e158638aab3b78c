"""Scenarios and plans made by hand and by a seed, so that reports and pictures need no solver."""

import itertools
from typing import Any

import numpy as np

import j3o_jax as j3o

TASKS = ("segmentation", "depth", "normals", "keypoints", "edges", "reshading")
LETTERS = "sdnker"


def taskonomy_like(
    *,
    clients: int = 30,
    edges: int = 3,
    tasks: int = 5,
    seed: int = 0,
    batching: bool = False,
    named: bool = True,
) -> j3o.Scenario:
    """A scenario with a model for each subset of the tasks, in the manner of the paper's Taskonomy-5."""
    draw = np.random.default_rng(seed)
    subsets = [s for size in range(1, tasks + 1) for s in itertools.combinations(range(tasks), size)]
    models = len(subsets)
    holds = np.array([[task in subset for task in range(tasks)] for subset in subsets])
    accuracy = np.where(holds, draw.uniform(0.55, 0.85, (edges, models, tasks)), 0.0)
    size = 17.0 + 0.5 * holds.sum(axis=1)
    compute = 7.0 + holds.sum(axis=1)
    demand = draw.dirichlet(np.ones(clients * tasks)).reshape(clients, tasks) * 130.0 * clients
    load = demand @ np.full(tasks, 0.2)
    client_edge = np.sort(np.arange(clients) % edges)
    names = j3o.Names(
        tasks=TASKS[:tasks],
        models=tuple("".join(LETTERS[task] for task in subset) for subset in subsets),
        clients=tuple(f"camera-{index:02d}" for index in range(clients)),
        edges=tuple(f"site-{index}" for index in range(edges)),
    )
    return j3o.Scenario(
        demand=demand,
        client_edge=client_edge,
        client_accuracy=accuracy,
        edge_accuracy=np.minimum(accuracy * 1.15, 1.0),
        cloud_accuracy=np.ones(tasks),
        client_model_memory=size,
        edge_model_memory=size * 4,
        client_model_compute=compute,
        edge_model_compute=compute * 2,
        client_memory=draw.choice([16.0, 18.0, 40.0, 60.0, 80.0], clients),
        client_compute=draw.choice([300.0, 600.0, 1200.0], clients),
        edge_memory=np.full(edges, 400.0),
        edge_compute=np.full(edges, 600.0 * clients / edges),
        edge_uplink=0.5 * np.bincount(client_edge, load, minlength=edges),
        cloud_uplink=0.2 * load.sum(),
        input_size=np.full(tasks, 0.2),
        batching=j3o.Batching(window=np.full(edges, 0.1), setup=np.full((edges, models), 0.004)) if batching else None,
        names=names if named else None,
    )


def rough_plan(scenario: j3o.Scenario, *, seed: int = 0, **changes: Any) -> j3o.Solution:
    """A plan that keeps every limit: random models until the memory is full, then the nearest tier first."""
    draw = np.random.default_rng(seed)
    clients, edges = scenario.clients, scenario.edges
    client_edge = np.asarray(scenario.client_edge)
    own = np.asarray(scenario.client_accuracy)[client_edge]
    client_models = _fill(draw, scenario.client_model_memory, scenario.client_memory)
    edge_models = _fill(draw, scenario.edge_model_memory, scenario.edge_memory)
    client_choice, client_best = _choose(own, client_models)
    edge_choice, edge_best = _choose(np.asarray(scenario.edge_accuracy), edge_models)
    demand, size = np.asarray(scenario.demand), np.asarray(scenario.input_size)

    cost = np.where(client_choice >= 0, np.asarray(scenario.client_model_compute)[client_choice], 0.0)
    local = (client_choice >= 0) * _scale(np.sum(demand * cost, axis=1), scenario.client_compute)[:, None]
    rest = demand * (1 - local)
    # A quarter of the uplinks is left for the cloud, and the cloud takes no more than that.
    room = _scale(np.bincount(client_edge, rest @ size, minlength=edges), 0.75 * np.asarray(scenario.edge_uplink))
    served = (edge_choice >= 0)[client_edge] * rest * room[client_edge][:, None]
    edge_cost = np.where(edge_choice >= 0, np.asarray(scenario.edge_model_compute)[edge_choice], 0.0)
    load = np.bincount(client_edge, np.sum(served * edge_cost[client_edge], axis=1), minlength=edges)
    share = _scale(load, np.asarray(scenario.edge_compute) * (0.7 if scenario.batching is not None else 1.0))
    edge = served * share[client_edge][:, None]
    rest = rest - edge
    room = _scale(np.bincount(client_edge, rest @ size, minlength=edges), 0.25 * np.asarray(scenario.edge_uplink))
    cloud = rest * room[client_edge][:, None]
    cloud = cloud * _scale(np.sum(cloud @ size), scenario.cloud_uplink)
    with np.errstate(invalid="ignore"):
        edge_share = np.where(demand > 0, edge / demand, 0.0)
        cloud_share = np.where(demand > 0, cloud / demand, 0.0)
    value = local * client_best + edge_share * edge_best[client_edge] + cloud_share * scenario.cloud_accuracy
    objective = float(np.sum(demand * value) / max(np.sum(demand), 1e-300))
    fields: dict[str, Any] = {
        "client_models": client_models,
        "edge_models": edge_models,
        "client_choice": client_choice,
        "edge_choice": edge_choice,
        "local": local,
        "edge": edge_share,
        "cloud": cloud_share,
        "unserved": np.clip(1 - local - edge_share - cloud_share, 0.0, 1.0),
        "objective": np.asarray(objective),
        "bound": np.asarray(np.nan),
        "status": np.asarray(int(j3o.Status.converged)),
        "history": np.asarray([objective]),
        "stats": {"seconds": np.asarray(0.042), "iterations": np.asarray(7)},
        "reasons": ("",),
        "names": scenario.names,
    }
    assert client_models.shape == (clients, scenario.models)
    return j3o.Solution(**(fields | changes))


def without_plan(scenario: j3o.Scenario, status: j3o.Status, reason: str = "") -> j3o.Solution:
    """What a method hands back when it found nothing."""
    none = np.zeros((scenario.clients, scenario.tasks))
    return rough_plan(
        scenario,
        client_models=np.zeros((scenario.clients, scenario.models), dtype=bool),
        edge_models=np.zeros((scenario.edges, scenario.models), dtype=bool),
        client_choice=np.full((scenario.clients, scenario.tasks), -1),
        edge_choice=np.full((scenario.edges, scenario.tasks), -1),
        local=none,
        edge=none,
        cloud=none,
        unserved=none + 1,
        objective=np.asarray(np.nan),
        status=np.asarray(int(status)),
        reasons=(reason,),
    )


def _fill(draw: np.random.Generator, sizes: Any, memory: Any) -> np.ndarray:
    sizes, memory = np.asarray(sizes), np.asarray(memory)
    held = np.zeros((len(memory), len(sizes)), dtype=bool)
    for node, free in enumerate(memory):
        for model in draw.permutation(len(sizes)):
            if sizes[model] <= free:
                held[node, model] = True
                free -= sizes[model]
    return held


def _choose(accuracy: np.ndarray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    usable = np.where(held[:, :, None], accuracy, 0.0)
    best = usable.max(axis=1)
    return np.where(best > 0, usable.argmax(axis=1), -1), best


def _scale(load: Any, room: Any) -> np.ndarray:
    """The share of a load for which there is room."""
    load, room = np.asarray(load), np.asarray(room)
    return np.where(load > room, room / np.where(load > 0, load, 1.0), 1.0)
