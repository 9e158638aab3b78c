"""Small dense quasi-definite matrices for whole batches, with the batch on the last axis ("lanes")."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .materialize import block_length, materialize, sum_terms

# Most rows of a block that is eliminated at a time: each pass over a matrix then multiplies as often.
_BLOCK = 8


def inverse(matrices: Array) -> Array:
    """Inverses of quasi-definite matrices by blocked Gauss-Jordan elimination, without pivoting ``[n, n, lanes]``.

    Not by LAPACK: on a CPU its batched calls wait for threads of a pool that they occupy themselves.
    """
    size = matrices.shape[0]
    blocks = -(-size // _BLOCK)
    rows = -(-size // blocks)
    missing = blocks * rows - size
    if blocks == 1:
        return _small_inverse(matrices)
    if missing:
        own = jnp.diag(jnp.asarray([0.0] * size + [1.0] * missing, dtype=matrices.dtype))[:, :, None]
        small = matrices
        matrices = materialize(lambda: jnp.pad(small, ((0, missing), (0, missing), (0, 0))) + own)
    identity = jnp.broadcast_to(jnp.eye(rows, dtype=matrices.dtype)[:, :, None], (rows, rows, matrices.shape[2]))
    numbers = jnp.arange(blocks * rows) // rows

    def eliminate(block: Any, matrix: Array) -> Array:
        start = block * rows
        across = materialize(lambda: jax.lax.dynamic_slice_in_dim(matrix, start, rows, 0))
        down = materialize(
            lambda: jax.lax.dynamic_update_slice_in_dim(
                jax.lax.dynamic_slice_in_dim(matrix, start, rows, 1), -identity, start, 0
            )
        )
        pivot = _small_inverse(materialize(lambda: jax.lax.dynamic_slice_in_dim(across, start, rows, 1)))
        with_own = materialize(lambda: jax.lax.dynamic_update_slice_in_dim(across, identity, start, 1))
        solved = materialize(lambda: sum_terms(pivot[:, row][:, None] * with_own[row][None] for row in range(rows)))
        is_own = numbers == block
        rest = jnp.where(is_own[:, None, None] | is_own[None, :, None], 0.0, matrix)
        return rest - sum_terms(down[:, row][:, None] * solved[row][None] for row in range(rows))

    return jax.lax.fori_loop(0, blocks, eliminate, matrices)[:size, :size]


def _small_inverse(matrices: Array) -> Array:
    """`inverse` of matrices of few rows, one pivot at a time."""
    places = jnp.arange(matrices.shape[0])

    def eliminate(pivot: Any, matrix: Array) -> Array:
        def sweep() -> Array:
            own = places == pivot
            row = jax.lax.dynamic_index_in_dim(matrix, pivot, 0, keepdims=False)
            column = jax.lax.dynamic_index_in_dim(matrix, pivot, 1, keepdims=False)
            corner = jax.lax.dynamic_index_in_dim(row, pivot, 0, keepdims=False)
            row = jnp.where(own[:, None], 1.0, row) * (1.0 / corner)[None]
            column = jnp.where(own[:, None], -1.0, column)
            rest = jnp.where((own[:, None] | own[None, :])[:, :, None], 0.0, matrix)
            return rest - column[:, None] * row[None]

        return materialize(sweep)

    return jax.lax.fori_loop(0, matrices.shape[0], eliminate, matrices)


def outer_products(left: Array, right: Array) -> Array:
    """Σ_k left_ik right_jk, ``[n, n, lanes]`` from ``[n, k, lanes]``."""
    size, count, lanes = left.shape
    step = block_length(count)
    steps, rest = divmod(count, step)

    def products(total: Array, start: Any, many: int) -> Array:
        def part(array: Array) -> Array:
            return jnp.moveaxis(jax.lax.dynamic_slice_in_dim(array, start, many, 1), 1, 0)

        by_row, by_column = materialize(lambda: part(left)), materialize(lambda: part(right))
        return total + sum_terms(by_row[k][:, None] * by_column[k][None] for k in range(many))

    total = jnp.zeros((size, size, lanes), dtype=left.dtype)
    total = jax.lax.fori_loop(0, steps, lambda index, total: products(total, index * step, step), total)
    return products(total, steps * step, rest) if rest else total


def matvec(matrices: Array, vectors: Array) -> Array:
    """Matrix-vector products ``[m, lanes]`` of matrices ``[m, n, lanes]`` and vectors ``[n, lanes]``."""
    size = matrices.shape[1]
    if size <= 2 * _BLOCK:
        return materialize(lambda: sum_terms(matrices[:, k] * vectors[k][None] for k in range(size)))
    return materialize(lambda: jnp.sum(matrices * vectors[None], axis=1))
