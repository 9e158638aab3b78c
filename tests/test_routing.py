"""The offloading stage: the optimum that another program finds, prices that prove it, shares within the limits."""

import functools

import jax
import numpy as np
import pytest
from support.methods import QUICKLY
from support.oracle import lp_optimum
from support.scenarios import random_scenario

from j3o_jax import CvxpyLP, HierarchicalLP
from j3o_jax._precision import double_precision
from j3o_jax.routing import Offloading, OffloadingProblem, offloading_problem, settle_shares

SOLVERS = {
    "highs interior point": CvxpyLP(),
    "highs simplex": CvxpyLP(options={"highs_options": {"solver": "simplex"}}),
    "clarabel": CvxpyLP(solver="CLARABEL"),
    "hierarchical": HierarchicalLP(),
}
# How far from the optimum an objective may be.
WITHIN = dict.fromkeys(SOLVERS, 2e-7) | {"hierarchical": 1e-8}


def draw(seed, **keywords):
    """A random scenario and random choices of models, some of them none."""
    rng = np.random.default_rng(seed)
    scenario = random_scenario(rng, clients=5, edges=2, tasks=3, models=4, **keywords)
    client_choice = rng.integers(-1, 4, (5, 3))
    edge_choice = rng.integers(-1, 4, (2, 3))
    return scenario, client_choice, edge_choice


def problems_of(cases):
    with double_precision():
        build = jax.jit(offloading_problem, compiler_options=QUICKLY)
        built = [build(*case) for case in cases]
        return OffloadingProblem(*(np.stack(fields) for fields in zip(*built, strict=True)))


def settle(problem, offloading, allow_unserved):
    with double_precision():
        one = functools.partial(settle_shares, allow_unserved=allow_unserved)
        settled = jax.jit(jax.vmap(one), compiler_options=QUICKLY)(problem, offloading)
        return [np.asarray(share) for share in settled]


def worth(problem, local, edge, cloud):
    return np.sum(local * problem.local_value + edge * problem.edge_value + cloud * problem.cloud_value, axis=(1, 2))


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("tightness", [0.3, 1.0, 3.0])
def test_shares_are_the_optimum_that_another_program_finds(name, tightness):
    cases = [draw(seed, tightness=tightness) for seed in range(8)]
    problem = problems_of(cases)
    found = SOLVERS[name].offload(problem, np.ones(8, dtype=bool), allow_unserved=True)
    assert found.solved.all()
    local, edge, cloud, unserved = settle(problem, found, True)
    np.testing.assert_allclose(local + edge + cloud + unserved, 1.0, atol=1e-12)
    expected = [lp_optimum(*case).objective for case in cases]
    np.testing.assert_allclose(worth(problem, local, edge, cloud), expected, atol=WITHIN[name])


@pytest.mark.parametrize("name", SOLVERS)
def test_prices_prove_the_optimum(name):
    """Weak duality: capacities at their prices plus each stream's best surplus bound the optimum; here they meet it."""
    cases = [draw(seed) for seed in range(8)]
    problem = problems_of(cases)
    found = SOLVERS[name].offload(problem, np.ones(8, dtype=bool), allow_unserved=True)
    row = np.arange(8)[:, None]
    home = problem.client_edge
    uplink = found.edge_uplink_price[row, home][:, :, None] * problem.data
    surplus = np.maximum.reduce(
        [
            np.zeros_like(problem.data),
            np.where(problem.local_open, problem.local_value - found.client_price[:, :, None] * problem.local_load, 0),
            np.where(
                problem.edge_open,
                problem.edge_value - found.edge_price[row, home][:, :, None] * problem.edge_load - uplink,
                0,
            ),
            problem.cloud_value - uplink - found.cloud_uplink_price[:, None, None] * problem.data,
        ]
    )
    bound = (
        np.sum(found.client_price * problem.client_compute, axis=1)
        + np.sum(found.edge_price * problem.edge_compute + found.edge_uplink_price * problem.edge_uplink, axis=1)
        + found.cloud_uplink_price * problem.cloud_uplink
        + np.sum(surplus, axis=(1, 2))
    )
    np.testing.assert_allclose(bound, worth(problem, found.local, found.edge, found.cloud), atol=WITHIN[name])


@pytest.mark.parametrize(("name", "within"), [("highs interior point", 2e-6), ("hierarchical", 1e-8)])
def test_all_served_or_known_to_be_impossible(name, within):
    cases = [draw(seed, allow_unserved=False, tightness=0.8) for seed in range(24)]
    problem = problems_of(cases)
    found = SOLVERS[name].offload(problem, np.ones(24, dtype=bool), allow_unserved=False)
    expected = [lp_optimum(*case) for case in cases]
    np.testing.assert_array_equal(found.solved, [plan is not None for plan in expected])
    np.testing.assert_array_equal(found.feasible, found.solved)
    assert found.solved.any()
    assert not found.solved.all()
    local, edge, cloud, unserved = settle(problem, found, False)
    assert (unserved[found.solved] <= 1e-12).all()
    value = worth(problem, local, edge, cloud)
    for index in np.flatnonzero(found.solved):
        assert value[index] == pytest.approx(expected[index].objective, abs=within)


@pytest.mark.parametrize("name", ["highs interior point", "hierarchical"])
def test_instances_that_are_not_active_cost_nothing_and_do_not_change_the_others(name):
    problem = problems_of([draw(seed) for seed in range(4)])
    active = np.array([True, False, False, True])
    some = SOLVERS[name].offload(problem, active, allow_unserved=True)
    everything = SOLVERS[name].offload(problem, np.ones(4, dtype=bool), allow_unserved=True)
    np.testing.assert_array_equal(some.solved, active)
    np.testing.assert_array_equal(some.local[active], everything.local[active])
    for field in some._replace(feasible=np.zeros(4, dtype=bool)):
        assert not field[~active].any()


@pytest.mark.parametrize("seed", range(5))
def test_settled_shares_keep_every_limit_whatever_comes_in(seed):
    rng = np.random.default_rng(seed)
    problem = problems_of([draw(seed, tightness=2.0)])
    wild = Offloading(*(rng.uniform(-0.3, 1.3, problem.data.shape) for _ in range(3)), *(np.zeros(1) for _ in range(6)))
    local, edge, cloud, unserved = settle(problem, wild, True)
    for share in (local, edge, cloud, unserved):
        assert ((share >= 0) & (share <= 1 + 1e-12)).all()
    assert not local[~problem.local_open].any()
    assert not edge[~problem.edge_open].any()
    assert (np.sum(local * problem.local_load, axis=2) <= problem.client_compute * (1 + 1e-12)).all()
    assert np.sum(cloud * problem.data) <= problem.cloud_uplink * (1 + 1e-12)
    for one in range(2):
        mine = problem.client_edge[0] == one
        assert np.sum((edge * problem.edge_load)[0, mine]) <= problem.edge_compute[0, one] * (1 + 1e-12)
        assert np.sum(((edge + cloud) * problem.data)[0, mine]) <= problem.edge_uplink[0, one] * (1 + 1e-12)


@pytest.mark.parametrize("name", ["highs interior point", "hierarchical"])
def test_streams_twelve_orders_of_magnitude_apart_survive(name):
    scenario, client_choice, edge_choice = draw(1)
    demand = scenario.demand.copy()
    demand[0] *= 1e-12
    demand[1] = 0.0
    fields = {name: getattr(scenario, name) for name in scenario.arrays()} | {"demand": demand}
    small = type(scenario)(**fields)
    problem = problems_of([(small, client_choice, edge_choice)])
    found = SOLVERS[name].offload(problem, np.ones(1, dtype=bool), allow_unserved=True)
    assert found.solved.all()
    value = worth(problem, *settle(problem, found, True)[:3])
    assert value[0] == pytest.approx(lp_optimum(small, client_choice, edge_choice).objective, abs=WITHIN[name])


def test_a_solver_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"'NOSUCH' is not installed; there are .*HIGHS"):
        CvxpyLP(solver="NOSUCH").offload(problems_of([draw(0)]), np.ones(1, dtype=bool), allow_unserved=True)


@pytest.mark.parametrize(("name", "within"), [("highs interior point", 0.0), ("hierarchical", 1e-7)])
def test_batch_of_different_maps_of_clients_to_edges(name, within):
    """Tables of clients by edge have other sizes in other batches, and sums other last digits."""
    cases = [draw(seed) for seed in range(4)]
    assert len({case[0].client_edge.tobytes() for case in cases}) > 1
    problem = problems_of(cases)
    found = SOLVERS[name].offload(problem, np.ones(4, dtype=bool), allow_unserved=True)
    for index, case in enumerate(cases):
        alone = SOLVERS[name].offload(problems_of([case]), np.ones(1, dtype=bool), allow_unserved=True)
        np.testing.assert_allclose(found.local[index], alone.local[0], rtol=0.0, atol=within)
