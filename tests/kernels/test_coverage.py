"""Coverage under a memory budget: sets that fit, against all sets; and no single change helps."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.methods import QUICKLY

from j3o_kernels.coverage import max_coverage

TASKS, MODELS, NODES = 3, 6, 40
compiled = jax.jit(max_coverage, static_argnames="max_swaps", compiler_options=QUICKLY)


def draw(seed):
    rng = np.random.default_rng(seed)
    profit = np.maximum(rng.normal(0.3, 0.5, (TASKS, MODELS, NODES)), 0.0)
    size = rng.choice([0.0, 0.2, 0.5, 0.9, 1.3], (MODELS, NODES))
    return profit, size, rng.choice([0.0, 0.5, 1.0, 2.0], NODES)


def value(profit, models, node):
    return profit[:, list(models), node].max(axis=1, initial=0.0).sum()


@pytest.mark.parametrize("seed", range(4))
def test_sets_fit_and_come_near_the_best(seed):
    profit, size, budget = draw(seed)
    with jax.enable_x64(True):
        found = jax.tree.map(np.asarray, compiled(profit, size, budget))
    shares = []
    for node in range(NODES):
        own = np.flatnonzero(found.held[:, node])
        assert size[own, node].sum() <= budget[node] * (1 + 1e-9)
        assert set(found.choice[:, node]) - {-1} == set(own)
        assert found.earned[:, node].sum() == pytest.approx(value(profit, own, node))
        sets = [s for k in range(TASKS + 1) for s in itertools.combinations(range(MODELS), k)]
        best = max(value(profit, s, node) for s in sets if size[list(s), node].sum() <= budget[node])
        shares.append(1.0 if best == 0.0 else value(profit, own, node) / best)
        for out, new in itertools.product([None, *own], range(MODELS)):
            changed = [m for m in own if m != out] + [new]
            if size[changed, node].sum() <= budget[node]:
                assert value(profit, changed, node) <= value(profit, own, node) * (1 + 1e-8) + 1e-12
    assert np.mean(shares) > 0.98


def test_a_valuable_large_model_takes_the_place_of_a_dense_small_one():
    with jax.enable_x64(True):
        arrays = [jnp.array(array) for array in ([[[0.1], [1.0]]], [[0.01], [1.0]], [1.0])]
        found, greedy = compiled(*arrays), compiled(*arrays, max_swaps=0)
    assert np.asarray(greedy.choice).item() == 0
    assert np.asarray(found.choice).item() == 1


@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_models_with_a_charge_are_held_where_they_earn_it(scale):
    profit, size, budget = draw(5)
    rng = np.random.default_rng(6)
    charge = scale * rng.uniform(size=size.shape) * (rng.uniform(size=size.shape) < 0.7)

    def worth(models, node):
        return value(profit, models, node) - charge[list(models), node].sum()

    with jax.enable_x64(True):
        found = jax.tree.map(np.asarray, compiled(profit, size, budget, charge=charge))
    shares = []
    for node in range(NODES):
        own = np.flatnonzero(found.held[:, node])
        assert size[own, node].sum() <= budget[node] * (1 + 1e-9)
        sets = [s for k in range(TASKS + 1) for s in itertools.combinations(range(MODELS), k)]
        best = max(worth(s, node) for s in sets if size[list(s), node].sum() <= budget[node])
        shares.append(1.0 if best <= 1e-12 else worth(own, node) / best)
        # No model that is held costs more than it adds.
        for model in own:
            assert worth([other for other in own if other != model], node) <= worth(own, node) + 1e-9
    assert np.mean(shares) > 0.97
