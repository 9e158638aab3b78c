"""The batched interior point method gives the same answers in every batch, and however clients are grouped."""

import jax
import numpy as np
import pytest
from support.hierarchical_lp import (
    BATCH,
    CLIENTS,
    EDGES,
    TASKS,
    by_reference,
    family,
    picked,
    solve,
)

from j3o_jax import HierarchicalLP
from j3o_kernels.client_groups import group_clients
from j3o_kernels.offloading import OffloadingProblem


def generic(rng, count, clients, edges, tasks, home):
    """Programs whose best shares are unique: no two values or loads have anything to do with each other."""
    shape = (count, clients, tasks)
    value, load = rng.uniform(0.1, 1.0, (3, *shape)), rng.uniform(0.1, 1.0, (3, *shape))
    return OffloadingProblem(
        home,
        np.ones(shape, dtype=bool),
        *value,
        *load,
        rng.random(shape) < 0.8,
        rng.random(shape) < 0.8,
        rng.random(shape) < 0.9,
        rng.uniform(0.2, 1.5, (count, clients)),
        rng.uniform(0.2, 2.0, (count, edges)),
        rng.uniform(0.2, 2.0, (count, edges)),
        rng.uniform(0.2, 3.0, count),
    )


def assert_same_answers(found, other):
    np.testing.assert_array_equal(found.solved, other.solved)
    np.testing.assert_array_equal(found.feasible, other.feasible)
    solved = found.solved
    np.testing.assert_allclose(found.objective[solved], other.objective[solved], rtol=1e-10)
    for name in ("local", "edge", "cloud"):
        np.testing.assert_allclose(getattr(found, name)[solved], getattr(other, name)[solved], atol=1e-6)


def test_answers_do_not_depend_on_the_groups():
    """Edges of any size, and empty ones; more groups than edges."""
    rng = np.random.default_rng(5)
    clients, edges, tasks = 7, 4, 2
    even = rng.integers(edges, size=(BATCH, clients))
    home = np.where(rng.random((BATCH, clients)) < 0.8, 1, even)
    home[0] = 3
    assert group_clients(home, edges).edge is not None
    problem = generic(rng, BATCH, clients, edges, tasks, home)
    alone = [by_reference(problem, index, serve_all=False) for index in range(BATCH)]
    alone = jax.tree.map(lambda *fields: np.stack(fields), *alone)
    assert_same_answers(solve(problem, grouping=group_clients), alone)


# One group for each edge, the second with places for three clients that are not there.
UNEVEN = np.array([0, 1, 0, 0, 0])


def test_answers_do_not_depend_on_the_batch():
    """Alone, with two others, with 69, each time as a table of clients by edge; and in batches of 32, without one."""
    count = 70
    home = np.broadcast_to(UNEVEN, (count, CLIENTS))
    assert group_clients(home, EDGES).edge is None
    problem = generic(np.random.default_rng(6), count, CLIENTS, EDGES, TASKS, home)
    before = jax.config.jax_enable_x64
    many = HierarchicalLP().solve(problem)
    assert jax.config.jax_enable_x64 == before
    assert many.solved.all()
    assert many.local.dtype == np.float64
    each = solve(problem)
    assert_same_answers(many, each)
    np.testing.assert_array_equal(many.iterations, each.iterations)
    for which in ([4], [40], [2, 69, 33]):
        few = HierarchicalLP().solve(picked(problem, which))
        assert_same_answers(few, jax.tree.map(lambda array, which=which: array[which], many))
        np.testing.assert_array_equal(few.iterations, many.iterations[which])


def test_places_without_a_client_bound_nothing():
    """They once had prices of their own in the bound, so that less was known to be impossible, and more was solved."""
    size = (2, CLIENTS, TASKS)
    problem = picked(family("usual"), [0, 0])._replace(
        client_edge=np.stack([UNEVEN] * 2),
        wanted=np.ones(size, dtype=bool),
        local_open=np.zeros(size, dtype=bool),
        edge_open=np.zeros(size, dtype=bool),
        cloud_open=np.ones(size, dtype=bool),
        cloud_value=np.ones(size),
        data=np.ones(size),
        edge_uplink=np.full((2, EDGES), 30.0),
        cloud_uplink=np.array([CLIENTS * TASKS - 0.5, 1e-9]),
    )
    found = HierarchicalLP().solve(problem)
    assert found.solved.all()
    np.testing.assert_allclose(found.objective, problem.cloud_uplink, rtol=1e-8)
    np.testing.assert_allclose(found.bound, problem.cloud_uplink, rtol=1e-8)


@pytest.mark.parametrize("uneven", [0.0, 0.5, 1.0])
def test_groups_hold_every_client_once_with_those_of_its_edge(uneven):
    rng = np.random.default_rng(7)
    home = np.where(rng.random((20, 30)) < uneven, 1, rng.integers(6, size=(20, 30)))
    groups = group_clients(home, 6)
    _, rows, count = groups.slots.shape
    assert rows * count <= 2 * 30 + 6
    for instance in range(20):
        flat = groups.slots[instance].ravel()
        np.testing.assert_array_equal(np.sort(flat[flat < 30]), np.arange(30))
        np.testing.assert_array_equal(flat[groups.places[instance]], np.arange(30))
        edge = np.arange(6) if groups.edge is None else groups.edge[instance]
        np.testing.assert_array_equal(edge[groups.places[instance] % count], home[instance])
