"""Algorithm 1 without its onloading step: what J3O and the baselines that alternate have in common."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np

from j3o_kernels.masked_select import select_leading
from j3o_kernels.tolerances import ALL_SERVED

from .._model import Placement, Plan, serving_first, without_serving_first
from .._scenario import Scenario
from .._status import Status
from .._time_limit import limiting_time, seconds_left
from .._types import Bool, Float
from ..routing import AbstractOffloadingSolver
from ._base import AbstractMethod, Outcome, require_time
from ._settling import initial_shares, most_unserved, offloading_problems, settled_plans, without_idle


class AlternatingMethod(AbstractMethod):
    """Onloading for fixed shares and offloading for fixed models, in turn (Algorithm 1).

    A placement is kept only if the routing that suits it best raises F, so `Solution.history` never falls. Subclasses
    say how models are placed.
    """

    lp: eqx.AbstractVar[AbstractOffloadingSolver]
    max_iterations: eqx.AbstractVar[int]
    tolerance: eqx.AbstractVar[float]
    time_limit: eqx.AbstractVar[float]

    persists: ClassVar[bool] = False
    """Whether it goes on after a placement that brought nothing, because the next one will be another."""

    def __check_init__(self):
        if self.max_iterations < 1:
            raise ValueError(f"max_iterations: must be at least 1, got {self.max_iterations}")
        if not self.tolerance >= 0.0:
            raise ValueError(f"tolerance: must be >= 0, got {self.tolerance}")
        require_time(self.time_limit)

    @abc.abstractmethod
    def place(
        self,
        scenarios: Scenario,
        at_client: Float[np.ndarray, "B C T"],
        at_edge: Float[np.ndarray, "B C T"],
        active: Bool[np.ndarray, " B"],
        key: Any,
    ) -> tuple[Placement, Bool[np.ndarray, " B"]]:
        """Line 4: a placement for the shares of every instance, any where not `active`, and where none was found.

        **Arguments:**

        - `at_client`, `at_edge`: shares 1 − o^c that clients and o^c − o^{c,e} that edges have to serve.
        - `key`: a JAX key of this iteration.
        """

    def run(self, scenarios: Scenario, key: Any) -> Outcome:
        """See `AbstractMethod`."""
        with limiting_time(self.time_limit * scenarios.batch_shape[0]):
            return self.run_from(scenarios, key, *jax.tree.map(np.asarray, initial_shares(scenarios)))

    def run_from(
        self,
        scenarios: Scenario,
        key: Any,
        at_client: Float[np.ndarray, "B C T"],
        at_edge: Float[np.ndarray, "B C T"],
    ) -> Outcome:
        """`run` from shares that clients and edges have to serve at first.

        No round is begun when the time of the caller is over, but there is always one.
        """
        batch = scenarios.batch_shape[0]
        strict = not scenarios.allow_unserved
        valued = serving_first(scenarios)
        best: Plan | None = None
        value = np.full(batch, -np.inf)
        history = np.full((batch, self.max_iterations), np.nan)
        active = np.ones(batch, dtype=bool)
        failed = np.zeros(batch, dtype=bool)
        limited = np.zeros(batch, dtype=bool)
        iterations = np.zeros(batch, dtype=np.int64)
        for iteration in range(self.max_iterations):
            own_key = jax.random.fold_in(key, iteration)
            placement, unplaced = self.place(scenarios, at_client, at_edge, active, own_key)
            # Where the time ended within, this was not the placement that more of it would have made.
            limited = active & (seconds_left() <= 0.0)
            plan, plan_value, solved = self._route(valued, placement, active)
            solved &= ~unplaced
            failed |= active & ~solved & (iteration == 0)
            better = active & solved & (plan_value > value)
            rise = np.where(better, plan_value - value, 0.0)
            best = plan if best is None else select_leading(better, plan, best)
            value = np.where(better, plan_value, value)
            iterations += active
            # A plan that leaves queries where none may be left is no plan yet, and has no objective.
            complete = most_unserved(scenarios, best) <= ALL_SERVED
            worth = np.where(complete, without_serving_first(scenarios, value), np.nan) if strict else value
            history[active, iteration] = worth[active]
            if not self.persists:
                active &= better & (rise >= self.tolerance)
            active &= ~failed
            if not active.any():
                break
            if seconds_left() <= 0.0:
                limited |= active
                break
            at_client, at_edge = 1.0 - best.edge - best.cloud, best.edge
        assert best is not None
        limited |= active & (not self.persists)
        status = np.where(limited, Status.iteration_limit, Status.converged)
        best, final = self._finish(scenarios, best, ~failed)
        # With batching the last routing may be worth more than the last round.
        last = np.arange(batch), iterations - 1
        history[last] = np.fmax(history[last], final)
        if strict:
            status = np.where(most_unserved(scenarios, best) <= ALL_SERVED, status, Status.infeasible)
        return Outcome(
            plan=best,
            status=np.where(failed, Status.numerical_error, status),
            bound=np.full(batch, np.nan),
            history=history,
            stats={"iterations": iterations},
        )

    def _route(
        self, scenarios: Scenario, placement: Placement, active: np.ndarray
    ) -> tuple[Plan, np.ndarray, np.ndarray]:
        """Line 10: the best shares for the placement, what the plan is worth, and whether the LP was solved."""
        problem = offloading_problems(scenarios, placement)
        offloading = self.lp.offload(problem, active, allow_unserved=True)
        plan, value = settled_plans(scenarios, problem, placement, offloading, allow_unserved=True)
        return jax.tree.map(np.asarray, plan), np.asarray(value), offloading.solved

    def _finish(self, scenarios: Scenario, plan: Plan, active: np.ndarray) -> tuple[Plan, np.ndarray]:
        """Route the placement of `plan` once more, sparsely, and drop what it does not use.

        Also returns what it is worth, NaN where there is nothing better than `plan` itself.

        Where all must be served, this is where they are, if they can be. With batching, a task that an edge drops
        gives its set-up time back to the others, which are routed again.
        """
        plan, value, solved = self._reroute(scenarios, plan, active)
        if scenarios.batching is not None:
            plan, value, solved = self._reroute(scenarios, plan, active)
        complete = scenarios.allow_unserved | (most_unserved(scenarios, plan) <= ALL_SERVED)
        return plan, np.where(solved & complete, value, np.nan)

    def _reroute(self, scenarios: Scenario, plan: Plan, active: np.ndarray) -> tuple[Plan, np.ndarray, np.ndarray]:
        allow_unserved = scenarios.allow_unserved
        placement = plan.placement
        problem = offloading_problems(scenarios, placement)
        offloading = self.lp.offload(problem, active, allow_unserved=allow_unserved, sparse=True)
        routed, value = settled_plans(scenarios, problem, placement, offloading, allow_unserved=allow_unserved)
        plan = select_leading(offloading.solved, jax.tree.map(np.asarray, routed), plan)
        return jax.tree.map(np.asarray, without_idle(scenarios, plan)), np.asarray(value), offloading.solved
