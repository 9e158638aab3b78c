"""The baselines' onloading: feasible selection keeps every limit and stops late enough; trying everything is best."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.methods import QUICKLY

from j3o_jax.methods.exact.node_milp import best_node_choice
from j3o_kernels.enumeration import best_of_all_choices
from j3o_kernels.feasible_selection import feasible_selection, most_accurate_choice
from j3o_kernels.onloading import NodeProblem

NODES, MODELS, TASKS = 5, 4, 3


def draw(seed: int, tightness: float = 0.4, setup: float = 0.0) -> NodeProblem:
    rng = np.random.default_rng(seed)
    weight = rng.dirichlet(np.ones(TASKS), NODES)[:, None, :]
    accuracy = rng.uniform(0.5, 1.0, (NODES, MODELS, TASKS)) * (rng.random((NODES, MODELS, TASKS)) < 0.8)
    size = rng.uniform(0.5, 1.5, (NODES, MODELS))
    return NodeProblem(
        gain=weight * accuracy,
        load=weight * rng.uniform(0.2, 2.0, (NODES, MODELS, 1)),
        setup=setup * rng.uniform(0.0, 1.0, (NODES, MODELS, 1)) * np.ones(TASKS),
        size=size,
        budget=rng.uniform(0.3, 0.8, NODES) * size.sum(axis=1),
        capacity=tightness * rng.uniform(0.5, 2.0, NODES),
    )


def run(function, problem, *rest):
    with jax.enable_x64(True):
        return np.asarray(
            jax.jit(function, compiler_options=QUICKLY)(jax.tree.map(jnp.asarray, problem), *map(jnp.asarray, rest))
        )


def used(problem: NodeProblem, node: int, held: np.ndarray) -> tuple[float, float, float]:
    """Gain, load and size of a set with every task on its most accurate model."""
    gain = load = 0.0
    for task in range(TASKS):
        best = max(np.flatnonzero(held), key=lambda m: problem.gain[node, m, task], default=None)
        if best is not None and problem.gain[node, best, task] > 0:
            gain += problem.gain[node, best, task]
            load += problem.load[node, best, task] + problem.setup[node, best, task]
    return gain, load, problem.size[node, held].sum()


@pytest.mark.parametrize("setup", [0.0, 0.2])
@pytest.mark.parametrize("random_order", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_feasible_selection_keeps_the_limits_and_leaves_nothing_that_fits(seed, random_order, setup):
    problem = draw(seed, setup=setup)
    priority = [np.random.default_rng(seed).random((NODES, MODELS))] if random_order else []
    held = run(feasible_selection, problem, *priority)
    for node in range(NODES):
        gain, load, size = used(problem, node, held[node])
        assert load <= problem.capacity[node] * (1 + 1e-8)
        assert size <= problem.budget[node] * (1 + 1e-8)
        for model in np.flatnonzero(~held[node]):
            more = held[node] | (np.arange(MODELS) == model)
            gain_with, load_with, size_with = used(problem, node, more)
            fits = load_with <= problem.capacity[node] and size_with <= problem.budget[node]
            assert not (fits and gain_with > gain)


def test_priority_decides_which_model_comes_first():
    problem = draw(0, tightness=100.0)._replace(budget=np.full(NODES, 1.5))
    for model in range(MODELS):
        priority = np.where(np.arange(MODELS) == model, 2.0, 1.0) * np.ones((NODES, 1))
        held = run(feasible_selection, problem, priority)
        useful = (problem.gain[:, model] > 0).any(axis=1) & (problem.size[:, model] <= 1.5)
        np.testing.assert_array_equal(held[:, model] | ~useful, np.ones(NODES, bool))


def test_the_most_accurate_held_model_serves():
    problem = draw(1)
    held = np.random.default_rng(1).random((NODES, MODELS)) < 0.5
    choice = run(most_accurate_choice, problem.gain, held)
    for node, task in itertools.product(range(NODES), range(TASKS)):
        gains = np.where(held[node], problem.gain[node, :, task], 0.0)
        assert choice[node, task] == (gains.argmax() if gains.max() > 0 else -1)


def worth(problem: NodeProblem, node: int, choice: np.ndarray) -> float:
    """What a choice earns when the tasks that earn most for their load are served first; −inf if it does not fit."""
    tasks = np.flatnonzero(choice >= 0)
    models = choice[tasks]
    left = problem.capacity[node] - problem.setup[node, models, tasks].sum()
    if left < -1e-9 or problem.size[node, np.unique(models)].sum() > problem.budget[node] * (1 + 1e-9):
        return -np.inf
    gain, load = problem.gain[node, models, tasks], problem.load[node, models, tasks]
    total = 0.0
    for task in np.argsort(-gain / np.maximum(load, 1e-300)):
        share = min(1.0, max(left, 0.0) / max(load[task], 1e-300))
        total, left = total + share * gain[task], left - share * load[task]
    return total


@pytest.mark.parametrize("setup", [0.0, 0.2])
@pytest.mark.parametrize("seed", range(6))
def test_trying_everything_and_the_integer_program_agree(seed, setup):
    problem = draw(seed, setup=setup)
    choices = np.array(list(itertools.product(range(-1, MODELS), repeat=TASKS)))
    tried = run(best_of_all_choices, problem, choices)
    for node in range(NODES):
        programmed = best_node_choice(*(field[node] for field in problem))
        best = max(worth(problem, node, choice) for choice in choices)
        assert worth(problem, node, tried[node]) == pytest.approx(best, rel=1e-9)
        assert worth(problem, node, programmed) == pytest.approx(best, rel=1e-7)
