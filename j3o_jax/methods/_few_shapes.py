"""Few shapes for brief work: scenarios with clients and models that change nothing, so that sizes share programs.

A program is compiled for numbers of clients, edges, tasks and models, and for the table that clients stand in
(`ClientGroups`). Work that is compiled lightly takes seconds to compile and milliseconds to run, so that it is done at
the next of few sizes: at most a quarter more than there are. Batches that are compiled for speed stay as they are, and
so do the numbers of edges and tasks, of which deployments have few.

Clients are added that ask nothing, have nothing and stand in no place of the table, which gets empty rows; and models
that support nothing, as large and dear as the first one.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from j3o_kernels.client_groups import ClientGroups

from .._certificate import Certificate
from .._model import Plan
from .._scenario import Scenario
from ._base import Outcome

# Up to so many of a kind are one size; above, a number has so many bits before its zeros.
_LEAST = 8
_BITS = 3


class Sized(NamedTuple):
    """A batch at the size of a program, and how many clients and models it has in truth."""

    scenarios: Scenario
    groups: ClientGroups
    clients: int
    models: int


def next_size(number: int) -> int:
    """The next of few sizes: 8, 10, 12, 14, 16, 20, 24, 28, 32, 40 and so on."""
    zeros = max(number.bit_length() - _BITS, 0)
    return max(-(-number >> zeros) << zeros, _LEAST)


def sized(scenarios: Scenario, groups: ClientGroups, *, brief: bool) -> Sized:
    """A batch of one axis, in NumPy: at the next of few sizes where there is little to do, else at its own."""
    return enlarged(scenarios, groups) if brief else Sized(scenarios, groups, scenarios.clients, scenarios.models)


def enlarged(scenarios: Scenario, groups: ClientGroups) -> Sized:
    """A batch at the next of few sizes."""
    clients, models = scenarios.clients, scenarios.models
    more_clients, more_models = next_size(clients) - clients, next_size(models) - models
    rows = groups.slots.shape[1]
    empty = next_size(rows) - rows

    def behind(array: np.ndarray, axis: int, more: int, value: int = 0) -> np.ndarray:
        widths = [(0, more if own == axis else 0) for own in range(array.ndim)]
        return np.pad(array, widths, constant_values=value)

    def zeros(axis: int, more: int, *names: str) -> dict[str, np.ndarray]:
        return {name: behind(getattr(scenarios, name), axis, more) for name in names}

    def alike(array: np.ndarray, axis: int) -> np.ndarray:
        """Copies of the first model behind."""
        return np.take(array, [*range(models), *[0] * more_models], axis)

    batching = scenarios.batching
    if batching is not None:
        batching = dataclasses.replace(batching, setup=alike(batching.setup, 2))
    larger = dataclasses.replace(
        scenarios,
        names=None,
        batching=batching,
        **zeros(1, more_clients, "demand", "client_edge", "client_memory", "client_compute"),
        **zeros(2, more_models, "client_accuracy", "edge_accuracy"),
        **{
            name: alike(getattr(scenarios, name), 1)
            for name in ("client_model_memory", "edge_model_memory", "client_model_compute", "edge_model_compute")
        },
    )
    # Where there is no client the table has the number behind the last one.
    slots = np.where(groups.slots < clients, groups.slots, clients + more_clients)
    slots = behind(slots, 1, empty, clients + more_clients)
    placed = ClientGroups(slots, behind(np.asarray(groups.places), 1, more_clients), groups.edge)
    return Sized(larger, placed, clients, models)


def own_part(outcome: Outcome, sized: Sized) -> Outcome:
    """What came of a batch that was `enlarged`, without what was added."""
    plan, clients, models = outcome.plan, slice(sized.clients), slice(sized.models)

    def of_clients(array: Any) -> Any:
        return array[:, clients]

    own = Plan(
        client_models=plan.client_models[:, clients, models],
        edge_models=plan.edge_models[:, :, models],
        client_choice=of_clients(plan.client_choice),
        edge_choice=plan.edge_choice,
        **{name: of_clients(getattr(plan, name)) for name in ("local", "edge", "cloud", "unserved")},
    )
    proof = outcome.certificate
    return outcome._replace(plan=own, certificate=None if proof is None else own_certificate(proof, sized))


def own_certificate(proof: Certificate, sized: Sized) -> Certificate:
    """`own_part` of a certificate."""
    clients = slice(sized.clients)
    return dataclasses.replace(proof, stream=proof.stream[:, clients], client_compute=proof.client_compute[:, clients])
