"""Prices in a plan document: those of a certificate, and shadow prices, by the names of the plan."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .._certificate import Certificate
from .._names import Names
from .._prices import Prices
from ._errors import Finding
from ._plan_schema import CertificatePart, PlanPart, PricesPart, written_number
from .words import Loc, suggestion


def certificate_document(names: Names, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Write a certificate, whose arrays these are among."""
    told = _Told("certificate", arrays)
    clients = zip(names.clients, told("client_compute"), told("stream"), strict=True)
    edges = zip(names.edges, told("edge_compute"), told("edge_uplink"), strict=True)
    return {
        "clients": {
            name: {"compute": compute, "tasks": dict(zip(names.tasks, streams, strict=True))}
            for name, compute, streams in clients
        },
        "edges": {name: {"compute": compute, "uplink": uplink} for name, compute, uplink in edges},
        "cloud_uplink": told("cloud_uplink"),
    }


def prices_document(names: Names, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Write shadow prices, whose arrays these are among."""
    told = _Told("prices", arrays)
    clients = zip(names.clients, told("client_compute"), told("client_memory"), strict=True)
    edges = zip(names.edges, told("edge_compute"), told("edge_uplink"), told("edge_memory"), strict=True)
    return {
        "clients": {name: {"compute": compute, "memory": memory} for name, compute, memory in clients},
        "edges": {
            name: {"compute": compute, "uplink": uplink, "memory": memory} for name, compute, uplink, memory in edges
        },
        "cloud_uplink": told("cloud_uplink"),
    }


class _Told:
    """Numbers of one part of the arrays, as documents have them."""

    def __init__(self, part: str, arrays: Mapping[str, np.ndarray]):
        self._part, self._arrays = part, arrays

    def __call__(self, name: str) -> Any:
        return written_number(self._arrays[f"{self._part}_{name}"].astype(np.float64).tolist())


def certificate_of(part: CertificatePart, names: Names) -> Certificate:
    """Read a certificate."""
    clients, edges = ([having[name] for name in own] for having, own in _priced(part, names))
    return Certificate(
        stream=np.array([[client.tasks[task] for task in names.tasks] for client in clients], dtype=np.float64),
        client_compute=np.array([client.compute for client in clients], dtype=np.float64),
        edge_compute=np.array([edge.compute for edge in edges], dtype=np.float64),
        edge_uplink=np.array([edge.uplink for edge in edges], dtype=np.float64),
        cloud_uplink=np.float64(part.cloud_uplink),
    )


def prices_of(part: PricesPart, names: Names) -> Prices:
    """Read shadow prices."""
    clients, edges = ([having[name] for name in own] for having, own in _priced(part, names))
    return Prices(
        client_compute=np.array([client.compute for client in clients], dtype=np.float64),
        edge_compute=np.array([edge.compute for edge in edges], dtype=np.float64),
        edge_uplink=np.array([edge.uplink for edge in edges], dtype=np.float64),
        cloud_uplink=np.float64(part.cloud_uplink),
        client_memory=np.array([client.memory for client in clients], dtype=np.float64),
        edge_memory=np.array([edge.memory for edge in edges], dtype=np.float64),
    )


def _priced(part: CertificatePart | PricesPart, names: Names) -> Sequence[tuple[Mapping[str, Any], Sequence[str]]]:
    return ((part.clients, names.clients), (part.edges, names.edges))


def price_slips(part: PlanPart, names: Names) -> Iterator[Finding]:
    """Find names that have a price and are not in the plan, and those of the plan that have none."""
    for key, priced in (("certificate", part.certificate), ("prices", part.prices)):
        if priced is not None:
            for word, (having, own) in zip(("clients", "edges"), _priced(priced, names), strict=True):
                yield from _other_names(having, own, (key, word))
    for name, client in part.certificate.clients.items() if part.certificate is not None else ():
        yield from _other_names(client.tasks, names.tasks, ("certificate", "clients", name, "tasks"))


def _other_names(having: Mapping[str, Any], names: Sequence[str], loc: Loc) -> Iterator[Finding]:
    for name in having:
        if name not in names:
            known = suggestion(name, tuple(names))
            yield Finding((*loc, name), f"has a price, and is not in the plan: {known}; was it taken out of the plan?")
    for name in names:
        if name not in having:
            of = "a certificate has" if loc[0] == "certificate" else "there is"
            yield Finding((*loc, name), f"is missing: {of} a price for each")
