"""The multiplier update is (19), may be traced, and never goes below zero."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from j3o_kernels.multipliers import inverse_square_root, projected_subgradient


def run(step_size, violations):
    optimizer = projected_subgradient(inverse_square_root(step_size))
    multiplier = jnp.zeros(violations.shape[1])
    state = optimizer.init(multiplier)
    path = []
    for violation in violations:
        update, state = optimizer.update(-violation, state, multiplier)
        multiplier = optax.apply_updates(multiplier, update)
        path.append(multiplier)
    return jnp.stack(path)


def test_update_is_equation_19():
    violations = np.random.default_rng(0).normal(size=(12, 4))
    expected, multiplier = [], np.zeros(4)
    for k, violation in enumerate(violations, start=1):
        multiplier = np.maximum(multiplier + 0.7 / np.sqrt(k) * violation, 0.0)
        expected.append(multiplier)
    with jax.enable_x64(True):
        path = np.asarray(run(0.7, jnp.asarray(violations)))
    np.testing.assert_allclose(path, expected, rtol=1e-12)
    assert (path >= 0).all()
    assert (path == 0).any()


def test_a_grid_of_step_sizes_is_a_vmap():
    violations = jnp.asarray(np.random.default_rng(1).normal(size=(8, 3)), dtype=jnp.float32)
    steps = jnp.array([0.1, 1.0, 3.0])
    grid = jax.vmap(lambda step: run(step, violations))(steps)
    for index, step in enumerate(steps):
        np.testing.assert_allclose(grid[index], run(float(step), violations), rtol=1e-6)


@pytest.mark.parametrize("optimizer", [optax.adam(0.1), optax.sgd(0.1, momentum=0.9)])
def test_other_optax_transformations_stay_non_negative_when_projected(optimizer):
    projected = optax.chain(optimizer, optax.keep_params_nonnegative())
    multiplier, state = jnp.zeros(3), projected.init(jnp.zeros(3))
    with jax.numpy_dtype_promotion("standard"):  # optax itself mixes integers and floats
        for violation in np.random.default_rng(2).normal(size=(20, 3)).astype(np.float32):
            update, state = projected.update(-jnp.asarray(violation), state, multiplier)
            multiplier = optax.apply_updates(multiplier, update)
            assert (multiplier >= 0).all()
