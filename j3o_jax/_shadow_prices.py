"""Shadow prices of plans: the multipliers of their offloading step, and of the memories at a certificate's prices."""

import dataclasses

import numpy as np
import scipy.sparse

from j3o_kernels.tolerances import ROUNDING

from ._certificate import Certificate
from ._highs import MILP, solve_milp
from ._model import model_costs, moving_costs, normalized_demand
from ._prices import Prices
from ._scenario import Scenario
from ._solution import Solution
from .methods.exact.program_builder import largest_share
from .routing import OffloadingProblem, offloading_problem


def shadow_prices(scenario: Scenario, solution: Solution) -> Solution:
    """Find what one more unit of each limit would bring: `solution` with `prices` filled in.

    The offloading step of each plan is solved once more by HiGHS, for its multipliers. Prices of memory need the prices
    of a certificate (`certify`, `PriceDirected`).

    **Arguments:**

    - `scenario`, `solution`: one, or batches of the same axes.

    **Returns:** the solution; where it has no plan its prices are NaN.

    **Raises:** `ValueError` where the two do not fit together.
    """
    shape = scenario.batch_shape
    if shape != solution.batch_shape:
        raise ValueError(
            f"shadow_prices: the scenario has the batch axes {list(shape)}, the solution {list(solution.batch_shape)}"
        )
    scenario.require_valid()
    flat, axes, count = scenario.flattened(), len(shape), int(np.prod(shape, dtype=int))

    def flattened(array: np.ndarray) -> np.ndarray:
        return np.reshape(array, (count, *np.shape(array)[axes:]))

    success = flattened(solution.success)
    choices = flattened(solution.client_choice), flattened(solution.edge_choice)
    rows = []
    for number in range(count):
        one = flat[number]
        row = _unknown(one)
        if success[number]:
            row |= _of_routing(one, choices[0][number], choices[1][number])
            if solution.certificate is not None and flattened(solution.certified)[number]:
                fields = vars(solution.certificate).items()
                row |= _of_memory(one, Certificate(**{name: flattened(array)[number] for name, array in fields}))
        rows.append(row)
    prices = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return dataclasses.replace(
        solution,
        prices=Prices(**{name: array.reshape(shape + array.shape[1:])[()] for name, array in prices.items()}),
    )


def _unknown(scenario: Scenario) -> dict[str, np.ndarray]:
    clients, edges = np.full(scenario.clients, np.nan), np.full(scenario.edges, np.nan)
    return {
        "client_compute": clients,
        "edge_compute": edges,
        "edge_uplink": edges,
        "cloud_uplink": np.array(np.nan),
        "client_memory": clients,
        "edge_memory": edges,
    }


def _of_routing(scenario: Scenario, client_choice: np.ndarray, edge_choice: np.ndarray) -> dict[str, np.ndarray]:
    """Multipliers of the offloading step of a placement; NaN where HiGHS finds none."""
    problem = offloading_problem(scenario, client_choice, edge_choice)
    program, scales = _linear_program(problem, allow_unserved=scenario.allow_unserved)
    answer = solve_milp(program)
    if answer.outcome != "optimal" or answer.duals is None:
        return {}
    streams = problem.wanted.size
    duals = np.maximum(answer.duals[streams:], 0.0) / scales
    ends = np.cumsum([scenario.clients, scenario.edges, scenario.edges])
    client, edge, uplink, cloud = np.split(duals, ends)
    # With batching a GFLOP/s brings what set-ups leave of it.
    compute = np.where(np.isfinite(scenario.edge_compute), scenario.edge_compute, 0.0)
    left = np.divide(problem.edge_compute, compute, out=np.ones(scenario.edges), where=compute > 0.0)
    return {
        "client_compute": client,
        "edge_compute": edge if scenario.batching is None else edge * np.minimum(left, 1.0),
        "edge_uplink": uplink,
        "cloud_uplink": cloud[0],
    }


def _linear_program(problem: OffloadingProblem, *, allow_unserved: bool) -> tuple[MILP, np.ndarray]:
    """Program (17): a row for every stream, then those of capacities in units of `scales`.

    `CvxpyLP` finds the same prices, once cvxpy has compiled the shape: seconds where this takes a quarter of one.
    """
    clients, tasks = problem.wanted.shape
    edges, streams = len(problem.edge_uplink), clients * tasks
    client, home = np.repeat(np.arange(clients), tasks), np.repeat(problem.client_edge, tasks)
    local, edge, cloud = (np.arange(streams) + part * streams for part in range(3))
    first = np.cumsum([streams, clients, edges, edges])
    entries = [
        *((np.arange(streams), column, np.ones(streams)) for column in (local, edge, cloud)),
        (first[0] + client, local, problem.local_load),
        (first[1] + home, edge, problem.edge_load),
        *((first[2] + home, column, problem.data) for column in (edge, cloud)),
        (np.full(streams, first[3]), cloud, problem.data),
    ]
    row, column, value = (np.concatenate([np.ravel(entry[part]) for entry in entries]) for part in range(3))
    capacity = np.concatenate(
        [problem.client_compute, problem.edge_compute, problem.edge_uplink, np.reshape(problem.cloud_uplink, 1)]
    )
    scales = capacity.astype(float)
    np.maximum.at(scales, row[row >= streams] - streams, value[row >= streams])
    scales = np.where(scales > 0.0, scales, 1.0)
    unit = np.concatenate([np.ones(streams), scales])
    wanted = problem.wanted
    is_open = [wanted & there for there in (problem.local_open, problem.edge_open, problem.cloud_open)]
    values = (problem.local_value, problem.edge_value, problem.cloud_value)
    at_least = np.where(np.ravel(wanted), 0.0 if allow_unserved else 1.0, 0.0)
    program = MILP(
        objective=np.concatenate([np.ravel(array) for array in values]),
        upper=np.concatenate([np.ravel(array).astype(float) for array in is_open]),
        integrality=np.zeros(3 * streams, dtype=bool),
        matrix=scipy.sparse.csr_array((value / unit[row], (row, column)), shape=(len(unit), 3 * streams)),
        row_lower=np.concatenate([at_least, np.full(len(scales), -np.inf)]),
        row_upper=np.concatenate([np.ones(streams), capacity / scales]),
    )
    return program, scales


def _of_memory(scenario: Scenario, certificate: Certificate) -> dict[str, np.ndarray]:
    """Price of a MB at each node: what the first model that does not fit in whole earns per MB, less its move."""
    client, edge = (profit.sum(axis=2) for profit in _profits(scenario, certificate))
    costs, moving = model_costs(scenario), moving_costs(scenario)
    if moving is not None:
        client, edge = client - moving.client, edge - moving.edge
    return {
        "client_memory": _marginal(client, costs.client_memory, scenario.client_memory),
        "edge_memory": _marginal(edge, costs.edge_memory, scenario.edge_memory),
    }


def _profits(scenario: Scenario, certificate: Certificate) -> tuple[np.ndarray, np.ndarray]:
    """Profits p of D (docs/certificates.md), of models at a certificate's prices: ``[C, M, T]`` and ``[E, M, T]``."""
    weight, home, size = normalized_demand(scenario), scenario.client_edge, scenario.input_size
    demand, costs = scenario.demand[:, None], model_costs(scenario)
    at_edge = np.broadcast_to(costs.edge_compute, (scenario.edges, scenario.models))
    toll = certificate.edge_uplink[home][:, None] * size
    stream = np.maximum(certificate.stream, scenario.cloud_accuracy - toll - certificate.cloud_uplink * size)
    stream = np.maximum(stream, 0.0)[:, None]

    work = certificate.client_compute[:, None] * costs.client_compute
    margin = scenario.client_accuracy[home] - work[..., None] - stream
    part = largest_share(demand * costs.client_compute[..., None], scenario.client_compute[:, None, None])
    local = weight[:, None] * part * np.maximum(margin, 0.0)

    work = certificate.edge_compute[:, None] * at_edge
    margin = scenario.edge_accuracy[home] - work[home][..., None] - toll[:, None] - stream
    part = largest_share(demand * at_edge[home][..., None], scenario.edge_compute[home][:, None, None])
    part = np.minimum(part, largest_share(demand * size, scenario.edge_uplink[home][:, None, None]))
    away = weight[:, None] * part * np.maximum(margin, 0.0)
    edge = np.zeros((scenario.edges, scenario.models, scenario.tasks))
    np.add.at(edge, home, away)
    if scenario.batching is not None and (total := scenario.demand.sum()) > 0.0:
        compute = np.where(np.isfinite(scenario.edge_compute), scenario.edge_compute, 0.0)
        rate = certificate.edge_compute * compute / (scenario.batching.window * total)
        edge = np.maximum(edge - (rate[:, None] * scenario.batching.setup)[..., None], 0.0)
    return local, edge


def _marginal(profit: np.ndarray, size: np.ndarray, memory: np.ndarray) -> np.ndarray:
    """Slope ``[V]`` of the best fractional set of models in the memory, to its right; 0 where all fit."""
    size = np.broadcast_to(size, profit.shape)
    counts = (size > 0.0) & (size <= memory[:, None] * (1.0 + ROUNDING)) & (profit > 0.0)
    density = np.divide(profit, size, out=np.zeros(profit.shape), where=counts)
    order = np.argsort(-density, axis=1, kind="stable")
    held = np.cumsum(np.take_along_axis(np.where(counts, size, 0.0), order, axis=1), axis=1)
    too_much = held > memory[:, None] * (1.0 + ROUNDING)
    first = np.argmax(too_much, axis=1)
    worth = np.take_along_axis(np.take_along_axis(density, order, axis=1), first[:, None], axis=1)[:, 0]
    return np.where(too_much.any(axis=1), worth, 0.0)
