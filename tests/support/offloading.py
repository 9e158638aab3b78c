"""The offloading stage for given models, as one linear program that shares no code with the package's.

Letters and equation numbers are the paper's. SciPy calls HiGHS, as the package does, but what it is asked
is written here, from the paper.
"""

import dataclasses

import numpy as np
from scipy import optimize, sparse

from j3o_jax import Scenario, Solution, Status

from .scenarios import at_nodes


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """A placement and its best shares; arrays as in `Solution`.

    `objective` is F; `bound` is an upper bound on F over all that was searched.
    """

    objective: float
    bound: float
    client_choice: np.ndarray
    edge_choice: np.ndarray
    local: np.ndarray
    edge: np.ndarray
    cloud: np.ndarray
    unserved: np.ndarray

    def solution(self, scenario: Scenario) -> Solution:
        """The plan as the package would return it, holding just the models that are chosen."""
        models = np.arange(scenario.models)
        return Solution(
            client_models=(self.client_choice[:, :, None] == models).any(axis=1),
            edge_models=(self.edge_choice[:, :, None] == models).any(axis=1),
            client_choice=self.client_choice,
            edge_choice=self.edge_choice,
            local=self.local,
            edge=self.edge,
            cloud=self.cloud,
            unserved=self.unserved,
            objective=np.asarray(self.objective),
            bound=np.asarray(self.bound),
            status=np.asarray(int(Status.optimal)),
            history=np.full(1, self.objective),
            stats={},
            names=scenario.names,
        )


class Offloading:
    """The offloading problem of a scenario, (17) with (9)–(12) or (28), for any choice of models.

    Its capacity rows are, in this order, (9) per client, (10) or (28) per edge, (11) per edge, (12).
    """

    def __init__(self, scenario: Scenario):
        self.scenario = scenario
        self.rate = scenario.demand
        self.weight = self.rate / max(self.rate.sum(), np.finfo(float).tiny)
        self.data = self.rate * scenario.input_size
        self.home = scenario.client_edge
        self.cloud_accuracy = _of_use(scenario.cloud_accuracy)

    def options(self, client_choice: np.ndarray, edge_choice: np.ndarray) -> tuple[np.ndarray, ...]:
        """Accuracy and GFLOP/s of all of a stream at its client, and the same at its edge: each ``[*n, C, T]``.

        Choices are ``[*n, C, T]`` and ``[*n, E, T]``. Accuracies are NaN where nothing can be served: no model is
        chosen, or one that does not support the task.
        """
        given, task = self.scenario, np.arange(self.scenario.tasks)
        found = []
        client = np.arange(given.clients)[:, None]
        for choice, accuracy, cost in (
            (client_choice, given.client_accuracy, at_nodes(given, "client_model_compute")),
            (edge_choice[..., self.home, :], given.edge_accuracy, at_nodes(given, "edge_model_compute")[self.home]),
        ):
            found.append(_of_use(np.where(choice < 0, 0.0, accuracy[self.home[:, None], choice, task])))
            found.append(np.where(choice < 0, 0.0, self.rate * cost[client, choice]))
        return tuple(found)

    def capacities(self, edge_choice: np.ndarray) -> np.ndarray:
        """Right-hand sides of the capacity rows. ``[*n, C + 2E + 1]``

        With batching, (28) is (10) with what the window leaves after a set-up for each model chosen at
        the edge, negative if nothing: to leave a task without a batch, choose -1.
        """
        given = self.scenario
        room = np.broadcast_to(given.edge_compute, edge_choice.shape[:-1])
        if given.batching is not None:
            setup = given.batching.setup[np.arange(given.edges)[:, None], edge_choice]
            left = 1.0 - np.where(edge_choice < 0, 0.0, setup).sum(axis=-1) / given.batching.window
            left = np.where(np.abs(left) < 1e-9, 0.0, left)
            room = np.where(left < 0, -1.0, room * np.where(np.isinf(room), 1.0, left))
        others = (given.client_compute, given.edge_uplink, np.atleast_1d(given.cloud_uplink))
        before, *after = (np.broadcast_to(one, (*room.shape[:-1], one.size)) for one in others)
        return np.concatenate([before, room, *after], axis=-1)

    def solve(self, client_choice: np.ndarray, edge_choice: np.ndarray) -> tuple[Plan, np.ndarray] | None:
        """The best shares for one choice of models and the prices of the rows, or None if there are none."""
        given, size = self.scenario, self.rate.size
        local_accuracy, local_work, edge_accuracy, edge_work = self.options(client_choice, edge_choice)
        limits = self.capacities(edge_choice)
        if (limits < 0).any():
            return None
        client = np.repeat(np.arange(given.clients), given.tasks)
        home, top = self.home[client], np.zeros(size, int)

        def rows(count: int, row: np.ndarray, load: np.ndarray) -> sparse.csr_array:
            return sparse.csr_array((load.ravel(), (row, np.arange(size))), shape=(count, size))

        uplink = rows(given.edges, home, self.data)
        loads = sparse.csr_array(
            sparse.block_array(
                [
                    [rows(given.clients, client, local_work), None, None],
                    [None, rows(given.edges, home, edge_work), None],
                    [None, uplink, uplink],
                    [None, None, rows(1, top, self.data)],
                ]
            )
        )
        # HiGHS's tolerances are absolute, so every row is put in units of its largest load.
        scale = loads.max(axis=1).toarray().ravel()
        kept = np.isfinite(limits) & (scale > 0)
        loads = sparse.csr_array(loads[kept].multiply(1.0 / scale[kept, None]))
        whole = sparse.csr_array(sparse.hstack([sparse.eye_array(size)] * 3))
        asked = self.rate.ravel() > 0
        accuracy = np.stack([local_accuracy, edge_accuracy, np.broadcast_to(self.cloud_accuracy, self.rate.shape)])
        must = asked & (not given.allow_unserved)
        result = optimize.linprog(
            -np.nan_to_num(self.weight * accuracy).ravel(),
            A_ub=sparse.vstack([loads, whole[~must]]),
            b_ub=np.concatenate([limits[kept] / scale[kept], np.ones((~must).sum())]),
            A_eq=whole[must],
            b_eq=np.ones(must.sum()),
            bounds=np.stack([np.zeros(3 * size), ~np.isnan(accuracy.ravel()) & np.tile(asked, 3)], axis=1),
            method="highs",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        if result.status == 2:
            return None
        if result.status != 0:
            raise RuntimeError(result.message)
        prices = np.zeros(limits.size)
        prices[kept] = np.maximum(-result.ineqlin.marginals[: kept.sum()], 0.0) / scale[kept]
        shares = np.clip(result.x.reshape(3, *self.rate.shape), 0.0, 1.0)
        shares[shares < 1e-9] = 0.0
        shares = shares / np.maximum(shares.sum(axis=0), np.where(must.reshape(self.rate.shape), 1e-9, 1.0))
        objective = float(np.nansum(self.weight * accuracy * shares))
        local, edge, cloud = shares
        unserved = 1.0 - shares.sum(axis=0)
        plan = Plan(objective, objective, client_choice, edge_choice, local, edge, cloud, unserved)
        return plan, prices

    def bound(self, prices: np.ndarray, client_choice: np.ndarray, edge_choice: np.ndarray) -> np.ndarray:
        """Upper bounds on F for many choices of models, by weak duality from prices >= 0. ``[*n]``"""
        given = self.scenario
        local_accuracy, local_work, edge_accuracy, edge_work = self.options(client_choice, edge_choice)
        node, compute, uplink, cloud = np.split(prices, np.cumsum([given.clients, given.edges, given.edges]))
        compute, uplink = compute[self.home, None], uplink[self.home, None]
        values = [
            self.weight * local_accuracy - node[:, None] * local_work,
            self.weight * edge_accuracy - compute * edge_work - uplink * self.data,
            np.broadcast_to(self.weight * self.cloud_accuracy - (uplink + cloud) * self.data, local_work.shape),
        ]
        if given.allow_unserved:
            values.append(np.zeros(local_work.shape))
        capacities = self.capacities(edge_choice)
        paid = np.where(prices > 0, prices * np.where(prices > 0, capacities, 0.0), 0.0).sum(axis=-1)
        best = np.max([np.where(np.isnan(value), -np.inf, value) for value in values], axis=0)
        return paid + np.where(self.rate > 0, best, 0.0).sum(axis=(-2, -1))


def _of_use(accuracy: np.ndarray) -> np.ndarray:
    """Accuracies, NaN in place of 0, which is that of what does not support a task."""
    return np.where(accuracy > 0, accuracy, np.nan)


def lp_optimum(scenario: Scenario, client_choice: np.ndarray, edge_choice: np.ndarray) -> Plan | None:
    """The best shares for given choices ``[C, T]`` and ``[E, T]`` (-1 for none); None if all cannot be served.

    With batching, every model chosen at an edge pays its set-up, whether or not a query comes; None also
    where the set-ups do not fit the window.
    """
    solved = Offloading(scenario).solve(np.asarray(client_choice), np.asarray(edge_choice))
    return None if solved is None else solved[0]
