"""Queues of batches: the same as a server that is followed event by event, and as requests counted one by one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from j3o_kernels import batch_queue

NUMBER, EDGES, TASKS = 40, 3, 2


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def case(seed=0, load=1.0):
    """Counts of requests, windows, set-up times and seconds per request; about full at a load of 1."""
    draw = np.random.default_rng(seed)
    window = draw.uniform(0.05, 0.4, EDGES)
    setup = draw.uniform(0.0, 0.2, (EDGES, TASKS)) * window[:, None]
    seconds = draw.uniform(0.5, 1.5, (EDGES, TASKS)) * 1e-3
    mean = load * (window[:, None] / TASKS - setup) / seconds
    counts = draw.poisson(np.maximum(mean, 0.5), (NUMBER, EDGES, TASKS)).astype(np.float64)
    counts[draw.random(counts.shape) < 0.1] = 0.0
    return counts, window, setup, seconds


def served_one_by_one(counts, window, setup, seconds):
    """When each batch ends, after its window: every edge is a server with a line of jobs."""
    ends = np.zeros(counts.shape)
    for edge in range(counts.shape[1]):
        free = 0.0
        for number in range(counts.shape[0]):
            close = (number + 1) * window[edge]
            free = max(free, close)
            for task in range(counts.shape[2]):
                requests = counts[number, edge, task]
                if requests > 0:
                    free += setup[edge, task] + seconds[edge, task] * requests
                ends[number, edge, task] = free - close
    return ends


@pytest.mark.parametrize("load", [0.3, 1.0, 1.3])
def test_batches_end_when_a_server_followed_job_by_job_ends_them(load):
    counts, window, setup, seconds = case(load=load)
    taken = batch_queue.batch_seconds(counts, setup, seconds)
    ends = batch_queue.completions(taken, window)
    np.testing.assert_allclose(ends, served_one_by_one(counts, window, setup, seconds), atol=1e-12)


def test_the_same_work_in_every_window_piles_up_evenly_or_not_at_all():
    window = np.array([0.1, 0.1])
    work = np.array([[0.09, 0.13]]).repeat(5, axis=0)
    np.testing.assert_allclose(batch_queue.backlog(work, window)[:, 0], 0.0)
    np.testing.assert_allclose(batch_queue.backlog(work, window)[:, 1], 0.03 * np.arange(5), atol=1e-15)


def test_batches_are_cut_to_what_ends_in_time_and_no_further():
    counts, window, setup, seconds = case(seed=1, load=1.4)
    seconds[0, 0] = 0.0  # free, but for the set-up
    kept = np.asarray(batch_queue.truncate_to_window(counts, window, setup, seconds))
    for number, edge in np.ndindex(NUMBER, EDGES):
        left = window[edge]
        for task in range(TASKS):
            wanted, best = int(counts[number, edge, task]), 0
            for requests in range(1, wanted + 1):
                if setup[edge, task] + seconds[edge, task] * requests <= left + 1e-12:
                    best = requests
            assert kept[number, edge, task] == best
            left -= (setup[edge, task] + seconds[edge, task] * best) if best else 0.0
    assert (kept < counts).any()
    taken = batch_queue.batch_seconds(kept, setup, seconds)
    np.testing.assert_allclose(batch_queue.backlog(taken.sum(axis=2), window), 0.0, atol=1e-12)


def test_a_request_that_fits_exactly_is_kept():
    # In floating point three times 0.1 is more than 0.3.
    kept = batch_queue.truncate_to_window(
        np.full((1, 1, 1), 5.0), np.array([0.3]), np.zeros((1, 1)), np.full((1, 1), 0.1)
    )
    assert kept.item() == 3.0


def test_delays_are_those_of_requests_spread_over_their_window():
    counts, window, setup, seconds = case(seed=2, load=1.1)
    counts[:, 2, 1] = 0.0
    ends = np.asarray(batch_queue.completions(batch_queue.batch_seconds(counts, setup, seconds), window))
    grid, levels = np.array([0.5, 1.0, 1.7, 2.0, 3.0]), np.array([0.05, 0.5, 0.99])
    late = batch_queue.late_requests(counts, ends, window)
    shares = batch_queue.delay_distribution(counts, ends, window, grid)
    quantiles = batch_queue.delay_quantiles(counts, ends, window, levels)
    spread = (np.arange(400) + 0.5) / 400
    for edge, task in np.ndindex(EDGES, TASKS):
        # Every request 400 times, at as many places of its window.
        delays = ends[:, edge, task, None] + window[edge] * (1.0 - spread)
        weights = np.broadcast_to(counts[:, edge, task, None] / 400, delays.shape)
        total = weights.sum()
        assert late[edge, task] == pytest.approx(weights[delays > 2 * window[edge]].sum(), abs=0.003 * max(total, 1))
        for point, share in zip(grid, shares[:, edge, task], strict=True):
            assert share == pytest.approx(weights[delays <= point * window[edge]].sum(), abs=0.003 * max(total, 1))
        for level, delay in zip(levels, quantiles[:, edge, task], strict=True):
            if total == 0:
                assert np.isnan(delay)
                continue
            assert weights[delays <= delay].sum() == pytest.approx(level * total, abs=0.003 * total)


def test_poisson_counts_are_poisson_and_longer_runs_begin_like_shorter_ones():
    key = jax.random.key(3)
    mean = np.array([[0.0, 0.4], [25.0, 3000.0]])
    counts = np.asarray(batch_queue.poisson_requests(key, mean, np.ones((4000, 2))))
    assert (counts[:, 0, 0] == 0).all()
    for place in ((0, 1), (1, 0), (1, 1)):
        expected = mean[place]
        # Five standard errors of the mean, and of the variance of a Poisson number.
        assert abs(counts[:, *place].mean() - expected) < 5 * np.sqrt(expected / 4000)
        assert abs(counts[:, *place].var() - expected) < 5 * np.sqrt((2 * expected**2 + expected) / 4000)
    runs = np.ones((10, 2))
    runs[7:, 1] = 0.0
    short = np.asarray(batch_queue.poisson_requests(key, mean, runs))
    np.testing.assert_array_equal(short[:7], counts[:7])
    assert (short[7:, 1] == 0).all()


def test_clients_are_overloaded_in_windows_that_bring_more_than_they_can_do():
    mean = np.array([[0.7], [0.7], [9.0]])
    # One request is too much for the first, ten thousand are not for the second; the third never runs.
    seconds, window = np.array([[0.2], [1e-5], [1.0]]), np.full(3, 0.1)
    runs = np.ones((3000, 3))
    runs[:, 2] = 0.0
    requests, over = batch_queue.poisson_at_clients(jax.random.key(0), mean, seconds, window, runs)
    assert abs(float(over[0]) / 3000 - (1 - np.exp(-0.7))) < 0.05
    assert float(over[1]) == float(over[2]) == float(requests[2, 0]) == 0.0
    assert abs(float(requests[1, 0]) - 2100) < 5 * np.sqrt(2100)
    exactly = batch_queue.overloaded(jnp.array([[0.1, 0.1, 0.1 + 1e-6]]), window)
    np.testing.assert_array_equal(exactly, [[0.0, 0.0, 1.0]])
