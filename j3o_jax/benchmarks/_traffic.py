"""Who asks for how much, and how much of it the uplinks carry (Section VI-A2 of the paper)."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from ._recipe import Sizes

TRACED = (
    "total_demand",
    "client_concentration",
    "task_concentration",
    "edge_uplink_fraction",
    "cloud_uplink_fraction",
)
"""Parameters that the functions below take from `numbers`."""


def client_blocks(sizes: Sizes) -> np.ndarray:
    """Index ``[C]`` of each client's edge: contiguous blocks of clients, as equal as possible."""
    return np.arange(sizes.clients) * sizes.edges // sizes.clients


def dirichlet_demand(key: jax.Array, sizes: Sizes, numbers: Mapping[str, jax.Array]) -> jax.Array:
    """λ ``[C, T]`` = λ_tot · Dirichlet(p_client) over clients × Dirichlet(p_task) over each one's tasks, queries/s.

    The logarithms of all gamma variates are drawn at once, which halves the time to compile, and stay
    logarithms until they are shares, so that tiny concentrations do not underflow.
    """
    C, T = sizes.clients, sizes.tasks
    concentrations = jnp.concatenate(
        [
            jnp.full(C, numbers["client_concentration"]),
            jnp.full(C * T, numbers["task_concentration"]),
        ]
    )
    gammas = jax.random.loggamma(key, concentrations)
    of_clients = jax.nn.softmax(gammas[:C])
    of_tasks = jax.nn.softmax(gammas[C:].reshape(C, T), axis=-1)
    return numbers["total_demand"] * of_clients[:, None] * of_tasks


def uplinks(
    demand: jax.Array, input_size: jax.Array, sizes: Sizes, numbers: Mapping[str, jax.Array]
) -> dict[str, jax.Array]:
    """κ_e ``[E]`` = χ_e Σ_{c∈C_e} λ_ct d_t and κ_s ``[]`` = χ_s Σ λ_ct d_t, MB/s.

    A sum over a mask, where a scatter would add in any order on an accelerator.
    """
    client_input = jnp.sum(demand * input_size[None, :], axis=1)
    connected = client_blocks(sizes)[None, :] == np.arange(sizes.edges)[:, None]
    edge_input = jnp.sum(jnp.where(connected, client_input[None, :], 0.0), axis=1)
    return {
        "edge_uplink": numbers["edge_uplink_fraction"] * edge_input,
        "cloud_uplink": numbers["cloud_uplink_fraction"] * jnp.sum(client_input),
    }
