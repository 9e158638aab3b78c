"""Upper bounds from prices, and the prices, of whole batches on the device: the dual of the strong formulation.

An interior point method finds the prices that are best for the linear relaxation; a descent goes on from there to those
that are best for nodes that choose whole sets of models.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from j3o_kernels.client_groups import ClientGroups, edges_to_groups, groups_to_edges
from j3o_kernels.dual_descent import dual_descent, warmup_cosine
from j3o_kernels.materialize import compilation_unit
from j3o_kernels.price_bound import Prices
from j3o_kernels.price_placement import CapacityPrices
from j3o_kernels.relaxation import relaxation
from j3o_kernels.relaxation_program import RelaxationProblem
from j3o_kernels.tolerances import ROUNDING

from .._batched import run_batched
from .._model import model_costs, moving_costs, normalized_demand
from .._scenario import Scenario
from .alternation.placement import asked_tasks, client_capacity, edge_work, per_query

# Arrays of flows that the method has in memory.
_ARRAYS = 60
BOUND_TURNS = 3
"""How much more there is to do than J3O does for an instance of that memory."""
# What the arrays of a chunk may take of a CPU's caches.
_CACHE_BYTES = 1 << 24
# A row is never fuller than 1 by its scale: what a capacity beyond that is.
_AMPLE = 2.0
SAFE = 1.0 + 4.0 * np.finfo(np.float64).eps
"""What the unit of the objective may lose to rounding."""
# Charges are rounded down; one beyond some times what the node could earn with all models is as good as any.
SAFE_CHARGE = 1.0 - 16.0 * np.finfo(np.float64).eps
NEVER_PAYS = 2.0


class DualBound(NamedTuple):
    """Proven bound of each instance, and the prices that prove it.

    - `bound`: on the optimum. ``[B]``
    - `prices`: of the capacities, in objective per unit of load of all queries together; clients as ``[B, G, K]``,
      edges as ``[B, E]``.
    - `iterations`: Newton steps of the search. ``[B]``
    - `point`: the prices that prove the bound, as its kernel has them, worths of streams with them: to go on from, and
      for a certificate.
    """

    bound: Any
    prices: CapacityPrices
    iterations: Any
    point: Any = None


class Descent(NamedTuple):
    """Descent from the prices of a `DualBound` to better ones, for `closer_bounds`.

    - `steps`: of Adam; none where 0.
    - `schedule`: of relative steps, by optax; a number is the largest of a rise and a fall to 0.
    """

    steps: int
    schedule: Any

    @property
    def own_schedule(self) -> Any:
        """A schedule by optax, if there is one; each is compiled anew."""
        return self.schedule if callable(self.schedule) else None

    @property
    def largest_step(self) -> Any:
        """The largest of a rise and a fall to 0; without meaning where there is a schedule."""
        return 0.0 if callable(self.schedule) else self.schedule

    def problems(self, steps: str, schedule: str) -> str | None:
        """Name what is wrong with it, where the arguments have these names."""
        if self.steps < 0:
            return f"{steps}: must be at least 0, got {self.steps}"
        if not callable(self.schedule) and not isinstance(self.schedule, Tracer) and not 0.0 <= self.schedule < np.inf:
            return f"{schedule}: must be an optax schedule or a number of at least 0, got {self.schedule!r}"
        return None


def dual_bounds(
    scenarios: Scenario,
    groups: ClientGroups,
    tolerance: float,
    max_iterations: int,
    descent: Descent,
) -> DualBound:
    """Bound a batch of one axis by the relaxation's prices and a descent from them, in NumPy."""
    return _run(descent, scenarios, groups, blank_prices(groups, scenarios), tolerance, max_iterations)


def closer_bounds(scenarios: Scenario, groups: ClientGroups, point: Prices, descent: Descent) -> DualBound:
    """Bound a batch of one axis by a descent from the prices of another bound, in NumPy."""
    return _run(descent, scenarios, groups, point, 0.0, 0)


def blank_prices(groups: ClientGroups, scenarios: Scenario) -> Prices:
    """Prices of nothing, for where there are none to begin with, in NumPy."""
    batch, rows, table = groups.slots.shape
    edges = np.zeros((batch, scenarios.edges))
    clients = np.zeros((batch, table, rows))
    return Prices(np.zeros((*clients.shape, scenarios.tasks)), clients, edges, edges, np.zeros(batch))


def blank_bound(scenarios: Scenario, groups: ClientGroups) -> DualBound:
    """`DualBound` that bounds nothing, of the shapes of one that does, in NumPy."""
    point = blank_prices(groups, scenarios)
    prices = CapacityPrices(point.client, point.compute, point.uplink, point.cloud)
    return DualBound(np.zeros_like(point.cloud), prices, np.zeros(len(point.cloud), dtype=int))


def _run(
    descent: Descent,
    scenarios: Scenario,
    groups: ClientGroups,
    point: Prices,
    tolerance: float,
    max_iterations: int,
) -> DualBound:
    shared = Search(*map(np.asarray, (tolerance, max_iterations, descent.largest_step, descent.steps)))
    # What may be left unserved is nothing to a bound: one program for both.
    scenarios = dataclasses.replace(scenarios, allow_unserved=True)
    return run_batched(
        _program(descent.own_schedule),
        (scenarios, groups, point),
        shared,
        key=descent.own_schedule,
        bytes_per_instance=bytes_of_bound(scenarios, groups),
        cpu_chunk_bytes=_CACHE_BYTES,
        turns=BOUND_TURNS,
    )


def bytes_of_bound(scenarios: Scenario, groups: ClientGroups) -> int:
    """About what an instance needs of a device's memory."""
    return 8 * _ARRAYS * groups.slots[0].size * scenarios.tasks * scenarios.models


@functools.lru_cache(maxsize=64)
def _program(schedule: Any) -> Any:
    def program(batch: tuple[Scenario, ClientGroups, Prices], search: Search) -> DualBound:
        return dual_bound(*batch, search, schedule)

    return program


class Search(NamedTuple):
    """Search for a dual bound; all of it may be traced.

    - `tolerance`, `max_iterations`: of the interior point method; with 0 iterations it begins at prices that are given.
    - `rate`: the largest step of a descent that has no schedule of its own.
    - `steps`: of the descent.
    """

    tolerance: Any
    max_iterations: Any
    rate: Any
    steps: Any


def dual_bound(
    scenarios: Scenario, groups: ClientGroups, given: Prices, search: Search, schedule: Any = None
) -> DualBound:
    """`DualBound` of a batch, where it may be traced: of the relaxation's prices or given ones, and of a descent."""
    problem, unit, scales = compilation_unit(scaled_relaxation)(scenarios, groups)
    found = relaxation(problem, tolerance=search.tolerance, max_iterations=search.max_iterations)
    best = Prices(found.stream, found.client, found.compute, found.uplink, found.cloud)
    point = jax.tree.map(lambda new, old: jnp.where(search.max_iterations > 0, new, old), best, given)
    own = warmup_cosine(search.rate, search.steps) if schedule is None else schedule
    proof, bound = dual_descent(problem, point, search.steps, own)
    return DualBound(
        bound=bound * unit * SAFE,
        prices=capacity_prices(point, unit, scales),
        iterations=found.iterations,
        point=proof,
    )


def capacity_prices(point: Prices, unit: Any, scales: CapacityPrices) -> CapacityPrices:
    """Prices of capacities in objective per unit of load of all queries together, from those of the scaled rows."""
    return CapacityPrices(
        client=point.client * unit[:, None, None] / scales.client,
        compute=point.compute * unit[:, None] / scales.compute,
        uplink=point.uplink * unit[:, None] / scales.uplink,
        cloud=point.cloud * unit / scales.cloud,
    )


class ScaledRelaxation(NamedTuple):
    """The relaxation of a batch, whose objective is in a unit of its own.

    - `unit`: ``[B]``
    - `scales`: of the rows, by capacity: ``[B, G, K]``, ``[B, E]``, ``[B, E]``, ``[B]``.
    """

    problem: RelaxationProblem
    unit: Any
    scales: CapacityPrices


def scaled_relaxation(scenarios: Scenario, groups: ClientGroups) -> ScaledRelaxation:
    """Linear relaxation of the strong formulation, with every row in a scale of its own."""
    weight = jax.vmap(normalized_demand)(scenarios)
    unit = jnp.max(weight, axis=(1, 2))
    unit = jnp.where(unit > 0.0, unit, 1.0)
    home = None if groups.edge is None else jnp.asarray(groups.edge)

    def placed(clients: Any) -> Any:
        return jnp.swapaxes(groups.to_groups_batch_first(clients), 1, 2)

    def of_groups(edges: Any) -> Any:
        return edges_to_groups(edges, home)

    def of_edges(values: Any) -> Any:
        return groups_to_edges(values, home, scenarios.edges)

    weight = placed(weight)
    cost, setup, edge_room = jax.vmap(edge_work)(scenarios)
    # What set-ups can load an edge with, all tasks together.
    setups = jnp.zeros_like(edge_room)
    if scenarios.batching is not None:
        # Prices are of compute: where there is none, or no end of it, windows have no price.
        priced = (scenarios.edge_compute > 0.0) & jnp.isfinite(scenarios.edge_compute)
        setup = jnp.where(priced[..., None], setup, 0.0)
        setups = asked_tasks(scenarios)[:, None] * jnp.max(setup, axis=2)
    client_room = placed(jax.vmap(client_capacity)(scenarios))
    per = jax.vmap(per_query)(scenarios)
    uplink = scenarios.edge_uplink * per[:, None]
    data = weight * scenarios.input_size[:, None, None]
    costs = model_costs(scenarios)
    client_cost, client_memory = (
        own[:, None] if own.shape[1] == 1 else placed(own) for own in (costs.client_compute, costs.client_memory)
    )  # [B, G, K, M], or [B, 1, 1, M] for all clients
    local_load = weight[..., None] * client_cost[:, :, :, None]
    edge_load = weight[..., None] * of_groups(cost)[:, :, None, None]

    client_size = _ratio(client_memory, placed(scenarios.client_memory)[..., None])
    edge_size = _ratio(costs.edge_memory, scenarios.edge_memory[..., None])
    part_local = _part(client_room[..., None, None], local_load)
    part_edge = jnp.minimum(
        _part(of_groups(edge_room)[:, :, None, None, None], edge_load),
        _part(of_groups(uplink)[:, :, None, None], data)[..., None],
    )
    by_stream = (weight / unit[:, None, None, None])[..., None]
    client_accuracy, edge_accuracy = (
        jnp.swapaxes(of_groups(accuracy), 2, 3)[:, :, None]
        for accuracy in (scenarios.client_accuracy, scenarios.edge_accuracy)
    )
    fits_edge = of_groups((edge_size <= 1.0).astype(float))[:, :, None, None] > 0.0
    through = (of_groups(uplink)[:, :, None, None] > 0.0) | (data <= 0.0)
    to_cloud = through & ((scenarios.cloud_uplink > 0.0)[:, None, None, None] | (data <= 0.0))

    client_scale, client_limit = _scaled(jnp.sum(jnp.max(local_load, axis=4), axis=3), client_room)
    edge_scale, edge_limit = _scaled(of_edges(jnp.sum(jnp.max(edge_load, axis=4), axis=(2, 3))) + setups, edge_room)
    uplink_scale, uplink_limit = _scaled(of_edges(jnp.sum(data, axis=(2, 3))), uplink)
    cloud_scale, cloud_limit = _scaled(jnp.sum(data, axis=(1, 2, 3)), scenarios.cloud_uplink * per)
    value_local = jnp.where((client_size <= 1.0)[:, :, :, None], by_stream * client_accuracy * part_local, 0.0)
    value_edge = jnp.where(fits_edge, by_stream * edge_accuracy * part_edge, 0.0)
    charges, moving = {}, moving_costs(scenarios)
    if moving is not None:
        client_charge = placed(moving.client) / unit[:, None, None, None]
        edge_charge = moving.edge / unit[:, None, None]
        by_task = (jnp.max(value_local, axis=4), jnp.max(of_edges(jnp.sum(value_edge, axis=2)), axis=3))
        most, most_edge = (jnp.sum(best, axis=-1, keepdims=True) for best in by_task)
        charges = {
            "client_charge": jnp.minimum(client_charge * SAFE_CHARGE, NEVER_PAYS * most),
            "edge_charge": jnp.minimum(edge_charge * SAFE_CHARGE, NEVER_PAYS * most_edge),
        }
    return ScaledRelaxation(
        RelaxationProblem(
            value_local=value_local,
            value_edge=value_edge,
            value_cloud=jnp.where(to_cloud, by_stream[..., 0] * scenarios.cloud_accuracy[:, None, None], 0.0),
            part_local=part_local,
            part_edge=part_edge,
            local_load=weight / client_scale[..., None],
            client_cost=client_cost,
            edge_load=weight * of_groups(1.0 / edge_scale)[:, :, None, None],
            edge_cost=cost,
            edge_setup=setup / edge_scale[..., None],
            data=data * of_groups(1.0 / uplink_scale)[:, :, None, None],
            cloud_data=data / cloud_scale[:, None, None, None],
            client_size=jnp.where(client_size <= 1.0, client_size, 0.0),
            edge_size=jnp.where(edge_size <= 1.0, edge_size, 0.0),
            client_limit=client_limit,
            edge_limit=edge_limit,
            uplink_limit=uplink_limit,
            cloud_limit=cloud_limit,
            edge_index=home,
            **charges,
        ),
        unit,
        CapacityPrices(client_scale, edge_scale, uplink_scale, cloud_scale),
    )


def _ratio(size: Any, room: Any) -> Any:
    """Part of a memory that a model takes: above 1 where it does not fit, 0 where there is no end of room."""
    part = jnp.where(size > 0.0, jnp.minimum(size / jnp.where(size > 0.0, room, 1.0), 1.0), 0.0)
    return jnp.where(size > room * (1.0 + ROUNDING), 2.0, part)


def _part(room: Any, load: Any) -> Any:
    """Largest part of a stream that a limit lets through."""
    room = jnp.maximum(room, 0.0)
    return jnp.where(load > room, room / jnp.where(load > room, load, 1.0), 1.0)


def _scaled(most: Any, room: Any) -> tuple[Any, Any]:
    """Scale of a row, the most that it can be loaded with, and its limit in it."""
    scale = jnp.where(most > 0.0, most, 1.0)
    return scale, jnp.where(most > 0.0, jnp.minimum(room / scale, _AMPLE), _AMPLE)
