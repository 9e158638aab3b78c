"""ExactMILP against brute force and a second integer program; its bound, its limits, its relaxation."""

import numpy as np
import pytest
from hypothesis import given, settings
from support.methods import draw_batch
from support.oracle import brute_force, milp_optimum
from support.scenarios import COSTS, random_scenario, stack, tiny_scenarios

import j3o_jax as j3o
from j3o_jax import ExactMILP, Status, check, relaxation_bound, solve

EXACT = ExactMILP(gap=1e-9)
# Few shapes, since every one of them compiles.
SIZES = [(2, 2, 2, 2), (2, 1, 2, 2), (3, 2, 1, 3), (1, 1, 2, 3)]


def tiny(seed: int, *, batching: bool, allow_unserved: bool) -> j3o.Scenario:
    """Every third seed has costs of each node's own, all of them or some."""
    rng = np.random.default_rng(seed)
    sizes = dict(zip(("clients", "edges", "tasks", "models"), SIZES[seed % len(SIZES)], strict=True))
    tightness = float(rng.choice([0.3, 1.0, 2.0]))
    own = [name for name in COSTS if rng.random() < 0.7] if seed % 3 == 0 else []
    return random_scenario(
        rng, **sizes, batching=batching, allow_unserved=allow_unserved, tightness=tightness, per_node=own
    )


@pytest.mark.parametrize("batching", [False, True])
@pytest.mark.parametrize("allow_unserved", [False, True])
@pytest.mark.parametrize("seed", range(50))
def test_equals_brute_force(seed, allow_unserved, batching):
    scenario = tiny(seed, batching=batching, allow_unserved=allow_unserved)
    agrees(scenario, solve(scenario, EXACT))


@settings(max_examples=25)
@given(tiny_scenarios(SIZES))
def test_equals_brute_force_at_extremes(scenario):
    agrees(scenario, solve(scenario, EXACT))


def agrees(scenario, solution):
    optimum = brute_force(scenario)
    if optimum is None:
        assert solution.status == Status.infeasible
        assert "proven" in solution.reason()
        return
    assert solution.status == Status.optimal
    assert solution.objective == pytest.approx(optimum.objective, abs=1e-6)
    assert solution.bound >= optimum.objective * (1 - 1e-9)
    assert solution.gap <= 1e-6
    check(scenario, solution).raise_if_violated()
    assert relaxation_bound(scenario) >= optimum.objective * (1 - 1e-9)


@pytest.mark.parametrize(
    "variant", [{}, {"batching": True}, {"tightness": 2.0}, {"equal_sizes": True}, {"per_node": True}]
)
def test_equals_another_integer_program_on_larger_ones(variant):
    sizes = {"clients": 8, "edges": 2, "tasks": 3, "models": 6}
    scenarios = [random_scenario(np.random.default_rng(seed), **sizes, **variant) for seed in range(3)]
    solutions = solve(stack(scenarios), ExactMILP(gap=1e-7))
    assert (solutions.status == Status.optimal).all()
    for scenario, objective in zip(scenarios, solutions.objective, strict=True):
        optimum = milp_optimum(scenario, gap=1e-7)
        assert optimum is not None
        assert objective == pytest.approx(optimum.objective, abs=1e-6)


def test_the_relaxation_lies_above_and_takes_batches():
    scenarios = draw_batch(3, models=8)
    bounds = relaxation_bound(scenarios)
    solutions = solve(scenarios, EXACT)
    assert bounds.shape == (3,)
    assert (bounds >= solutions.objective * (1 - 1e-9)).all()
    # It is a relaxation of the whole problem, so it is no further away than what is always known.
    assert (bounds <= solutions.objective * 1.2).all()
    assert relaxation_bound(scenarios[1]) == pytest.approx(bounds[1], rel=1e-12)


def test_a_limit_leaves_the_best_plan_so_far_and_a_bound():
    scenario = j3o.benchmarks.taskonomy5().sample(0)
    solution = solve(scenario, ExactMILP(gap=0, time_limit=1e-3))
    assert solution.status == Status.iteration_limit
    check(scenario, solution).raise_if_violated()
    assert solution.objective > 0.0
    assert solution.objective <= solution.bound <= 1.0


def test_a_limit_with_a_start_leaves_at_least_the_start():
    scenario = j3o.benchmarks.taskonomy5().sample(0)
    start = solve(scenario, j3o.FullLocal())
    solution = solve(scenario, ExactMILP(gap=0.0, time_limit=1e-3, start=j3o.FullLocal()))
    assert solution.status == Status.iteration_limit
    # The models of the start, and their best routing.
    assert solution.objective > start.objective


def test_a_start_changes_no_optimum():
    scenarios = draw_batch(2, models=8)
    alone, started = solve(scenarios, EXACT), solve(scenarios, ExactMILP(gap=1e-9, start=j3o.GreedyAO()))
    np.testing.assert_allclose(started.objective, alone.objective, rtol=1e-8)


def test_a_limit_where_all_must_be_served_is_no_proof_of_infeasibility():
    scenario = j3o.benchmarks.taskonomy5(allow_unserved=False).sample(0)
    solution = solve(scenario, ExactMILP(time_limit=1e-3))
    assert solution.status == Status.infeasible
    assert "time ran out" in solution.reason()
    assert np.isnan(solution.objective)


def test_the_gap_that_was_asked_for_holds():
    scenarios = draw_batch(3, clients=10, models=10, tightness=3.0)
    for gap in (1e-1, 1e-2, 1e-4):
        solutions = solve(scenarios, ExactMILP(gap=gap))
        # An optimum is what lies within 1e-4, whatever wider gap was asked for.
        near = solutions.gap <= 1e-4 + 1e-6
        np.testing.assert_array_equal(solutions.status, np.where(near, Status.optimal, Status.converged))
        assert (solutions.gap <= gap + 2e-6).all()
        assert solutions.certificate is None
        assert (solutions.stats["gap_asked"] == gap).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gap": -1.0}, "gap"),
        ({"gap": float("nan")}, "gap"),
        ({"time_limit": 0.0}, "time_limit"),
        ({"threads": 0}, "threads"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        ExactMILP(**options)


def test_a_plan_above_its_solvers_bound_is_an_error_that_is_told(monkeypatch):
    scenario = tiny(0, batching=False, allow_unserved=True)
    good = solve(scenario, EXACT)
    search = ExactMILP._search

    def too_low(self, *arguments):
        found = search(self, *arguments)
        return found._replace(bound=found.bound * 0.99)

    monkeypatch.setattr(ExactMILP, "_search", too_low)
    solution = solve(scenario, EXACT)
    assert solution.status == Status.numerical_error
    assert "one of the two is wrong" in solution.reason()
    assert np.isnan(solution.bound)
    assert good.status == Status.optimal
