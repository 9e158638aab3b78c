"""A scenario as a deployment document: plain data that `scenario_of` reads back bit for bit."""

from typing import Any

import numpy as np

from .._names import Names
from .._scenario import Scenario
from ._costs_write import CostWriter, bits, plain, usual_of
from ._schema import DEPLOYMENT_FORMAT


def deployment_of(scenario: Scenario) -> dict[str, Any]:
    """Build the document of a single scenario, with its names or numbers in their place."""
    names = scenario.labels
    batching = scenario.batching
    costs = CostWriter(scenario)
    edges = zip(names.edges, scenario.edge_memory, costs.compute("edge"), scenario.edge_uplink, strict=True)
    clients = zip(
        names.clients,
        scenario.client_edge,
        scenario.client_memory,
        costs.compute("client"),
        scenario.demand,
        strict=True,
    )
    document = {
        "format": DEPLOYMENT_FORMAT,
        **({} if names.deployment is None else {"name": names.deployment}),
        "allow_unserved": scenario.allow_unserved,
        "tasks": [
            {"name": name, "input_mb": plain(size)} for name, size in zip(names.tasks, scenario.input_size, strict=True)
        ],
        "models": [_model(scenario, names, costs, index) for index in range(scenario.models)],
        **({"devices": costs.devices} if costs.devices else {}),
        "edges": [
            {
                "name": name,
                "memory_mb": plain(memory),
                **compute,
                "uplink_mb_per_s": plain(uplink),
            }
            for name, memory, compute, uplink in edges
        ],
        "clients": [
            {
                "name": name,
                "edge": names.edges[int(edge)],
                "memory_mb": plain(memory),
                **compute,
                "demand_per_s": _differing(names, demand, np.zeros(scenario.tasks)),
            }
            for name, edge, memory, compute, demand in clients
        ],
        "cloud": {
            "accuracy": {name: plain(value) for name, value in zip(names.tasks, scenario.cloud_accuracy, strict=True)},
            "uplink_mb_per_s": plain(scenario.cloud_uplink),
        },
    }
    if batching is not None:
        for edge, window in zip(document["edges"], batching.window, strict=True):
            edge["batching_window_s"] = plain(window)
    return document


def _model(scenario: Scenario, names: Names, costs: CostWriter, index: int) -> dict[str, Any]:
    """One model: what is usual among the edges, then each edge that differs."""
    edge_accuracy, client_accuracy = scenario.edge_accuracy[:, index], scenario.client_accuracy[:, index]
    usual, usual_client = usual_of(edge_accuracy), usual_of(client_accuracy)
    client_variant, at_client = costs.of_model("client", index)
    edge_variant, costs_at_edge = costs.of_model("edge", index)
    model: dict[str, Any] = {
        "name": names.models[index],
        **_said({"client": client_variant, "edge": edge_variant}),
        "accuracy": _differing(names, usual, np.zeros(scenario.tasks)),
    }
    own = {"client_accuracy": _differing(names, usual_client, usual)}
    # What the reader takes for clients of an edge, as long as it finds nothing said about them there.
    implied = np.where(bits(usual_client) != bits(usual), usual_client, edge_accuracy)
    at_edge: dict[str, dict[str, Any]] = {}
    for edge, name in enumerate(names.edges):
        at_edge[name] = {
            "accuracy": _differing(names, edge_accuracy[edge], usual),
            "client_accuracy": _differing(names, client_accuracy[edge], implied[edge]),
            **costs_at_edge[name],
        }
    if scenario.batching is not None:
        setup = scenario.batching.setup[:, index, None]
        usual_setup = usual_of(setup)
        model.setdefault("edge", {})["setup_s"] = plain(usual_setup[0])
        for edge, name in enumerate(names.edges):
            if bits(setup[edge]) != bits(usual_setup):
                at_edge[name]["setup_s"] = plain(setup[edge, 0])
    own["at_edge"] = {name: said for name, here in at_edge.items() if (said := _said(here))}
    own["at_client"] = {name: here for name, here in at_client.items() if here}
    return model | _said(own)


def _said(mapping: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a mapping what is empty."""
    return {key: value for key, value in mapping.items() if value != {}}


def _differing(names: Names, values: np.ndarray, base: np.ndarray) -> dict[str, Any]:
    """By task, the values that are not those of `base`."""
    differs = bits(values) != bits(base)
    return {name: plain(value) for name, value, new in zip(names.tasks, values, differs, strict=True) if new}
