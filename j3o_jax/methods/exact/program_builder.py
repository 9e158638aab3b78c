"""Builder of mixed-integer linear programs: variables by number, and rows over them."""

import math
from typing import Any

import numpy as np
import scipy.sparse

from ..._highs import MILP
from ..._model import MovingCosts, moving_costs
from ..._scenario import Scenario
from ..._types import Bool, Float, Int


class ProgramBuilder:
    """Variables from 0 to an upper bound, and rows, of a `MILP` in the making.

    Variables are known by their numbers, in arrays of any shape; −1 stands for one that is left out, which is 0.

    **Arguments:**

    - `scaled`: divide every row by its largest entry.
    """

    def __init__(self, *, scaled: bool = False):
        self.scaled = scaled
        self.size = self.rows = 0
        self.objective, self.upper, self.integrality = [], [], []
        self.row, self.column, self.value, self.row_lower, self.row_upper = [], [], [], [], []

    def variables(
        self, wanted: Bool[np.ndarray, "..."], objective: Any = 0.0, *, upper: Any = 1.0, integer: bool = False
    ) -> Int[np.ndarray, "..."]:
        """Numbers of new variables in [0, upper] where `wanted`, −1 elsewhere."""
        numbers = np.full(wanted.shape, -1)
        count = int(wanted.sum())
        numbers[wanted] = self.size + np.arange(count)
        self.size += count
        self.objective.append(np.broadcast_to(objective, wanted.shape)[wanted])
        self.upper.append(np.broadcast_to(np.asarray(upper, dtype=float), wanted.shape)[wanted])
        self.integrality.append(np.full(count, integer))
        return numbers

    def limit(self, columns: Int[np.ndarray, "*rows K"], values: Any, upper: float = 1.0, lower: Any = -np.inf) -> None:
        """Add ``lower <= Σ_k values · v <= upper`` for each row of columns.

        Rows without a lower limit that cannot exceed the upper one are left out. A variable that can only be 0 may have
        an infinite value.
        """
        shape = math.prod(columns.shape[:-1]), columns.shape[-1]  # an edge without clients has rows of nothing
        ranges = np.append(np.concatenate(self.upper), 0.0)[columns]  # column −1
        entries = np.where(ranges > 0.0, np.broadcast_to(values, columns.shape), 0.0).reshape(shape)
        lower = np.broadcast_to(lower, columns.shape[:-1]).reshape(shape[0])
        kept = (np.maximum(entries, 0.0).sum(axis=1) > upper) | np.isfinite(lower)
        columns, entries, lower = columns.reshape(shape)[kept], entries[kept], lower[kept]
        unit = np.ones(len(columns))
        if self.scaled:
            # A row without entries, which must then be infeasible, stays as it is.
            largest = np.abs(entries).max(axis=1, initial=0.0)
            unit = np.where(largest > 0.0, largest, 1.0)
        row, place = np.nonzero(entries)
        self.row.append(self.rows + row)
        self.column.append(columns[row, place])
        self.value.append(entries[row, place] / unit[row])
        self.row_lower.append(lower / unit)
        self.row_upper.append(upper / unit)
        self.rows += len(columns)

    def at_most_each(self, small: Int[np.ndarray, "..."], large: Int[np.ndarray, "..."], lower: Any = -np.inf) -> None:
        """Add ``lower <= small − large <= 0``, one by one; `large` has axes that are broadcast."""
        pairs = np.stack(np.broadcast_arrays(small, large), axis=-1)
        self.limit(pairs[small >= 0], np.array([1.0, -1.0]), 0.0, lower)

    def program(self) -> MILP:
        """Program of all that was added."""
        entries = np.concatenate(self.value), (np.concatenate(self.row), np.concatenate(self.column))
        return MILP(
            objective=np.concatenate(self.objective),
            upper=np.concatenate(self.upper),
            integrality=np.concatenate(self.integrality),
            matrix=scipy.sparse.csr_array(entries, shape=(self.rows, self.size)),
            row_lower=np.concatenate(self.row_lower),
            row_upper=np.concatenate(self.row_upper),
        )


def in_parts(load: Any, capacity: Any) -> np.ndarray:
    """`load` in parts of the capacity: 0 of an infinite one, infinite where there is a load and no capacity."""
    load, capacity = np.broadcast_arrays(np.asarray(load, dtype=float), np.asarray(capacity, dtype=float))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(load > 0.0, load / capacity, 0.0)


def largest_share(load: np.ndarray, room: Any) -> np.ndarray:
    """Largest share, at most 1, whose load fits into `room`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(load > room, room / load, 1.0)


def holding_gains(
    scenario: Scenario, client_earned: Float[np.ndarray, "C M"], edge_earned: Float[np.ndarray, "E M"]
) -> MovingCosts:
    """Return what holding each model adds to the objective: minus the cost of moving it, 0 where that costs nothing.

    Where queries may be left, a cost is no more than twice what the model could earn: one that costs more than it earns
    is not moved either way, and HiGHS's tolerances are absolute.

    **Arguments:**

    - `client_earned`, `edge_earned`: the most that each model can earn.
    """
    moving = moving_costs(scenario)
    if moving is None:
        return MovingCosts(np.zeros_like(client_earned), np.zeros_like(edge_earned))
    if scenario.allow_unserved:
        moving = MovingCosts(*map(np.minimum, moving, (2.0 * client_earned, 2.0 * edge_earned)))
    return MovingCosts(-moving.client, -moving.edge)


def choices_of(values: np.ndarray, columns: Int[np.ndarray, "V M T"]) -> Int[np.ndarray, "V T"]:
    """z(v, t) of a solution, −1 for none, where z stands in `columns`, −1 where it is 0."""
    chosen = np.append(values, 0.0)[columns] > 0.5
    return np.where(chosen.any(axis=1), chosen.argmax(axis=1), -1)
