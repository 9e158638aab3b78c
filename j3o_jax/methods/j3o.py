"""J3O, the paper's alternating algorithm (Algorithm 1)."""

from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.core import Tracer

from j3o_kernels.multipliers import inverse_square_root, projected_subgradient

from .._model import Plan, edge_demand, normalized_demand, objective
from .._scenario import Scenario
from .._status import Status
from .._types import AnyArray, Bool, Float
from ..routing import (
    AbstractOffloadingSolver,
    CvxpyLP,
    Offloading,
    OffloadingProblem,
    offloading_problem,
    settle_shares,
)
from ._base import AbstractMethod, Outcome
from ._onloading import SERVE_FIRST, Placement, greedy_placement, models_in_use

# Largest share of a stream that counts as none where every query must be served.
_ALL_SERVED = 1e-6


def _as_step_size(value: Any) -> Any:
    return value if isinstance(value, Tracer) else np.asarray(value, dtype=np.float64)


class Subgradient(eqx.Module):
    """How the multipliers of the compute limits move, (19).

    **Arguments:**

    - `step_size`: η, relative to the price at which a node's best models would earn nothing. May be an array that
      JAX traces, so that a grid of step sizes compiles once.
    - `steps`: most updates in one onloading step.
    - `optimizer`: any optax transformation in place of the paper's η/√k subgradient; `step_size` is then unused.
      It must keep the multipliers non-negative (chain `optax.keep_params_nonnegative`).
    """

    step_size: Float[AnyArray, ""] = eqx.field(converter=_as_step_size, default=1.0)
    steps: int = eqx.field(static=True, default=50)
    optimizer: optax.GradientTransformation | None = eqx.field(static=True, default=None)

    def transformation(self) -> optax.GradientTransformation:
        """The update as an optax gradient transformation, on the dual that is minimised."""
        if self.optimizer is not None:
            return self.optimizer
        return projected_subgradient(inverse_square_root(self.step_size))


class J3O(AbstractMethod):
    """Joint optimisation of onloading and offloading: greedy placement and LP routing in turn (Algorithm 1).

    A placement is kept only if the routing that suits it best raises F, so `Solution.history` never falls. With
    `Scenario.batching` the edges' compute limit is (28), with its true indicator.

    **Arguments:**

    - `lp`: solver of the offloading step.
    - `multiplier`: update of the multipliers in the onloading step.
    - `max_iterations`: most rounds of onloading and offloading.
    - `tolerance`: δ; the least rise of F that is worth another round.
    - `greedy`: ``"paper"`` is Algorithm 2 to the letter; ``"plus_max"`` also tries, at nodes whose model sizes
      differ, every single model completed greedily, and keeps the best.
    """

    lp: AbstractOffloadingSolver = CvxpyLP()
    multiplier: Subgradient = Subgradient()
    max_iterations: int = eqx.field(static=True, default=10)
    tolerance: float = eqx.field(static=True, default=1e-6)
    greedy: Literal["plus_max", "paper"] = eqx.field(static=True, default="plus_max")

    def __check_init__(self):
        if self.max_iterations < 1:
            raise ValueError(f"max_iterations: must be at least 1, got {self.max_iterations}")
        if not self.tolerance >= 0.0:
            raise ValueError(f"tolerance: must be >= 0, got {self.tolerance}")
        if self.greedy not in ("plus_max", "paper"):
            raise ValueError(f"greedy: must be 'plus_max' or 'paper', got {self.greedy!r}")

    def run(self, scenarios: Scenario, key: Any) -> Outcome:
        """See `AbstractMethod`."""
        batch = scenarios.batch_shape[0]
        strict = not scenarios.allow_unserved
        rounds = _Rounds(self, scenarios)
        at_client, at_edge = jax.tree.map(np.asarray, _initial_shares(scenarios))
        best: Plan | None = None
        value = np.full(batch, -np.inf)
        history = np.full((batch, self.max_iterations), np.nan)
        active = np.ones(batch, dtype=bool)
        failed = np.zeros(batch, dtype=bool)
        iterations = np.zeros(batch, dtype=np.int64)
        for iteration in range(self.max_iterations):
            placement = rounds.place(at_client, at_edge)
            plan, plan_value, solved = rounds.route(placement, active)
            failed |= active & ~solved & (iteration == 0)
            better = active & solved & (plan_value > value)
            rise = np.where(better, plan_value - value, 0.0)
            best = plan if best is None else _where(better, plan, best)
            value = np.where(better, plan_value, value)
            iterations += active
            # A plan that leaves queries where none may be left is no plan yet, and has no objective.
            worth = np.where(_left(scenarios, best) <= _ALL_SERVED, value - SERVE_FIRST, np.nan) if strict else value
            history[active, iteration] = worth[active]
            active &= better & (rise >= self.tolerance) & ~failed
            if not active.any():
                break
            at_client, at_edge = 1.0 - best.edge - best.cloud, best.edge
        assert best is not None
        status = np.where(active, Status.iteration_limit, Status.converged)
        best, final = rounds.finish(best, ~failed)
        # With batching the last routing may be worth more than the last round.
        last = np.arange(batch), iterations - 1
        history[last] = np.fmax(history[last], final)
        if strict:
            status = np.where(_left(scenarios, best) <= _ALL_SERVED, status, Status.infeasible)
        return Outcome(
            plan=best,
            status=np.where(failed, Status.numerical_error, status),
            bound=np.full(batch, np.nan),
            history=history,
            stats={"iterations": iterations},
        )


class _Rounds:
    """The steps of Algorithm 1 for a batch: the onloading on the device, the offloading by `method.lp`."""

    def __init__(self, method: J3O, scenarios: Scenario):
        self.method = method
        self.scenarios = scenarios
        self.bonus = 0.0 if scenarios.allow_unserved else SERVE_FIRST

    def place(self, at_client: np.ndarray, at_edge: np.ndarray) -> Placement:
        """Line 4: the greedy placement for the shares."""
        method = self.method
        found = _place(self.scenarios, at_client, at_edge, method.multiplier, method.greedy == "plus_max", self.bonus)
        return jax.tree.map(np.asarray, found)

    def route(self, placement: Placement, active: np.ndarray) -> tuple[Plan, np.ndarray, np.ndarray]:
        """Line 10: the best shares for the placement, what the plan is worth, and whether the LP was solved."""
        problem = _problem(self.scenarios, placement, self.bonus)
        offloading = self.method.lp.offload(problem, active, allow_unserved=True)
        plan, value = jax.tree.map(
            np.asarray, _settle(self.scenarios, problem, placement, offloading, self.bonus, allow_unserved=True)
        )
        return plan, value, offloading.solved

    def finish(self, plan: Plan, active: np.ndarray) -> tuple[Plan, np.ndarray]:
        """Route the placement of `plan` once more, sparsely, and drop what it does not use.

        Also returns what it is worth, NaN where there is nothing better than `plan` itself.

        Where all must be served, this is where they are, if they can be. With batching, a task that an edge drops
        gives its set-up time back to the others, which are routed again.
        """
        plan, value, solved = self._reroute(plan, active)
        if self.scenarios.batching is not None:
            plan, value, solved = self._reroute(plan, active)
        complete = self.scenarios.allow_unserved | (_left(self.scenarios, plan) <= _ALL_SERVED)
        return plan, np.where(solved & complete, value, np.nan)

    def _reroute(self, plan: Plan, active: np.ndarray) -> tuple[Plan, np.ndarray, np.ndarray]:
        allow_unserved = self.scenarios.allow_unserved
        placement = Placement(*plan[:4])
        problem = _problem(self.scenarios, placement, 0.0)
        offloading = self.method.lp.offload(problem, active, allow_unserved=allow_unserved, sparse=True)
        routed, value = _settle(self.scenarios, problem, placement, offloading, 0.0, allow_unserved=allow_unserved)
        plan = _where(offloading.solved, jax.tree.map(np.asarray, routed), plan)
        return jax.tree.map(np.asarray, _drop_idle(self.scenarios, plan)), np.asarray(value), offloading.solved


@eqx.filter_jit
def _place(
    scenarios: Scenario,
    at_client: AnyArray,
    at_edge: AnyArray,
    multiplier: Subgradient,
    plus_max: bool,
    bonus: float,
) -> Placement:
    def one(scenario: Scenario, at_client: AnyArray, at_edge: AnyArray) -> Placement:
        return greedy_placement(
            scenario,
            at_client,
            at_edge,
            multiplier.transformation(),
            steps=multiplier.steps,
            plus_max=plus_max,
            bonus=bonus,
        )

    return jax.vmap(one)(scenarios, at_client, at_edge)


@eqx.filter_jit
def _problem(scenarios: Scenario, placement: Placement, bonus: float) -> OffloadingProblem:
    def one(scenario: Scenario, placement: Placement) -> OffloadingProblem:
        return offloading_problem(scenario, placement.client_choice, placement.edge_choice, bonus=bonus)

    return jax.vmap(one)(scenarios, placement)


@eqx.filter_jit
def _settle(
    scenarios: Scenario,
    problem: OffloadingProblem,
    placement: Placement,
    offloading: Offloading,
    bonus: float,
    *,
    allow_unserved: bool,
) -> tuple[Plan, AnyArray]:
    """Plans that keep every limit, and their F plus `bonus` for the part of the queries that is served."""

    def one(scenario: Scenario, problem: Any, placement: Any, offloading: Any) -> tuple[Plan, AnyArray]:
        local, edge, cloud, unserved = settle_shares(problem, offloading, allow_unserved=allow_unserved)
        plan = Plan(**placement._asdict(), local=local, edge=edge, cloud=cloud, unserved=unserved)
        left = jnp.sum(normalized_demand(scenario) * plan.unserved)
        return plan, objective(scenario, plan) + bonus * (1.0 - left)

    return jax.vmap(one)(scenarios, problem, placement, offloading)


@eqx.filter_jit
def _drop_idle(scenarios: Scenario, plans: Plan) -> Plan:
    """The plans without choices that serve nobody and models that nothing chooses."""

    def one(scenario: Scenario, plan: Plan) -> Plan:
        client_choice = jnp.where(scenario.demand * plan.local > 0.0, plan.client_choice, -1)
        edge_choice = jnp.where(edge_demand(scenario, plan.edge) > 0.0, plan.edge_choice, -1)
        return plan._replace(
            client_models=models_in_use(client_choice, scenario.models),
            edge_models=models_in_use(edge_choice, scenario.models),
            client_choice=client_choice,
            edge_choice=edge_choice,
        )

    return jax.vmap(one)(scenarios, plans)


@eqx.filter_jit
def _initial_shares(scenarios: Scenario) -> tuple[AnyArray, AnyArray]:
    """Line 1: every client of an edge sends the same share, as much as the edge's uplink takes; none to the cloud."""

    def one(scenario: Scenario) -> tuple[AnyArray, AnyArray]:
        data = edge_demand(scenario, jnp.ones_like(scenario.demand)) @ scenario.input_size
        share = jnp.where(data > scenario.edge_uplink, scenario.edge_uplink / jnp.where(data > 0.0, data, 1.0), 1.0)
        at_edge = jnp.broadcast_to(share[scenario.client_edge][:, None], scenario.demand.shape)
        return 1.0 - at_edge, at_edge

    return jax.vmap(one)(scenarios)


def _left(scenarios: Scenario, plan: Plan) -> np.ndarray:
    """Largest share of a stream with demand that is left unserved. ``[B]``"""
    return np.max(np.where(scenarios.demand > 0.0, plan.unserved, 0.0), axis=(1, 2))


def _where(condition: Bool[np.ndarray, " B"], new: Plan, old: Plan) -> Plan:
    def pick(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.where(condition.reshape(condition.shape + (1,) * (a.ndim - 1)), a, b)

    return Plan(*(pick(a, b) for a, b in zip(new, old, strict=True)))
