"""Exact onloading of one node: the best models for a fixed load, by a mixed-integer linear program."""

import math

import numpy as np

from ..._highs import MILP, solve_milp
from ..._types import Bool, Float, Int
from .program_builder import ProgramBuilder, choices_of, largest_share


def best_node_choice(
    gain: Float[np.ndarray, "M T"],
    load: Float[np.ndarray, "M T"],
    setup: Float[np.ndarray, "M T"],
    size: Float[np.ndarray, " M"],
    budget: float,
    capacity: float,
    charge: Float[np.ndarray, " M"] | None = None,
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
    - `charge`: of holding each model, which is taken off; None where there is none. ``[M]``
    - `serve_all`: serve the whole of every task that has a gain, Σ_m f_mt = 1, if that can be.
    - `time_limit`: seconds for HiGHS.

    **Returns:** the chosen model of each task, −1 for none. ``[T]``

    **Raises:** `TimeoutError` if the time ends before an optimum is proven, `RuntimeError` if HiGHS finds none else.
    """
    useful = (gain > 0.0) & (size <= budget)[:, None] & (setup <= capacity)
    charge = np.zeros_like(size) if charge is None else charge
    useful &= ~_dominated(np.where(useful, gain, 0.0), load, setup, size, charge)[:, None]
    if not useful.any():
        return np.full(gain.shape[1], -1)
    first = np.where(useful, gain, -1.0).argmax(axis=0)
    first = np.where(useful.any(axis=0), first, -1)
    ready = np.flatnonzero(first >= 0)
    taken = (load + setup)[first[ready], ready].sum()
    used = np.unique(first[ready])
    if size[used].sum() <= budget and taken <= capacity and not charge[used].any():
        return first  # every task on its best model: nothing can be better
    serves_all = [True, False] if serve_all and (useful.any(axis=0) == (gain > 0.0).any(axis=0)).all() else [False]
    for all_served in serves_all:
        program, z = _node_program(useful, gain, load, setup, size, budget, capacity, charge, serve_all=all_served)
        result = solve_milp(program, gap=relative_gap, time_limit=time_limit)
        if result.outcome == "infeasible":
            continue
        if result.outcome == "limit" and math.isfinite(time_limit):
            raise TimeoutError(result.message)
        if result.outcome != "optimal" or result.values is None:
            raise RuntimeError(result.message)
        return choices_of(result.values, z[None])[0]
    raise RuntimeError("HiGHS found no choice of models, though to choose none is one")


def _dominated(
    gain: Float[np.ndarray, "M T"],
    load: Float[np.ndarray, "M T"],
    setup: Float[np.ndarray, "M T"],
    size: Float[np.ndarray, " M"],
    charge: Float[np.ndarray, " M"],
) -> Bool[np.ndarray, " M"]:
    """Models that another can replace on every task, at no more memory, compute or charge; of equals the first stays.

    Where all must be served this holds as well: a model without gain on a task cannot serve it there.
    """
    idle = gain == 0.0
    replaces = (gain[:, None] >= gain) & (load[:, None] <= load) & (setup[:, None] <= setup)  # [by, of, T]
    replaces = (replaces | idle[None]).all(axis=2) & (size[:, None] <= size) & (charge[:, None] <= charge)
    order = np.arange(size.size)
    return (replaces & ~(replaces.T & (order[:, None] >= order))).any(axis=0)


def _node_program(
    useful: Bool[np.ndarray, "M T"],
    gain: Float[np.ndarray, "M T"],
    load: Float[np.ndarray, "M T"],
    setup: Float[np.ndarray, "M T"],
    size: Float[np.ndarray, " M"],
    budget: float,
    capacity: float,
    charge: Float[np.ndarray, " M"],
    *,
    serve_all: bool,
) -> tuple[MILP, Int[np.ndarray, "M T"]]:
    """Strong formulation of one node with the choices that are `useful`, and the numbers of z in it."""
    gain, load, setup = (np.where(useful, field, 0.0) for field in (gain, load, setup))
    # f is measured in parts of the most that the compute lets through, and the compute in parts of what there is:
    # then no entry exceeds 1, however far loads and capacity lie apart.
    most = largest_share(load, capacity - setup)
    build = ProgramBuilder()
    x = build.variables(useful.any(axis=1), -charge, integer=True)
    # What cannot bear a whole task cannot serve it.
    z = build.variables(useful, upper=(most >= 1.0) | (not serve_all), integer=True)
    f = build.variables(useful, gain * most)
    build.at_most_each(z, x[:, None])
    build.at_most_each(f, z, lower=0.0 if serve_all else -np.inf)
    build.limit(z.T, 1.0, lower=np.where(useful.any(axis=0) & serve_all, 1.0, -np.inf))
    if np.isfinite(budget):
        memory = max(budget, float(size[x >= 0].max()), np.finfo(float).tiny)
        build.limit(x[None], size / memory, budget / memory)
    if np.isfinite(capacity):
        unit = capacity if capacity > 0.0 else 1.0
        columns = np.concatenate([f, z], axis=None)[None]
        build.limit(columns, np.concatenate([np.minimum(load * most / unit, 1.0), setup / unit], axis=None)[None])
    return build.program(), z
