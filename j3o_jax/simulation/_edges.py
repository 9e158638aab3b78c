"""Measurements at the edges and clients of some replications, on the device."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from j3o_kernels.batch_queue import (
    batch_seconds,
    completions,
    delay_distribution,
    delay_quantiles,
    late_requests,
    poisson,
    poisson_at_clients,
    poisson_requests,
    truncate_to_window,
)

from .._compiled_functions import program_at
from .._types import AnyArray


class Windows(NamedTuple):
    """The edges of a simulation.

    `window` seconds ``[E]``; `setup` and `seconds` per request ``[E, T]``; `runs` is 1 where an edge's run has this
    window, else 0 ``[N, E]``; `grid` delays in windows ``[G]``; `levels` between 0 and 1 ``[Q]``.
    """

    window: AnyArray
    setup: AnyArray
    seconds: AnyArray
    runs: AnyArray
    grid: AnyArray
    levels: AnyArray


class AtEdges(NamedTuple):
    """Figures of the edges; with the replications in front. `work` is in seconds, `delay` too; counts elsewhere."""

    requests: AnyArray  # [E, T]
    kept: AnyArray  # [E, T]
    squares: AnyArray  # [E, T], of the sizes of batches
    late: AnyArray  # [E, T]
    work: AnyArray  # [E]
    delay: AnyArray  # [Q, E, T]
    distribution: AnyArray  # [G, E, T]


class AtClients(NamedTuple):
    """Counts of requests that are answered by clients, by the cloud and by nobody; with the replications in front."""

    local: AnyArray  # [C, T]
    elsewhere: AnyArray  # [2, C, T]
    overloaded: AnyArray  # [C], windows


class Rates(NamedTuple):
    """Poisson streams: requests expected in a window at edges ``[E, T]`` and clients ``[C, T]``, elsewhere in all.

    `seconds` and `window` are those of the clients ``[C, T]``, ``[C]``, `runs` as in `Windows` ``[N, C]``.
    """

    edge: AnyArray
    local: AnyArray
    elsewhere: AnyArray
    seconds: AnyArray
    window: AnyArray
    runs: AnyArray


@program_at("full")
def measure(requests: AnyArray, windows: Windows, drop: bool) -> AtEdges:
    """Figures of the edges for counts of requests ``[R, N, E, T]``."""
    return jax.vmap(lambda counts: _measure(counts, windows, drop))(requests)


@program_at("full")
def draw_and_measure(
    key: AnyArray, numbers: AnyArray, windows: Windows, rates: Rates, drop: bool
) -> tuple[AtEdges, AtClients]:
    """Figures of the replications with the given numbers, each with draws of its own that depend on nothing else."""

    def one(number: jax.Array) -> tuple[AtEdges, AtClients]:
        at_edges, at_clients, elsewhere = jax.random.split(jax.random.fold_in(key, number), 3)
        requests = poisson_requests(at_edges, rates.edge, windows.runs)
        local, over = poisson_at_clients(at_clients, rates.local, rates.seconds, rates.window, rates.runs)
        return _measure(requests, windows, drop), AtClients(local, poisson(elsewhere, rates.elsewhere), over)

    return jax.vmap(one)(numbers)


def _measure(requests: AnyArray, windows: Windows, drop: bool) -> AtEdges:
    times = (windows.setup, windows.seconds)
    kept = truncate_to_window(requests, windows.window, *times) if drop else requests
    taken = batch_seconds(kept, *times)
    ends = completions(taken, windows.window)
    return AtEdges(
        requests=jnp.sum(requests, axis=0),
        kept=jnp.sum(kept, axis=0),
        squares=jnp.sum(kept**2, axis=0),
        late=late_requests(kept, ends, windows.window),
        work=jnp.sum(taken, axis=(0, 2)),
        delay=delay_quantiles(kept, ends, windows.window, windows.levels),
        distribution=delay_distribution(kept, ends, windows.window, windows.grid),
    )
