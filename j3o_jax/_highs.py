"""HiGHS: solves mixed-integer and linear programs, with a bound and a verdict on each. Nothing else imports it."""

import functools
import importlib.metadata
import math
import os
import sys
import threading
from typing import Any, Literal, NamedTuple

import numpy as np

from ._types import AnyArray, Bool, Float

# Smaller gaps than this are rounding; HiGHS's own default for the absolute gap, 1e-6, is more than some plans earn.
_LEAST_GAP = 1e-12

_TOLERANCE = 1e-9

# How far, relative to what it found, a solver's bound may lie below that by its tolerances.
_BOUND_TOLERANCE = 1e-6

# The oldest release that answers `_wrong_before` right, as does pyproject.toml.
_SOUND_SINCE = "1.15"


class MILP(NamedTuple):
    """Mixed-integer linear program, to be maximised; a linear one where no variable is an integer.

    Maximise objective·v over lower <= v <= upper with row_lower <= matrix·v <= row_upper, v integer where
    `integrality`. `lower` is 0 if None. `matrix` is a SciPy sparse array ``[R, N]`` in CSR form. Rows should be scaled
    so that their largest entry is of order 1: HiGHS's tolerances are absolute.
    """

    objective: Float[np.ndarray, " N"]
    upper: Float[np.ndarray, " N"]
    integrality: Bool[np.ndarray, " N"]
    matrix: Any
    row_lower: Float[np.ndarray, " R"]
    row_upper: Float[np.ndarray, " R"]
    lower: Float[np.ndarray, " N"] | None = None


class MILPResult(NamedTuple):
    """Result of solving a `MILP`.

    - `values`: the best v found, None if none was. ``[N]``
    - `objective`: its value for them, −inf where there are none.
    - `bound`: upper bound on the optimum that the solver vouches for, its word and no proof; +inf where it has none.
    - `outcome`: ``optimal`` to the gap asked for; ``limit`` of time; ``infeasible``, proven; or ``failed``.
    - `message`: the solver's own word for it.
    - `duals`: multipliers of the rows of a linear program, >= 0 for upper and <= 0 for lower limits. ``[R]``
    """

    values: Float[np.ndarray, " N"] | None
    objective: float
    bound: float
    outcome: Literal["optimal", "limit", "infeasible", "failed"]
    message: str
    duals: Float[np.ndarray, " R"] | None = None


def solve_milp(
    program: MILP,
    *,
    gap: float = 1e-9,
    time_limit: float = math.inf,
    threads: int | None = None,
    start: Float[AnyArray, " N"] | None = None,
    options: dict[str, Any] | None = None,
) -> MILPResult:
    """Solve a program with HiGHS.

    **Arguments:**

    - `gap`: relative gap at which a mixed-integer program counts as solved.
    - `time_limit`: seconds; what has been found and proven by then is returned.
    - `threads`: of this solve; HiGHS's own choice by default.
    - `start`: values to start from, if they keep every limit. ``[N]``
    - `options`: further options of HiGHS.
    """
    if program.objective.size == 0:
        return _without_variables(program)
    settings = _settings(gap, time_limit, threads) | (options or {})
    answer = _solve(program, settings, start)
    if start is not None and answer.outcome == "optimal" and not _reaches(answer, gap):
        # Where presolve alone solves a program, HiGHS 1.16 returns the values to start from as the optimum.
        answer = _solve(program, settings, None)
    if answer.outcome == "infeasible":
        # Confirm infeasibility by solving the program as it was given, without presolve.
        answer = _solve(program, settings | {"presolve": "off"}, start)
    return answer


def _reaches(answer: MILPResult, gap: float) -> bool:
    return answer.bound - answer.objective <= max(gap, _BOUND_TOLERANCE) * abs(answer.objective) + _TOLERANCE


def _settings(gap: float, time_limit: float, threads: int | None) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "output_flag": False,
        # With the usual 1e-6 presolve was seen to call a program infeasible that 0 solves, and plans to fit only by
        # that tolerance; with the usual 1e-7 for prices, bounds to lie below plans.
        "mip_feasibility_tolerance": _TOLERANCE,
        "primal_feasibility_tolerance": _TOLERANCE,
        "dual_feasibility_tolerance": _TOLERANCE,
        "mip_rel_gap": max(gap, _LEAST_GAP),
        "mip_abs_gap": _LEAST_GAP,
        # On programs as small as these the heuristic takes ten times as long as all the rest.
        "mip_heuristic_run_feasibility_jump": False,
    }
    if math.isfinite(time_limit):
        settings["time_limit"] = float(time_limit)
    if threads is not None:
        settings["threads"] = threads
    return settings


def above(bound: float, objective: float) -> float:
    """Lift a solver's bound to what it found where its tolerances explain the difference, and only there."""
    least = objective - _BOUND_TOLERANCE * abs(objective) - _LEAST_GAP
    return objective if least <= bound < objective else bound


def _solve(program: MILP, settings: dict[str, Any], start: Float[AnyArray, " N"] | None) -> MILPResult:
    return _solve_with(_sound_highs(), program, settings, start)


@functools.cache
def _sound_highs() -> Any:
    """Import `highspy`, once it has answered right what a release of it is known to have answered wrong.

    **Raises:** `ImportError` where it has not: its plans and bounds could not be trusted.
    """
    import highspy

    silence_banner()
    program, right = _wrong_before()
    answer = _solve_with(highspy, program, _settings(1e-9, math.inf, 1), None)
    if answer.outcome != "optimal" or not abs(answer.objective - right) <= 1e-6:
        version = importlib.metadata.version("highspy")
        raise ImportError(
            f"highspy {version} calls {answer.objective:g} the optimum of a program whose optimum is {right:g}: "
            f"pip install 'highspy>={_SOUND_SINCE}'"
        )
    return highspy


def _wrong_before() -> tuple[MILP, float]:
    """Program of one row that HiGHS 1.14.0 solves to −15 and calls that optimal, and its optimum, by hand.

    Presolve miscounts what a row still needs where one of its columns is an integer and the other is not; issue 3043 of
    ERGO-Code/HiGHS, repaired by its pull request 2961 in 1.15.
    """
    import scipy.sparse

    program = MILP(
        objective=np.array([-2.0, -3.0]),
        upper=np.array([10.0, 10.0]),
        integrality=np.array([False, True]),
        matrix=scipy.sparse.csr_array(np.array([[1.0, 1.0]])),
        row_lower=np.array([4.5]),
        row_upper=np.array([np.inf]),
    )
    return program, -9.0


def _solve_with(
    highspy: Any, program: MILP, settings: dict[str, Any], start: Float[AnyArray, " N"] | None
) -> MILPResult:
    solver = highspy.Highs()
    for name, value in settings.items():
        if solver.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise ValueError(f"HiGHS refuses the option {name} = {value!r}")
    unit = float(np.max(program.objective, initial=0.0)) or 1.0
    if solver.passModel(_lp(program, unit)) == highspy.HighsStatus.kError:
        return MILPResult(
            None, -math.inf, math.inf, "failed", "HiGHS refuses the program: its numbers are out of range"
        )
    if start is not None:
        columns = np.arange(program.objective.size, dtype=np.int32)
        solver.setSolution(columns.size, columns, np.asarray(start, dtype=np.float64))
    _run(solver)
    return _answer(solver, program, unit)


def _without_variables(program: MILP) -> MILPResult:
    """HiGHS has no verdict on a program without variables, even where its rows ask for the impossible."""
    if (program.row_lower > 0.0).any() or (program.row_upper < 0.0).any():
        return MILPResult(None, -math.inf, -math.inf, "infeasible", "no variables, and limits that 0 does not keep")
    return MILPResult(np.zeros(0), 0.0, 0.0, "optimal", "no variables", np.zeros(program.row_upper.size))


def _lp(program: MILP, unit: float) -> Any:
    import highspy

    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = program.objective.size, program.row_upper.size
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.col_cost_ = program.objective / unit
    lp.col_lower_ = np.zeros(program.objective.size) if program.lower is None else program.lower
    lp.col_upper_ = program.upper
    lp.row_lower_ = np.where(np.isfinite(program.row_lower), program.row_lower, -highspy.kHighsInf)
    lp.row_upper_ = np.where(np.isfinite(program.row_upper), program.row_upper, highspy.kHighsInf)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    matrix = program.matrix
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    if program.integrality.any():
        kinds = np.array([highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger])
        lp.integrality_ = kinds[program.integrality.astype(int)].tolist()
    return lp


def _run(solver: Any) -> None:
    """Run in a thread of its own.

    HiGHS keeps one set of worker threads per calling thread, made at the first solve; a fresh thread lets every solve
    have the number it asks for. And it leaves the main thread free to hear Ctrl-C, which stops HiGHS.
    """
    solver.HandleUserInterrupt = True
    failure: list[BaseException] = []
    done = threading.Event()

    def work() -> None:
        try:
            solver.run()
        except BaseException as error:  # handed on to the caller
            failure.append(error)
        finally:
            done.set()

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        # Not worker.join(0.2): interrupted, it takes the thread for ended while it still runs.
        while not done.wait(0.2):
            pass
    except BaseException:
        solver.cancelSolve()
        done.wait()
        worker.join()
        raise
    worker.join()
    if failure:
        raise failure[0]


def _answer(solver: Any, program: MILP, unit: float) -> MILPResult:
    import highspy

    status, info = solver.getModelStatus(), solver.getInfo()
    message = f"HiGHS: {solver.modelStatusToString(status)}"
    states = highspy.HighsModelStatus
    if status in (states.kInfeasible, states.kUnboundedOrInfeasible):  # all variables are bounded
        return MILPResult(None, -math.inf, -math.inf, "infeasible", message)
    whole = bool(program.integrality.any())
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    solution = solver.getSolution()
    values = np.asarray(solution.col_value) if found else None
    objective = float(program.objective @ values) if values is not None else -math.inf
    if status == states.kOptimal:
        bound = above(info.mip_dual_bound * unit, objective) if whole else objective
        prices = None if whole else np.asarray(solution.row_dual) * unit
        return MILPResult(values, objective, bound, "optimal", message, prices)
    stopped = (states.kTimeLimit, states.kIterationLimit, states.kInterrupt, states.kSolutionLimit)
    if status in stopped or (whole and values is not None):
        bound = info.mip_dual_bound * unit if whole else math.inf
        return MILPResult(values, objective, above(bound, objective), "limit", message)
    return MILPResult(None, -math.inf, math.inf, "failed", message)


@functools.cache
def silence_banner() -> None:
    """Let HiGHS print its banner where nobody reads it.

    Since 1.16, the first `highspy.Highs` of a process writes a banner to the C standard output before any option
    can be set, which would spoil a program whose output is parsed. Call this before HiGHS is used.
    """
    import highspy

    if sys.stdout is not None:
        sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # no standard output: nothing to protect
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        highspy.Highs()
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
