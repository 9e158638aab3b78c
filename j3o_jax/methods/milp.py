"""Exact selection with HiGHS: the models of one node, by a mixed-integer linear program."""

from typing import Any

import numpy as np

from .._highs import silence_banner
from .._types import Bool, Float, Int


def best_node_choice(
    gain: Float[np.ndarray, "M T"],
    load: Float[np.ndarray, "M T"],
    size: Float[np.ndarray, " M"],
    budget: float,
    capacity: float,
    *,
    serve_all: bool = False,
    relative_gap: float = 1e-9,
) -> Int[np.ndarray, " T"]:
    """z(t) of the set of models that earns most at one node, served in part where compute runs out.

    Strong formulation with x_m, z_mt ∈ {0, 1}: maximise Σ gain·f, f_mt ≤ z_mt ≤ x_m, Σ_m z_mt ≤ 1,
    Σ load·f ≤ capacity, Σ size·x ≤ budget.

    **Arguments:**

    - `gain`: accuracy earned if model m serves the whole of task t, >= 0. ``[M, T]``
    - `load`: compute that it takes, in the unit of `capacity`. ``[M, T]``
    - `size`, `budget`: MB.
    - `serve_all`: serve the whole of every task that has a gain, Σ_m f_mt = 1, if that can be.

    **Returns:** the chosen model of each task, −1 for none. ``[T]``

    **Raises:** `RuntimeError` if HiGHS does not end with a proven optimum.
    """
    tasks = gain.shape[1]
    choice = np.full(tasks, -1)
    useful = (gain > 0.0) & (size <= budget)[:, None]
    model, task = np.nonzero(useful)
    if model.size == 0:
        return choice
    first = np.where(useful, gain, -1.0).argmax(axis=0)
    first = np.where(useful.any(axis=0), first, -1)
    ready = np.flatnonzero(first >= 0)
    if size[np.unique(first[ready])].sum() <= budget and load[first[ready], ready].sum() <= capacity:
        return first  # every task on its best model: nothing can be better
    held, held_of = np.unique(model, return_inverse=True)
    program = gain[useful], load[useful], size[held], held_of, task, budget, capacity, relative_gap
    answer = None
    if serve_all and (useful.any(axis=0) == (gain > 0.0).any(axis=0)).all():
        answer = _solve(*program, serve_all=True)
    if answer is None:
        answer = _solve(*program, serve_all=False)
    if answer is None:
        raise RuntimeError("HiGHS found no choice of models, though to choose none is one")
    choice[task[answer]] = model[answer]
    return choice


def _solve(
    gain: Float[np.ndarray, " P"],
    load: Float[np.ndarray, " P"],
    size: Float[np.ndarray, " H"],
    held_of: Int[np.ndarray, " P"],
    task: Int[np.ndarray, " P"],
    budget: float,
    capacity: float,
    relative_gap: float,
    *,
    serve_all: bool,
) -> Bool[np.ndarray, " P"] | None:
    """Which of the P pairs (model, task) with a gain are chosen; None if infeasible. Columns: x (H), z (P), f (P)."""
    import highspy
    import scipy.sparse

    silence_banner()
    pairs, models = gain.size, size.size
    x, z, f = np.arange(models), models + np.arange(pairs), models + pairs + np.arange(pairs)
    row = np.arange(pairs)
    _, task_row = np.unique(task, return_inverse=True)
    tasks = int(task_row.max()) + 1

    def block(columns: np.ndarray, rows: np.ndarray, values: np.ndarray, height: int) -> Any:
        return scipy.sparse.coo_array((values, (rows, columns)), shape=(height, models + 2 * pairs))

    ones = np.ones(pairs)
    finite_budget = budget if np.isfinite(budget) else float(size.sum())
    memory = max(finite_budget, float(size.max()), np.finfo(float).tiny)
    most = float(load.sum())
    limit = min(capacity, most)
    scale = max(limit, float(load.max()), np.finfo(float).tiny)
    blocks = [
        block(z, row, ones, pairs) - block(x[held_of], row, ones, pairs),
        block(f, row, ones, pairs) - block(z, row, ones, pairs),
        block(z, task_row, ones, tasks),
        block(x, np.zeros(models, dtype=int), size / memory, 1),
        block(f, np.zeros(pairs, dtype=int), load / scale, 1),
    ]
    matrix: Any = scipy.sparse.vstack(blocks, format="csr")
    upper = np.concatenate([np.zeros(2 * pairs), np.ones(tasks), [finite_budget / memory, limit / scale]])
    width = models + 2 * pairs

    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = width, upper.size
    lp.sense_ = highspy.ObjSense.kMaximize
    cost = np.zeros(width)
    cost[f] = gain / gain.max()
    lp.col_cost_ = cost
    lp.col_lower_, lp.col_upper_ = np.zeros(width), np.ones(width)
    lower = np.full(upper.size, -highspy.kHighsInf)
    if serve_all:
        lower[pairs : 2 * pairs] = 0.0  # f = z
        lower[2 * pairs : 2 * pairs + tasks] = 1.0  # Σ_m z = 1
    lp.row_lower_, lp.row_upper_ = lower, upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    kinds = highspy.HighsVarType
    lp.integrality_ = [kinds.kInteger] * (models + pairs) + [kinds.kContinuous] * pairs

    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", relative_gap)
    # On programs as small as these the heuristic takes ten times as long as all the rest.
    solver.setOptionValue("mip_heuristic_run_feasibility_jump", False)
    solver.passModel(lp)
    solver.run()
    if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return None
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"HiGHS ended with {solver.modelStatusToString(solver.getModelStatus())}")
    return np.asarray(solver.getSolution().col_value)[z] > 0.5
