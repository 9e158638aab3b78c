"""The linear relaxation of the strong formulation as a program for whole batches, and products with its matrix.

For one instance, with L, G, H, J the loads of a whole stream on its client, its edge, the edge's uplink and the cloud's
(every row divided by its capacity or its largest load), and U the most of a stream that any limit lets through a model,

    maximise   Σ ( Σ_m a_cmt f_cmt + Σ_m b_cmt g_cmt + A_ct s_ct )
    subject to Σ_m U f + Σ_m U g + s ≤ 1                      (n, worth of the stream)
               f_cmt ≤ x_cm  (p),   g_cmt ≤ x_em  (q),   Σ_m s_m x_m ≤ 1  (θ, rent),   x ≤ 1  (ρ)
               Σ L U f ≤ β (α),   Σ G U g ≤ β (π),   Σ H (U g + s) ≤ κ (u),   Σ J s ≤ κ (v)

Flows f, g are parts of U, and values are per such flow. Set-up loads (batching) are left out, which relaxes it
further.

A problem has arrays ``[B, G, K, T]`` for streams: K places in each of G groups of clients of one edge
(`ClientGroups`), with models behind, ``[B, G, K, T, M]``. The program has what there are many of behind, on the axis
that vector units run along: N = K·G·B places. Its flows are ``[M, 2, T, N]``, at the client and at its edge.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .client_groups import EdgeTree
from .stages import fold, over_first, stride, sum_of, total, written


class RelaxationProblem(NamedTuple):
    """The program of a batch.

    - `value_local`, `value_edge` ``[B, G, K, T, M]``, `value_cloud` ``[B, G, K, T]``: of whole flows, 0 where closed.
    - `part_local`, `part_edge`: U. ``[B, G, K, T, M]``
    - `local_load` ``[B, G, K, T]`` times `client_cost` ``[B, M]``: L.
    - `edge_load` ``[B, G, K, T]`` times `edge_cost` ``[B, E, M]``: G.
    - `edge_setup`: load of a task, however few queries there are; only `price_bound` knows of it. ``[B, E, M]``
    - `data`, `cloud_data` ``[B, G, K, T]``: H, J.
    - `client_size` ``[B, G, K, M]``, `edge_size` ``[B, E, M]``: parts of the memory.
    - `client_limit` ``[B, G, K]``, `edge_limit`, `uplink_limit` ``[B, E]``, `cloud_limit` ``[B]``: right-hand sides, at
      least 1 where nothing could ever fill them.
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

    flow: Any  # f and g [M, 2, T, N]
    cloud: Any  # s [T, N]
    held: Any  # x of clients [M, N]
    held_edge: Any  # x of edges [M, E, B]


class Rows(NamedTuple):
    """A number for each row."""

    flow: Any  # p and q [M, 2, T, N]
    stream: Any  # n [T, N]
    rent: Any  # θ [N]
    edge_rent: Any  # θ [E, B]
    whole: Any  # ρ [M, N]
    edge_whole: Any  # ρ [M, E, B]
    client: Any  # α [N]
    compute: Any  # π [E, B]
    uplink: Any  # u [E, B]
    cloud: Any  # v [B]


class Point(NamedTuple):
    """Columns and slacks, reduced costs and multipliers; all above 0, and 0 for what is not there."""

    column: Columns
    reduced: Columns
    slack: Rows
    price: Rows


class Places:
    """How numbers move between places, edges and instances."""

    def __init__(self, problem: RelaxationProblem):
        self.batch, self.groups, self.rows = problem.value_cloud.shape[:3]
        self.edges = problem.edge_limit.shape[1]
        home = problem.home
        self.tree = EdgeTree(self.edges, None if home is None else home.T)

    def table(self, array: Array) -> Array:
        """``[*rest, N]`` from ``[B, G, K, *rest]`` with its axes reversed."""
        behind = jnp.transpose(array)
        return behind.reshape(*behind.shape[:-3], self.rows * self.groups * self.batch)

    def cleared(self, array: Array) -> Array:
        """Back from ``[*rest, N]`` to ``[B, G, K, *rest]`` with its axes reversed."""
        return jnp.transpose(array.reshape(*array.shape[:-1], self.rows, self.groups, self.batch))

    def of_groups(self, groups: Array) -> Array:
        """A group's numbers for each of its places. ``[*rest, N]`` from ``[*rest, G, B]``"""
        *rest, many, batch = groups.shape

        def spread() -> Array:
            return jnp.broadcast_to(groups[..., None, :, :], (*rest, self.rows, many, batch)).reshape(*rest, -1)

        return written(spread)

    def of_edges(self, edges: Array) -> Array:
        """An edge's numbers for each of its places, 0 where there is none. ``[*rest, N]`` from ``[*rest, E, B]``"""
        return self.of_groups(self.tree.to_groups(edges))

    def of_instances(self, numbers: Array) -> Array:
        """An instance's number for each of its places. ``[N]`` from ``[B]``"""
        return self.of_groups(jnp.broadcast_to(numbers[None], (self.groups, self.batch)))

    def at_edges(self, places: Array) -> Array:
        """Sums over the places of each edge. ``[*rest, E, B]`` from ``[*rest, N]``"""
        rest = places.shape[:-1]
        array = places.reshape(-1, self.rows, self.groups * self.batch)
        while array.shape[1] > 1:
            array = _fewer(array)
        return self.gathered(array.reshape(*rest, self.groups, self.batch))

    def gathered(self, groups: Array) -> Array:
        """Sums over the groups of each edge. ``[*rest, E, B]`` from ``[*rest, G, B]``"""
        home = self.tree.home
        if home is None:
            return groups
        of_edge = (home[None] == jnp.arange(self.edges)[:, None, None]).astype(groups.dtype)
        return written(lambda: jnp.einsum("egb,...gb->...eb", of_edge, groups))

    def over_all(self, expression: Any, kinds: Any, combine: Any) -> Any:
        """Sum, or another combination, of an expression of numbers of all kinds. ``[B]``

        `kinds`: for each one whether it has places behind, and arrays.
        """

        def both(one: Any, other: Any) -> Any:
            return jax.tree.map(combine, one, other)

        def shortened(width: int, arrays: list[Array]) -> Any:
            """Over all axes but the last ones, of a width."""
            found = over_first(expression, *arrays, combine=combine)
            return jax.tree.map(lambda array: fold(array.reshape(-1, width), combine), found)

        def of_instances(width: int, kinds: list[list[Array]]) -> Any:
            """Over places, or over edges."""
            own = [shortened(width, arrays) for arrays in kinds if arrays[-1].size > width]
            last = [[array.reshape(width) for array in arrays] for arrays in kinds if arrays[-1].size == width]
            added = written(lambda: functools.reduce(both, [*own, *(expression(*arrays) for arrays in last)]))
            return jax.tree.map(lambda array: fold(array.reshape(-1, self.batch), combine), added)

        at_places = [arrays for at_places, *arrays in kinds if at_places]
        at_edges = [arrays for at_places, *arrays in kinds if not at_places and arrays[-1].ndim > 1]
        found = [of_instances(self.rows * self.groups * self.batch, at_places)]
        if at_edges:
            found.append(of_instances(self.edges * self.batch, at_edges))
        of_cloud = [arrays for at_places, *arrays in kinds if not at_places and arrays[-1].ndim == 1]
        return written(lambda: functools.reduce(both, [*found, *(expression(*arrays) for arrays in of_cloud)]))

    def in_instance(self, places: Array) -> Array:
        """Sum over the places of each instance. ``[B]`` from ``[N]``"""
        return fold(places.reshape(self.rows * self.groups, self.batch))


def _fewer(array: Array) -> Array:
    """Sums over strides of a middle axis."""
    count = array.shape[1]
    step = stride(count)
    steps, rest = divmod(count, step)
    left = array[:, count - rest :]
    blocks = array[:, : step * steps].reshape(array.shape[0], step, steps, array.shape[2])
    sums = written(lambda: sum_of(blocks[:, index] for index in range(step)))
    return jnp.concatenate([sums, left], axis=1) if rest else sums


class Program(NamedTuple):
    """A with its data where the method wants them, and products with it."""

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
    minus_column: Columns
    minus_row: Rows

    def used(self, column: Columns) -> Rows:
        """A y."""
        part, load, places = self.part, self.load, self.places
        held = self.of_holders(column.held, column.held_edge)
        sent, work = over_first(
            lambda u, f, cost: (u * f, u * f * cost[:, :, None]), part, column.flow, self.cost
        )  # [2, T, N]
        on_way = written(lambda: sent[1] + column.cloud)
        at_edge = places.at_edges(written(lambda: jnp.stack([total(load[1] * work[1]), total(self.data * on_way)])))
        return Rows(
            flow=written(lambda: column.flow - held[:, :, None]),
            stream=written(lambda: sent[0] + on_way),
            rent=over_first(lambda size, x: size * x, self.size, column.held),
            edge_rent=over_first(lambda size, x: size * x, self.edge_size, column.held_edge),
            whole=column.held,
            edge_whole=column.held_edge,
            client=written(lambda: total(load[0] * work[0])),
            compute=at_edge[0],
            uplink=at_edge[1],
            cloud=places.in_instance(written(lambda: total(self.cloud_data * column.cloud))),
        )

    def of_holders(self, held: Array, held_edge: Array) -> Array:
        """The models that flows go to. ``[M, 2, N]``"""
        at_edge = self.places.of_edges(held_edge)
        return written(lambda: jnp.stack([held, at_edge], axis=1))

    def asked(self, price: Rows) -> tuple[Array, Array]:
        """What streams ask of flows ``[2, T, N]``, and capacities of models ``[M, 2, N]``."""
        compute, uplink = self.places.of_edges(price.compute), self.places.of_edges(price.uplink)

        def asked() -> tuple[Array, Array]:
            way = jnp.stack([price.stream, price.stream + self.data * uplink[None]])
            return way, self.cost * jnp.stack([price.client, compute])[None]

        return written(asked)

    def costs(self, price: Rows, by_flow: Array) -> Columns:
        """Aᵀ w besides those of flows, with Σ p over the streams of a place. `by_flow` ``[M, 2, N]``"""
        places = self.places
        uplink, cloud = places.of_edges(price.uplink), places.of_instances(price.cloud)
        at_edge = places.at_edges(by_flow[:, 1])

        def of_cloud() -> Array:
            cost = price.stream + self.data * uplink[None] + self.cloud_data * cloud[None]
            return jnp.where(self.is_column.cloud, cost, 0.0)

        return Columns(
            flow=None,
            cloud=written(of_cloud),
            held=written(lambda: self.size * price.rent[None] + price.whole - by_flow[:, 0]),
            held_edge=written(lambda: self.edge_size * price.edge_rent[None] + price.edge_whole - at_edge),
        )

    def asked_of_flows(self, way: Array, toll: Array) -> Array:
        """What `asked` sums up to for each flow: an expression. ``[M, 2, T, N]``"""
        return self.part * (way[None] + self.load[None] * toll[:, :, None])


def program_of(problem: RelaxationProblem, places: Places) -> Program:
    """The program of a batch."""
    models = problem.client_cost.shape[1]
    dtype = problem.data.dtype

    def flows(local: Array, edge: Array) -> Array:
        return jnp.stack([places.table(local), places.table(edge)], axis=1)

    def is_flow() -> Array:
        local = (problem.value_local > 0.0) & (problem.part_local > 0.0)
        return flows(local, (problem.value_edge > 0.0) & (problem.part_edge > 0.0))

    there = written(is_flow)
    part = written(lambda: jnp.where(there, flows(problem.part_local, problem.part_edge), 0.0))
    value = written(lambda: jnp.where(there, flows(problem.value_local, problem.value_edge), 0.0))
    value_cloud = written(lambda: places.table(problem.value_cloud))
    load = written(lambda: jnp.stack([places.table(problem.local_load), places.table(problem.edge_load)]))
    data = written(lambda: places.table(problem.data))
    cloud_data = written(lambda: places.table(problem.cloud_data))
    client_cost = jnp.broadcast_to(problem.client_cost.T[:, None], (models, places.groups, places.batch))
    edge_cost = places.tree.to_groups(jnp.transpose(problem.edge_cost))
    cost = written(lambda: jnp.stack([places.of_groups(client_cost), places.of_groups(edge_cost)], axis=1))  # [M, 2, N]
    held = written(lambda: jnp.any(there, axis=2))
    held_edge = places.at_edges(written(lambda: held[:, 1].astype(dtype))) > 0.0
    held = held[:, 0]
    size = written(lambda: jnp.where(held, places.table(problem.client_size), 0.0))
    edge_size = written(lambda: jnp.where(held_edge, jnp.transpose(problem.edge_size), 0.0))
    cloud = value_cloud > 0.0
    is_column = Columns(there, cloud, held, held_edge)
    client_limit = places.table(problem.client_limit)
    limit = Rows(
        flow=jnp.zeros((1, 1, 1, 1), dtype=dtype),
        stream=jnp.ones_like(data),
        rent=jnp.ones_like(client_limit),
        edge_rent=jnp.ones_like(problem.edge_limit.T),
        whole=jnp.ones_like(size),
        edge_whole=jnp.ones_like(edge_size),
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
        stream=written(lambda: jnp.any(there, axis=(0, 1)) | cloud),
        rent=at_client,
        edge_rent=at_edge,
        whole=held,
        edge_whole=held_edge,
        client=at_client & (client_limit > 0.0),
        compute=at_edge & (problem.edge_limit.T > 0.0),
        uplink=(at_edge | through) & (problem.uplink_limit.T > 0.0),
        cloud=jnp.any(through, axis=0) & (problem.cloud_limit > 0.0),
    )
    # -1 for what is there: to an affine step every product is to become 0.
    minus_column = Columns(*(written(lambda mask=mask: -mask.astype(dtype)) for mask in is_column))
    minus_row = Rows(minus_column.flow, *(-mask.astype(dtype) for mask in is_row[1:]))
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
        minus_column=minus_column,
        minus_row=minus_row,
    )


def reciprocal(positive: Array) -> Array:
    """1 / x, and a number that is yet finite where there is nothing, without a branch that vector units cannot take."""
    return 1.0 / (positive + jnp.finfo(positive.dtype).tiny ** 0.5)


class AtPlaces(NamedTuple):
    """Which kinds of numbers have places behind; the others have instances."""

    column: Columns
    row: Rows


AT_PLACES = AtPlaces(
    Columns(flow=True, cloud=True, held=True, held_edge=False),
    Rows(True, True, True, False, True, False, True, False, False, False),
)


class Kinds:
    """Numbers of instances ``[B]``, beside those of any kind."""

    def __init__(self, places: Places, numbers: Array):
        self.numbers = {True: places.of_instances(numbers), False: numbers}

    def like(self, at_places: bool, array: Array) -> Array:
        """With as many axes as an array."""
        return self.numbers[at_places][(None,) * (array.ndim - 1)]
