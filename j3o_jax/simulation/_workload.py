"""A plan as a simulation sees it: rates of requests, times that they take, and what each of them scores."""

import dataclasses
from typing import NamedTuple

import numpy as np

from .._check import check
from .._model import (
    Plan,
    client_choice_accuracy,
    client_choice_compute,
    edge_choice_accuracy,
    edge_choice_compute,
    edge_choice_setup,
    edge_demand,
    usage,
)
from .._scenario import Batching, Scenario
from .._solution import Solution

# Constraints without which a plan says nothing of what to do with a request, or nobody can hold it. The limits that
# depend on demand are not among them: what happens beyond them is what a simulation is for.
_NEEDED = (
    *("arrays", "status", "client_choice", "edge_choice", "local_without", "edge_without"),
    *("local_unsupported", "edge_unsupported", "cloud_unsupported", "shares", "share_sum"),
    *("client_memory", "edge_memory"),
)
# What a plan says of itself was true of the demand that it was made for.
_OF_ITSELF = ("objective", "accuracy", "moved_mb", "bound")


class Workload(NamedTuple):
    """Requests of a simulation, what they take and what they score, as float64 NumPy arrays.

    `window` is in seconds ``[E]``, `setup` and `edge_seconds` (w/β_e) too ``[E, T]``; `client_seconds` is w/β_c
    ``[C, T]``. Rates of requests in queries/s: `edge_rate` ``[E, T]``, `local_rate` and `elsewhere_rate` (cloud, none)
    ``[C, T]`` and ``[2, C, T]``. Accuracies: `local_accuracy` ``[C, T]``, `edge_accuracy` ``[E, T]``, `cloud_accuracy`
    ``[T]``. What the plan predicts: `accuracy`, `edge_utilisation` ``[E]``, `client_utilisation` ``[C]``.
    """

    client_edge: np.ndarray
    window: np.ndarray
    setup: np.ndarray
    edge_seconds: np.ndarray
    client_seconds: np.ndarray
    edge_rate: np.ndarray
    local_rate: np.ndarray
    elsewhere_rate: np.ndarray
    local_accuracy: np.ndarray
    edge_accuracy: np.ndarray
    cloud_accuracy: np.ndarray
    accuracy: np.ndarray
    edge_utilisation: np.ndarray
    client_utilisation: np.ndarray


def with_window(scenario: Scenario, window: float | None) -> Scenario:
    """Give a scenario without batching `window` seconds at each edge, without set-up times; others keep theirs."""
    if scenario.batch_shape:
        raise ValueError("simulate: wants one scenario and one plan, got a batch; pick one by [index]")
    if scenario.batching is not None:
        if window is not None:
            raise ValueError("window: the scenario has batching windows of its own: leave the argument out")
        return scenario
    if window is None:
        raise ValueError(
            "batching: the scenario has no batching windows: give its edges some (batching_window_s in a file, "
            "Batching in Python), or say how long they shall be without set-up times (window)"
        )
    if not 0.0 < window < np.inf:
        raise ValueError(f"window: must be a number of seconds above 0, got {window:g}")
    edges = np.full(scenario.edges, float(window))
    return dataclasses.replace(scenario, batching=Batching(edges, np.zeros((scenario.edges, scenario.models))))


def workload_of(scenario: Scenario, solution: Solution, *, strict: bool = False) -> Workload:
    """Compute the workload of one scenario with batching under a plan; where `strict`, one that keeps every limit.

    **Raises:** `SolveError` if there is no plan; `ValueError` if the plan does not fit the scenario, or sends requests
    to a node without compute.
    """
    if solution.batch_shape:
        raise ValueError("simulate: wants one scenario and one plan, got a batch; pick one by [index]")
    solution.raise_for_status()
    report = check(scenario, solution)
    broken = [
        violation
        for violation in report.violations
        if (not violation.constraint.startswith(_OF_ITSELF) if strict else violation.constraint.startswith(_NEEDED))
    ]
    if broken:
        more = f" (and {len(broken) - 1:,} more)" if len(broken) > 1 else ""
        raise ValueError(f"simulate: the plan does not fit the scenario: {broken[0]}{more}")
    assert scenario.batching is not None
    plan = Plan(*(np.asarray(getattr(solution, field)) for field in Plan._fields))
    shares = {tier: np.clip(getattr(plan, tier), 0.0, 1.0) for tier in ("local", "edge", "cloud", "unserved")}
    plan = plan._replace(**shares)
    found = _figures(scenario, plan)
    demand = np.asarray(scenario.demand)
    client_seconds = _seconds(found["client_compute"], np.asarray(scenario.client_compute))
    edge_seconds = _seconds(found["edge_compute"], np.asarray(scenario.edge_compute))
    names = scenario.labels
    for seconds, rate, nodes in (
        (client_seconds, demand * plan.local, names.clients),
        (edge_seconds, found["edge_rate"], names.edges),
    ):
        stuck = np.argwhere(np.isinf(seconds) & (rate > 0))
        if len(stuck):
            node, task = stuck[0]
            raise ValueError(
                f"simulate: {nodes[node]!r} has no compute, and the plan lets it answer {names.tasks[task]!r}: "
                "take a plan that suits the scenario"
            )
    window = np.asarray(scenario.batching.window)
    client_compute = np.asarray(scenario.client_compute)
    return Workload(
        client_edge=np.asarray(scenario.client_edge),
        window=window,
        setup=found["setup"],
        edge_seconds=np.where(np.isinf(edge_seconds), 0.0, edge_seconds),
        client_seconds=np.where(np.isinf(client_seconds), 0.0, client_seconds),
        edge_rate=found["edge_rate"],
        local_rate=demand * plan.local,
        elsewhere_rate=np.stack([demand * plan.cloud, demand * plan.unserved]),
        local_accuracy=found["local_accuracy"],
        edge_accuracy=found["edge_accuracy"],
        cloud_accuracy=np.asarray(scenario.cloud_accuracy),
        accuracy=np.asarray(report.accuracy, dtype=np.float64),
        edge_utilisation=found["window_used"] / window,
        client_utilisation=np.divide(
            found["client_used"], client_compute, out=np.zeros(len(client_compute)), where=client_compute > 0
        ),
    )


def _figures(scenario: Scenario, plan: Plan) -> dict[str, np.ndarray]:
    with np.errstate(all="ignore"):
        used = usage(scenario, plan)
    return {
        "client_compute": client_choice_compute(scenario, plan.client_choice),
        "edge_compute": edge_choice_compute(scenario, plan.edge_choice),
        "setup": edge_choice_setup(scenario, plan.edge_choice),
        "edge_rate": edge_demand(scenario, plan.edge),
        "local_accuracy": client_choice_accuracy(scenario, plan.client_choice),
        "edge_accuracy": edge_choice_accuracy(scenario, plan.edge_choice),
        "window_used": used.edge_compute,
        "client_used": used.client_compute,
    }


def _seconds(work: np.ndarray, compute: np.ndarray) -> np.ndarray:
    """w/β: 0 for no work, infinite where there is no compute."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(work > 0, work / compute[:, None], 0.0)
