"""The demand is Dirichlet over clients, and over each client's tasks."""

import numpy as np
import pytest

from j3o_jax import benchmarks

SEEDS = 2000


@pytest.fixture(scope="module")
def demand():
    return benchmarks.cityscapes3d().sample(0, n=SEEDS).demand


def test_total_is_exact(demand):
    np.testing.assert_allclose(demand.sum(axis=(1, 2)), 100, rtol=1e-12)
    assert (demand >= 0).all()


def dirichlet_variance(concentration, parts):
    """Variance of one share of a symmetric Dirichlet distribution."""
    return (parts - 1) / (parts**2 * (parts * concentration + 1))


def test_client_shares(demand):
    shares = demand.sum(axis=2) / 100
    deviation = np.sqrt(dirichlet_variance(0.5, 30))
    np.testing.assert_allclose(shares.mean(axis=0), 1 / 30, atol=5 * deviation / np.sqrt(SEEDS))
    assert shares.var() == pytest.approx(deviation**2, rel=0.05)


def test_task_shares(demand):
    shares = demand / demand.sum(axis=2, keepdims=True)
    deviation = np.sqrt(dirichlet_variance(0.5, 3))
    np.testing.assert_allclose(shares.mean(axis=(0, 1)), 1 / 3, atol=5 * deviation / np.sqrt(30 * SEEDS))
    assert shares.var() == pytest.approx(deviation**2, rel=0.05)


def test_clients_and_tasks_are_independent(demand):
    clients = demand.sum(axis=2)
    tasks = demand[:, :, 0] / clients
    correlation = np.corrcoef(clients.ravel(), tasks.ravel())[0, 1]
    assert abs(correlation) < 5 / np.sqrt(30 * SEEDS)


@pytest.mark.parametrize("concentration", [1e-6, 1e-3, 50.0, 1e9])
def test_concentrations_from_one_stream_to_even(concentration):
    scenario = benchmarks.cityscapes3d().sample(
        0, n=16, client_concentration=concentration, task_concentration=concentration
    )
    assert scenario.problems() == []
    np.testing.assert_allclose(scenario.demand.sum(axis=(1, 2)), 100, rtol=1e-12)
    largest = scenario.demand.max(axis=(1, 2))
    if concentration == 1e-6:
        np.testing.assert_allclose(largest, 100)
    if concentration == 1e9:
        np.testing.assert_allclose(largest, 100 / 90, rtol=1e-3)
