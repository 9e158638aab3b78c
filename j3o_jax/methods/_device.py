"""Algorithm 1 for a whole batch on the device: onloading and offloading of all instances in one program.

The same steps as `AlternatingMethod`, which alternates on the host, with the batched kernels in place of one instance
at a time. Every instance has its own state; the program ends when all are done.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from j3o_kernels.batched_onloading import NodeTier, completed_choice, onload_tier
from j3o_kernels.client_groups import ClientGroups
from j3o_kernels.hierarchical_lp import HierarchicalLPSolution, all_servable, route, served_most

from .._model import Plan
from .._scenario import Scenario
from .._types import AnyArray, Bool, Float, Int
from ..routing import Offloading, OffloadingProblem
from ._onloading import SERVE_FIRST, Placement, client_capacity, edge_work, models_in_use, to_serve, within_window
from ._settling import (
    ALL_SERVED,
    initial_shares,
    most_unserved,
    offloading_problems,
    pick,
    settled_plans,
    without_idle,
)

# The last routing comes this much closer to the optimum, so that shares that are none come out as almost none.
_LAST = 0.01
# A share below this in the last routing is the solver's rounding, not a decision.
_DUST = 1e-7


class Settings(NamedTuple):
    """What a program depends on besides its arrays.

    - `optimizer`: makes the transformation of the multipliers from a step size; None for the dual search.
    - `steps`, `plus_max`: see `onload_tier`.
    - `max_iterations`: most rounds.
    - `lp_iterations`: most Newton steps of an offloading step.
    """

    optimizer: Callable[[Any], optax.GradientTransformation] | None
    steps: int
    plus_max: bool
    max_iterations: int
    lp_iterations: int


class Alternation(NamedTuple):
    """What came of every instance.

    - `plan`: the decisions. ``[B, ...]``
    - `limited`: whether the rounds were not enough; `failed`: whether not even the first offloading step was solved;
      `complete`: whether all is served. ``[B]``
    - `history`: objective after each round, NaN-padded. ``[B, N]``
    - `iterations`: rounds; `newton_steps`: of all offloading steps together. ``[B]``
    - `gap`, `residual`: of the last offloading step. ``[B]``
    """

    plan: Plan
    limited: Bool[AnyArray, " B"]
    failed: Bool[AnyArray, " B"]
    complete: Bool[AnyArray, " B"]
    history: Float[AnyArray, "B N"]
    iterations: Int[AnyArray, " B"]
    newton_steps: Int[AnyArray, " B"]
    gap: Float[AnyArray, " B"]
    residual: Float[AnyArray, " B"]


class _State(NamedTuple):
    turn: Any
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


# The stages of an instance. Every turn is one offloading step, so the program holds a single one.
_ALTERNATES, _PROVES_ALL_SERVABLE, _ROUTES_LAST, _ROUTES_AGAIN, _DONE = range(5)


def alternate(
    scenarios: Scenario,
    groups: ClientGroups,
    step_size: Float[AnyArray, " B"],
    lp_tolerance: Float[AnyArray, ""],
    tolerance: Float[AnyArray, ""],
    settings: Settings,
) -> Alternation:
    """Algorithm 1 for a batch of one axis.

    After its rounds an instance is routed once more, where all must be served so that it is, and without what nobody
    uses. With batching, a task that an edge drops then gives its set-up time back to the others, and they are routed
    again.
    """
    batch = scenarios.demand.shape[0]
    strict = not scenarios.allow_unserved
    bonus = SERVE_FIRST if strict else 0.0
    tiers = Tiers(scenarios, groups, bonus)
    begin = initial_shares(scenarios)
    after_rounds = _PROVES_ALL_SERVABLE if strict else _ROUTES_LAST
    after_last = _DONE if scenarios.batching is None else _ROUTES_AGAIN

    def turn(state: _State) -> _State:
        stage, plan = state.stage, state.plan
        alternates = stage == _ALTERNATES
        first = state.turn == 0
        at_client = jnp.where(first, begin[0], 1.0 - plan.edge - plan.cloud)
        at_edge = jnp.where(first, begin[1], plan.edge)
        new = tiers.place(at_client, at_edge, step_size, alternates, settings)
        placement = pick(alternates, new, Placement(*plan[:4]))
        problem = offloading_problems(scenarios, placement, jnp.where(alternates, bonus, 0.0))
        last = (stage == _ROUTES_LAST) | (stage == _ROUTES_AGAIN)
        routed = route(
            served_most(problem, stage == _PROVES_ALL_SERVABLE),
            groups,
            tolerance=lp_tolerance,
            aim=jnp.where(last, _LAST, 1.0) * lp_tolerance,
            max_iterations=settings.lp_iterations,
            must_serve=last & strict,
            active=stage < _DONE,
        )
        settled, value = _settled(scenarios, problem, placement, routed, jnp.where(alternates, bonus, 0.0), last)

        better = alternates & routed.solved & (value > state.value)
        failed = state.failed | (alternates & first & ~routed.solved)
        rises = better & (value - state.value >= tolerance)
        goes_on = rises & (state.turn + 1 < settings.max_iterations)
        servable = all_servable(problem, routed.bound)
        plan = pick(better | (last & routed.solved), settled, plan)
        plan = pick(last, without_idle(scenarios, plan), plan)
        complete = most_unserved(scenarios, plan) <= ALL_SERVED

        # A plan that leaves queries where none may be left is no plan yet, and has no objective.
        best = jnp.where(better, value, state.value)
        worth = jnp.where(complete, best - SERVE_FIRST, jnp.nan) if strict else best
        final = jnp.where(routed.solved & (complete | (not strict)), value, jnp.nan)
        row, latest = jnp.arange(batch), jnp.maximum(state.iterations - 1, 0)
        history = state.history.at[row, jnp.where(alternates, state.iterations, latest)].set(
            jnp.where(alternates, worth, jnp.fmax(state.history[row, latest], jnp.where(last, final, jnp.nan)))
        )
        following = jnp.select(
            [failed, alternates & goes_on, alternates, stage == _PROVES_ALL_SERVABLE, stage == _ROUTES_LAST],
            [_DONE, _ALTERNATES, after_rounds, jnp.where(servable, _ROUTES_LAST, _DONE), after_last],
            _DONE,
        )
        return _State(
            turn=state.turn + 1,
            stage=following,
            failed=failed,
            limited=state.limited | (alternates & rises & (state.turn + 1 == settings.max_iterations)),
            plan=plan,
            value=best,
            history=history,
            iterations=state.iterations + alternates.astype(int),
            newton_steps=state.newton_steps + jnp.where(stage < _DONE, routed.iterations, 0),
            gap=jnp.where(stage < _DONE, routed.gap, state.gap),
            residual=jnp.where(stage < _DONE, routed.residual, state.residual),
        )

    nothing = jnp.zeros(batch)
    state = jax.lax.while_loop(
        lambda state: jnp.any(state.stage < _DONE),
        turn,
        _State(
            turn=jnp.asarray(0),
            stage=jnp.full(batch, _ALTERNATES),
            failed=jnp.zeros(batch, dtype=bool),
            limited=jnp.zeros(batch, dtype=bool),
            plan=_blank(scenarios),
            value=jnp.full(batch, -jnp.inf),
            history=jnp.full((batch, settings.max_iterations), jnp.nan),
            iterations=jnp.zeros(batch, dtype=int),
            newton_steps=jnp.zeros(batch, dtype=int),
            gap=nothing,
            residual=nothing,
        ),
    )
    return Alternation(
        plan=state.plan,
        limited=state.limited,
        failed=state.failed,
        complete=most_unserved(scenarios, state.plan) <= ALL_SERVED,
        history=state.history,
        iterations=state.iterations,
        newton_steps=state.newton_steps,
        gap=state.gap,
        residual=state.residual,
    )


def _settled(
    scenarios: Scenario,
    problem: OffloadingProblem,
    placement: Placement,
    routed: HierarchicalLPSolution,
    bonus: Any,
    last: Any,
) -> tuple[Plan, Any]:
    """`settled_plans`; in the last routing of an instance what is as good as nothing is nothing."""
    dust = jnp.where(last, _DUST, 0.0)[:, None, None]
    shares = {name: getattr(routed, name) for name in ("local", "edge", "cloud")}
    shares = {name: jnp.where(share > dust, share, 0.0) for name, share in shares.items()}
    clean = Offloading(**{name: getattr(routed, name) for name in Offloading._fields} | shares)
    plan, value = settled_plans(scenarios, problem, placement, clean, bonus, allow_unserved=True)
    if scenarios.allow_unserved:
        return plan, value
    full, full_value = settled_plans(scenarios, problem, placement, clean, bonus, allow_unserved=False)
    return pick(last, full, plan), jnp.where(last, full_value, value)


class Tiers:
    """The onloading step of a batch: what of it stays the same from round to round."""

    def __init__(self, scenarios: Scenario, groups: ClientGroups, bonus: float):
        self.scenarios = scenarios
        self.groups = groups
        cost, setup, capacity = jax.vmap(edge_work)(scenarios)

        def last(array: Any) -> Any:
            """``[B, M]`` as ``[M, 1, 1, B]``."""
            return jnp.moveaxis(array, 0, -1)[:, None, None, :]

        def per_edge(array: Any) -> Any:
            """``[B, E, M]`` as ``[M, 1, E, B]``."""
            return jnp.transpose(array, (2, 1, 0))[:, None]

        def of_groups(accuracy: Any) -> Any:
            """``[B, E, M, T]`` as ``[T, M, 1, G, B]``, that of each group's edge."""
            if groups.edge is not None:
                instance = jnp.arange(accuracy.shape[0])[:, None]
                accuracy = accuracy.at[instance, groups.edge].get(mode="fill", fill_value=0.0)
            return jnp.transpose(accuracy, (3, 2, 1, 0))[:, :, None]

        self.client = NodeTier(
            weight=jnp.zeros(0),
            accuracy=of_groups(scenarios.client_accuracy) + bonus,
            cost=last(scenarios.client_model_compute),
            setup=None,
            size=last(scenarios.client_model_memory),
            budget=groups.spread(scenarios.client_memory),
            capacity=groups.spread(jax.vmap(client_capacity)(scenarios)),
        )
        self.edge = NodeTier(
            weight=jnp.zeros(0),
            accuracy=jnp.transpose(scenarios.edge_accuracy, (3, 2, 1, 0))[:, :, None] + bonus,
            cost=per_edge(cost),
            setup=None if scenarios.batching is None else per_edge(setup),
            size=last(scenarios.edge_model_memory),
            budget=scenarios.edge_memory.T[None],
            capacity=capacity.T[None],
        )

    def place(self, at_client: Any, at_edge: Any, step_size: Any, active: Any, settings: Settings) -> Placement:
        """GREEDY-LR for the shares ``[B, C, T]`` that clients and edges have to serve, of the instances `active`."""
        scenarios = self.scenarios
        stays, arrives = jax.vmap(to_serve)(scenarios, at_client, at_edge)
        client = self.client._replace(weight=self.groups.spread(stays))
        edge = self.edge._replace(weight=jnp.transpose(arrives, (2, 1, 0))[:, None])
        options = {
            "optimizer": settings.optimizer,
            "step_size": step_size,
            "active": active,
            "steps": settings.steps,
            "plus_max": settings.plus_max,
        }
        client_choice = completed_choice(client, onload_tier(client, **options))
        onloading = onload_tier(edge, **options)
        if scenarios.batching is None:
            edge_choice = _edges_first(completed_choice(edge, onloading))
        else:
            edge_choice = jax.vmap(within_window)(
                scenarios, _edges_first(onloading.choice), _edges_first(onloading.gain)
            )
        client_choice = self.groups.gathered(client_choice)
        models = scenarios.client_model_memory.shape[-1]
        in_use = jax.vmap(lambda choice: models_in_use(choice, models))
        return Placement(in_use(client_choice), in_use(edge_choice), client_choice, edge_choice)


def bytes_of_instance(scenarios: Scenario, groups: ClientGroups) -> int:
    """About what an instance needs of a device's memory: arrays of streams, and of models at nodes."""
    _, clients, tasks = scenarios.demand.shape
    places = clients + groups.slots[0].size + 2 * scenarios.edges
    return 8 * (80 * places * tasks + (6 * places + 3 * scenarios.edges * tasks) * scenarios.models)


def _edges_first(array: Any) -> Any:
    """``[T, 1, E, B]`` as ``[B, E, T]``."""
    return jnp.transpose(array[:, 0], (2, 1, 0))


def _blank(scenarios: Scenario) -> Plan:
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
