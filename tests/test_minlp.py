"""The program as printed, with both solvers, against exact answers; and SCIP's process in all its bad moods."""

import dataclasses
import importlib.util
import subprocess
import sys
import time

import numpy as np
import pytest
from support.methods import VARIANTS
from support.oracle import brute_force, milp_optimum
from support.scenarios import EXTREMES, random_scenario, stack

import j3o_jax as j3o
from j3o_jax.methods import minlp
from j3o_jax.methods.exact.bilinear_formulation import bilinear

SOLVERS = ("highs", "scip")
SCIP = minlp._PROGRAM


def assert_optimal(batch, solution):
    """The status, F and bound of brute force for each instance, and plans that the checker confirms."""
    success = solution.status == j3o.Status.optimal
    np.testing.assert_array_equal(j3o.check(batch, solution).ok, success)
    for instance, scenario in enumerate(batch):
        best = brute_force(scenario)
        if best is None:
            assert solution.status[instance] == j3o.Status.infeasible
            assert "it is proven" in solution.reasons[instance]
            continue
        assert success[instance], solution.reasons[instance]
        assert solution.objective[instance] == pytest.approx(best.objective, abs=1e-6)
        assert solution.bound[instance] == pytest.approx(best.objective, abs=1e-6)
        assert solution.bound[instance] >= solution.objective[instance]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_optimum_is_that_of_brute_force(solver, variant):
    sizes = {"clients": 3, "edges": 2, "tasks": 2, "models": 3} | variant
    tightness = (1.0, 0.3, 3.0, 1.0, 0.3, 3.0)
    batch = stack(
        [random_scenario(np.random.default_rng(seed), tightness=one, **sizes) for seed, one in enumerate(tightness)]
    )
    assert_optimal(batch, j3o.solve(batch, minlp.BilinearMINLP(gap=1e-9, solver=solver)))


@pytest.mark.parametrize(
    ("solver", "variant"), [("highs", VARIANTS[1]), ("highs", VARIANTS[2]), ("scip", VARIANTS[3])], ids=str
)
def test_the_optimum_is_that_of_brute_force_at_every_extreme(solver, variant):
    """No capacity, no limit, no demand, no cost, a client-less edge, a task without a model, other units."""
    batch = []
    for number, extreme in enumerate(EXTREMES.values()):
        scenario = random_scenario(np.random.default_rng(number), clients=2, edges=2, tasks=2, models=2, **variant)
        batch.append(dataclasses.replace(scenario, **extreme(scenario)))
    batch = stack(batch)
    assert_optimal(batch, j3o.solve(batch, minlp.BilinearMINLP(gap=1e-9, solver=solver)))


@pytest.mark.parametrize("batching", [False, True])
def test_the_edge_cases_of_a_program_with_products(batching):
    """One of everything, and an edge whose set-up times do not fit its window."""
    scenario = random_scenario(
        np.random.default_rng(0), clients=1, edges=1, tasks=1, models=1, batching=batching, tightness=0.3
    )
    if batching:
        late = dataclasses.replace(scenario.batching, setup=2.0 * scenario.batching.window[:, None])
        scenario = dataclasses.replace(scenario, batching=late)
    batch = stack([scenario])
    for solver in SOLVERS:
        solution = j3o.solve(batch, minlp.BilinearMINLP(gap=1e-9, solver=solver))
        assert_optimal(batch, solution)
        assert not batching or (solution.edge == 0.0).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_at_the_time_limit_there_is_a_plan_and_a_bound(solver):
    scenario = random_scenario(np.random.default_rng(3), clients=12, edges=3, tasks=4, models=10)
    solution = j3o.solve(scenario, minlp.BilinearMINLP(time_limit=2.0, solver=solver))
    assert solution.status == j3o.Status.iteration_limit
    assert j3o.check(scenario, solution).ok
    best = milp_optimum(scenario, gap=1e-6)
    assert 0.0 < solution.objective <= best.objective + 1e-6
    assert best.objective - 1e-6 <= solution.bound <= 1.0


@pytest.fixture
def scip_is(monkeypatch, tmp_path):
    """Lets another program stand in for SCIP's."""

    def replace(source):
        program = tmp_path / "program.py"
        program.write_text("import os, sys, time\nimport numpy as np\n" + source)
        monkeypatch.setattr(minlp, "_PROGRAM", program)

    return replace


def small_problem():
    return bilinear(random_scenario(np.random.default_rng(0), clients=2, edges=1, tasks=2, models=2))


LEAVES_A_PLAN = """
given = np.load(sys.argv[1])
np.savez(sys.argv[2], values=np.zeros(given["objective"].size), bound=0.75, status="running")
"""


@pytest.mark.parametrize(
    ("source", "outcome", "message"),
    [
        ("print('free(): invalid pointer', file=sys.stderr, flush=True); os.abort()", "failed", "SIGABRT: free()"),
        ("os._exit(3)", "failed", "exit code 3"),
        ("raise SystemExit('no licence')", "failed", "exit code 1: no licence"),
        ("pass", "failed", "left no answer"),
        ("open(sys.argv[2], 'wb').write(b'garbage')", "failed", "cannot be read"),
        ("open(sys.argv[2], 'wb').close()", "failed", "cannot be read"),
        ("np.savez(sys.argv[2], values=np.zeros(3), bound=1.0)", "failed", "cannot be read"),
        ("np.savez(sys.argv[2], values=np.zeros(3), bound=1.0, status='optimal')", "failed", "3 values for"),
        ("np.savez(sys.argv[2], values=[], bound=np.nan, status='optimal')", "failed", "cannot be read"),
        ("np.savez(sys.argv[2], values=[], bound=1.0, status='unbounded')", "failed", "unbounded"),
        ("np.savez(sys.argv[2], values=[], bound=1.0, status='timelimit')", "limit", "timelimit"),
        ("np.savez(sys.argv[2], values=[], bound=-1.0, status='infeasible')", "infeasible", "infeasible"),
        (LEAVES_A_PLAN + "os.abort()", "limit", "SIGABRT"),
        (LEAVES_A_PLAN + "time.sleep(60)", "limit", "was ended"),
        ("time.sleep(60)", "limit", "was ended"),
    ],
)
def test_however_its_process_ends_there_is_an_answer(scip_is, monkeypatch, source, outcome, message):
    monkeypatch.setattr(minlp, "_GRACE", 1.0)
    scip_is(source)
    start = time.monotonic()
    answer = minlp.solve_with_scip(small_problem(), gap=0.0, time_limit=1.0)
    assert time.monotonic() - start < 30.0
    assert (answer.outcome, answer.message[:6]) == (outcome, "SCIP: ")
    assert message in answer.message
    if source.startswith(LEAVES_A_PLAN):
        assert answer.bound == 0.75
        assert answer.objective == 0.0
    else:
        assert answer.values is None


def test_an_interpreter_that_does_not_start_is_an_answer_too(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    answer = minlp.solve_with_scip(small_problem(), gap=0.0, time_limit=1.0)
    assert answer.outcome == "failed"
    assert "did not start" in answer.message


def test_a_death_is_the_end_of_one_instance_only(scip_is):
    given = random_scenario(np.random.default_rng(0), clients=2, edges=1, tasks=2, models=2)
    silent = dataclasses.replace(given, demand=np.zeros_like(given.demand))
    scip_is(f"""
import runpy
np.load(sys.argv[1])["objective"].any() or os.abort()
runpy.run_path({str(SCIP)!r}, None, "__main__")
""")
    solution = j3o.solve(stack([silent, given, silent]), minlp.BilinearMINLP(solver="scip"))
    assert solution.status.tolist() == [j3o.Status.numerical_error, j3o.Status.optimal, j3o.Status.numerical_error]
    assert "SIGABRT" in solution.reasons[0]
    assert solution.objective[1] == pytest.approx(brute_force(given).objective, rel=1e-4)
    with pytest.raises(j3o.SolveError, match="SIGABRT"):
        j3o.solve(silent, minlp.BilinearMINLP(solver="scip"), throw=True)


def test_the_process_loads_nothing_but_numpy_and_scip():
    script = (
        f"import runpy, sys; runpy.run_path({str(SCIP)!r}); import pyscipopt; "
        "print(*sorted({name.partition('.')[0] for name in sys.modules} & {'jax', 'scipy', 'j3o_jax', 'highspy'}))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_without_pyscipopt_the_error_says_what_to_install(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyscipopt" else find(name))
    scenario = random_scenario(np.random.default_rng(0), clients=1, edges=1, tasks=1, models=1)
    with pytest.raises(ImportError, match=r"pip install 'j3o-jax\[scip\]'"):
        j3o.solve(scenario, minlp.BilinearMINLP(solver="scip"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gap": -1.0}, "gap: must be a number >= 0, got -1"),
        ({"gap": float("nan")}, "gap: must be a number >= 0, got nan"),
        ({"time_limit": 0.0}, "time_limit: must be > 0 seconds, got 0"),
        ({"solver": "gurobi"}, "gurobi"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):  # the type checker of the tests may be first
        minlp.BilinearMINLP(**arguments)
