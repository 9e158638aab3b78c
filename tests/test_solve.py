"""solve(): what it takes, raises, marks and guards, whatever the method."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.methods import SMALL
from support.scenarios import arguments, by_hand, random_scenario, stack

import j3o_jax as j3o
from j3o_jax._model import Plan
from j3o_jax.methods import AbstractMethod, Outcome


def draw(seed=0, **keywords):
    return random_scenario(np.random.default_rng(seed), **(SMALL | keywords))


def broken_batch():
    """Three scenarios, the middle one with a negative rate."""
    batch = stack([draw(seed) for seed in range(3)])
    demand = batch.demand.copy()
    demand[1, 2, 0] = -1.0
    return dataclasses.replace(batch, demand=demand)


def test_bad_data_in_a_batch_raise_and_name_the_entry():
    for throw in (None, True):
        with pytest.raises(ValueError, match=r"demand\[1, 2, 0\] = -1\.0: must be a finite rate >= 0"):
            j3o.solve(broken_batch(), j3o.FullLocal(), throw=throw)
    with pytest.raises(ValueError, match=r"demand\[1, 2, 0\] = -1\.0: must be a finite rate >= 0"):
        broken_batch().require_valid()
    broken_batch()[0].require_valid()


@pytest.mark.parametrize("method", [j3o.J3O(), j3o.FullLocal()])
def test_bad_instances_are_marked_when_asked_and_leave_the_others_alone(method):
    marked = j3o.solve(broken_batch(), method, throw=False)
    clean = j3o.solve(stack([draw(seed) for seed in range(3)]), method)
    assert list(marked.status) == [j3o.Status.converged, j3o.Status.invalid, j3o.Status.converged]
    assert marked.success.tolist() == [True, False, True]
    assert [bool(marked[index].success) for index in range(3)] == [True, False, True]
    assert "demand[1, 2, 0]" in marked.reason(1)
    assert np.isnan(marked.objective[1])
    np.testing.assert_array_equal(marked.objective[[0, 2]], clean.objective[[0, 2]])
    with pytest.raises(j3o.SolveError, match=r"instance \[1\]: invalid: demand\[1, 2, 0\]"):
        marked.raise_for_status()


def test_infeasible_is_reported_and_raises_only_when_asked():
    scenario = draw(tightness=5.0, allow_unserved=False)
    solution = j3o.solve(scenario, j3o.FullLocal())
    assert solution.status == j3o.Status.infeasible
    assert np.isnan(solution.objective)
    assert np.isnan(solution.history).all()
    assert "of the queries are left" in solution.reason()
    with pytest.raises(j3o.SolveError, match="infeasible: no plan that serves all"):
        j3o.solve(scenario, j3o.FullLocal(), throw=True)
    fine = dataclasses.replace(scenario, allow_unserved=True)
    assert j3o.solve(fine, j3o.FullLocal(), throw=True).reason() == ""


class _Fixed(AbstractMethod):
    """Returns what it was given, to see what solve makes of it."""

    plan: Any
    bound: float = 1.0

    def run(self, scenarios, key):
        batch = scenarios.batch_shape[0]
        return Outcome(
            plan=self.plan,
            status=np.full(batch, j3o.Status.optimal),
            bound=np.full(batch, self.bound),
            history=np.zeros((batch, 1)),
            stats={},
        )


def plan_of(solution):
    names = Plan._fields
    return Plan(*(np.asarray(getattr(solution, name))[None] for name in names))


def test_no_method_can_call_nan_or_a_broken_limit_a_success():
    scenario = draw(tightness=2.0)
    good = plan_of(j3o.solve(scenario, j3o.FullLocal()))
    assert j3o.solve(scenario, _Fixed(good)).status == j3o.Status.optimal
    poisoned = good._replace(local=np.full_like(good.local, np.nan))
    everything = good._replace(local=np.ones_like(good.local), unserved=np.zeros_like(good.local))
    too_large = good._replace(client_models=np.ones_like(good.client_models))
    more_than_all = good._replace(unserved=good.unserved + 0.5)
    # A share that goes to the cloud, where the cloud supports no task.
    scenario = dataclasses.replace(scenario, cloud_accuracy=np.zeros_like(scenario.cloud_accuracy))
    assert j3o.solve(scenario, _Fixed(good)).status == j3o.Status.optimal
    little = 1e-3 * (good.unserved > 0.5)
    to_cloud = good._replace(cloud=little, unserved=good.unserved - little)
    for bad in (poisoned, everything, too_large, more_than_all, to_cloud):
        solution = j3o.solve(scenario, _Fixed(bad))
        assert solution.status == j3o.Status.numerical_error
        assert np.isnan(solution.objective)
        assert np.isnan(solution.bound)


def test_a_plan_above_the_bound_that_comes_with_it_is_an_error_that_is_told():
    scenario = draw(tightness=2.0)
    solved = j3o.solve(scenario, j3o.FullLocal())
    worth = float(solved.objective)
    solution = j3o.solve(scenario, _Fixed(plan_of(solved), bound=0.99 * worth))
    assert solution.status == j3o.Status.numerical_error
    assert "more than the bound" in solution.reason()
    assert np.isnan(solution.bound)
    # The last bits of a sum are none.
    rounded = j3o.solve(scenario, _Fixed(plan_of(solved), bound=worth * (1.0 - 4e-16)))
    assert rounded.status == j3o.Status.optimal
    assert rounded.bound >= rounded.objective


@pytest.mark.parametrize("flag", [False, True])
def test_results_are_float64_numpy_and_the_flag_is_left_as_found(flag):
    scenario = draw()
    with jax.enable_x64(flag):
        single = jax.tree.map(jnp.asarray, scenario)
        solution = j3o.solve(dataclasses.replace(scenario, demand=single.demand), j3o.FullLocal())
        assert jax.config.jax_enable_x64 == flag
    for name in ("local", "edge", "cloud", "unserved", "objective", "bound", "history"):
        assert isinstance(getattr(solution, name), np.floating if name in ("objective", "bound") else np.ndarray)
        assert getattr(solution, name).dtype == np.float64
    exact = j3o.solve(scenario, j3o.FullLocal())
    # Without the flag the caller's own arrays are single precision; the solution is as exact as they are.
    np.testing.assert_allclose(solution.objective, exact.objective, rtol=1e-12 if flag else 1e-6)


def test_any_number_of_batch_axes():
    scenarios = [draw(seed) for seed in range(6)]
    flat = j3o.solve(stack(scenarios), j3o.FullLocal())
    grid = jax.tree.map(lambda array: array.reshape(2, 3, *array.shape[1:]), stack(scenarios))
    solution = j3o.solve(grid, j3o.FullLocal())
    assert solution.batch_shape == (2, 3)
    assert solution.local.shape == (2, 3, 6, 3)
    np.testing.assert_array_equal(solution.objective.ravel(), flat.objective)
    np.testing.assert_array_equal(solution[1, 2].local, flat[5].local)
    np.testing.assert_array_equal(j3o.solve(scenarios[4], j3o.FullLocal()).objective, flat.objective[4])


def test_names_are_carried_and_do_not_change_the_answer():
    names = j3o.Names(tasks=("a", "b", "c"), models=tuple("vwxyz"), clients=tuple("123456"), edges=("l", "r"))
    named = j3o.Scenario(**arguments(draw()) | {"names": names})
    solution = j3o.solve(named, j3o.FullLocal())
    assert solution.names == names
    np.testing.assert_array_equal(solution.objective, j3o.solve(draw(), j3o.FullLocal()).objective)


def test_wrong_kinds_of_arguments_say_so():
    with pytest.raises(TypeError):  # of the package, or of the type checks that the tests switch on
        j3o.solve({"demand": 1})
    with pytest.raises(TypeError):
        j3o.solve(draw(), "j3o")
    for bad in ({"max_iterations": 0}, {"tolerance": -1.0}, {"tolerance": float("nan")}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            j3o.J3O(**bad)


def test_solution_gap_and_pytree():
    solution = j3o.solve(draw(), j3o.FullLocal())
    assert np.isnan(solution.gap)
    bounded = dataclasses.replace(solution, bound=solution.objective * 1.1)
    assert bounded.gap == pytest.approx(0.1)
    nothing = dataclasses.replace(solution, objective=np.zeros(()), bound=np.zeros(()))
    assert nothing.gap == 0.0
    leaves, structure = jax.tree.flatten(solution)
    again = jax.tree.unflatten(structure, leaves)
    assert jax.tree.all(jax.tree.map(lambda a, b: np.array_equal(a, b, equal_nan=True), solution, again))
    with pytest.raises(TypeError, match="not a batch"):
        solution[0]


def test_threads_do_not_mix_their_numbers():
    scenarios = [draw(seed) for seed in range(8)]
    alone = [float(j3o.solve(scenario).objective) for scenario in scenarios]
    with ThreadPoolExecutor(4) as pool:
        together = [float(solution.objective) for solution in pool.map(j3o.solve, scenarios)]
    np.testing.assert_array_equal(together, alone)


def test_all_served_is_not_claimed_where_a_link_of_no_width_would_have_to_carry_it():
    scenario = by_hand(
        demand=[[1.0, 0.0], [0.0, 1e-9]],
        edge_accuracy=[[[0.9, 0.9]]],
        client_memory=[1.0, 0.0],
        client_compute=[1.0, 0.0],
        edge_uplink=[1.0],
        allow_unserved=False,
    )
    assert j3o.solve(scenario).status == j3o.Status.infeasible
