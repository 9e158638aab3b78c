"""Some thousand random and degenerate scenarios through all methods: no plan and no proof is wrong."""

import jax
import numpy as np
import pytest
from support import adversary
from support.methods import PER_NODE, SMALL, VARIANTS
from support.oracle import TINY

import j3o_jax as j3o

# As in the tests of each: the programs are the same.
ON_DEVICE = {"J3O": j3o.J3O(), "PriceDirected": j3o.PriceDirected(max_iterations=40, patience=20, gap=0.0, chunk=8)}
ON_HOST = {"ExactMILP": j3o.ExactMILP(gap=1e-6), "FullLocal": j3o.FullLocal(), "GreedyAO": j3o.GreedyAO()}


def drawn(seeds, sizes, variant):
    return jax.tree.map(lambda *arrays: np.stack(arrays), *[adversary.draw(seed, sizes, **variant) for seed in seeds])


@pytest.mark.parametrize("variant", VARIANTS + PER_NODE, ids=str)
def test_no_plan_and_no_proof_is_wrong(variant):
    batch = drawn(range(300), SMALL, variant)
    assert list(adversary.attack(batch, ON_DEVICE)) == []
    assert list(adversary.attack(batch[:16], ON_DEVICE | ON_HOST)) == []


@pytest.mark.parametrize("variant", VARIANTS + PER_NODE, ids=str)
def test_none_is_wrong_by_enumeration(variant):
    for first in (1000, 1012):
        batch = drawn(range(first, first + 12), TINY, variant)
        assert list(adversary.attack(batch, ON_DEVICE | ON_HOST, enumerate_all=True)) == []


def test_what_is_wrong_is_found_and_shrunk(monkeypatch):
    scenario = adversary.draw(7, SMALL, batching=False, allow_unserved=True)
    batch = jax.tree.map(lambda array: np.asarray(array)[None], scenario)
    true = j3o.solve

    def lying(scenario, *given, **options):
        plans = true(scenario, *given, **options)
        return plans.__class__(**{**vars(plans), "bound": 0.5 * plans.objective})

    monkeypatch.setattr(j3o, "solve", lying)
    methods = {"FullLocal": ON_HOST["FullLocal"]}
    assert {finding.method for finding in adversary.attack(batch, methods)} == {"FullLocal"}

    def fails(scenario):
        batch = jax.tree.map(lambda array: np.asarray(array)[None], scenario)
        return any("has the bound" in finding.what for finding in adversary.attack(batch, methods))

    small = adversary.shrink(scenario, fails, most=100)
    assert fails(small)
    assert (small.edge_memory == 0.0).all()
