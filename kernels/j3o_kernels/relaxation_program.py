"""The linear relaxation of the strong formulation for whole batches: its data, and products with its matrix.

For one instance, with L, G, H, J the loads of a whole stream on its client, its edge, the edge's uplink and the cloud's
(every row divided by its capacity or its largest load), and U the most of a stream that any limit lets through a model,

    maximise   Σ ( Σ_m a_cmt f_cmt + Σ_m b_cmt g_cmt + A_ct s_ct )
    subject to Σ_m U f + Σ_m U g + s ≤ 1                      (n, price of the stream)
               f_cmt ≤ x_cm  (p),   g_cmt ≤ x_em  (q),   Σ_m s_m x_m ≤ 1  (θ),   x ≤ 1  (ρ)
               Σ L U f ≤ β (α),   Σ G U g ≤ β (π),   Σ H (U g + s) ≤ κ (u),   Σ J s ≤ κ (v)

Flows f, g are parts of U, and values are per such flow. Set-up loads (batching) are left out, which relaxes it
further.

A problem has arrays ``[B, G, K, T]`` for streams: K places in each of G groups of clients of one edge
(`ClientGroups`), with models last, ``[B, G, K, T, M]``. The program has N = K·G·B places on the last axis, the one that
vector units run along. Its flows are ``[M, 2, T, N]``, at the client and at its edge.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .client_groups import EdgeTree
from .materialize import block_length, map_reduce, materialize, materialize_each, reduce_slices, sum_terms, tree_reduce


class RelaxationProblem(NamedTuple):
    """Data of a batch of relaxations.

    - `value_local`, `value_edge` ``[B, G, K, T, M]``, `value_cloud` ``[B, G, K, T]``: of whole flows, 0 where closed.
    - `part_local`, `part_edge`: U. ``[B, G, K, T, M]``
    - `local_load` ``[B, G, K, T]`` times `client_cost` ``[B, M]``: L.
    - `edge_load` ``[B, G, K, T]`` times `edge_cost` ``[B, E, M]``: G.
    - `edge_setup`: load of a task, however few queries there are; only `price_bound` knows of it. ``[B, E, M]``
    - `data`, `cloud_data` ``[B, G, K, T]``: H, J.
    - `client_size` ``[B, G, K, M]``, `edge_size` ``[B, E, M]``: parts of the memory.
    - `client_limit` ``[B, G, K]``, `edge_limit`, `uplink_limit` ``[B, E]``, `cloud_limit` ``[B]``: right-hand sides, at
      least 1 where nothing could ever fill them.
    - `edge_index`: the edge of each group, E where there is none; None where group g is edge g throughout. ``[B, G]``
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


class Columns(NamedTuple):
    """Value of each column."""

    flow: Any  # f and g [M, 2, T, N]
    cloud: Any  # s [T, N]
    held: Any  # x of clients [M, N]
    held_edge: Any  # x of edges [M, E, B]


class Rows(NamedTuple):
    """Value of each row."""

    flow: Any  # p and q [M, 2, T, N]
    stream: Any  # n [T, N]
    memory: Any  # θ [N]
    edge_memory: Any  # θ [E, B]
    model_bound: Any  # ρ [M, N]
    edge_model_bound: Any  # ρ [M, E, B]
    client: Any  # α [N]
    compute: Any  # π [E, B]
    uplink: Any  # u [E, B]
    cloud: Any  # v [B]


def without_flows(values: Any) -> Any:
    """Leave out the flows of `Columns` or `Rows`."""
    return values._replace(flow=None)


class Pairs(NamedTuple):
    """Value of each complementary pair of variables: y z of columns, s w of rows."""

    column: Columns
    row: Rows


class Point(NamedTuple):
    """Primal-dual point: columns, reduced costs, slacks and prices; positive, and 0 for what is absent."""

    column: Columns
    reduced: Columns
    slack: Rows
    price: Rows

    @property
    def primal(self) -> Pairs:
        """Columns and slacks, y and s."""
        return Pairs(self.column, self.slack)

    @property
    def dual(self) -> Pairs:
        """Reduced costs and prices, z and w."""
        return Pairs(self.reduced, self.price)


# Whether values are at places, on their last axis; those of the others are of edges or instances.
AT_PLACES = Pairs(
    Columns(flow=True, cloud=True, held=True, held_edge=False),
    Rows(True, True, True, False, True, False, True, False, False, False),
)


class Places:
    """Layouts of values at places, edges and instances, and sums and gathers between them."""

    def __init__(self, problem: RelaxationProblem):
        self.batch, self.groups, self.rows = problem.value_cloud.shape[:3]
        self.edges = problem.edge_limit.shape[1]
        edge_index = problem.edge_index
        self.tree = EdgeTree(self.edges, None if edge_index is None else edge_index.T)

    def to_table(self, array: Array) -> Array:
        """Lay out ``[B, G, K, *rest]`` with its axes reversed as ``[*rest, N]``."""
        behind = jnp.transpose(array)
        return behind.reshape(*behind.shape[:-3], self.rows * self.groups * self.batch)

    def from_table(self, array: Array) -> Array:
        """Invert `to_table`: ``[B, G, K, *rest]`` from ``[*rest, N]``."""
        return jnp.transpose(array.reshape(*array.shape[:-1], self.rows, self.groups, self.batch))

    def of_groups(self, groups: Array) -> Array:
        """Broadcast values of groups to their places: ``[*rest, N]`` from ``[*rest, G, B]``."""
        *rest, many, batch = groups.shape

        def broadcast() -> Array:
            return jnp.broadcast_to(groups[..., None, :, :], (*rest, self.rows, many, batch)).reshape(*rest, -1)

        return materialize(broadcast)

    def of_edges(self, edges: Array) -> Array:
        """Gather values of edges for their places, 0 where there is none: ``[*rest, N]`` from ``[*rest, E, B]``."""
        return self.of_groups(self.tree.to_groups(edges))

    def of_instances(self, numbers: Array) -> Array:
        """Broadcast values of instances to their places: ``[N]`` from ``[B]``."""
        return self.of_groups(jnp.broadcast_to(numbers[None], (self.groups, self.batch)))

    def at_edges(self, places: Array) -> Array:
        """Sum values over the places of each edge: ``[*rest, E, B]`` from ``[*rest, N]``."""
        rest = places.shape[:-1]
        array = places.reshape(-1, self.rows, self.groups * self.batch)
        while array.shape[1] > 1:
            array = _sum_blocks(array)
        return self.sum_groups(array.reshape(*rest, self.groups, self.batch))

    def sum_groups(self, groups: Array) -> Array:
        """Sum values over the groups of each edge: ``[*rest, E, B]`` from ``[*rest, G, B]``."""
        edge_index = self.tree.edge_index
        if edge_index is None:
            return groups
        of_edge = (edge_index[None] == jnp.arange(self.edges)[:, None, None]).astype(groups.dtype)
        return materialize(lambda: jnp.einsum("egb,...gb->...eb", of_edge, groups))

    def reduce_all(self, expression: Any, combine: Any, at_places: Any, *values: Any) -> Any:
        """Reduce an expression of values of all kinds of columns or rows ``[B]``; `at_places` is of `AT_PLACES`."""
        kinds = list(zip(*map(jax.tree.leaves, (at_places, *values)), strict=True))

        def both(one: Any, other: Any) -> Any:
            return jax.tree.map(combine, one, other)

        def shortened(width: int, arrays: list[Array]) -> Any:
            """Reduce all axes but the last ones, of a width."""
            found = map_reduce(expression, *arrays, combine=combine)
            return jax.tree.map(lambda array: tree_reduce(array.reshape(-1, width), combine), found)

        def of_instances(width: int, kinds: list[list[Array]]) -> Any:
            """Reduce values at places, or at edges."""
            own = [shortened(width, arrays) for arrays in kinds if arrays[-1].size > width]
            last = [[array.reshape(width) for array in arrays] for arrays in kinds if arrays[-1].size == width]
            added = materialize(lambda: functools.reduce(both, [*own, *(expression(*arrays) for arrays in last)]))
            return jax.tree.map(lambda array: tree_reduce(array.reshape(-1, self.batch), combine), added)

        at_places = [arrays for at_places, *arrays in kinds if at_places]
        at_edges = [arrays for at_places, *arrays in kinds if not at_places and arrays[-1].ndim > 1]
        found = [of_instances(self.rows * self.groups * self.batch, at_places)]
        if at_edges:
            found.append(of_instances(self.edges * self.batch, at_edges))
        of_cloud = [arrays for at_places, *arrays in kinds if not at_places and arrays[-1].ndim == 1]
        return materialize(lambda: functools.reduce(both, [*found, *(expression(*arrays) for arrays in of_cloud)]))

    def in_instance(self, places: Array) -> Array:
        """Sum values over the places of each instance: ``[B]`` from ``[N]``."""
        return tree_reduce(places.reshape(self.rows * self.groups, self.batch))


def _sum_blocks(array: Array) -> Array:
    """Sum blocks of a middle axis, which makes it shorter."""
    count = array.shape[1]
    step = block_length(count)
    steps, rest = divmod(count, step)
    left = array[:, count - rest :]
    blocks = array[:, : step * steps].reshape(array.shape[0], step, steps, array.shape[2])
    sums = materialize(lambda: sum_terms(blocks[:, index] for index in range(step)))
    return jnp.concatenate([sums, left], axis=1) if rest else sums


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
    models = problem.client_cost.shape[1]
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
    client_cost = jnp.broadcast_to(problem.client_cost.T[:, None], (models, places.groups, places.batch))
    edge_cost = places.tree.to_groups(jnp.transpose(problem.edge_cost))
    cost = materialize(
        lambda: jnp.stack([places.of_groups(client_cost), places.of_groups(edge_cost)], axis=1)
    )  # [M, 2, N]
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
    )


def reciprocal(positive: Array) -> Array:
    """1 / x, finite at 0, without a branch, which would keep the compiler from vectorizing."""
    return 1.0 / (positive + jnp.finfo(positive.dtype).tiny ** 0.5)


class PerInstance:
    """Values of instances ``[B]``, broadcast to any kind of column or row."""

    def __init__(self, places: Places, numbers: Array):
        self.numbers = {True: places.of_instances(numbers), False: numbers}

    def expand_like(self, at_places: bool, array: Array) -> Array:
        """Values with as many axes as an array."""
        return self.numbers[at_places][(None,) * (array.ndim - 1)]
