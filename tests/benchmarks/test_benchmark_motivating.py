"""Section I-A: two tasks, five clients, one model at each node."""

import numpy as np
import pytest

from j3o_jax import benchmarks


def test_models_of_the_text():
    benchmark = benchmarks.motivating()
    scenario = benchmark.sample(0)
    assert benchmark.tasks == ("A", "B")
    assert benchmark.models == ("m(A)", "m(B)", "m(AB)")
    assert (scenario.clients, scenario.edges) == (5, 1)
    np.testing.assert_array_equal(scenario.edge_accuracy, [[[0.9, 0.1], [0.1, 0.9], [0.6, 0.6]]])
    np.testing.assert_allclose(scenario.client_accuracy, 0.9 * scenario.edge_accuracy)
    # One model fits at every node, two do not.
    for memory, model in [
        (scenario.client_memory, scenario.client_model_memory),
        (scenario.edge_memory, scenario.edge_model_memory),
    ]:
        assert (memory[:, None] >= model).all()
        assert (memory[:, None] < 2 * model).all()
    assert scenario.cloud_uplink == 0


def test_nothing_is_random():
    batch = benchmarks.motivating().sample(0, n=6)
    for name, array in batch.arrays().items():
        assert (array == array[0]).all(), name


def test_a_spread_draws_uplink_and_compute_around_their_values():
    plain, batch = benchmarks.motivating().sample(0), benchmarks.motivating().sample(0, n=2000, spread=0.2)
    varied = ("edge_uplink", "edge_compute", "client_compute")
    for name in varied:
        factors = getattr(batch, name) / getattr(plain, name)
        assert factors.min() >= 0.8
        assert factors.max() <= 1.2
        # Mean and deviation of a uniform draw, each within five standard errors of 2,000 of them.
        np.testing.assert_allclose(factors.mean(axis=0), 1.0, atol=0.013)
        np.testing.assert_allclose(factors.std(axis=0), 0.2 / np.sqrt(3), atol=0.008)
    draws = np.concatenate([getattr(batch, name) for name in varied], axis=1)
    assert np.abs(np.corrcoef(draws.T) - np.eye(7)).max() < 0.12
    for name, array in batch.arrays().items():
        assert name in varied or (array == getattr(plain, name, array[0])).all(), name


def test_total_demand_is_kept_as_its_mix_changes():
    shares = np.linspace(0.1, 0.9, 9)
    batch = benchmarks.motivating().sample(0, n=9, proportion_a=shares)
    np.testing.assert_allclose(batch.demand.sum(axis=(1, 2)), 1000, rtol=1e-12)
    np.testing.assert_allclose(batch.demand[:, :, 0].sum(axis=1), 1000 * shares, rtol=1e-12)
    # Homogeneous: all clients see the same mix.
    np.testing.assert_allclose(batch.demand, batch.demand[:, :1] * np.ones((9, 5, 2)), rtol=1e-12)


def test_hot_client_has_most_of_task_b():
    scenario = benchmarks.motivating(heterogeneous=True).sample(0, proportion_a=0.4)
    np.testing.assert_allclose(scenario.demand[:, 0], 80)
    np.testing.assert_allclose(scenario.demand[:, 1], [420, 45, 45, 45, 45])
    assert benchmarks.motivating(heterogeneous=True).parameters["hot_share"] == 0.7
    assert benchmarks.motivating(heterogeneous=True, hot_share=0.9).parameters["hot_share"] == 0.9


def test_limits_are_where_the_figures_have_them():
    scenario = benchmarks.motivating().sample(0)
    window, per_query = scenario.batching.window[0], scenario.edge_model_compute[0] / scenario.edge_compute[0]
    # 60 queries a window by the uplink, and these just fit with a set-up for each task.
    sent = scenario.edge_uplink[0] * window
    assert sent == pytest.approx(60)
    assert 2 * 0.004 + sent * per_query <= window
    # At 35 ms the set-up takes the place of queries.
    assert 0.035 + sent * per_query > window
    # The clients cannot serve everything, and with the edge they can.
    local = (scenario.client_compute / scenario.client_model_compute[0]).sum()
    assert local == pytest.approx(650)
    assert local < 1000 < local + sent / window


def test_setup_times():
    batch = benchmarks.motivating().sample(0, n=3, setup=[0.0, 0.01, 0.035])
    np.testing.assert_array_equal(batch.batching.setup[:, 0, 0], [0.0, 0.01, 0.035])
    np.testing.assert_array_equal(batch.batching.setup[:, 0, 1:], 0.004)
    assert batch.batching.window.tolist() == [[0.1]] * 3
    windows = benchmarks.motivating().sample(0, n=2, batching_window=[0.1, 0.2])
    assert windows.batching.window.tolist() == [[0.1], [0.2]]
    assert benchmarks.motivating().sample(0, batching_window=None).batching is None


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"proportion_a": 1.1}, r"proportion_a = 1.1: must be a number in \[0, 1\]"),
        ({"hot_share": -0.1}, "hot_share = -0.1"),
        ({"setup": -1}, "setup = -1.0"),
        ({"setup_of_others": 0.1, "batching_window": None}, "no effect without batching_window"),
        ({"clients": 6}, "'clients' is not known"),
    ],
)
def test_bad_parameters(overrides, message):
    with pytest.raises(ValueError, match=message):
        benchmarks.motivating().sample(0, **overrides)
