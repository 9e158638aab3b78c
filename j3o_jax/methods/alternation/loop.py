"""Algorithm 1 for a whole batch: rounds of placing models and routing queries, each instance with its own state.

A turn proposes a placement, routes it, and absorbs the result. All but the routing are functions of arrays, of JAX or
NumPy. `drivers.py` has the loop over turns: one on the device, where routing is a part of the program, and one on the
host, around a solver of linear programs. Where models are placed next, and when that is enough, is for a
`PlacementPolicy` to say.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from j3o_kernels.hierarchical_lp import all_servable, maximize_served
from j3o_kernels.masked_select import select_leading
from j3o_kernels.materialize import compilation_unit
from j3o_kernels.tolerances import ALL_SERVED

from ..._either import each
from ..._either import either as jnp
from ..._model import Placement, Plan, edge_demand, serving_first, without_serving_first
from ..._scenario import Scenario
from ...routing import Offloading, OffloadingProblem
from .batching import ActivationSearch, best_activation, initial_search, update_search
from .feasibility import (
    blank_plans,
    drop_unused,
    initial_shares,
    most_unserved,
    offloading_problems,
    repaired_plans,
)
from .placement import placement_of_choices
from .policy import PlacementPolicy, RoundResult
from .surrogate import serves, tangent

# The last routing comes this much closer to the optimum, so that shares that are none come out as almost none.
_LAST = 0.01
# The stages of an instance. Every turn is one offloading step, so a device program holds a single one.
_ALTERNATES, _ACTIVATES, _PROVES_ALL_SERVABLE, _ROUTES_LAST, _ROUTES_AGAIN, DONE = range(6)


class LoopSettings(NamedTuple):
    """Static settings of the loop.

    - `max_iterations`: most rounds; the history has a column for each.
    - `activations`: with batching, most trials of other pairs of edge and task that are open (`batching.py`).
    - `surrogate_width`: that of (29) in the rounds (`surrogate.py`), on the device; None for the indicator itself.
    """

    max_iterations: int
    activations: int = 0
    surrogate_width: float | None = None


class LoopState(NamedTuple):
    """State of a batch: the turn, and for every instance what there is so far."""

    turn: Any
    policy_state: Any
    stage: Any  # of each instance: one of the numbers above
    failed: Any
    limited: Any
    plan: Plan
    value: Any
    history: Any
    iterations: Any
    newton_steps: Any  # this one and the next two: on the device
    gap: Any
    residual: Any
    search: ActivationSearch | None  # with batching
    arrivals: Any  # at the edges in the last round, [B, E, T], where (29) is in use


class Routing(NamedTuple):
    """Offloading step of a turn.

    - `placement`, `changed`: what is placed, and the pair of edge and task that is on trial.
    - `problem`, `asked`: its offloading step, and that which is solved.
    - `last`: whether it is the last routing.
    - `aim`: see `j3o_kernels.hierarchical_lp.route`; on the device.
    - `must_serve`: whether nothing may be left unserved.
    - `active`: instances that are routed.
    """

    placement: Placement
    changed: Any
    problem: OffloadingProblem
    asked: OffloadingProblem
    last: Any
    aim: Any
    must_serve: Any
    active: Any


class Convergence(NamedTuple):
    """Convergence of the device's offloading steps: bounds, Newton steps, gaps and residuals, each ``[B]``."""

    bound: Any
    iterations: Any
    gap: Any
    residual: Any


@dataclasses.dataclass(frozen=True)
class Alternation:
    """Rounds of placing and routing for a batch of one axis, keeping the best plan.

    With batching, other pairs of edge and task are then opened and closed as long as bounds leave room for a gain. At
    last an instance is routed once more, where all must be served so that it is, and without what nobody uses. With
    batching, a task that an edge drops then gives its set-up time back to the others, and they are routed again; so are
    the queries of new models that did not earn what moving them costs.

    **Arguments:**

    - `scenarios`: on the device arrays of JAX; on the host NumPy arrays.
    - `lp_tolerance`: of the offloading step on the device; None on the host.
    - `most_rounds`: where it is traced, so that programs need not be compiled for each; at most `max_iterations` of the
      settings, which it stands in place of.
    - `joint`: where the instances are scenarios of one placement, its objective by their values ``[B]``: a placement is
      then better for all of them or for none.
    """

    scenarios: Scenario
    policy: PlacementPolicy
    settings: LoopSettings
    lp_tolerance: Any = None
    most_rounds: Any = None
    joint: Callable[[Any], Any] | None = None

    @property
    def on_device(self) -> bool:
        """Whether this is a part of a device program."""
        return self.lp_tolerance is not None

    def init(self) -> LoopState:
        """State before the first round."""
        scenarios, settings = self.scenarios, self.settings
        xp = scenarios.demand.__array_namespace__()
        batch = scenarios.demand.shape[0]
        nothing = xp.zeros(batch)
        linearises = scenarios.batching is not None and settings.surrogate_width is not None
        return LoopState(
            turn=xp.asarray(0),
            policy_state=self.policy.init(),
            stage=xp.full(batch, _ALTERNATES),
            failed=xp.zeros(batch, dtype=bool),
            limited=xp.zeros(batch, dtype=bool),
            plan=blank_plans(scenarios),
            value=xp.full(batch, -xp.inf),
            history=xp.full((batch, settings.max_iterations), xp.nan),
            iterations=xp.zeros(batch, dtype=int),
            newton_steps=xp.zeros(batch, dtype=int),
            gap=nothing,
            residual=nothing,
            search=initial_search(scenarios) if settings.activations else None,
            arrivals=_edge_demands(scenarios, initial_shares(scenarios)[1]) if linearises else None,
        )

    def turn(self, state: LoopState, route: Callable[[Routing], tuple[Offloading, Convergence | None]]) -> LoopState:
        """One turn: propose, route, absorb. Instances that are done stay as they are."""
        new, unplaced = self.policy.place(state.policy_state, state.turn, state.plan, state.stage == _ALTERNATES)
        routing = compilation_unit(self._propose)(state, new)
        routed, convergence = route(routing)
        if unplaced is not None:
            routed = routed._replace(solved=routed.solved & ~unplaced)
        routing, *repaired = compilation_unit(self._repair)(state, routing, routed)
        state, column, entry = compilation_unit(self._absorb)(state, routing, routed, convergence, *repaired)
        rows = state.stage.__array_namespace__().arange(state.stage.shape[0])
        if self.on_device:
            # This scatter has to stay one: the loop would be compiled as a single region without it.
            return state._replace(history=state.history.at[rows, column].set(entry))
        history = np.copy(state.history)
        history[rows, column] = entry
        return state._replace(history=history)

    def _propose(self, state: LoopState, new: Placement) -> Routing:
        """Offloading step of every instance: that of a new placement in its rounds, of its plan's afterwards."""
        scenarios, stage = self.scenarios, state.stage
        alternates, activates = stage == _ALTERNATES, stage == _ACTIVATES
        placement = select_leading(alternates, new, state.plan.placement)
        changed: Any = None
        if state.search is not None:
            other, changed = each(best_activation, placement, state.search.left)
            # The first turn of the trials is for the prices.
            changed = changed & (activates & (state.search.count > 0))[:, None, None]
            placement = select_leading(activates & (state.search.count > 0), other, placement)
        valued = serving_first(scenarios, alternates | activates)
        problem = asked = offloading_problems(valued, placement)
        if state.arrivals is not None:
            width = self.settings.surrogate_width
            tangents = jax.vmap(tangent, in_axes=(0, 0, None))(scenarios, state.arrivals, width)
            asked = select_leading(alternates, offloading_problems(valued, placement, tangents), problem)
        last = (stage == _ROUTES_LAST) | (stage == _ROUTES_AGAIN)
        aim: Any = None
        if self.on_device:
            asked = maximize_served(asked, stage == _PROVES_ALL_SERVABLE)
            aim = jnp.where(last, _LAST, 1.0) * self.lp_tolerance
        must_serve = last & (not scenarios.allow_unserved)
        return Routing(placement, changed, problem, asked, last, aim, must_serve, stage < DONE)

    def _repair(self, state: LoopState, routing: Routing, routed: Offloading) -> tuple[Routing, Plan, Any, Any]:
        """Plans that keep every limit, their values, and what arrives at the edges."""
        scenarios, alternates = self.scenarios, state.stage == _ALTERNATES
        valued = serving_first(scenarios, alternates | (state.stage == _ACTIVATES))
        placement, problem, last = routing.placement, routing.problem, routing.last
        arrivals = state.arrivals
        if arrivals is not None:
            # What the linearised program opened is settled by the true (28).
            arrivals = jnp.where(alternates[:, None, None], _edge_demands(scenarios, routed.edge), arrivals)
            opened = jax.vmap(serves)(scenarios, arrivals) | ~alternates[:, None, None]
            choice = jnp.where(opened, placement.edge_choice, -1)
            placement = placement_of_choices(scenarios, placement.client_choice, choice)
            problem = offloading_problems(valued, placement)
        plan, value = repaired_plans(valued, problem, placement, routed, last)
        return routing._replace(placement=placement, problem=problem), plan, value, arrivals

    def _absorb(
        self,
        state: LoopState,
        routing: Routing,
        routed: Offloading,
        convergence: Convergence | None,
        settled: Plan,
        value: Any,
        arrivals: Any,
    ) -> tuple[LoopState, Any, Any]:
        """State after a turn, and the column and the value of a new entry of the history."""
        scenarios, settings, strict = self.scenarios, self.settings, not self.scenarios.allow_unserved
        stage, plan = state.stage, state.plan
        alternates, activates = stage == _ALTERNATES, stage == _ACTIVATES
        first = state.turn == 0
        placement, problem, last = routing.placement, routing.problem, routing.last
        values = value, state.value
        if self.joint is not None:
            all_solved = jnp.all(routed.solved | ~alternates)
            routed = routed._replace(solved=jnp.where(alternates, all_solved, routed.solved))
            values = tuple(jnp.broadcast_to(self.joint(own), own.shape) for own in values)
        better = (alternates | activates) & routed.solved & (values[0] > values[1])
        failed = state.failed | (alternates & first & ~routed.solved)
        best = jnp.where(better, value, state.value)
        judged = (values[0], jnp.where(better, *values), values[1]) if self.joint else (value, best, state.value)
        result = RoundResult(alternates, placement, problem, routed, settled, *judged, better)
        policy_state, wants_more = self.policy.update(state.policy_state, state.turn, result)
        most = settings.max_iterations if self.most_rounds is None else self.most_rounds
        goes_on = wants_more & (state.turn + 1 < most)
        servable = True if convergence is None else all_servable(problem, convergence.bound)
        plan = select_leading(better | (last & routed.solved), settled, plan)
        routed_plan = plan
        plan = select_leading(last, drop_unused(scenarios, plan), plan)
        complete = most_unserved(scenarios, plan) <= ALL_SERVED

        # A plan that leaves queries where none may be left is no plan yet, and has no objective.
        worth = jnp.where(complete, without_serving_first(scenarios, best), jnp.nan) if strict else best
        final = jnp.where(routed.solved & (complete | (not strict)), value, jnp.nan)
        final = jnp.where(activates, worth, jnp.where(last, final, jnp.nan))
        latest = jnp.maximum(state.iterations - 1, 0)
        before = jnp.take_along_axis(state.history, latest[:, None], axis=1)[:, 0]
        column = jnp.where(alternates, state.iterations, latest)
        entry = jnp.where(alternates, worth, jnp.fmax(before, final))
        xp = stage.__array_namespace__()
        search, tries_on = state.search, False
        if search is not None:
            valued = serving_first(scenarios)
            search = update_search(valued, search, activates, routing.changed, better, plan.placement, routed)
            tries_on = search.left.any & (search.count <= settings.activations)
        after_search = _after_search(scenarios, self.on_device)
        following = jnp.select(
            [failed, alternates & goes_on, alternates, activates, stage == _PROVES_ALL_SERVABLE, stage == _ROUTES_LAST],
            [
                DONE,
                _ALTERNATES,
                after_search if search is None else _ACTIVATES,
                xp.where(tries_on, _ACTIVATES, after_search),
                xp.where(servable, _ROUTES_LAST, DONE),
                _after_last_routing(scenarios, routed_plan, plan),
            ],
            DONE,
        )
        new = state._replace(
            turn=state.turn + 1,
            policy_state=policy_state,
            stage=following,
            failed=failed,
            limited=state.limited | (alternates & wants_more & (state.turn + 1 == most)),
            plan=plan,
            value=best,
            iterations=state.iterations + alternates.astype(int),
            search=search,
            arrivals=arrivals,
        )
        if convergence is not None:
            new = new._replace(
                newton_steps=state.newton_steps + jnp.where(stage < DONE, convergence.iterations, 0),
                gap=jnp.where(stage < DONE, convergence.gap, state.gap),
                residual=jnp.where(stage < DONE, convergence.residual, state.residual),
            )
        return new, column, entry


def cut_short(scenarios: Scenario, state: LoopState, instances: Any, *, on_device: bool = True) -> LoopState:
    """End the rounds of some instances of a state in NumPy, if they go on: what is left is to route."""
    cut = np.zeros(state.stage.shape, dtype=bool)
    cut[instances] = (state.stage[instances] == _ALTERNATES) | (state.stage[instances] == _ACTIVATES)
    following = _after_search(scenarios, on_device)
    return state._replace(stage=np.where(cut, following, state.stage), limited=state.limited | cut)


def _after_search(scenarios: Scenario, on_device: bool) -> int:
    """Stage after rounds and trials: on the host the solver itself says whether all can be served."""
    return _PROVES_ALL_SERVABLE if on_device and not scenarios.allow_unserved else _ROUTES_LAST


def _after_last_routing(scenarios: Scenario, routed: Plan, plan: Plan) -> Any:
    """Stage after the last routing: another one where what was dropped leaves room to others ``[B]``."""
    if scenarios.batching is not None:
        return _ROUTES_AGAIN
    if scenarios.switching is None:
        return DONE
    given_up = jnp.any(plan.unserved > routed.unserved, axis=(1, 2))
    return jnp.where(given_up, _ROUTES_AGAIN, DONE)


def _edge_demands(scenarios: Scenario, shares: Any) -> Any:
    return jax.vmap(edge_demand)(scenarios, shares)
