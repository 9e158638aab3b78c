"""The batched onloading step does what the reference does, node by node, whatever else is in the batch."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.greedy_lagrangian import dual_search, greedy_lagrangian
from support.methods import QUICKLY

from j3o_kernels.batched_onloading import complete_choice, onload_tier
from j3o_kernels.multipliers import inverse_square_root, projected_subgradient
from j3o_kernels.node_tier import NodeTier
from j3o_kernels.onloading import NodeProblem

ROWS, GROUPS, MODELS, TASKS, BATCH = 4, 3, 6, 3, 5


def draw(seed, *, setup=False, equal_sizes=False, tightness=0.5, per_node=False):
    """A tier whose nodes of one group share accuracies, as the clients of one edge do; costs may be each node's own."""
    rng = np.random.default_rng(seed)
    nodes = (ROWS, GROUPS, BATCH)
    of_models = (MODELS, *nodes) if per_node else (MODELS, 1, 1, BATCH)
    supported = rng.random((TASKS, MODELS, 1, GROUPS, BATCH)) < 0.8
    size = np.ones(of_models) if equal_sizes else rng.uniform(0.5, 1.5, of_models)
    weight = rng.dirichlet(np.ones(TASKS), nodes).transpose(3, 0, 1, 2) * (rng.random((TASKS, *nodes)) < 0.9)
    return NodeTier(
        weight=weight,
        accuracy=rng.uniform(0.5, 1.0, (TASKS, MODELS, 1, GROUPS, BATCH)) * supported,
        cost=np.exp(rng.normal(0.0, 1.0, of_models)),
        setup=rng.uniform(0.01, 0.3, (MODELS, 1, GROUPS, BATCH)) if setup else None,
        size=size,
        budget=rng.uniform(0.5, 4.0, nodes),
        capacity=tightness * rng.uniform(0.2, 2.0, nodes),
    )


def reference_problem(tier, instance):
    """The same nodes of one instance, row by row."""
    shape = (TASKS, MODELS, ROWS, GROUPS)
    weight = np.broadcast_to(tier.weight[:, None, ..., instance], shape)
    cost = np.broadcast_to(tier.cost[None, ..., instance], shape)
    nothing = np.zeros((MODELS, 1, GROUPS)) if tier.setup is None else tier.setup[..., instance]
    setup = np.where(weight > 0.0, np.broadcast_to(nothing[None], shape), 0.0)

    def nodes_first(array):
        return np.moveaxis(array.reshape(*array.shape[:-2], ROWS * GROUPS), -1, 0)

    by_task = [
        nodes_first(array).swapaxes(1, 2) for array in (weight * tier.accuracy[..., instance], weight * cost, setup)
    ]
    size = nodes_first(np.broadcast_to(tier.size[..., instance], (MODELS, ROWS, GROUPS)))
    return NodeProblem(*by_task, size, tier.budget[..., instance].ravel(), tier.capacity[..., instance].ravel())


def subgradient(step_size):
    return projected_subgradient(inverse_square_root(step_size))


@functools.partial(jax.jit, static_argnames=("search", "plus_max"), compiler_options=QUICKLY)
def batched(tier, active, search, plus_max):
    count = tier.weight.shape[-1]
    return onload_tier(
        tier,
        optimizer=None if search == "dual" else subgradient,
        step_size=jnp.ones(count),
        active=active,
        steps=20,
        plus_max=plus_max,
    )


@functools.partial(jax.jit, static_argnames=("search", "plus_max"), compiler_options=QUICKLY)
def single(problem, search, plus_max):
    if search == "dual":
        return dual_search(problem, steps=20, plus_max=plus_max)
    return greedy_lagrangian(problem, subgradient(1.0), steps=20, plus_max=plus_max)


def everywhere(count=BATCH):
    return np.ones(count, dtype=bool)


@pytest.mark.parametrize(
    ("search", "plus_max", "setup", "per_node"),
    [
        *itertools.product(("dual", "subgradient"), (False, True), (False, True), (False,)),
        ("dual", True, True, True),
        ("subgradient", False, False, True),
    ],
)
def test_the_batch_does_what_the_reference_does(search, plus_max, setup, per_node):
    for seed in range(4):
        tightness = (0.2, 0.5, 3.0, 0.5)[seed]
        tier = draw(seed, setup=setup, equal_sizes=seed == 3, tightness=tightness, per_node=per_node)
        with jax.enable_x64(True):
            found = jax.tree.map(np.asarray, batched(tier, everywhere(), search, plus_max))
            for instance in range(BATCH):
                expected = jax.tree.map(np.asarray, single(reference_problem(tier, instance), search, plus_max))
                np.testing.assert_allclose(found.value[..., instance].ravel(), expected.value, atol=1e-12)
                held = found.held[..., instance].reshape(MODELS, -1).T
                choice = found.choice[..., instance].reshape(TASKS, -1).T
                np.testing.assert_array_equal(held, expected.held)
                np.testing.assert_array_equal(choice, expected.choice)


def test_an_instance_s_answer_does_not_depend_on_the_others():
    tier = draw(7)
    with jax.enable_x64(True):
        whole = jax.tree.map(np.asarray, batched(tier, everywhere(), "dual", True))
        for instance in (0, 3):
            alone = NodeTier(*(None if array is None else array[..., instance : instance + 1] for array in tier))
            found = jax.tree.map(np.asarray, batched(alone, everywhere(1), "dual", True))
            np.testing.assert_array_equal(found.held[..., 0], whole.held[..., instance])
            np.testing.assert_array_equal(found.choice[..., 0], whole.choice[..., instance])


def test_nodes_of_instances_that_are_not_active_hold_nothing_and_change_nobody():
    tier = draw(8)
    active = np.array([True, False, True, False, True])
    with jax.enable_x64(True):
        some = jax.tree.map(np.asarray, batched(tier, active, "dual", True))
        whole = jax.tree.map(np.asarray, batched(tier, everywhere(), "dual", True))
    assert not some.held[..., ~active].any()
    assert (some.choice[..., ~active] == -1).all()
    np.testing.assert_array_equal(some.held[..., active], whole.held[..., active])
    np.testing.assert_array_equal(some.choice[..., active], whole.choice[..., active])


def test_tasks_without_a_choice_get_the_held_model_that_earns_most_per_load():
    tier = draw(9, tightness=0.1)
    with jax.enable_x64(True):
        found = batched(tier, everywhere(), "dual", False)
        completed = np.asarray(jax.jit(complete_choice, compiler_options=QUICKLY)(tier, found))
    held, choice = np.asarray(found.held), np.asarray(found.choice)
    changed = 0
    for task, row, group, instance in np.ndindex(*choice.shape):
        own = np.flatnonzero(held[:, row, group, instance])
        gain = tier.accuracy[task, own, 0, group, instance] * tier.weight[task, row, group, instance]
        after = completed[task, row, group, instance]
        if choice[task, row, group, instance] >= 0 or not (gain > 0).any():
            assert after == choice[task, row, group, instance]
        else:
            ratio = gain / (tier.cost[own, 0, 0, instance] * tier.weight[task, row, group, instance])
            assert after == own[np.argmax(ratio)]
            changed += 1
    assert changed


def test_nodes_without_memory_compute_or_queries_hold_what_they_can():
    tier = draw(10)
    budget, capacity, weight = tier.budget.copy(), tier.capacity.copy(), tier.weight.copy()
    budget[0], capacity[1], weight[:, 2], budget[3], capacity[3] = 0.0, 0.0, 0.0, np.inf, np.inf
    with jax.enable_x64(True):
        found = jax.tree.map(
            np.asarray,
            batched(tier._replace(budget=budget, capacity=capacity, weight=weight), everywhere(), "dual", True),
        )
    assert not found.held[:, 0].any()
    assert (found.value[1] == 0.0).all()
    assert not found.held[:, 2].any()
    best = (weight[:, 3] * tier.accuracy.max(axis=1)[:, 0]).sum(axis=0)
    np.testing.assert_allclose(found.value[3], best)
