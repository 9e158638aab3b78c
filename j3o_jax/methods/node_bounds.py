"""Bounds of scenarios that differ in their nodes alone, from the certificates of some of them."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from j3o_kernels.client_groups import ClientGroups, group_clients
from j3o_kernels.materialize import compilation_unit
from j3o_kernels.node_terms import NodeTerms, node_terms
from j3o_kernels.price_bound import Prices

from .._batched import is_brief, run_batched
from .._certificate import Certificate
from .._model import normalized_demand
from .._scenario import Scenario
from .dual_bound import SAFE, bytes_of_bound, scaled_relaxation
from .few_shapes import enlarged_certificate, sized

# Evaluations of a bound, of which a descent has more, each with a gradient.
_TURNS = 1
_EPS = float(np.finfo(np.float64).eps)


class NodeBounds(NamedTuple):
    """Terms that sum to a bound on F of every scenario made of these nodes, in NumPy.

    - `shared`: worth of all streams. ``[B]``
    - `client` ``[B, C]``, `edge` ``[B, E]``: of a node, with its capacities, costs and, at edges, its uplink.
    - `cloud`: of the cloud's uplink. ``[B]``
    """

    shared: np.ndarray
    client: np.ndarray
    edge: np.ndarray
    cloud: np.ndarray


def node_bounds(scenarios: Scenario, certificates: Certificate) -> NodeBounds:
    """Terms of the nodes of each scenario of a batch, at the prices of links and worths of streams of a certificate.

    Entries of one certificate may be put together: the terms of clients of one, of an edge of another and of the cloud
    of a third bound the scenario that is made of them. Whose certificate it is does not matter, as long as demand,
    input sizes, the cloud's accuracy and the edge of each client are the same. Prices of compute are found anew for
    each node.

    **Arguments:**

    - `scenarios`: with one batch axis, in NumPy, whose clients are connected to the same edges.
    - `certificates`: one for each scenario.
    """
    groups = group_clients(np.asarray(scenarios.client_edge), scenarios.edges)
    each = bytes_of_bound(scenarios, groups)
    brief = is_brief(len(scenarios.demand), each, _TURNS)
    own = sized(scenarios, groups, brief=brief)
    found = run_batched(
        _program,
        (own.scenarios, own.groups, enlarged_certificate(certificates, own) if brief else certificates),
        key="node bounds",
        bytes_per_instance=bytes_of_bound(own.scenarios, own.groups),
        turns=_TURNS,
    )
    by_row = np.swapaxes(found.client, 1, 2).reshape(len(found.shared), -1)
    clients = np.take_along_axis(by_row, np.asarray(own.groups.places), axis=1)
    return NodeBounds(found.shared, clients[:, : own.own.clients], found.edge[:, : own.own.edges], found.cloud)


def _program(batch: tuple[Scenario, ClientGroups, Certificate], _: Any) -> NodeTerms:
    scenarios, groups, certificate = batch
    problem, unit, scales = compilation_unit(scaled_relaxation)(scenarios, groups)
    per = 1.0 / unit
    uplink, cloud = (
        certificate.edge_uplink * scales.uplink * per[:, None],
        certificate.cloud_uplink * scales.cloud * per,
    )
    weight = jax.vmap(normalized_demand)(scenarios) * per[:, None, None]

    def placed(clients: Any) -> Any:
        return jnp.swapaxes(groups.to_groups_batch_first(clients), 1, 2)

    # What the cloud leaves of a stream at these prices is not more by what all of this has been rounded by.
    rounding = 64.0 * _EPS * (certificate.stream + scenarios.cloud_accuracy[:, None])
    stream = placed(weight * (certificate.stream + jnp.where(weight > 0.0, rounding, 0.0)))
    nothing = jnp.zeros_like(problem.client_limit), jnp.zeros_like(problem.edge_limit)
    found = node_terms(problem, Prices(stream, *nothing, uplink, cloud))
    return jax.tree.map(lambda term: term * unit.reshape(-1, *(1,) * (term.ndim - 1)) * SAFE, found)
