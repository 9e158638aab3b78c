"""Columns and rows of the relaxation (`relaxation_program.py`), their layout in memory, and reductions over them."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .client_groups import EdgeTree
from .materialize import block_length, map_reduce, materialize, sum_terms, tree_reduce


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
    """Layouts of values at places, edges and instances, and sums and gathers between them.

    **Arguments:**

    - `shape`: B, G and K.
    - `edges`: their number.
    - `edge_index`: as of `RelaxationProblem`.
    """

    def __init__(self, shape: tuple[int, ...], edges: int, edge_index: Array | None):
        self.batch, self.groups, self.rows = shape
        self.edges = edges
        self.tree = EdgeTree(edges, None if edge_index is None else edge_index.T)

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

        def reduce_leading(width: int, arrays: list[Array]) -> Any:
            """Reduce all axes but the last ones, of a width."""
            found = map_reduce(expression, *arrays, combine=combine)
            return jax.tree.map(lambda array: tree_reduce(array.reshape(-1, width), combine), found)

        def of_instances(width: int, kinds: list[list[Array]]) -> Any:
            """Reduce values at places, or at edges."""
            own = [reduce_leading(width, arrays) for arrays in kinds if arrays[-1].size > width]
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


class PerInstance:
    """Values of instances ``[B]``, broadcast to any kind of column or row."""

    def __init__(self, places: Places, numbers: Array):
        self.numbers = {True: places.of_instances(numbers), False: numbers}

    def expand_like(self, at_places: bool, array: Array) -> Array:
        """Values with as many axes as an array."""
        return self.numbers[at_places][(None,) * (array.ndim - 1)]
