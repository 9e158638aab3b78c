"""J3O as one program on the device: the same plans as on the host, whatever the batch, its chunks and its grid."""

import numpy as np
import pytest
from support.scenarios import random_scenario, stack

import j3o_jax as j3o
from j3o_jax._batched import compiled_programs

ON_DEVICE = j3o.J3O(lp=j3o.HierarchicalLP(), multiplier=j3o.DualSearch())
ON_HOST = j3o.J3O(multiplier=j3o.DualSearch())


def draw_batch(count, **keywords):
    sizes = {"clients": 6, "edges": 2, "tasks": 3, "models": 5, "tightness": 1.5} | keywords
    return stack([random_scenario(np.random.default_rng(seed), **sizes) for seed in range(count)])


@pytest.mark.parametrize("variant", [{}, {"batching": True, "allow_unserved": False}], ids=str)
def test_plans_are_those_of_the_rounds_on_the_host(variant):
    batch = draw_batch(12, **variant)
    device, host = j3o.solve(batch, ON_DEVICE), j3o.solve(batch, ON_HOST)
    success = np.isin(device.status, [s for s in j3o.Status if s.success])
    np.testing.assert_array_equal(j3o.check(batch, device).ok, success)
    both = success & np.isfinite(host.objective)
    assert both.any()
    # Solvers choose among equal answers each in their own way, and later rounds build on that.
    loss = (host.objective - device.objective)[both]
    assert loss.mean() <= 1e-3
    rise = np.diff(device.history, axis=1)
    assert (rise[np.isfinite(rise)] >= 0).all()


def test_answers_depend_neither_on_the_batch_nor_on_its_chunks():
    batch = draw_batch(12)
    whole = j3o.solve(batch, ON_DEVICE)
    for other in (
        stack([j3o.solve(batch[index], ON_DEVICE) for index in range(3)]),
        j3o.solve(batch, j3o.J3O(lp=j3o.HierarchicalLP(), multiplier=j3o.DualSearch(), chunk=5)),
    ):
        count = other.objective.size
        np.testing.assert_array_equal(other.client_choice, whole.client_choice[:count])
        np.testing.assert_array_equal(other.edge_choice, whole.edge_choice[:count])
        np.testing.assert_allclose(other.objective, whole.objective[:count], rtol=0, atol=1e-9)


def test_a_grid_of_step_sizes_comes_before_the_batch_and_compiles_once():
    batch = draw_batch(4)
    before = compiled_programs()
    solutions = []
    for steps in (np.array([0.1, 1.0]), np.array([0.5, 2.0])):
        method = j3o.J3O(lp=j3o.HierarchicalLP(), multiplier=j3o.Subgradient(step_size=steps, steps=10))
        solutions.append(j3o.solve(batch, method))
    assert compiled_programs() == before + 1
    assert solutions[0].objective.shape == (2, 4)
    one = j3o.J3O(lp=j3o.HierarchicalLP(), multiplier=j3o.Subgradient(step_size=2.0, steps=10))
    np.testing.assert_allclose(j3o.solve(batch, one).objective, solutions[1].objective[1], atol=1e-9)


def test_arguments_that_make_no_sense_are_named():
    with pytest.raises(ValueError, match="steps: must be at least 1"):
        j3o.DualSearch(steps=0)
    with pytest.raises(ValueError, match="chunk: must be at least 1"):
        j3o.J3O(chunk=0)
    with pytest.raises(ValueError, match="needs lp=HierarchicalLP"):
        j3o.J3O(multiplier=j3o.Subgradient(step_size=np.ones(2)))
