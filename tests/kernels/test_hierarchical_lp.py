"""The batched interior point method: as its reference step by step, and as exact as simplex."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
from support.hierarchical_lp import (
    BATCH,
    CLIENTS,
    EDGES,
    FAMILIES,
    TASKS,
    answers,
    assert_kept,
    by_reference,
    compiled,
    each_alone,
    family,
    of_equal_streams,
    one,
    picked,
    proven_bound,
    solve,
    worth,
)

from j3o_jax import CvxpyLP
from j3o_jax._highs import MILP, solve_milp


def simplex(problem, serve_all):
    """Objective of one instance by HiGHS, None where it is infeasible; rows are divided by their capacities."""
    clients, tasks = problem.data.shape
    streams = np.arange(clients * tasks)
    client = streams // tasks
    home = problem.client_edge[client]
    none = np.zeros_like(client)
    closed = np.zeros((3, streams.size), dtype=bool)

    def rows(row, load, capacity, *options):
        nonlocal closed
        capacity = np.atleast_1d(capacity)
        load = np.where(problem.wanted, load, 0.0).ravel()
        closed[list(options)] |= (load > 0.0) & (capacity <= 0.0)[row]
        part = load / np.where(capacity > 0.0, capacity, 1.0)[row]
        block = scipy.sparse.csr_array((part, (row, streams)), shape=(capacity.size, streams.size))
        empty = scipy.sparse.csr_array(block.shape)
        return scipy.sparse.hstack([block if option in options else empty for option in range(3)])

    matrix = scipy.sparse.vstack(
        [
            rows(client, problem.local_load, problem.client_compute, 0),
            rows(home, problem.edge_load, problem.edge_compute, 1),
            rows(home, problem.data, problem.edge_uplink, 1, 2),
            rows(none, problem.data, problem.cloud_uplink, 2),
            scipy.sparse.hstack([scipy.sparse.eye_array(streams.size)] * 3),
        ]
    )
    wanted = problem.wanted.ravel()
    is_open = np.stack([problem.local_open, problem.edge_open, problem.cloud_open]).reshape(3, -1)
    able = is_open & wanted & ~closed
    values = np.stack([problem.local_value, problem.edge_value, problem.cloud_value]).reshape(3, -1)
    answer = solve_milp(
        MILP(
            objective=np.where(able, values, 0.0).ravel(),
            upper=able.ravel().astype(float),
            integrality=np.zeros(able.size, dtype=bool),
            matrix=scipy.sparse.csr_array(matrix),
            row_lower=np.concatenate([np.full(matrix.shape[0] - wanted.size, -np.inf), np.where(wanted, 1.0, -np.inf)])
            if serve_all
            else np.full(matrix.shape[0], -np.inf),
            row_upper=np.ones(matrix.shape[0]),
        ),
        threads=1,
        options={"solver": "simplex"},
    )
    assert answer.outcome in ("optimal", "infeasible")
    return answer.objective if answer.outcome == "optimal" else None


@pytest.mark.parametrize("serve_all", [False, True])
@pytest.mark.parametrize("name", FAMILIES)
def test_as_exact_as_simplex(name, serve_all):
    problem, found = family(name), answers(name, serve_all)
    assert np.isfinite(found.objective).all()
    expected = [simplex(one(problem, index), serve_all) for index in range(problem.data.shape[0])]
    solvable = np.array([objective is not None for objective in expected])
    np.testing.assert_array_equal(found.feasible, solvable)
    np.testing.assert_array_equal(found.solved, solvable)
    if not solvable.any():
        return
    problem, found = picked(problem, solvable), jax.tree.map(lambda array: array[solvable], found)
    objective = np.array([objective for objective in expected if objective is not None])
    np.testing.assert_allclose(found.objective, objective, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.objective, worth(problem, found), rtol=1e-12, atol=1e-30)
    assert_kept(problem, found, serve_all)
    assert (found.residual <= 1e-8).all()
    bound = proven_bound(problem, found, serve_all)
    assert (bound >= found.objective * (1 - 1e-8)).all()
    np.testing.assert_allclose(bound, found.objective, rtol=1e-8, atol=1e-30)


def test_families_hold_what_can_be_served_and_what_cannot():
    """Else the verdicts above would say little."""
    for name in ("usual", "extremes", "values apart", "loads apart"):
        assert 0 < answers(name, True).feasible.sum() < family(name).data.shape[0]
    for name in ("no slack", "a little slack"):
        assert answers(name, True).feasible.all()


@pytest.mark.parametrize("serve_all", [False, True])
def test_step_by_step_as_the_reference(serve_all):
    """Where no rows depend on each other, which the reference's matrices do not survive to the last digit."""
    for name in FAMILIES.keys() - {"equal streams", "no slack"}:
        for index in (0, 7, 13):
            problem, found = (
                family(name),
                jax.tree.map(lambda array, index=index: array[index], answers(name, serve_all)),
            )
            reference = by_reference(problem, index, serve_all=serve_all)
            assert (reference.solved, reference.feasible) == (found.solved, found.feasible)
            assert reference.iterations == found.iterations
            if found.solved:
                np.testing.assert_allclose(reference.objective, found.objective, rtol=1e-8, atol=1e-30)
                alone = jax.tree.map(lambda array: array[None], reference)
                bound = proven_bound(picked(problem, [index]), alone, serve_all)
                np.testing.assert_allclose(bound, reference.objective, rtol=1e-8, atol=1e-30)
                assert_kept(picked(problem, [index]), alone, serve_all)


def test_clarabel_finds_the_same():
    problem = picked(family("usual"), slice(6))
    found = CvxpyLP(solver="CLARABEL").offload(problem, np.ones(6, dtype=bool), allow_unserved=True)
    np.testing.assert_allclose(worth(problem, found), answers("usual", False).objective[:6], atol=1e-7)


def test_rows_that_depend_on_each_other():
    """Compute and uplink of the first edge carry the same; elimination once divided by what rounding left of them."""
    size = (1, CLIENTS, TASKS)
    problem = picked(of_equal_streams(np.random.default_rng(0)), [0])._replace(
        client_edge=np.array([[0, 0, 0, 1, 1]]),
        local_open=np.ones(size, dtype=bool),
        edge_open=np.ones(size, dtype=bool),
        cloud_open=np.ones(size, dtype=bool),
        client_compute=np.ones((1, CLIENTS)),
        edge_compute=np.array([[1.0, 0.5]]),
        edge_uplink=np.array([[1.0, 4.0]]),
        cloud_uplink=np.array([3.0]),
    )
    found = solve(problem)
    assert found.solved.all()
    assert found.objective[0] == pytest.approx(9.5, rel=1e-8)


@pytest.mark.parametrize("serve_all", [False, True])
def test_nothing_to_gain_is_soon_solved(serve_all):
    """No option has a value, or nobody asks: the optimum is 0, and no gap is small beside it."""
    problem = picked(family("a little slack"), slice(4))
    names = ("local_value", "edge_value", "cloud_value")
    worthless = problem._replace(**{name: np.zeros_like(problem.data) for name in names})
    silent = worthless._replace(wanted=np.zeros_like(problem.wanted))
    for case in (worthless, silent):
        found = solve(case, serve_all=serve_all)
        assert found.solved.all()
        assert not found.objective.any()
        assert found.iterations.max() <= 30
    assert_kept(worthless, solve(worthless, serve_all=serve_all), serve_all)


def test_a_little_too_little_is_infeasible():
    problem = family("no slack")
    wanted = problem.wanted & (np.arange(BATCH) > 2)[:, None, None]
    assert solve(problem._replace(wanted=wanted), serve_all=True).feasible.all()
    closed, opened = np.zeros_like(wanted), np.ones_like(wanted)
    only = problem._replace(local_open=closed, edge_open=closed, cloud_open=opened)
    needed = np.sum(problem.data, axis=(1, 2))
    plenty = 10 * np.broadcast_to(needed[:, None], problem.edge_uplink.shape)
    for factor, possible in ((1.0, True), (1 + 1e-5, True), (1 - 1e-5, False), (0.5, False)):
        found = solve(only._replace(edge_uplink=plenty, cloud_uplink=factor * needed), serve_all=True)
        assert (found.feasible == possible).all()
        assert (found.solved == possible).all()


def test_inactive_instances_cost_nothing_and_change_nothing():
    problem, everything = family("usual"), answers("usual", False)
    active = np.arange(BATCH) % 3 == 0
    some = solve(problem, active=active)
    assert not some.iterations[~active].any()
    assert not some.solved[~active].any()
    for field, whole in zip(some, everything, strict=True):
        np.testing.assert_array_equal(field[active], whole[active])


def test_three_steps_are_too_few_and_say_so():
    found = solve(family("usual"), max_iterations=3)
    assert not found.solved.any()
    assert (found.iterations == 3).all()
    assert all(np.isfinite(field).all() for field in found)
    # Its prices and bound are valid however far from the optimum they are.
    assert (proven_bound(family("usual"), found, False) >= answers("usual", False).objective).all()


def test_single_precision_is_solved_or_says_that_it_is_not():
    half = {"f": np.float32, "i": np.int32, "b": np.bool_}

    def single(tree):
        return jax.tree.map(lambda array: np.asarray(array).astype(half[array.dtype.kind]), tree)

    for name in ("usual", "tight", "extremes", "equal streams", "demands apart"):
        count = family(name).data.shape[0]
        take = np.minimum(np.arange(BATCH), count - 1)
        problem = single(picked(family(name), take))
        groups = single(each_alone(problem.client_edge, EDGES))
        with jax.enable_x64(False):
            active, tolerance = jnp.ones(BATCH, dtype=bool), jnp.asarray(1e-4, dtype=jnp.float32)
            found = compiled(problem, groups, active, tolerance, serve_all=False, max_iterations=60)
        assert found.local.dtype == jnp.float32
        assert all(np.isfinite(share).all() for share in found[:8])
        exact = answers(name, False).objective[take]
        solved = np.asarray(found.solved)
        np.testing.assert_allclose(np.asarray(found.objective)[solved], exact[solved], rtol=1e-3, atol=1e-6)
        assert solved.mean() > 0.5
