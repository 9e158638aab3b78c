"""Small sets of scenarios that share one placement, all of one shape, and their optimum by enumeration."""

import dataclasses
import itertools

import numpy as np

from j3o_jax import Scenario, ScenarioSet

from .oracle import brute_force
from .scenarios import at_nodes, random_scenario, stack

SCENARIOS = 3
_CLIENT_EDGE = np.array([0, 0, 1, 1])


def small_set(seed: int, *, noise: float = 0.5, failing: bool = True, **variant) -> ScenarioSet:
    """Scenarios of one deployment whose demand differs; in the last one an edge is down, with `failing`."""
    rng = np.random.default_rng(seed)
    one = random_scenario(rng, clients=4, edges=2, tasks=3, models=5, tightness=rng.choice([0.7, 1.0, 2.0]), **variant)
    batch = stack([dataclasses.replace(one, client_edge=_CLIENT_EDGE)] * SCENARIOS)
    fields = {"demand": batch.demand * np.exp(noise * rng.normal(size=batch.demand.shape))}
    if failing:
        fields |= {name: np.array(getattr(batch, name)) for name in ("edge_compute", "edge_uplink", "edge_accuracy")}
        for name in ("edge_compute", "edge_uplink", "edge_accuracy"):
            fields[name][-1, 0] = 0.0
    return ScenarioSet(dataclasses.replace(batch, **fields), rng.dirichlet(np.ones(SCENARIOS)))


def tiny_set(seed: int) -> ScenarioSet:
    """Two scenarios small enough for `best_shared`."""
    rng = np.random.default_rng(seed)
    one = random_scenario(rng, clients=2, edges=1, tasks=2, models=3, tightness=rng.choice([0.7, 1.0]))
    batch = stack([one] * 2)
    demand = batch.demand * np.exp(0.8 * rng.normal(size=batch.demand.shape))
    return ScenarioSet(dataclasses.replace(batch, demand=demand), np.array([0.3, 0.7]))


def best_shared(scenarios: Scenario, objective) -> float:
    """Largest `objective` of the scenarios' optima ``[S]`` over all sets of models that fit, by enumeration."""
    first = scenarios[0]
    nodes = [
        _largest_sets(at_nodes(first, f"{tier}_model_memory")[node], getattr(first, f"{tier}_memory")[node])
        for tier, count in (("client", first.clients), ("edge", first.edges))
        for node in range(count)
    ]
    best = -np.inf
    for sets in itertools.product(*nodes):
        held = np.zeros((len(sets), first.models), dtype=bool)
        for node, own in enumerate(sets):
            held[node, list(own)] = True
        sizes = np.where(held, 0.0, 1.0)
        fixed = {
            "client_model_memory": sizes[: first.clients],
            "edge_model_memory": sizes[first.clients :],
            "client_memory": np.zeros(first.clients),
            "edge_memory": np.zeros(first.edges),
        }
        plans = [
            brute_force(dataclasses.replace(scenarios[number], **fixed)) for number in range(len(scenarios.demand))
        ]
        best = max(best, objective(np.array([plan.objective for plan in plans if plan is not None])))
    return best


def _largest_sets(size: np.ndarray, memory: float) -> list[tuple[int, ...]]:
    """Sets that fit and to which nothing can be added."""
    fitting = [
        own
        for count in range(len(size) + 1)
        for own in itertools.combinations(range(len(size)), count)
        if size[list(own)].sum() <= memory * (1 + 1e-9)
    ]
    return [own for own in fitting if not any(set(own) < set(other) for other in fitting)]
