"""Decisions of a plan in a few figures: which models answer queries at edges and clients, and in what batches."""

import numpy as np

from ..._model import edge_demand
from ..._plan_text import NEGLIGIBLE
from ..._scenario import Scenario
from ..._solution import Solution

Decisions = dict[str, dict[str, float]]
"""Figures by name of a model or task, of each kind that a panel can show."""


def decisions_of(scenario: Scenario, solution: Solution) -> Decisions:
    """Return the decisions of one plan.

    `edge_models` and `client_models` have, for each model, the part of the edges or clients at which it answers
    queries. A model that is held and answers none is not counted: where memory costs nothing, a solver may leave one
    there or not. `edge_batches` has, for each task, the mean over edges of the batch size λ^e_t T_b, in queries per
    window; it is empty without batching.
    """
    least = NEGLIGIBLE * float(np.sum(scenario.demand))
    local, to_edges = scenario.demand * solution.local, edge_demand(scenario, solution.edge)
    names, batching = scenario.labels, scenario.batching
    batches = {}
    if batching is not None:
        means = np.mean(to_edges * batching.window[:, None], axis=0)
        batches = dict(zip(names.tasks, means.tolist(), strict=True))
    return {
        "edge_models": _in_use(names.models, solution.edge_choice, to_edges > least),
        "client_models": _in_use(names.models, solution.client_choice, local > least),
        "edge_batches": batches,
    }


def _in_use(models: tuple[str, ...], choice: np.ndarray, served: np.ndarray) -> dict[str, float]:
    """Part of the nodes that answer some task ``[nodes, tasks]`` by each of the models."""
    return {name: float(np.mean(np.any((choice == index) & served, axis=1))) for index, name in enumerate(models)}
