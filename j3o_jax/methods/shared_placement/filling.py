"""Filling of memory that a placement leaves: models that no price asks for yet, and that other scenarios may choose.

A search at prices stops to add models to a node where none has a profit. What fits besides costs nothing to hold, and
each scenario chooses among more. So memory is filled with what has the largest expected profit per MB if the margins of
prices are uncertain by ±τ, as in `price_placement.py`, but by far more.
"""

import numpy as np

from j3o_kernels.tolerances import ROUNDING

from ..._certificate import Certificate
from ..._model import model_costs, normalized_demand
from ..._scenario import Scenario
from ..._types import Bool, Float

# τ, in accuracy.
_UNCERTAINTY = 0.3


def filled(
    scenarios: Scenario,
    prices: Certificate,
    importance: Float[np.ndarray, " S"],
    client_models: Bool[np.ndarray, "C M"],
    edge_models: Bool[np.ndarray, "E M"],
) -> tuple[Bool[np.ndarray, "C M"], Bool[np.ndarray, "E M"]]:
    """Add models to a placement of scenarios of one axis, in NumPy, until no more fit that are of any use."""
    instance, home = np.arange(len(scenarios.demand))[:, None], scenarios.client_edge
    costs, weight = model_costs(scenarios), np.asarray(normalized_demand(scenarios)) * importance[:, None, None]
    uplink, size = prices.edge_uplink[:, :, None], scenarios.input_size[:, None]
    client = scenarios.client_accuracy[instance, home]
    client = np.where(
        client > 0.0, client - (prices.client_compute[:, :, None] * costs.client_compute)[..., None], -1.0
    )
    edge = scenarios.edge_accuracy - (prices.edge_compute[:, :, None] * costs.edge_compute)[..., None]
    edge = np.where(scenarios.edge_accuracy > 0.0, edge - (uplink * size)[:, :, None], -1.0)
    toll = (uplink[instance, home] + prices.cloud_uplink[:, None, None]) * size
    anyway = np.maximum(scenarios.cloud_accuracy[:, None] - toll, 0.0)
    for margins, models in ((client, client_models), (edge[instance, home], edge_models[home[0]])):
        anyway = np.maximum(anyway, np.where(models[:, :, None], margins, 0.0).max(axis=2))
    at_clients = _expected(client, anyway, weight)
    each = _expected(edge[instance, home], anyway, weight)
    at_edges = np.zeros(edge_models.shape)
    np.add.at(at_edges, home[0], each)
    return (
        _fill(client_models, at_clients, costs.client_memory[0], scenarios.client_memory.min(axis=0)),
        _fill(edge_models, at_edges, costs.edge_memory[0], scenarios.edge_memory.min(axis=0)),
    )


def _expected(
    margins: Float[np.ndarray, "S C M T"], anyway: Float[np.ndarray, "S C T"], weight: Float[np.ndarray, "S C T"]
) -> Float[np.ndarray, "C M"]:
    """Return the expected profit of each model beyond what streams earn anyway, where margins are uncertain."""
    lead = np.maximum(margins - anyway[:, :, None] + _UNCERTAINTY, 0.0)
    return np.einsum("scmt,sct->cm", np.where(margins > 0.0, lead * lead, 0.0), weight)


def _fill(
    held: Bool[np.ndarray, "V M"],
    gain: Float[np.ndarray, "V M"],
    size: Float[np.ndarray, "V_or_1 M"],
    memory: Float[np.ndarray, " V"],
) -> Bool[np.ndarray, "V M"]:
    """Add models in the order of gain per MB, those that fit."""
    held, size = held.copy(), np.broadcast_to(size, held.shape)
    density = gain / np.maximum(size, np.finfo(float).tiny)
    used, room = np.where(held, size, 0.0).sum(axis=1), memory * (1.0 + ROUNDING)
    nodes = np.arange(len(held))
    for model in np.argsort(-density, axis=1, kind="stable").T:
        adds = ~held[nodes, model] & (gain[nodes, model] > 0.0) & (used + size[nodes, model] <= room)
        held[nodes, model] |= adds
        used = used + np.where(adds, size[nodes, model], 0.0)
    return held
