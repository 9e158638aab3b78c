"""The greedy kernel: Proposition 1, Algorithm 2 against a plain loop, and the guarantee that it should have."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.greedy_lagrangian import dual_search
from support.methods import QUICKLY

from j3o_kernels.greedy import covered_profit, greedy_selection, marginal_gains, node_value, task_profit
from j3o_kernels.onloading import NodeProblem

quick = functools.partial(jax.jit, compiler_options=QUICKLY)
select = quick(greedy_selection, static_argnames="pass_over")


@jax.jit
def select_plus_max(profit, size, budget):
    """Sets of nodes without a limit on compute, where the profit is all that counts."""
    nothing = jnp.zeros_like(profit)
    problem = NodeProblem(profit, nothing, nothing, size, budget, jnp.full_like(budget, jnp.inf))
    return dual_search(problem, plus_max=True).held


@quick
def gains_of(profit, held):
    return marginal_gains(profit, covered_profit(profit, held))


def choose(gain, load, multiplier, size, budget):
    return select_plus_max(task_profit(gain, load, multiplier), size, budget)


def draw(seed, nodes=3, models=6, tasks=4, equal_sizes=False):
    rng = np.random.default_rng(seed)
    gain = rng.random((nodes, models, tasks)) * (rng.random((nodes, models, tasks)) < 0.7)
    load = rng.random((nodes, models, tasks))
    size = np.ones((nodes, models)) if equal_sizes else rng.uniform(0.2, 2.0, (nodes, models))
    budget = rng.uniform(0.0, 0.6, nodes) * size.sum(axis=1)
    multiplier = rng.uniform(0.0, 1.0, nodes) * (rng.random(nodes) < 0.7)
    return gain, load, multiplier, size, budget


def value_of(profit, held):
    """L_v of one node's set, by its definition."""
    models, tasks = profit.shape
    return sum(max([0.0, *(profit[m, t] for m in range(models) if held[m])]) for t in range(tasks))


def plain_greedy(profit, size, budget, pass_over=False):
    """Algorithm 2, lines 5 to 10, one node at a time."""
    models = profit.shape[0]
    held = np.zeros(models, dtype=bool)
    while True:
        best, best_density = None, 0.0
        for model in np.flatnonzero(~held):
            grown = held.copy()
            grown[model] = True
            fits = size @ grown <= budget * (1 + 1e-9)
            gain = value_of(profit, grown) - value_of(profit, held)
            if gain > 1e-12 and (fits or not pass_over) and gain / size[model] > best_density + 1e-12:
                best, best_density = model, gain / size[model]
        if best is None or size @ held + size[best] > budget * (1 + 1e-9):
            return held
        held[best] = True


@given(seed=st.integers(0, 10**6), data=st.data())
def test_marginal_gains_are_non_negative_and_diminishing(seed, data):
    gain, load, multiplier, _, _ = draw(seed, nodes=1)
    models = gain.shape[1]
    small = np.array(data.draw(st.lists(st.booleans(), min_size=models, max_size=models)))
    large = small | np.array(data.draw(st.lists(st.booleans(), min_size=models, max_size=models)))
    with jax.enable_x64(True):
        profit = task_profit(jnp.asarray(gain), jnp.asarray(load), jnp.asarray(multiplier))
        gains = [np.asarray(gains_of(profit, jnp.asarray(held)[None]))[0] for held in (small, large)]
        for model in range(models):
            grown = small.copy()
            grown[model] = True
            expected = value_of(np.asarray(profit)[0], grown) - value_of(np.asarray(profit)[0], small)
            if not small[model]:
                assert gains[0][model] == pytest.approx(expected, abs=1e-12)
    assert (gains[0] >= 0).all()
    assert (gains[0] >= gains[1] - 1e-12).all()


@pytest.mark.parametrize("pass_over", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_selection_is_algorithm_2(seed, pass_over):
    gain, load, multiplier, size, budget = draw(seed)
    with jax.enable_x64(True):
        profit = task_profit(jnp.asarray(gain), jnp.asarray(load), jnp.asarray(multiplier))
        held = np.asarray(select(profit, jnp.asarray(size), jnp.asarray(budget), pass_over=pass_over))
    for node in range(gain.shape[0]):
        expected = plain_greedy(np.asarray(profit)[node], size[node], budget[node], pass_over)
        np.testing.assert_array_equal(held[node], expected)
        assert size[node] @ held[node] <= budget[node] * (1 + 1e-8)


@pytest.mark.parametrize("seed", range(20))
def test_greedy_is_within_1_minus_1_over_e_of_the_best_set_when_sizes_are_equal(seed):
    gain, load, multiplier, size, budget = draw(seed, equal_sizes=True)
    with jax.enable_x64(True):
        profit = task_profit(jnp.asarray(gain), jnp.asarray(load), jnp.asarray(multiplier))
        held = select(profit, jnp.asarray(size), jnp.asarray(budget))
        value = np.asarray(node_value(profit, held))
    for node in range(gain.shape[0]):
        sets = itertools.product([False, True], repeat=gain.shape[1])
        best = max(value_of(np.asarray(profit)[node], s) for s in sets if size[node] @ s <= budget[node])
        assert (1 - 1 / np.e) * best - 1e-12 <= value[node] <= best + 1e-12


@pytest.mark.parametrize("seed", range(20))
def test_plus_max_is_at_least_half_of_1_minus_1_over_e_of_the_best_set_whatever_the_sizes(seed):
    gain, load, multiplier, size, budget = draw(seed)
    with jax.enable_x64(True):
        profit = task_profit(jnp.asarray(gain), jnp.asarray(load), jnp.asarray(multiplier))
        arrays = profit, jnp.asarray(size), jnp.asarray(budget)
        plain, plus_max = select(*arrays), select_plus_max(*arrays)
        plain_value, value = np.asarray(node_value(profit, plain)), np.asarray(node_value(profit, plus_max))
    assert (np.sum(size * np.asarray(plus_max), axis=1) <= budget * (1 + 1e-8)).all()
    assert (value >= plain_value - 1e-12).all()
    for node in range(gain.shape[0]):
        sets = itertools.product([False, True], repeat=gain.shape[1])
        best = max(value_of(np.asarray(profit)[node], s) for s in sets if size[node] @ s <= budget[node])
        assert value[node] >= 0.5 * (1 - 1 / np.e) * best - 1e-12


def test_plus_max_mends_the_trap_of_the_density():
    """A tiny model of the higher density keeps out the one that matters."""
    profit = jnp.array([[[0.02], [1.0]]])
    size, budget = jnp.array([[0.01, 1.0]]), jnp.array([1.0])
    assert greedy_selection(profit, size, budget).tolist() == [[True, False]]
    assert select_plus_max(profit, size, budget).tolist() == [[False, True]]


def test_edge_cases_select_what_they_should():
    profit = jnp.array([[[1.0], [2.0]]])
    nothing_fits = greedy_selection(profit, jnp.array([[1.0, 1.0]]), jnp.array([0.0]))
    assert not nothing_fits.any()
    without_size = greedy_selection(profit, jnp.zeros((1, 2)), jnp.array([0.0]))
    assert without_size.tolist() == [[False, True]]  # the second covers all; the first then adds nothing
    worthless = greedy_selection(jnp.zeros((1, 2, 1)), jnp.ones((1, 2)), jnp.array([jnp.inf]))
    assert not worthless.any()
    three_tenths = greedy_selection(jnp.eye(3)[None], jnp.full((1, 3), 0.1), jnp.array([0.3]))
    assert three_tenths.all()  # although 0.1 + 0.1 + 0.1 > 0.3 in floating point


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batches_are_the_single_instances(dtype):
    problems = [draw(seed) for seed in range(5)]
    with jax.enable_x64(dtype == np.float64):
        stacked = [jnp.asarray(np.stack(arrays), dtype=dtype) for arrays in zip(*problems, strict=True)]

        batched = np.asarray(jax.jit(jax.vmap(choose))(*stacked))
        for index in range(5):
            single = jax.jit(choose)(*(array[index] for array in stacked))
            np.testing.assert_array_equal(batched[index], np.asarray(single))
