"""Certificates that anyone can check, from the prices of a dual bound's kernel."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from j3o_kernels.client_groups import ClientGroups
from j3o_kernels.price_bound import Prices

from .._certificate import Certificate
from .._model import model_costs
from .._scenario import Scenario
from .alternation.placement import asked_tasks

_EPS = np.finfo(np.float64).eps


def certificate_of(scenarios: Scenario, groups: ClientGroups, point: Prices) -> Certificate:
    """Point of a `DualBound` in the units of a `Certificate`, for a batch of one axis; in NumPy unless traced."""
    xp = jnp if isinstance(point.cloud, Tracer) else np
    count = scenarios.demand.shape[0]
    instance = xp.arange(count)[:, None]

    def of_clients(table: Any) -> Any:
        """``[B, C, *rest]`` from ``[B, G, K, *rest]``."""
        by_row = xp.swapaxes(table, 1, 2)
        return by_row.reshape(count, -1, *by_row.shape[3:])[instance, groups.places]

    total = xp.sum(scenarios.demand, axis=(1, 2))
    total = xp.where(total > 0.0, total, 1.0)
    weight = scenarios.demand / total[:, None, None]
    unit = _or_one(xp, xp.max(weight, axis=(1, 2)))[:, None]
    at_edge = (scenarios.client_edge[..., None] == xp.arange(scenarios.edges)[None, None]).astype(weight.dtype)
    own, data = xp.sum(weight, axis=2), xp.sum(weight * scenarios.input_size[:, None, :], axis=2)

    # The scales of the rows: what could load them at most.
    costs = model_costs(scenarios)
    client = unit / _or_one(xp, own * xp.max(costs.client_compute, axis=2))
    flows = xp.einsum("bc,bce->be", own, at_edge) * xp.max(costs.edge_compute, axis=2)
    if scenarios.batching is None:
        compute = unit / _or_one(xp, flows)
    else:
        # Prices of parts of the window, and what part of it a GFLOP takes.
        priced = (scenarios.edge_compute > 0.0) & xp.isfinite(scenarios.edge_compute)
        part = xp.where(priced, total[:, None] / xp.where(priced, scenarios.edge_compute, 1.0), 0.0)
        setup = xp.max(scenarios.batching.setup, axis=2) / scenarios.batching.window
        compute = unit / _or_one(xp, flows * part + asked_tasks(scenarios)[:, None] * setup) * part
    uplink = unit / _or_one(xp, xp.einsum("bc,bce->be", data, at_edge))
    cloud = unit[:, 0] / _or_one(xp, xp.sum(data, axis=1))

    # Nothing goes by a closed link, which may cost what it likes.
    size = scenarios.input_size
    dear = xp.max(xp.where(size > 0.0, scenarios.cloud_accuracy / xp.where(size > 0.0, size, 1.0), 0.0), axis=1)
    dear = dear * (1.0 + 16.0 * _EPS)
    uplink = xp.where(scenarios.edge_uplink > 0.0, point.uplink * uplink, dear[:, None])
    cloud = xp.where(scenarios.cloud_uplink > 0.0, point.cloud * cloud, dear)

    way = (uplink[instance, scenarios.client_edge] + cloud[:, None])[..., None] * size[:, None, :]
    accuracy = scenarios.cloud_accuracy[:, None, :]
    # At least what the cloud leaves, though floating point would have it less.
    left = xp.maximum(accuracy - way + 4.0 * _EPS * (accuracy + way), 0.0)
    stream = of_clients(point.stream) * unit[..., None] / xp.where(weight > 0.0, weight, 1.0)
    return Certificate(
        stream=xp.maximum(xp.where(weight > 0.0, stream, 0.0), xp.where(accuracy > 0.0, left, 0.0)),
        client_compute=of_clients(point.client) * client,
        edge_compute=point.compute * compute,
        edge_uplink=uplink,
        cloud_uplink=cloud,
    )


def _or_one(xp: Any, most: Any) -> Any:
    return xp.where(most > 0.0, most, 1.0)
