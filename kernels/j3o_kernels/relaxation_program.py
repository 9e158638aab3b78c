"""The linear relaxation of the strong formulation for whole batches: its data, and products with its matrix.

For one instance, with L, G, H, J the loads of a whole stream on its client, its edge, the edge's uplink and the cloud's
(every row divided by its capacity or its largest load), and U the most of a stream that any limit lets through a model,

    maximise   Σ ( Σ_m a_cmt f_cmt + Σ_m b_cmt g_cmt + A_ct s_ct )
    subject to Σ_m U f + Σ_m U g + s ≤ 1                      (n, price of the stream)
               f_cmt ≤ x_cm  (p),   g_cmt ≤ x_em  (q),   Σ_m s_m x_m ≤ 1  (θ),   x ≤ 1  (ρ)
               Σ L U f ≤ β (α),   Σ G U g ≤ β (π),   Σ H (U g + s) ≤ κ (u),   Σ J s ≤ κ (v)

where holding a model may have a charge besides: less Σ h_m x_m.

Flows f, g are parts of U, and values are per such flow. Set-up loads (batching) are left out, which relaxes it
further.

A problem has arrays ``[B, G, K, T]`` for streams: K places in each of G groups of clients of one edge
(`ClientGroups`), with models last, ``[B, G, K, T, M]``. The program has N = K·G·B places on the last axis, the one that
vector units run along. Its flows are ``[M, 2, T, N]``, at the client and at its edge.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from .materialize import map_reduce, materialize, materialize_each, reduce_slices
from .relaxation_layout import Columns, Pairs, Places, Rows


class RelaxationProblem(NamedTuple):
    """Data of a batch of relaxations.

    - `value_local`, `value_edge` ``[B, G, K, T, M]``, `value_cloud` ``[B, G, K, T]``: of whole flows, 0 where closed.
    - `part_local`, `part_edge`: U. ``[B, G, K, T, M]``
    - `local_load` ``[B, G, K, T]`` times `client_cost` ``[B, G, K, M]``, or ``[B, 1, 1, M]`` for all clients: L.
    - `edge_load` ``[B, G, K, T]`` times `edge_cost` ``[B, E, M]``: G.
    - `edge_setup`: load of a task, however few queries there are; only `price_bound` knows of it. ``[B, E, M]``
    - `data`, `cloud_data` ``[B, G, K, T]``: H, J.
    - `client_size` ``[B, G, K, M]``, `edge_size` ``[B, E, M]``: parts of the memory.
    - `client_limit` ``[B, G, K]``, `edge_limit`, `uplink_limit` ``[B, E]``, `cloud_limit` ``[B]``: right-hand sides, at
      least 1 where nothing could ever fill them.
    - `edge_index`: the edge of each group, E where there is none; None where group g is edge g throughout. ``[B, G]``
    - `client_charge` ``[B, G, K, M]``, `edge_charge` ``[B, E, M]``: h, or None where it costs nothing to hold models.
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
    edge_index: Any
    client_charge: Any = None
    edge_charge: Any = None


class Program(NamedTuple):
    """Data of the program in the method's layout, and products with its matrix A."""

    places: Any  # `Places`, which is no array
    part: Array
    value: Array
    value_cloud: Array
    load: Array
    data: Array
    cloud_data: Array
    cost: Array
    size: Array
    edge_size: Array
    is_column: Columns
    limit: Rows
    is_row: Rows
    minus: Pairs
    charge: Array | None = None  # h of clients [M, N]
    edge_charge: Array | None = None  # h of edges [M, E, B]

    def apply(self, column: Columns) -> Rows:
        """Multiply A with columns: A y."""
        part, load, places = self.part, self.load, self.places
        held = self.held_by_flow(column.held, column.held_edge)
        sent, work = map_reduce(
            lambda u, f, cost: (u * f, u * f * cost[:, :, None]), part, column.flow, self.cost
        )  # [2, T, N]
        on_way = materialize(lambda: sent[1] + column.cloud)
        at_edge = places.at_edges(
            materialize(lambda: jnp.stack([reduce_slices(load[1] * work[1]), reduce_slices(self.data * on_way)]))
        )
        return Rows(
            flow=materialize(lambda: column.flow - held[:, :, None]),
            stream=materialize(lambda: sent[0] + on_way),
            memory=map_reduce(lambda size, x: size * x, self.size, column.held),
            edge_memory=map_reduce(lambda size, x: size * x, self.edge_size, column.held_edge),
            model_bound=column.held,
            edge_model_bound=column.held_edge,
            client=materialize(lambda: reduce_slices(load[0] * work[0])),
            compute=at_edge[0],
            uplink=at_edge[1],
            cloud=places.in_instance(materialize(lambda: reduce_slices(self.cloud_data * column.cloud))),
        )

    def held_by_flow(self, held: Array, held_edge: Array) -> Array:
        """Values of the models that flows go to ``[M, 2, N]``."""
        at_edge = self.places.of_edges(held_edge)
        return materialize(lambda: jnp.stack([held, at_edge], axis=1))

    def price_terms(self, price: Rows) -> tuple[Array, Array]:
        """Prices of streams and paths per flow ``[2, T, N]``, and of compute per model ``[M, 2, N]``."""
        compute, uplink = self.places.of_edges(price.compute), self.places.of_edges(price.uplink)

        def price_terms() -> tuple[Array, Array]:
            path_cost = jnp.stack([price.stream, price.stream + self.data * uplink[None]])
            return path_cost, self.cost * jnp.stack([price.client, compute])[None]

        return materialize(price_terms)

    def apply_transpose(self, price: Rows, by_flow: Array) -> Columns:
        """Multiply Aᵀ with prices, without flows, given Σ p over the streams of a place, `by_flow` ``[M, 2, N]``."""
        places = self.places
        uplink, cloud = places.of_edges(price.uplink), places.of_instances(price.cloud)
        at_edge = places.at_edges(by_flow[:, 1])

        def of_cloud() -> Array:
            cost = price.stream + self.data * uplink[None] + self.cloud_data * cloud[None]
            return jnp.where(self.is_column.cloud, cost, 0.0)

        return Columns(
            flow=None,
            cloud=materialize(of_cloud),
            held=materialize(lambda: self.size * price.memory[None] + price.model_bound - by_flow[:, 0]),
            held_edge=materialize(lambda: self.edge_size * price.edge_memory[None] + price.edge_model_bound - at_edge),
        )

    def flow_costs(self, path_cost: Array, compute_cost: Array) -> Array:
        """Cost of each flow, from its `price_terms`; not materialized ``[M, 2, T, N]``."""
        return self.part * (path_cost[None] + self.load[None] * compute_cost[:, :, None])


def program_of(problem: RelaxationProblem, places: Places) -> Program:
    """Build the program of a batch."""
    models = problem.client_cost.shape[3]
    dtype = problem.data.dtype

    def flows(local: Array, edge: Array) -> Array:
        return jnp.stack([places.to_table(local), places.to_table(edge)], axis=1)

    def is_flow() -> Array:
        local = (problem.value_local > 0.0) & (problem.part_local > 0.0)
        return flows(local, (problem.value_edge > 0.0) & (problem.part_edge > 0.0))

    there = materialize(is_flow)
    part = materialize(lambda: jnp.where(there, flows(problem.part_local, problem.part_edge), 0.0))
    value = materialize(lambda: jnp.where(there, flows(problem.value_local, problem.value_edge), 0.0))
    value_cloud = materialize(lambda: places.to_table(problem.value_cloud))
    load = materialize(lambda: jnp.stack([places.to_table(problem.local_load), places.to_table(problem.edge_load)]))
    data = materialize(lambda: places.to_table(problem.data))
    cloud_data = materialize(lambda: places.to_table(problem.cloud_data))
    edge_cost = places.tree.to_groups(jnp.transpose(problem.edge_cost))

    def client_cost() -> Array:
        cost = problem.client_cost
        if cost.shape[1:3] != (1, 1):
            return places.to_table(cost)
        return places.of_groups(jnp.broadcast_to(cost[:, 0, 0].T[:, None], (models, places.groups, places.batch)))

    cost = materialize(lambda: jnp.stack([client_cost(), places.of_groups(edge_cost)], axis=1))  # [M, 2, N]
    held = materialize(lambda: jnp.any(there, axis=2))
    held_edge = places.at_edges(materialize(lambda: held[:, 1].astype(dtype))) > 0.0
    held = held[:, 0]
    size = materialize(lambda: jnp.where(held, places.to_table(problem.client_size), 0.0))
    edge_size = materialize(lambda: jnp.where(held_edge, jnp.transpose(problem.edge_size), 0.0))
    cloud = value_cloud > 0.0
    is_column = Columns(there, cloud, held, held_edge)
    client_limit = places.to_table(problem.client_limit)
    limit = Rows(
        flow=jnp.zeros((1, 1, 1, 1), dtype=dtype),
        stream=jnp.ones_like(data),
        memory=jnp.ones_like(client_limit),
        edge_memory=jnp.ones_like(problem.edge_limit.T),
        model_bound=jnp.ones_like(size),
        edge_model_bound=jnp.ones_like(edge_size),
        client=client_limit,
        compute=problem.edge_limit.T,
        uplink=problem.uplink_limit.T,
        cloud=problem.cloud_limit,
    )
    # A row without room has no column that loads it, and so no inside: it is left out.
    at_client, at_edge = jnp.any(held, axis=0), jnp.any(held_edge, axis=0)
    through = places.at_edges(jnp.any(cloud, axis=0).astype(dtype)) > 0.0
    is_row = Rows(
        flow=there,
        stream=materialize(lambda: jnp.any(there, axis=(0, 1)) | cloud),
        memory=at_client,
        edge_memory=at_edge,
        model_bound=held,
        edge_model_bound=held_edge,
        client=at_client & (client_limit > 0.0),
        compute=at_edge & (problem.edge_limit.T > 0.0),
        uplink=(at_edge | through) & (problem.uplink_limit.T > 0.0),
        cloud=jnp.any(through, axis=0) & (problem.cloud_limit > 0.0),
    )
    # -1 for what is present: the affine step aims at products of 0.
    minus_column = materialize_each(lambda mask: -mask.astype(dtype), is_column)
    minus = Pairs(minus_column, Rows(minus_column.flow, *(-mask.astype(dtype) for mask in is_row[1:])))
    return Program(
        places=places,
        part=part,
        value=value,
        value_cloud=value_cloud,
        load=load,
        data=data,
        cloud_data=cloud_data,
        cost=cost,
        size=size,
        edge_size=edge_size,
        is_column=is_column,
        limit=limit,
        is_row=is_row,
        minus=minus,
        **_charges(problem, places, is_column),
    )


def _charges(problem: RelaxationProblem, places: Places, is_column: Columns) -> dict[str, Array]:
    """Charges of the models that have a column; nothing where there are none."""
    if problem.client_charge is None:
        return {}
    client, edge = places.to_table(problem.client_charge), jnp.transpose(problem.edge_charge)
    return {
        "charge": materialize(lambda: jnp.where(is_column.held, client, 0.0)),
        "edge_charge": materialize(lambda: jnp.where(is_column.held_edge, edge, 0.0)),
    }


def reciprocal(positive: Array) -> Array:
    """1 / x, finite at 0, without a branch, which would keep the compiler from vectorizing."""
    return 1.0 / (positive + jnp.finfo(positive.dtype).tiny ** 0.5)
