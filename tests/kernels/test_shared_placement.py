"""Kernels of placements that are common to scenarios: sets of models, and bounds at any prices."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from support.shared import small_set

import j3o_jax as j3o
from j3o_jax.methods.dual_bound import scaled_relaxation
from j3o_kernels.client_groups import group_clients
from j3o_kernels.coverage import max_coverage
from j3o_kernels.price_bound import Prices, price_bound
from j3o_kernels.set_bound import bound_of_leads, bounds_by_lead, set_bound
from j3o_kernels.shared_bound import shared_descent, shared_price_bound
from j3o_kernels.shared_coverage import shared_coverage

MODELS, NODES, ROWS = 6, 40, 12


def draw(seed):
    rng = np.random.default_rng(seed)
    profit = np.maximum(rng.normal(size=(MODELS, NODES, ROWS)), 0.0)
    return profit, rng.uniform(0.1, 0.9, (MODELS, NODES)), rng.uniform(0.2, 2.0, NODES)


def best_sets(profit, size, budget):
    """The most that a set which fits covers at each node, by enumeration."""
    best = np.zeros(NODES)
    for chosen in itertools.product([False, True], repeat=MODELS):
        held = np.array(chosen)
        fits = size[held].sum(axis=0) <= budget
        worth = profit[held].max(axis=0, initial=0.0).sum(axis=1)
        best = np.maximum(best, np.where(fits, worth, 0.0))
    return best


def test_sets_fit_and_cover_nearly_as_much_as_the_best():
    with jax.enable_x64(True):
        choose = jax.jit(shared_coverage)
        for seed in range(5):
            profit, size, budget = draw(seed)
            held = np.asarray(choose(profit, size, budget))
            assert ((held * size).sum(axis=0) <= budget * (1 + 1e-9)).all()
            worth = np.where(held[:, :, None], profit, 0.0).max(axis=0).sum(axis=1)
            best = best_sets(profit, size, budget)
            assert (worth <= best + 1e-9).all()
            assert worth.sum() >= 0.99 * best.sum()
            # As good as with a loop over tasks, where there are few of them.
            few = max_coverage(jnp.moveaxis(profit, 2, 0), jnp.asarray(size), jnp.asarray(budget))
            assert worth.sum() >= 0.995 * float(few.earned.sum())


def test_bounds_by_leading_model_make_up_the_bound_of_sets():
    with jax.enable_x64(True):
        profit, size, budget = draw(7)
        part = np.minimum(size / budget, 2.0)
        rows = jnp.asarray(np.where(part[:, None] <= 1.0, np.moveaxis(profit, 2, 1), 0.0))
        part = jnp.asarray(np.where(part <= 1.0, part, 0.0))
        by_lead = np.asarray(bounds_by_lead(rows, part))
        whole = np.asarray(set_bound(rows, part))
        np.testing.assert_allclose(by_lead.max(axis=0), whole, rtol=1e-12)
        assert (whole >= best_sets(profit, size, budget) - 1e-9).all()
        leads = jnp.argsort(-by_lead, axis=0)[:2]
        np.testing.assert_allclose(bound_of_leads(rows, part, leads), whole, rtol=1e-12)


def test_any_prices_bound_every_common_placement_and_the_descent_lowers_the_bound():
    scenarios, weights = small_set(0)
    exact = j3o.solve_shared(scenarios, weights, j3o.ExactMILP(gap=1e-7))
    best = float(exact.shared.value)
    flat = scenarios.flattened()
    groups = group_clients(np.asarray(flat.client_edge), flat.edges)
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        problem, unit, _ = scaled_relaxation(jax.tree.map(jnp.asarray, flat), groups)
        importance = jnp.asarray(weights) * unit
        common, alone = jax.jit(shared_price_bound), jax.jit(price_bound)
        for _ in range(20):
            size = rng.choice([0.0, 1e-2, 0.1, 1.0])
            shapes = problem.value_cloud.shape, problem.client_limit.shape, *[problem.edge_limit.shape] * 2, (3,)
            prices = Prices(*(jnp.asarray(size * rng.exponential(size=shape)) for shape in shapes))
            bound = float(common(problem, prices, importance))
            assert bound >= best * (1 - 1e-9)
            assert bound <= float(jnp.sum(importance * alone(problem, prices))) * (1 + 1e-9)
        _, lower = jax.jit(shared_descent)(problem, prices, importance, 4)
        assert best * (1 - 1e-9) <= float(lower) <= bound
