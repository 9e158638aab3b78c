"""A scenario as a deployment document: plain data that `scenario_of` reads back bit for bit."""

from collections import Counter
from typing import Any

import numpy as np

from .._names import Names
from .._scenario import Scenario
from ._quantities import UNLIMITED
from ._schema import DEPLOYMENT_FORMAT


def deployment_of(scenario: Scenario) -> dict[str, Any]:
    """Build the document of a single scenario, with its names or numbers in their place."""
    names = scenario.labels
    batching = scenario.batching
    edges = zip(names.edges, scenario.edge_memory, scenario.edge_compute, scenario.edge_uplink, strict=True)
    clients = zip(
        names.clients,
        scenario.client_edge,
        scenario.client_memory,
        scenario.client_compute,
        scenario.demand,
        strict=True,
    )
    document = {
        "format": DEPLOYMENT_FORMAT,
        **({} if names.deployment is None else {"name": names.deployment}),
        "allow_unserved": scenario.allow_unserved,
        "tasks": [
            {"name": name, "input_mb": _plain(size)}
            for name, size in zip(names.tasks, scenario.input_size, strict=True)
        ],
        "models": [_model(scenario, names, index) for index in range(scenario.models)],
        "edges": [
            {
                "name": name,
                "memory_mb": _plain(memory),
                "compute_gflop_per_s": _plain(compute),
                "uplink_mb_per_s": _plain(uplink),
            }
            for name, memory, compute, uplink in edges
        ],
        "clients": [
            {
                "name": name,
                "edge": names.edges[int(edge)],
                "memory_mb": _plain(memory),
                "compute_gflop_per_s": _plain(compute),
                "demand_per_s": _differing(names, demand, np.zeros(scenario.tasks)),
            }
            for name, edge, memory, compute, demand in clients
        ],
        "cloud": {
            "accuracy": {name: _plain(value) for name, value in zip(names.tasks, scenario.cloud_accuracy, strict=True)},
            "uplink_mb_per_s": _plain(scenario.cloud_uplink),
        },
    }
    if batching is not None:
        for edge, window in zip(document["edges"], batching.window, strict=True):
            edge["batching_window_s"] = _plain(window)
    return document


def _model(scenario: Scenario, names: Names, index: int) -> dict[str, Any]:
    """One model: what is usual among the edges, then each edge that differs."""
    edge_accuracy, client_accuracy = scenario.edge_accuracy[:, index], scenario.client_accuracy[:, index]
    usual, usual_client = _usual(edge_accuracy), _usual(client_accuracy)
    client_variant, at_client = _costs(scenario, "client", names.clients, index)
    edge_variant, costs_at_edge = _costs(scenario, "edge", names.edges, index)
    model: dict[str, Any] = {
        "name": names.models[index],
        "client": client_variant,
        "edge": edge_variant,
        "accuracy": _differing(names, usual, np.zeros(scenario.tasks)),
    }
    own = {"client_accuracy": _differing(names, usual_client, usual)}
    # What the reader takes for clients of an edge, as long as it finds nothing said about them there.
    implied = np.where(_bits(usual_client) != _bits(usual), usual_client, edge_accuracy)
    at_edge: dict[str, dict[str, Any]] = {}
    for edge, name in enumerate(names.edges):
        at_edge[name] = {
            "accuracy": _differing(names, edge_accuracy[edge], usual),
            "client_accuracy": _differing(names, client_accuracy[edge], implied[edge]),
            **costs_at_edge[name],
        }
    if scenario.batching is not None:
        setup = scenario.batching.setup[:, index, None]
        usual_setup = _usual(setup)
        model["edge"]["setup_s"] = _plain(usual_setup[0])
        for edge, name in enumerate(names.edges):
            if _bits(setup[edge]) != _bits(usual_setup):
                at_edge[name]["setup_s"] = _plain(setup[edge, 0])
    own["at_edge"] = {name: said for name, here in at_edge.items() if (said := _said(here))}
    own["at_client"] = {name: here for name, here in at_client.items() if here}
    return model | _said(own)


def _costs(
    scenario: Scenario, tier: str, nodes: tuple[str, ...], index: int
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Write what one model takes at the nodes of a tier: what is usual, then by name of the node what differs."""
    usual: dict[str, Any] = {}
    exceptions: dict[str, dict[str, Any]] = {name: {} for name in nodes}
    for kind, key in (("memory", "memory_mb"), ("compute", "gflop_per_query")):
        costs = getattr(scenario, f"{tier}_model_{kind}")
        if costs.ndim == 1:
            usual[key] = _plain(costs[index])
            continue
        own = costs[:, index, None]
        common = _usual(own)
        usual[key] = _plain(common[0])
        differs = (_bits(own) != _bits(common))[:, 0]
        # One exception says that costs are each node's own, though they be alike.
        differs[0] |= index == 0 and not (_bits(costs) != _bits(costs[0])).any()
        for row in np.flatnonzero(differs).tolist():
            exceptions[nodes[row]][key] = _plain(own[row, 0])
    return usual, exceptions


def _said(mapping: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a mapping what is empty."""
    return {key: value for key, value in mapping.items() if value != {}}


def _differing(names: Names, values: np.ndarray, base: np.ndarray) -> dict[str, Any]:
    """By task, the values that are not those of `base`."""
    differs = _bits(values) != _bits(base)
    return {name: _plain(value) for name, value, new in zip(names.tasks, values, differs, strict=True) if new}


def _usual(rows: np.ndarray) -> np.ndarray:
    """Find the most common value of each column; the first of them where several are."""
    columns = [Counter(column).most_common(1)[0][0] for column in _bits(rows).T.tolist()]
    return np.array(columns, dtype=np.int64).view(np.float64)


def _bits(values: np.ndarray) -> np.ndarray:
    """View numbers as bits. Compared so, −0 is not 0: a file gives back exactly what was put in."""
    return np.ascontiguousarray(values).view(np.int64)


def _plain(value: Any) -> Any:
    """Write a number as people do: 512 for 512.0, "unlimited" for infinity."""
    number = float(value)
    if np.isinf(number):
        return UNLIMITED
    whole = number.is_integer() and abs(number) < 1e15 and not (number == 0 and np.signbit(number))
    return int(number) if whole else number
