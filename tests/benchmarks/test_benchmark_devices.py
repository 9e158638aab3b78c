"""The measured devices: what the table says, what is derived from it, and what plans without it overload."""

import dataclasses

import numpy as np
import pytest

import j3o_jax as j3o
from j3o_jax.benchmarks._tables import rows
from j3o_jax.benchmarks.devices import CLIENT_DEVICES, EDGE_DEVICES

DEVICES = (*CLIENT_DEVICES, *EDGE_DEVICES)


@pytest.fixture(scope="module")
def benchmark():
    return j3o.benchmarks.devices()


@pytest.fixture(scope="module")
def scenario(benchmark):
    return benchmark.sample(0)


def cell(benchmark, scenario, model, device):
    """Seconds of a model on a device, and megabytes."""
    index = benchmark.models.index(model)
    tier, names = ("client", scenario.names.clients) if device in CLIENT_DEVICES else ("edge", scenario.names.edges)
    node = next(number for number, name in enumerate(names) if name.startswith(device))
    return (
        getattr(scenario, f"{tier}_model_compute")[node, index],
        getattr(scenario, f"{tier}_model_memory")[node, index],
    )


# Typed in once more from the published table.
@pytest.mark.parametrize(
    ("model", "device", "milliseconds", "megabytes"),
    [
        ("resnet50 w8a8", "QCS8275", 1.733, 25.1),
        ("resnet50 w8a8", "Q-6690", 6.25, 25.1),
        ("hrnet_pose float", "X Elite", 2.663, 109.0),
        ("yolov8_det w8a16", "7 Gen 4", 4.664, 3.6),
        ("quicksrnetsmall w8a8", "SA8775P", 0.516, 0.0417),
    ],
)
def test_latencies_and_sizes_are_the_published_ones(benchmark, scenario, model, device, milliseconds, megabytes):
    if device == "SA8775P":
        scenario = benchmark.sample(0, clients=8, edges=4)
    assert cell(benchmark, scenario, model, device) == pytest.approx((milliseconds / 1e3, megabytes))


def test_accuracies_are_parts_of_their_tasks_best(benchmark, scenario):
    at = benchmark.models.index("resnet50 w8a8"), benchmark.tasks.index("classification")
    assert scenario.edge_accuracy[0][at] == pytest.approx(75.9 / 84.5)
    np.testing.assert_allclose(scenario.client_accuracy[0].max(axis=0), 1.0)
    # Every variant is for one task.
    assert ((scenario.client_accuracy[0] > 0.0).sum(axis=1) == 1).all()


def test_what_does_not_run_on_a_device_fits_there_nowhere(benchmark, scenario):
    # Published for no device of the third kind of client.
    _, megabytes = cell(benchmark, scenario, "beit float", "RB3 Gen 2")
    assert megabytes > scenario.client_memory.max()
    plan = j3o.solve(scenario, j3o.J3O())
    j3o.check(scenario, plan).raise_if_violated()
    held = scenario.client_model_memory[plan.client_models]
    assert held.max() <= scenario.client_memory.max()


def test_no_variant_is_one_that_no_plan_needs():
    table = rows("devices")
    columns = ("megabytes", *DEVICES)
    worth = np.array([float(row["accuracy"]) for row in table])
    cost = np.array([[float(row[name] or "inf") for name in columns] for row in table])
    alike = np.array([[row["task"] == other["task"] for other in table] for row in table])
    beats = alike & (worth[:, None] >= worth[None]) & (cost[:, None] <= cost[None]).all(axis=2)
    np.fill_diagonal(beats, False)
    assert not beats.any()


def test_one_speed_is_the_best_product_of_a_cost_and_a_speed(benchmark):
    """Against the fit of a different kind: rows and columns in turn, until nothing moves."""
    scenario = benchmark.sample(0, one_speed=True, clients=5, edges=4)
    assert scenario.client_model_compute.shape == scenario.edge_model_compute.shape == (60,)
    latencies = np.array([[float(row[name] or "nan") / 1e3 for name in DEVICES] for row in rows("devices")])
    cost, speed = np.zeros(60), np.zeros(len(DEVICES))
    for _ in range(500):
        cost = np.nanmean(np.log(latencies) + speed, axis=1)
        speed = -np.nanmean(np.log(latencies) - cost[:, None], axis=0)
    shift = speed.mean()
    np.testing.assert_allclose(scenario.client_model_compute, np.exp(cost - shift), rtol=1e-9)
    np.testing.assert_allclose(scenario.client_compute, np.exp(speed - shift)[:5], rtol=1e-9)
    np.testing.assert_allclose(scenario.edge_compute, 4.0 * np.exp(speed - shift)[5:], rtol=1e-9)


@pytest.fixture(scope="module")
def measured(benchmark):
    return benchmark.sample(0, n=8)


@pytest.fixture(scope="module")
def plans(benchmark, measured):
    """Plans of eight scenarios, by one cost per model and one speed per device, and by what was measured."""
    return {
        "one speed": j3o.solve(benchmark.sample(0, n=8, one_speed=True), j3o.J3O()),
        "latencies": j3o.solve(measured, j3o.J3O()),
    }


def test_a_plan_by_one_speed_overloads_devices_and_one_by_latencies_none(measured, plans):
    report = j3o.check(measured, plans["one speed"])
    assert not report.ok.all()
    assert {violation.constraint.split()[0] for violation in report.violations} <= {"client_compute", "edge_compute"}
    j3o.check(measured, plans["latencies"]).raise_if_violated()


@pytest.mark.parametrize("planned_by", ["one speed", "latencies"])
def test_the_simulator_takes_the_latencies_of_each_device(measured, plans, planned_by):
    found = j3o.simulate(measured[0], plans[planned_by][0], window=0.1, duration=60.0, replications=5)
    planned = np.concatenate([found.utilisation_client_planned, found.utilisation_edge_planned])
    seen = np.concatenate([found.utilisation_client.mean(axis=0), found.utilisation_edge.mean(axis=0)])
    # A query of the heaviest model takes a fifth of a second, so that few of them make up a minute.
    np.testing.assert_allclose(seen, planned, rtol=0.0, atol=0.2)
    assert seen.mean() == pytest.approx(planned.mean(), rel=0.03)
    assert (planned > 1.0 + 1e-6).any() == (planned_by == "one speed")


def test_set_up_times_are_those_of_each_edge(benchmark):
    scenario = benchmark.sample(0, clients=4, edges=2, batching_window=0.5, setup_ratio=0.25)
    np.testing.assert_allclose(scenario.batching.setup, 0.25 * scenario.edge_model_compute / 4.0)
    plain = dataclasses.replace(benchmark.sample(0, clients=4, edges=2), batching=scenario.batching)
    assert plain.batching.setup.shape == (2, 60)
