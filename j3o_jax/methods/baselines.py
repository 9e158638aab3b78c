"""The paper's baselines (Section VI-A.3)."""

import dataclasses
import itertools
import math
import zlib
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np

from j3o_kernels.enumeration import best_of_all_choices
from j3o_kernels.feasible_selection import feasible_selection, most_accurate_choice
from j3o_kernels.onloading import chosen, servable_shares
from j3o_kernels.tolerances import ALL_SERVED

from .._compiled_functions import in_numpy, program, program_of_batch
from .._either import each
from .._either import either as jnp
from .._model import Placement, Plan, objective
from .._scenario import Scenario
from .._status import Status
from .._time_limit import limiting_time, seconds_left
from .._types import AnyArray, Int
from .._validate import RULES
from ..routing import AbstractOffloadingSolver, CvxpyLP
from ._base import AbstractMethod, Outcome, require_time
from .alternation.method import AlternatingMethod
from .alternation.placement import models_in_use, node_charges, node_problem, placement_of
from .exact.node_milp import best_node_choice


class GreedyAO(AlternatingMethod):
    """Greedy-AO: as J3O, with a greedy onloading that knows no multipliers.

    A node adds the model of the highest marginal gain per MB of those that keep its memory and its compute, (9) or
    (10) with every task on its most accurate model, until none is left.

    **Arguments:**

    - `lp`: solver of the offloading step.
    - `max_iterations`: most rounds of onloading and offloading.
    - `tolerance`: δ; the least rise of F that is worth another round.
    - `time_limit`: seconds for each scenario, compiling apart, after which no round is begun.
    """

    lp: AbstractOffloadingSolver = CvxpyLP()
    max_iterations: int = eqx.field(static=True, default=10)
    tolerance: float = eqx.field(static=True, default=1e-6)
    time_limit: float | int = eqx.field(static=True, default=math.inf)

    def place(
        self, scenarios: Scenario, at_client: Any, at_edge: Any, active: np.ndarray, key: Any
    ) -> tuple[Placement, np.ndarray | None]:
        """See `AlternatingMethod`."""
        return _place_feasibly(scenarios, at_client, at_edge, None), None


class RandAO(AlternatingMethod):
    """Rand-AO: as Greedy-AO, but the order in which a node tries the models is drawn at random in every round.

    It runs all its rounds: a draw that brings nothing says nothing about the next. What is drawn for a scenario
    depends on its data and on the key of `solve` alone.

    **Arguments:**

    - `lp`: solver of the offloading step.
    - `max_iterations`: rounds.
    - `tolerance`: unused; there is no stopping early.
    - `time_limit`: seconds for each scenario, compiling apart, after which no round is begun.
    """

    lp: AbstractOffloadingSolver = CvxpyLP()
    max_iterations: int = eqx.field(static=True, default=10)
    tolerance: float = eqx.field(static=True, default=0.0)
    time_limit: float | int = eqx.field(static=True, default=math.inf)

    persists: ClassVar[bool] = True

    def place(
        self, scenarios: Scenario, at_client: Any, at_edge: Any, active: np.ndarray, key: Any
    ) -> tuple[Placement, np.ndarray | None]:
        """See `AlternatingMethod`."""
        batch, clients, _ = scenarios.demand.shape
        prints = np.array([_fingerprint(scenarios, instance) for instance in range(batch)], dtype=np.uint32)
        shape = (clients + scenarios.edges, scenarios.models)
        priority = jax.vmap(lambda own: jax.random.uniform(jax.random.fold_in(key, own), shape))(prints)
        # A NumPy array, as the others are, so that few sizes of batches are compiled.
        return _place_feasibly(scenarios, at_client, at_edge, np.asarray(priority)), None


class OptAO(AlternatingMethod):
    """OPT-AO: as J3O, with a proven optimum in every onloading step.

    For the shares of the last round, every node gets the models and choices that earn most within its memory and
    compute, when it may leave a part of what it is sent. Where the nodes have few enough choices all are tried, on
    the device; elsewhere each node is a mixed-integer linear program for HiGHS.

    **Arguments:**

    - `lp`: solver of the offloading step.
    - `max_iterations`: most rounds of onloading and offloading.
    - `tolerance`: δ; the least rise of F that is worth another round.
    - `enumeration_limit`: most choices of a node to try.
    - `time_limit`: seconds for each scenario, compiling apart, after which no round is begun. Nodes whose programs it
      leaves without a proven optimum get the greedy choice of `GreedyAO`.
    """

    lp: AbstractOffloadingSolver = CvxpyLP()
    max_iterations: int = eqx.field(static=True, default=10)
    tolerance: float = eqx.field(static=True, default=1e-6)
    enumeration_limit: int = eqx.field(static=True, default=4096)
    time_limit: float | int = eqx.field(static=True, default=math.inf)

    def place(
        self, scenarios: Scenario, at_client: Any, at_edge: Any, active: np.ndarray, key: Any
    ) -> tuple[Placement, np.ndarray | None]:
        """See `AlternatingMethod`."""
        choices = _all_choices(scenarios, self.enumeration_limit)
        unplaced = np.zeros(active.shape, dtype=bool)
        if choices is not None:
            choice = np.asarray(_choose_of_all(scenarios, at_client, at_edge, choices))
        else:
            problem = jax.tree.map(np.asarray, _node_problems(scenarios, at_client, at_edge))
            batch, nodes, _, tasks = problem[0].gain.shape
            choice = np.full((batch, nodes, tasks), -1)
            late = np.zeros((batch, nodes), dtype=bool)
            for instance, node in itertools.product(np.flatnonzero(active), range(nodes)):
                own, charge = jax.tree.map(lambda field: field[instance, node], problem)  # noqa: B023
                try:
                    choice[instance, node] = best_node_choice(*own, charge=charge, time_limit=seconds_left())
                except TimeoutError:
                    late[instance, node] = True
                except RuntimeError:
                    unplaced[instance] = True
            if late.any():
                quick = _place_feasibly(scenarios, at_client, at_edge, None)
                quick = np.concatenate([quick.client_choice, quick.edge_choice], axis=1)
                choice = np.where(late[:, :, None], quick, choice)
        return _placements(scenarios, at_client, at_edge, choice), unplaced


class FullLocal(AbstractMethod):
    """Full-Local: every query at its own client, with the best models that each client can hold.

    The models of each client are a proven optimum, by a small mixed-integer program; what its compute cannot serve
    is left unserved. Edges and cloud stay idle.

    **Arguments:**

    - `time_limit`: seconds for each scenario, compiling apart. Clients whose programs it leaves without a proven
      optimum get the greedy choice of `GreedyAO`, and the scenario ends with `Status.iteration_limit`.
    """

    time_limit: float | int = eqx.field(static=True, default=math.inf)

    def __check_init__(self):
        require_time(self.time_limit)

    @property
    def on_host(self) -> bool:
        """See `AbstractMethod`: JAX is only for the greedy choice, where the time runs out."""
        return True

    def run(self, scenarios: Scenario, key: Any) -> Outcome:
        """See `AbstractMethod`."""
        with limiting_time(self.time_limit * scenarios.batch_shape[0]):
            return self._run(scenarios)

    def _run(self, scenarios: Scenario) -> Outcome:
        strict = not scenarios.allow_unserved
        batch, clients, tasks = scenarios.demand.shape
        problem = in_numpy(_client_problems)(scenarios)
        choice = np.full((batch, clients, tasks), -1)
        late = np.zeros((batch, clients), dtype=bool)
        reasons = [""] * batch
        for instance, client in np.ndindex(batch, clients):
            own, charge = jax.tree.map(lambda field: field[instance, client], problem)  # noqa: B023
            try:
                limits = {"serve_all": strict, "time_limit": seconds_left()}
                choice[instance, client] = best_node_choice(*own, charge=charge, **limits)
            except TimeoutError:
                late[instance, client] = True
            except RuntimeError as error:
                reasons[instance] = f"client {client}: no models chosen: {error}"
        if late.any():
            everything = np.ones_like(scenarios.demand)
            quick = _place_feasibly(scenarios, everything, np.zeros_like(everything), None)
            choice = np.where(late[:, :, None], quick.client_choice, choice)
        plan, value = in_numpy(_serve_locally)(scenarios, choice)
        left = np.max(np.where(scenarios.demand > 0.0, plan.unserved, 0.0), axis=(1, 2))
        infeasible = strict & (left > ALL_SERVED)
        return Outcome(
            plan=plan,
            status=np.select(
                [np.array([bool(reason) for reason in reasons]), infeasible, late.any(axis=1)],
                [Status.numerical_error, Status.infeasible, Status.iteration_limit],
                Status.converged,
            ),
            bound=np.full(batch, np.nan),
            history=value[:, None],
            stats={"iterations": np.ones(batch, dtype=np.int64)},
            reasons=tuple(reasons),
        )


@program_of_batch
def _client_problems(scenarios: Scenario) -> Any:
    def one(scenario: Scenario) -> Any:
        everything = jnp.ones_like(scenario.demand)
        problem = node_problem(scenario, everything, jnp.zeros_like(everything)), node_charges(scenario)
        return jax.tree.map(lambda field: field[: scenario.clients], problem)

    return each(one, scenarios)


@program_of_batch
def _serve_locally(scenarios: Scenario, choice: Int[AnyArray, "B C T"]) -> tuple[Plan, AnyArray]:
    def one(scenario: Scenario, choice: AnyArray) -> tuple[Plan, AnyArray]:
        everything = jnp.ones_like(scenario.demand)
        problem = node_problem(scenario, everything, jnp.zeros_like(everything))
        problem = jax.tree.map(lambda field: field[: scenario.clients], problem)
        gain, load = chosen(problem.gain, choice), chosen(problem.load, choice)
        local = jnp.where(choice >= 0, servable_shares(gain, load, problem.capacity), 0.0)
        nothing = jnp.zeros_like(local)
        choice = jnp.where(local > 0.0, choice, -1)
        plan = Plan(
            client_models=models_in_use(choice, scenario.models),
            edge_models=jnp.zeros((scenario.edges, scenario.models), dtype=bool),
            client_choice=choice,
            edge_choice=jnp.full((scenario.edges, scenario.tasks), -1),
            local=local,
            edge=nothing,
            cloud=nothing,
            unserved=1.0 - local,
        )
        return plan, objective(scenario, plan)

    return each(one, scenarios, choice)


@program_of_batch
def _node_problems(scenarios: Scenario, at_client: AnyArray, at_edge: AnyArray) -> Any:
    return jax.vmap(node_problem)(scenarios, at_client, at_edge), jax.vmap(node_charges)(scenarios)


@program_of_batch
def _place_feasibly(
    scenarios: Scenario, at_client: AnyArray, at_edge: AnyArray, priority: AnyArray | None
) -> Placement:
    def one(scenario: Scenario, at_client: AnyArray, at_edge: AnyArray, priority: AnyArray | None) -> Placement:
        problem = node_problem(scenario, at_client, at_edge)
        held = feasible_selection(problem, priority, node_charges(scenario))
        return placement_of(scenario, problem, held, most_accurate_choice(problem.gain, held))

    return jax.vmap(one)(scenarios, at_client, at_edge, priority)


@program
def _choose_of_all(scenarios: Scenario, at_client: AnyArray, at_edge: AnyArray, choices: AnyArray) -> AnyArray:
    def one(own: Any) -> AnyArray:
        return best_of_all_choices(node_problem(*own), choices, node_charges(own[0]))

    # One instance after the other: all choices of all nodes of a whole batch would need a lot of memory.
    return jax.lax.map(one, (scenarios, at_client, at_edge))


@program_of_batch
def _placements(scenarios: Scenario, at_client: AnyArray, at_edge: AnyArray, choice: AnyArray) -> Placement:
    def one(scenario: Scenario, at_client: AnyArray, at_edge: AnyArray, choice: AnyArray) -> Placement:
        problem = node_problem(scenario, at_client, at_edge)
        return placement_of(scenario, problem, models_in_use(choice, scenario.models), choice)

    return jax.vmap(one)(scenarios, at_client, at_edge, choice)


def _all_choices(scenarios: Scenario, limit: int) -> Int[np.ndarray, "K T"] | None:
    """Every choice of one model or none for each task; None if there are more than `limit`."""
    # A question of the sizes alone: what else is in the batch must not decide how an instance is solved.
    if (scenarios.models + 1) ** scenarios.tasks > limit:
        return None
    return np.array(list(itertools.product(range(-1, scenarios.models), repeat=scenarios.tasks)))


def _fingerprint(scenarios: Scenario, instance: int) -> int:
    """Checksum of the data of one instance: not of the form in which they are given, nor of what nodes held before."""
    number = 0
    for name, array in dataclasses.replace(scenarios, switching=None).arrays().items():
        own = array[instance]
        if name in RULES and own.ndim > len(RULES[name].axes) and (own == own[0]).all():
            own = own[0]
        number = zlib.crc32(np.ascontiguousarray(own).tobytes(), number)
    return number
