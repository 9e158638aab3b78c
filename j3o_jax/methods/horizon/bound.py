"""Proven bound on the plans of a horizon, on the device: prices of every period and of holding models over time.

The prices of each period at which moving costs nothing are those to begin with; a descent on them, and on what it is
worth to hold each model for later, goes on to the bound of the horizon.
"""

import dataclasses
import functools
from typing import Any

import jax.numpy as jnp
import numpy as np

from j3o_kernels.client_groups import ClientGroups, group_clients, groups_to_edges
from j3o_kernels.horizon_bound import OfModels, horizon_descent
from j3o_kernels.price_bound import Prices
from j3o_kernels.tolerances import ROUNDING

from ..._batched import is_brief
from ..._compiled_functions import program_at
from ..._levels import Level
from ..._model import model_costs, moving_costs
from ..._precision import double_precision
from ..._scenario import Scenario, Switching
from ..._types import Bool, Float
from ..dual_bound import NEVER_PAYS, SAFE, SAFE_CHARGE, Descent, bytes_of_bound, dual_bounds, scaled_relaxation
from ..few_shapes import sized

# Of the prices of each period, as `certify` has them by default.
_TOLERANCE, _ITERATIONS, _DESCENT = 1e-5, 100, Descent(60, 0.03)
# Of the descent on the bound of the horizon, whose prices are near the best already.
_STEPS, _RATE = 300, 0.01
# How much more there is to do than J3O does.
_TURNS = 15
# Bytes that the periods of a window may need of a device's memory.
_WINDOW_BYTES = 1 << 31


def bound_of_horizon(
    scenarios: Scenario,
    held: tuple[Bool[np.ndarray, "C M"], Bool[np.ndarray, "E M"]],
    costs: Float[np.ndarray, " K"],
) -> float:
    """Bound on what plans of all periods are worth, in the mean.

    Long horizons are taken apart into windows, at whose beginnings moves cost nothing.

    **Arguments:**

    - `scenarios`: the periods, on one axis, in NumPy, without switching; clients have the same edges in all of them.
    - `held`: what clients and edges hold before the first period.
    - `costs`: of moving a MB in each period, in objective.
    """
    # Nothing is held, so that everything costs what it would cost to move it.
    nothing = (np.zeros((len(costs), *models.shape), dtype=bool) for models in held)
    scenarios = dataclasses.replace(scenarios, allow_unserved=True, switching=Switching(*nothing, cost_per_mb=costs))
    each = bytes_of_bound(scenarios, group_clients(np.asarray(scenarios.client_edge), scenarios.edges))
    # Of nearly the same length, and so of at most two.
    windows = np.array_split(np.arange(len(costs)), min(-(-len(costs) * each // _WINDOW_BYTES), len(costs)))
    bounds = []
    for window in windows:
        arrays = {name: array[window] for name, array in scenarios.arrays().items()}
        if window[0]:
            held = np.zeros_like(held[0]), np.zeros_like(held[1])
            arrays["switching.cost_per_mb"] = np.where(window == window[0], 0.0, costs[window])
        bounds.append(_bound_of_window(scenarios.with_arrays(arrays), held, brief=is_brief(len(window), each, _TURNS)))
    return sum(bounds) / len(costs) * (1.0 + (len(bounds) + 2) * np.finfo(np.float64).eps)


def _bound_of_window(scenarios: Scenario, held: tuple[np.ndarray, np.ndarray], *, brief: bool) -> float:
    groups = group_clients(np.asarray(scenarios.client_edge), scenarios.edges)
    own = sized(scenarios, groups, brief=brief)
    clients, edges, models = own.scenarios.clients, own.scenarios.edges, own.scenarios.models
    first = _padded(held[0], clients, models), _padded(held[1], edges, models)
    with double_precision():
        start = dual_bounds(_at_first(own.scenarios, first), own.groups, _TOLERANCE, _ITERATIONS, _DESCENT)
        descend = _program("light" if brief else "full")
        return float(descend(own.scenarios, own.groups, start.point, first, np.asarray(_STEPS)))


def _padded(held: np.ndarray, nodes: int, models: int) -> np.ndarray:
    return np.pad(held, [(0, nodes - held.shape[0]), (0, models - held.shape[1])])


def _at_first(scenarios: Scenario, held: tuple[np.ndarray, np.ndarray]) -> Scenario:
    """Periods by themselves, in which what is not held before the first one costs its part of being moved then."""
    count = len(scenarios.demand)
    switching = scenarios.switching
    assert switching is not None
    before = (np.broadcast_to(models, (count, *models.shape)) for models in held)
    part = np.broadcast_to(switching.cost_per_mb[:1] / count, count)
    return dataclasses.replace(scenarios, switching=Switching(*before, cost_per_mb=part))


@functools.cache
def _program(level: Level) -> Any:
    return program_at(level)(_descend)


def _descend(scenarios: Scenario, groups: ClientGroups, start: Prices, held: tuple[Any, Any], steps: Any) -> Any:
    moving = moving_costs(scenarios)
    assert moving is not None
    problem, unit, _ = scaled_relaxation(dataclasses.replace(scenarios, switching=None), groups)
    home = problem.edge_index

    def placed(clients: Any) -> Any:
        return jnp.swapaxes(groups.to_groups_batch_first(clients), 1, 2)

    by_period = unit[:, None, None]
    at_client = jnp.sum(problem.value_local, axis=3) * by_period[..., None]
    of_edges = groups_to_edges(jnp.sum(problem.value_edge, axis=(2, 3)), home, scenarios.edges) * by_period
    most = OfModels(*(NEVER_PAYS * jnp.sum(earned, axis=0) for earned in (at_client, of_edges)))
    at_nodes = (SAFE_CHARGE * own for own in (placed(moving.client), moving.edge))
    # A cost beyond some times what a model can earn in all periods is as good as any.
    costs = OfModels(*(jnp.minimum(own, limit[None]) for own, limit in zip(at_nodes, most, strict=True)))
    sizes = model_costs(scenarios)
    fits_client, fits_edge = (
        size <= memory[..., None] * (1.0 + ROUNDING)
        for size, memory in (
            (sizes.client_memory, scenarios.client_memory),
            (sizes.edge_memory, scenarios.edge_memory),
        )
    )
    fits = OfModels(placed(fits_client.astype(unit.dtype)) > 0.0, fits_edge)
    # Clients have the same places in all periods.
    client_held = placed(jnp.broadcast_to(held[0], moving.client.shape).astype(unit.dtype))[0] > 0.0
    return horizon_descent(problem, start, unit, costs, OfModels(client_held, held[1]), fits, steps, _RATE) * SAFE
