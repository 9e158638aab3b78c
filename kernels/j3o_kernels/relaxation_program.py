"""The linear relaxation of the strong formulation as a program for whole batches, and products with its matrix.

For one instance, with L, G, H, J the loads of a whole stream on its client, its edge, the edge's uplink and the cloud's
(every row divided by its capacity or its largest load), and U the most of a stream that any limit lets through a model,

    maximise   Σ ( Σ_m a_cmt f_cmt + Σ_m b_cmt g_cmt + A_ct s_ct )
    subject to Σ_m U f + Σ_m U g + s ≤ 1                      (n, worth of the stream)
               f_cmt ≤ x_cm  (p),   g_cmt ≤ x_em  (q),   Σ_m s_m x_m ≤ 1  (θ, rent),   x ≤ 1  (ρ)
               Σ L U f ≤ β (α),   Σ G U g ≤ β (π),   Σ H (U g + s) ≤ κ (u),   Σ J s ≤ κ (v)

Flows f, g are parts of U, and values are per such flow. Set-up loads (batching) are left out, which relaxes it
further.

Arrays are ``[B, G, K, T]`` for streams: K places in each of G groups of clients of one edge (`ClientGroups`), with
models behind, ``[B, G, K, T, M]``. Edges are ``[B, E]``.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .client_groups import to_edges, to_groups


class RelaxationProblem(NamedTuple):
    """The program of a batch.

    - `value_local`, `value_edge` ``[B, G, K, T, M]``, `value_cloud` ``[B, G, K, T]``: of whole flows, 0 where closed.
    - `part_local`, `part_edge`: U. ``[B, G, K, T, M]``
    - `local_load` ``[B, G, K, T]`` times `client_cost` ``[B, M]``: L.
    - `edge_load` ``[B, G, K, T]`` times `edge_cost` ``[B, E, M]``: G.
    - `edge_setup`: load of a task, however few queries there are; only `price_bound` knows of it. ``[B, E, M]``
    - `data`, `cloud_data` ``[B, G, K, T]``: H, J.
    - `client_size` ``[B, G, K, M]``, `edge_size` ``[B, E, M]``: parts of the memory.
    - `client_limit` ``[B, G, K]``, `edge_limit`, `uplink_limit` ``[B, E]``, `cloud_limit` ``[B]``: right-hand sides.
    - `home`: the edge of each group, E where there is none; None where group g is edge g throughout. ``[B, G]``
    """

    value_local: Any
    value_edge: Any
    value_cloud: Any
    part_local: Any
    part_edge: Any
    local_load: Any
    client_cost: Any
    edge_load: Any
    edge_cost: Any
    edge_setup: Any
    data: Any
    cloud_data: Any
    client_size: Any
    edge_size: Any
    client_limit: Any
    edge_limit: Any
    uplink_limit: Any
    cloud_limit: Any
    home: Any


class Columns(NamedTuple):
    """A number for each column."""

    local: Any  # f [B, G, K, T, M]
    edge: Any  # g [B, G, K, T, M]
    cloud: Any  # s [B, G, K, T]
    held: Any  # x of clients [B, G, K, M]
    held_edge: Any  # x of edges [B, E, M]


class Rows(NamedTuple):
    """A number for each row."""

    stream: Any  # n [B, G, K, T]
    local: Any  # p [B, G, K, T, M]
    edge: Any  # q [B, G, K, T, M]
    rent: Any  # θ [B, G, K]
    edge_rent: Any  # θ [B, E]
    whole: Any  # ρ [B, G, K, M]
    edge_whole: Any  # ρ [B, E, M]
    client: Any  # α [B, G, K]
    compute: Any  # π [B, E]
    uplink: Any  # u [B, E]
    cloud: Any  # v [B]


class Point(NamedTuple):
    """Columns and slacks, reduced costs and multipliers; all above 0, and 1 for what is not there."""

    column: Columns
    reduced: Columns
    slack: Rows
    price: Rows


def total_over(array: Array, *axes: int) -> Array:
    """Sum over some axes."""
    return jnp.sum(array, axis=axes)


class Program:
    """A with its loads written out, and products with it."""

    def __init__(self, problem: RelaxationProblem):
        self.problem = problem
        self.load = problem.local_load[..., None] * problem.client_cost[:, None, None, None]
        self.work = problem.edge_load[..., None] * self.to_groups(problem.edge_cost)[:, :, None, None]
        self.value = Columns(
            problem.value_local,
            problem.value_edge,
            problem.value_cloud,
            jnp.zeros_like(problem.client_size),
            jnp.zeros_like(problem.edge_size),
        )
        is_local, is_edge = problem.value_local > 0.0, problem.value_edge > 0.0
        self.is_open = Columns(
            is_local,
            is_edge,
            problem.value_cloud > 0.0,
            jnp.any(is_local, axis=3),
            self.any_at_edges(jnp.any(is_edge, axis=(2, 3))),
        )
        streams = jnp.any(is_local, axis=4) | jnp.any(is_edge, axis=4) | self.is_open.cloud
        ones = jnp.ones_like
        there = jnp.any(streams, axis=3)
        at_edges = self.any_at_edges(jnp.any(there, axis=2))
        self.is_row = Rows(
            stream=streams,
            local=is_local,
            edge=is_edge,
            rent=there,
            edge_rent=at_edges,
            whole=self.is_open.held,
            edge_whole=self.is_open.held_edge,
            client=there,
            compute=at_edges,
            uplink=at_edges,
            cloud=jnp.any(there, axis=(1, 2)),
        )
        self.limit = Rows(
            stream=ones(problem.value_cloud),
            local=jnp.zeros_like(problem.value_local),
            edge=jnp.zeros_like(problem.value_edge),
            rent=ones(problem.client_limit),
            edge_rent=ones(problem.edge_limit),
            whole=ones(problem.client_size),
            edge_whole=ones(problem.edge_size),
            client=problem.client_limit,
            compute=problem.edge_limit,
            uplink=problem.uplink_limit,
            cloud=problem.cloud_limit,
        )

    def to_edges(self, groups: Array) -> Array:
        """Sums over the groups of each edge. ``[B, E, *rest]`` from ``[B, G, *rest]``"""
        return to_edges(groups, self.problem.home, self.problem.edge_limit.shape[1])

    def any_at_edges(self, groups: Array) -> Array:
        """Whether any group of an edge is so."""
        return self.to_edges(groups.astype(float)) > 0.0

    def to_groups(self, edges: Array) -> Array:
        """The numbers of each group's edge, 0 where it has none. ``[B, G, *rest]`` from ``[B, E, *rest]``"""
        return to_groups(edges, self.problem.home)

    def used(self, column: Columns) -> Rows:
        """A y."""
        problem = self.problem
        local, edge = problem.part_local * column.local, problem.part_edge * column.edge
        sent = total_over(edge, 4) + column.cloud
        return Rows(
            stream=total_over(local, 4) + sent,
            local=column.local - column.held[:, :, :, None],
            edge=column.edge - self.to_groups(column.held_edge)[:, :, None, None],
            rent=total_over(problem.client_size * column.held, 3),
            edge_rent=total_over(problem.edge_size * column.held_edge, 2),
            whole=column.held,
            edge_whole=column.held_edge,
            client=total_over(self.load * local, 3, 4),
            compute=self.to_edges(total_over(self.work * edge, 2, 3, 4)),
            uplink=self.to_edges(total_over(problem.data * sent, 2, 3)),
            cloud=total_over(problem.cloud_data * column.cloud, 1, 2, 3),
        )

    def pulls(self, stream: Array, client: Array, compute: Array, uplink: Array) -> tuple[Array, Array]:
        """What streams and capacities ask of flows at clients and at edges. ``[B, G, K, T, M]``"""
        problem = self.problem
        compute, uplink = self.to_groups(compute), self.to_groups(uplink)
        way = stream + problem.data * uplink[:, :, None, None]
        local = stream[..., None] + self.load * client[:, :, :, None, None]
        edge = way[..., None] + self.work * compute[:, :, None, None, None]
        return problem.part_local * local, problem.part_edge * edge

    def costs(self, price: Rows) -> Columns:
        """Aᵀ w."""
        problem = self.problem
        local, edge = self.pulls(price.stream, price.client, price.compute, price.uplink)
        way = problem.data * self.to_groups(price.uplink)[:, :, None, None]
        at_edge = self.to_edges(total_over(price.edge, 2, 3))
        return Columns(
            local=local + price.local,
            edge=edge + price.edge,
            cloud=price.stream + way + problem.cloud_data * price.cloud[:, None, None, None],
            held=problem.client_size * price.rent[..., None] + price.whole - total_over(price.local, 3),
            held_edge=problem.edge_size * price.edge_rent[..., None] + price.edge_whole - at_edge,
        )


def where(masks: Any, values: Any, other: float) -> Any:
    """The values where the masks hold, another number elsewhere."""
    return jax.tree.map(lambda mask, value: jnp.where(mask, value, other), masks, values)


def dot(a: Any, b: Any) -> Array:
    """Σ over all but the batch axis. ``[B]``"""
    pairs = zip(a, b, strict=True)
    return functools.reduce(jnp.add, [jnp.sum((x * y).reshape(x.shape[0], -1), axis=1) for x, y in pairs])


def most(a: Any) -> Array:
    """The largest of all numbers. ``[B]``"""
    return functools.reduce(jnp.maximum, [jnp.max(x.reshape(x.shape[0], -1), axis=1) for x in a])


def beside(number: Array, array: Array) -> Array:
    """Numbers ``[B]`` of instances, with as many axes as an array."""
    return number.reshape(number.shape + (1,) * (array.ndim - 1))
