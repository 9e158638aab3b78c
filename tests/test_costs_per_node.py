"""Costs and sizes of each node's own: against exact answers, and as those of models where nodes are alike."""

import dataclasses

import numpy as np
import pytest
from support.methods import METHODS, PER_NODE, draw_batch
from support.oracle import brute_force
from support.scenarios import COSTS, at_nodes, random_scenario, stack, with_own_costs

import j3o_jax as j3o
from j3o_jax import Scenario
from j3o_jax.simulation._workload import with_window, workload_of

# As in the tests of each: the programs are the same.
SHORT = j3o.PriceDirected(max_iterations=40, patience=20, gap=0.0, chunk=8)
EXACT = j3o.ExactMILP(gap=1e-6)
ALL = METHODS | {"price-directed": SHORT, "bilinear": j3o.BilinearMINLP(gap=1e-6)}
SUCCESS = [status for status in j3o.Status if status.success]
TINY = {"clients": 3, "edges": 2, "tasks": 2, "models": 3}


def repeated(batch: Scenario, names=COSTS) -> Scenario:
    """The batch with the costs of models at each of the nodes."""
    return stack([dataclasses.replace(one, **{name: at_nodes(one, name) for name in names}) for one in batch])


@pytest.mark.parametrize("variant", [one | {"per_node": False} for one in PER_NODE], ids=str)
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("tightness", [0.4, 1.5])
def test_alike_at_all_nodes_they_are_those_of_models(name, variant, tightness):
    small = TINY if name == "bilinear" else {}
    batch = draw_batch(3 if "clarabel" in name else 6, tightness=tightness, **variant, **small)
    expected, found = j3o.solve(batch, ALL[name]), j3o.solve(repeated(batch), ALL[name])
    for field in ("client_models", "edge_models", "client_choice", "edge_choice", "status"):
        np.testing.assert_array_equal(getattr(found, field), getattr(expected, field))
    np.testing.assert_allclose(found.objective, expected.objective, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.bound, expected.bound, rtol=0, atol=1e-9)
    own, of_models = (j3o.check(given, found) for given in (repeated(batch), batch))
    np.testing.assert_array_equal(own.ok, of_models.ok)
    np.testing.assert_array_equal(own.objective, of_models.objective)


@pytest.mark.parametrize("variant", PER_NODE, ids=str)
def test_all_methods_agree_with_brute_force(variant):
    scenarios = [
        random_scenario(np.random.default_rng(seed), **TINY, **variant, tightness=(0.3, 1.0, 3.0)[seed % 3])
        for seed in range(100)
    ]
    batch = stack(scenarios)
    best = [brute_force(scenario) for scenario in scenarios]
    optimum = np.array([np.nan if plan is None else plan.objective for plan in best])
    known = np.isfinite(optimum)
    exact = j3o.solve(batch, EXACT)
    np.testing.assert_array_equal(exact.status == j3o.Status.optimal, known)
    np.testing.assert_allclose(exact.objective[known], optimum[known], atol=1e-6)
    plans = {name: j3o.solve(batch, method) for name, method in (("prices", SHORT), ("j3o", j3o.J3O()))}
    plans |= {"exact": exact, "certified": j3o.certify(batch, plans["j3o"])}
    for method in (j3o.FullLocal(), j3o.GreedyAO(), j3o.RandAO(), j3o.OptAO(enumeration_limit=0)):
        plans[type(method).__name__] = j3o.solve(batch[:20], method)
    for name, found in plans.items():
        some = batch[: found.status.size]
        success = np.isin(found.status, SUCCESS)
        np.testing.assert_array_equal(j3o.check(some, found).ok, success)
        here = optimum[: found.status.size]
        assert not (success & np.isnan(here)).any(), name
        assert (found.objective[success] <= here[success] + 1e-6).all(), name
        proven = success & np.isfinite(found.bound)
        assert (found.bound[proven] >= here[proven] * (1.0 - 1e-9) - 1e-12).all(), name
        assert (found.bound[proven] >= found.objective[proven] * (1.0 - 1e-6)).all(), name
    for name in ("prices", "certified"):
        np.testing.assert_array_equal(j3o.verify(batch, plans[name]).ok, np.isin(plans[name].status, SUCCESS))
        np.testing.assert_array_equal(j3o.verify(batch, plans[name]).proven, np.isin(plans[name].status, SUCCESS))
    near = np.isin(plans["prices"].status, SUCCESS)
    assert near.sum() >= 0.9 * known.sum()
    assert (optimum - plans["prices"].objective)[near].mean() <= 0.01 * optimum[near].mean()


def test_each_field_may_be_of_nodes_while_the_others_are_of_models():
    names = ("client_model_compute", "edge_model_memory")
    batch = draw_batch(6, tightness=0.4)
    own = stack([with_own_costs(np.random.default_rng(seed), one, names) for seed, one in enumerate(batch)])
    whole = repeated(own, set(COSTS) - set(names))
    for method in (j3o.J3O(), SHORT, EXACT):
        some, all_of_them = j3o.solve(own, method), j3o.solve(whole, method)
        np.testing.assert_allclose(some.objective, all_of_them.objective, rtol=0, atol=1e-9)
        np.testing.assert_allclose(some.bound, all_of_them.bound, rtol=0, atol=1e-9)
        j3o.check(own, some).raise_if_violated()


def test_a_dear_device_is_given_what_it_can_bear():
    """Two clients, of whom one needs ten times the time for the accurate model, and half of the memory for it."""
    scenario = Scenario(
        demand=[[10.0], [10.0]],
        client_edge=[0, 0],
        client_accuracy=[[[0.9], [0.6]]],
        edge_accuracy=[[[0.0], [0.0]]],
        cloud_accuracy=[0.0],
        client_model_memory=[[20.0, 5.0], [10.0, 5.0]],
        edge_model_memory=[[1.0, 1.0]],
        client_model_compute=[[0.1, 0.1], [1.0, 0.1]],
        edge_model_compute=[[1.0, 1.0]],
        client_memory=[10.0, 10.0],
        # Seconds per query: a device has one of them in a second.
        client_compute=[1.0, 1.0],
        edge_memory=[0.0],
        edge_compute=[0.0],
        edge_uplink=[0.0],
        cloud_uplink=0.0,
        input_size=[1.0],
    )
    for method in (EXACT, j3o.FullLocal(), j3o.BilinearMINLP(), j3o.J3O(), SHORT, j3o.OptAO()):
        plan = j3o.solve(scenario, method)
        np.testing.assert_array_equal(plan.client_choice, [[1], [1]])
        assert plan.objective == pytest.approx(0.6, abs=1e-7)
    # With memory for both, the first takes the accurate model, and the second still has no time for it.
    larger = dataclasses.replace(scenario, client_memory=[20.0, 20.0])
    for method in (EXACT, j3o.FullLocal(), j3o.J3O(), SHORT):
        plan = j3o.solve(larger, method)
        np.testing.assert_array_equal(plan.client_choice, [[0], [1]])
        assert plan.objective == pytest.approx(0.75, abs=1e-7)
        assert j3o.verify(larger, plan).feasible


def test_a_simulated_query_takes_the_time_of_its_node():
    scenario = random_scenario(np.random.default_rng(3), **TINY, per_node=True)
    plan = j3o.solve(scenario, EXACT)
    found = workload_of(with_window(scenario, 0.2), plan)
    for seconds, choice, cost, compute in (
        (found.client_seconds, plan.client_choice, scenario.client_model_compute, scenario.client_compute),
        (found.edge_seconds, plan.edge_choice, scenario.edge_model_compute, scenario.edge_compute),
    ):
        for node, task in np.argwhere(choice >= 0):
            assert seconds[node, task] == pytest.approx(cost[node, choice[node, task]] / compute[node])
        assert (choice >= 0).any()
        assert not seconds[choice < 0].any()
    simulated = j3o.simulate(scenario, plan, window=0.2, duration=2.0, replications=2, seed=0)
    assert (simulated.accuracy > 0.0).all()


def test_shapes_that_fit_neither_form_are_named():
    scenario = random_scenario(np.random.default_rng(0), **TINY, per_node=True)
    for wrong in (np.ones((2, 3)), np.ones((3, 4)), np.ones((1, 3, 3))):
        with pytest.raises(ValueError, match=r"^client_model_memory: has shape .*, wants \[models\] = \[3\] or \[cl"):
            dataclasses.replace(scenario, client_model_memory=wrong)
    with pytest.raises(ValueError, match=r"^edge_model_compute\[1, 2\] = -1.0: must be a finite cost"):
        dataclasses.replace(scenario, edge_model_compute=[[1, 1, 1], [1, 1, -1]])
    batch = stack([scenario] * 3)
    assert batch.batch_shape == (3,)
    assert batch[1].client_model_memory.shape == (3, 3)
    # As many instances as clients: without an axis of nodes they are of the instances.
    plain = dataclasses.replace(batch, client_model_memory=np.ones((3, 3)))
    assert plain[0].client_model_memory.shape == (3,)


def test_a_benchmark_takes_them_with_and_without_the_batch():
    benchmark, rng = j3o.benchmarks.heterogeneous(clients=4, edges=2, tasks=2, models=3), np.random.default_rng(0)
    of_clients, of_batch = rng.uniform(1.0, 2.0, (4, 3)), rng.uniform(1.0, 2.0, (5, 2, 3))
    batch = benchmark.sample(0, n=5, client_model_compute=of_clients, edge_model_compute=of_batch)
    np.testing.assert_array_equal(batch.client_model_compute, np.broadcast_to(of_clients, (5, 4, 3)))
    np.testing.assert_array_equal(batch.edge_model_compute, of_batch)
    assert benchmark.sample(0, client_model_compute=of_clients).client_model_compute.shape == (4, 3)
