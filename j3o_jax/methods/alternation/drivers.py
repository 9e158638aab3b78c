"""Drivers of the alternation: the loop over its turns on the device, and on the host around any solver of the LP."""

from typing import Any, NamedTuple

import jax
import numpy as np

from j3o_kernels.client_groups import ClientGroups
from j3o_kernels.hierarchical_lp import route
from j3o_kernels.tolerances import ALL_SERVED

from ..._either import either as jnp
from ..._model import Plan, without_serving_first
from ..._scenario import Scenario
from ..._status import Status
from ..._time_limit import seconds_left
from ..._types import AnyArray, Bool, Float, Int
from ...routing import AbstractOffloadingSolver, Offloading
from .._base import Outcome
from .feasibility import most_unserved
from .loop import DONE, Alternation, Convergence, LoopState, Routing, cut_short


class AlternationResult(NamedTuple):
    """Result of an alternation, for every instance.

    - `plan`: the decisions. ``[B, ...]``
    - `value`: of the best plan before it was routed for the last time. ``[B]``
    - `limited`: whether the rounds were not enough; `failed`: whether not even the first offloading step was solved;
      `complete`: whether all is served. ``[B]``
    - `history`: objective after each round, NaN-padded. ``[B, N]``
    - `iterations`: rounds; `newton_steps`: of all offloading steps together. ``[B]``
    - `gap`, `residual`: of the last offloading step. ``[B]``
    """

    plan: Plan
    value: Float[AnyArray, " B"]
    limited: Bool[AnyArray, " B"]
    failed: Bool[AnyArray, " B"]
    complete: Bool[AnyArray, " B"]
    history: Float[AnyArray, "B N"]
    iterations: Int[AnyArray, " B"]
    newton_steps: Int[AnyArray, " B"]
    gap: Float[AnyArray, " B"]
    residual: Float[AnyArray, " B"]

    def outcome(self, *, allow_unserved: bool, on_device: bool) -> Outcome:
        """Outcome of a method; the convergence of offloading steps is known `on_device`."""
        status = jnp.where(self.limited, int(Status.iteration_limit), int(Status.converged))
        if not allow_unserved:
            status = jnp.where(self.complete, status, int(Status.infeasible))
        convergence = {"newton_steps": self.newton_steps, "lp_gap": self.gap, "lp_residual": self.residual}
        return Outcome(
            plan=self.plan,
            status=jnp.where(self.failed, int(Status.numerical_error), status),
            bound=jnp.full_like(self.value, jnp.nan),
            history=self.history,
            stats={"iterations": self.iterations} | (convergence if on_device else {}),
        )


def result_of(scenarios: Scenario, state: LoopState) -> AlternationResult:
    """Read the result of an alternation from its state, as far as it is done."""
    return AlternationResult(
        plan=state.plan,
        value=without_serving_first(scenarios, state.value),
        limited=state.limited,
        failed=state.failed,
        complete=most_unserved(scenarios, state.plan) <= ALL_SERVED,
        history=state.history,
        iterations=state.iterations,
        newton_steps=state.newton_steps,
        gap=state.gap,
        residual=state.residual,
    )


def run_on_device(
    alternation: Alternation, groups: ClientGroups, lp_iterations: int, state: LoopState, until: Any = None
) -> LoopState:
    """Take turns until every instance is done, or until the turn `until`, as a loop of a device program.

    **Arguments:**

    - `lp_iterations`: most Newton steps of an offloading step.
    """

    def route_all(routing: Routing) -> tuple[Offloading, Convergence]:
        found = route(
            routing.asked,
            groups,
            tolerance=alternation.lp_tolerance,
            aim=routing.aim,
            max_iterations=lp_iterations,
            must_serve=routing.must_serve,
            active=routing.active,
        )
        shares_and_prices = Offloading(**{name: getattr(found, name) for name in Offloading._fields})
        return shares_and_prices, Convergence(found.bound, found.iterations, found.gap, found.residual)

    def goes_on(state: LoopState) -> Any:
        waits = jnp.any(state.stage < DONE)
        return waits if until is None else waits & (state.turn < until)

    return jax.lax.while_loop(goes_on, lambda state: alternation.turn(state, route_all), state)


def run_on_host(alternation: Alternation, lp: AbstractOffloadingSolver) -> AlternationResult:
    """Take turns until every instance is done, in NumPy, around a solver of the offloading step.

    A solver is asked for one kind of answer at a time: the instances of the earliest stage have their turn, the others
    wait. No round is begun when the time of the caller is over, but there is always one.
    """
    late = False

    def route_all(routing: Routing) -> tuple[Offloading, None]:
        nonlocal late
        # Where the time ended within, this was not the placement that more of it would have made.
        late = seconds_left() <= 0.0
        must_serve, last = bool(routing.must_serve.any()), bool(routing.last.any())
        return lp.offload(routing.asked, routing.active, allow_unserved=not must_serve, sparse=last), None

    state = alternation.init()
    while (state.stage < DONE).any():
        waits = state.stage != state.stage.min()
        with np.errstate(all="ignore"):
            new = alternation.turn(state._replace(stage=np.where(waits, DONE, state.stage)), route_all)
        limited = new.limited | (late & (new.iterations > state.iterations))
        state = new._replace(stage=np.where(waits, state.stage, new.stage), limited=limited)
        if seconds_left() <= 0.0:
            state = cut_short(alternation.scenarios, state, slice(None), on_device=False)
    return result_of(alternation.scenarios, state)


def bytes_of_instance(scenarios: Scenario, groups: ClientGroups) -> int:
    """About what an instance needs of a device's memory: arrays of streams, and of models at nodes."""
    _, clients, tasks = scenarios.demand.shape
    places = clients + groups.slots[0].size + 2 * scenarios.edges
    return 8 * (80 * places * tasks + (6 * places + 3 * scenarios.edges * tasks) * scenarios.models)
