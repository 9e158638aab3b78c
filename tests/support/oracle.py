"""Exact answers that share no code with the package's solvers: enumeration here, and two more routes.

- `brute_force`: the optimum of a tiny scenario.
- `lp_optimum`: the optimum for given models, of any size.
- `milp_optimum`: the optimum as one mixed-integer program, of any size.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterator

import numpy as np

from j3o_jax import Scenario

from .milp import milp_optimum
from .offloading import Offloading, Plan, lp_optimum
from .scenarios import EXTREMES, at_nodes, random_scenario, stack

__all__ = ["TINY", "Plan", "brute_force", "lp_optimum", "milp_optimum", "tiny_and_optima"]


def brute_force(scenario: Scenario) -> Plan | None:
    """The optimum of a tiny scenario; None if all must be served and cannot be.

    Goes through every choice of models at every node that no other choice at that node dominates. The
    prices of each linear program bound all other choices, and those that cannot be better are not solved;
    nor are those that the prices of serving as much as possible show to be infeasible. With `Scenario.switching` every
    choice is charged for the models that its nodes did not hold, by the definition.
    """
    offloading = Offloading(scenario)
    alike = {name: (getattr(scenario, name) > 0).astype(float) for name in _ACCURACIES}
    serving = Offloading(dataclasses.replace(scenario, **alike, allow_unserved=True))
    nodes = [*_client_choices(scenario), *_edge_choices(scenario)]
    picks = np.indices([len(choices) for choices, _ in nodes]).reshape(len(nodes), -1)
    combined = np.stack([choices[pick] for (choices, _), pick in zip(nodes, picks, strict=True)], axis=1)
    client_choice, edge_choice = np.split(combined, [scenario.clients], axis=1)
    moving = np.sum([charges[pick] for (_, charges), pick in zip(nodes, picks, strict=True)], axis=0)
    bound = np.where((offloading.capacities(edge_choice) < 0).any(axis=-1), -np.inf, np.inf)
    best: Plan | None = None
    while bound.max() > (-np.inf if best is None else best.objective + 1e-10):
        first = int(bound.argmax())
        solved = offloading.solve(client_choice[first], edge_choice[first])
        bound[first] = -np.inf
        if solved is None:
            served = serving.solve(client_choice[first], edge_choice[first])
            assert served is not None, "nothing has to be served, so this cannot be infeasible"
            bound[serving.bound(served[1], client_choice, edge_choice) < 1.0 - 1e-9] = -np.inf
            continue
        plan, prices = solved
        bound = np.minimum(bound, offloading.bound(prices, client_choice, edge_choice) - moving)
        plan = dataclasses.replace(plan, objective=plan.objective - moving[first])
        if best is None or plan.objective > best.objective:
            best = plan
    return best


_ACCURACIES = ("client_accuracy", "edge_accuracy", "cloud_accuracy")


def _client_choices(scenario: Scenario) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Choices ``[n, T]`` and their charges ``[n]`` for each client in turn."""
    for client, edge in enumerate(scenario.client_edge):
        yield _choices(
            scenario.client_accuracy[edge],
            at_nodes(scenario, "client_model_compute")[client],
            np.zeros(scenario.models),
            at_nodes(scenario, "client_model_memory")[client],
            scenario.client_memory[client],
            _charges(scenario, "client")[client],
        )


def _edge_choices(scenario: Scenario) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Choices ``[n, T]`` and their charges ``[n]`` for each edge in turn."""
    for edge in range(scenario.edges):
        yield _choices(
            scenario.edge_accuracy[edge],
            at_nodes(scenario, "edge_model_compute")[edge],
            np.zeros(scenario.models) if scenario.batching is None else scenario.batching.setup[edge],
            at_nodes(scenario, "edge_model_memory")[edge],
            scenario.edge_memory[edge],
            _charges(scenario, "edge")[edge],
        )


def _charges(scenario: Scenario, tier: str) -> np.ndarray:
    """What it costs each node of a tier to hold each model. ``[V, M]``"""
    size, given = at_nodes(scenario, f"{tier}_model_memory"), scenario.switching
    if given is None:
        return np.zeros(size.shape)
    return given.cost_per_mb * size * ~getattr(given, f"{tier}_held")


def _choices(
    accuracy: np.ndarray,
    cost: np.ndarray,
    setup: np.ndarray,
    size: np.ndarray,
    memory: float,
    charge: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Choices ``[n, T]`` of one node that fit its memory and that no other dominates, and their charges ``[n]``."""
    models, tasks = accuracy.shape
    # Dominance of one choice by another for one task; the index -1 is "none", and the last row and column.
    better = np.zeros((tasks, models + 1, models + 1), bool)
    better[:, :models, :models] = (
        (accuracy.T[:, :, None] >= accuracy.T[:, None, :]) & (cost[:, None] <= cost) & (setup[:, None] <= setup)
    )
    better[:, :models, -1] = setup == 0
    # A model that does not support the task serves none of it.
    better[:, -1, :models] = accuracy.T == 0
    better[:, -1, -1] = True
    fitting = [
        choice
        for choice in itertools.product(range(-1, models), repeat=tasks)
        if size[list(set(choice) - {-1})].sum() <= memory * (1 + 1e-9)
    ]
    kept: list[tuple[int, ...]] = []

    def paid(choice: tuple[int, ...]) -> float:
        return charge[list(set(choice) - {-1})].sum()

    def dominates(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
        return _dominates(better, one, other) and paid(one) <= paid(other)

    for choice in fitting:
        if not any(dominates(other, choice) for other in kept):
            kept = [other for other in kept if not dominates(choice, other)] + [choice]
    return np.array(kept), np.array([paid(choice) for choice in kept])


def _dominates(better: np.ndarray, one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return bool(better[np.arange(len(one)), list(one), list(other)].all())


TINY = {"clients": 2, "edges": 1, "tasks": 2, "models": 3}


def tiny_and_optima(count: int, **variant: bool) -> tuple[Scenario, np.ndarray]:
    """Scenarios of which every third has something extreme, and the value of their best plans, NaN without any."""
    found = [_tiny_and_optimum(seed, **variant) for seed in range(count)]
    return stack([scenario for scenario, _ in found]), np.array([optimum for _, optimum in found])


@functools.cache
def _tiny_and_optimum(seed: int, **variant: bool) -> tuple[Scenario, float]:
    rng = np.random.default_rng(seed)
    scenario = random_scenario(rng, **TINY, tightness=rng.choice([0.3, 1.0, 3.0]), **variant)
    if seed % 3 == 0:
        extreme = list(EXTREMES.values())[seed // 3 % len(EXTREMES)]
        scenario = dataclasses.replace(scenario, **extreme(scenario))
    best = brute_force(scenario)
    return scenario, np.nan if best is None else best.objective
