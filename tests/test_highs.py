"""The door to HiGHS: verdicts, bounds, prices, limits, and Ctrl-C."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from j3o_jax import _highs
from j3o_jax._highs import MILP, solve_milp


def knapsack(items: int, rows: int = 1, *, whole: bool = True, seed: int = 0) -> MILP:
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.1, 1.0, (rows, items))
    return MILP(
        objective=weights.mean(axis=0) * rng.uniform(0.9, 1.1, items),
        upper=np.ones(items),
        integrality=np.full(items, whole),
        matrix=scipy.sparse.csr_array(weights / (0.4 * weights.sum(axis=1, keepdims=True))),
        row_lower=np.full(rows, -np.inf),
        row_upper=np.ones(rows),
    )


def test_an_optimum_lies_within_its_bound():
    program = knapsack(12)
    answer = solve_milp(program)
    sets = (np.arange(2**12)[:, None] >> np.arange(12)) & 1
    fits = (program.matrix @ sets.T <= 1.0).all(axis=0)
    assert answer.outcome == "optimal"
    assert answer.objective == pytest.approx((sets[fits] @ program.objective).max(), rel=1e-9)
    assert answer.bound == pytest.approx(answer.objective, rel=1e-8)
    np.testing.assert_allclose(answer.values, np.round(answer.values), atol=1e-6)


def test_prices_of_a_linear_program_prove_its_optimum():
    program = knapsack(30, 5, whole=False)
    answer = solve_milp(program)
    assert answer.duals is not None
    assert (answer.duals >= -1e-9).all()
    rest = np.maximum(program.objective - program.matrix.T @ answer.duals, 0.0)
    assert answer.duals @ program.row_upper + rest @ program.upper == pytest.approx(answer.objective, rel=1e-7)


def test_the_impossible_is_infeasible():
    program = knapsack(4)._replace(row_lower=np.array([10.0]), row_upper=np.array([np.inf]))
    answer = solve_milp(program)
    assert (answer.outcome, answer.values) == ("infeasible", None)


def test_programs_without_variables_have_a_verdict():
    empty = MILP(*(np.zeros(0),) * 2, np.zeros(0, bool), scipy.sparse.csr_array((1, 0)), np.zeros(1), np.ones(1))
    assert solve_milp(empty).outcome == "optimal"
    assert solve_milp(empty._replace(row_lower=np.ones(1))).outcome == "infeasible"


def test_least_values_are_kept():
    program = knapsack(6)
    answer = solve_milp(program._replace(lower=np.eye(6)[np.argmin(program.objective)]))
    assert answer.values[np.argmin(program.objective)] == 1.0


def test_a_start_is_used():
    program = knapsack(60, 20)
    best = solve_milp(program, gap=0.05)
    again = solve_milp(program, gap=0.05, start=best.values, time_limit=60.0)
    assert again.objective >= best.objective * (1 - 1e-9)


def test_a_limit_leaves_what_was_found():
    answer = solve_milp(knapsack(300, 40), gap=0.0, time_limit=0.5)
    assert answer.outcome == "limit"
    assert answer.values is not None
    assert answer.objective <= answer.bound


def test_unknown_options_are_refused():
    with pytest.raises(ValueError, match="no_such_option"):
        solve_milp(knapsack(3), options={"no_such_option": 1})


def test_threads_may_differ_from_one_solve_to_the_next():
    for threads in (1, 2, None, 1):
        assert solve_milp(knapsack(12), threads=threads).outcome == "optimal"


_INTERRUPTED = """
import _thread, signal, sys, threading
sys.path.insert(0, {tests!r})
from test_highs import knapsack
from j3o_jax._highs import solve_milp
signal.signal(signal.SIGINT, signal.default_int_handler)  # the shell may have had it ignored
threading.Timer(1.0, _thread.interrupt_main).start()
try:
    solve_milp(knapsack(300, 40), gap=0.0, time_limit=100.0)
except KeyboardInterrupt:
    assert solve_milp(knapsack(12)).outcome == "optimal"
    print("interrupted")
"""


def test_ctrl_c_ends_a_search_and_leaves_no_wreck():
    """In a process of its own: a solver that still ran at its end would abort it."""
    script = _INTERRUPTED.format(tests=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


def test_what_0_solves_is_not_called_infeasible():
    """HiGHS 1.16 does, at its usual tolerances: presolve takes the small entries of the last row for something."""
    row = [0.0] * 7 + [2.33831323e-07, 2.85562158e-02, 6.25527233e-02, 2.16535557e-07, 1.0]
    of_model = [0, 0, 0, 1, 1]
    rows = [[-1.0 * (j == of_model[k]) + 1.0 * (j == 2 + k) for j in range(12)] for k in range(5)]
    rows += [[-1.0 * (j == 2 + k) + 1.0 * (j == 7 + k) for j in range(12)] for k in range(5)]
    rows += [[1.0 * (j in task) for j in range(12)] for task in ((2, 5), (6,), (3,), (4,))]
    rows += [[0.978670857, 0.634832774] + [0.0] * 10, row]
    program = MILP(
        objective=np.array(
            [0.0] * 7 + [2.84187676e-10, 1.50266804e-05, 1.28056326e-04, 4.75646052e-10, 2.68137410e-03]
        ),
        upper=np.ones(12),
        integrality=np.arange(12) < 7,
        matrix=scipy.sparse.csr_array(np.array(rows)),
        row_lower=np.full(16, -np.inf),
        row_upper=np.array([0.0] * 10 + [1.0] * 5 + [0.04461073]),
    )
    answer = solve_milp(program)
    # The second model alone, for as much of its last task as the last row lets through.
    assert answer.outcome == "optimal"
    assert answer.objective == pytest.approx(2.68137410e-03 * 0.04461073, rel=1e-5)


def test_a_release_that_answers_a_known_program_wrong_is_refused(monkeypatch):
    program, right = _highs._wrong_before()
    assert solve_milp(program).objective == pytest.approx(right)
    solve_with = _highs._solve_with

    def wrong(*arguments):
        """As 1.14.0 does: a plan that keeps every limit, called optimal, and is not."""
        return solve_with(*arguments)._replace(values=np.array([0.0, 5.0]), objective=-15.0, bound=-15.0)

    monkeypatch.setattr(_highs, "_solve_with", wrong)
    _highs._sound_highs.cache_clear()
    try:
        with pytest.raises(ImportError, match=r"calls -15 the optimum of a program whose optimum is -9: pip install"):
            solve_milp(knapsack(3))
    finally:
        _highs._sound_highs.cache_clear()


def test_a_bound_is_lifted_by_rounding_alone():
    assert _highs.above(0.5 * (1.0 - 1e-9), 0.5) == 0.5
    assert _highs.above(-1e-15, 0.0) == 0.0
    assert _highs.above(0.49, 0.5) == 0.49
    assert _highs.above(0.6, 0.5) == 0.6
