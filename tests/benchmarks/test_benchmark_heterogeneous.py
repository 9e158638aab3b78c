"""Random scenarios: valid for any knobs, and each knob does what it says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from j3o_jax import benchmarks

BENCHMARK = benchmarks.heterogeneous(clients=7, edges=3, tasks=4, models=6)
# Few structures, since each is compiled; the second has M < T and an edge without clients.
STRUCTURES = [{}, {"clients": 1, "edges": 2, "tasks": 5, "models": 2}]
SPREAD = st.floats(0, 3)
CONCENTRATION = st.floats(1e-6, 1e9)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(
    structure=st.sampled_from(STRUCTURES),
    seed=st.integers(0, 2**62),
    knobs=st.fixed_dictionaries(
        {},
        optional={
            "size_spread": SPREAD,
            "compute_spread": SPREAD,
            "accuracy_spread": SPREAD,
            "tightness": st.floats(0, 1e6),
            "total_demand": st.just(0.0) | st.floats(1e-6, 1e12),
            "client_concentration": CONCENTRATION,
            "task_concentration": CONCENTRATION,
            "edge_uplink_fraction": st.floats(0, 10),
            "cloud_uplink_fraction": st.floats(0, 10),
            "edge_compute_scale": st.floats(0, 10),
            "batching_window": st.floats(1e-6, 1e3),
        },
    ),
)
def test_any_knobs_make_a_valid_scenario(structure, seed, knobs):
    batch = BENCHMARK.sample(seed, n=3, **structure, **knobs)
    assert batch.problems() == []
    expected = BENCHMARK.parameters | structure
    assert (batch.clients, batch.edges) == (expected["clients"], expected["edges"])
    assert (batch.tasks, batch.models) == (expected["tasks"], expected["models"])
    np.testing.assert_allclose(batch.demand.sum(axis=(1, 2)), knobs.get("total_demand", 4000.0), rtol=1e-12)
    supported = batch.edge_accuracy > 0
    np.testing.assert_array_equal(supported, batch.client_accuracy > 0)
    assert (supported == supported[:, :1]).all()  # the data of an edge change accuracies, not tasks
    assert supported.any(axis=3).all()
    assert supported.any(axis=2).all()
    assert (batch.client_accuracy <= batch.edge_accuracy).all()
    assert (batch.client_model_memory < batch.edge_model_memory).all()
    assert (batch.client_model_compute <= batch.edge_model_compute).all()


@pytest.fixture(scope="module")
def batch():
    return BENCHMARK.sample(0, n=400)


def test_everything_differs(batch):
    for name in ("demand", "edge_accuracy", "edge_model_memory", "edge_model_compute", "input_size"):
        array = getattr(batch, name)
        assert len({array[i].tobytes() for i in range(400)}) == 400
    for name in ("client_memory", "client_compute", "edge_memory", "edge_compute", "input_size"):
        assert (np.ptp(getattr(batch, name), axis=1) > 0).all()
    # Models differ in what they support, and so do scenarios.
    number = (batch.edge_accuracy[:, 0] > 0).sum(axis=2)
    assert set(np.unique(number)) == {1, 2, 3, 4}


def test_larger_models_tend_to_be_more_accurate(batch):
    supported = batch.edge_accuracy[:, 0] > 0
    mean = batch.edge_accuracy[:, 0].sum(axis=2) / supported.sum(axis=2)
    log_size = np.log(batch.edge_model_memory)
    centred = (mean - mean.mean(axis=1, keepdims=True), log_size - log_size.mean(axis=1, keepdims=True))
    assert 0.3 < np.corrcoef(centred[0].ravel(), centred[1].ravel())[0, 1] < 0.95
    assert 0.5 < np.corrcoef(log_size.ravel(), np.log(batch.edge_model_compute).ravel())[0, 1] < 0.95


def test_tightness_scales_every_capacity(batch):
    tight = BENCHMARK.sample(0, n=400, tightness=np.linspace(0.1, 1, 400))
    for name in ("client_memory", "client_compute", "edge_memory", "edge_compute", "edge_uplink"):
        scaled = np.linspace(0.1, 1, 400)[:, None] * getattr(batch, name)
        np.testing.assert_allclose(getattr(tight, name), scaled, rtol=1e-12)
    np.testing.assert_allclose(tight.cloud_uplink, np.linspace(0.1, 1, 400) * batch.cloud_uplink, rtol=1e-12)
    np.testing.assert_array_equal(tight.demand, batch.demand)
    np.testing.assert_array_equal(tight.edge_accuracy, batch.edge_accuracy)


def test_spreads_of_zero_leave_only_the_number_of_tasks():
    flat = BENCHMARK.sample(0, n=50, size_spread=0.0, compute_spread=0.0, accuracy_spread=0.0)
    number = (flat.edge_accuracy[:, 0] > 0).sum(axis=2)
    np.testing.assert_allclose(flat.edge_model_memory, 80 * (1 + 0.1 * (number - 1)))
    np.testing.assert_allclose(flat.edge_model_compute, 8 * (1 + 0.15 * (number - 1)))
    assert (flat.edge_accuracy == flat.edge_accuracy[:, :1]).all()


def test_spreads_are_deviations_of_logarithms(batch):
    number = (batch.edge_accuracy[:, 0] > 0).sum(axis=2)
    assert np.log(batch.edge_model_memory / (1 + 0.1 * (number - 1))).std() == pytest.approx(0.6, rel=0.05)
    assert np.log(batch.edge_model_compute / (1 + 0.15 * (number - 1))).std() == pytest.approx(0.6, rel=0.05)
    # Edges see the same model differently.
    between = np.log((1 - batch.edge_accuracy[:, 0]) / (1 - batch.edge_accuracy[:, 1]))
    assert between[batch.edge_accuracy[:, 0] > 0].std() == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"tasks": 0}, "tasks = 0"),
        ({"models": 1.5}, "models = 1.5"),
        ({"size_spread": -0.1}, "size_spread = -0.1"),
        ({"size_spread": 4}, r"must be a number in \[0, 3\]"),
        ({"tightness": np.inf}, "tightness = inf"),
        ({"tigthness": 1}, "did you mean 'tightness'"),
    ],
)
def test_bad_knobs(knobs, message):
    with pytest.raises(ValueError, match=message):
        benchmarks.heterogeneous(**knobs)
    with pytest.raises(ValueError, match=message):
        BENCHMARK.sample(0, **knobs)
