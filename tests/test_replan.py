"""Plans over time: what stays, what moves, and what is proven of every period."""

import dataclasses

import jax
import numpy as np
import pytest
from support.methods import METHODS, SMALL, draw_batch
from support.scenarios import random_scenario

import j3o_jax as j3o
from j3o_jax import replan
from j3o_jax._batched import compiled_programs

PERIODS = 4
MODERATE = 1e-5


def over_time(scenarios, *, spread, periods=PERIODS, seed=0):
    """Scenarios with a first axis of periods, in which demand drifts by factors about e^±spread."""
    rng = np.random.default_rng(seed)
    stacked = jax.tree.map(lambda array: np.broadcast_to(array, (periods, *np.shape(array))), scenarios)
    drift = np.exp(np.cumsum(spread * rng.normal(size=(periods, *scenarios.demand.shape)), axis=0))
    return dataclasses.replace(stacked, demand=stacked.demand * (drift if spread else 1.0))


@pytest.mark.parametrize("name", METHODS)
def test_where_demand_is_constant_nothing_moves_after_the_first_period(name):
    scenarios = over_time(draw_batch(4), spread=0.0, periods=3)
    for cost in (0.0, MODERATE):
        plans = replan(scenarios, METHODS[name], cost_per_mb=cost)
        assert plans.batch_shape == (3, 4)
        assert plans.success.all()
        assert (plans.moved_mb[0] > 0.0).all()
        np.testing.assert_array_equal(plans.moved_mb[1:], 0.0)
        np.testing.assert_array_equal(plans.objective[1:], np.broadcast_to(plans.accuracy[0], (2, 4)))
        np.testing.assert_array_equal(plans.stats["kept"], [[False] * 4, [True] * 4, [True] * 4])


@pytest.mark.parametrize("method", [j3o.J3O(), j3o.ExactMILP()], ids=repr)
def test_at_no_cost_every_period_is_planned_from_scratch_and_at_any_nothing_moves(method):
    scenarios = over_time(draw_batch(4), spread=0.3)
    free = replan(scenarios, method)
    scratch = j3o.solve(scenarios, method)
    np.testing.assert_allclose(free.objective, scratch.objective, rtol=2e-4)
    np.testing.assert_array_equal(free.objective, free.accuracy)
    still = replan(scenarios, method, cost_per_mb=1e3)
    np.testing.assert_array_equal(still.moved_mb[1:], 0.0)
    # The first period is rolled out at no cost.
    np.testing.assert_allclose(still.accuracy[0], free.accuracy[0], rtol=2e-4)


def test_every_period_is_proven_given_what_was_held():
    scenarios = over_time(draw_batch(3), spread=0.3)
    plans = replan(scenarios, j3o.PriceDirected(max_iterations=100), cost_per_mb=MODERATE)
    assert plans.certified.all()
    for period in range(1, PERIODS):
        now = j3o.with_previous(scenarios[period], plans[period - 1], MODERATE)
        assert j3o.check(now, plans[period]).ok.all()
        found = j3o.verify(now, plans[period])
        assert found.ok.all(), found
        assert found.proven.all()
    assert (plans.moved_mb[1:] > 0.0).any()
    assert (plans.bound >= plans.objective - 1e-9).all()


def test_less_moves_the_more_it_costs():
    scenarios = over_time(draw_batch(4), spread=0.3, periods=6)
    moved, accuracy = [], []
    for cost in (0.0, 1e-6, 1e-5, 1e-4, 1e-3):
        plans = replan(scenarios, j3o.ExactMILP(gap=1e-7), cost_per_mb=cost)
        moved.append(plans.moved_mb[1:].sum(axis=0).mean())
        accuracy.append(plans.accuracy.mean())
    assert (np.diff(moved) <= 1e-9).all()
    assert moved[-1] < 0.5 * moved[0]
    # What is held is another thing for every cost, so that accuracy falls on the whole.
    assert accuracy[-1] <= accuracy[0]


def test_it_begins_from_a_plan_and_runs_do_not_see_each_other():
    scenarios = over_time(draw_batch(3), spread=0.3)
    initial = j3o.solve(scenarios[0], j3o.FullLocal())
    plans = replan(scenarios, j3o.J3O(), initial=initial, cost_per_mb=1e3)
    np.testing.assert_array_equal(plans.moved_mb, 0.0)
    whole = replan(scenarios, j3o.J3O(), initial=initial, cost_per_mb=MODERATE)
    alone = replan(scenarios[:, 1], j3o.J3O(), initial=initial[1], cost_per_mb=MODERATE)
    assert alone.batch_shape == (PERIODS,)
    np.testing.assert_allclose(alone.objective, whole.objective[:, 1], rtol=1e-12)
    np.testing.assert_array_equal(alone.client_models, whole.client_models[:, 1])
    # A cost for each run, and one for each period.
    each = replan(scenarios, j3o.J3O(), initial=initial, cost_per_mb=np.array([0.0, MODERATE, 1e3]))
    np.testing.assert_allclose(each.objective[:, 1], whole.objective[:, 1], rtol=1e-12)
    np.testing.assert_array_equal(each.moved_mb[:, 2], 0.0)


def test_all_periods_share_their_programs():
    scenarios = over_time(draw_batch(3), spread=0.3)
    replan(scenarios[:2], j3o.J3O(), cost_per_mb=MODERATE)
    before = compiled_programs()
    replan(scenarios, j3o.J3O(), cost_per_mb=2.0 * MODERATE)
    assert compiled_programs() == before


def test_a_period_without_a_plan_leaves_nodes_what_they_hold():
    scenario = random_scenario(np.random.default_rng(2), **SMALL, allow_unserved=False, tightness=0.3)
    scenarios = over_time(scenario, spread=0.1, periods=3)
    demand = np.array(scenarios.demand)
    demand[1] *= 1e3
    scenarios = dataclasses.replace(scenarios, demand=demand)
    plans = replan(scenarios, j3o.ExactMILP(), cost_per_mb=1e3)
    assert list(plans.success) == [True, False, True]
    assert "no plan serves all the load" in plans.reason(1)
    assert plans.moved_mb[2] == 0.0


def test_mistakes_are_named():
    scenario = random_scenario(np.random.default_rng(0), **SMALL)
    with pytest.raises(ValueError, match="first axis is time"):
        replan(scenario)
    scenarios = over_time(scenario, spread=0.0, periods=2)
    held = np.zeros((2, 6, 5), dtype=bool), np.zeros((2, 2, 5), dtype=bool)
    with pytest.raises(ValueError, match="without switching"):
        replan(dataclasses.replace(scenarios, switching=j3o.Switching(*held, np.zeros(2))))
    with pytest.raises(ValueError, match="grid of parameters"):
        replan(scenarios, j3o.J3O(multiplier=j3o.Subgradient(step_size=np.array([0.1, 0.2]))))
    with pytest.raises(ValueError, match="cost_per_mb"):
        replan(scenarios, j3o.FullLocal(), cost_per_mb=-1.0)
