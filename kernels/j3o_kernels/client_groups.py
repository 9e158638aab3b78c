"""Clients in groups of one edge each, so that sums over an edge's clients are sums along an axis."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from .materialize import materialize, tree_reduce
from .offloading import AnyArray


class ClientGroups(NamedTuple):
    """Positions of the clients of a batch in a table of K rows and G groups.

    - `slots`: the client in each place, C where there is none. ``[B, K, G]``
    - `places`: K-major number of each client's place. ``[B, C]``
    - `edge`: the edge of each group, E where the group is empty; None where group g is edge g throughout. ``[B, G]``
    """

    slots: Int[AnyArray, "B K G"]
    places: Int[AnyArray, "B C"]
    edge: Int[AnyArray, "B G"] | None

    def to_groups(self, clients: AnyArray) -> Array:
        """Scatter values of clients ``[B, C, *rest]`` to their places, zeros elsewhere: ``[*rest, K, G, B]``."""
        return jnp.moveaxis(self.to_groups_batch_first(clients), (1, 2, 0), (-3, -2, -1))

    def to_groups_batch_first(self, clients: AnyArray) -> Array:
        """`to_groups` with the batch axis in front: ``[B, K, G, *rest]`` from ``[B, C, *rest]``."""
        batch = jnp.arange(clients.shape[0])[:, None, None]
        clients = jnp.asarray(clients)
        empty = jnp.zeros_like(clients[:, :1])
        return jnp.concatenate([clients, empty], axis=1)[batch, self.slots]

    def from_groups(self, table: Array) -> Array:
        """Gather values of clients ``[B, C, *rest]`` from their places ``[*rest, K, G, B]``."""
        rows, groups, count = table.shape[-3:]
        flat = jnp.moveaxis(table.reshape(*table.shape[:-3], rows * groups, count), (-1, -2), (0, 1))
        return flat[jnp.arange(count)[:, None], self.places]


def edges_to_groups(edges: AnyArray, edge_index: AnyArray | None) -> Array:
    """Gather the values of each group's edge, 0 where it has none: ``[B, G, *rest]`` from ``[B, E, *rest]``."""
    edges = jnp.asarray(edges)
    if edge_index is None:
        return edges
    return edges.at[jnp.arange(edges.shape[0])[:, None], edge_index].get(mode="fill", fill_value=0.0)


def groups_to_edges(groups: Array, edge_index: AnyArray | None, edges: int) -> Array:
    """Sum values over the groups of each edge: ``[B, E, *rest]`` from ``[B, G, *rest]``."""
    if edge_index is None:
        return groups
    of_edge = (edge_index[:, None] == jnp.arange(edges)[None, :, None]).astype(groups.dtype)
    return jnp.einsum("beg,bg...->be...", of_edge, groups)


class EdgeTree:
    """Sums of clients' values over their edges, and gathers of edges' values, with the batch axis last.

    **Arguments:**

    - `edges`: their number.
    - `edge_index`: the edge of each group ``[G, B]``; None where group g is edge g throughout.
    """

    def __init__(self, edges: int, edge_index: Array | None):
        self.edges = edges
        self.edge_index = edge_index

    def to_edges(self, clients: Callable[[], Array]) -> Array:
        """Sum an expression of clients ``[K, G, B]``, which is materialized, over each edge: ``[E, B]``."""
        return self.sum_clients(materialize(clients))

    def sum_clients(self, clients: Array) -> Array:
        """`to_edges` of a materialized array."""
        return self.sum_groups(tree_reduce(clients))

    def sum_groups(self, groups: Array) -> Array:
        """Sum values over the groups of each edge: ``[*rest, E, B]`` from ``[*rest, G, B]``."""
        edge_index = self.edge_index
        if edge_index is None:
            return groups
        of_edge = edge_index[None] == jnp.arange(self.edges)[:, None, None]
        of_edge = of_edge[(None,) * (groups.ndim - 2)]
        return materialize(lambda: jnp.sum(jnp.where(of_edge, groups[..., None, :, :], 0.0), axis=-2))

    def to_streams(self, edges: Array) -> Array:
        """Broadcast edges' values ``[E, B]`` to their streams: ``[1, 1, G, B]``."""
        return self.to_groups(edges)[None, None]

    def to_groups(self, edges: Array) -> Array:
        """Gather the values of each group's edge, 0 for empty ones: ``[*rest, G, B]`` from ``[*rest, E, B]``."""
        if self.edge_index is None:
            return edges
        instance = jnp.arange(edges.shape[-1])[None, :]
        return materialize(lambda: edges.at[..., self.edge_index, instance].get(mode="fill", fill_value=0.0))


def group_clients(client_edge: Int[np.ndarray, "B C"], edges: int) -> ClientGroups:
    """Assign clients to a small table for all instances: at most about 2·C + E places, however uneven the edges.

    Where no edge has many more clients than the others, each edge is one group; else large edges have several. There
    are at most four sizes of table for the same numbers of clients and edges.
    """
    batch, clients = client_edge.shape
    instance = np.arange(batch)[:, None]
    order = np.argsort(client_edge, axis=1, kind="stable")
    sizes = np.zeros((batch, edges), dtype=np.int64)
    np.add.at(sizes, (instance, client_edge), 1)
    first = np.cumsum(sizes, axis=1) - sizes
    rank = np.empty_like(client_edge)
    rank[instance, order] = np.arange(clients) - first[instance, client_edge[instance, order]]

    # Few shapes of table for all batches of a size: every shape is a program to compile.
    least = max(-(-clients // edges), 1)
    step = -(-least // 2)
    rows = least + step * -(-max(int(sizes.max(initial=0)) - least, 0) // step)
    edge = None
    group = client_edge
    groups = edges
    if rows * edges > 2 * clients + edges:
        rows = least
        each = -(-sizes // rows)
        groups = min(2 * edges, clients)
        start = np.cumsum(each, axis=1) - each
        group = start[instance, client_edge] + rank // rows
        rank = rank % rows
        edge = np.full((batch, groups), edges)
        np.put_along_axis(edge, group, client_edge, axis=1)
    places = rank * groups + group
    slots = np.full((batch, rows * groups), clients)
    np.put_along_axis(slots, places, np.broadcast_to(np.arange(clients), places.shape), axis=1)
    return ClientGroups(slots.reshape(batch, rows, groups), places, edge)


def lone_clients(client_edge: Array) -> ClientGroups:
    """Make groups of one client each, which do not depend on values: for a `client_edge` that JAX traces."""
    batch, clients = client_edge.shape
    every = jnp.broadcast_to(jnp.arange(clients), (batch, clients))
    return ClientGroups(every[:, None, :], every, client_edge)
