"""Onloading and offloading in turn for a whole batch on the device, all instances in one program.

The same steps as `AlternatingMethod`, which alternates on the host, with the batched kernels in place of one instance
at a time. Where models are placed next, and when that is enough, is for a `Director` to say: Algorithm 1's is in
`_greedy_tiers.py`, that of the exchange of prices in `_price_exchange.py`. Every instance has its own state; the
program ends when all are done.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from j3o_kernels.client_groups import ClientGroups
from j3o_kernels.hierarchical_lp import HierarchicalLPSolution, all_servable, maximize_served, route
from j3o_kernels.masked_select import select_leading
from j3o_kernels.materialize import compilation_unit
from j3o_kernels.tolerances import ALL_SERVED

from .._model import Placement, Plan, edge_demand, serving_first, without_serving_first
from .._scenario import Scenario
from .._status import Status
from .._types import AnyArray, Bool, Float, Int
from ..routing import Offloading, OffloadingProblem
from ._activation import Trials, after_turn, first_promise, no_trials
from ._base import Outcome
from ._director import Director, Round, Settings
from ._onloading import placement_of_choices
from ._settling import initial_shares, most_unserved, offloading_problems, settled_plans, without_idle
from ._surrogate import serves, tangent

# The last routing comes this much closer to the optimum, so that shares that are none come out as almost none.
_LAST = 0.01
# A share below this in the last routing is the solver's rounding, not a decision. More than in other routings
# (`routing/_base.py`): what the last one leaves open is held.
_DUST = 1e-7


class Alternation(NamedTuple):
    """What came of every instance.

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


class Progress(NamedTuple):
    """Where a batch is: the turn, and for every instance what there is so far."""

    turn: Any
    known: Any  # by the director
    stage: Any  # of each instance: one of the numbers below
    failed: Any
    limited: Any
    plan: Plan
    value: Any
    history: Any
    iterations: Any
    newton_steps: Any
    gap: Any
    residual: Any
    trials: Trials | None  # with batching
    arrivals: Any  # at the edges in the last round, [B, E, T], where (29) is in use


class _Routing(NamedTuple):
    """The offloading step of a turn.

    - `placement`, `tried`: what is placed, and the pair that is on trial.
    - `problem`, `asked`: its offloading step, and that which is solved.
    - `last`: whether it is the last routing.
    - `aim`, `must_serve`, `active`: see `route`.
    """

    placement: Placement
    tried: Any
    problem: OffloadingProblem
    asked: OffloadingProblem
    last: Any
    aim: Any
    must_serve: Any
    active: Any


# The stages of an instance. Every turn is one offloading step, so the program holds a single one.
_ALTERNATES, _ACTIVATES, _PROVES_ALL_SERVABLE, _ROUTES_LAST, _ROUTES_AGAIN, DONE = range(6)


def alternate(
    scenarios: Scenario,
    groups: ClientGroups,
    director: Director,
    lp_tolerance: Float[AnyArray, ""],
    settings: Settings,
) -> Alternation:
    """Rounds of placing and routing for a batch of one axis, keeping the best plan.

    With batching, other pairs of edge and task are then opened and closed as long as that promises to be better. At
    last an instance is routed once more, where all must be served so that it is, and without what nobody uses. With
    batching, a task that an edge drops then gives its set-up time back to the others, and they are routed again.
    """
    state = begun(scenarios, director, settings)
    return ended(scenarios, advanced(scenarios, groups, director, lp_tolerance, settings, state))


def begun(scenarios: Scenario, director: Director, settings: Settings) -> Progress:
    """Before the first round."""
    batch = scenarios.demand.shape[0]
    nothing = jnp.zeros(batch)
    return Progress(
        turn=jnp.asarray(0),
        known=director.begin(),
        stage=jnp.full(batch, _ALTERNATES),
        failed=jnp.zeros(batch, dtype=bool),
        limited=jnp.zeros(batch, dtype=bool),
        plan=blank_plans(scenarios),
        value=jnp.full(batch, -jnp.inf),
        history=jnp.full((batch, settings.max_iterations), jnp.nan),
        iterations=jnp.zeros(batch, dtype=int),
        newton_steps=jnp.zeros(batch, dtype=int),
        gap=nothing,
        residual=nothing,
        trials=no_trials(scenarios) if settings.activations else None,
        arrivals=_edge_demands(scenarios, initial_shares(scenarios)[1]) if _linearises(scenarios, settings) else None,
    )


def _linearises(scenarios: Scenario, settings: Settings) -> bool:
    return scenarios.batching is not None and settings.surrogate_width is not None


def _edge_demands(scenarios: Scenario, shares: Any) -> Any:
    return jax.vmap(edge_demand)(scenarios, shares)


def ended(scenarios: Scenario, state: Progress) -> Alternation:
    """What came of it."""
    return Alternation(
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


def cut_short(scenarios: Scenario, state: Progress, instances: Any) -> Progress:
    """What is known in NumPy, with the rounds of some instances over, if they are not: what is left is to route."""
    cut = np.zeros(state.stage.shape, dtype=bool)
    cut[instances] = (state.stage[instances] == _ALTERNATES) | (state.stage[instances] == _ACTIVATES)
    following = _ROUTES_LAST if scenarios.allow_unserved else _PROVES_ALL_SERVABLE
    return state._replace(stage=np.where(cut, following, state.stage), limited=state.limited | cut)


def advanced(
    scenarios: Scenario,
    groups: ClientGroups,
    director: Director,
    lp_tolerance: Float[AnyArray, ""],
    settings: Settings,
    state: Progress,
    until: Any = None,
) -> Progress:
    """Rounds until every instance is done, or until the turn `until`."""
    batch = scenarios.demand.shape[0]
    strict = not scenarios.allow_unserved
    after_trials = _PROVES_ALL_SERVABLE if strict else _ROUTES_LAST
    after_rounds = after_trials if state.trials is None else _ACTIVATES
    after_last = DONE if scenarios.batching is None else _ROUTES_AGAIN

    def to_route(state: Progress, new: Placement) -> _Routing:
        stage = state.stage
        alternates, activates = stage == _ALTERNATES, stage == _ACTIVATES
        placement = select_leading(alternates, new, state.plan.placement)
        tried: Any = None
        if state.trials is not None:
            changed, tried = jax.vmap(first_promise)(placement, state.trials.left)
            # The first turn of the trials is for the prices.
            tried = tried & (activates & (state.trials.count > 0))[:, None, None]
            placement = select_leading(activates & (state.trials.count > 0), changed, placement)
        valued = serving_first(scenarios, alternates | activates)
        problem = asked = offloading_problems(valued, placement)
        if state.arrivals is not None:
            tangents = jax.vmap(tangent, in_axes=(0, 0, None))(scenarios, state.arrivals, settings.surrogate_width)
            asked = select_leading(alternates, offloading_problems(valued, placement, tangents), problem)
        last = (stage == _ROUTES_LAST) | (stage == _ROUTES_AGAIN)
        asked = maximize_served(asked, stage == _PROVES_ALL_SERVABLE)
        aim = jnp.where(last, _LAST, 1.0) * lp_tolerance
        return _Routing(placement, tried, problem, asked, last, aim, last & strict, stage < DONE)

    def turn(state: Progress) -> Progress:
        new = director.place(state.known, state.turn, state.plan, state.stage == _ALTERNATES)
        routing = compilation_unit(to_route)(state, new)
        routed = route(
            routing.asked,
            groups,
            tolerance=lp_tolerance,
            aim=routing.aim,
            max_iterations=settings.lp_iterations,
            must_serve=routing.must_serve,
            active=routing.active,
        )
        routing, *settled = compilation_unit(settle)(state, routing, routed)
        state, column, latest = compilation_unit(after)(state, routing, routed, *settled)
        # This scatter has to stay one: the loop would be a single compilation unit without it.
        history = state.history.at[jnp.arange(batch), column].set(latest)
        return state._replace(history=history)

    def settle(state: Progress, routing: _Routing, routed: HierarchicalLPSolution) -> tuple[_Routing, Plan, Any, Any]:
        alternates = state.stage == _ALTERNATES
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
        plan, value = _settled(valued, problem, placement, routed, last)
        return routing._replace(placement=placement, problem=problem), plan, value, arrivals

    def after(
        state: Progress,
        routing: _Routing,
        routed: HierarchicalLPSolution,
        settled: Plan,
        value: Any,
        arrivals: Any,
    ) -> tuple[Progress, AnyArray, AnyArray]:
        stage, plan = state.stage, state.plan
        alternates, activates = stage == _ALTERNATES, stage == _ACTIVATES
        first = state.turn == 0
        placement, problem, last = routing.placement, routing.problem, routing.last
        better = (alternates | activates) & routed.solved & (value > state.value)
        failed = state.failed | (alternates & first & ~routed.solved)
        best = jnp.where(better, value, state.value)
        news = Round(alternates, placement, problem, routed, settled, value, best, state.value, better)
        known, wants_more = director.learn(state.known, state.turn, news)
        goes_on = wants_more & (state.turn + 1 < settings.max_iterations)
        servable = all_servable(problem, routed.bound)
        plan = select_leading(better | (last & routed.solved), settled, plan)
        plan = select_leading(last, without_idle(scenarios, plan), plan)
        complete = most_unserved(scenarios, plan) <= ALL_SERVED

        # A plan that leaves queries where none may be left is no plan yet, and has no objective.
        worth = jnp.where(complete, without_serving_first(scenarios, best), jnp.nan) if strict else best
        final = jnp.where(routed.solved & (complete | (not strict)), value, jnp.nan)
        final = jnp.where(activates, worth, jnp.where(last, final, jnp.nan))
        latest = jnp.maximum(state.iterations - 1, 0)
        before = jnp.take_along_axis(state.history, latest[:, None], axis=1)[:, 0]
        column = jnp.where(alternates, state.iterations, latest)
        entry = jnp.where(alternates, worth, jnp.fmax(before, final))
        trials, tries_on = state.trials, False
        if trials is not None:
            at_hand = plan.placement
            trials = after_turn(serving_first(scenarios), trials, activates, routing.tried, better, at_hand, routed)
            tries_on = trials.left.any & (trials.count <= settings.activations)
        following = jnp.select(
            [
                failed,
                alternates & goes_on,
                alternates,
                activates,
                stage == _PROVES_ALL_SERVABLE,
                stage == _ROUTES_LAST,
            ],
            [
                DONE,
                _ALTERNATES,
                after_rounds,
                jnp.where(tries_on, _ACTIVATES, after_trials),
                jnp.where(servable, _ROUTES_LAST, DONE),
                after_last,
            ],
            DONE,
        )
        new = Progress(
            turn=state.turn + 1,
            known=known,
            stage=following,
            failed=failed,
            limited=state.limited | (alternates & wants_more & (state.turn + 1 == settings.max_iterations)),
            plan=plan,
            value=best,
            history=state.history,
            iterations=state.iterations + alternates.astype(int),
            newton_steps=state.newton_steps + jnp.where(stage < DONE, routed.iterations, 0),
            gap=jnp.where(stage < DONE, routed.gap, state.gap),
            residual=jnp.where(stage < DONE, routed.residual, state.residual),
            trials=trials,
            arrivals=arrivals,
        )
        return new, column, entry

    def goes_on(state: Progress) -> Any:
        waits = jnp.any(state.stage < DONE)
        return waits if until is None else waits & (state.turn < until)

    return jax.lax.while_loop(goes_on, turn, state)


def _settled(
    scenarios: Scenario,
    problem: OffloadingProblem,
    placement: Placement,
    routed: HierarchicalLPSolution,
    last: Any,
) -> tuple[Plan, Any]:
    """`settled_plans`; in the last routing of an instance what is as good as nothing is nothing."""
    dust = jnp.where(last, _DUST, 0.0)[:, None, None]
    shares = {name: getattr(routed, name) for name in ("local", "edge", "cloud")}
    shares = {name: jnp.where(share > dust, share, 0.0) for name, share in shares.items()}
    clean = Offloading(**{name: getattr(routed, name) for name in Offloading._fields} | shares)
    plan, value = settled_plans(scenarios, problem, placement, clean, allow_unserved=True)
    if scenarios.allow_unserved:
        return plan, value
    full, full_value = settled_plans(scenarios, problem, placement, clean, allow_unserved=False)
    return select_leading(last, full, plan), jnp.where(last, full_value, value)


def bytes_of_instance(scenarios: Scenario, groups: ClientGroups) -> int:
    """About what an instance needs of a device's memory: arrays of streams, and of models at nodes."""
    _, clients, tasks = scenarios.demand.shape
    places = clients + groups.slots[0].size + 2 * scenarios.edges
    return 8 * (80 * places * tasks + (6 * places + 3 * scenarios.edges * tasks) * scenarios.models)


def blank_plans(scenarios: Scenario) -> Plan:
    """Plans that serve nobody."""
    batch, clients, tasks = scenarios.demand.shape
    edges, models = scenarios.edge_memory.shape[1], scenarios.client_model_memory.shape[1]
    none = jnp.zeros((batch, clients, tasks))
    return Plan(
        client_models=jnp.zeros((batch, clients, models), dtype=bool),
        edge_models=jnp.zeros((batch, edges, models), dtype=bool),
        client_choice=jnp.full((batch, clients, tasks), -1),
        edge_choice=jnp.full((batch, edges, tasks), -1),
        local=none,
        edge=none,
        cloud=none,
        unserved=jnp.ones((batch, clients, tasks)),
    )


def outcome_of(found: Alternation, allow_unserved: bool) -> Outcome:
    """What a method returns of it."""
    status = jnp.where(found.limited, int(Status.iteration_limit), int(Status.converged))
    if not allow_unserved:
        status = jnp.where(found.complete, status, int(Status.infeasible))
    return Outcome(
        plan=found.plan,
        status=jnp.where(found.failed, int(Status.numerical_error), status),
        bound=jnp.full(found.limited.shape, jnp.nan),
        history=found.history,
        stats={
            "iterations": found.iterations,
            "newton_steps": found.newton_steps,
            "lp_gap": found.gap,
            "lp_residual": found.residual,
        },
    )
