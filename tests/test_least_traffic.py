"""Ties go to the least traffic: F as it was, every limit kept, whatever else is in the batch."""

import dataclasses

import numpy as np
import pytest
from support.methods import SMALL, draw_batch
from support.plans import worth
from support.scenarios import by_hand, stack

import j3o_jax as j3o
from j3o_jax._least_traffic import least_traffic
from j3o_jax._model import Plan

UNSUPPORTED = {"client_accuracy": [[[0.0]]], "edge_accuracy": [[[0.0]]], "cloud_accuracy": [0.0]}


def alike(**changes):
    """Two clients of one edge, one model, one task, which client, edge and cloud answer equally well."""
    fields = {
        "demand": [[5.0], [5.0]],
        "client_accuracy": [[[0.8]]],
        "edge_accuracy": [[[0.8]]],
        "cloud_accuracy": [0.8],
        "client_model_memory": [10.0],
        "edge_model_memory": [10.0],
        "client_model_compute": [4.0],
        "edge_model_compute": [4.0],
        "client_memory": [20.0, 20.0],
        "client_compute": [500.0, 500.0],
        "edge_memory": [100.0],
        "edge_compute": [500.0],
        "edge_uplink": [10.0],
        "cloud_uplink": 10.0,
        "input_size": [0.5],
    }
    return by_hand(**(fields | changes))


def to_the_cloud(scenario):
    """The plan that sends everything to the cloud and holds nothing."""
    nothing = np.zeros(scenario.demand.shape)
    return Plan(
        client_models=np.zeros((scenario.clients, scenario.models), dtype=bool),
        edge_models=np.zeros((scenario.edges, scenario.models), dtype=bool),
        client_choice=np.full(scenario.demand.shape, -1),
        edge_choice=np.full((scenario.edges, scenario.tasks), -1),
        local=nothing,
        edge=nothing,
        cloud=nothing + 1.0,
        unserved=nothing,
    )


def after(scenario, plan=None):
    """The plan of one scenario after it was gone over."""
    batch = Plan(*(field[None] for field in plan or to_the_cloud(scenario)))
    return Plan(*(field[0] for field in least_traffic(stack([scenario]), batch)))


def traffic(scenario, plan):
    data = scenario.demand * scenario.input_size
    return float((data * (plan.edge + 2.0 * plan.cloud)).sum())


@pytest.mark.parametrize(
    ("changes", "local", "edge", "cloud"),
    [
        ({}, [1, 1], [0, 0], [0, 0]),
        # The clients' compute does a half of the first and a quarter of the second; the edge's the rest.
        ({"client_compute": [10.0, 5.0]}, [0.5, 0.25], [0.5, 0.75], [0, 0]),
        ({"client_compute": [10.0, 5.0], "edge_compute": [12.5]}, [0.5, 0.25], [0.25, 0.375], [0.25, 0.375]),
        # A client or an edge that cannot hold the model.
        ({"client_memory": [5.0, 20.0]}, [0, 1], [1, 0], [0, 0]),
        ({"client_memory": [5.0, 20.0], "edge_memory": [5.0]}, [0, 1], [0, 0], [1, 0]),
        # A query, or the model, takes more of one client than of the other; at the edge likewise.
        ({"client_model_compute": [[4.0], [200.0]]}, [1, 0.5], [0, 0.5], [0, 0]),
        ({"client_model_memory": [[10.0], [30.0]], "edge_model_compute": [[200.0]]}, [1, 0], [0, 0.5], [0, 0.5]),
        ({"client_model_memory": [[30.0], [10.0]], "edge_model_memory": [[200.0]]}, [0, 1], [0, 0], [1, 0]),
        # Better is better, and what is worse is no tie.
        ({"cloud_accuracy": [0.9]}, [0, 0], [0, 0], [1, 1]),
        ({"client_accuracy": [[[0.7]]]}, [0, 0], [1, 1], [0, 0]),
        ({"edge_accuracy": [[[0.7]]], "client_compute": [10.0, 0.0]}, [0.5, 0], [0, 0], [0.5, 1]),
        # Capacities without limit, work that costs nothing, streams that nobody asks for.
        ({"client_compute": [np.inf, np.inf], "client_memory": [np.inf, np.inf]}, [1, 1], [0, 0], [0, 0]),
        ({"client_model_compute": [0.0], "client_compute": [0.0, 0.0]}, [1, 1], [0, 0], [0, 0]),
        ({"demand": [[5.0], [0.0]]}, [1, 0], [0, 0], [0, 1]),
        # What supports nothing answers nothing.
        (UNSUPPORTED, [0, 0], [0, 0], [1, 1]),
        # With batching an edge pays the set-up time first: here 0.1 of 0.2 s, so that half of its compute is left.
        (
            {"client_memory": [0.0, 0.0], "edge_compute": [40.0], "batching": j3o.Batching([0.2], [[0.1]])},
            [0, 0],
            [0.5, 0.5],
            [0.5, 0.5],
        ),
        ({"client_memory": [0.0, 0.0], "batching": j3o.Batching([0.2], [[0.3]])}, [0, 0], [0, 0], [1, 1]),
    ],
    ids=str,
)
def test_queries_are_answered_as_near_as_equal_accuracy_allows(changes, local, edge, cloud):
    scenario = alike(**changes)
    plan = after(scenario)
    for tier, wanted in (("local", local), ("edge", edge), ("cloud", cloud)):
        np.testing.assert_allclose(getattr(plan, tier)[:, 0], wanted, atol=1e-9, err_msg=tier)
    solution = j3o.Solution(
        **plan._asdict(),
        objective=np.float64(worth(scenario, plan) if scenario.cloud_accuracy[0] > 0 else 0.0),
        bound=np.float64(np.nan),
        status=np.int64(j3o.Status.converged),
        history=np.zeros(0),
        stats={},
    )
    # What nobody supports was never served, wherever a plan sends it, and stays where it is.
    assert j3o.check(scenario, solution, tol=1e-9).ok == (scenario.cloud_accuracy[0] > 0)
    assert (plan.client_models[:, 0] == (np.asarray(local) > 0)).all()
    assert plan.edge_models[0, 0] == (np.max(edge) > 0)


def test_plans_without_ties_are_returned_as_they_are():
    scenario = stack([alike(cloud_accuracy=[0.9])] * 2)
    plans = Plan(*(np.stack([field] * 2) for field in to_the_cloud(alike())))
    assert least_traffic(scenario, plans) is plans


def tied(seed, count=12):
    """Random scenarios in which clients, edges and the cloud often answer a task equally well."""
    batch = draw_batch(count, seed)
    rng = np.random.default_rng(seed)
    levels = np.array([0.6, 0.8])
    edge = np.where(batch.edge_accuracy > 0, rng.choice(levels, batch.edge_accuracy.shape), 0.0)
    client = np.where(rng.random(edge.shape) < 0.7, edge, 0.75 * edge)
    return dataclasses.replace(
        batch,
        edge_accuracy=edge,
        client_accuracy=client,
        cloud_accuracy=rng.choice(levels, batch.cloud_accuracy.shape),
        client_compute=3.0 * batch.client_compute,
    )


@pytest.mark.parametrize("method", [j3o.J3O(), j3o.ExactMILP(gap=1e-6)], ids=["j3o", "exact"])
def test_objectives_stay_and_limits_hold(monkeypatch, method):
    batch = tied(3)
    found = j3o.solve(batch, method)
    assert j3o.check(batch, found).ok.all()
    monkeypatch.setattr("j3o_jax._solve.least_traffic", lambda _, plans: plans)
    before = j3o.solve(batch, method)
    np.testing.assert_allclose(found.objective, before.objective, rtol=1e-12)
    pairs = [(batch[i], found[i], before[i]) for i in range(12)]
    less = [traffic(scenario, new) - traffic(scenario, old) for scenario, new, old in pairs]
    assert max(less) <= 1e-9
    assert min(less) < -1.0


def test_an_instance_does_not_depend_on_the_batch():
    batch = tied(4)
    plans = [j3o.solve(batch[i], j3o.ExactMILP(gap=1e-3)) for i in range(12)]
    given = stack(plans)
    together = least_traffic(batch, Plan(*(getattr(given, name) for name in Plan._fields)))
    for i in range(12):
        alone = after(batch[i], Plan(*(getattr(plans[i], name) for name in Plan._fields)))
        for name, field in alone._asdict().items():
            np.testing.assert_array_equal(getattr(together, name)[i], field, err_msg=name)
    assert SMALL["clients"] == batch.clients
