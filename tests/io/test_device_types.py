"""Types of measured devices in deployment files: what is read, written back, and refused."""

import copy
import dataclasses
import json

import numpy as np
import pytest

import j3o_jax as j3o
from j3o_jax.io import FileError

DOCUMENT = {
    "tasks": [{"name": "depth", "input_mb": 0.5}],
    "models": [
        {"name": "large", "edge": {"memory_mb": 90, "gflop_per_query": 30}, "accuracy": {"depth": 0.9}},
        {
            "name": "small",
            "client": {"memory_mb": 20},
            "edge": {"memory_mb": 25, "gflop_per_query": 8},
            "accuracy": {"depth": 0.7},
        },
    ],
    "devices": [
        {"name": "phone", "latency_ms": {"small": 12.5}},
        {"name": "box", "seconds_per_query": {"small": 0.004, "large": 0.02}, "memory_mb": {"large": 80}},
    ],
    "edges": [
        {"name": "hall", "memory_mb": 128, "device": "box", "parallel": 4, "uplink_mb_per_s": 10},
        {"name": "dock", "memory_mb": 128, "compute_gflop_per_s": 500, "uplink_mb_per_s": 10},
    ],
    "clients": [
        {"name": "a", "edge": "hall", "memory_mb": 32, "device": "phone", "demand_per_s": {"depth": 100}},
        {"name": "b", "edge": "dock", "memory_mb": 32, "device": "phone", "demand_per_s": {"depth": 10}},
    ],
    "cloud": {"uplink_mb_per_s": 1},
}


def read(tmp_path, document):
    path = tmp_path / "site.json"
    path.write_text(json.dumps(document))
    return j3o.load(path, want=j3o.Scenario)


@pytest.fixture
def scenario(tmp_path):
    return read(tmp_path, DOCUMENT)


def test_each_node_has_the_costs_of_its_device(scenario):
    np.testing.assert_array_equal(scenario.client_model_compute, [[0.0, 0.0125]] * 2)
    # What has no latency does not run: it fits into no memory.
    assert (scenario.client_model_memory[:, 0] > 1e5).all()
    np.testing.assert_array_equal(scenario.client_model_memory[:, 1], [20, 20])
    np.testing.assert_array_equal(scenario.client_compute, [1, 1])
    # One edge is a device, the other has GFLOP.
    np.testing.assert_array_equal(scenario.edge_model_compute, [[0.02, 0.004], [30, 8]])
    np.testing.assert_array_equal(scenario.edge_model_memory, [[80, 25], [90, 25]])
    np.testing.assert_array_equal(scenario.edge_compute, [4, 500])
    assert scenario.names.client_devices == ("phone", "phone")
    assert scenario.names.edge_devices == ("box", "")


def test_a_plan_keeps_them_and_a_limit_is_told_in_seconds(scenario):
    plan = j3o.solve(scenario, j3o.ExactMILP())
    j3o.check(scenario, plan).raise_if_violated()
    assert not plan.client_models[:, 0].any()
    # 100 queries of 12.5 ms are more than a second has.
    faster = dataclasses.replace(scenario, client_model_compute=scenario.client_model_compute * 0.5)
    greedy = j3o.solve(faster, j3o.FullLocal())
    (violation,) = j3o.check(scenario, greedy).violations
    assert violation.message == "1.25 s/s exceeds 1 s/s"
    assert j3o.verify(scenario, greedy).violations[0].message == violation.message


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
@pytest.mark.parametrize("which", ["mixed", "benchmark", "parallel"])
def test_what_is_written_is_read_back_to_the_bit(tmp_path, scenario, which, suffix):
    if which == "benchmark":
        scenario = j3o.benchmarks.devices().sample(1, clients=7, edges=5)
    elif which == "parallel":
        scenario = dataclasses.replace(scenario, client_compute=np.array([2.0, 0.5]))
    path = tmp_path / f"site{suffix}"
    j3o.save(scenario, path)
    assert "latency_ms" not in path.read_text()
    assert "seconds_per_query" in path.read_text()
    again = j3o.load(path, want=j3o.Scenario)
    assert again.names == scenario.names
    for name, array in scenario.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array, err_msg=name)


@pytest.mark.parametrize("change", ["one node differs", "no number of devices", "costs of models alone"])
def test_what_types_cannot_say_is_written_as_numbers(tmp_path, scenario, change):
    compute, capacity = np.copy(scenario.client_model_compute), np.copy(scenario.client_compute)
    if change == "one node differs":
        compute[1, 1] = 0.5
    elif change == "no number of devices":
        capacity[0] = 0.0
    else:
        compute = compute[0]
    other = dataclasses.replace(scenario, client_model_compute=compute, client_compute=capacity)
    path = tmp_path / "site.yaml"
    j3o.save(other, path)
    assert "devices" not in path.read_text()
    again = j3o.load(path, want=j3o.Scenario)
    for name, array in other.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array, err_msg=name)


def changed(*steps, to):
    """The document with another value at a place, or without it where `to` is None."""
    document = copy.deepcopy(DOCUMENT)
    place = document
    for step in steps[:-1]:
        place = place[step]
    if to is None:
        del place[steps[-1]]
    else:
        place[steps[-1]] = to
    return document


SLIPS = [
    (("clients", 0, "device"), "phon", "clients[0].device = 'phon' is not one of the devices: did you mean"),
    (("clients", 0, "device"), None, "clients[0].compute_gflop_per_s is missing: write a capacity"),
    (("clients", 0, "compute_gflop_per_s"), 5, "is there beside a device, whose seconds it has no meaning for"),
    (("edges", 1, "parallel"), 2, "edges[1].parallel counts devices of a type: name it, device"),
    (("edges", 0, "parallel"), 0, "edges[0].parallel = 0 is not positive"),
    (("devices", 0, "seconds_per_query"), {"small": 1.0}, "devices[0] has seconds_per_query and latency_ms"),
    (("devices", 0, "latency_ms"), None, "devices[0] has no latencies: write seconds_per_query or latency_ms"),
    (("devices", 0, "latency_ms"), {"smal": 3}, "devices[0].latency_ms.smal is not one of the models: did you mean"),
    (("devices", 0, "latency_ms", "small"), 1e6, "is 16.67 minutes: is it in microseconds?"),
    (("devices", 1, "seconds_per_query", "small"), 120, "is 2 minutes: is it in milliseconds?"),
    (("devices", 0, "latency_ms", "small"), 0, "devices[0] has latencies of 0 alone"),
    (("devices", 1, "name"), "phone", "devices[1].name = 'phone' is there twice"),
    (("models", 1, "client"), None, "models[1].client.memory_mb is missing: write a finite size"),
    (("models", 0, "edge"), None, "models[0].edge is missing: write {memory_mb: ..., gflop_per_query: ...}"),
    (
        ("models", 1, "at_client"),
        {"a": {"gflop_per_query": 3}},
        "models[1].at_client.a.gflop_per_query is there beside the seconds of its device",
    ),
]


@pytest.mark.parametrize(("place", "value", "message"), SLIPS)
def test_slips_are_named_with_their_place(tmp_path, place, value, message):
    with pytest.raises(FileError) as caught:
        read(tmp_path, changed(*place, to=value))
    assert message in str(caught.value)
