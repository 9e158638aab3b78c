"""The LPs that offloading steps are measured on: drawn in pairs, and as arrays that any solver takes."""

import argparse
from typing import Any, NamedTuple

import numpy as np

import j3o_jax as j3o
from j3o_jax._model import Placement, model_costs
from j3o_jax._precision import double_precision
from j3o_jax.methods.alternation.feasibility import offloading_problems
from j3o_jax.routing import OffloadingProblem

from .registry import CASES

# Scenarios that are drawn at a time.
_DRAWN = 256


def draw_problems(options: argparse.Namespace) -> OffloadingProblem:
    """`options.distinct` LPs as asked for, in pairs of the same scenario."""
    case = CASES[options.case]
    family = getattr(j3o.benchmarks, case.benchmark)()
    sizes: dict[str, Any] = {"clients": options.clients, "edges": options.edges}
    if case.demand_per_client is not None:
        sizes["total_demand"] = case.demand_per_client * options.clients
    if "tasks" in family.settings:
        sizes["tasks"] = options.tasks
    elif options.tasks != len(family.tasks):
        raise SystemExit(f"--tasks: {options.case} has {len(family.tasks)}")
    pairs = -(-options.distinct // 2)
    chunk = min(_DRAWN, pairs)
    parts = []
    for first in range(0, pairs, chunk):
        scenarios = family.sample(options.seed + first, chunk, **case.settings, **sizes)
        by_greed, at_random = placed_problems(scenarios, seed=options.seed + first)
        stacked = [np.stack(both, axis=1) for both in zip(by_greed, at_random, strict=True)]
        parts.append([array.reshape(-1, *array.shape[2:]) for array in stacked])
    arrays = (np.concatenate(own)[: options.distinct] for own in zip(*parts, strict=True))
    return OffloadingProblem(*arrays)


def placed_problems(scenarios: j3o.Scenario, *, seed: int) -> tuple[OffloadingProblem, OffloadingProblem]:
    """Build the LPs of a batch for greedy placements within the memory, and for random choices beyond it.

    The greed is for accuracy less a price of compute, drawn for each scenario, per MB.
    """
    random = np.random.default_rng(seed)
    batch = np.arange(scenarios.batch_shape[0])[:, None]
    home = scenarios.client_edge
    edge_demand = np.zeros((len(batch), scenarios.edges, scenarios.tasks))
    np.add.at(edge_demand, (batch, home), scenarios.demand)
    price = random.uniform(0.0, 0.5, (len(batch), 1, 1, 1))
    choices, costs = [], model_costs(scenarios)
    for accuracy, demand, size, budget, compute in (
        (
            np.asarray(scenarios.client_accuracy)[batch, home],
            scenarios.demand,
            costs.client_memory,
            scenarios.client_memory,
            costs.client_compute,
        ),
        (
            np.asarray(scenarios.edge_accuracy),
            edge_demand,
            costs.edge_memory,
            scenarios.edge_memory,
            costs.edge_compute,
        ),
    ):
        cost = price * (compute / compute.mean(axis=2, keepdims=True))[..., None]
        gain = demand[:, :, None, :] * np.where(accuracy > 0.0, np.maximum(accuracy - cost, 1e-3), 0.0)
        chance = np.where(accuracy > 0.0, random.random(accuracy.shape), 0.0)
        any_model = np.where(chance.any(axis=2), chance.argmax(axis=2), -1)
        choices.append((greedy_choice(gain, np.asarray(size), np.asarray(budget)), any_model))
    problems = []
    with double_precision():
        for client_choice, edge_choice in zip(*choices, strict=True):
            # Which models are held is nothing to the offloading step.
            held = [np.zeros((*choice.shape[:2], scenarios.models), bool) for choice in (client_choice, edge_choice)]
            found = offloading_problems(scenarios, Placement(*held, client_choice, edge_choice))
            problems.append(OffloadingProblem(*map(np.asarray, found)))
    by_greed, at_random = problems
    return by_greed, at_random


def greedy_choice(gain: np.ndarray, size: np.ndarray, budget: np.ndarray) -> np.ndarray:
    """Models that nodes choose after filling their memory by most gain per MB; −1: none, ``[B, V, T]``.

    **Arguments:**

    - `gain`: of serving each task by each model, 0 where it cannot. ``[B, V, M, T]``
    - `size`: ``[B, 1 or V, M]``; `budget`: ``[B, V]``
    """
    covered = np.zeros_like(gain[:, :, :1])
    held = np.zeros(gain.shape[:3], dtype=bool)
    left = budget[:, :, None]
    while True:
        more = np.maximum(gain - covered, 0.0).sum(axis=3) / size
        more = np.where(~held & (size <= left), more, 0.0)
        best = more.argmax(axis=2)[:, :, None] == np.arange(gain.shape[2])
        taken = best & (more > 0.0)
        if not taken.any():
            break
        held |= taken
        left = left - np.where(taken, size, 0.0).sum(axis=2, keepdims=True)
        covered = np.maximum(covered, np.where(taken[..., None], gain, 0.0).max(axis=2, keepdims=True))
    own = np.where(held[..., None], gain, 0.0)
    return np.where(own.any(axis=2), own.argmax(axis=2), -1)


class LinearPrograms(NamedTuple):
    """Maximise unit · cost·x over 0 ≤ x ≤ upper with matrix·x ≤ right: N programs of n variables and m rows.

    Matrices are in CSR form, all with the same entries. Rows are divided by their largest number and costs by `unit`,
    their mean, so that absolute tolerances mean the same for all. Variables are local, edge and cloud shares; rows are
    (9) per client, (10) and (11) per edge, (12), and the streams'.
    """

    cost: np.ndarray  # [N, n]
    unit: np.ndarray  # [N]
    upper: np.ndarray  # [N, n]
    starts: np.ndarray  # [m + 1]
    columns: np.ndarray  # [K]
    values: np.ndarray  # [N, K]
    right: np.ndarray  # [N, m]

    @property
    def rows(self) -> np.ndarray:
        """Row of each entry, ``[K]``."""
        return np.repeat(np.arange(self.right.shape[1]), np.diff(self.starts))

    def judged(self, chosen: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Objectives of values for the chosen programs, and their largest violations, ``[K]``."""
        shares = np.clip(values, 0.0, self.upper[chosen])
        used = np.add.reduceat(self.values[chosen] * shares[:, self.columns], self.starts[:-1], axis=1)
        beyond = np.maximum(values - shares, 0.0).max(axis=1)
        violation = np.maximum((used - self.right[chosen]).max(axis=1), np.maximum(beyond, (-values).max(axis=1)))
        return self.unit[chosen] * (self.cost[chosen] * shares).sum(axis=1), np.maximum(violation, 0.0)


def linear_programs(problems: OffloadingProblem) -> LinearPrograms:
    """Return the LPs, of which all have the same map of clients to edges, as arrays that any solver takes."""
    count, clients, tasks = problems.data.shape
    edges = problems.edge_uplink.shape[1]
    home = problems.client_edge[0]
    if (problems.client_edge != home).any():
        raise ValueError("clients have other edges in other LPs")
    n = clients * tasks
    stream, client, edge = np.arange(n), np.repeat(np.arange(clients), tasks), np.repeat(home, tasks)
    uplink, cloud = clients + edges + edge, np.full(n, clients + 2 * edges)
    rows = np.concatenate([client, clients + edge, uplink, uplink, cloud, *[clients + 2 * edges + 1 + stream] * 3])
    at_local, at_edge, at_cloud = stream, n + stream, 2 * n + stream
    columns = np.concatenate([at_local, at_edge, at_edge, at_cloud, at_cloud, at_local, at_edge, at_cloud])
    order = np.lexsort((columns, rows))
    rows, columns = rows[order], columns[order]

    def flat(*arrays: np.ndarray) -> np.ndarray:
        return np.concatenate([array.reshape(count, -1) for array in arrays], axis=1, dtype=np.float64)

    data, ones = problems.data, np.ones((count, 3 * n))
    values = flat(problems.local_load, problems.edge_load, data, data, data, ones)[:, order]
    capacity = (problems.client_compute, problems.edge_compute, problems.edge_uplink, problems.cloud_uplink)
    right = flat(*capacity, ones[:, :n])
    starts = np.searchsorted(rows, np.arange(right.shape[1] + 1))
    scale = np.maximum(np.maximum.reduceat(values, starts[:-1], axis=1), right)
    scale = np.where(scale > 0.0, scale, 1.0)
    cost = flat(problems.local_value, problems.edge_value, problems.cloud_value)
    unit = cost.mean(axis=1)
    unit = np.where(unit > 0.0, unit, 1.0)
    wanted = problems.wanted
    upper = flat(problems.local_open & wanted, problems.edge_open & wanted, problems.cloud_open & wanted)
    return LinearPrograms(cost / unit[:, None], unit, upper, starts, columns, values / scale[:, rows], right / scale)


def taken(problems: OffloadingProblem, chosen: np.ndarray) -> OffloadingProblem:
    return OffloadingProblem(*(array[chosen] for array in problems))


# Solvers that take one LP at a time: one process per core.
