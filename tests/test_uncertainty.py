"""Sets of weighted scenarios, and figures of risk over them."""

import dataclasses

import numpy as np
import pytest
from support.scenarios import random_scenario

import j3o_jax as j3o

ONE = random_scenario(np.random.default_rng(5), clients=6, edges=2, tasks=3, models=5)


@pytest.mark.parametrize("distribution", ["lognormal", "gamma"])
def test_demand_varies_as_much_as_it_should_about_its_mean(distribution):
    scenarios, weights = j3o.demand_samples(ONE, 20_000, 0.4, seed=1, distribution=distribution)
    factor = scenarios.demand / ONE.demand
    np.testing.assert_allclose(factor.mean(axis=0), 1.0, atol=0.02)
    np.testing.assert_allclose(factor.std(axis=0), 0.4, atol=0.03)
    assert abs(np.corrcoef(factor[:, 0, 0], factor[:, 1, 0])[0, 1]) < 0.03
    np.testing.assert_allclose(weights, 1 / 20_000)
    scenarios.require_valid()


def test_draws_are_those_of_their_seed_and_others_are_unseen():
    few, many, again = (j3o.demand_samples(ONE, count, 0.3, seed=2).scenarios.demand for count in (3, 50, 3))
    np.testing.assert_array_equal(few, again)
    np.testing.assert_array_equal(few, many[:3])
    unseen = j3o.demand_samples(ONE, 3, 0.3, seed=2, unseen=True).scenarios.demand
    assert not np.isclose(few, unseen).any()
    assert not np.isclose(few, j3o.demand_samples(ONE, 3, 0.3, seed=3).scenarios.demand).any()
    np.testing.assert_array_equal(j3o.demand_samples(ONE, 2, 0.0).scenarios.demand, np.stack([ONE.demand] * 2))


def test_the_clients_of_an_edge_that_is_down_fall_back_on_themselves():
    scenarios, weights = j3o.edge_failures(ONE, [0.1, 0.02])
    np.testing.assert_allclose(weights, [0.88, 0.1, 0.02])
    plans = j3o.solve(scenarios)
    j3o.check(scenarios, plans).raise_if_violated()
    home = ONE.client_edge
    for edge in range(2):
        own, others = plans[edge + 1], home != edge
        assert (own.edge[~others] == 0.0).all()
        assert (own.cloud[~others] == 0.0).all()
        assert (own.edge[others] + own.cloud[others]).sum() > 0.0
    assert (plans.objective[1:] <= plans.objective[0]).all()
    np.testing.assert_array_equal(scenarios.edge_memory[1], ONE.edge_memory)


def test_both_together_have_weights_of_the_failures():
    drawn = j3o.uncertain_scenarios(ONE, demand_noise=0.3, samples=8, edge_failure=0.05)
    assert drawn.scenarios.batch_shape == (8 + 2 * 4,)
    assert drawn.weights.sum() == pytest.approx(1.0)
    down = drawn.scenarios.edge_uplink == 0.0
    np.testing.assert_allclose((drawn.weights[:, None] * down).sum(axis=0), 0.05)
    assert len(np.unique(drawn.scenarios.demand[:, 0, 0])) == 16
    whole = j3o.uncertain_scenarios(ONE, demand_noise=0.3, samples=8, edge_failure=0.05, every_failure=True)
    assert whole.scenarios.batch_shape == (24,)
    np.testing.assert_array_equal(whole.scenarios.demand[:8], whole.scenarios.demand[8:16])
    assert j3o.uncertain_scenarios(ONE, edge_failure=0.05).scenarios.batch_shape == (3,)


def test_what_cannot_be_drawn_is_refused():
    batch = j3o.demand_samples(ONE, 2, 0.1).scenarios
    free = dataclasses.replace(ONE, input_size=np.array([0.0, 1.0, 1.0]))
    for call, words in (
        (lambda: j3o.demand_samples(batch, 2, 0.1), "wants one scenario"),
        (lambda: j3o.demand_samples(ONE, 0, 0.1), "samples: must be at least 1"),
        (lambda: j3o.demand_samples(ONE, 2, -0.1), "noise: must be"),
        (lambda: j3o.demand_samples(ONE, 2, np.nan), "noise: must be"),
        (lambda: j3o.edge_failures(ONE, 0.6), "sum to at most 1"),
        (lambda: j3o.edge_failures(ONE, [0.1, -0.1]), r"must be in \[0, 1\]"),
        (lambda: j3o.edge_failures(ONE, [0.1] * 3), "one for each edge"),
        (lambda: j3o.edge_failures(free, 0.1), "'task 0' is 0 MB"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_figures_of_risk_by_hand():
    values, weights = np.array([0.9, 0.2, 0.6, 0.1]), np.array([0.5, 0.04, 0.44, 0.02])
    figures = j3o.risk_figures(values, weights)
    assert figures.mean == pytest.approx(0.45 + 0.008 + 0.264 + 0.002)
    # 2 % of 0.1, 4 % of 0.2 and 4 % of 0.6.
    assert figures.worst_tenth == pytest.approx((0.02 * 0.1 + 0.04 * 0.2 + 0.04 * 0.6) / 0.1)
    assert figures.worst == 0.1
    assert np.isnan(j3o.risk_figures([0.5, np.nan], [0.5, 0.5]).mean)
    # A scenario that cannot come is not the worst.
    assert j3o.risk_figures([0.5, 0.1], [1.0, 0.0]).worst == 0.5


def test_the_risk_envelope_is_where_its_value_is_attained():
    rng = np.random.default_rng(0)
    for _ in range(50):
        values, weights = rng.normal(size=7).round(1), rng.dirichlet(np.ones(7))
        tail, part = rng.uniform(0.05, 1.0), rng.uniform()
        risk = j3o.Risk(weights, np.asarray(tail), np.asarray(part))
        dual = risk.dual_weights(values)
        assert dual.sum() == pytest.approx(1.0)
        rest = dual - (1 - part) * weights
        assert (rest >= -1e-12).all()
        assert (rest <= part * weights / tail + 1e-12).all()
        worst = max(eta - weights @ np.maximum(eta - values, 0.0) / tail for eta in values)
        assert float(risk.value(values)) == pytest.approx((1 - part) * weights @ values + part * worst)
        assert dual @ values == pytest.approx(float(risk.value(values)))
        # Another weighting out of the envelope bounds it from above.
        assert weights @ values >= float(risk.value(values)) - 1e-12
