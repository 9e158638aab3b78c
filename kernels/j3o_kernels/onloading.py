"""Onloading step of a scenario's nodes, and the parts of it that its methods share.

All nodes, clients and edges alike, are rows of one problem: maximise Σ_t gain of the chosen models within the node's
memory (size ≤ budget) and compute (load ≤ capacity). GREEDY-LR (Algorithm 2) for it is in `batched_onloading.py`.
"""

from typing import Any, NamedTuple

from jaxtyping import Array, Float, Int

from .offloading import AnyArray


class NodeProblem(NamedTuple):
    """Data of the onloading step of all nodes V.

    - `gain`: accuracy that a model would earn on a task's queries at this node, weighted by demand. ``[V, M, T]``
    - `load`: compute that it would take, in the unit of `capacity`. ``[V, M, T]``
    - `setup`: what it would take besides, however little of the task it serves. ``[V, M, T]``
    - `size`: MB. ``[V, M]``
    - `budget`: memory, MB. ``[V]``
    - `capacity`: compute. ``[V]``
    """

    gain: Float[Array, "V M T"]
    load: Float[Array, "V M T"]
    setup: Float[Array, "V M T"]
    size: Float[Array, "V M"]
    budget: Float[Array, " V"]
    capacity: Float[Array, " V"]


def chosen(values: Float[AnyArray, "V M T"], choice: Int[AnyArray, "V T"]) -> Any:
    """`values` of the chosen models, 0 where none is chosen ``[V, T]``."""
    xp = values.__array_namespace__()
    taken = xp.take_along_axis(values, xp.maximum(choice, 0)[:, None, :], axis=1)[:, 0, :]
    return xp.where(choice >= 0, taken, 0.0)


def servable_shares(
    gain: Float[AnyArray, "V T"], load: Float[AnyArray, "V T"], capacity: Float[AnyArray, " V"]
) -> Float[AnyArray, "V T"]:
    """Fractional knapsack: share of each task to serve for the most gain within the capacity ``[V, T]``."""
    xp = load.__array_namespace__()
    needs = load > 0.0
    ratio = xp.where(needs, gain / xp.where(needs, load, 1.0), xp.inf)
    order = xp.argsort(-ratio, axis=1, stable=True)
    sorted_load = xp.take_along_axis(load, order, axis=1)
    left = capacity[:, None] - (xp.cumsum(sorted_load, axis=1) - sorted_load)
    share = xp.where(sorted_load > 0.0, xp.clip(left / xp.where(sorted_load > 0.0, sorted_load, 1.0), 0.0, 1.0), 1.0)
    return xp.take_along_axis(share, xp.argsort(order, axis=1), axis=1)
