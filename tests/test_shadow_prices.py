"""Shadow prices against differences of programs that are solved anew with a little more and a little less."""

import dataclasses

import numpy as np
import pytest
import scipy.optimize
from support.scenarios import random_scenario

import j3o_jax as j3o

STEP = 1e-4
LIMITS = ("client_compute", "edge_compute", "edge_uplink", "cloud_uplink")


def best_routing(scenario, plan):
    """F of the best routing of a plan's placement, by a dense program of its own and SciPy."""
    demand, home = scenario.demand, scenario.client_edge
    clients, tasks = demand.shape
    weight = demand / demand.sum()

    def chosen(values, choice, missing):
        picked = np.take_along_axis(values, np.maximum(choice, 0)[:, None], axis=1)[:, 0]
        return np.where(choice >= 0, picked, missing)

    at_client = chosen(scenario.client_accuracy[home], plan.client_choice, 0.0)
    at_edge = chosen(scenario.edge_accuracy, plan.edge_choice, 0.0)[home]
    work, heavy = (
        chosen(np.broadcast_to(cost[None, :, None], values.shape), choice, 0.0)
        for cost, values, choice in (
            (scenario.client_model_compute, scenario.client_accuracy[home], plan.client_choice),
            (scenario.edge_model_compute, scenario.edge_accuracy, plan.edge_choice),
        )
    )
    heavy = heavy[home]
    accuracy = np.stack([at_client, at_edge, np.broadcast_to(scenario.cloud_accuracy, demand.shape)])
    rows, right = [], []
    for client in range(clients):
        row = np.zeros((3, clients, tasks))
        row[0, client] = demand[client] * work[client]
        rows.append(row)
        right.append(scenario.client_compute[client])
        for task in range(tasks):
            row = np.zeros((3, clients, tasks))
            row[:, client, task] = 1.0
            rows.append(row)
            right.append(1.0)
    for edge in range(scenario.edges):
        own = (home == edge)[:, None]
        row = np.zeros((3, clients, tasks))
        row[1] = own * demand * heavy
        rows.append(row)
        right.append(scenario.edge_compute[edge])
        row = np.zeros((3, clients, tasks))
        row[1] = row[2] = own * demand * scenario.input_size
        rows.append(row)
        right.append(scenario.edge_uplink[edge])
    row = np.zeros((3, clients, tasks))
    row[2] = demand * scenario.input_size
    rows.append(row)
    right.append(scenario.cloud_uplink)
    matrix = np.stack(rows).reshape(len(rows), -1)
    scale = np.abs(matrix).max(axis=1, keepdims=True)
    scale = np.where(scale > 0.0, scale, 1.0)
    found = scipy.optimize.linprog(
        -(weight * accuracy).ravel(),
        A_ub=matrix / scale,
        b_ub=np.array(right) / scale[:, 0],
        bounds=[(0.0, upper) for upper in (accuracy > 0.0).ravel().astype(float)],
    )
    assert found.success
    return -found.fun


def changed(scenario, limit, place, factor):
    values = np.array(getattr(scenario, limit), dtype=float)
    values[place] *= factor
    return dataclasses.replace(scenario, **{limit: values})


def draw(seed, tightness=1.5, **others):
    sizes = {"clients": 6, "edges": 2, "tasks": 3, "models": 5}
    return random_scenario(np.random.default_rng(seed), **sizes, tightness=tightness, **others)


def test_prices_are_the_differences_of_the_program_or_between_those_to_both_sides():
    compared = binding = 0
    for seed in range(55):
        scenario = draw(seed)
        plan = j3o.shadow_prices(scenario, j3o.solve(scenario, j3o.GreedyAO()))
        value = best_routing(scenario, plan)
        for limit in LIMITS:
            prices = np.atleast_1d(getattr(plan.prices, limit))
            for place in range(prices.size):
                where = place if np.ndim(getattr(scenario, limit)) else ()
                step = STEP * np.atleast_1d(getattr(scenario, limit))[place]
                if step == 0.0:
                    continue
                more, less = (
                    (best_routing(changed(scenario, limit, where, 1.0 + sign * STEP), plan) - value) / (sign * step)
                    for sign in (1.0, -1.0)
                )
                noise = 1e-9 / step
                if abs(less - more) <= 1e-3 * less + noise:
                    compared, binding = compared + 1, binding + (more > 10.0 * noise)
                    assert prices[place] == pytest.approx(more, rel=1e-2, abs=2.0 * noise), (seed, limit, place)
                else:
                    assert more * 0.99 - noise <= prices[place] <= less * 1.01 + noise, (seed, limit, place)
    assert compared >= 500
    assert binding >= 150


def test_where_a_limit_is_just_reached_a_price_lies_between_more_and_less():
    between = 0
    for seed in range(6):
        scenario = draw(seed)
        plan = j3o.solve(scenario, j3o.GreedyAO())
        load = scenario.demand * plan.local * scenario.client_model_compute[np.maximum(plan.client_choice, 0)]
        used = np.where(plan.client_choice >= 0, load, 0.0).sum(axis=1)
        scenario = dataclasses.replace(scenario, client_compute=np.where(used > 0.0, used, scenario.client_compute))
        prices = j3o.shadow_prices(scenario, plan).prices
        value = best_routing(scenario, plan)
        for client in np.flatnonzero(used):
            step = STEP * used[client]
            more, less = (
                (best_routing(changed(scenario, "client_compute", client, 1.0 + sign * STEP), plan) - value)
                / (sign * step)
                for sign in (1.0, -1.0)
            )
            noise = 1e-9 / step
            between += less > 1.1 * more + noise
            assert more * 0.99 - noise <= prices.client_compute[client] <= less * 1.01 + noise, (seed, client)
    assert between >= 5


def test_prices_of_memory_are_those_of_the_relaxation():
    binding = 0
    for seed in range(8):
        # Where memory is what is scarce.
        ample = draw(seed, tightness=0.6)
        factors = {"client_memory": 0.2, "edge_memory": 0.2, "cloud_uplink": 0.2, "client_compute": 5.0}
        scenario = dataclasses.replace(ample, **{name: by * getattr(ample, name) for name, by in factors.items()})
        plan = j3o.certify(scenario, j3o.solve(scenario, j3o.FullLocal()), descent_steps=0, tolerance=1e-9)
        prices = j3o.shadow_prices(scenario, plan).prices
        value = j3o.relaxation_bound(scenario)
        for limit in ("client_memory", "edge_memory"):
            for place, price in enumerate(getattr(prices, limit)):
                step = 10.0 * STEP * getattr(scenario, limit)[place]
                more, less = (
                    (j3o.relaxation_bound(changed(scenario, limit, place, 1.0 + 10.0 * sign * STEP)) - value)
                    / (sign * step)
                    for sign in (1.0, -1.0)
                )
                noise = 1e-8 / step
                assert more * 0.99 - noise <= price <= less * 1.01 + noise, (seed, limit, place)
                binding += price > 10.0 * noise
    assert binding >= 8


def test_a_batch_has_the_prices_of_its_scenarios_and_nan_where_there_is_no_plan():
    scenarios = [draw(seed) for seed in range(3)]
    batch = dataclasses.replace(
        scenarios[0],
        **{name: np.stack([getattr(one, name) for one in scenarios]) for name in scenarios[0].arrays()},
    )
    plans = j3o.solve(batch, j3o.FullLocal())
    plans = dataclasses.replace(plans, status=np.where(np.arange(3) == 1, int(j3o.Status.infeasible), plans.status))
    prices = j3o.shadow_prices(batch, plans).prices
    assert np.isnan(prices.client_compute[1]).all()
    assert np.isnan(prices.client_memory).all()
    alone = j3o.shadow_prices(scenarios[2], j3o.solve(scenarios[2], j3o.FullLocal())).prices
    np.testing.assert_allclose(prices.client_compute[2], alone.client_compute, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(prices.cloud_uplink[2], alone.cloud_uplink, rtol=1e-9, atol=1e-15)
    with pytest.raises(ValueError, match=r"shadow_prices: the scenario has the batch axes \[3\]"):
        j3o.shadow_prices(batch, plans[0])


def test_with_batching_a_price_is_of_what_set_ups_leave():
    scenario = draw(3, batching=True)
    plan = j3o.solve(scenario, j3o.FullLocal())
    prices = j3o.shadow_prices(scenario, plan).prices
    # Nothing is opened at edges: their compute brings nothing.
    np.testing.assert_array_equal(prices.edge_compute, 0.0)
    assert (prices.client_compute > 0.0).any()
