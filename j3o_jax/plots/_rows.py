"""Who holds what, as rows of a picture: a node each, or a group of nodes where there are too many."""

import dataclasses
import math

import numpy as np

from .._scenario import Scenario
from .._solution import Solution
from ..report.summary import Node, Tier
from ..report.wording import NEGLIGIBLE, count

MOST_ROWS = 75
MOST_COLUMNS = 40


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of the picture.

    `held` and `busy` are, for each model, the shares of the row's nodes that hold it and that answer queries
    with it; `memory` is the share of their memory in use, NaN where they have none. `first` starts a group.
    """

    label: str
    tier: Tier
    nodes: int
    held: np.ndarray
    busy: np.ndarray
    memory: float
    first: bool


def placement_rows(scenario: Scenario, solution: Solution, nodes: tuple[Node, ...]) -> list[Row]:
    """Rows for the edges, each above its clients; groups of nodes where single ones would be too many."""
    names = scenario.labels
    edges, clients = nodes[: scenario.edges], nodes[scenario.edges :]
    client_edge = np.asarray(scenario.client_edge)
    demand = np.asarray(scenario.demand)
    at_edge, asked = np.zeros((2, scenario.edges, scenario.tasks))
    np.add.at(at_edge, client_edge, demand * np.asarray(solution.edge))
    np.add.at(asked, client_edge, demand)
    held = {"edge": np.asarray(solution.edge_models), "client": np.asarray(solution.client_models)}
    busy = {
        "edge": _busy(np.asarray(solution.edge_choice), at_edge, asked, scenario.models),
        "client": _busy(
            np.asarray(solution.client_choice), demand * np.asarray(solution.local), demand, scenario.models
        ),
    }

    def row(label: str, tier: Tier, members: np.ndarray, first: bool) -> Row:
        own = edges if tier == "edge" else clients
        there = sum(own[member].memory.available for member in members)
        used = sum(own[member].memory.used for member in members)
        return Row(
            label=label,
            tier=tier,
            nodes=len(members),
            held=held[tier][members].mean(axis=0),
            busy=busy[tier][members].mean(axis=0),
            memory=used / there if there > 0 else math.nan,
            first=first,
        )

    if 2 * scenario.edges > MOST_ROWS:
        return [
            row(f"all {count(scenario.edges, 'edge')}", "edge", np.arange(scenario.edges), True),
            row(f"all {count(scenario.clients, 'client')}", "client", np.arange(scenario.clients), False),
        ]
    rows = []
    for index, edge in enumerate(names.edges):
        behind = np.flatnonzero(client_edge == index)
        rows.append(row(edge, "edge", np.array([index]), True))
        if scenario.edges + scenario.clients <= MOST_ROWS:
            rows += [row(names.clients[client], "client", np.array([client]), False) for client in behind]
        elif len(behind):
            rows.append(row(count(len(behind), "client"), "client", behind, False))
    return rows


def shown_models(scenario: Scenario, rows: list[Row]) -> np.ndarray:
    """List the models that get a column: all, or only those that are held where all would be too many."""
    if scenario.models <= MOST_COLUMNS:
        return np.arange(scenario.models)
    held = np.flatnonzero(np.any([row.held > 0 for row in rows], axis=0))
    return held if len(held) else np.arange(1)


def _busy(choice: np.ndarray, load: np.ndarray, asked: np.ndarray, models: int) -> np.ndarray:
    """Whether each node answers any queries with each model."""
    busy = np.zeros((len(choice), models), dtype=bool)
    node, task = np.nonzero((choice >= 0) & (load > NEGLIGIBLE * asked))
    busy[node, choice[node, task]] = True
    return busy
