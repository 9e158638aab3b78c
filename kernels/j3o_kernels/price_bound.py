"""Upper bounds on the objective from prices: the dual of the strong formulation at any point.

For any prices α, π of compute and u, v of the links, all ≥ 0, and any worth n of the streams that is at least what the
cloud leaves of it, n ≥ max(0, A − H u − J v), no plan is worth more than

    D = Σ α β + Σ (π β + u κ) + v κ_s + Σ n + Σ_nodes max_S Σ_t max_{m ∈ S} p_vtm

in the symbols of `relaxation_program.py`, with what a model can earn of a task beyond what its streams are worth
anyway,

    p_ctm = max(0, a − U (n + L α))
    p_etm = max(0, Σ_c max(0, b − U (n + H u + G π)) − ν π)

(ν is the set-up load of a task with batching, else 0) and the sets S of models that fit into a node's memory, of which
`set_bound.py` bounds the best; where holding models has charges, less those of the set. So a proof never depends on how
prices were found. Whole sets of models make the least D less than the value of the linear relaxation.
"""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .client_groups import edges_to_groups, groups_to_edges
from .relaxation_program import RelaxationProblem
from .set_bound import set_bound


class Prices(NamedTuple):
    """Multipliers of the dual.

    - `stream`: n ``[B, G, K, T]``; raised to what the cloud leaves where it is less.
    - `client` ``[B, G, K]``, `compute`, `uplink` ``[B, E]``, `cloud` ``[B]``: taken as 0 where negative or not finite,
      and where nothing could ever fill the capacity.
    """

    stream: Any
    client: Any
    compute: Any
    uplink: Any
    cloud: Any


def feasible_prices(problem: RelaxationProblem, prices: Prices) -> Prices:
    """Map any prices to the dual-feasible ones at which D is evaluated, as `Prices` says."""
    stream, *rest = (jnp.where(jnp.isfinite(price), jnp.maximum(price, 0.0), 0.0) for price in prices)
    limits = problem.client_limit, problem.edge_limit, problem.uplink_limit, problem.cloud_limit
    # In the scale of a row, 1 is the most that can load it.
    client, compute, uplink, cloud = (
        jnp.where(limit < 1.0, price, 0.0) for price, limit in zip(rest, limits, strict=True)
    )
    eps = jnp.finfo(stream.dtype).eps
    path_cost = _by_uplink(problem, uplink) + problem.cloud_data * cloud[:, None, None, None]
    left = problem.value_cloud - path_cost + 4.0 * eps * (problem.value_cloud + path_cost)
    stream = jnp.where(problem.value_cloud > 0.0, jnp.maximum(stream, left), stream)
    return Prices(stream, client, compute, uplink, cloud)


def _by_uplink(problem: RelaxationProblem, uplink: Array) -> Array:
    """H u, the cost of the uplink ``[B, G, K, T]``."""
    return problem.data * edges_to_groups(uplink, problem.edge_index)[:, :, None, None]


class DualTerms(NamedTuple):
    """Terms of D: what capacities and streams cost ``[B]``, and the profits at clients and edges ``[..., T, M]``."""

    linear: Any
    at_client: Any
    at_edge: Any


def dual_terms(problem: RelaxationProblem, prices: Prices) -> DualTerms:
    """Terms of D at any prices, each rounded to the safe side."""
    prices = feasible_prices(problem, prices)
    return DualTerms(_linear(problem, prices), *_profits(problem, prices))


def terms_of_sum(problem: RelaxationProblem) -> int:
    """Count the terms of D, each of which a sum may round."""
    return problem.value_local[0].size + problem.value_edge[0].size + problem.edge_size[0].size


def rounding_up(problem: RelaxationProblem) -> float:
    """Factor that makes up for what a sum of the terms of D loses to rounding."""
    # All terms are ≥ 0: a sum of N of them is too small by at most N bits.
    return 1.0 + terms_of_sum(problem) * float(jnp.finfo(problem.data.dtype).eps)


def price_bound(problem: RelaxationProblem, prices: Prices) -> Array:
    """Safe dual bound D, rounded up (as Neumaier and Shcherbina do for linear programs) ``[B]``."""
    prices = feasible_prices(problem, prices)
    sets = best_sets(problem, prices)
    bound = _linear(problem, prices) + sum(jnp.sum(of_nodes, axis=tuple(range(1, of_nodes.ndim))) for of_nodes in sets)
    return bound * rounding_up(problem)


def best_sets(problem: RelaxationProblem, prices: Prices) -> list[Array]:
    """Bounds on what the best sets of models earn, at clients ``[B, G, K]`` and at edges ``[B, E]``; prices ≥ 0."""
    at_client, at_edge = _profits(problem, prices)
    return _set_bounds(
        [
            (at_client, problem.client_size, problem.client_charge),
            (at_edge, problem.edge_size, problem.edge_charge),
        ]
    )


def _linear(problem: RelaxationProblem, prices: Prices) -> Array:
    """Capacities and streams at their prices ``[B]``."""
    stream, client, compute, uplink, cloud = prices
    return (
        jnp.sum(stream, axis=(1, 2, 3))
        + jnp.sum(client * problem.client_limit, axis=(1, 2))
        + jnp.sum(compute * problem.edge_limit + uplink * problem.uplink_limit, axis=1)
        + cloud * problem.cloud_limit
    )


def _profits(problem: RelaxationProblem, prices: Prices) -> tuple[Array, Array]:
    """Profits at clients ``[B, G, K, T, M]`` and at edges ``[B, E, T, M]``, rounded up."""
    edges = problem.edge_limit.shape[1]
    stream, client, compute, uplink, _ = prices
    eps = jnp.finfo(stream.dtype).eps
    by_uplink = _by_uplink(problem, uplink)
    # Dual costs of flows.
    load = problem.local_load[..., None] * problem.client_cost[:, :, :, None]
    work = problem.edge_load[..., None] * edges_to_groups(problem.edge_cost, problem.edge_index)[:, :, None, None]
    compute_price = edges_to_groups(compute, problem.edge_index)[:, :, None, None, None]
    local = problem.part_local * (stream[..., None] + load * client[:, :, :, None, None])
    edge = problem.part_edge * ((stream + by_uplink)[..., None] + work * compute_price)

    def profit(value: Array, cost: Array) -> Array:
        # What the difference loses to rounding is at most this.
        return jnp.where(value > 0.0, jnp.maximum(value - cost + 8.0 * eps * (value + cost), 0.0), 0.0)

    at_client = profit(problem.value_local, local)
    by_task = groups_to_edges(jnp.sum(profit(problem.value_edge, edge), axis=2), problem.edge_index, edges)
    opening = (compute[..., None] * problem.edge_setup)[:, :, None] * (1.0 - 4.0 * eps)
    at_edge = jnp.maximum(by_task * (1.0 + problem.data[0].size * eps) - opening, 0.0)
    return at_client, at_edge


def _set_bounds(nodes: list[tuple[Array, Array, Array | None]]) -> list[Array]:
    """`set_bound` of several kinds of nodes at once: profits ``[..., T, M]``, sizes and charges ``[..., M]``."""
    tasks, models = nodes[0][0].shape[-2:]
    profit = jnp.concatenate([profit.reshape(-1, tasks, models).T for profit, _, _ in nodes], axis=2)
    size = jnp.concatenate([size.reshape(-1, models).T for _, size, _ in nodes], axis=1)
    charges = [charge.reshape(-1, models).T for _, _, charge in nodes if charge is not None]
    shapes = [size.shape[:-1] for _, size, _ in nodes]
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    charge = jnp.concatenate(charges, axis=1) if charges else None
    parts = jnp.split(set_bound(profit, size, charge), ends[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
