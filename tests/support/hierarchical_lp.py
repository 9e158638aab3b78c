"""Offloading programs of every kind for tests of the batched interior point method, and what their answers must be."""

import dataclasses
import functools
import zlib

import jax
import jax.numpy as jnp
import numpy as np

from j3o_jax.routing import offloading_problem
from j3o_kernels.client_groups import lone_clients
from j3o_kernels.hierarchical_lp import hierarchical_lp
from j3o_kernels.offloading import OffloadingProblem

from .interior_point import interior_point
from .methods import QUICKLY
from .scenarios import EXTREMES, random_scenario, stack

# Every program has one of two shapes and is solved in batches of one size: compiling takes seconds, and
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


@functools.partial(jax.jit, compiler_options=QUICKLY)
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
