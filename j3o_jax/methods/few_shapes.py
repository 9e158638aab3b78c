"""Few shapes for brief work: scenarios with nodes, tasks and models that change nothing, so that sizes share programs.

A program is compiled for numbers of clients, edges, tasks and models, and for the table that clients stand in
(`ClientGroups`). Work that is compiled lightly takes seconds to compile and milliseconds to run, so that it is done at
the next of few sizes: at most a quarter more clients or models than there are, two edges and three tasks at least.
Batches that are compiled for speed stay as they are.

Clients are added that ask nothing, have nothing and stand in no place of the table, which gets empty rows; edges that
have nothing and no clients; tasks that nobody asks; and models that support nothing, as large and dear as the first. To
move what is added costs nothing.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from j3o_kernels.client_groups import ClientGroups

from .._certificate import Certificate
from .._model import Plan
from .._scenario import Scenario
from ._base import Outcome

# Up to so many of a kind are one size; above, a number has so many bits before its zeros.
_LEAST = 8
_BITS = 3
# Of edges and tasks there are few, and what is added costs as much as what is there.
_LEAST_EDGES = 2
_LEAST_TASKS = 3


class Sizes(NamedTuple):
    """Numbers of each kind that a scenario has in truth."""

    clients: int
    edges: int
    tasks: int
    models: int


class Sized(NamedTuple):
    """A batch at the size of a program, and the sizes that it has in truth."""

    scenarios: Scenario
    groups: ClientGroups
    own: Sizes


def next_size(number: int) -> int:
    """Next of few sizes: 8, 10, 12, 14, 16, 20, 24, 28, 32, 40 and so on."""
    zeros = max(number.bit_length() - _BITS, 0)
    return max(-(-number >> zeros) << zeros, _LEAST)


def sized(scenarios: Scenario, groups: ClientGroups, *, brief: bool) -> Sized:
    """Batch of one axis, in NumPy: at the next of few sizes where there is little to do, else at its own."""
    return enlarged(scenarios, groups) if brief else Sized(scenarios, groups, sizes_of(scenarios))


def sizes_of(scenarios: Scenario) -> Sizes:
    """All as they are."""
    return Sizes(scenarios.clients, scenarios.edges, scenarios.tasks, scenarios.models)


def enlarged(scenarios: Scenario, groups: ClientGroups) -> Sized:
    """Batch at the next of few sizes."""
    own = sizes_of(scenarios)
    sizes = Sizes(
        next_size(own.clients), max(own.edges, _LEAST_EDGES), max(own.tasks, _LEAST_TASKS), next_size(own.models)
    )

    def nothing(name: str, *kinds: str) -> dict[str, np.ndarray]:
        """Field with zeros behind, on axes of these kinds."""
        array, widths = getattr(scenarios, name), [(0, getattr(sizes, kind) - getattr(own, kind)) for kind in kinds]
        return {name: np.pad(array, [(0, 0), *widths])}

    def alike(array: np.ndarray, *kinds: str) -> np.ndarray:
        """Field with copies of the first entries behind."""
        for axis, kind in enumerate(kinds, 1):
            here, there = getattr(own, kind), getattr(sizes, kind)
            array = np.take(array, [*range(here), *[0] * (there - here)], axis)
        return array

    batching = scenarios.batching
    if batching is not None:
        batching = dataclasses.replace(
            batching, window=alike(batching.window, "edges"), setup=alike(batching.setup, "edges", "models")
        )

    switching = scenarios.switching
    if switching is not None:
        # What is added is there already: whatever is read of it, it has cost nothing to move.
        def there(held: np.ndarray, nodes: int) -> np.ndarray:
            widths = [(0, 0), (0, nodes - held.shape[1]), (0, sizes.models - own.models)]
            return np.pad(held, widths, constant_values=True)

        switching = dataclasses.replace(
            switching,
            client_held=there(switching.client_held, sizes.clients),
            edge_held=there(switching.edge_held, sizes.edges),
        )

    def costs(name: str, nodes: str) -> dict[str, np.ndarray]:
        array = getattr(scenarios, name)
        return {name: alike(array, *((nodes, "models") if array.ndim == 3 else ("models",)))}

    larger = dataclasses.replace(
        scenarios,
        names=None,
        batching=batching,
        switching=switching,
        input_size=alike(scenarios.input_size, "tasks"),
        **nothing("demand", "clients", "tasks"),
        **nothing("client_edge", "clients"),
        **nothing("client_memory", "clients"),
        **nothing("client_compute", "clients"),
        **nothing("client_accuracy", "edges", "models", "tasks"),
        **nothing("edge_accuracy", "edges", "models", "tasks"),
        **nothing("cloud_accuracy", "tasks"),
        **nothing("edge_memory", "edges"),
        **nothing("edge_compute", "edges"),
        **nothing("edge_uplink", "edges"),
        **costs("client_model_memory", "clients"),
        **costs("client_model_compute", "clients"),
        **costs("edge_model_memory", "edges"),
        **costs("edge_model_compute", "edges"),
    )
    return Sized(larger, _larger_table(groups, own, sizes), own)


def _larger_table(groups: ClientGroups, own: Sizes, sizes: Sizes) -> ClientGroups:
    """Places for as many clients, and groups for as many edges, where each edge is a group."""
    _, rows, columns = groups.slots.shape
    more_rows = next_size(rows) - rows
    more_columns = sizes.edges - own.edges if groups.edge is None else 0
    # Where there is no client the table has the number behind the last one.
    slots = np.where(groups.slots < own.clients, groups.slots, sizes.clients)
    slots = np.pad(slots, [(0, 0), (0, more_rows), (0, more_columns)], constant_values=sizes.clients)
    row, column = np.divmod(np.asarray(groups.places), columns)
    places = row * (columns + more_columns) + column
    places = np.pad(places, [(0, 0), (0, sizes.clients - own.clients)])
    edge = None if groups.edge is None else np.where(groups.edge < own.edges, groups.edge, sizes.edges)
    return ClientGroups(slots, places, edge)


def own_part(outcome: Outcome, sized: Sized) -> Outcome:
    """Outcome of a batch that was `enlarged`, without what was added."""
    plan = outcome.plan
    clients, edges, tasks, models = map(slice, sized.own)
    streams = ("client_choice", "local", "edge", "cloud", "unserved")
    own = Plan(
        client_models=plan.client_models[:, clients, models],
        edge_models=plan.edge_models[:, edges, models],
        edge_choice=plan.edge_choice[:, edges, tasks],
        **{name: getattr(plan, name)[:, clients, tasks] for name in streams},
    )
    proof = outcome.certificate
    return outcome._replace(plan=own, certificate=None if proof is None else own_certificate(proof, sized))


def own_certificate(proof: Certificate, sized: Sized) -> Certificate:
    """`own_part` of a certificate."""
    clients, edges, tasks, _ = map(slice, sized.own)
    return Certificate(
        stream=proof.stream[:, clients, tasks],
        client_compute=proof.client_compute[:, clients],
        edge_compute=proof.edge_compute[:, edges],
        edge_uplink=proof.edge_uplink[:, edges],
        cloud_uplink=proof.cloud_uplink,
    )


def enlarged_certificate(proof: Certificate, sized: Sized) -> Certificate:
    """Certificate at the size of a program: prices of 0 for what was added."""
    own, larger = sized.own, sizes_of(sized.scenarios)

    def nothing(array: np.ndarray, *kinds: str) -> np.ndarray:
        return np.pad(array, [(0, 0), *((0, getattr(larger, kind) - getattr(own, kind)) for kind in kinds)])

    return Certificate(
        stream=nothing(proof.stream, "clients", "tasks"),
        client_compute=nothing(proof.client_compute, "clients"),
        edge_compute=nothing(proof.edge_compute, "edges"),
        edge_uplink=nothing(proof.edge_uplink, "edges"),
        cloud_uplink=proof.cloud_uplink,
    )
