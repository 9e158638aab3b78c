"""Bounds of all options from the certificates of a few: never below the optimum of any."""

import numpy as np
import pytest
from support.methods import SMALL
from support.oracle import TINY, brute_force
from support.scenarios import random_scenario, with_switching

import j3o_jax as j3o
from bench.sizing import every_pick, small_choices
from j3o_jax.methods.node_bounds import node_bounds
from j3o_jax.sizing import Options
from j3o_jax.sizing._upper_bounds import UpperBounds


def certified(scenarios):
    return j3o.certify(scenarios, j3o.solve(scenarios, j3o.FullLocal()), descent_steps=10)


@pytest.mark.parametrize("variant", [{}, {"batching": True}, {"per_node": True}, {"moving": True}], ids=str)
def test_no_bound_is_below_brute_force(variant):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        own = {name: value for name, value in variant.items() if name != "moving"}
        scenario = random_scenario(rng, **TINY, **own)
        if "moving" in variant:
            scenario = with_switching(scenario, rng, 1e-3)
        options = Options(scenario, small_choices(scenario, rng, numbers=(3, 2, 1, 2)))
        picks = every_pick(options)
        scenarios = options.scenarios(picks)
        some = rng.choice(options.count, size=3, replace=False)
        proof = certified(options.scenarios(picks[some]))
        bound = UpperBounds(options).at(proof.certificate, picks)
        best = np.array([brute_force(scenarios[number]).objective for number in range(options.count)])
        assert (bound >= best * (1.0 - 1e-9) - 1e-12).all()
        # At its own certificate an option's bound is the proven one, at prices of compute at least as good.
        assert (bound[some] <= proof.bound * (1.0 + 1e-6)).all()


def test_links_that_are_closed_or_without_end():
    rng = np.random.default_rng(3)
    scenario = random_scenario(rng, **TINY)
    choices = [
        j3o.Choice(name, tuple(j3o.Alternative(f"{value}", 1.0, {field: value}) for value in values), edges=edges)
        for name, field, values, edges in (
            ("uplink", "edge_uplink", (0.0, float(scenario.edge_uplink[0]), np.inf), (0,)),
            ("cloud", "cloud_uplink", (0.0, float(scenario.cloud_uplink), np.inf), ()),
            ("compute", "edge_compute", (0.0, float(scenario.edge_compute[0]), np.inf), (0,)),
        )
    ]
    options = Options(scenario, choices)
    picks = every_pick(options)
    scenarios = options.scenarios(picks)
    best = np.array([brute_force(scenarios[number]).objective for number in range(options.count)])
    proof = certified(scenarios)
    for number in range(options.count):
        bound = UpperBounds(options).at(_one(proof, number), picks)
        assert (bound >= best * (1.0 - 1e-9) - 1e-12).all()


def _one(proof, number):
    return proof[[number]].certificate


def test_terms_do_not_depend_on_the_batch():
    scenario = random_scenario(np.random.default_rng(0), **SMALL)
    options = Options(scenario, small_choices(scenario, np.random.default_rng(1)))
    scenarios = options.scenarios(every_pick(options)[:9]).flattened()
    proof = certified(scenarios)
    together = node_bounds(scenarios, proof.certificate)
    alone = node_bounds(scenarios[[4]], _one(proof, 4))
    for one, all_of_them in zip(alone, together, strict=True):
        np.testing.assert_allclose(one[0], all_of_them[4], rtol=1e-12, atol=1e-15)
