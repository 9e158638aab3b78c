"""Capacities that look as if they were in a larger unit than the file has: GB for MB, TFLOP/s for GFLOP/s.

Nothing is wrong with a small capacity, and less with an ample one. What is doubted is a capacity that can do next to
nothing with anything there is, where a thousand times as much would do; and where its kind can do enough together, only
if the others have about a thousand times as much. Where all of a kind are doubted, what loads them may be what slipped.
And batching windows that no set-up time fits, or that queries would wait in for ten seconds and more.
"""

from collections.abc import Iterator

import numpy as np

from .._model import model_costs, sum_per_edge
from .._scenario import Scenario
from ._errors import Finding

_THOUSAND = 1000.0
# Part of the smallest model that a memory holds, of the work that a node does, or of the data that a link carries,
# below which it is doubted. Thin links are meant more often than slow nodes.
_OF_MODEL, _OF_WORK, _OF_DATA = 0.05, 0.01, 0.002
# Seconds from which a batching window is doubted.
_LONG_WINDOW = 10.0
# How many thousandths of what its like have a single node may have to be doubted.
_ALIKE = (0.1, 4.0)


def unit_doubts(scenario: Scenario) -> Iterator[Finding]:
    """Find what to have a second look at in one scenario: one finding for each kind of capacity."""
    demand, home = np.asarray(scenario.demand), np.asarray(scenario.client_edge)
    costs = model_costs(scenario)
    at_client = np.sum(demand * _least_work(costs.client_compute, scenario.client_accuracy), axis=1)
    asked = sum_per_edge(demand, home, scenario.edges)
    at_edge = np.sum(asked * _least_work(costs.edge_compute, scenario.edge_accuracy), axis=1)
    data = demand @ np.asarray(scenario.input_size)
    through = _per_edge(data, home, scenario.edges)
    memory = ("MB", "GB", "holds no model: the smallest takes", "memory_mb of the models in KB")
    compute = (
        "GFLOP/s",
        "TFLOP/s",
        "can do next to nothing of what is asked there: by the models of least work that is",
        "gflop_per_query of the models in MFLOP, or demand_per_s per hour",
    )
    uplink = (
        "MB/s",
        "GB/s",
        "carries next to nothing of what is asked there, which is",
        "input_mb of the tasks in KB, or demand_per_s per hour",
    )
    # How many devices of a measured type there are is no speed.
    names = scenario.labels
    client_compute, edge_compute = (
        np.where(np.array(units) == "s/s", np.inf, capacity)
        for units, capacity in (
            (names.compute_units("client"), scenario.client_compute),
            (names.compute_units("edge"), scenario.edge_compute),
        )
    )
    rows = (
        ("clients", "memory_mb", scenario.client_memory, _smallest(costs.client_memory), _OF_MODEL, memory),
        ("clients", "compute_gflop_per_s", client_compute, at_client, _OF_WORK, compute),
        ("edges", "memory_mb", scenario.edge_memory, _smallest(costs.edge_memory), _OF_MODEL, memory),
        ("edges", "compute_gflop_per_s", edge_compute, at_edge, _OF_WORK, compute),
        ("edges", "uplink_mb_per_s", scenario.edge_uplink, through, _OF_DATA, uplink),
        ("cloud", "uplink_mb_per_s", scenario.cloud_uplink, data.sum(), _OF_DATA, uplink),
    )
    for nodes, key, capacity, load, part, (unit, larger, fault, otherwise) in rows:
        capacity, load = np.broadcast_arrays(*np.atleast_1d(capacity, load))
        doubted = np.flatnonzero(_doubted(capacity, load, part))
        if doubted.size:
            first = int(doubted[0])
            loc = (nodes, key) if nodes == "cloud" else (nodes, first, key)
            more = f" (and {doubted.size - 1:,} more {nodes} alike)" if doubted.size > 1 else ""
            told = f"{fault} {load[first]:.4g} {unit}: is it in {larger}? Then write {capacity[first] * _THOUSAND:g}"
            others = f"; or is {otherwise}?" if doubted.size == np.sum((capacity > 0.0) & np.isfinite(capacity)) else ""
            yield Finding(loc, f"= {capacity[first]:g} {unit} {told}{others}{more}")
    if scenario.batching is not None:
        yield from _window_doubts(np.asarray(scenario.batching.window), _least_setup(scenario))


def _window_doubts(window: np.ndarray, least: np.ndarray) -> Iterator[Finding]:
    short, long = np.flatnonzero(window < least), np.flatnonzero(window >= _LONG_WINDOW)
    if short.size:
        first = int(short[0])
        more = f" (and {short.size - 1:,} more edges alike)" if short.size > 1 else ""
        told = (
            f"is shorter than every set-up there, of which the least is {least[first]:g} s, so that nothing is served"
        )
        message = f"= {window[first]:g} s {told}: is one of the two not in seconds?{more}"
        yield Finding(("edges", first, "batching_window_s"), message)
    if long.size:
        first = int(long[0])
        more = f" (and {long.size - 1:,} more edges alike)" if long.size > 1 else ""
        told = f"lets queries wait so long for their batch: is it in milliseconds? Then write {window[first] / 1e3:g}"
        yield Finding(("edges", first, "batching_window_s"), f"= {window[first]:g} s {told}{more}")


def _least_setup(scenario: Scenario) -> np.ndarray:
    """Find the least set-up time ``[E]`` of the models that support anything at each edge; 0 where none does."""
    assert scenario.batching is not None
    supports = np.asarray(scenario.edge_accuracy).max(axis=2) > 0.0
    least = np.where(supports, np.asarray(scenario.batching.setup), np.inf).min(axis=1)
    return np.where(np.isfinite(least), least, 0.0)


def _doubted(capacity: np.ndarray, load: np.ndarray, part: float) -> np.ndarray:
    """Mask of the capacities of one kind that are doubted."""
    there = (capacity > 0.0) & np.isfinite(capacity) & (load > 0.0)
    little = there & (capacity < part * load) & (_THOUSAND * capacity >= part * load)
    if not little.any() or capacity[there].sum() < part * load[there].sum():
        return little
    if little.sum() == there.sum():
        return np.zeros_like(little)
    others = np.median(capacity[there & ~little])
    least, most = (factor / _THOUSAND * others for factor in _ALIKE)
    return little & (capacity >= least) & (capacity <= most)


def _smallest(size: np.ndarray) -> np.ndarray:
    """Find the MB of the smallest model with a size at each node, or at all of them; 0 where none has one."""
    least = np.min(size, axis=1, where=size > 0.0, initial=np.inf)
    return np.where(np.isfinite(least), least, 0.0)


def _least_work(compute: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """Find the GFLOP of a query of each task by the model of least work that supports it; 0 where none does.

    At each node, ``[V, T]``, or at all of them, ``[1, T]``.
    """
    supports = np.asarray(accuracy).max(axis=0) > 0.0
    work = np.where(supports, compute[:, :, None], np.inf).min(axis=1)
    return np.where(np.isfinite(work), work, 0.0)


def _per_edge(values: np.ndarray, home: np.ndarray, edges: int) -> np.ndarray:
    return np.bincount(home, values, edges)
