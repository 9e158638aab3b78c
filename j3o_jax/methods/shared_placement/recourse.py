"""Recourse of a placement: choices and routing of scenarios whose models are given, and the scenario of the mean.

A scenario whose nodes can hold what they are given and nothing else is an ordinary scenario: what is given takes no
memory, what is not does not fit. So every method solves the recourse problem, under every limit that it knows.
"""

import dataclasses
from typing import Any

import jax
import numpy as np

from ..._certificate import Certificate
from ..._model import model_costs
from ..._scenario import Scenario
from ..._types import AnyArray, Bool, Float, Int


def with_placement(
    scenarios: Scenario, client_models: Bool[AnyArray, "... C M"], edge_models: Bool[AnyArray, "... E M"]
) -> Scenario:
    """Scenarios that can hold the given models alone.

    **Arguments:**

    - `scenarios`: with any batch axes.
    - `client_models` ``[*batch, C, M]``, `edge_models` ``[*batch, E, M]``: x, with the batch axes or without any.
    """
    batch = scenarios.batch_shape

    def sizes(models: Any) -> np.ndarray:
        own = np.where(np.asarray(models), 0.0, 1.0)
        return np.broadcast_to(own, batch + own.shape[-2:]).copy()

    return dataclasses.replace(
        scenarios,
        client_model_memory=sizes(client_models),
        edge_model_memory=sizes(edge_models),
        client_memory=np.zeros(np.shape(scenarios.client_memory)),
        edge_memory=np.zeros(np.shape(scenarios.edge_memory)),
    )


def with_least_memory(scenarios: Scenario) -> Scenario:
    """Scenarios of one axis, with the memory that every node has in all of them: what is held must always fit."""
    least = {name: np.min(getattr(scenarios, name), axis=0) for name in ("client_memory", "edge_memory")}
    full = {name: np.broadcast_to(own, np.shape(getattr(scenarios, name))).copy() for name, own in least.items()}
    return dataclasses.replace(scenarios, **full)


def mean_scenario(scenarios: Scenario, weights: AnyArray) -> Scenario:
    """Scenario of one axis of length 1 whose demand, accuracies and capacities are the weighted means."""
    weights = np.asarray(weights)
    counts = weights > 0.0

    def mean(array: np.ndarray) -> np.ndarray:
        if array.dtype.kind == "i" or (array == array[:1]).all():
            return array[:1]
        return np.tensordot(weights[counts], array[counts], 1)[None]

    return with_least_memory(jax.tree.map(mean, scenarios))


def choices_at_prices(
    scenarios: Scenario,
    prices: Certificate,
    client_models: Bool[np.ndarray, "C M"],
    edge_models: Bool[np.ndarray, "E M"],
) -> tuple[Int[np.ndarray, "S C T"], Int[np.ndarray, "S E T"]]:
    """Choose for every task, in every scenario of one axis, the held model that earns most at the scenario's prices."""
    costs, instance = model_costs(scenarios), np.arange(len(scenarios.demand))[:, None]
    at_client = prices.client_compute[:, :, None] * costs.client_compute
    at_edge = prices.edge_compute[:, :, None] * costs.edge_compute
    client = scenarios.client_accuracy[instance, scenarios.client_edge]
    # What a query takes of the uplink is the same for all models.
    pairs = ((client, at_client, client_models), (scenarios.edge_accuracy, at_edge, edge_models))
    first, second = (_best_held(accuracy, cost, models) for accuracy, cost, models in pairs)
    return first, second


def _best_held(
    accuracy: Float[np.ndarray, "S V M T"], cost: Float[np.ndarray, "S V M"], held: Bool[np.ndarray, "V M"]
) -> Int[np.ndarray, "S V T"]:
    margin = np.where(held[:, :, None] & (accuracy > 0.0), accuracy - cost[:, :, :, None], -np.inf)
    return np.where(np.isfinite(margin).any(axis=2), margin.argmax(axis=2), -1)
