"""Plans to break: valid ones that use every tier, and small ways to change them."""

import dataclasses
from collections.abc import Callable

import numpy as np

from j3o_jax import Scenario, Solution, Status
from j3o_jax._check import check
from j3o_jax._violations import Report, Violation

from .scenarios import at_nodes, random_scenario

CLIENTS, EDGES, TASKS, MODELS = 4, 2, 3, 5
LIMITS = {
    "client_memory (8)": "client_memory",
    "edge_memory (8)": "edge_memory",
    "client_compute (9)": "client_compute",
    "edge_compute (10)": "edge_compute",
    "edge_uplink (11)": "edge_uplink",
    "cloud_uplink (12)": "cloud_uplink",
}


def loads(scenario: Scenario, solution: Solution) -> dict[str, np.ndarray]:
    """What each limit has to bear, by plain sums over clients and tasks."""
    found = {name: np.zeros_like(getattr(scenario, field)) for name, field in LIMITS.items()}
    for client, edge in enumerate(scenario.client_edge):
        size = at_nodes(scenario, "client_model_memory")[client]
        found["client_memory (8)"][client] = size @ solution.client_models[client]
        own, of_edge = at_nodes(scenario, "client_model_compute"), at_nodes(scenario, "edge_model_compute")
        for task in range(scenario.tasks):
            rate = scenario.demand[client, task]
            local, at_edge, cloud = (getattr(solution, tier)[client, task] for tier in ("local", "edge", "cloud"))
            mine, its = solution.client_choice[client, task], solution.edge_choice[edge, task]
            found["client_compute (9)"][client] += rate * local * own[client, mine]
            found["edge_compute (10)"][edge] += rate * at_edge * of_edge[edge, its]
            found["edge_uplink (11)"][edge] += rate * (at_edge + cloud) * scenario.input_size[task]
            found["cloud_uplink (12)"] += rate * cloud * scenario.input_size[task]
    for edge in range(scenario.edges):
        size = at_nodes(scenario, "edge_model_memory")[edge]
        found["edge_memory (8)"][edge] = size @ solution.edge_models[edge]
    return found


def worth(scenario: Scenario, solution: Solution) -> float:
    """F by plain sums."""
    total = 0.0
    for client, edge in enumerate(scenario.client_edge):
        for task in range(scenario.tasks):
            mine, its = solution.client_choice[client, task], solution.edge_choice[edge, task]
            total += scenario.demand[client, task] * (
                solution.local[client, task] * scenario.client_accuracy[edge, mine, task]
                + solution.edge[client, task] * scenario.edge_accuracy[edge, its, task]
                + solution.cloud[client, task] * scenario.cloud_accuracy[task]
            )
    return total / scenario.demand.sum()


def unsupported_choices(scenario: Scenario, solution: Solution) -> np.ndarray:
    """Instances of a batch in which a node chose a model for a task that it does not support there. ``[B]``"""
    found = np.zeros(scenario.batch_shape, dtype=bool)
    for instance in range(len(found)):
        own, plan = scenario[instance], solution[instance]
        for accuracy, choice in (
            (own.client_accuracy[own.client_edge], plan.client_choice),
            (own.edge_accuracy, plan.edge_choice),
        ):
            for node, task in np.argwhere(choice >= 0):
                found[instance] |= accuracy[node, choice[node, task], task] == 0
    return found


def valid(seed: int = 0, **variant) -> tuple[Scenario, Solution]:
    """A random plan that uses every tier for every stream, and a scenario whose capacities it half fills."""
    rng = np.random.default_rng(seed)
    scenario = random_scenario(rng, clients=CLIENTS, edges=EDGES, tasks=TASKS, models=MODELS, **variant)
    # Every edge has clients, every edge model that is chosen serves somebody, and every model supports every task.
    supported = {name: 0.5 + getattr(scenario, name) / 2 for name in ("client_accuracy", "edge_accuracy")}
    scenario = dataclasses.replace(scenario, client_edge=[0, 1, 1, 0], **supported)
    local, edge, cloud, unserved = np.moveaxis(rng.dirichlet(np.ones(4), (CLIENTS, TASKS)), -1, 0)
    if not scenario.allow_unserved:
        local, unserved = local + unserved, np.zeros_like(unserved)
    client_choice, edge_choice = rng.integers(MODELS, size=(CLIENTS, TASKS)), rng.integers(MODELS, size=(EDGES, TASKS))
    solution = Solution(
        client_models=(client_choice[:, :, None] == np.arange(MODELS)).any(axis=1),
        edge_models=(edge_choice[:, :, None] == np.arange(MODELS)).any(axis=1),
        client_choice=client_choice,
        edge_choice=edge_choice,
        local=local,
        edge=edge,
        cloud=cloud,
        unserved=unserved,
        objective=np.asarray(np.nan),
        bound=np.asarray(np.nan),
        status=np.asarray(int(Status.converged)),
        history=np.zeros(0),
        stats={},
    )
    solution = dataclasses.replace(solution, objective=np.asarray(worth(scenario, solution)))
    borne = loads(scenario, solution)
    scenario = dataclasses.replace(scenario, **{field: 2.0 * borne[name] for name, field in LIMITS.items()})
    if scenario.batching is not None:
        # The set-ups take a quarter of the window, the work a half.
        scenario = with_setup(
            scenario,
            lambda setup: setup * 0.25 / np.take_along_axis(setup, edge_choice, axis=1).sum(axis=1, keepdims=True),
        )
    return scenario, solution


def with_setup(scenario: Scenario, change: Callable[[np.ndarray], np.ndarray]) -> Scenario:
    """The scenario with other set-ups: what `change` makes of the present ones in windows. ``[E, M]``"""
    assert scenario.batching is not None
    window = scenario.batching.window[:, None]
    setup = change(scenario.batching.setup / window) * window
    return dataclasses.replace(scenario, batching=dataclasses.replace(scenario.batching, setup=setup))


def retold(scenario: Scenario, solution: Solution, **changes) -> Solution:
    """The plan with other arrays, and an objective that goes with them."""
    changed = dataclasses.replace(solution, **changes)
    return dataclasses.replace(changed, objective=np.asarray(check(scenario, changed).objective))


def entry(array: np.ndarray, index: tuple[int, ...], value: float) -> np.ndarray:
    """A copy with one entry changed."""
    changed = np.array(array)
    changed[index] = value
    return changed


def entry_of(scenario: Scenario, field: str, index: int, value: float) -> Scenario:
    return dataclasses.replace(scenario, **{field: entry(getattr(scenario, field), (index,), value)})


def only(report: Report) -> Violation:
    """The one violation of a report."""
    assert not report.ok
    assert len(report.violations) == 1, str(report)
    return report.violations[0]


def only_instance(report: Report, instance: tuple[int, ...]) -> Violation:
    """The one violation of a report on a batch in which only one instance is not ok."""
    assert [tuple(index) for index in np.argwhere(~report.ok).tolist()] == [instance]
    assert len(report.violations) == 1, str(report)
    assert report.violations[0].instance == instance
    return report.violations[0]
