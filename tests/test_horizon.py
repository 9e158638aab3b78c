"""The whole horizon: its optimum against enumeration, and bounds on it."""

import dataclasses
import itertools

import jax
import numpy as np
import pytest
from support.methods import draw_batch
from support.oracle import brute_force
from support.scenarios import at_nodes, random_scenario

import j3o_jax as j3o
from j3o_jax import _solve_horizon, horizon_bound, replan, solve_horizon
from j3o_jax.methods.horizon import bound as horizon_of

PERIODS = 3
MODERATE = 1e-4
EXACT = j3o.ExactMILP(gap=1e-9)


def over_time(scenario, *, periods=PERIODS, spread=1.0, seed=0):
    """Scenario with a first axis of periods, in which every stream's demand is another each time."""
    rng = np.random.default_rng(seed)
    stacked = jax.tree.map(lambda array: np.broadcast_to(array, (periods, *np.shape(array))), scenario)
    return dataclasses.replace(stacked, demand=stacked.demand * np.exp(spread * rng.normal(size=stacked.demand.shape)))


def tiny(seed, **variant):
    rng = np.random.default_rng(seed)
    sizes = {"clients": 1, "edges": 1, "tasks": 2, "models": 3}
    return over_time(random_scenario(rng, **sizes, tightness=rng.choice([0.7, 1.0]), **variant), seed=seed)


def enumerated(scenarios, cost, initial=None):
    """Mean objective of the best plans of a tiny horizon, by dynamic programming over everything that nodes can hold.

    What a placement is worth in a period is found by enumeration, where everything else is too dear to be moved.
    """
    tiers = ("client", "edge")
    size = {tier: at_nodes(scenarios[0], f"{tier}_model_memory")[0] for tier in tiers}
    sets = {
        tier: [
            held
            for held in np.array(list(itertools.product([False, True], repeat=scenarios.models)))
            if size[tier][held].sum() <= getattr(scenarios, f"{tier}_memory")[0, 0] * (1.0 + 1e-9)
        ]
        for tier in tiers
    }
    placements = list(itertools.product(sets["client"], sets["edge"]))

    def moving(new, old):
        return sum(size[tier][one & ~other].sum() for tier, one, other in zip(tiers, new, old, strict=True)) * cost

    if initial is None:
        best = np.zeros(len(placements))
    else:
        first = initial.client_models[0], initial.edge_models[0]
        best = np.array([-moving(new, first) for new in placements])
    charged = np.array([[moving(new, old) for old in placements] for new in placements])
    for period in range(scenarios.batch_shape[0]):
        if period:
            best = (best[None] - charged).max(axis=1)
        held = (j3o.Switching(client[None], edge[None], 1e3) for client, edge in placements)
        plans = [brute_force(dataclasses.replace(scenarios[period], switching=own)) for own in held]
        best = best + np.array([plan.objective for plan in plans])
    return best.max() / scenarios.batch_shape[0]


@pytest.mark.parametrize("variant", [{}, {"batching": True}, {"per_node": True}], ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_the_optimum_is_that_of_enumeration_and_no_bound_is_below_it(seed, variant):
    scenarios = tiny(seed, **variant)
    initial = None if seed % 2 else j3o.solve(scenarios[PERIODS - 1], EXACT)
    best = enumerated(scenarios, MODERATE, initial)
    plans = solve_horizon(scenarios, EXACT, initial=initial, cost_per_mb=MODERATE)
    assert plans.success.all()
    assert (plans.status == j3o.Status.optimal).all()
    assert plans.objective.mean() == pytest.approx(best, abs=1e-7)
    assert (plans.stats["horizon_bound"] >= best - 1e-9).all()
    assert horizon_bound(scenarios, initial=initial, cost_per_mb=MODERATE) >= best - 1e-9
    assert horizon_bound(scenarios, initial=initial, cost_per_mb=MODERATE) <= best + 0.03


def small(seed=1, **variant):
    sizes = {"clients": 6, "edges": 2, "tasks": 3, "models": 5}
    return over_time(random_scenario(np.random.default_rng(seed), **sizes, **variant), periods=4, spread=0.5, seed=seed)


def test_every_plan_of_a_horizon_keeps_its_limits_and_says_what_it_moves():
    scenarios = small()
    initial = j3o.solve(scenarios[0], j3o.FullLocal())
    plans = solve_horizon(scenarios, EXACT, initial=initial, cost_per_mb=MODERATE)
    before = initial
    for period in range(4):
        now = j3o.with_previous(scenarios[period], before, MODERATE)
        found = j3o.check(now, plans[period])
        assert found.ok.all(), found
        assert found.objective == pytest.approx(plans.objective[period], abs=1e-9)
        before = plans[period]
    assert plans.moved_mb.sum() > 0.0
    np.testing.assert_allclose(plans.objective, plans.accuracy - MODERATE * plans.moved_mb, rtol=1e-12)


@pytest.mark.parametrize("cost", [0.0, 1e-5, 1e-4, 1e-3, 1e3])
def test_it_is_at_least_as_good_as_planning_period_by_period_and_within_the_bound(cost):
    scenarios = small()
    initial = j3o.solve(scenarios[0], j3o.FullLocal())
    one_by_one = replan(scenarios, j3o.PriceDirected(), initial=initial, cost_per_mb=cost)
    together = solve_horizon(scenarios, EXACT, initial=initial, cost_per_mb=cost)
    bound = horizon_bound(scenarios, initial=initial, cost_per_mb=cost)
    assert one_by_one.objective.mean() <= together.objective.mean() + 1e-9
    assert together.objective.mean() <= bound + 1e-9
    assert bound <= together.objective.mean() * 1.02
    if cost == 0.0:
        free = j3o.solve(scenarios, EXACT)
        assert together.objective.mean() == pytest.approx(free.objective.mean(), abs=1e-6)
    if cost == 1e3:
        assert together.moved_mb.sum() == 0.0


def test_seeing_ahead_pays_where_a_model_is_needed_for_long():
    # A move that one period does not pay for, and three together do.
    scenarios = small(seed=3)
    scenarios = dataclasses.replace(scenarios, demand=np.broadcast_to(scenarios.demand[:1], scenarios.demand.shape))
    initial = j3o.solve(small(seed=3)[3], EXACT)
    costs = np.geomspace(1e-5, 1e-3, 7)
    blind, ahead = (
        np.array([plan(scenarios, EXACT, initial=initial, cost_per_mb=cost).objective.mean() for cost in costs])
        for plan in (replan, solve_horizon)
    )
    assert (ahead >= blind - 1e-9).all()
    assert (ahead > blind + 1e-5).any()


def test_a_bound_of_windows_holds_and_is_that_of_free_moves_between_them(monkeypatch):
    scenarios = small()
    initial = j3o.solve(scenarios[0], j3o.FullLocal())
    whole = horizon_bound(scenarios, initial=initial, cost_per_mb=1e-3)
    monkeypatch.setattr(horizon_of, "_WINDOW_BYTES", 1)
    windows = horizon_bound(scenarios, initial=initial, cost_per_mb=1e-3)
    alone = [horizon_bound(scenarios[:1], initial=initial, cost_per_mb=1e-3)]
    alone += [horizon_bound(scenarios[period : period + 1]) for period in range(1, 4)]
    assert windows == pytest.approx(np.mean(alone), rel=1e-9)
    assert whole <= windows


def test_time_that_runs_out_leaves_the_plans_that_are_known():
    scenarios = small()
    start = replan(scenarios, j3o.PriceDirected(), cost_per_mb=MODERATE)
    plans = solve_horizon(scenarios, j3o.ExactMILP(time_limit=1e-3), cost_per_mb=MODERATE, start=start)
    assert (plans.status == j3o.Status.iteration_limit).all()
    np.testing.assert_allclose(plans.objective, start.objective, rtol=1e-12)


def test_a_start_must_be_plans_of_these_periods():
    scenarios = small()
    start = replan(scenarios, j3o.PriceDirected(), cost_per_mb=MODERATE)
    with pytest.raises(ValueError, match="start: has the batch axes"):
        solve_horizon(scenarios, EXACT, cost_per_mb=MODERATE, start=start[:2])
    more = dataclasses.replace(scenarios, demand=3.0 * scenarios.demand)
    with pytest.raises(ValueError, match="start: is no plan of period 0"):
        solve_horizon(more, EXACT, cost_per_mb=MODERATE, start=start)
    with pytest.raises(ValueError, match="initial: wants one plan"):
        horizon_bound(scenarios, initial=start)


def test_models_are_held_no_longer_than_they_are_used():
    models = np.ones((4, 1, 3), dtype=bool)
    models[2, 0, 1] = False
    choice = np.array([[[0, 1]], [[0, -1]], [[2, -1]], [[1, 2]]])
    # Model 1 is used at first and, after it has gone, again; model 2 is kept from the first period on.
    expected = [[[True, True, True]], [[True, False, True]], [[False, False, True]], [[False, True, True]]]
    np.testing.assert_array_equal(_solve_horizon._useful(models, choice), expected)


def _without_memory(scenarios):
    memory = np.array(scenarios.edge_memory)
    memory[1, 0] = 0.0
    return {"edge_memory": memory}


VARIED = {
    "no memory in a period": _without_memory,
    "no demand in a period": lambda scenarios: {"demand": scenarios.demand * np.array([1, 0, 1, 1])[:, None, None]},
    "sizes of each period": lambda scenarios: {
        "edge_model_memory": scenarios.edge_model_memory * np.array([1.0, 1.2, 0.8, 1.0])[:, None]
    },
    "no end of room": lambda scenarios: {
        "client_memory": np.full_like(scenarios.client_memory, np.inf),
        "cloud_uplink": np.full_like(scenarios.cloud_uplink, np.inf),
    },
    "all must be served": lambda scenarios: {
        "allow_unserved": False,
        "cloud_uplink": scenarios.cloud_uplink * 1e3,
        "edge_uplink": scenarios.edge_uplink * 1e3,
    },
}


@pytest.mark.parametrize("varied", VARIED.values(), ids=VARIED)
def test_bounds_hold_whatever_the_periods_are(varied):
    scenarios = small()
    scenarios = dataclasses.replace(scenarios, **varied(scenarios))
    costs = np.array([3e-4, 1e-4, 0.0, 2e-4])
    for initial in (None, j3o.solve(scenarios[0], EXACT)):
        plans = solve_horizon(scenarios, EXACT, initial=initial, cost_per_mb=costs)
        assert (plans.status == j3o.Status.optimal).all(), plans.reasons
        bound = horizon_bound(scenarios, initial=initial, cost_per_mb=costs)
        assert plans.objective.mean() <= bound + 1e-9
        assert bound <= plans.objective.mean() * 1.03


def test_a_horizon_with_a_period_that_cannot_be_served_says_so():
    scenario = random_scenario(
        np.random.default_rng(2), clients=6, edges=2, tasks=3, models=5, allow_unserved=False, tightness=0.3
    )
    scenarios = over_time(scenario, spread=0.1)
    demand = np.array(scenarios.demand)
    demand[1] *= 1e3
    plans = solve_horizon(dataclasses.replace(scenarios, demand=demand))
    assert list(plans.success) == [True, False, True]
    assert "no plan serves all the load" in plans.reason(1)


@pytest.mark.parametrize("function", [solve_horizon, horizon_bound])
def test_mistakes_are_named(function):
    scenarios = draw_batch(2)
    held = np.zeros((2, 6, 5), dtype=bool), np.zeros((2, 2, 5), dtype=bool)
    with pytest.raises(ValueError, match="only batch axis is time"):
        function(scenarios[0])
    with pytest.raises(ValueError, match="without switching"):
        function(dataclasses.replace(scenarios, switching=j3o.Switching(*held, np.zeros(2))))
    with pytest.raises(ValueError, match="cost_per_mb"):
        function(scenarios, cost_per_mb=-1.0)
    with pytest.raises(TypeError, match="on the host"):
        jax.jit(function)(scenarios)
    if function is horizon_bound:
        moved = dataclasses.replace(scenarios[[0, 0]], client_edge=np.stack([scenarios.client_edge[0] * 0] * 2))
        client_edge = np.array(moved.client_edge)
        client_edge[1, 0] = 1
        with pytest.raises(ValueError, match="client_edge"):
            function(dataclasses.replace(moved, client_edge=client_edge))
    else:
        with pytest.raises(TypeError, match="ExactMILP"):
            function(scenarios, j3o.J3O())
