"""Clients in groups of one edge each, so that sums over an edge's clients are sums along an axis."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from .offloading import AnyArray
from .stages import fold, written


class ClientGroups(NamedTuple):
    """Where each client of a batch stands in a table of K rows and G groups.

    - `slots`: the client in each place, C where there is none. ``[B, K, G]``
    - `places`: K-major number of each client's place. ``[B, C]``
    - `edge`: the edge of each group, E where the group is empty; None where group g is edge g throughout. ``[B, G]``
    """

    slots: Int[AnyArray, "B K G"]
    places: Int[AnyArray, "B C"]
    edge: Int[AnyArray, "B G"] | None

    def spread(self, clients: AnyArray) -> Array:
        """Values of clients ``[B, C, *rest]``, in their places, zeros elsewhere. ``[*rest, K, G, B]``"""
        return jnp.moveaxis(self.placed(clients), (1, 2, 0), (-3, -2, -1))

    def placed(self, clients: AnyArray) -> Array:
        """`spread` with the instances in front. ``[B, K, G, *rest]`` from ``[B, C, *rest]``"""
        batch = jnp.arange(clients.shape[0])[:, None, None]
        clients = jnp.asarray(clients)
        empty = jnp.zeros_like(clients[:, :1])
        return jnp.concatenate([clients, empty], axis=1)[batch, self.slots]

    def gathered(self, placed: Array) -> Array:
        """Back from ``[*rest, K, G, B]`` to ``[B, C, *rest]``."""
        rows, groups, count = placed.shape[-3:]
        flat = jnp.moveaxis(placed.reshape(*placed.shape[:-3], rows * groups, count), (-1, -2), (0, 1))
        return flat[jnp.arange(count)[:, None], self.places]


def to_groups(edges: AnyArray, home: AnyArray | None) -> Array:
    """The numbers of each group's edge, 0 where it has none. ``[B, G, *rest]`` from ``[B, E, *rest]``"""
    edges = jnp.asarray(edges)
    if home is None:
        return edges
    return edges.at[jnp.arange(edges.shape[0])[:, None], home].get(mode="fill", fill_value=0.0)


def to_edges(groups: Array, home: AnyArray | None, edges: int) -> Array:
    """Sums over the groups of each edge. ``[B, E, *rest]`` from ``[B, G, *rest]``"""
    if home is None:
        return groups
    of_edge = (home[:, None] == jnp.arange(edges)[None, :, None]).astype(groups.dtype)
    return jnp.einsum("beg,bg...->be...", of_edge, groups)


class EdgeTree:
    """How numbers move between clients, in their table, and edges.

    **Arguments:**

    - `edges`: how many there are.
    - `home`: the edge of each group ``[G, B]``; None where group g is edge g throughout.
    """

    def __init__(self, edges: int, home: Array | None):
        self.edges = edges
        self.home = home

    def to_edges(self, clients: Callable[[], Array]) -> Array:
        """Sum over the clients of each edge of what is evaluated in a stage ``[K, G, B]``. ``[E, B]``"""
        return self.summed(written(clients))

    def summed(self, clients: Array) -> Array:
        """`to_edges` of what is written out."""
        return self.gathered(fold(clients))

    def gathered(self, groups: Array) -> Array:
        """Sum over the groups of each edge. ``[*rest, E, B]`` from ``[*rest, G, B]``"""
        home = self.home
        if home is None:
            return groups
        of_edge = home[None] == jnp.arange(self.edges)[:, None, None]
        of_edge = of_edge[(None,) * (groups.ndim - 2)]
        return written(lambda: jnp.sum(jnp.where(of_edge, groups[..., None, :, :], 0.0), axis=-2))

    def to_streams(self, edges: Array) -> Array:
        """An edge's number for each of its streams. ``[1, 1, G, B]``"""
        return self.to_groups(edges)[None, None]

    def to_groups(self, edges: Array) -> Array:
        """An edge's numbers for each of its groups, 0 for empty ones. ``[*rest, G, B]`` from ``[*rest, E, B]``"""
        if self.home is None:
            return edges
        instance = jnp.arange(edges.shape[-1])[None, :]
        return written(lambda: edges.at[..., self.home, instance].get(mode="fill", fill_value=0.0))


def group_clients(client_edge: Int[np.ndarray, "B C"], edges: int) -> ClientGroups:
    """A small table for all instances of a batch: at most about 2·C + E places, however unevenly clients are spread.

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
    """Groups of one client each, which need no look at the data: for maps of clients to edges that JAX traces."""
    batch, clients = client_edge.shape
    every = jnp.broadcast_to(jnp.arange(clients), (batch, clients))
    return ClientGroups(every[:, None, :], every, client_edge)
