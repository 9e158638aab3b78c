"""Random scenarios: believable ones, tiny ones with every extreme, and broken ones."""

import dataclasses
import random
from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

import jax
import numpy as np
from hypothesis import strategies as st

from j3o_jax import Batching, Scenario, Solution, Switching

_Module = TypeVar("_Module", Scenario, Solution)

COSTS = ("client_model_memory", "edge_model_memory", "client_model_compute", "edge_model_compute")
"""Fields that may be given for models alone, or for each node."""


def random_scenario(
    rng: np.random.Generator,
    *,
    clients: int,
    edges: int,
    tasks: int,
    models: int,
    batching: bool = False,
    allow_unserved: bool = True,
    tightness: float = 1.0,
    equal_sizes: bool = False,
    total_demand: float = 1000.0,
    per_node: bool | Collection[str] = False,
) -> Scenario:
    """One scenario whose capacities bind: about half of what would be needed at `tightness` 1, less above.

    Models support random sets of tasks, at least one each; their client variants are smaller, cheaper and
    worse. Accuracies differ per edge. With `equal_sizes`, all models of a tier have one size and cost. With `per_node`,
    each node has costs and sizes of its own, all or those of `COSTS` that are named.
    """
    shape = (edges, models, tasks)
    supported = rng.random((models, tasks)) < 0.6
    supported[np.arange(models), rng.integers(tasks, size=models)] = True
    edge_accuracy = rng.uniform(0.5, 0.95, shape) * supported
    client_accuracy = edge_accuracy * rng.uniform(0.7, 1.0, shape)
    spread = 1.0 if equal_sizes else np.exp(rng.normal(0.0, 0.5, models))
    edge_size = 80.0 * spread * np.ones(models)
    edge_cost = 8.0 * (1.0 if equal_sizes else np.exp(rng.normal(0.0, 0.4, models))) * np.ones(models)
    client_size, client_cost = 0.5 * edge_size, 0.4 * edge_cost

    demand = rng.dirichlet(np.full(clients * tasks, 2.0)).reshape(clients, tasks) * total_demand
    client_edge = np.arange(clients) * edges // clients if rng.random() < 0.5 else rng.integers(edges, size=clients)
    input_size = rng.uniform(0.3, 1.2, tasks)
    own = demand.sum(axis=1)
    homed = np.bincount(client_edge, weights=own, minlength=edges)
    data = np.bincount(client_edge, weights=demand @ input_size, minlength=edges)

    def part(low: float, high: float, of: np.ndarray | float) -> np.ndarray:
        return rng.uniform(low, high, np.shape(of)) * of / tightness

    edge_compute = part(0.2, 0.7, homed * edge_cost.mean())
    window = rng.uniform(0.05, 0.4, edges)
    scenario = Scenario(
        demand=demand,
        client_edge=client_edge,
        client_accuracy=client_accuracy,
        edge_accuracy=edge_accuracy,
        cloud_accuracy=rng.uniform(0.9, 1.0, tasks),
        client_model_memory=client_size,
        edge_model_memory=edge_size,
        client_model_compute=client_cost,
        edge_model_compute=edge_cost,
        client_memory=part(0.8, 2.5, client_size.mean() * np.ones(clients)),
        client_compute=part(0.2, 1.0, own * client_cost.mean()),
        edge_memory=part(1.0, 3.5, edge_size.mean() * np.ones(edges)),
        edge_compute=edge_compute,
        edge_uplink=part(0.3, 0.9, data),
        cloud_uplink=part(0.1, 0.4, data.sum()),
        input_size=input_size,
        batching=Batching(window, rng.uniform(0.05, 0.5, (edges, models)) * window[:, None]) if batching else None,
        allow_unserved=allow_unserved,
    )
    # Drawn last: what else there is does not depend on it.
    return with_own_costs(rng, scenario, COSTS if per_node is True else per_node) if per_node else scenario


def with_own_costs(rng: np.random.Generator, scenario: Scenario, names: Collection[str] = COSTS) -> Scenario:
    """The scenario with costs of each node's own, about those that it has for models."""
    return dataclasses.replace(
        scenario,
        **{name: at_nodes(scenario, name) * np.exp(rng.normal(0.0, 0.5, of_nodes(scenario, name))) for name in names},
    )


def of_nodes(scenario: Scenario, name: str) -> tuple[int, int]:
    """Shape of a field of `COSTS` that is given for each node."""
    return scenario.clients if name.startswith("client") else scenario.edges, scenario.models


def at_nodes(scenario: Scenario, name: str) -> np.ndarray:
    """A field of `COSTS` at every node of a single scenario, ``[C, M]`` or ``[E, M]``, in whichever form it is."""
    return np.broadcast_to(getattr(scenario, name), of_nodes(scenario, name))


def by_hand(**fields: Any) -> Scenario:
    """A scenario whose best plan is worked out by hand, of its rates, accuracies and whatever else is given.

    One edge has all clients, which see accuracies as edges do. Models and inputs are of size and cost 1, the cloud is
    always right, and a capacity that is not given is 0.
    """
    (clients, tasks), (edges, models, _) = np.shape(fields["demand"]), np.shape(fields["edge_accuracy"])
    of_models = [f"{tier}_model_{what}" for tier in ("client", "edge") for what in ("memory", "compute")]
    given = {
        "client_edge": [0] * clients,
        "client_accuracy": fields["edge_accuracy"],
        "cloud_accuracy": np.ones(tasks),
        "input_size": np.ones(tasks),
        **{name: np.ones(models) for name in of_models},
        **{name: np.zeros(clients) for name in ("client_memory", "client_compute")},
        **{name: np.zeros(edges) for name in ("edge_memory", "edge_compute", "edge_uplink")},
        "cloud_uplink": 0.0,
    }
    return Scenario(**(given | fields))


def arguments(scenario: Scenario) -> dict[str, Any]:
    """Keyword arguments that make this scenario again."""
    return {field.name: getattr(scenario, field.name) for field in dataclasses.fields(scenario)}


def stack(instances: Sequence[_Module]) -> _Module:
    """One batch, along a new leading axis, of scenarios or solutions of the same sizes and variant."""
    return jax.tree.map(lambda *arrays: np.stack(arrays), *instances)


def _zero(*fields: str):
    return lambda scenario: {name: np.zeros_like(getattr(scenario, name)) for name in fields}


def _unlimited(*fields: str):
    return lambda scenario: {name: np.full_like(getattr(scenario, name), np.inf) for name in fields}


def _first(field: str, axis: int):
    """Zero at the first position of an axis: one client without demand, one task without a model."""

    def change(scenario: Scenario) -> dict[str, np.ndarray]:
        array = np.array(getattr(scenario, field))
        np.moveaxis(array, axis, 0)[0] = 0.0
        return {field: array}

    return change


def _units(scenario: Scenario) -> dict[str, np.ndarray]:
    """A millionth of the queries, each with 1e9 times the work, and memory in 1e9 times the unit."""
    factors = {
        **dict.fromkeys(("demand", "edge_uplink", "cloud_uplink"), 1e-6),
        **dict.fromkeys(("client_model_compute", "edge_model_compute"), 1e9),
        **dict.fromkeys(("client_compute", "edge_compute"), 1e3),
        **dict.fromkeys(("client_model_memory", "client_memory", "edge_model_memory", "edge_memory"), 1e-9),
    }
    return {name: getattr(scenario, name) * factor for name, factor in factors.items()}


CAPACITIES = ("client_memory", "client_compute", "edge_memory", "edge_compute", "edge_uplink", "cloud_uplink")

# What a scenario may look like at its limits: fields to replace, by what it is called.
EXTREMES = {
    **{f"no {name}": _zero(name) for name in CAPACITIES},
    **{f"unlimited {name}": _unlimited(name) for name in CAPACITIES},
    "unlimited": _unlimited(*CAPACITIES),
    "one client silent": _first("demand", 0),
    "one task silent": _first("demand", 1),
    "all silent": _zero("demand"),
    "clients all at the first edge": _zero("client_edge"),
    "one task that no model supports": lambda scenario: {
        **_first("client_accuracy", 2)(scenario),
        **_first("edge_accuracy", 2)(scenario),
    },
    "one task that only models support": _first("cloud_accuracy", 0),
    "models without cost": _zero("client_model_compute", "edge_model_compute"),
    "models without size": _zero("client_model_memory", "edge_model_memory"),
    "one task without input": _first("input_size", 0),
    "other units": _units,
}


@st.composite
def tiny_scenarios(draw: st.DrawFn, sizes: Sequence[tuple[int, int, int, int]] | None = None) -> Scenario:
    """Scenarios small enough for `oracle.brute_force`, of every variant, with up to two extremes.

    Numbers of clients, edges, tasks and models are drawn each for itself, or out of `sizes` where each compiles.
    """
    # The type checker of the test run draws from `random`, which Hypothesis forbids inside a strategy.
    state = random.getstate()
    any_size = st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 2), st.integers(1, 3))
    clients, edges, tasks, models = draw(any_size if sizes is None else st.sampled_from(sizes), label="sizes")
    scenario = random_scenario(
        np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed")),
        clients=clients,
        edges=edges,
        tasks=tasks,
        models=models,
        batching=draw(st.booleans()),
        allow_unserved=draw(st.booleans()),
        tightness=draw(st.sampled_from([1.0, 0.3, 3.0])),
        equal_sizes=draw(st.booleans()),
        per_node=draw(st.booleans()),
    )
    for extreme in draw(st.lists(st.sampled_from(sorted(EXTREMES)), max_size=2, unique=True)):
        scenario = dataclasses.replace(scenario, **EXTREMES[extreme](scenario))
    random.setstate(state)
    return scenario


# A single scenario that `broken_scenarios` breaks has a different size along every axis, so that a swapped
# or missing axis always shows.
_CLIENTS, _EDGES, _TASKS, _MODELS = 7, 2, 3, 5
_FIELDS = [
    *(name for name in Scenario.__annotations__ if name not in ("batching", "allow_unserved", "names", "switching")),
    "batching.window",
    "batching.setup",
]


def _with_entry(value: float):
    """A defect of one entry."""

    def change(rng: np.random.Generator, array: np.ndarray) -> np.ndarray:
        bad = array.astype(np.result_type(array, type(value)))
        bad[tuple(rng.integers(size) for size in bad.shape)] = value
        return bad

    return change


def _defects(field: str, axes: int) -> dict[str, Any]:
    """What can be wrong with one field: functions of a random generator and the valid array."""
    defects = {
        "leading axis too many": lambda rng, array: array[None],
        "trailing axis too many": lambda rng, array: array[..., None],
        "NaN": _with_entry(np.nan),
        "negative": _with_entry(-1),
        "text": lambda rng, array: np.full(array.shape, "much").tolist(),
        "one entry None": lambda rng, array: np.where(np.arange(array.size) == 0, None, array.ravel()),
        "nothing": lambda rng, array: None,
        "complex": lambda rng, array: array + 1j,
    }
    if axes >= 1:
        defects |= {
            "axis missing": lambda rng, array: array.take(0, axis=rng.integers(axes)),
            "axis too long": lambda rng, array: array.repeat(
                [1] * (array.shape[axis := rng.integers(axes)] - 1) + [2], axis=axis
            ),
            "axis too short": lambda rng, array: np.delete(array, 0, axis=rng.integers(axes)),
            "ragged": lambda rng, array: [array[0], *(part.tolist() for part in array[1:]), [0.5] * 11],
        }
    if axes >= 2:
        defects["axes swapped"] = lambda rng, array: np.swapaxes(array, *rng.choice(axes, 2, replace=False))
    if field == "client_edge":
        defects |= {"beyond the last edge": _with_entry(_EDGES), "fraction": _with_entry(0.5)}
    if field not in CAPACITIES:
        defects["infinite"] = _with_entry(np.inf)
    if field.endswith("accuracy"):
        defects["above one"] = _with_entry(1.01)
    if field == "batching.window":
        defects["zero"] = _with_entry(0.0)
    return defects


def broken_scenarios(count: int = 300, seed: int = 0) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Valid keyword arguments with one random defect each: (field, defect, arguments for `build`)."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        given = arguments(
            random_scenario(rng, clients=_CLIENTS, edges=_EDGES, tasks=_TASKS, models=_MODELS, batching=True)
        )
        given["batching"] = {"window": given["batching"].window, "setup": given["batching"].setup}
        field = str(rng.choice(_FIELDS))
        group, name = (given["batching"], field[9:]) if "." in field else (given, field)
        defects = _defects(field, np.ndim(group[name]))
        defect = str(rng.choice(sorted(defects)))
        group[name] = defects[defect](rng, np.asarray(group[name]))
        yield field, defect, given


def build(given: dict[str, Any]) -> Scenario:
    """The scenario of keyword arguments as `broken_scenarios` yields them."""
    return Scenario(**{**given, "batching": Batching(**given["batching"])})


def with_switching(scenario: Scenario, rng: np.random.Generator, cost_per_mb: float) -> Scenario:
    """The scenario where each node holds some models already, as many of a random order as fit its memory."""
    held = {}
    for tier, nodes in (("client", scenario.clients), ("edge", scenario.edges)):
        size, memory = at_nodes(scenario, f"{tier}_model_memory"), getattr(scenario, f"{tier}_memory")
        held[f"{tier}_held"] = np.zeros((nodes, scenario.models), dtype=bool)
        for node, own in enumerate(held[f"{tier}_held"]):
            order = rng.permutation(scenario.models)
            own[order] = np.cumsum(size[node, order]) <= memory[node]
    return dataclasses.replace(scenario, switching=Switching(**held, cost_per_mb=cost_per_mb))
