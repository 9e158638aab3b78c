"""Queues of batches at edges: windows of requests in, when every batch ends and how long its requests waited out.

At the end of each of its windows an edge runs one batch for each task, in the order of the tasks, after whatever is
left over from earlier windows. Functions of one replication; replications go through `jax.vmap`. Times are in seconds,
and counts of requests are floats. Axes: ``N`` windows, ``E`` edges, ``T`` tasks, ``C`` clients, ``G`` points of a
grid, ``Q`` quantiles.

Given its count, the requests of a Poisson stream are spread evenly over their window, so that a batch which ends c
seconds after its window has delays spread evenly over [c, c + window]. All distributions here are mixtures of those,
one for each batch: exact, and independent of how many requests there are.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from .offloading import AnyArray
from .tolerances import ROUNDING

# Halvings of an interval of delays: its width falls by 1e-15.
_HALVINGS = 50


def batch_seconds(
    requests: Float[AnyArray, "N E T"], setup: Float[AnyArray, "E T"], seconds: Float[AnyArray, "E T"]
) -> Float[Array, "N E T"]:
    """Service time of each batch: ν + (w/β)·b for b requests, 0 for none ``[N, E, T]``."""
    return jnp.where(requests > 0.0, setup[None] + seconds[None] * requests, 0.0)


def backlog(work: Float[AnyArray, "N E"], window: Float[AnyArray, " E"]) -> Float[Array, "N E"]:
    """Seconds of earlier work that are left at each window's end, before its own batches: Lindley's recursion.

    Nothing is left at the end of the first window; after that r ← max(0, r + work − window). ``[N, E]``
    """

    def step(left: Array, work: Array) -> tuple[Array, Array]:
        return jnp.maximum(left + work - window, 0.0), left

    return jax.lax.scan(step, jnp.zeros_like(jnp.asarray(window)), jnp.asarray(work))[1]


def completions(taken: Float[AnyArray, "N E T"], window: Float[AnyArray, " E"]) -> Float[Array, "N E T"]:
    """Seconds from the end of each window to the end of its batches, which take `taken` seconds ``[N, E, T]``."""
    return backlog(jnp.sum(taken, axis=2), window)[:, :, None] + jnp.cumsum(taken, axis=2)


def truncate_to_window(
    requests: Float[AnyArray, "N E T"],
    window: Float[AnyArray, " E"],
    setup: Float[AnyArray, "E T"],
    seconds: Float[AnyArray, "E T"],
) -> Float[Array, "N E T"]:
    """Truncate batches so that each ends within a window of its window's end; the requests kept of each.

    Batches are cut to what fits after those of the tasks before them; where not a single request fits, nothing is
    left of them. So no edge ever has a backlog, and no request waits longer than two windows. ``[N, E, T]``
    """

    def step(start: Array, task: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        wanted, setup, seconds = task
        room = window - start - setup
        most = jnp.floor(room / jnp.where(seconds > 0.0, seconds, 1.0) * (1.0 + ROUNDING) + ROUNDING)
        most = jnp.where(seconds > 0.0, most, jnp.inf)
        kept = jnp.where(room >= 0.0, jnp.minimum(wanted, most), 0.0)
        return start + jnp.where(kept > 0.0, setup + seconds * kept, 0.0), kept

    tasks = (jnp.moveaxis(jnp.asarray(requests), 2, 0), jnp.asarray(setup).T, jnp.asarray(seconds).T)
    # All windows at once, for none of them hands work on: only the tasks are in turn.
    ordered = jax.vmap(
        lambda counts: jax.lax.scan(step, jnp.zeros_like(jnp.asarray(window)), (counts, *tasks[1:]))[1],
        in_axes=1,
        out_axes=1,
    )(tasks[0])
    return jnp.moveaxis(ordered, 0, 2)


def late_requests(
    requests: Float[AnyArray, "N E T"], completion: Float[AnyArray, "N E T"], window: Float[AnyArray, " E"]
) -> Float[Array, "E T"]:
    """Mean number of requests with a delay of more than two windows ``[E, T]``."""
    return jnp.sum(requests * jnp.clip(completion / window[None, :, None] - 1.0, 0.0, 1.0), axis=0)


def delay_distribution(
    requests: Float[AnyArray, "N E T"],
    completion: Float[AnyArray, "N E T"],
    window: Float[AnyArray, " E"],
    grid: Float[AnyArray, " G"],
) -> Float[Array, "G E T"]:
    """Mean number of requests with a delay of at most `grid` windows ``[G, E, T]``."""
    ends = completion / window[None, :, None]
    # One point after the other: all at once would take G times the memory.
    return jax.lax.map(lambda point: jnp.sum(requests * jnp.clip(point - ends, 0.0, 1.0), axis=0), jnp.asarray(grid))


def delay_quantiles(
    requests: Float[AnyArray, "N E T"],
    completion: Float[AnyArray, "N E T"],
    window: Float[AnyArray, " E"],
    levels: Float[AnyArray, " Q"],
) -> Float[Array, "Q E T"]:
    """Quantiles of the delay in seconds, NaN without requests ``[Q, E, T]``."""
    total = jnp.sum(requests, axis=0)
    longest = jnp.max(jnp.where(requests > 0.0, completion, 0.0), axis=0) + window[:, None]
    width = window[None, :, None]

    def quantile(level: Array) -> Array:
        def halve(_: Array, ends: tuple[Array, Array]) -> tuple[Array, Array]:
            low, high = ends
            middle = 0.5 * (low + high)
            below = jnp.sum(requests * jnp.clip((middle[None] - completion) / width, 0.0, 1.0), axis=0)
            enough = below >= level * total
            return jnp.where(enough, low, middle), jnp.where(enough, middle, high)

        return jax.lax.fori_loop(0, _HALVINGS, halve, (jnp.zeros_like(longest), longest))[1]

    found = jax.lax.map(quantile, jnp.asarray(levels))
    return jnp.where(total[None] > 0.0, found, jnp.nan)


def poisson_requests(
    key: Key[Array, ""], mean: Float[AnyArray, "E T"], runs: Float[AnyArray, "N E"]
) -> Float[Array, "N E T"]:
    """Poisson counts of requests in each window, with expectation `mean` where it `runs`, else 0 ``[N, E, T]``.

    The first windows of a longer run are those of a shorter one.
    """

    def window(number: Array) -> Array:
        return poisson(jax.random.fold_in(key, number), mean)

    return jax.lax.map(window, jnp.arange(runs.shape[0])) * runs[:, :, None]


def poisson_at_clients(
    key: Key[Array, ""],
    mean: Float[AnyArray, "C T"],
    seconds: Float[AnyArray, "C T"],
    window: Float[AnyArray, " C"],
    runs: Float[AnyArray, "N C"],
) -> tuple[Float[Array, "C T"], Float[Array, " C"]]:
    """Poisson requests that clients serve themselves, summed over all windows.

    **Arguments:** `mean`: requests expected in a window. `seconds`: that a request takes. `window`: the length of a
    client's windows. `runs`: 1 where the run of a client has this window, else 0.

    **Returns:** the requests of all windows ``[C, T]``, and the number of windows that bring more work than the client
    does in their time ``[C]``.
    """

    def step(sums: tuple[Array, Array], window_now: tuple[Array, Array]) -> tuple[tuple[Array, Array], None]:
        requests, over = sums
        number, there = window_now
        drawn = poisson(jax.random.fold_in(key, number), mean) * there[:, None]
        excess = overloaded(jnp.sum(drawn * seconds, axis=1), window)
        return (requests + drawn, over + excess), None

    start = (jnp.zeros_like(jnp.asarray(mean)), jnp.zeros_like(jnp.asarray(window)))
    return jax.lax.scan(step, start, (jnp.arange(runs.shape[0]), jnp.asarray(runs)))[0]


def overloaded(work: Float[AnyArray, "*N C"], window: Float[AnyArray, " C"]) -> Float[Array, "*N C"]:
    """Flag, 1 or 0, of more seconds of `work` than the window that brings them has ``[*N, C]``."""
    work = jnp.asarray(work)
    limit = jnp.broadcast_to(jnp.asarray(window) * (1.0 + ROUNDING), work.shape)
    return (work > limit).astype(work.dtype)


def poisson(key: Key[Array, ""], mean: Float[AnyArray, "*shape"]) -> Float[Array, "*shape"]:
    """Poisson counts, as floats, of the given expectations."""
    mean = jnp.asarray(mean)
    return jax.random.poisson(key, mean).astype(mean.dtype)
