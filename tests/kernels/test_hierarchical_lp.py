"""The batched interior point method: as its reference step by step, as exact as simplex, the same in every batch."""

import dataclasses
import functools
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
from support.interior_point import interior_point
from support.methods import QUICKLY
from support.scenarios import EXTREMES, random_scenario, stack

from j3o_jax import CvxpyLP, HierarchicalLP
from j3o_jax._highs import MILP, solve_milp
from j3o_jax.routing import offloading_problem
from j3o_kernels.client_groups import group_clients, lone_clients
from j3o_kernels.hierarchical_lp import hierarchical_lp
from j3o_kernels.offloading import OffloadingProblem

# Every program of this file has one of two shapes and is solved in batches of one size: compiling takes seconds, and
# half of them without optimisation, which programs as small as these do not need.
BATCH = 32
CLIENTS, EDGES, TASKS, MODELS = 5, 2, 3, 4


@functools.partial(jax.jit, static_argnames=("serve_all", "max_iterations"), compiler_options=QUICKLY)
def compiled(problem, groups, active, tolerance, *, serve_all, max_iterations):
    return hierarchical_lp(
        problem, groups, tolerance=tolerance, max_iterations=max_iterations, serve_all=serve_all, active=active
    )


@functools.partial(jax.jit, static_argnames="serve_all", compiler_options=QUICKLY)
def compiled_reference(problem, *, serve_all):
    return interior_point(problem, serve_all=serve_all)


@jax.jit
def compiled_problems(scenarios, client_choice, edge_choice):
    return jax.vmap(offloading_problem)(scenarios, client_choice, edge_choice)


def each_alone(client_edge, edges):
    with jax.enable_x64(True):
        return lone_clients(jnp.asarray(client_edge))


def solve(problem, *, serve_all=False, grouping=each_alone, active=None, tolerance=1e-9, max_iterations=60):
    """Any number of programs, in batches of `BATCH`; the last one is filled up with its last instance."""
    count = problem.data.shape[0]
    active = np.ones(count, dtype=bool) if active is None else active
    groups = grouping(problem.client_edge, problem.edge_uplink.shape[1])
    parts = []
    for start in range(0, count, BATCH):
        take = np.minimum(np.arange(start, start + BATCH), count - 1)
        own = jax.tree.map(lambda array, take=take: np.asarray(array)[take], (problem, groups, active))
        with jax.enable_x64(True):
            found = compiled(*own, tolerance, serve_all=serve_all, max_iterations=max_iterations)
            parts.append(jax.tree.map(np.asarray, found))
    return jax.tree.map(lambda *arrays: np.concatenate(arrays)[:count], *parts)


def one(problem, index):
    return OffloadingProblem(*(np.asarray(field[index]) for field in problem))


def by_reference(problem, index, *, serve_all):
    with jax.enable_x64(True):
        instance = jax.tree.map(jnp.asarray, one(problem, index))
        return jax.tree.map(np.asarray, compiled_reference(instance, serve_all=serve_all))


def picked(problem, which):
    return OffloadingProblem(*(field[which] for field in problem))


def problems(scenarios, choices):
    client_choice, edge_choice = (np.stack(own) for own in zip(*choices, strict=True))
    with jax.enable_x64(True):
        built = compiled_problems(stack(scenarios), client_choice, edge_choice)
        return OffloadingProblem(*map(np.asarray, built))


def draw(rng, none=0.2, **keywords):
    sizes = {"clients": CLIENTS, "edges": EDGES, "tasks": TASKS, "models": MODELS}
    scenario = random_scenario(rng, **sizes, **keywords)
    choices = [rng.integers(MODELS, size=(nodes, TASKS)) for nodes in (CLIENTS, EDGES)]
    return scenario, [np.where(rng.random(choice.shape) < none, -1, choice) for choice in choices]


def random_programs(rng, count=BATCH, **keywords):
    drawn = [draw(rng, **keywords) for _ in range(count)]
    return problems(*zip(*drawn, strict=True))


def extreme_programs(rng):
    changed = []
    for change in EXTREMES.values():
        scenario, choices = draw(rng)
        changed.append((dataclasses.replace(scenario, **change(scenario)), choices))
    return problems(*zip(*changed, strict=True))


def spread_out(rng, orders, shape):
    return 10.0 ** rng.uniform(-orders, 0.0, shape)


def of_equal_values(rng):
    """Degenerate: whatever serves a stream, and whichever it is, counts the same."""
    problem = random_programs(rng)
    value = problem.wanted.astype(float)
    return problem._replace(local_value=value, edge_value=value, cloud_value=value)


def of_equal_streams(rng):
    """Degenerate in every way: rows depend on each other, and capacities are used up together."""
    problem = of_equal_values(rng)
    load = np.ones(problem.data.shape)
    return problem._replace(
        local_load=load,
        edge_load=load,
        data=load,
        client_compute=rng.choice([0.5, 1.0, 2.0], problem.client_compute.shape),
        edge_compute=rng.choice([0.5, 1.0, 3.0], problem.edge_compute.shape),
        edge_uplink=rng.choice([1.0, 2.0, 4.0], problem.edge_uplink.shape),
        cloud_uplink=rng.choice([1.0, 2.0, 3.0], problem.cloud_uplink.shape),
    )


def of_apart_loads(rng):
    problem = random_programs(rng)
    loads = {name: spread_out(rng, 12, problem.data.shape) for name in ("local_load", "edge_load", "data")}
    names = ("client_compute", "edge_compute", "edge_uplink", "cloud_uplink")
    return problem._replace(**loads, **{name: spread_out(rng, 4, getattr(problem, name).shape) for name in names})


def of_apart_values(rng):
    problem = random_programs(rng)
    names = ("local_value", "edge_value", "cloud_value")
    return problem._replace(**{name: spread_out(rng, 12, problem.data.shape) for name in names})


def of_apart_demands(rng):
    problem = random_programs(rng)
    factor = spread_out(rng, 12, problem.data.shape) * (rng.random(problem.data.shape) < 0.8)
    names = ("local_value", "edge_value", "cloud_value", "local_load", "edge_load", "data")
    scaled = {name: getattr(problem, name) * factor for name in names}
    return problem._replace(**scaled, wanted=factor > 0.0)


def without_capacities(rng):
    problem = random_programs(rng)
    names = ("client_compute", "edge_compute", "edge_uplink", "cloud_uplink")
    present = {name: rng.random(getattr(problem, name).shape) < 0.7 for name in names}
    return problem._replace(**{name: np.where(there, getattr(problem, name), 0.0) for name, there in present.items()})


def without_slack(rng, factor=1.0):
    """Capacities of just what some plan that serves everything needs; in half of the plans each stream has one way."""
    problem = random_programs(rng)
    shape = problem.data.shape
    is_open = np.stack([problem.local_open, problem.edge_open, problem.cloud_open], axis=-1)
    mixed, single = rng.dirichlet(np.ones(3), shape), np.eye(3)[rng.integers(3, size=shape)]
    share = np.where(rng.random((BATCH, 1, 1, 1)) < 0.5, mixed, single) * is_open
    share = np.where(share.sum(axis=-1, keepdims=True) > 0.1, share, np.eye(3)[2])
    local, edge, cloud = np.moveaxis(share / share.sum(axis=-1, keepdims=True), -1, 0)
    used = usage(problem, local, edge, cloud)
    names = ("client_compute", "edge_compute", "edge_uplink", "cloud_uplink")
    return problem._replace(**{name: factor * own for name, own in zip(names, used, strict=True)})


FAMILIES = {
    "loose": functools.partial(random_programs, tightness=0.3),
    "usual": random_programs,
    "tight": functools.partial(random_programs, tightness=3.0),
    "few models": functools.partial(random_programs, none=0.75),
    "extremes": extreme_programs,
    "equal values": of_equal_values,
    "equal streams": of_equal_streams,
    "loads apart": of_apart_loads,
    "values apart": of_apart_values,
    "demands apart": of_apart_demands,
    "no capacities": without_capacities,
    "no slack": without_slack,
    "a little slack": functools.partial(without_slack, factor=1.01),
}


@functools.cache
def family(name):
    return FAMILIES[name](np.random.default_rng(zlib.crc32(name.encode())))


@functools.cache
def answers(name, serve_all):
    return solve(family(name), serve_all=serve_all)


def at_edges(problem, clients):
    """Sums over the clients of each edge. ``[B, E]``"""
    home = problem.client_edge[:, None, :] == np.arange(problem.edge_uplink.shape[1])[None, :, None]
    return np.einsum("bec,bc->be", home, clients)


def usage(problem, local, edge, cloud):
    return (
        np.sum(local * problem.local_load, axis=2),
        at_edges(problem, np.sum(edge * problem.edge_load, axis=2)),
        at_edges(problem, np.sum((edge + cloud) * problem.data, axis=2)),
        np.sum(cloud * problem.data, axis=(1, 2)),
    )


def worth(problem, found):
    local, edge, cloud = found.local, found.edge, found.cloud
    return np.sum(local * problem.local_value + edge * problem.edge_value + cloud * problem.cloud_value, axis=(1, 2))


def assert_kept(problem, found, serve_all):
    """Every limit is kept to 1e-8 of the capacity, nothing needs what is not there, and all is served that must be."""
    local, edge, cloud = found.local, found.edge, found.cloud
    for used, capacity in zip(usage(problem, local, edge, cloud), problem[-4:], strict=True):
        assert (used <= capacity * (1 + 1e-8)).all()
    assert min(share.min() for share in (local, edge, cloud)) >= 0.0
    assert not local[~(problem.local_open & problem.wanted)].any()
    assert not edge[~(problem.edge_open & problem.wanted)].any()
    assert not cloud[~(problem.cloud_open & problem.wanted)].any()
    served = np.where(problem.wanted, local + edge + cloud, 1.0)
    assert (served <= 1 + 1e-8).all()
    if serve_all:
        assert (served >= 1 - 1e-8).all()


def proven_bound(problem, found, serve_all):
    """What nothing can exceed, by weak duality, if these are prices: capacities at them, and the streams' surplus."""
    row, home = np.arange(problem.data.shape[0])[:, None], problem.client_edge
    prices = (found.client_price, found.edge_price, found.edge_uplink_price, found.cloud_uplink_price)
    assert min(price.min() for price in prices) >= 0.0

    def carries(load, capacity):
        return (capacity > 0.0) | (load <= 0.0)

    uplink = found.edge_uplink_price[row, home][:, :, None] * problem.data
    linked = carries(problem.data, problem.edge_uplink[row, home][:, :, None])
    local = problem.local_open & carries(problem.local_load, problem.client_compute[:, :, None])
    edge = problem.edge_open & linked & carries(problem.edge_load, problem.edge_compute[row, home][:, :, None])
    cloud = problem.cloud_open & linked & carries(problem.data, problem.cloud_uplink[:, None, None])
    least = -np.inf if serve_all else 0.0
    surplus = np.maximum.reduce(
        [
            np.where(local, problem.local_value - found.client_price[:, :, None] * problem.local_load, least),
            np.where(
                edge, problem.edge_value - found.edge_price[row, home][:, :, None] * problem.edge_load - uplink, least
            ),
            np.where(
                cloud, problem.cloud_value - uplink - found.cloud_uplink_price[:, None, None] * problem.data, least
            ),
            np.full(uplink.shape, least),
        ]
    )
    paid = sum(np.sum(p * c, axis=1) for p, c in zip(prices[:3], problem[-4:-1], strict=True))
    total = np.sum(np.where(problem.wanted, surplus, 0.0), axis=(1, 2))
    return paid + found.cloud_uplink_price * problem.cloud_uplink + total


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
