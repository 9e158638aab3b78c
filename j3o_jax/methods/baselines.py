"""The paper's baselines (Section VI-A.3)."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from j3o_kernels.onloading import chosen, servable_shares

from .._model import Plan, objective
from .._scenario import Scenario
from .._status import Status
from .._types import AnyArray, Int
from ._base import AbstractMethod, Outcome
from ._onloading import SERVE_FIRST, models_in_use, node_problem
from .milp import best_node_choice


class FullLocal(AbstractMethod):
    """Full-Local: every query at its own client, with the best models that each client can hold.

    The models of each client are a proven optimum, by a small mixed-integer program; what its compute cannot serve
    is left unserved. Edges and cloud stay idle.
    """

    def run(self, scenarios: Scenario, key: Any) -> Outcome:
        """See `AbstractMethod`."""
        strict = not scenarios.allow_unserved
        bonus = SERVE_FIRST if strict else 0.0
        batch, clients, tasks = scenarios.demand.shape
        problem = jax.tree.map(np.asarray, _client_problems(scenarios, bonus))
        choice = np.full((batch, clients, tasks), -1)
        for instance, client in np.ndindex(batch, clients):
            own = tuple(field[instance, client] for field in problem)
            choice[instance, client] = best_node_choice(*own, serve_all=strict)
        plan, value = jax.tree.map(np.asarray, _serve_locally(scenarios, choice, bonus))
        left = np.max(np.where(scenarios.demand > 0.0, plan.unserved, 0.0), axis=(1, 2))
        infeasible = strict & (left > 1e-6)
        return Outcome(
            plan=plan,
            status=np.where(infeasible, Status.infeasible, Status.converged),
            bound=np.full(batch, np.nan),
            history=value[:, None],
            stats={"iterations": np.ones(batch, dtype=np.int64)},
        )


@eqx.filter_jit
def _client_problems(scenarios: Scenario, bonus: float) -> Any:
    def one(scenario: Scenario) -> Any:
        everything = jnp.ones_like(scenario.demand)
        problem = node_problem(scenario, everything, jnp.zeros_like(everything), bonus=bonus)
        return jax.tree.map(lambda field: field[: scenario.clients], problem)

    return jax.vmap(one)(scenarios)


@eqx.filter_jit
def _serve_locally(scenarios: Scenario, choice: Int[AnyArray, "B C T"], bonus: float) -> tuple[Plan, AnyArray]:
    def one(scenario: Scenario, choice: AnyArray) -> tuple[Plan, AnyArray]:
        everything = jnp.ones_like(scenario.demand)
        problem = node_problem(scenario, everything, jnp.zeros_like(everything), bonus=bonus)
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

    return jax.vmap(one)(scenarios, choice)
