"""J3O as one program on the device: the same plans as on the host, whatever the batch, its chunks and its grid."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest
from support import methods

import j3o_jax as j3o
from j3o_jax._batched import compiled_programs

ON_HOST = j3o.J3O(lp=j3o.CvxpyLP())


def draw_batch(count, **keywords):
    return methods.draw_batch(count, tightness=1.5, **keywords)


@pytest.mark.parametrize("variant", [{}, {"batching": True, "allow_unserved": False}], ids=str)
def test_plans_are_those_of_the_rounds_on_the_host(variant):
    batch = draw_batch(12, **variant)
    device, host = j3o.solve(batch), j3o.solve(batch, ON_HOST)
    success = np.isin(device.status, [s for s in j3o.Status if s.success])
    np.testing.assert_array_equal(j3o.check(batch, device).ok, success)
    both = success & np.isfinite(host.objective)
    assert both.any()
    # Solvers choose among equal answers each in their own way, and later rounds build on that.
    loss = (host.objective - device.objective)[both]
    assert loss.mean() <= 1e-3
    rise = np.diff(device.history, axis=1)
    assert (rise[np.isfinite(rise)] >= 0).all()


def assert_same_plans(some, all_of_them):
    count = some.objective.size
    for field in ("client_choice", "edge_choice", "client_models", "edge_models", "status"):
        np.testing.assert_array_equal(getattr(some, field), getattr(all_of_them, field)[:count])
    np.testing.assert_allclose(some.objective, all_of_them.objective[:count], rtol=0, atol=1e-9)


@pytest.mark.parametrize("variant", [{}, {"batching": True}], ids=str)
def test_answers_depend_neither_on_the_batch_nor_on_its_chunks(variant):
    batch = draw_batch(300, **variant)
    whole = j3o.solve(batch)
    assert j3o.check(batch, whole).ok.all()
    for count in (1, 7, 64):
        assert_same_plans(j3o.solve(batch[:count]), whole)
    assert_same_plans(j3o.solve(batch[:12], j3o.J3O(chunk=5)), whole)


ON_FOUR_DEVICES = """
import sys
import jax
import numpy as np
import j3o_jax as j3o
batch = j3o.load(sys.argv[1])
plans = j3o.solve(batch)
assert j3o.check(batch, plans).ok.all()
assert jax.local_device_count() == 4
j3o.save(plans, sys.argv[2])
"""


def test_four_devices_give_the_plans_of_one(tmp_path):
    batch, given, out = draw_batch(30), tmp_path / "batch.npz", tmp_path / "plans.npz"
    j3o.save(batch, given)
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", ON_FOUR_DEVICES, given, out], check=True, env=os.environ | flags)
    assert jax.local_device_count() == 1
    assert_same_plans(j3o.load(out), j3o.solve(batch))


def test_solve_can_be_transformed():
    batch = draw_batch(5)
    one_by_one = j3o.solve(batch)
    bad = jax.tree.map(np.copy, batch)
    bad.demand[3, 0, 0] = np.nan
    with jax.enable_x64(True):
        together = jax.tree.map(np.asarray, jax.jit(jax.vmap(j3o.solve), compiler_options=methods.QUICKLY)(bad))
    assert together.status[3] == j3o.Status.invalid
    assert np.isnan(together.objective[3])
    for index in (0, 1, 2, 4):
        assert_same_plans(together[index : index + 1], one_by_one[index : index + 1])
    with pytest.raises(ValueError, match="needs double precision"):
        jax.jit(j3o.solve)(batch)
    with jax.enable_x64(True), pytest.raises(TypeError, match="works on the host"):
        jax.jit(lambda scenario: j3o.solve(scenario, j3o.FullLocal()))(batch)


def test_a_grid_of_step_sizes_comes_before_the_batch_and_compiles_once():
    batch = draw_batch(20)
    before = compiled_programs()
    solutions = []
    for steps in (np.geomspace(0.05, 5.0, 8), np.geomspace(0.02, 2.0, 8)):
        method = j3o.J3O(multiplier=j3o.Subgradient(step_size=steps, steps=10))
        solutions.append(j3o.solve(batch, method))
    assert compiled_programs() == before + 1
    assert solutions[0].objective.shape == (8, 20)
    one = j3o.J3O(multiplier=j3o.Subgradient(step_size=2.0, steps=10))
    np.testing.assert_allclose(j3o.solve(batch, one).objective, solutions[1].objective[-1], atol=1e-9)


def test_arguments_that_make_no_sense_are_named():
    with pytest.raises(ValueError, match="steps: must be at least 1"):
        j3o.DualSearch(steps=0)
    with pytest.raises(ValueError, match="chunk: must be at least 1"):
        j3o.J3O(chunk=0)
    with pytest.raises(ValueError, match="needs lp=HierarchicalLP"):
        j3o.J3O(lp=j3o.CvxpyLP(), multiplier=j3o.Subgradient(step_size=np.ones(2)))
