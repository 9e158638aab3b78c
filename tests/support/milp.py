"""The optimum as one mixed-integer linear program: a second exact route, for scenarios of any size."""

import dataclasses

import numpy as np
from scipy import optimize, sparse

from j3o_jax import Scenario

from .offloading import Plan, lp_optimum
from .scenarios import at_nodes


def milp_optimum(scenario: Scenario, gap: float = 1e-9) -> Plan | None:
    """The optimum to a relative `gap` by the strong formulation; None if all must be served and cannot be.

    Flows f_ctm <= z^c_mt <= x^c_m locally and g_ctm <= z^e_mt <= x^e_m at the edge of each client, Σ_m z <= 1,
    Σ_m f + Σ_m g + s <= 1: linear, and exact because x and z are 0 or 1. Set-ups (28) go on z^e.
    The plan's shares and objective are those of `lp_optimum` for the choices found.
    """
    clients, tasks, models = scenario.clients, scenario.tasks, scenario.models
    home, demand = scenario.client_edge, scenario.demand
    weight = (demand / max(demand.sum(), np.finfo(float).tiny))[:, None, :]
    asked = np.broadcast_to((demand > 0)[:, None, :], (clients, models, tasks))
    program = _Program()

    # x, z: [node, M], [node, M, T]; f, g: [C, M, T]; s: [C, 1, T].
    held, used = {}, {}
    for node, memory, accuracy in (
        ("client", scenario.client_memory, scenario.client_accuracy[home]),
        ("edge", scenario.edge_memory, scenario.edge_accuracy),
    ):
        size = at_nodes(scenario, f"{node}_model_memory")
        fits = size <= memory[:, None] * (1 + 1e-9)
        held[node] = program.variables(fits, whole=True)
        used[node] = program.variables(fits[:, :, None] & (accuracy > 0), whole=True)
        program.limit(held[node], size, memory)
        program.pairs(used[node], held[node][:, :, None])
        program.limit(np.moveaxis(used[node], 1, 2).reshape(-1, models), 1.0, np.ones(memory.size * tasks))
    local_work = demand[:, None, :] * at_nodes(scenario, "client_model_compute")[:, :, None]
    edge_work = demand[:, None, :] * at_nodes(scenario, "edge_model_compute")[home][:, :, None]
    local = program.variables(
        asked & ~((scenario.client_compute == 0)[:, None, None] & (local_work > 0)),
        weight * scenario.client_accuracy[home],
    )
    edge = program.variables(
        asked & ~((scenario.edge_compute == 0)[home, None, None] & (edge_work > 0)),
        weight * scenario.edge_accuracy[home],
    )
    cloud = program.variables(asked[:, :1] & (scenario.cloud_accuracy > 0), weight * scenario.cloud_accuracy)
    program.pairs(local, used["client"])
    program.pairs(edge, used["edge"][home])
    whole = np.concatenate([local, edge, cloud], axis=1)
    least = np.where((demand > 0) & (not scenario.allow_unserved), 1.0, 0.0).ravel()
    program.limit(np.moveaxis(whole, 1, 2).reshape(demand.size, -1), 1.0, np.ones(demand.size), least)

    program.limit(local.reshape(clients, -1), local_work.reshape(clients, -1), scenario.client_compute)
    data = demand * scenario.input_size
    for one, compute in enumerate(scenario.edge_compute):
        mine, uplink = home == one, scenario.edge_uplink[one]
        columns, work, limit = edge[mine].ravel(), edge_work[mine].ravel(), compute
        if scenario.batching is not None:
            # In windows. Where compute is 0, what has a cost is 0 already.
            columns = np.append(columns, used["edge"][one])
            setup = np.repeat(scenario.batching.setup[one], tasks) / scenario.batching.window[one]
            work, limit = np.append(work / compute if compute > 0 else 0.0 * work, setup), 1.0
        program.limit(columns[None], work, np.array([limit]))
        sent = np.concatenate([edge, cloud], axis=1)[mine]
        size = np.broadcast_to(data[mine][:, None], sent.shape)
        program.limit(sent.reshape(1, -1), size.ravel(), np.array([uplink]))
    program.limit(cloud.reshape(1, -1), data.ravel(), np.atleast_1d(scenario.cloud_uplink))

    result = program.solve(gap)
    if result is None:
        return None
    values, bound = result
    choices = [
        np.where((values[used[node]] > 0.5).any(axis=1), values[used[node]].argmax(axis=1), -1)
        for node in ("client", "edge")
    ]
    plan = lp_optimum(scenario, *choices)
    return None if plan is None else dataclasses.replace(plan, bound=bound)


# HiGHS also stops at an absolute gap of 1e-6, which SciPy cannot change: gains are given in smaller units.
_GAIN_UNIT = 1e3


class _Program:
    """Rows ``lower <= A v <= upper`` over variables numbered in the order in which they are added."""

    def __init__(self):
        self.size, self.count = 0, 0
        self.most, self.gain, self.whole = [], [], []
        self.row, self.column, self.value, self.lower, self.upper = [], [], [], [], []

    def variables(self, most: np.ndarray, gain: np.ndarray | float = 0.0, whole: bool = False) -> np.ndarray:
        """Numbers, in the shape of `most`, of new variables in [0, most] that each earn `gain`."""
        numbers = self.size + np.arange(most.size).reshape(most.shape)
        self.size += most.size
        self.most.append(most.ravel().astype(float))
        self.gain.append(np.ravel(np.broadcast_to(gain, most.shape)))
        self.whole.append(np.full(most.size, whole))
        return numbers

    def pairs(self, small: np.ndarray, large: np.ndarray) -> None:
        """``small <= large`` for each pair of variables; shapes broadcast."""
        columns = np.stack(np.broadcast_arrays(small, large), axis=-1).reshape(-1, 2)
        self.limit(columns, np.array([1.0, -1.0]), np.zeros(len(columns)))

    def limit(
        self,
        columns: np.ndarray,
        values: np.ndarray | float,
        upper: np.ndarray,
        lower: np.ndarray | float = -np.inf,
    ) -> None:
        """``lower <= Σ_k values · v <= upper``, with `columns` and `values` ``[R, K]`` and bounds ``[R]``.

        Each row is put in units of its largest value, since HiGHS's tolerances are absolute.
        """
        entries = np.broadcast_to(values, columns.shape)
        scale = np.abs(entries).max(axis=1, initial=0.0)
        kept = np.isfinite(upper) & (scale > 0)
        columns, entries, scale = columns[kept], entries[kept] / scale[kept, None], scale[kept]
        self.row.append(np.repeat(self.count + np.arange(len(columns)), columns.shape[1]))
        self.column.append(columns.ravel())
        self.value.append(entries.ravel())
        self.upper.append(upper[kept] / scale)
        self.lower.append(np.broadcast_to(lower, upper.shape)[kept] / scale)
        self.count += len(columns)

    def solve(self, gap: float) -> tuple[np.ndarray, float] | None:
        """Variables that earn the most and an upper bound on what can be earned; None if infeasible."""
        entries = (np.concatenate(self.row), np.concatenate(self.column))
        rows = sparse.csr_array((np.concatenate(self.value), entries), shape=(self.count, self.size))
        result = optimize.milp(
            -_GAIN_UNIT * np.concatenate(self.gain),
            integrality=np.concatenate(self.whole),
            bounds=(0.0, np.concatenate(self.most)),
            constraints=(rows, np.concatenate(self.lower), np.concatenate(self.upper)),
            options={"mip_rel_gap": gap},
        )
        if result.status == 2:
            return None
        if result.status != 0:
            raise RuntimeError(result.message)
        return result.x, -result.mip_dual_bound / _GAIN_UNIT
