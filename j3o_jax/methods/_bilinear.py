"""The problem as the paper prints it, (13): linear but for products of a share and a choice."""

import math
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from j3o_kernels.tolerances import ROUNDING

from .._highs import Program
from .._scenario import Scenario
from .._types import Float, Int
from ._strong_formulation import choices_of, in_parts


class Bilinear(NamedTuple):
    """A `Program` some of whose columns are products of two others: v[product] = v[share] · v[choice].

    - `program`: all that is linear; the columns `choice` are 0 or 1.
    - `product`, `share`, `choice`: column numbers. ``[P]``
    - `client_choice`, `edge_choice`: column numbers of z, −1 where it must be 0. ``[C, M, T]``, ``[E, M, T]``
    """

    program: Program
    product: Int[np.ndarray, " P"]
    share: Int[np.ndarray, " P"]
    choice: Int[np.ndarray, " P"]
    client_choice: Int[np.ndarray, "C M T"]
    edge_choice: Int[np.ndarray, "E M T"]

    def choices(self, values: Float[np.ndarray, " N"]) -> tuple[Int[np.ndarray, "C T"], Int[np.ndarray, "E T"]]:
        """The model that each node uses for each task in a solution, −1 for none. ``[C, T]``, ``[E, T]``"""
        return choices_of(values, self.client_choice, self.edge_choice)

    def envelopes(self) -> Program:
        """The products replaced by their McCormick envelopes, one by one; exact, because a choice is 0 or 1.

        p <= z, p <= share and p >= share + z − 1. Nothing stronger is made of the products of one stream together:
        that is what tells this program from the strong formulation.
        """
        given, count = self.program, self.product.size

        def rows(*terms: tuple[np.ndarray, float]) -> Any:
            columns = np.stack([columns for columns, _ in terms], axis=1)
            values = np.broadcast_to([value for _, value in terms], columns.shape)
            ends = np.arange(count + 1) * len(terms)
            return scipy.sparse.csr_array((values.ravel(), columns.ravel(), ends), shape=(count, given.gain.size))

        extra = [
            rows((self.product, 1.0), (self.choice, -1.0)),
            rows((self.product, 1.0), (self.share, -1.0)),
            rows((self.share, 1.0), (self.choice, 1.0), (self.product, -1.0)),
        ]
        return given._replace(
            matrix=scipy.sparse.csr_array(scipy.sparse.vstack([given.matrix, *extra])),
            lower=np.append(given.lower, np.full(3 * count, -np.inf)),
            upper=np.append(given.upper, np.repeat([0.0, 1.0], [2 * count, count])),
        )


def bilinear(scenario: Scenario) -> Bilinear:
    """(13) for one scenario of NumPy arrays, with l = 1 − o^c, g = o^c − o^{c,e} and s = o^{c,e}.

    - x, z ∈ {0, 1} at every client and edge: z <= x, (8), and Σ_m z <= 1, for none is a choice.
    - l, g, s ∈ [0, 1], l + g + s <= 1. Where all must be served, = 1; then l <= Σ_m z^c and g <= Σ_m z^e, as under (1).
    - l·z^c and g·z^e in (3) and (5), in (9) and in (10) or (28). In (28) the set-up goes with z^e, not 1[λ^e > 0]:
      that comes to the same, since a model that serves nobody need not be chosen.

    What must be 0 anyway is left out: models larger than the memory; a task at models, or in a cloud, without accuracy
    for it; streams that nobody asks for; what needs some of a resource of which there is none.
    """
    home, demand, strict = scenario.client_edge, scenario.demand, not scenario.allow_unserved
    asked = demand > 0.0
    weight = demand / (demand.sum() or 1.0)
    client_accuracy, edge_accuracy = scenario.client_accuracy[home], scenario.edge_accuracy[home]
    columns = _Columns()

    starts = np.ones((scenario.edges, scenario.models), dtype=bool)
    if scenario.batching is not None:
        starts = scenario.batching.setup <= scenario.batching.window[:, None] * (1.0 + ROUNDING)
    choices = []  # column numbers of z: [C, M, T], [E, M, T]
    for size, memory, accuracy, possible in (
        (scenario.client_model_memory, scenario.client_memory, client_accuracy, True),
        (scenario.edge_model_memory, scenario.edge_memory, scenario.edge_accuracy, starts),
    ):
        parts = in_parts(size, (memory * (1.0 + ROUNDING))[:, None])
        held = columns.add((parts <= 1.0) & possible, whole=True)
        choice = columns.add((held >= 0)[:, :, None] & (accuracy > 0.0), whole=True)
        columns.limit(held, parts)
        columns.limit(np.moveaxis(choice, 1, 2), 1.0)
        pairs = np.stack(np.broadcast_arrays(choice, held[:, :, None]), axis=-1)
        columns.limit(pairs[choice >= 0], np.array([1.0, -1.0]), 0.0)
        choices.append(choice)
    client_choice, edge_choice = choices

    data = demand * scenario.input_size
    edge_data, cloud_data = in_parts(data, scenario.edge_uplink[home][:, None]), in_parts(data, scenario.cloud_uplink)
    local = columns.add(asked)
    edge = columns.add(asked & np.isfinite(edge_data))
    to_cloud = asked & np.isfinite(edge_data + cloud_data) & (scenario.cloud_accuracy > 0.0)
    cloud = columns.add(to_cloud, weight * scenario.cloud_accuracy)
    shares = np.stack([local, edge, cloud], axis=-1)
    columns.limit(shares[asked], 1.0, least=1.0 if strict else -np.inf)
    if strict:
        for share, choice in ((local, client_choice), (edge, edge_choice[home])):
            served_by = np.concatenate([share[:, :, None], np.moveaxis(choice, 1, 2)], axis=-1)
            columns.limit(served_by[share >= 0], np.append(1.0, -np.ones(scenario.models)), 0.0)

    local_work = in_parts(
        demand[:, None, :] * scenario.client_model_compute[:, None], scenario.client_compute[:, None, None]
    )
    edge_work = in_parts(
        demand[:, None, :] * scenario.edge_model_compute[:, None], scenario.edge_compute[home][:, None, None]
    )
    factors, products = [], []  # pairs of column numbers [K, 2]; column numbers of their products: [C, M, T]
    for share, choice, accuracy, work in (
        (local, client_choice, client_accuracy, local_work),
        (edge, edge_choice[home], edge_accuracy, edge_work),
    ):
        pairs = np.stack(np.broadcast_arrays(share[:, None, :], choice), axis=-1)
        possible = (pairs >= 0).all(axis=-1)
        product = columns.add(possible, weight[:, None, :] * accuracy, most=np.isfinite(work))
        factors.append(np.concatenate([product[possible][:, None], pairs[possible]], axis=1))
        products.append(product)
    local_product, edge_product = products

    def flat(array: np.ndarray) -> np.ndarray:
        return array.reshape(1, -1)

    columns.limit(local_product.reshape(scenario.clients, -1), local_work.reshape(scenario.clients, -1))  # (9)
    for one in range(scenario.edges):
        mine = home == one
        busy, work = flat(edge_product[mine]), flat(edge_work[mine])
        if scenario.batching is not None:  # (28), in parts of the window; else (10)
            setup = scenario.batching.setup[one] / scenario.batching.window[one]
            busy = np.append(busy, flat(edge_choice[one]), axis=1)
            work = np.append(work, flat(np.repeat(setup, scenario.tasks)), axis=1)
        columns.limit(busy, work)
        sent = np.stack([edge[mine], cloud[mine]])
        columns.limit(flat(sent), flat(np.broadcast_to(edge_data[mine], sent.shape)))  # (11)
    columns.limit(flat(cloud), flat(cloud_data))  # (12)
    product, share, choice = np.concatenate(factors).T
    return Bilinear(columns.program(), product, share, choice, client_choice, edge_choice)


class _Columns:
    """Variables by number, and rows over them."""

    def __init__(self):
        self.size = self.rows = 0
        self.gain, self.most, self.whole = [], [], []
        self.row, self.column, self.value, self.least, self.limits = [], [], [], [], []

    def add(self, wanted: Any, gain: Any = 0.0, *, most: Any = 1.0, whole: bool = False) -> Int[np.ndarray, "..."]:
        """Numbers of new variables in [0, most] where `wanted`, −1 elsewhere."""
        numbers = np.full(wanted.shape, -1)
        numbers[wanted] = self.size + np.arange(wanted.sum())
        self.size += int(wanted.sum())
        self.gain.append(np.broadcast_to(gain, wanted.shape)[wanted])
        self.most.append(np.broadcast_to(np.asarray(most, dtype=float), wanted.shape)[wanted])
        self.whole.append(np.full(int(wanted.sum()), whole))
        return numbers

    def limit(self, columns: Int[np.ndarray, "... K"], values: Any, limit: float = 1.0, least: float = -np.inf) -> None:
        """``least <= Σ_k values · v <= limit`` for each row of columns, −1 for none; in units of its largest entry.

        Rows that cannot exceed their limit are left out. What has no range may have an infinite value.
        """
        most = np.append(np.concatenate(self.most), 0.0)[columns]  # column −1
        entries = np.where(most > 0.0, np.broadcast_to(values, columns.shape), 0.0)
        shape = math.prod(columns.shape[:-1]), columns.shape[-1]  # an edge without clients has rows of nothing
        columns, entries = columns.reshape(shape), entries.reshape(shape)
        kept = (np.maximum(entries, 0.0).sum(axis=1) > limit) | np.isfinite(least)
        columns, entries = columns[kept], entries[kept]
        # A row without entries, which must then be infeasible, stays as it is.
        unit = np.abs(entries).max(axis=1, initial=0.0)
        unit = np.where(unit > 0.0, unit, 1.0)
        row, at = np.nonzero(entries)
        self.row.append(self.rows + row)
        self.column.append(columns[row, at])
        self.value.append(entries[row, at] / unit[row])
        self.limits.append(limit / unit)
        self.least.append(least / unit)
        self.rows += len(columns)

    def program(self) -> Program:
        """All that was collected."""
        at = np.concatenate(self.row), np.concatenate(self.column)
        return Program(
            gain=np.concatenate(self.gain),
            most=np.concatenate(self.most),
            whole=np.concatenate(self.whole),
            matrix=scipy.sparse.csr_array((np.concatenate(self.value), at), shape=(self.rows, self.size)),
            lower=np.concatenate(self.least),
            upper=np.concatenate(self.limits),
        )
