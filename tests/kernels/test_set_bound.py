"""The bound of a node's best set of models: never below it, and never above the linear relaxation."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.methods import QUICKLY

from j3o_kernels.set_bound import set_bound


def draw(seed, places, models, tasks, sizes):
    rng = np.random.default_rng(seed)
    profit = rng.uniform(size=(models, tasks, places)) * (rng.uniform(size=(models, tasks, places)) < 0.6)
    size = rng.uniform(*sizes, size=(models, places))
    profit[size.repeat(tasks, axis=0).reshape(profit.shape) > 1.0] = 0.0
    return profit, np.where(size > 1.0, 0.0, size)


def best_sets(profit, size):
    best = np.zeros(size.shape[1])
    for count in range(1, len(size) + 1):
        for models in map(list, itertools.combinations(range(len(size)), count)):
            fits = size[models].sum(axis=0) <= 1.0 + 1e-12
            best = np.maximum(best, np.where(fits, profit[models].max(axis=0).sum(axis=0), 0.0))
    return best


def best_sets_with(profit, size, charge):
    best = np.zeros(size.shape[1])
    for count in range(1, len(size) + 1):
        for models in map(list, itertools.combinations(range(len(size)), count)):
            fits = size[models].sum(axis=0) <= 1.0 + 1e-12
            worth = profit[models].max(axis=0).sum(axis=0) - charge[models].sum(axis=0)
            best = np.maximum(best, np.where(fits, worth, 0.0))
    return best


def linear_knapsacks(profit, size):
    worth, best = profit.sum(axis=1), np.empty(size.shape[1])
    for place in range(size.shape[1]):
        room, best[place] = 1.0, 0.0
        rate = worth[:, place] / np.maximum(size[:, place], 1e-300)
        for model in np.argsort(-rate):
            part = min(1.0, room / max(size[model, place], 1e-300))
            best[place] += part * worth[model, place]
            room -= part * size[model, place]
    return best


@pytest.mark.parametrize("sizes", [(0.0, 0.3), (0.1, 0.6), (0.3, 1.2), (0.0, 1.5)], ids=str)
def test_it_is_between_the_best_set_and_the_linear_relaxation(sizes):
    with jax.enable_x64(True):
        profit, size = draw(0, 200, 7, 3, sizes)
        bound = np.asarray(jax.jit(set_bound, compiler_options=QUICKLY)(profit, size))
    best, linear = best_sets(profit, size), linear_knapsacks(profit, size)
    assert (bound >= best * (1.0 - 1e-15)).all()
    assert (bound <= linear * (1.0 + 1e-7)).all()
    # It is nearer to the best set.
    assert (bound - best).mean() < 0.7 * (linear - best).mean()
    # Where no two fit together it is exact.
    lone = np.sort(np.where(profit.sum(axis=1) > 0.0, size, 9.0), axis=0)[:2].sum(axis=0) > 1.0 + 1e-6
    np.testing.assert_allclose(bound[lone], best[lone], rtol=1e-12)


def test_sizes_that_just_fill_the_room_fit():
    with jax.enable_x64(True):
        size = np.array([[0.1], [0.2], [0.7]]) / np.array([[1.0]])
        profit = np.eye(3)[:, :, None]
        bound = jax.jit(set_bound, compiler_options=QUICKLY)
        assert np.asarray(bound(profit, size)) >= 3.0
        assert np.asarray(bound(profit, np.array([[0.0], [0.0], [1.0]]))) >= 3.0
        assert np.asarray(bound(np.zeros((3, 3, 1)), size)) == 0.0


@pytest.mark.parametrize("scale", [0.0, 0.1, 0.5, 2.0, 100.0])
def test_with_charges_it_is_never_below_the_best_set_and_without_any_as_ever(scale):
    with jax.enable_x64(True):
        profit, size = draw(1, 200, 6, 3, (0.0, 0.7))
        rng = np.random.default_rng(2)
        charge = scale * rng.uniform(size=size.shape) * (rng.uniform(size=size.shape) < 0.7)
        bounded = jax.jit(set_bound, compiler_options=QUICKLY)
        bound, free = np.asarray(bounded(profit, size, charge)), np.asarray(bounded(profit, size))
    best = best_sets_with(profit, size, charge)
    assert (bound >= best).all()
    assert (bound <= free * (1.0 + 1e-12)).all()
    # What is free can still be held.
    assert (bound >= best_sets(np.where(charge[:, None] > 0.0, 0.0, profit), size) * (1.0 - 1e-12)).all()
    if scale == 0.0:
        np.testing.assert_allclose(bound, free, rtol=1e-12)
    # As near to the best set as without.
    assert (bound - best).mean() <= 1.05 * (free - best_sets(profit, size)).mean()


def test_rewards_are_charges_below_nothing_and_the_slope_is_what_is_held():
    with jax.enable_x64(True):
        profit, size = draw(3, 200, 6, 3, (0.0, 0.7))
        charge = np.random.default_rng(4).normal(0.0, 0.3, size=size.shape)
        profit, size, charge = map(jnp.asarray, (profit, size, charge))
        bound = np.asarray(jax.jit(set_bound, compiler_options=QUICKLY)(profit, size, charge))
        total = jax.jit(jax.grad(lambda charge: set_bound(profit, size, charge).sum()), compiler_options=QUICKLY)
        slope = np.asarray(total(charge))
    assert (bound >= best_sets_with(*map(np.asarray, (profit, size, charge)))).all()
    assert (slope <= 1e-12).all()
    assert (slope >= -1.0 - 1e-12).all()
    assert slope.min() < -0.5
