"""A scenario's arrays with the instances last, as the batched kernels want them."""

from typing import Any

import jax.numpy as jnp

from j3o_kernels.client_groups import ClientGroups


def client_costs_last(costs: Any, groups: ClientGroups) -> Any:
    """``[M, K, G, B]`` from ``[B, C, M]``; ``[M, 1, 1, B]`` from ``[B, 1, M]``, that of all clients."""
    return edges_last(costs)[:, :, None] if costs.shape[1] == 1 else groups.to_groups(costs)


def edges_last(array: Any) -> Any:
    """``[*rest, E, B]`` from ``[B, E, *rest]``, the rest in reverse."""
    return jnp.transpose(jnp.asarray(array))


def edges_first(array: Any) -> Any:
    """``[B, E, T]`` from ``[T, E, B]``."""
    return jnp.transpose(array)


def of_groups(accuracy: Any, groups: ClientGroups) -> Any:
    """``[T, M, 1, G, B]`` from ``[B, E, M, T]``: that of each group's edge."""
    accuracy = jnp.asarray(accuracy)
    if groups.edge is not None:
        instance = jnp.arange(accuracy.shape[0])[:, None]
        accuracy = accuracy.at[instance, groups.edge].get(mode="fill", fill_value=0.0)
    return jnp.transpose(accuracy, (3, 2, 1, 0))[:, :, None]


def expand_like(numbers: Any, array: Any) -> Any:
    """Numbers of instances ``[B]``, or of edges ``[E, B]``, with as many axes as an array that has these last."""
    return numbers.reshape((1,) * (array.ndim - numbers.ndim) + numbers.shape)
