"""What must not change a plan's value, and what must never lower the optimum."""

import dataclasses

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.methods import SMALL
from support.oracle import brute_force
from support.scenarios import arguments, random_scenario, stack

import j3o_jax as j3o

METHODS = {"j3o": j3o.J3O(), "full-local": j3o.FullLocal()}
CLIENT_AXIS = {"demand": 0, "client_edge": 0, "client_memory": 0, "client_compute": 0}
TASK_AXIS = {"demand": 1, "client_accuracy": 2, "edge_accuracy": 2, "cloud_accuracy": 0, "input_size": 0}
MODEL_AXIS = {
    "client_accuracy": 1,
    "edge_accuracy": 1,
    "client_model_memory": 0,
    "edge_model_memory": 0,
    "client_model_compute": 0,
    "edge_model_compute": 0,
}
# The interior point method of the offloading step ends at a gap of about 1e-8.
SAME = 1e-6


def draw(seed, **keywords):
    return random_scenario(np.random.default_rng(seed), **(SMALL | keywords))


def solved(method, *scenarios):
    """Their plans, found in one batch with a scenario whose clients are all at one edge.

    The table of clients by edge then has its largest size whatever the scenarios are: one program for all of them.
    """
    crowded = dataclasses.replace(scenarios[0], client_edge=np.zeros_like(scenarios[0].client_edge))
    return j3o.solve(stack([*scenarios, crowded]), method)[:-1]


def permuted(scenario, axes, order):
    return dataclasses.replace(
        scenario, **{name: np.take(getattr(scenario, name), order, axis=axis) for name, axis in axes.items()}
    )


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(("axes", "size"), [(CLIENT_AXIS, 6), (TASK_AXIS, 3), (MODEL_AXIS, 5)])
@given(seed=st.integers(0, 10**6), data=st.data())
@settings(max_examples=8)
def test_order_does_not_matter(name, axes, size, seed, data):
    order = data.draw(st.permutations(range(size)))
    scenario = draw(seed)
    before, after = solved(METHODS[name], scenario, permuted(scenario, axes, order)).objective
    assert after == pytest.approx(before, abs=SAME)


@pytest.mark.parametrize("batching", [False, True])
@given(
    seed=st.integers(0, 10**6),
    rate=st.floats(1e-3, 1e3),
    memory=st.floats(1e-3, 1e3),
    work=st.floats(1e-3, 1e3),
    data=st.floats(1e-3, 1e3),
)
@settings(max_examples=8)
def test_units_do_not_matter(batching, seed, rate, memory, work, data):
    """Queries per hour, GB, TFLOP, or bits instead: the same deployment, the same accuracy."""
    scenario = draw(seed, batching=batching)
    scale = {
        "demand": rate,
        "client_model_memory": memory,
        "edge_model_memory": memory,
        "client_memory": memory,
        "edge_memory": memory,
        "client_model_compute": work,
        "edge_model_compute": work,
        "client_compute": work * rate,
        "edge_compute": work * rate,
        "input_size": data,
        "edge_uplink": data * rate,
        "cloud_uplink": data * rate,
    }
    other = dataclasses.replace(
        scenario,
        **{name: getattr(scenario, name) * factor for name, factor in scale.items()},
        batching=jax.tree.map(lambda seconds: seconds / rate, scenario.batching),
    )
    for method in METHODS.values():
        expected, found = solved(method, scenario, other).objective
        assert found == pytest.approx(expected, abs=SAME)


@pytest.mark.parametrize("name", METHODS)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=8)
def test_a_client_without_demand_changes_nothing(name, seed):
    scenario = draw(seed)
    grown = {
        "demand": np.concatenate([scenario.demand, np.zeros((1, 3))]),
        "client_edge": np.append(scenario.client_edge, 0),
        "client_memory": np.append(scenario.client_memory, 1e3),
        "client_compute": np.append(scenario.client_compute, 1e3),
    }
    larger = j3o.Scenario(**arguments(scenario) | grown)
    (before,), (after,) = solved(METHODS[name], scenario), solved(METHODS[name], larger)
    assert after.objective == pytest.approx(before.objective, abs=SAME)
    assert j3o.check(larger, after).ok


CAPACITIES = ("client_memory", "client_compute", "edge_memory", "edge_compute", "edge_uplink", "cloud_uplink")


@given(seed=st.integers(0, 10**6), field=st.sampled_from(CAPACITIES), factor=st.floats(1.0, 5.0))
@settings(max_examples=20)
def test_more_capacity_never_lowers_the_optimum(seed, field, factor):
    scenario = draw(seed, clients=2, edges=1, tasks=2, models=3)
    larger = dataclasses.replace(scenario, **{field: getattr(scenario, field) * factor})
    assert brute_force(larger).objective >= brute_force(scenario).objective - 1e-7


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20)
def test_one_more_model_never_lowers_the_optimum(seed):
    scenario = draw(seed, clients=2, edges=1, tasks=2, models=3)
    fewer = permuted(scenario, MODEL_AXIS, [0, 1])
    assert brute_force(scenario).objective >= brute_force(fewer).objective - 1e-7
