"""Proven bounds: never below the optimum, whatever the prices; near the relaxation; the same in every batch."""

import dataclasses

import jax
import numpy as np
import optax
import pytest
from support.methods import PER_NODE, QUICKLY, SMALL, VARIANTS, draw_batch
from support.oracle import TINY, tiny_and_optima
from support.scenarios import random_scenario, stack

import j3o_jax as j3o
from j3o_jax.methods.dual_bound import Descent, closer_bounds, dual_bounds, scaled_relaxation
from j3o_jax.methods.few_shapes import sized
from j3o_kernels.client_groups import group_clients
from j3o_kernels.price_bound import Prices, price_bound

# Scenarios of the sizes of others in these tests, whose programs are therefore the same.
HETEROGENEOUS = j3o.benchmarks.heterogeneous(**SMALL)
DESCENT = Descent(30, 0.03)


@pytest.mark.parametrize("variant", VARIANTS + PER_NODE, ids=str)
def test_no_bound_is_below_brute_force(variant):
    batch, best = tiny_and_optima(75, **variant)
    groups = group_clients(np.asarray(batch.client_edge), batch.edges)
    own = sized(batch, groups, brief=True)
    proven = dual_bounds(own.scenarios, own.groups, 1e-6, 100, DESCENT._replace(steps=0))
    closer = closer_bounds(own.scenarios, own.groups, proven.point, DESCENT).bound
    known = np.isfinite(best)
    for bound in (proven.bound, closer):
        assert np.isfinite(bound).all()
        assert (bound[known] >= best[known] * (1.0 - 1e-9) - 1e-12).all()
    assert (closer <= proven.bound * (1.0 + 1e-12)).all()


@pytest.mark.parametrize("variant", VARIANTS + PER_NODE, ids=str)
def test_any_prices_bound(variant):
    batch, best = tiny_and_optima(40, **variant)
    known = np.isfinite(best)
    groups = group_clients(np.asarray(batch.client_edge), batch.edges)
    with jax.enable_x64(True):
        problem, unit, _ = jax.jit(scaled_relaxation, compiler_options=QUICKLY)(batch, groups)
        likeness = Prices(
            problem.value_cloud, problem.client_limit, problem.edge_limit, problem.uplink_limit, problem.cloud_limit
        )
        rng = np.random.default_rng(0)
        evaluate = jax.jit(price_bound, compiler_options=QUICKLY)
        for size in (0.0, 0.03, 0.3, 3.0, 30.0):
            prices = jax.tree.map(lambda like, size=size: size * rng.exponential(size=like.shape), likeness)
            bound = np.asarray(evaluate(problem, prices) * unit)
            assert (bound[known] >= best[known] * (1.0 - 1e-9) - 1e-12).all()


@pytest.mark.parametrize("tightness", [0.3, 1.0])
def test_it_is_near_the_linear_relaxation_and_above_the_optimum(tightness):
    batch = HETEROGENEOUS.sample(0, n=6, tightness=tightness)
    plans = j3o.solve(batch, j3o.ExactMILP(gap=1e-6, time_limit=60))
    certified = j3o.certify(batch, dataclasses.replace(plans, bound=np.full(6, np.nan)))
    assert (certified.bound >= plans.objective * (1.0 - 1e-9)).all()
    assert (certified.bound <= j3o.relaxation_bound(batch) * 1.005).all()
    # A solver's word is no proof: the proven bound replaces it though it is higher, and the word stays readable.
    replaced = j3o.certify(batch, plans)
    np.testing.assert_array_equal(replaced.bound, certified.bound)
    assert (replaced.bound > plans.bound).any()
    np.testing.assert_array_equal(replaced.stats["solver_bound"], plans.bound)
    assert "solver_bound" not in certified.stats
    # A bound with a certificate is kept, with it, where it is lower.
    mixed = dataclasses.replace(certified, bound=np.where(np.arange(6) % 2, certified.bound, certified.bound * 1.01))
    again = j3o.certify(batch, mixed, descent_steps=0)
    kept = mixed.bound < j3o.certify(batch, plans, descent_steps=0).bound
    assert kept.any()
    assert not kept.all()
    np.testing.assert_array_equal(again.bound[kept], mixed.bound[kept])
    np.testing.assert_array_equal(again.certificate.stream[kept], mixed.certificate.stream[kept])
    assert j3o.verify(batch, again).proven.all()


def test_it_depends_neither_on_the_batch_nor_on_how_clients_are_spread():
    # All clients of most instances at one edge: large edges then have several columns of the table.
    batch = draw_batch(10, edges=3, tightness=1.0)
    batch = dataclasses.replace(batch, client_edge=np.where(np.arange(10)[:, None] < 8, 0, batch.client_edge))
    assert group_clients(batch.client_edge, 3).edge is not None
    plans = j3o.solve(batch, j3o.FullLocal())
    whole = j3o.certify(batch, plans)
    for index in (0, 9):
        assert j3o.certify(batch[index], plans[index]).bound == pytest.approx(whole.bound[index], rel=1e-9)
    assert (whole.bound <= j3o.relaxation_bound(batch) * 1.005).all()
    assert (whole.gap >= 0).all()


def test_the_descent_takes_schedules_of_optax_and_gains_where_memory_is_scarce():
    batch = HETEROGENEOUS.sample(0, n=8, tightness=0.3)
    plans = j3o.solve(batch)
    without = j3o.certify(batch, plans, descent_steps=0)
    default = j3o.certify(batch, plans)
    assert (default.bound <= without.bound * (1.0 + 1e-12)).all()
    assert default.gap.mean() < 0.9 * without.gap.mean()
    constant = j3o.certify(batch, plans, descent_schedule=optax.constant_schedule(0.01))
    assert (constant.bound <= without.bound * (1.0 + 1e-12)).all()
    assert (constant.bound != default.bound).any()
    assert (j3o.certify(batch, plans, descent_schedule=0.0).bound <= without.bound * (1.0 + 1e-12)).all()


@pytest.mark.parametrize(
    ("argument", "message"),
    [({"descent_steps": -1}, "descent_steps: must be at least 0"), ({"descent_schedule": np.nan}, "descent_schedule")],
)
def test_mistaken_descents_are_named(argument, message):
    scenario = random_scenario(np.random.default_rng(0), **TINY)
    with pytest.raises(ValueError, match=message):
        j3o.certify(scenario, j3o.solve(scenario, j3o.FullLocal()), **argument)
    with pytest.raises(ValueError, match=message):
        j3o.PriceDirected(**argument)


def test_plans_that_are_none_get_no_bound_and_mistakes_are_named():
    batch = stack([random_scenario(np.random.default_rng(seed), **TINY, allow_unserved=False) for seed in range(24)])
    starved = dataclasses.replace(
        batch, **{name: 0.0 * getattr(batch, name) for name in ("client_compute", "edge_uplink")}
    )
    plans = j3o.solve(starved, j3o.FullLocal())
    assert (plans.status == j3o.Status.infeasible).all()
    assert np.isnan(j3o.certify(starved, plans).bound).all()
    with pytest.raises(ValueError, match=r"batch axes \[\], the solution \[24\]"):
        j3o.certify(batch[0], plans)


def test_a_proof_for_another_scenario_is_no_proof():
    batch = draw_batch(2, tightness=1.5)
    poor = dataclasses.replace(batch, cloud_uplink=np.zeros(2), edge_uplink=np.zeros((2, 2)))
    plans = j3o.certify(poor, j3o.solve(poor, j3o.FullLocal()))
    again = j3o.certify(batch, plans)
    assert (again.bound > plans.bound).all()
    assert j3o.verify(batch, again).proven.all()
    # Kept where it does prove something, and the plan is the same.
    np.testing.assert_array_equal(j3o.certify(poor, plans).bound, plans.bound)
    rich = j3o.solve(batch, j3o.FullLocal())
    none = dataclasses.replace(poor, client_compute=0.01 * poor.client_compute)
    refused = j3o.certify(none, rich)
    assert (refused.status == j3o.Status.numerical_error).all()
    assert "is it a plan for another one?" in refused.reasons[1]
    with pytest.raises(ValueError, match=r"certify: local has shape \[2, 6, 3\], the scenario wants \[2, 4, 3\]"):
        j3o.certify(draw_batch(2, clients=4), rich)


def test_a_plan_is_optimal_by_the_bound_that_it_has():
    batch = draw_batch(4, tightness=1.5)
    plans = j3o.certify(batch, j3o.solve(batch, j3o.ExactMILP(gap=1e-6)))
    near = plans.bound - plans.objective <= 1.01e-4 * plans.objective
    np.testing.assert_array_equal(plans.status == j3o.Status.optimal, near)
    assert not near.all()
    assert (plans.stats["solver_bound"] <= plans.bound).all()
