"""Placement at prices, against its definition in plain NumPy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.methods import QUICKLY
from support.scenarios import at_nodes, random_scenario, stack

from j3o_jax.methods.dual_bound import DualBound
from j3o_jax.methods.few_shapes import sizes_of
from j3o_jax.methods.price_policy import PricePolicy, PriceSettings
from j3o_kernels.client_groups import group_clients
from j3o_kernels.price_placement import CapacityPrices, Choices, Perturbation, place_at_prices

BATCH = 6


@functools.partial(jax.jit, compiler_options=QUICKLY)
def choices_at(batch, groups, prices, uncertainty):
    """Choices ``[B, C, T]`` and ``[B, E, T]`` at prices of all of a batch's instances."""
    rows, columns = groups.slots.shape[1:]
    nothing = CapacityPrices(
        jnp.zeros((BATCH, columns, rows)),
        jnp.zeros((BATCH, batch.edges)),
        jnp.zeros((BATCH, batch.edges)),
        jnp.zeros(BATCH),
    )
    own = jax.tree.map(jnp.asarray, sizes_of(batch))
    policy = PricePolicy(batch, groups, DualBound(jnp.ones(BATCH), nothing, None), 0.0, own, PriceSettings(1, 1))
    before = policy.init().response
    trial = Perturbation(
        jnp.full(BATCH, uncertainty),
        jnp.ones((rows, columns, BATCH), bool),
        jnp.ones((batch.edges, BATCH), bool),
        jnp.ones((batch.models, rows, columns, BATCH)),
        jnp.ones((batch.models, batch.edges, BATCH)),
    )
    spread = prices._replace(client=groups.to_groups(prices.client), compute=prices.compute.T, uplink=prices.uplink.T)
    placed = place_at_prices(policy.market, spread, before, trial)
    return groups.from_groups(placed.client), jnp.transpose(placed.edge, (2, 1, 0))


@pytest.mark.parametrize(("uneven", "per_node"), [(False, False), (True, False), (True, True)])
def test_nodes_hold_what_leaves_most_at_the_prices(uneven, per_node):
    sizes = {"clients": 7, "edges": 3, "tasks": 3, "models": 4, "per_node": per_node}
    batch = stack([random_scenario(np.random.default_rng(seed), **sizes) for seed in range(BATCH)])
    batch = jax.tree.map(np.asarray, batch)
    if uneven:
        batch.client_edge[...] = np.where(np.arange(7) < 6, 0, batch.client_edge)
    # An edge that had no client has no capacities.
    for name in ("edge_uplink", "edge_compute"):
        getattr(batch, name)[...] += 1.0
    # Room for one model only, so that the best set is found by looking at all of them.
    for memory, size in (
        (batch.client_memory, batch.client_model_memory),
        (batch.edge_memory, batch.edge_model_memory),
    ):
        memory[...] = size.max(axis=-1) if per_node else size.max(axis=-1, keepdims=True)
        size[...] = memory[..., None] if per_node else memory[:, :1]
    rng = np.random.default_rng(1)
    prices = CapacityPrices(
        rng.exponential(0.02, (BATCH, 7)),
        rng.exponential(0.01, (BATCH, 3)),
        rng.exponential(0.1, (BATCH, 3)),
        rng.exponential(0.1, BATCH),
    )
    tau = 0.02
    with jax.enable_x64(True):
        groups = group_clients(batch.client_edge, batch.edges)
        client, edge = map(np.asarray, choices_at(batch, groups, prices, tau))

    def lead(leaves, elsewhere):
        x = leaves - elsewhere
        return np.where(x >= tau, x, np.maximum(x + tau, 0.0) ** 2 / (4 * tau))

    for b in range(BATCH):
        home = batch.client_edge[b]
        weight = batch.demand[b] / batch.demand[b].sum()
        data = batch.input_size[b]
        cloud = np.maximum(batch.cloud_accuracy[b] - np.outer(prices.uplink[b][home] + prices.cloud[b], data), 0.0)
        at_edge = np.zeros((7, 3))
        for e in range(3):
            accuracy = batch.edge_accuracy[b, e]
            cost = at_nodes(batch[b], "edge_model_compute")[e]
            leaves = accuracy - (prices.compute[b, e] * cost)[:, None] - prices.uplink[b, e] * data
            own = home == e
            earned = np.where(accuracy > 0, (weight[own, None] * lead(leaves, cloud[own][:, None])).sum(axis=0), 0.0)
            held = set(edge[b, e]) - {-1}
            assert len(held) <= 1
            assert earned.sum(axis=1).max() == pytest.approx(earned[list(held)].sum(), abs=1e-12)
            for model in held:
                at_edge[own] = np.where(accuracy[model] > 0, np.maximum(leaves[model], 0.0), 0.0)
        for c in range(7):
            accuracy = batch.client_accuracy[b, home[c]]
            leaves = accuracy - (prices.client[b, c] * at_nodes(batch[b], "client_model_compute")[c])[:, None]
            elsewhere = np.maximum(cloud[c], at_edge[c])
            earned = np.where(accuracy > 0, weight[c] * lead(leaves, elsewhere), 0.0)
            held = set(client[b, c]) - {-1}
            assert earned.sum(axis=1).max() == pytest.approx(earned[list(held)].sum(), abs=1e-12)


@functools.partial(jax.jit, compiler_options=QUICKLY)
def placed_at_first_prices(batch, groups, before, free):
    """Choices at the prices of a relaxation that knows of none, where some clients and no edges are free to choose."""
    rows, columns = groups.slots.shape[1:]
    zero = jnp.zeros(BATCH)
    nothing = CapacityPrices(
        jnp.zeros((BATCH, columns, rows)), jnp.zeros((BATCH, 3)), jnp.zeros((BATCH, 3)), jnp.zeros(BATCH)
    )
    own = jax.tree.map(jnp.asarray, sizes_of(batch))
    policy = PricePolicy(batch, groups, DualBound(zero, nothing, None), 0.0, own, PriceSettings(1, 1))
    trial = Perturbation(
        zero,
        free,
        jnp.zeros((3, BATCH), bool),
        jnp.ones((4, rows, columns, BATCH)),
        jnp.ones((4, 3, BATCH)),
    )
    return place_at_prices(policy.market, policy.init().prices, before, trial)


def test_nodes_that_are_not_free_keep_their_choices():
    sizes = {"clients": 7, "edges": 3, "tasks": 3, "models": 4}
    batch = stack([random_scenario(np.random.default_rng(seed), **sizes) for seed in range(BATCH)])
    groups = group_clients(np.asarray(batch.client_edge), batch.edges)
    rows, columns = groups.slots.shape[1:]
    rng = np.random.default_rng(0)
    drawn = rng.integers(-1, 4, (3, rows, columns, BATCH)), rng.integers(-1, 4, (3, 3, BATCH))
    with jax.enable_x64(True):
        before = Choices(*drawn)
        free = rng.random((rows, columns, BATCH)) < 0.5
        placed = placed_at_first_prices(batch, groups, before, free)
    np.testing.assert_array_equal(placed.edge, before.edge)
    kept = np.broadcast_to(~free, before.client.shape)
    np.testing.assert_array_equal(np.asarray(placed.client)[kept], before.client[kept])
