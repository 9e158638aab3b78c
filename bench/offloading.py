"""Offloading LPs per second at a duality gap of 1e-8, against batch size: HierarchicalLP and what else solves LPs.

    python -m bench offloading --batch 1 64 4096
    python -m bench offloading --batch 4096 16384 65536     # with a GPU

LPs come in pairs of the same scenario: one for a placement by greed, one for choices at random. Each solver gets the
same ones, and its objectives are held against those of HiGHS:

- HierarchicalLP: from NumPy arrays to NumPy arrays; its first call of a chunk size compiles.
- HiGHS's simplex method through highspy, without presolve, one process per core with one thread each. Cold: a fresh
  model for each LP. Warm: the next LP is passed whole too, with the basis of the one before. (To change each
  coefficient of the same model by a call of its own takes 1.3 to 2 times as long.) The clock runs from arrays in
  highspy's form to shares, and once more with the time in which those arrays are made.
- CvxpyLP (disciplined parametrised programming, HiGHS's interior point method), one process per core.
- MPAX and qpax where they are installed (pip install mpax qpax): jit and vmap, arrays on the device before the clock
  starts. MPAX stops at relative and absolute tolerances of 1e-8; with sparse matrices it was seen to vouch for answers
  that are 1e-5 off, which the table shows. qpax is for quadratic programs, and gets the term
  5e-10·|x|²; its implicit method stops at residuals of 1e-7, which is as far as it goes, and on a CPU it takes one LP
  after the other, which is faster there than vmap.

Times are medians after a first call; batch sizes that HierarchicalLP cuts into the same chunks share what the first of
them compiles. LPs that a solver gave up are counted, and left out of its differences.
"""

import argparse
import functools
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import j3o_jax as j3o
from j3o_jax._highs import silence_banner
from j3o_jax._model import Placement
from j3o_jax._precision import double_precision
from j3o_jax.methods.alternation.feasibility import offloading_problems
from j3o_jax.routing import OffloadingProblem

from .record import FOLDER, machine_line, say, write_results
from .registry import CASES

GAP, _GAP_NAME = 1e-8, "1e-8"
# Scenarios that are drawn at a time.
_DRAWN = 256
# Short calls are repeated until they add up to this, and long ones not beyond that.
_LEAST_SECONDS, _MOST_SECONDS, _MOST_CALLS = 0.5, 120.0, 200
# Its other method breaks down between 1e-6 and 1e-7; this one gets further, and not to 1e-8 on every LP.
_QPAX = {"solver_tol": 1e-7, "max_iter": 60, "backend": "i"}
_QPAX_QUADRATIC = 1e-9


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", choices=CASES, default="heterogeneous")
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--edges", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="of the first scenario")
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 8, 64, 256, 1024, 4096], help="of HierarchicalLP")
    parser.add_argument("--distinct", type=int, default=4096, help="different LPs; larger batches repeat them")
    parser.add_argument("--cvxpy", type=int, default=512, help="LPs for CvxpyLP")
    parser.add_argument("--mpax", type=int, default=64, help="LPs in a batch for MPAX, 0 for none")
    parser.add_argument("--mpax-iterations", type=int, default=50_000, help="at which MPAX gives up")
    parser.add_argument("--mpax-form", choices=["sparse", "dense"], default="sparse", help="of its matrices")
    parser.add_argument("--qpax", type=int, default=16, help="LPs in a batch for qpax, 0 for none")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=FOLDER / "offloading", help="JSON and pictures, without suffix")


def run(options: argparse.Namespace) -> None:
    if options.smoke:
        options.clients, options.edges, options.tasks, options.batch, options.repeats = 6, 2, 3, [1, 4], 1
        options.distinct, options.cvxpy, options.mpax, options.qpax, options.mpax_iterations = 8, 4, 2, 2, 500
    say(f"drawing {options.distinct} LPs")
    problems = draw_problems(options)
    programs = linear_programs(problems)
    table = Table(options, programs)
    few = min(options.cvxpy, options.distinct)
    with Workers(min(_cores(), few)) as workers:
        for warm in (False, True):
            name = f"HiGHS simplex, {'warm' if warm else 'cold'}"
            say(name)
            done = workers(solve_with_highs, problems, warm, options.repeats)
            table.add(name, options.distinct, done.seconds, done.answers)
            with_building = [sum(both) for both in zip(done.seconds, done.building, strict=True)]
            table.add(f"{name}, arrays made", options.distinct, with_building, done.answers)
        say("CvxpyLP")
        done = workers(solve_with_cvxpy, _taken(problems, np.arange(few)), options.repeats)
        table.add("CvxpyLP", few, done.seconds, done.answers, max(done.building))
    for batch in sorted(options.batch):
        say(f"HierarchicalLP, batch of {batch:,}")
        table.measure("HierarchicalLP", hierarchical(problems), batch)
    for name, batch, make in (
        ("MPAX r2HPDHG", options.mpax, functools.partial(mpax, options, "r2HPDHG")),
        ("MPAX raPDHG", options.mpax, functools.partial(mpax, options, "raPDHG")),
        ("qpax", options.qpax, qpax),
    ):
        if batch > 0:
            try:
                solver = make(programs)
            except ImportError as error:
                say(f"{name} is left out: {error}")
                continue
            say(f"{name}, batch of {batch:,}")
            table.measure(name, solver, batch)
    print(table.markdown())
    for suffix in (".png", ".svg"):
        draw(table, options.out.with_suffix(suffix))


# The LPs.


def draw_problems(options: argparse.Namespace) -> OffloadingProblem:
    """`options.distinct` LPs as asked for, in pairs of the same scenario."""
    case = CASES[options.case]
    family = getattr(j3o.benchmarks, case.benchmark)()
    sizes: dict[str, Any] = {"clients": options.clients, "edges": options.edges}
    if case.demand_per_client is not None:
        sizes["total_demand"] = case.demand_per_client * options.clients
    if "tasks" in family.settings:
        sizes["tasks"] = options.tasks
    elif options.tasks != len(family.tasks):
        raise SystemExit(f"--tasks: {options.case} has {len(family.tasks)}")
    pairs = -(-options.distinct // 2)
    chunk = min(_DRAWN, pairs)
    parts = []
    for first in range(0, pairs, chunk):
        scenarios = family.sample(options.seed + first, chunk, **case.settings, **sizes)
        by_greed, at_random = placed_problems(scenarios, seed=options.seed + first)
        stacked = [np.stack(both, axis=1) for both in zip(by_greed, at_random, strict=True)]
        parts.append([array.reshape(-1, *array.shape[2:]) for array in stacked])
    arrays = (np.concatenate(own)[: options.distinct] for own in zip(*parts, strict=True))
    return OffloadingProblem(*arrays)


def placed_problems(scenarios: j3o.Scenario, *, seed: int) -> tuple[OffloadingProblem, OffloadingProblem]:
    """The LPs of a batch for placements by greed, within the memory, and for choices at random, without regard to it.

    The greed is for accuracy less a price of compute, drawn for each scenario, per MB.
    """
    random = np.random.default_rng(seed)
    batch = np.arange(scenarios.batch_shape[0])[:, None]
    home = scenarios.client_edge
    edge_demand = np.zeros((len(batch), scenarios.edges, scenarios.tasks))
    np.add.at(edge_demand, (batch, home), scenarios.demand)
    price = random.uniform(0.0, 0.5, (len(batch), 1, 1, 1))
    choices = []
    for accuracy, demand, size, budget, compute in (
        (
            np.asarray(scenarios.client_accuracy)[batch, home],
            scenarios.demand,
            scenarios.client_model_memory,
            scenarios.client_memory,
            scenarios.client_model_compute,
        ),
        (
            np.asarray(scenarios.edge_accuracy),
            edge_demand,
            scenarios.edge_model_memory,
            scenarios.edge_memory,
            scenarios.edge_model_compute,
        ),
    ):
        cost = price * (compute / compute.mean(axis=1, keepdims=True))[:, None, :, None]
        gain = demand[:, :, None, :] * np.where(accuracy > 0.0, np.maximum(accuracy - cost, 1e-3), 0.0)
        chance = np.where(accuracy > 0.0, random.random(accuracy.shape), 0.0)
        any_model = np.where(chance.any(axis=2), chance.argmax(axis=2), -1)
        choices.append((greedy_choice(gain, size[:, None, :], np.asarray(budget)), any_model))
    problems = []
    with double_precision():
        for client_choice, edge_choice in zip(*choices, strict=True):
            # Which models are held is nothing to the offloading step.
            held = [np.zeros((*choice.shape[:2], scenarios.models), bool) for choice in (client_choice, edge_choice)]
            found = offloading_problems(scenarios, Placement(*held, client_choice, edge_choice))
            problems.append(OffloadingProblem(*map(np.asarray, found)))
    by_greed, at_random = problems
    return by_greed, at_random


def greedy_choice(gain: np.ndarray, size: np.ndarray, budget: np.ndarray) -> np.ndarray:
    """Models that nodes choose after filling their memory by most gain per MB; −1: none. ``[B, V, T]``

    **Arguments:**

    - `gain`: of serving each task by each model, 0 where it cannot. ``[B, V, M, T]``
    - `size`: ``[B, 1, M]``; `budget`: ``[B, V]``
    """
    covered = np.zeros_like(gain[:, :, :1])
    held = np.zeros(gain.shape[:3], dtype=bool)
    left = budget[:, :, None]
    while True:
        more = np.maximum(gain - covered, 0.0).sum(axis=3) / size
        more = np.where(~held & (size <= left), more, 0.0)
        best = more.argmax(axis=2)[:, :, None] == np.arange(gain.shape[2])
        taken = best & (more > 0.0)
        if not taken.any():
            break
        held |= taken
        left = left - np.where(taken, size, 0.0).sum(axis=2, keepdims=True)
        covered = np.maximum(covered, np.where(taken[..., None], gain, 0.0).max(axis=2, keepdims=True))
    own = np.where(held[..., None], gain, 0.0)
    return np.where(own.any(axis=2), own.argmax(axis=2), -1)


class LinearPrograms(NamedTuple):
    """Maximise unit · cost·x over 0 ≤ x ≤ upper with matrix·x ≤ right: N programs of n variables and m rows.

    Matrices are in CSR form, all with the same entries. Rows are divided by their largest number and costs by `unit`,
    their mean, so that absolute tolerances mean the same for all. Variables are local, edge and cloud shares; rows are
    (9) per client, (10) and (11) per edge, (12), and the streams'.
    """

    cost: np.ndarray  # [N, n]
    unit: np.ndarray  # [N]
    upper: np.ndarray  # [N, n]
    starts: np.ndarray  # [m + 1]
    columns: np.ndarray  # [K]
    values: np.ndarray  # [N, K]
    right: np.ndarray  # [N, m]

    @property
    def rows(self) -> np.ndarray:
        """Row of each entry. ``[K]``"""
        return np.repeat(np.arange(self.right.shape[1]), np.diff(self.starts))

    def judged(self, chosen: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Objectives of values for the chosen programs, and their largest violations. ``[K]``"""
        shares = np.clip(values, 0.0, self.upper[chosen])
        used = np.add.reduceat(self.values[chosen] * shares[:, self.columns], self.starts[:-1], axis=1)
        beyond = np.maximum(values - shares, 0.0).max(axis=1)
        violation = np.maximum((used - self.right[chosen]).max(axis=1), np.maximum(beyond, (-values).max(axis=1)))
        return self.unit[chosen] * (self.cost[chosen] * shares).sum(axis=1), np.maximum(violation, 0.0)


def linear_programs(problems: OffloadingProblem) -> LinearPrograms:
    """The LPs, of which all have the same map of clients to edges, as arrays that any solver takes."""
    count, clients, tasks = problems.data.shape
    edges = problems.edge_uplink.shape[1]
    home = problems.client_edge[0]
    if (problems.client_edge != home).any():
        raise ValueError("clients have other edges in other LPs")
    n = clients * tasks
    stream, client, edge = np.arange(n), np.repeat(np.arange(clients), tasks), np.repeat(home, tasks)
    uplink, cloud = clients + edges + edge, np.full(n, clients + 2 * edges)
    rows = np.concatenate([client, clients + edge, uplink, uplink, cloud, *[clients + 2 * edges + 1 + stream] * 3])
    at_local, at_edge, at_cloud = stream, n + stream, 2 * n + stream
    columns = np.concatenate([at_local, at_edge, at_edge, at_cloud, at_cloud, at_local, at_edge, at_cloud])
    order = np.lexsort((columns, rows))
    rows, columns = rows[order], columns[order]

    def flat(*arrays: np.ndarray) -> np.ndarray:
        return np.concatenate([array.reshape(count, -1) for array in arrays], axis=1, dtype=np.float64)

    data, ones = problems.data, np.ones((count, 3 * n))
    values = flat(problems.local_load, problems.edge_load, data, data, data, ones)[:, order]
    capacity = (problems.client_compute, problems.edge_compute, problems.edge_uplink, problems.cloud_uplink)
    right = flat(*capacity, ones[:, :n])
    starts = np.searchsorted(rows, np.arange(right.shape[1] + 1))
    scale = np.maximum(np.maximum.reduceat(values, starts[:-1], axis=1), right)
    scale = np.where(scale > 0.0, scale, 1.0)
    cost = flat(problems.local_value, problems.edge_value, problems.cloud_value)
    unit = cost.mean(axis=1)
    unit = np.where(unit > 0.0, unit, 1.0)
    wanted = problems.wanted
    upper = flat(problems.local_open & wanted, problems.edge_open & wanted, problems.cloud_open & wanted)
    return LinearPrograms(cost / unit[:, None], unit, upper, starts, columns, values / scale[:, rows], right / scale)


def _taken(problems: OffloadingProblem, chosen: np.ndarray) -> OffloadingProblem:
    return OffloadingProblem(*(array[chosen] for array in problems))


# Solvers that take one LP at a time: one process per core.


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
        waiting = [self.pool.submit(_together, solve, _taken(problems, part), *settings) for part in parts]
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
    solver.offload(_taken(problems, np.arange(1)), everyone[:1], allow_unserved=True)
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

    return BatchSolver(
        lambda chosen: _taken(problems, chosen), lambda own: solver.solve(own, allow_unserved=True), read
    )


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


class Table:
    """All measurements so far: written down at each new one."""

    def __init__(self, options: argparse.Namespace, programs: LinearPrograms):
        self.options, self.programs = options, programs
        self.rows: list[dict[str, Any]] = []
        self.reference = np.empty(0)

    def measure(self, name: str, solver: BatchSolver, batch: int) -> None:
        """Time a solver on one batch of LPs after the other."""
        count, n = self.programs.cost.shape
        values, solved = np.full((count, n), np.nan), np.ones(count, dtype=bool)
        seconds: list[float] = []
        while True:
            chosen = (len(seconds) * batch + np.arange(batch)) % count
            own = solver.prepare(chosen)
            start = time.perf_counter()
            found = solver.solve(own)
            seconds.append(time.perf_counter() - start)
            answers = solver.read(found)
            values[chosen[:count]], solved[chosen[:count]] = answers.values[:count], answers.solved[:count]
            calls, total = len(seconds) - 1, sum(seconds[1:])
            enough = calls >= self.options.repeats and total >= _LEAST_SECONDS
            if calls and (enough or total > _MOST_SECONDS or calls == _MOST_CALLS):
                break
        self.add(name, batch, seconds[1:], Answers(values, solved), seconds[0])

    def add(
        self, solver: str, batch: int, seconds: list[float], answers: Answers, first_seconds: float | None = None
    ) -> None:
        """One line: the seconds of each call for `batch` LPs, and answers for the first LPs, NaN where not asked."""
        asked = np.flatnonzero(~np.isnan(answers.values).all(axis=1) | ~answers.solved)
        solved = asked[answers.solved[asked]]
        # Closed options of solvers that have no bounds.
        values = np.where(self.programs.upper[solved] > 0.0, answers.values[solved], 0.0)
        objective, violation = self.programs.judged(solved, values)
        if not self.rows:
            self.reference = np.full(len(self.programs.unit), np.nan)
            self.reference[solved] = objective
        known = self.reference[solved]
        difference = np.abs(objective - known) / np.where(known > 0.0, known, 1.0)
        difference = difference[~np.isnan(known)]
        rate = batch / float(np.median(seconds))
        first, *_ = self.rows or [{"lps_per_second": rate}]
        self.rows.append(
            {
                "solver": solver,
                "batch": batch,
                "lps_per_second": rate,
                "relative": rate / first["lps_per_second"],
                "seconds": seconds,
                "first_seconds": first_seconds,
                "compared": len(difference),
                "worst_difference": float(difference.max()) if len(difference) else None,
                "worst_violation": float(violation.max()) if len(solved) else None,
                "asked": len(asked),
                "unsolved": len(asked) - len(solved),
            }
        )
        write_results(self.options.out.with_suffix(".json"), self.settings(), self.rows)

    def settings(self) -> dict[str, Any]:
        """What was measured, for the record."""
        own = {name: value for name, value in vars(self.options).items() if name not in ("out", "name", "smoke")}
        count = {"variables": self.programs.cost.shape[1], "rows": self.programs.right.shape[1]}
        libraries = {name: _version(name) for name in ("cvxpy", "mpax", "qpax")}
        return own | count | {"gap": GAP, "processes": _cores(), "versions": libraries}

    def markdown(self) -> str:
        """All measurements in Markdown."""
        titles = ["solver", "batch", "LP/s", "relative to cold HiGHS", "first call, s"]
        titles += ["worst difference from HiGHS", "worst violation", "unsolved"]
        lines = [titles, ["---"] * len(titles)]
        for row in self.rows:
            optional = (("first_seconds", ".2g"), ("worst_difference", ".1e"), ("worst_violation", ".1e"))
            rate, unsolved = _figures(row["lps_per_second"]), f"{row['unsolved']:,} of {row['asked']:,}"
            figures = ["" if row[name] is None else f"{row[name]:{form}}" for name, form in optional]
            lines.append([row["solver"], f"{row['batch']:,}", rate, f"{row['relative']:.3g}", *figures, unsolved])
        text = [f"| {' | '.join(line)} |" for line in lines]
        return "\n".join([*text, "", self.caption()])

    def caption(self) -> str:
        """What was measured and where, in a line."""
        options = self.options
        shape = f"{options.clients} clients, {options.edges} edges, {options.tasks} tasks"
        return f"{options.case}, {shape}, gap {_GAP_NAME}; {machine_line()}; processes: {_cores()}"


def draw(table: Table, path: Path) -> None:
    """LP/s against batch size; what takes one LP at a time is a line across."""
    from matplotlib.figure import Figure

    from j3o_jax.plots import save_figure

    looks = {
        "HierarchicalLP": ("#0072B2", "-"),
        "HiGHS simplex, cold": ("#222222", "-"),
        "HiGHS simplex, warm": ("#6B6B6B", "--"),
        "CvxpyLP": ("#E69F00", "-"),
        "MPAX r2HPDHG": ("#D55E00", "-"),
        "MPAX raPDHG": ("#CC79A7", "--"),
        "qpax": ("#009E73", "-"),
    }
    figure = Figure(figsize=(7.4, 4.2), facecolor="white")
    axes = figure.subplots()
    for name, (colour, line) in looks.items():
        own = [row for row in table.rows if row["solver"] == name]
        if name == "HierarchicalLP":
            batches, rates = [row["batch"] for row in own], [row["lps_per_second"] for row in own]
            axes.plot(batches, rates, line, color=colour, marker="o", markersize=6, linewidth=1.6, zorder=3, label=name)
            continue
        for row in own:
            label = name if name.startswith("HiGHS") or name == "CvxpyLP" else f"{name}, batch of {row['batch']}"
            if row["unsolved"]:
                label += f"\n({row['unsolved']} of {row['asked']} unsolved)"
            axes.axhline(row["lps_per_second"], color=colour, linestyle=line, linewidth=1.3, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.grid(color="#E4E6EA", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xticks([row["batch"] for row in table.rows if row["solver"] == "HierarchicalLP"])
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter(lambda rate, _: f"{rate:,.0f}" if rate >= 1.0 else f"{rate:g}")
    axes.minorticks_off()
    axes.tick_params(labelsize=8)
    axes.set_xlabel("LPs in a batch", fontsize=8)
    axes.set_ylabel("LPs per second", fontsize=8)
    options = table.options
    axes.set_title(
        f"{options.case}: {options.clients} clients × {options.edges} edges × {options.tasks} tasks, gap {_GAP_NAME}",
        fontsize=9,
        loc="left",
    )
    figure.tight_layout(rect=(0.0, 0.04, 1.0 - 2.1 / figure.get_figwidth(), 1.0))
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="center right", fontsize=8, frameon=False)
    figure.text(0.01, 0.01, f"{machine_line()}; {_cores()} processes", fontsize=7, color="#6B6B6B")
    save_figure(figure, str(path))


def _figures(number: float) -> str:
    """Three significant digits, in full. ``12,300``"""
    return f"{float(f'{number:.3g}'):,.0f}" if number >= 100.0 else f"{number:.3g}"


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def _version(package: str) -> str | None:
    try:
        return version(package)
    except ImportError:  # what importlib raises for it is one
        return None
