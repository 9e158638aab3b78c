"""Strong formulation: the whole problem P1 as one tight mixed-integer linear program.

With x and z whole, the products of the paper's (3), (5), (9) and (10) are linear in flows that z caps one by one:
f_cmt <= z_cmt <= x_cm for what client c answers by model m, and g_cmt <= z_emt <= x_em *per client* for what its edge
answers. Flows are measured in parts of the largest that any limit allows, which tightens these caps and keeps every
coefficient within [0, 1] however far loads and capacities lie apart.
"""

from typing import NamedTuple

import numpy as np

from j3o_kernels.tolerances import ROUNDING

from ..._highs import MILP
from ..._model import Plan, home_edge_compute, model_costs
from ..._scenario import Scenario
from ..._types import Bool, Float, Int
from .program_builder import ProgramBuilder, choices_of, holding_gains, in_parts, largest_share


class Columns(NamedTuple):
    """Numbers of the variables in the program, −1 where there is none.

    - `client_models` ``[C, M]``, `edge_models` ``[E, M]``: x.
    - `client_choice` ``[C, M, T]``, `edge_choice` ``[E, M, T]``: z.
    - `local`, `edge` ``[C, M, T]``, `cloud` ``[C, 1, T]``: flows, each in parts of the largest that any limit allows.
    """

    client_models: Int[np.ndarray, "C M"]
    edge_models: Int[np.ndarray, "E M"]
    client_choice: Int[np.ndarray, "C M T"]
    edge_choice: Int[np.ndarray, "E M T"]
    local: Int[np.ndarray, "C M T"]
    edge: Int[np.ndarray, "C M T"]
    cloud: Int[np.ndarray, "C 1 T"]


class StrongFormulation(NamedTuple):
    """A `MILP` whose optimum is that of the scenario, and what its variables mean.

    `most` holds the largest share that each of the flows can have: local, edge ``[C, M, T]`` and cloud ``[C, 1, T]``.
    """

    program: MILP
    columns: Columns
    most: tuple[Float[np.ndarray, "C M T"], Float[np.ndarray, "C M T"], Float[np.ndarray, "C 1 T"]]

    def routing(self) -> MILP:
        """Program with every choice that it has made for good: what is left is to share out the streams."""
        program = self.program
        return program._replace(lower=program.integrality.astype(float), integrality=np.zeros_like(program.integrality))

    def relaxation(self) -> MILP:
        """Linear relaxation: the program without the demand that x and z are integers."""
        return self.program._replace(integrality=np.zeros_like(self.program.integrality))

    def values(self, plan: Plan, client_edge: Int[np.ndarray, " C"]) -> Float[np.ndarray, " N"]:
        """Values ``[N]`` of the variables for a plan, as far as the program has variables for it."""
        models = np.arange(plan.client_models.shape[1])[:, None]
        client, edge = plan.client_choice[:, None, :] == models, plan.edge_choice[:, None, :] == models
        local = client * plan.local[:, None, :]
        at_edge = edge[client_edge] * plan.edge[:, None, :]
        flows = (
            share / np.where(most > 0.0, most, 1.0)
            for share, most in zip((local, at_edge, plan.cloud[:, None, :]), self.most, strict=True)
        )
        values = np.zeros(self.program.objective.size + 1)  # the last for column −1
        of_columns = (plan.client_models, plan.edge_models, client, edge, *flows)
        for columns, own in zip(self.columns, of_columns, strict=True):
            values[columns] = np.minimum(own, 1.0)
        return values[:-1]

    def shares(
        self, values: Float[np.ndarray, " N"]
    ) -> tuple[Float[np.ndarray, "C T"], Float[np.ndarray, "C T"], Float[np.ndarray, "C T"]]:
        """Local, edge and cloud shares of a solution."""
        padded = np.append(values, 0.0)  # column −1
        flows = (self.columns.local, self.columns.edge, self.columns.cloud)
        local, edge, cloud = (
            (padded[columns] * most).sum(axis=1) for columns, most in zip(flows, self.most, strict=True)
        )
        return local, edge, cloud

    def choices(self, values: Float[np.ndarray, " N"]) -> tuple[Int[np.ndarray, "C T"], Int[np.ndarray, "E T"]]:
        """z(c, t) and z(e, t) of a solution, −1 for none."""
        return choices_of(values, self.columns.client_choice), choices_of(values, self.columns.edge_choice)


class Flows(NamedTuple):
    """Flows of one scenario that may be, and what they load.

    - `local_open`, `edge_open` ``[C, M, T]``, `cloud_open` ``[C, 1, T]``: which there are; `edge_used` ``[E, M, T]``:
      of any client.
    - `local_most`, `edge_most`, `cloud_most`: largest share of each.
    - `local_load`, `edge_load` ``[C, M, T]``, `edge_data`, `cloud_data` ``[C, T]``: of the whole stream, in parts of
      the capacity; `setup` ``[E, M]``: of a task with batching, in parts of the window.
    """

    local_open: Bool[np.ndarray, "C M T"]
    edge_open: Bool[np.ndarray, "C M T"]
    cloud_open: Bool[np.ndarray, "C 1 T"]
    edge_used: Bool[np.ndarray, "E M T"]
    local_most: Float[np.ndarray, "C M T"]
    edge_most: Float[np.ndarray, "C M T"]
    cloud_most: Float[np.ndarray, "C 1 T"]
    local_load: Float[np.ndarray, "C M T"]
    edge_load: Float[np.ndarray, "C M T"]
    edge_data: Float[np.ndarray, "C T"]
    cloud_data: Float[np.ndarray, "C T"]
    setup: Float[np.ndarray, "E M"]

    @property
    def most(self) -> tuple[Float[np.ndarray, "C M T"], Float[np.ndarray, "C M T"], Float[np.ndarray, "C 1 T"]]:
        """Largest shares, as `StrongFormulation` has them."""
        return self.local_most, self.edge_most, self.cloud_most

    def gains(
        self, scenario: Scenario
    ) -> tuple[Float[np.ndarray, "C M T"], Float[np.ndarray, "C M T"], Float[np.ndarray, "C 1 T"]]:
        """Return what the flows earn of F: local, edge and cloud."""
        demand, home = scenario.demand, scenario.client_edge
        total = float(demand.sum())
        weight = demand / (total if total > 0.0 else 1.0)
        return (
            weight[:, None, :] * scenario.client_accuracy[home] * self.local_most,
            weight[:, None, :] * scenario.edge_accuracy[home] * self.edge_most,
            (weight * scenario.cloud_accuracy)[:, None, :] * self.cloud_most,
        )

    def most_earned(self, scenario: Scenario) -> tuple[Float[np.ndarray, "C M"], Float[np.ndarray, "E M"]]:
        """Return the most that each model can earn of F at each client and at each edge."""
        local_gain, edge_gain, _ = self.gains(scenario)
        at_edge = np.zeros((scenario.edges, scenario.models))
        np.add.at(at_edge, scenario.client_edge, np.where(self.edge_open, edge_gain, 0.0).sum(axis=2))
        return np.where(self.local_open, local_gain, 0.0).sum(axis=2), at_edge


def strong_formulation(
    scenario: Scenario, *, only: tuple[Int[np.ndarray, "C T"], Int[np.ndarray, "E T"]] | None = None
) -> StrongFormulation:
    """Strong formulation of one scenario of NumPy arrays, with (28) in place of (10) where there is batching.

    **Arguments:**

    - `only`: choices z(c, t) and z(e, t), −1 for none; all others are left out.
    """
    flows = flows_of(scenario, only)
    build = ProgramBuilder()
    holding = holding_gains(scenario, *flows.most_earned(scenario))
    client_held = build.variables(flows.local_open.any(axis=2), holding.client, integer=True)
    edge_held = build.variables(flows.edge_used.any(axis=2), holding.edge, integer=True)
    columns = add_scenario(build, scenario, flows, client_held, edge_held)
    return StrongFormulation(build.program(), columns, flows.most)


def flows_of(scenario: Scenario, only: tuple[Int[np.ndarray, "C T"], Int[np.ndarray, "E T"]] | None = None) -> Flows:
    """Flows of one scenario; `only` as of `strong_formulation`."""
    demand, home = scenario.demand, scenario.client_edge
    tasks, models, edges = scenario.tasks, scenario.models, scenario.edges
    asked = demand > 0.0
    pairs = asked[:, None, :]
    data = demand * scenario.input_size

    # Loads are in parts of the capacity; those of set-ups (28) in parts of the window.
    costs = model_costs(scenario)
    local_load = in_parts(demand[:, None, :] * costs.client_compute[:, :, None], scenario.client_compute[:, None, None])
    edge_load = in_parts(
        demand[:, None, :] * home_edge_compute(scenario)[:, :, None], scenario.edge_compute[home][:, None, None]
    )
    edge_data = in_parts(data, scenario.edge_uplink[home][:, None])
    cloud_data = in_parts(data, scenario.cloud_uplink)
    setup = np.zeros((edges, models))
    if scenario.batching is not None:
        setup = scenario.batching.setup / scenario.batching.window[:, None]

    # The most of a stream that can go each way.
    local_most = largest_share(local_load, 1.0)
    through_uplink = largest_share(edge_data, 1.0)[:, None, :]
    edge_most = largest_share(edge_load, np.maximum(1.0 - setup, 0.0)[home][:, :, None])
    edge_most = np.minimum(edge_most, through_uplink)
    cloud_most = np.minimum(through_uplink, largest_share(cloud_data, 1.0)[:, None, :])

    client_accuracy, edge_accuracy = scenario.client_accuracy[home], scenario.edge_accuracy[home]
    local_open = pairs & (local_most > 0.0) & _holds(costs.client_memory, scenario.client_memory)[:, :, None]
    edge_open = pairs & (edge_most > 0.0) & _holds(costs.edge_memory, scenario.edge_memory)[home][:, :, None]
    local_open &= client_accuracy > 0.0
    edge_open &= edge_accuracy > 0.0
    edge_open &= (setup <= 1.0 + ROUNDING)[home][:, :, None]
    if only is not None:
        client_only, edge_only = (choice[:, None, :] == np.arange(models)[:, None] for choice in only)
        local_open &= client_only
        edge_open &= edge_only[home]
    edge_used = np.zeros((edges, models, tasks), dtype=bool)
    np.logical_or.at(edge_used, home, edge_open)
    cloud_open = pairs & (cloud_most > 0.0) & (scenario.cloud_accuracy > 0.0)
    return Flows(
        local_open,
        edge_open,
        cloud_open,
        edge_used,
        local_most,
        edge_most,
        cloud_most,
        local_load,
        edge_load,
        edge_data,
        cloud_data,
        setup,
    )


def add_scenario(
    build: ProgramBuilder,
    scenario: Scenario,
    flows: Flows,
    client_held: Int[np.ndarray, "C M"],
    edge_held: Int[np.ndarray, "E M"],
    importance: float = 1.0,
) -> Columns:
    """Add choices, flows and limits of one scenario to a program.

    **Arguments:**

    - `client_held`, `edge_held`: variables of x that the program has already.
    - `importance`: weight of the scenario's F in the objective.
    """
    (local_open, edge_open, cloud_open, edge_used, local_most, edge_most, cloud_most, *loads, setup) = flows
    local_load, edge_load, edge_data, cloud_data = loads
    home, clients, tasks, edges = scenario.client_edge, scenario.clients, scenario.tasks, scenario.edges
    asked, costs = scenario.demand > 0.0, model_costs(scenario)
    local_gain, edge_gain, cloud_gain = (gain * importance for gain in flows.gains(scenario))
    client_choice = build.variables(local_open, integer=True)
    edge_choice = build.variables(edge_used, integer=True)
    local = build.variables(local_open, local_gain)
    edge = build.variables(edge_open, edge_gain)
    cloud = build.variables(cloud_open, cloud_gain)

    # (1): one model for each task, of those that are held; (8): which must fit.
    for choice, held, memory, size in (
        (client_choice, client_held, scenario.client_memory, costs.client_memory),
        (edge_choice, edge_held, scenario.edge_memory, costs.edge_memory),
    ):
        build.at_most_each(choice, held[:, :, None])
        build.limit(np.moveaxis(choice, 1, 2), 1.0)
        build.limit(held, in_parts(size, (memory * (1.0 + ROUNDING))[:, None]))
    # Flows only through what is chosen.
    build.at_most_each(local, client_choice)
    build.at_most_each(edge, edge_choice[home])
    # Shares of a stream.
    shares = np.concatenate([local, edge, cloud], axis=1)
    parts = np.concatenate([local_most, edge_most, cloud_most], axis=1)
    all_served = np.where(asked & (not scenario.allow_unserved), 1.0, -np.inf)
    build.limit(np.moveaxis(shares, 1, 2), np.moveaxis(parts, 1, 2), lower=all_served)
    # (9), client compute.
    local_use = _product(local_load, local_most)
    build.limit(local.reshape(clients, -1), local_use.reshape(clients, -1))
    edge_use = _product(edge_load, edge_most)
    sent = np.concatenate([edge, cloud], axis=1)
    sent_use = _product(edge_data[:, None, :], np.concatenate([edge_most, cloud_most], axis=1))
    for one in range(edges):
        mine = home == one
        # (10), or (28) with the set-up time of every chosen model.
        build.limit(
            np.concatenate([edge[mine].ravel(), edge_choice[one].ravel()])[None],
            np.concatenate([edge_use[mine].ravel(), np.repeat(setup[one], tasks)])[None],
        )
        # (11)
        build.limit(sent[mine].reshape(1, -1), sent_use[mine].reshape(1, -1))
    # (12)
    build.limit(cloud.reshape(1, -1), _product(cloud_data[:, None, :], cloud_most).reshape(1, -1))
    return Columns(client_held, edge_held, client_choice, edge_choice, local, edge, cloud)


def _product(load: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Product load · most, where an infinite load meets a share of 0 as 0."""
    load, most = np.broadcast_arrays(load, most)
    return np.where(most > 0.0, np.where(most > 0.0, load, 0.0) * most, 0.0)


def _holds(size: np.ndarray, memory: np.ndarray) -> Bool[np.ndarray, "V M"]:
    return size <= memory[:, None] * (1.0 + ROUNDING)
