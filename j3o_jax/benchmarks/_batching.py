"""Windows and set-up times of a benchmark's edges."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._scenario import Batching
from ._parameters import LARGEST


def batching_of(
    values: Mapping[str, Any], fields: Mapping[str, np.ndarray], *, edges_differ: bool = False
) -> Batching | None:
    """`Batching` with ν = setup_ratio · w/β_e, or `setup` seconds for every model; None without a window.

    The paper fits ν to latencies that it does not print. Straight lines fitted to published latencies of other
    vision models have ν at 0.3 to 1.3 times the time per query, so any ratio is an assumption.

    **Arguments:** `values`: `batching_window`, `setup_ratio` and `setup`, each ``[]`` or ``[n]`` or None.
    `fields`: `edge_compute` ``[*batch, E]`` and, as drawn, `edge_model_compute` ``[*batch, M]``, or ``[*batch, E, M]``
    where `edges_differ`.
    """
    if values["batching_window"] is None:
        return None
    capacity = fields["edge_compute"][..., :, None]
    compute = fields["edge_model_compute"]
    compute = compute if edges_differ else compute[..., None, :]
    shape = np.broadcast_shapes(capacity.shape, compute.shape)
    if values["setup"] is not None:
        return with_setup(values["batching_window"], values["setup"][..., None, None] + np.zeros(shape))
    # An edge without compute, or next to none, serves nothing, so any finite ν will do.
    seconds = np.divide(compute, capacity, out=np.zeros(shape), where=capacity > compute / LARGEST)
    return with_setup(values["batching_window"], values["setup_ratio"][..., None, None] * seconds)


def with_setup(window: np.ndarray, setup: np.ndarray) -> Batching:
    """`Batching` with one window ``[]`` or ``[n]`` for all edges, and set-up times ``[E, M]`` or ``[n, E, M]``.

    Where one of them has a batch axis, both get it.
    """
    batch = np.broadcast_shapes(window.shape, setup.shape[:-2])
    edges_models = setup.shape[-2:]
    return Batching(
        window=np.broadcast_to(window[..., None], (*batch, edges_models[0])),
        setup=np.broadcast_to(setup, (*batch, *edges_models)),
    )
