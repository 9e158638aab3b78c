"""Exact onloading of one node: the best models for a fixed load, by a mixed-integer linear program."""

import math
from typing import Any

import numpy as np
import scipy.sparse

from .._highs import Program, solve_program
from .._types import Bool, Float, Int


def best_node_choice(
    gain: Float[np.ndarray, "M T"],
    load: Float[np.ndarray, "M T"],
    setup: Float[np.ndarray, "M T"],
    size: Float[np.ndarray, " M"],
    budget: float,
    capacity: float,
    *,
    serve_all: bool = False,
    relative_gap: float = 1e-9,
    time_limit: float = math.inf,
) -> Int[np.ndarray, " T"]:
    """z(t) of the set of models that earns most at one node, served in part where compute runs out.

    Strong formulation with x_m, z_mt ∈ {0, 1}: maximise Σ gain·f, f_mt ≤ z_mt ≤ x_m, Σ_m z_mt ≤ 1,
    Σ load·f + Σ setup·z ≤ capacity, Σ size·x ≤ budget.

    **Arguments:**

    - `gain`: accuracy earned if model m serves the whole of task t, >= 0. ``[M, T]``
    - `load`: compute that it takes, in the unit of `capacity`. ``[M, T]``
    - `setup`: what it takes besides, however little is served. ``[M, T]``
    - `size`, `budget`: MB.
    - `serve_all`: serve the whole of every task that has a gain, Σ_m f_mt = 1, if that can be.
    - `time_limit`: seconds for HiGHS.

    **Returns:** the chosen model of each task, −1 for none. ``[T]``

    **Raises:** `TimeoutError` if the time ends before an optimum is proven, `RuntimeError` if HiGHS finds none else.
    """
    tasks = gain.shape[1]
    choice = np.full(tasks, -1)
    useful = (gain > 0.0) & (size <= budget)[:, None] & (setup <= capacity)
    useful &= ~_dominated(np.where(useful, gain, 0.0), load, setup, size)[:, None]
    model, task = np.nonzero(useful)
    if model.size == 0:
        return choice
    first = np.where(useful, gain, -1.0).argmax(axis=0)
    first = np.where(useful.any(axis=0), first, -1)
    ready = np.flatnonzero(first >= 0)
    taken = (load + setup)[first[ready], ready].sum()
    if size[np.unique(first[ready])].sum() <= budget and taken <= capacity:
        return first  # every task on its best model: nothing can be better
    held, held_of = np.unique(model, return_inverse=True)
    limits = budget, capacity, relative_gap, time_limit
    program = gain[useful], load[useful], setup[useful], size[held], held_of, task, *limits
    answer = None
    if serve_all and (useful.any(axis=0) == (gain > 0.0).any(axis=0)).all():
        answer = _solve(*program, serve_all=True)
    if answer is None:
        answer = _solve(*program, serve_all=False)
    if answer is None:
        raise RuntimeError("HiGHS found no choice of models, though to choose none is one")
    choice[task[answer]] = model[answer]
    return choice


def _dominated(
    gain: Float[np.ndarray, "M T"],
    load: Float[np.ndarray, "M T"],
    setup: Float[np.ndarray, "M T"],
    size: Float[np.ndarray, " M"],
) -> Bool[np.ndarray, " M"]:
    """Models that some other model can replace on every task, at no more memory or compute; of equals the first stays.

    Where all must be served this holds as well: a model without gain on a task cannot serve it there.
    """
    idle = gain == 0.0
    replaces = (gain[:, None] >= gain) & (load[:, None] <= load) & (setup[:, None] <= setup)  # [by, of, T]
    replaces = (replaces | idle[None]).all(axis=2) & (size[:, None] <= size)
    order = np.arange(size.size)
    return (replaces & ~(replaces.T & (order[:, None] >= order))).any(axis=0)


def _solve(
    gain: Float[np.ndarray, " P"],
    load: Float[np.ndarray, " P"],
    setup: Float[np.ndarray, " P"],
    size: Float[np.ndarray, " H"],
    held_of: Int[np.ndarray, " P"],
    task: Int[np.ndarray, " P"],
    budget: float,
    capacity: float,
    relative_gap: float,
    time_limit: float,
    *,
    serve_all: bool,
) -> Bool[np.ndarray, " P"] | None:
    """Which of the P pairs (model, task) with a gain are chosen; None if infeasible. Columns: x (H), z (P), f (P)."""
    pairs, models = gain.size, size.size
    width = models + 2 * pairs
    x, z, f = np.arange(models), models + np.arange(pairs), models + pairs + np.arange(pairs)
    row = np.arange(pairs)
    _, task_row = np.unique(task, return_inverse=True)
    tasks = int(task_row.max()) + 1

    def block(columns: np.ndarray, rows: np.ndarray, values: np.ndarray, height: int) -> Any:
        return scipy.sparse.coo_array((values, (rows, columns)), shape=(height, width))

    ones, nothing = np.ones(pairs), np.zeros(pairs, dtype=int)
    finite_budget = budget if np.isfinite(budget) else float(size.sum())
    memory = max(finite_budget, float(size.max()), np.finfo(float).tiny)
    # f is measured in parts of the most that the compute lets through, and the compute in parts of what there is:
    # then no entry exceeds 1, however far loads and capacity lie apart.
    room = capacity - setup
    most = np.where(load > room, room / np.where(load > 0.0, load, 1.0), 1.0)
    unit = capacity if 0.0 < capacity < np.inf else 1.0
    busy, opening = np.minimum(load * most / unit, 1.0), setup / unit
    limited = np.isfinite(capacity)
    blocks = [
        block(z, row, ones, pairs) - block(x[held_of], row, ones, pairs),
        block(f, row, ones, pairs) - block(z, row, ones, pairs),
        block(z, task_row, ones, tasks),
        block(x, np.zeros(models, dtype=int), size / memory, 1),
        block(f, nothing, busy * limited, 1) + block(z, nothing, opening * limited, 1),
    ]
    upper = np.concatenate([np.zeros(2 * pairs), np.ones(tasks), [finite_budget / memory, 1.0]])
    lower = np.full(upper.size, -np.inf)
    if serve_all:
        lower[pairs : 2 * pairs] = 0.0  # f = z
        lower[2 * pairs : 2 * pairs + tasks] = 1.0  # Σ_m z = 1
    allowed = np.ones(width)
    if serve_all:
        allowed[z] = most >= 1.0  # what cannot bear a whole task cannot serve it
    program = Program(
        gain=np.concatenate([np.zeros(models + pairs), gain * most]),
        most=allowed,
        whole=np.arange(width) < models + pairs,
        matrix=scipy.sparse.csr_array(scipy.sparse.vstack(blocks, format="csr")),
        lower=lower,
        upper=upper,
    )
    answer = solve_program(program, gap=relative_gap, time_limit=time_limit)
    if answer.outcome == "infeasible":
        return None
    if answer.outcome == "limit" and math.isfinite(time_limit):
        raise TimeoutError(answer.message)
    if answer.outcome != "optimal" or answer.values is None:
        raise RuntimeError(answer.message)
    return answer.values[z] > 0.5
