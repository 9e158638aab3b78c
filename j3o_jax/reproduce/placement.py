"""What a plan decides, in a few figures: which models answer queries at edges and clients, and in what batches."""

import numpy as np

from .._scenario import Scenario
from .._solution import Solution
from ..report.wording import NEGLIGIBLE

Decisions = dict[str, dict[str, float]]
"""Figures by name of a model or task, of each kind that a panel can show."""


def decisions_of(scenario: Scenario, solution: Solution) -> Decisions:
    """The decisions of one plan.

    `edge_models` and `client_models` have, for each model, the part of the edges or clients at which it answers
    queries. A model that is held and answers none is not counted: where memory costs nothing, a solver may leave one
    there or not. `edge_batches` has, for each task, the mean over edges of the batch size λ^e_t T_b, in queries per
    window; it is empty without batching.
    """
    demand = np.asarray(scenario.demand)
    least = NEGLIGIBLE * float(np.sum(demand))
    to_edges = np.zeros((scenario.edges, scenario.tasks))
    np.add.at(to_edges, np.asarray(scenario.client_edge), demand * np.asarray(solution.edge))
    names = scenario.labels
    local = demand * np.asarray(solution.local) > least
    decisions = {
        "edge_models": _in_use(names.models, np.asarray(solution.edge_choice), to_edges > least),
        "client_models": _in_use(names.models, np.asarray(solution.client_choice), local),
        "edge_batches": {},
    }
    if scenario.batching is not None:
        batches = to_edges * np.asarray(scenario.batching.window)[:, None]
        decisions["edge_batches"] = dict(zip(names.tasks, np.mean(batches, axis=0).tolist(), strict=True))
    return decisions


def _in_use(models: tuple[str, ...], choice: np.ndarray, served: np.ndarray) -> dict[str, float]:
    """Part of the nodes that answer some task ``[nodes, tasks]`` by each of the models."""
    return {name: float(np.mean(np.any((choice == index) & served, axis=1))) for index, name in enumerate(models)}
