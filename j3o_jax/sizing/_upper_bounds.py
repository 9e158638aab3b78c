"""Upper bounds of all options at once: sums of terms of nodes, each found once for each alternative."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np

from .._certificate import Certificate
from .._scenario import Scenario
from ..methods.node_bounds import node_bounds
from ._choices import FIELDS, Options, Tier

_EPS = float(np.finfo(np.float64).eps)


class _Kind(NamedTuple):
    """Nodes that the same choices are about; the cloud's uplink counts as one.

    - `choices`: numbers of the choices.
    - `clients`, `edges`, `cloud`: which nodes they are.
    - `combinations`: of the alternatives of these choices, others at 0. ``[n, D]``
    """

    choices: tuple[int, ...]
    clients: np.ndarray
    edges: np.ndarray
    cloud: bool
    combinations: np.ndarray


class UpperBounds:
    """Bounds of options from certificates of other ones.

    At the prices of one certificate a bound is a sum over nodes (`node_bounds`), so that it takes as many evaluations
    as a node has alternatives, not as there are options.

    **Arguments:**

    - `options`: what may be bought.
    """

    def __init__(self, options: Options):
        self.options = options
        self._kinds = list(_kinds(options))
        self._variants = _variants(options, self._kinds)

    def at(self, certificates: Certificate, picks: np.ndarray) -> np.ndarray:
        """Least bound of each combination, of picks ``[n, D]``, at the prices of any of the certificates ``[n]``."""
        count, variants = len(certificates.cloud_uplink), len(self._variants.demand)
        # Each variant of the nodes with each certificate.
        scenarios = jax.tree.map(lambda array: np.tile(array, (count, *(1,) * (array.ndim - 1))), self._variants)
        each = jax.tree.map(lambda array: np.repeat(np.asarray(array), variants, axis=0), certificates)
        found = node_bounds(scenarios, each)
        shared, client, edge, cloud = (
            term.reshape(count, variants, *term.shape[1:])
            for term in (found.shared, found.client, found.edge, found.cloud)
        )
        least = np.full(len(picks), math.inf)
        tables = []
        for kind in self._kinds:
            own = len(kind.combinations)
            table = client[:, :own][:, :, kind.clients].sum(axis=2) + edge[:, :own][:, :, kind.edges].sum(axis=2)
            tables.append(table + (cloud[:, :own] if kind.cloud else 0.0))
        sizes = self.options.sizes
        numbers = [
            np.ravel_multi_index(tuple(picks[:, d] for d in kind.choices), [sizes[d] for d in kind.choices])
            if kind.choices
            else np.zeros(len(picks), dtype=int)
            for kind in self._kinds
        ]
        # Sums of terms >= 0: what they lose to rounding.
        up = 1.0 + (client.shape[2] + edge.shape[2] + len(tables) + 2) * _EPS
        for certificate in range(count):
            bound = shared[certificate, 0] + sum(
                table[certificate][number] for table, number in zip(tables, numbers, strict=True)
            )
            np.minimum(least, bound * up, out=least)
        return least


def _kinds(options: Options) -> Iterator[_Kind]:
    scenario = options.scenario
    tiers: dict[Tier, int] = {"client": scenario.clients, "edge": scenario.edges, "cloud": 1}
    about: dict[tuple[Tier, int], list[int]] = {(tier, n): [] for tier, count in tiers.items() for n in range(count)}
    for d, choice in enumerate(options.choices):
        for field in choice.fields:
            for node in choice.nodes(field) or (0,):
                if d not in about[FIELDS[field], node]:
                    about[FIELDS[field], node].append(d)
    for choices in sorted(set(map(tuple, about.values()))):
        nodes = [node for node, own in about.items() if tuple(own) == choices]
        sizes = [options.sizes[d] for d in choices]
        combinations = np.zeros((math.prod(sizes), len(options.choices)), dtype=int)
        if choices:
            combinations[:, list(choices)] = np.stack(np.unravel_index(np.arange(len(combinations)), sizes), axis=1)
        yield _Kind(
            choices,
            np.array([number for tier, number in nodes if tier == "client"], dtype=int),
            np.array([number for tier, number in nodes if tier == "edge"], dtype=int),
            ("cloud", 0) in nodes,
            combinations,
        )


def _variants(options: Options, kinds: list[_Kind]) -> Scenario:
    """Batch in which every node stands with each combination of its alternatives at least once.

    Variant k has at each node the k-th combination of the node's own choices: together they may be no option at all.
    """
    count = max(len(kind.combinations) for kind in kinds)
    variants = options.scenarios(np.zeros((count, len(options.choices)), dtype=int)).flattened()
    arrays = {name: np.array(array) for name, array in variants.arrays().items()}
    for kind in kinds:
        own = options.scenarios(kind.combinations[np.arange(count) % len(kind.combinations)]).arrays()
        for field in options.fields:
            if FIELDS[field] != "cloud":
                nodes = kind.clients if FIELDS[field] == "client" else kind.edges
                arrays[field][:, nodes] = own[field][:, nodes]
            elif kind.cloud:
                arrays[field] = own[field]
    return variants.with_arrays(arrays)
