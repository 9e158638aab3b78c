"""Solvers of offloading LPs in batches: HierarchicalLP, HiGHS and cvxpy in processes, MPAX and qpax."""

import argparse
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import numpy as np

import j3o_jax as j3o
from j3o_jax._highs import silence_banner
from j3o_jax._precision import double_precision
from j3o_jax.routing import OffloadingProblem

from .linear_programs import LinearPrograms, linear_programs, taken

GAP = 1e-8
# Its other method breaks down between 1e-6 and 1e-7; this one gets further, and not to 1e-8 on every LP.
_QPAX = {"solver_tol": 1e-7, "max_iter": 60, "backend": "i"}
_QPAX_QUADRATIC = 1e-9


class Answers(NamedTuple):
    """Shares that a solver found for the first LPs ``[K, n]``, and whether it vouches for them ``[K]``."""

    values: np.ndarray
    solved: np.ndarray


class Done(NamedTuple):
    """Seconds of each call, those of building (or, for CvxpyLP, of its first call), and the answers."""

    seconds: list[float]
    building: list[float]
    answers: Answers


class Workers:
    """Processes that take equal parts of the LPs and start at the same time; all seconds are the slowest's."""

    def __init__(self, count: int):
        # JAX has threads, which a forked process would not have.
        context = multiprocessing.get_context("spawn")
        self.count = count
        self.pool = ProcessPoolExecutor(count, context, _begin, (context.Barrier(count),))

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *error: object) -> None:
        self.pool.shutdown()

    def __call__(self, solve: Callable[..., Done], problems: OffloadingProblem, *settings: Any) -> Done:
        """Solve all LPs by one function of a part of them."""
        parts = np.array_split(np.arange(problems.data.shape[0]), self.count)
        # Each waits for the others before it is through, so each gets one part.
        waiting = [self.pool.submit(_together, solve, taken(problems, part), *settings) for part in parts]
        seconds, building, answers = zip(*(part.result() for part in waiting), strict=True)
        return Done(
            [max(own) for own in zip(*seconds, strict=True)],
            [max(own) for own in zip(*building, strict=True)],
            Answers(*(np.concatenate(own) for own in zip(*answers, strict=True))),
        )


def _begin(barrier: Any) -> None:
    import jax

    # An accelerator's memory is for the parent.
    jax.config.update("jax_platforms", "cpu")
    _begin.barrier = barrier
    silence_banner()


def _together(solve: Callable[..., Done], *arguments: Any) -> Done:
    try:
        return solve(*arguments)
    except BaseException:
        _begin.barrier.abort()  # or the others would wait for this one
        raise


def _meet() -> float:
    """Wait for the other processes, and start the clock."""
    _begin.barrier.wait()
    return time.perf_counter()


def solve_with_highs(problems: OffloadingProblem, warm: bool, repeats: int) -> Done:
    import highspy

    seconds, building = [], []
    for _ in range(repeats + 1):
        start = _meet()
        programs = linear_programs(problems)
        models = [_highs_model(programs, lp) for lp in range(len(programs.unit))]
        building.append(time.perf_counter() - start)
        values, solved = np.empty(programs.cost.shape), np.empty(len(models), dtype=bool)
        start = _meet()
        solver = _highs_solver()
        for lp, model in enumerate(models):
            basis = solver.getBasis() if warm and lp > 0 else None
            solver.passModel(model)
            if basis is not None:
                solver.setBasis(basis)
            solver.run()
            values[lp] = solver.getSolution().col_value
            solved[lp] = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        seconds.append(time.perf_counter() - start)
    return Done(seconds[1:], building[1:], Answers(values, solved))


def _highs_solver() -> Any:
    import highspy

    solver = highspy.Highs()
    for name, value in {
        "output_flag": False,
        "presolve": "off",
        "solver": "simplex",
        "threads": 1,
        "primal_feasibility_tolerance": 1e-9,
        "dual_feasibility_tolerance": 1e-9,
    }.items():
        if solver.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise ValueError(f"HiGHS refuses the option {name} = {value!r}")
    return solver


def _highs_model(programs: LinearPrograms, lp: int) -> Any:
    import highspy

    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = programs.cost.shape[1], programs.right.shape[1]
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_ = programs.cost[lp]
    model.col_lower_, model.col_upper_ = np.zeros(programs.cost.shape[1]), programs.upper[lp]
    model.row_lower_, model.row_upper_ = np.full(programs.right.shape[1], -highspy.kHighsInf), programs.right[lp]
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_, model.a_matrix_.index_ = programs.starts, programs.columns
    model.a_matrix_.value_ = programs.values[lp]
    return model


def solve_with_cvxpy(problems: OffloadingProblem, repeats: int) -> Done:
    # The method's own choice for middle answers, on one thread.
    solver = j3o.CvxpyLP(options={"highs_options": {"solver": "ipm", "run_crossover": "off", "threads": 1}})
    everyone = np.ones(problems.data.shape[0], dtype=bool)
    start = time.perf_counter()
    solver.offload(taken(problems, np.arange(1)), everyone[:1], allow_unserved=True)
    first, seconds = time.perf_counter() - start, []
    for _ in range(repeats):
        start = _meet()
        found = solver.offload(problems, everyone, allow_unserved=True)
        seconds.append(time.perf_counter() - start)
    return Done(seconds, [first], Answers(_shares(found), found.solved))


def _shares(found: Any) -> np.ndarray:
    return np.concatenate([share.reshape(len(share), -1) for share in (found.local, found.edge, found.cloud)], axis=1)


# Solvers that take batches.


class BatchSolver(NamedTuple):
    """How a solver of batches is measured: the clock runs during `solve` alone.

    - `prepare`: from numbers of LPs ``[B]`` to what it takes; `solve`: to all its results, in NumPy; `read`: to shares.
    """

    prepare: Callable[[np.ndarray], Any]
    solve: Callable[[Any], Any]
    read: Callable[[Any], Answers]


def hierarchical(problems: OffloadingProblem) -> BatchSolver:
    solver = j3o.HierarchicalLP(tolerance=GAP)

    def read(found: Any) -> Answers:
        return Answers(_shares(found), found.solved)

    return BatchSolver(lambda chosen: taken(problems, chosen), lambda own: solver.solve(own, allow_unserved=True), read)


def mpax(options: argparse.Namespace, algorithm: str, programs: LinearPrograms) -> BatchSolver:
    import jax.numpy as jnp
    import mpax as library
    from jax.experimental.sparse import BCOO
    from mpax.utils import TerminationStatus

    m, n = programs.right.shape[1], programs.cost.shape[1]
    places = np.stack([programs.rows, programs.columns], axis=1)
    sparse = options.mpax_form == "sparse"
    solver = getattr(library, algorithm)(eps_abs=GAP, eps_rel=GAP, iteration_limit=options.mpax_iterations)

    def one(cost: Any, values: Any, right: Any, upper: Any) -> Any:
        # Minimise c·x with G·x ≥ h.
        if sparse:
            no_rows = BCOO((jnp.zeros(0), jnp.zeros((0, 2), dtype=places.dtype)), shape=(0, n))
            matrix = BCOO((-values, jnp.asarray(places)), shape=(m, n))
        else:
            no_rows, matrix = jnp.zeros((0, n)), jnp.zeros((m, n)).at[programs.rows, programs.columns].set(-values)
        program = library.create_lp(
            -cost, no_rows, jnp.zeros(0), matrix, -right, jnp.zeros(n), upper, use_sparse_matrix=sparse
        )
        found = solver.optimize(program)
        return found.primal_solution, found.termination_status == TerminationStatus.OPTIMAL

    return _compiled(one, (programs.cost, programs.values, programs.right, programs.upper))


def qpax(programs: LinearPrograms) -> BatchSolver:
    import jax
    import jax.numpy as jnp
    import qpax as library

    m, n = programs.right.shape[1], programs.cost.shape[1]

    def one(cost: Any, values: Any, right: Any) -> Any:
        matrix = jnp.zeros((m, n)).at[programs.rows, programs.columns].set(values)
        rows, limits = jnp.concatenate([matrix, -jnp.eye(n)]), jnp.concatenate([right, jnp.zeros(n)])
        quadratic, no_rows, nothing = _QPAX_QUADRATIC * jnp.eye(n), jnp.zeros((0, n)), jnp.zeros(0)
        found = library.solve_qp(quadratic, -cost, no_rows, nothing, rows, limits, **_QPAX)
        return found[0], found[4] == 1

    # What is closed earns nothing instead of having a bound; `read` closes it.
    cost = np.where(programs.upper > 0.0, programs.cost, 0.0)
    return _compiled(one, (cost, programs.values, programs.right), one_by_one=jax.default_backend() == "cpu")


def _compiled(one: Callable[..., Any], arrays: tuple[np.ndarray, ...], one_by_one: bool = False) -> BatchSolver:
    import jax

    every = jax.jit((lambda *own: jax.lax.map(lambda parts: one(*parts), own)) if one_by_one else jax.vmap(one))

    def prepare(chosen: np.ndarray) -> Any:
        with double_precision():
            return jax.block_until_ready(tuple(jax.device_put(array[chosen]) for array in arrays))

    def solve(own: Any) -> Any:
        with double_precision():
            return jax.tree.map(np.asarray, every(*own))

    return BatchSolver(prepare, solve, lambda found: Answers(*found))


# What comes of it.
