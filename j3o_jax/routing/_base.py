"""The offloading step (17): the best shares o for a fixed placement, and what any solver of it must offer."""

import abc
from typing import ClassVar, NamedTuple

import numpy as np

from j3o_kernels.offloading import OffloadingProblem

from .._either import either as jnp
from .._model import (
    client_choice_accuracy,
    client_choice_compute,
    edge_choice_accuracy,
    edge_choice_compute,
    edge_choice_setup,
    normalized_demand,
    sum_per_edge,
)
from .._scenario import Scenario
from .._settings_text import Settings
from .._types import AnyArray, Bool, Float, Int

# A share below this is a solver's rounding, not a decision; so is what a window lacks for its set-up times.
_DUST = 1e-9


class Offloading(NamedTuple):
    """Shares, and the multipliers (prices) of the capacities, in objective per unit of each capacity.

    `solved` is False where the program has no solution or the solver failed; `feasible` is False only where the
    solver proved that there is none.
    """

    local: Float[AnyArray, "*batch C T"]
    edge: Float[AnyArray, "*batch C T"]
    cloud: Float[AnyArray, "*batch C T"]
    client_price: Float[AnyArray, "*batch C"]
    edge_price: Float[AnyArray, "*batch E"]
    edge_uplink_price: Float[AnyArray, "*batch E"]
    cloud_uplink_price: Float[AnyArray, "*batch"]
    solved: Bool[AnyArray, "*batch"]
    feasible: Bool[AnyArray, "*batch"]


def no_offloading(batch: int, clients: int, tasks: int, edges: int) -> Offloading:
    """Blank NumPy answers for a batch, to be filled in: no share, no price, not solved."""
    return Offloading(
        local=np.zeros((batch, clients, tasks)),
        edge=np.zeros((batch, clients, tasks)),
        cloud=np.zeros((batch, clients, tasks)),
        client_price=np.zeros((batch, clients)),
        edge_price=np.zeros((batch, edges)),
        edge_uplink_price=np.zeros((batch, edges)),
        cloud_uplink_price=np.zeros(batch),
        solved=np.zeros(batch, dtype=bool),
        feasible=np.ones(batch, dtype=bool),
    )


class AbstractOffloadingSolver(Settings):
    """Solver of batches of `OffloadingProblem`."""

    runs_on_device: ClassVar[bool] = False
    """Whether its steps can be a part of the device program of a method."""

    @abc.abstractmethod
    def offload(
        self,
        problem: OffloadingProblem,
        active: Bool[AnyArray, " B"],
        *,
        allow_unserved: bool,
        sparse: bool = False,
    ) -> Offloading:
        """Optimal shares of each instance of a batch of one axis B where `active`; zeros elsewhere.

        Where several answers are best, `sparse` asks for one that uses few routes (a vertex) if the solver can
        choose, and else for their middle.

        Shares may break a limit by the solver's tolerance; `settle_shares` puts that right. The answer for an
        instance does not depend on the others.
        """


def offloading_problem(
    scenario: Scenario,
    client_choice: Int[AnyArray, "C T"],
    edge_choice: Int[AnyArray, "E T"],
    *,
    tangent: tuple[Float[AnyArray, "E T"], Float[AnyArray, "E T"]] | None = None,
) -> OffloadingProblem:
    """Program (17) of one scenario for the choices z.

    **Arguments:**

    - `tangent`: θ and ψ of (29), which put θ λ + ψ in place of the indicator of (28).
    """
    weight = normalized_demand(scenario)
    home = scenario.client_edge
    wanted = scenario.demand > 0.0
    local_accuracy = client_choice_accuracy(scenario, client_choice)
    edge_accuracy = edge_choice_accuracy(scenario, edge_choice)[home]
    cloud_accuracy = jnp.broadcast_to(scenario.cloud_accuracy[None, :], wanted.shape)
    local_load = scenario.demand * client_choice_compute(scenario, client_choice)
    edge_load = scenario.demand * edge_choice_compute(scenario, edge_choice)[home]
    data = scenario.demand * scenario.input_size[None, :]
    edge_compute, edge_open = scenario.edge_compute, edge_accuracy > 0.0
    if scenario.batching is not None:
        setup = edge_choice_setup(scenario, edge_choice)
        if tangent is not None:
            slope, offset = tangent
            limited = jnp.where(jnp.isfinite(edge_compute), edge_compute, 0.0) / scenario.batching.window
            edge_load = edge_load + scenario.demand * (limited[:, None] * setup * slope)[home]
            setup = setup * offset
        left = 1.0 - jnp.sum(setup, axis=1) / scenario.batching.window
        # At an edge without limit queries take no time: all that counts is that the set-up times fit.
        fits = left >= -_DUST
        remains = jnp.where(jnp.isinf(edge_compute) & fits, edge_compute, 0.0)
        edge_compute = jnp.where(left > 0.0, edge_compute * left, remains)
        # Queries that take no time could go where the set-up times alone do not fit.
        edge_open = edge_open & fits[home][:, None]

    def at_most(capacity: AnyArray, load: AnyArray) -> AnyArray:
        # A limit above all that can come is none; said with a finite number, for the solvers' sake.
        return jnp.minimum(capacity, 2.0 * load)

    def per_edge(load: AnyArray) -> AnyArray:
        return sum_per_edge(jnp.sum(load, axis=1), home, scenario.edges)

    return OffloadingProblem(
        client_edge=home,
        wanted=wanted,
        local_value=weight * local_accuracy,
        edge_value=weight * edge_accuracy,
        cloud_value=weight * cloud_accuracy,
        local_load=local_load,
        edge_load=edge_load,
        data=data,
        # What does not support a task serves none of it; with no model chosen the accuracy is 0.
        local_open=local_accuracy > 0.0,
        edge_open=edge_open,
        cloud_open=cloud_accuracy > 0.0,
        client_compute=at_most(scenario.client_compute, jnp.sum(local_load, axis=1)),
        edge_compute=at_most(edge_compute, per_edge(edge_load)),
        edge_uplink=at_most(scenario.edge_uplink, per_edge(data)),
        cloud_uplink=at_most(scenario.cloud_uplink, jnp.sum(data)),
    )


def settle_shares(
    problem: OffloadingProblem, offloading: Offloading, *, allow_unserved: bool
) -> tuple[AnyArray, AnyArray, AnyArray, AnyArray]:
    """Shares (local, edge, cloud, unserved) of one instance that keep every limit, not just to a tolerance.

    A solver's answer breaks limits by its tolerance. Serving less never breaks another limit, so every share is
    first clipped (below 1e-9 to nothing), then what goes through an overloaded node or link is scaled down. Where all
    must be served, a rest within 5e-7 is spread over what the stream uses.
    """

    def clip(share: AnyArray, is_open: AnyArray) -> AnyArray:
        return jnp.where(is_open & (share > _DUST), jnp.minimum(share, 1.0), 0.0)

    def relief(load: AnyArray, capacity: AnyArray) -> AnyArray:
        return jnp.where(load > capacity, capacity / jnp.where(load > 0.0, load, 1.0), 1.0)

    def per_edge(load: AnyArray) -> AnyArray:
        return sum_per_edge(jnp.sum(load, axis=1), problem.client_edge, problem.edge_uplink.shape[0])

    local = clip(offloading.local, problem.local_open)
    edge = clip(offloading.edge, problem.edge_open)
    cloud = clip(offloading.cloud, problem.cloud_open)
    whole = jnp.maximum(local + edge + cloud, 1.0)
    local, edge, cloud = local / whole, edge / whole, cloud / whole

    local = local * relief(jnp.sum(local * problem.local_load, axis=1), problem.client_compute)[:, None]
    edge = edge * relief(per_edge(edge * problem.edge_load), problem.edge_compute)[problem.client_edge][:, None]
    link = relief(per_edge((edge + cloud) * problem.data), problem.edge_uplink)[problem.client_edge][:, None]
    edge, cloud = edge * link, cloud * link
    cloud = cloud * relief(jnp.sum(cloud * problem.data), problem.cloud_uplink)

    served = local + edge + cloud
    if not allow_unserved:
        nearly = (served >= 1.0 - 5e-7) & (served > 0.0)
        fill = jnp.where(nearly, 1.0 / jnp.where(nearly, served, 1.0), 1.0)
        local, edge, cloud = local * fill, edge * fill, cloud * fill

    # Where nobody asks for anything every share is free: none, or the cloud's where all must be served.
    local, edge = (jnp.where(problem.wanted, share, 0.0) for share in (local, edge))
    cloud = jnp.where(problem.wanted, cloud, 0.0 if allow_unserved else 1.0)
    return local, edge, cloud, jnp.maximum(1.0 - local - edge - cloud, 0.0)
