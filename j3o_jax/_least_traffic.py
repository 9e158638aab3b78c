"""Ties go to the least traffic: queries that would be answered as well nearer to their client are answered there.

F knows no traffic. Where client, edge and cloud answer a task equally well, any split between them is as good, and
which one a solver ends with is chance. So the plans of every method are gone over once: shares move from the cloud to
edges and clients, and from edges to clients, as far as accuracy is equal and compute and memory are left. No other
limit can come to be exceeded by that. Whole batches in NumPy; what becomes of an instance depends on it alone.
"""

from typing import Literal

import numpy as np

from ._model import Plan, moving_costs
from ._scenario import Scenario

# A capacity is filled up to so small a part of it, so that rounding does not break it.
_MARGIN = 1e-12
# A part of a share that is not worth moving.
_LEAST = 1e-9


def least_traffic(scenarios: Scenario, plans: Plan) -> Plan:
    """Plans of the same F, limits kept, with the least traffic that is found by moving what ties.

    A node may come to hold further models, if they fit and cost nothing to move. Plans without a tie are returned as
    they are; in the others choices that serve nobody and models that nothing chooses are dropped.

    **Arguments:**

    - `scenarios`, `plans`: NumPy arrays with one batch axis.
    """
    moving = _Moving(scenarios, plans)
    with np.errstate(divide="ignore", invalid="ignore"):
        moving.to_clients()
        moving.to_edges()
    return moving.plans()


class _Moving:
    """Plans of a batch while their shares move."""

    def __init__(self, scenarios: Scenario, plans: Plan):
        self.scenarios, self.given = scenarios, plans
        self.moved = np.zeros(len(scenarios.demand), dtype=bool)
        self.instance = np.arange(len(scenarios.demand))
        self.home = self.instance[:, None], scenarios.client_edge
        self.local, self.edge, self.cloud = plans.local, plans.edge, plans.cloud
        self.client_choice, self.edge_choice = plans.client_choice, plans.edge_choice
        tasks = np.arange(scenarios.tasks)
        self.asked = scenarios.demand > 0.0
        self.edge_accuracy = np.where(
            plans.edge_choice >= 0,
            scenarios.edge_accuracy[
                self.instance[:, None, None],
                np.arange(scenarios.edges)[:, None],
                np.maximum(plans.edge_choice, 0),
                tasks,
            ],
            0.0,
        )

    def to_clients(self) -> None:
        """Cloud and edges to clients: first by the models that they use, then by others that they hold or can hold."""
        scenarios = self.scenarios
        cost = self._open_costs("client")
        work = np.take_along_axis(cost, np.maximum(self.client_choice, 0), axis=2)
        work = np.where(self.client_choice >= 0, work, 0.0)
        room = _room(scenarios.client_compute, (scenarios.demand * self.local * work).sum(axis=2))
        free = _room(scenarios.client_memory, _held(self.given.client_models, scenarios.client_model_memory))
        b, c = np.nonzero(self._may_take(cost, room, free))
        if not b.size:
            return
        edge = scenarios.client_edge[b, c]
        rows = _Rows(
            weight=scenarios.demand[b, c],
            data=scenarios.input_size[b],
            accuracy=scenarios.client_accuracy,
            at=(b, edge),
            cost=cost[b, c],
            size=_of_nodes(scenarios.client_model_memory, scenarios.clients)[b, c],
            held=self.given.client_models[b, c].copy(),
            choice=self.client_choice[b, c].copy(),
            room=room[b, c],
            free=free[b, c],
            setup=None,
        )
        sources = [
            (self.cloud[b, c].copy(), scenarios.cloud_accuracy[b]),
            (self.edge[b, c].copy(), self.edge_accuracy[b, edge]),
        ]
        gained = self.local[b, c].copy()
        moved = rows.take(sources, gained)
        if not moved.any():
            return
        self.moved[b[moved]] = True
        self.local, self.edge, self.cloud = self.local.copy(), self.edge.copy(), self.cloud.copy()
        self.client_choice = self.client_choice.copy()
        self.local[b, c], self.client_choice[b, c] = gained, rows.choice
        self.cloud[b, c], self.edge[b, c] = sources[0][0], sources[1][0]

    def _open_costs(self, tier: Literal["client", "edge"]) -> np.ndarray:
        """Compute of models at nodes, infinite for one that would have to be moved at a cost, ``[B, V, M]``."""
        nodes = getattr(self.scenarios, f"{tier}s")
        cost = _of_nodes(getattr(self.scenarios, f"{tier}_model_compute"), nodes)
        moving = moving_costs(self.scenarios)
        if moving is None:
            return cost
        held = getattr(self.given, f"{tier}_models")
        return np.where(held | (getattr(moving, tier) == 0.0), cost, np.inf)

    def _may_take(self, cost: np.ndarray, room: np.ndarray, free: np.ndarray) -> np.ndarray:
        """Clients with room that send away what a model that they use, hold or can hold answers as well, ``[B, C]``."""
        scenarios = self.scenarios
        has_room = (room > _LEAST * scenarios.client_compute) | np.isinf(room) | (cost == 0.0).any(axis=2)
        chosen, index = self.client_choice >= 0, np.maximum(self.client_choice, 0)
        tasks = np.arange(scenarios.tasks)
        at = self.home[0][:, :, None], self.home[1][:, :, None]
        takes = np.zeros(has_room.shape, dtype=bool)
        for share, accuracy in ((self.cloud, scenarios.cloud_accuracy[:, None, :]), (self.edge, self.edge_accuracy)):
            ties = (scenarios.client_accuracy == accuracy[:, :, None, :]) & (accuracy > 0.0)[:, :, None, :]
            sends = self.asked & (share > 0.0) & has_room[:, :, None]
            if not ties.any() or not sends.any():
                continue
            uses = chosen & ties[(*at, index, tasks)]
            takes |= (sends & uses).any(axis=2)
            size = scenarios.client_model_memory
            if size.ndim == 2:
                least = np.where(ties, size[:, None, :, None], np.inf).min(axis=2)[self.home]
                takes |= (sends & ~chosen & (least <= free[:, :, None])).any(axis=2)
                rest = sends & ~chosen & ~takes[:, :, None]
            else:
                rest = sends & ~chosen
                least = np.where(ties[self.home], size[:, :, :, None], np.inf).min(axis=2)
                takes |= (rest & (least <= free[:, :, None])).any(axis=2)
            b, c, t = np.nonzero(rest)
            holds = self.given.client_models[b, c] & ties[b, scenarios.client_edge[b, c], :, t]
            takes[b[holds.any(axis=1)], c[holds.any(axis=1)]] = True
        return takes

    def to_edges(self) -> None:
        """Cloud to edges, all clients of an edge alike."""
        scenarios = self.scenarios
        if not ((scenarios.edge_accuracy == scenarios.cloud_accuracy[:, None, None, :]).any() and self.cloud.any()):
            return
        sent = self._per_edge(scenarios.demand * self.cloud, scenarios.client_edge)
        served = self._per_edge(scenarios.demand * self.edge, scenarios.client_edge)
        cost = self._open_costs("edge")
        capacity, setup = scenarios.edge_compute, None
        if scenarios.batching is not None:
            # Of a window: a query takes w/β of T_b, a batch its set-up time besides.
            capacity = scenarios.batching.window
            cost = np.where(cost > 0.0, cost / scenarios.edge_compute[:, :, None] * capacity[:, :, None], 0.0)
            setup = scenarios.batching.setup
        chosen = self.edge_choice >= 0
        index = np.maximum(self.edge_choice, 0)
        used = served * np.where(chosen, np.take_along_axis(cost, index, axis=2), 0.0)
        if setup is not None:
            used = used + np.where(chosen & (served > 0.0), np.take_along_axis(setup, index, axis=2), 0.0)
        b, e = np.nonzero(sent.any(axis=2))
        rows = _Rows(
            weight=sent[b, e],
            data=scenarios.input_size[b],
            accuracy=scenarios.edge_accuracy,
            at=(b, e),
            cost=cost[b, e],
            size=_of_nodes(scenarios.edge_model_memory, scenarios.edges)[b, e],
            held=self.given.edge_models[b, e].copy(),
            # A choice that serves nobody has not paid for its set-up: it is made anew.
            choice=np.where(served > 0.0, self.edge_choice, -1)[b, e],
            room=_room(capacity, np.where(served > 0.0, used, 0.0).sum(axis=2))[b, e],
            free=_room(scenarios.edge_memory, _held(self.given.edge_models, scenarios.edge_model_memory))[b, e],
            setup=None if setup is None else setup[b, e],
        )
        whole = (sent[b, e] > 0.0).astype(float)
        moved = rows.take([(whole, scenarios.cloud_accuracy[b])], np.zeros_like(whole))
        if not moved.any():
            return
        self.moved[b[moved]] = True
        left = np.ones(sent.shape)
        left[b, e] = np.where(sent[b, e] > 0.0, whole, 1.0)
        stays = np.where(self.asked, left[self.home], 1.0)
        self.edge = self.edge + self.cloud * (1.0 - stays)
        self.cloud = self.cloud * stays
        self.edge_choice = self.edge_choice.copy()
        self.edge_choice[b, e] = np.where(rows.choice >= 0, rows.choice, self.edge_choice[b, e])

    def plans(self) -> Plan:
        """Return the plans as they are now."""
        if not self.moved.any():
            return self.given
        scenarios, moved = self.scenarios, np.flatnonzero(self.moved)
        serves = self._per_edge(scenarios.demand[moved] * self.edge[moved], scenarios.client_edge[moved]) > 0.0
        client_choice = np.where((self.asked & (self.local > 0.0))[moved], self.client_choice[moved], -1)
        edge_choice = np.where(serves, self.edge_choice[moved], -1)
        models = np.arange(scenarios.models)
        new = {
            "client_models": (client_choice[..., None] == models).any(axis=2),
            "edge_models": (edge_choice[..., None] == models).any(axis=2),
            "client_choice": client_choice,
            "edge_choice": edge_choice,
        }
        new |= {tier: getattr(self, tier)[moved] for tier in ("local", "edge", "cloud")}
        fields = {name: getattr(self.given, name).copy() for name in new}
        for name, own in new.items():
            fields[name][moved] = own
        return self.given._replace(**fields)

    def _per_edge(self, values: np.ndarray, home: np.ndarray) -> np.ndarray:
        """Sum over the clients of each edge, in their order: ``[B, C, T]`` to ``[B, E, T]``."""
        batch, _, tasks = values.shape
        edges = self.scenarios.edges
        place = (np.arange(batch)[:, None] * edges + home)[:, :, None] * tasks + np.arange(tasks)
        return np.bincount(place.ravel(), values.ravel(), batch * edges * tasks).reshape(batch, edges, tasks)


class _Rows:
    """Nodes that take over shares of tasks, a row each, and what they have left.

    `weight`, `data`, `choice` ``[R, T]``; `cost`, `size`, `held`, `setup` ``[R, M]``; `room`, `free` ``[R]``: compute
    and memory. Accuracies are those of the table `accuracy` ``[B, E, M, T]`` at the instances and edges `at`, each
    ``[R]``.
    """

    def __init__(
        self,
        *,
        weight: np.ndarray,
        data: np.ndarray,
        accuracy: np.ndarray,
        at: tuple[np.ndarray, np.ndarray],
        cost: np.ndarray,
        size: np.ndarray,
        held: np.ndarray,
        choice: np.ndarray,
        room: np.ndarray,
        free: np.ndarray,
        setup: np.ndarray | None,
    ):
        self.weight, self.data, self.accuracy, self.at, self.cost, self.size = weight, data, accuracy, at, cost, size
        self.held, self.choice, self.room, self.free, self.setup = held, choice, room, free, setup

    def take(self, sources: list[tuple[np.ndarray, np.ndarray]], gained: np.ndarray) -> np.ndarray:
        """Move what ties from the shares in `sources`, with the accuracy there, to `gained`: which rows did ``[R]``.

        Shares ``[R, T]`` are changed in place.
        """
        moved = np.zeros(len(gained), dtype=bool)
        for share, accuracy in sources:
            moved |= self._take_by_choice(share, accuracy, gained)
        for task in range(gained.shape[1]):
            moved |= self._open(task, sources, gained)
        return moved

    def _take_by_choice(self, share: np.ndarray, accuracy: np.ndarray, gained: np.ndarray) -> np.ndarray:
        """By the models in use, those first that save the most data for their work."""
        rows, tasks = np.arange(len(share))[:, None], np.arange(share.shape[1])
        model = np.maximum(self.choice, 0)
        own = self.accuracy[self.at[0][:, None], self.at[1][:, None], model, tasks]
        work = self.cost[rows, model]
        tied = (self.choice >= 0) & (share > 0.0) & (own == accuracy) & (own > 0.0) & (self.weight > 0.0)
        tied &= np.isfinite(work)
        some = np.flatnonzero(tied.any(axis=1))
        need = np.where(tied, self.weight * share * work, 0.0)
        part = np.zeros(share.shape)
        worth = np.where(work[some] > 0.0, self.data[some] / work[some], np.inf)
        part[some] = np.where(tied[some], _parts(need[some], worth, self.room[some]), 0.0)
        part = np.where(part < _LEAST, 0.0, part)
        self.room = self.room - (need * part).sum(axis=1)
        gained += share * part
        share *= 1.0 - part
        return np.asarray((part > 0.0).any(axis=1))

    def _open(self, task: int, sources: list[tuple[np.ndarray, np.ndarray]], gained: np.ndarray) -> np.ndarray:
        """By a model for a task that has none: a held one, else the smallest that fits; of these that of least work."""
        moved = np.zeros(len(gained), dtype=bool)
        wants = (self.choice[:, task] < 0) & (self.weight[:, task] > 0.0)
        rows = np.flatnonzero(wants & np.any([share[:, task] > 0.0 for share, _ in sources], axis=0))
        if not rows.size:
            return moved
        own = self.accuracy[self.at[0][rows], self.at[1][rows], :, task]
        ties = [
            (own == accuracy[rows, task][:, None]) & (own > 0.0) & (share[rows, task] > 0.0)[:, None]
            for share, accuracy in sources
        ]
        more = np.where(self.held[rows], 0.0, self.size[rows])
        fits = np.any(ties, axis=0) & (more <= np.maximum(self.free[rows], 0.0)[:, None]) & np.isfinite(self.cost[rows])
        room = self.room[rows]
        if self.setup is not None:
            fits &= self.setup[rows] < room[:, None]
        fits &= (room > 0.0)[:, None] | (self.cost[rows] == 0.0)
        some = np.flatnonzero(fits.any(axis=1))
        if not some.size:
            return moved
        rows, room, more, fits = rows[some], room[some], more[some], fits[some]
        more = np.where(fits, more, np.inf)
        least = more == more.min(axis=1, keepdims=True)
        model = np.argmin(np.where(fits & least, self.cost[rows], np.inf), axis=1)
        work = self.cost[rows, model]
        if self.setup is not None:
            room = room - self.setup[rows, model]
        took = np.zeros(len(rows))
        for (share, _), tie in zip(sources, ties, strict=True):
            here = np.where(tie[some, model], share[rows, task], 0.0)
            need = self.weight[rows, task] * here * work
            part = np.where(need > 0.0, np.clip(room / np.where(need > 0.0, need, 1.0), 0.0, 1.0), 1.0)
            part = np.where((here > 0.0) & (part >= _LEAST), part, 0.0)
            room = room - need * part
            gained[rows, task] += here * part
            share[rows, task] *= 1.0 - part
            took += part
        opened = took > 0.0
        rows, model = rows[opened], model[opened]
        self.room[rows] = room[opened]
        self.free[rows] -= np.where(self.held[rows, model], 0.0, self.size[rows, model])
        self.held[rows, model] = True
        self.choice[rows, task] = model
        moved[rows] = True
        return moved


def _parts(need: np.ndarray, worth: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Part of each need that is met within the room of its row, the most worth first, ``[R, T]``."""
    order = np.argsort(-worth, axis=1, kind="stable")
    own = np.take_along_axis(need, order, axis=1)
    left = room[:, None] - (np.cumsum(own, axis=1) - own)
    part = np.where(own > 0.0, np.clip(left / np.where(own > 0.0, own, 1.0), 0.0, 1.0), 1.0)
    parts = np.empty_like(part)
    np.put_along_axis(parts, order, part, axis=1)
    return parts


def _room(capacity: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Return what is left of a capacity, but for rounding."""
    return np.where(np.isinf(capacity), np.inf, capacity * (1.0 - _MARGIN) - used)


def _held(models: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Memory of the models held, MB, ``[B, V]``."""
    return np.einsum("bvm,bvm->bv", models.astype(np.float64), _of_nodes(size, models.shape[1]))


def _of_nodes(values: np.ndarray, nodes: int) -> np.ndarray:
    """`values` of the models at every node, ``[B, V, M]``, where they are given alike for all nodes or for each."""
    return values if values.ndim == 3 else np.broadcast_to(values[:, None, :], (len(values), nodes, values.shape[1]))
