"""GREEDY-LR: feasible, near the best that enumeration finds, and the same alone and in a batch."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize
from support.greedy_lagrangian import dual_search, greedy_lagrangian
from support.methods import QUICKLY

from j3o_kernels.multipliers import inverse_square_root, projected_subgradient
from j3o_kernels.onloading import NodeProblem, servable_shares


def draw(seed, nodes=4, models=4, tasks=3, tightness=0.4, equal_sizes=False):
    rng = np.random.default_rng(seed)
    weight = rng.dirichlet(np.ones(tasks), nodes)[:, None, :] / nodes
    accuracy = rng.uniform(0.5, 1.0, (nodes, models, tasks)) * (rng.random((nodes, models, tasks)) < 0.8)
    cost = rng.uniform(0.2, 2.0, (nodes, models))[:, :, None]
    size = np.ones((nodes, models)) if equal_sizes else rng.uniform(0.5, 1.5, (nodes, models))
    budget = rng.uniform(0.3, 0.8, nodes) * size.sum(axis=1)
    capacity = tightness * rng.uniform(0.5, 2.0, nodes) * weight[:, 0, :].sum(axis=1)
    return NodeProblem(weight * accuracy, weight * cost, np.zeros_like(weight * cost), size, budget, capacity)


def onload(problem, steps, plus_max, search):
    if search == "dual":
        return dual_search(problem, steps=steps, plus_max=plus_max)
    return greedy_lagrangian(problem, projected_subgradient(inverse_square_root(1.0)), steps=steps, plus_max=plus_max)


compiled = jax.jit(onload, static_argnames=("steps", "plus_max", "search"), compiler_options=QUICKLY)


def solve(problem, steps=50, plus_max=True, search="subgradient"):
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, compiled(jax.tree.map(jnp.asarray, problem), steps, plus_max, search))


def knapsack(gain, load, capacity):
    """The fractional knapsack of one node by linear programming."""
    result = optimize.linprog(-gain, A_ub=[load], b_ub=[capacity], bounds=[(0, 1)] * gain.size)
    return -result.fun


@functools.cache
def best_values(seed, tightness, equal_sizes):
    """The best choice of each node of a drawn problem, for every search that is held against it."""
    problem = draw(seed, tightness=tightness, equal_sizes=equal_sizes)
    return [best_value(problem, node) for node in range(len(problem.gain))]


def best_value(problem, node):
    """The best choice of one node by enumeration."""
    gain, load, _, size, budget, capacity = (field[node] for field in problem)
    models, tasks = gain.shape
    best = 0.0
    for choice in itertools.product(range(-1, models), repeat=tasks):
        held = {m for m in choice if m >= 0}
        if sum(size[m] for m in held) <= budget:
            chosen = [(gain[m, t], load[m, t]) if m >= 0 else (0.0, 0.0) for t, m in enumerate(choice)]
            best = max(best, knapsack(*np.array(chosen).T, capacity))
    return best


@pytest.mark.parametrize("seed", range(10))
def test_servable_shares_are_the_fractional_knapsack(seed):
    rng = np.random.default_rng(seed)
    gain, load = rng.random((5, 4)), rng.random((5, 4)) * (rng.random((5, 4)) < 0.8)
    capacity = rng.uniform(0.0, 1.5, 5)
    with jax.enable_x64(True):
        share = np.asarray(servable_shares(jnp.asarray(gain), jnp.asarray(load), jnp.asarray(capacity)))
    assert ((share >= 0) & (share <= 1)).all()
    assert ((share * load).sum(axis=1) <= capacity + 1e-12).all()
    for node in range(5):
        assert (gain * share)[node].sum() == pytest.approx(knapsack(gain[node], load[node], capacity[node]))


@pytest.mark.parametrize("search", ["dual", "subgradient"])
@pytest.mark.parametrize("equal_sizes", [True, False])
@pytest.mark.parametrize("tightness", [0.2, 0.6, 10.0])
def test_selection_keeps_the_limits_and_is_near_the_best(tightness, equal_sizes, search):
    found, best = [], []
    for seed in range(4):
        problem = draw(seed, tightness=tightness, equal_sizes=equal_sizes)
        answer = solve(problem, search=search)
        assert (np.sum(np.where(answer.held, problem.size, 0.0), axis=1) <= problem.budget * (1 + 1e-8)).all()
        for node, choice in enumerate(answer.choice):
            assert all(model < 0 or answer.held[node, model] for model in choice)
        found.extend(answer.value)
        best.extend(best_values(seed, tightness, equal_sizes))
    found, best = np.array(found), np.array(best)
    assert (found <= best + 1e-9).all()
    assert found.sum() >= 0.96 * best.sum()


def test_value_is_what_the_choice_can_serve():
    problem = draw(3, tightness=0.2)
    answer = solve(problem)
    for node, choice in enumerate(answer.choice):
        picked = [
            (problem.gain[node, m, t], problem.load[node, m, t]) if m >= 0 else (0.0, 0.0) for t, m in enumerate(choice)
        ]
        assert answer.value[node] == pytest.approx(knapsack(*np.array(picked).T, problem.capacity[node]), abs=1e-9)


@pytest.mark.parametrize("search", ["dual", "subgradient"])
def test_more_steps_never_give_a_worse_set(search):
    problem = draw(5, nodes=20, tightness=0.2)
    values = [solve(problem, steps=steps, plus_max=False, search=search).value for steps in (1, 5, 25, 100)]
    for fewer, more in itertools.pairwise(values):
        assert (more >= fewer - 1e-12).all()


def test_units_do_not_matter():
    problem = draw(6, tightness=0.3)
    scaled = problem._replace(
        load=problem.load * 1e9, capacity=problem.capacity * 1e9, size=problem.size / 1e3, budget=problem.budget / 1e3
    )
    np.testing.assert_array_equal(solve(problem).choice, solve(scaled).choice)


def test_the_dual_search_finds_the_multiplier_that_the_subgradient_approaches():
    """With every model held, the multiplier alone decides which tasks are served: the same ones at convergence."""
    same = []
    for seed in range(6):
        problem = draw(seed, nodes=30, tightness=0.5, equal_sizes=True)
        everything = problem._replace(budget=np.full(30, np.inf))
        dual = solve(everything, steps=20, search="dual", plus_max=False)
        subgradient = solve(everything, steps=3000, plus_max=False)
        # On its way the subgradient passes other multipliers, at which a set can be worth more to the primal.
        assert (dual.value >= subgradient.value * (1 - 0.1)).all()
        assert dual.value.sum() >= 0.995 * subgradient.value.sum()
        same.append((dual.choice == subgradient.choice).all(axis=1))
    assert np.mean(same) >= 0.7


def test_costs_a_millionfold_apart_do_not_stop_the_dual_search():
    """A subgradient of a fixed step would need millions of steps to price the dear model out."""
    gain = np.array([[[0.9], [0.5]]])
    load = np.array([[[1e6], [1.0]]])
    problem = NodeProblem(gain, load, np.zeros_like(load), np.ones((1, 2)), np.ones(1) * 2.0, np.ones(1) * 1.0)
    answer = solve(problem, search="dual")
    assert answer.choice.tolist() == [[1]]
    assert answer.value == pytest.approx(0.5)


def test_nodes_without_work_memory_or_compute_hold_nothing_and_break_nothing():
    problem = draw(7)
    gain, load, _, _, budget, capacity = (field.copy() for field in problem)
    gain[0], load[0] = 0.0, 0.0
    budget[1] = 0.0
    capacity[2] = 0.0
    budget[3], capacity[3] = np.inf, np.inf
    answer = solve(problem._replace(gain=gain, load=load, budget=budget, capacity=capacity))
    assert not answer.held[:2].any()
    assert answer.value[2] == 0.0
    assert answer.value[3] == pytest.approx(gain[3].max(axis=0).sum())
    assert np.isfinite(answer.value).all()


def test_a_batch_gives_each_instance_what_it_gets_alone():
    problems = [draw(seed, tightness=t) for seed, t in enumerate((0.1, 0.3, 1.0, 100.0))]
    with jax.enable_x64(True):
        stacked = jax.tree.map(lambda *fields: jnp.asarray(np.stack(fields)), *problems)
        batched = jax.jit(jax.vmap(lambda problem: onload(problem, 50, True, "subgradient")), compiler_options=QUICKLY)(
            stacked
        )
    for index, problem in enumerate(problems):
        single = solve(problem)
        np.testing.assert_array_equal(np.asarray(batched.held)[index], single.held)
        np.testing.assert_array_equal(np.asarray(batched.choice)[index], single.choice)


def test_single_precision_runs_and_keeps_the_limits():
    problem = jax.tree.map(lambda field: jnp.asarray(field, dtype=jnp.float32), draw(8))
    answer = compiled(problem, 20, True, "subgradient")
    assert answer.value.dtype == jnp.float32
    assert (jnp.sum(jnp.where(answer.held, problem.size, 0.0), axis=1) <= problem.budget * 1.00001).all()
