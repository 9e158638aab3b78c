"""Recovery of plans, with their bounds, from the choices that an exact solver found."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np

from j3o_kernels.tolerances import ALL_SERVED

from ..._compiled_functions import in_numpy
from ..._either import each
from ..._highs import MILPResult, above, solve_milp
from ..._model import Placement, objective
from ..._scenario import Scenario
from ..._status import OPTIMAL_GAP, Status
from ..._types import Float, Int
from ...routing import no_offloading
from .._base import AbstractMethod, Outcome, require_time
from ..alternation.feasibility import drop_unused, feasible_plans, most_unserved, offloading_problems
from ..alternation.placement import models_in_use
from .strong_formulation import strong_formulation

# What a plan may lose when the solver's rounding is taken out of it, relative to F.
_ROUNDING = 1e-6


class ExactMethod(AbstractMethod):
    """Method that searches until it reaches a gap or a time limit."""

    gap: eqx.AbstractVar[float | int]
    time_limit: eqx.AbstractVar[float | int]

    def __check_init__(self):
        if not 0.0 <= self.gap < math.inf:
            raise ValueError(f"gap: must be a number >= 0, got {self.gap}")
        require_time(self.time_limit)


class Incumbent(NamedTuple):
    """Best solution that an exact solver found for one scenario, and its bound.

    - `client_choice` ``[C, T]``, `edge_choice` ``[E, T]``: z of the best plan found, −1 for none.
    - `bound`: upper bound on the optimum; +inf where there is none.
    - `outcome`, `message`: see `MILPResult`.
    """

    client_choice: Int[np.ndarray, "C T"]
    edge_choice: Int[np.ndarray, "E T"]
    bound: float
    outcome: str
    message: str

    @classmethod
    def nothing(cls, scenario: Scenario, answer: MILPResult) -> "Incumbent":
        """No models anywhere, where a solver ended without any plan: a plan if queries may be left."""
        client = np.full((scenario.clients, scenario.tasks), -1)
        edge = np.full((scenario.edges, scenario.tasks), -1)
        return cls(client, edge, answer.bound, answer.outcome, answer.message)


def search_each(
    scenarios: Scenario,
    build: Callable[[Scenario], Any],
    search: Callable[[Scenario, Any, int], Incumbent],
    *,
    gap: float,
) -> Outcome:
    """Outcome of a search for one scenario after the other.

    **Arguments:**

    - `build`: the formulation of a scenario.
    - `search`: what is found of a scenario, by its formulation and its number in the batch.
    - `gap`: see `recover_plans`.
    """
    batch = scenarios.batch_shape[0]
    found: list[Incumbent] = []
    seconds = np.zeros((2, batch))
    for instance in range(batch):
        clock = [time.perf_counter()]
        scenario = scenarios[instance]
        formulation = build(scenario)
        clock.append(time.perf_counter())
        found.append(search(scenario, formulation, instance))
        clock.append(time.perf_counter())
        seconds[:, instance] = np.diff(clock)
    times = {"build_seconds": seconds[0], "search_seconds": seconds[1]}
    stats = {"iterations": np.ones(batch, dtype=np.int64)} | times
    return recover_plans(scenarios, found, gap=gap, stats=stats)


def recover_plans(
    scenarios: Scenario, found: Sequence[Incumbent], *, gap: float, stats: dict[str, np.ndarray]
) -> Outcome:
    """Plans of a batch for the choices found: their best routing, cleared of the solver's rounding.

    A plan is `Status.optimal` if the solver's bound has it within `gap` and within 1e-4; a wider gap that was asked for
    is `Status.converged`. Where a plan is above the solver's bound one of the two is wrong: `Status.numerical_error`.
    """
    batch, clients, tasks = scenarios.demand.shape
    placement = Placement(
        *_models(scenarios, found),
        np.stack([one.client_choice for one in found]),
        np.stack([one.edge_choice for one in found]),
    )
    routed = no_offloading(batch, clients, tasks, scenarios.edges)
    messages = [one.message for one in found]
    for instance in range(batch):
        only = placement.client_choice[instance], placement.edge_choice[instance]
        formulation = strong_formulation(scenarios[instance], only=only)
        answer = solve_milp(formulation.routing())
        if answer.outcome == "optimal" and answer.values is not None:
            routed.local[instance], routed.edge[instance], routed.cloud[instance] = formulation.shares(answer.values)
            routed.solved[instance] = True
        elif found[instance].outcome == "optimal":
            messages[instance] += f"; routing of its plan: {answer.message}"
    allow_unserved = scenarios.allow_unserved
    problem = in_numpy(offloading_problems)(scenarios, placement)
    settled, value = in_numpy(feasible_plans)(scenarios, problem, placement, routed, allow_unserved=allow_unserved)
    plan = in_numpy(drop_unused)(scenarios, settled)
    if scenarios.switching is not None:
        value = each(objective, scenarios, plan)
    sound = routed.solved & (allow_unserved | (most_unserved(scenarios, plan) <= ALL_SERVED))

    bound = np.minimum([one.bound for one in found], _best_of_each(scenarios))
    bound = np.array([above(*one) for one in zip(bound.tolist(), value.tolist(), strict=True)])
    status = np.full(batch, Status.numerical_error)
    for instance, one in enumerate(found):
        within = bound[instance] - value[instance] <= (min(gap, OPTIMAL_GAP) + _ROUNDING) * abs(value[instance])
        if sound[instance] and bound[instance] < value[instance]:
            messages[instance] += (
                f"; its bound of {bound[instance]:.9g} is below its plan's worth of {value[instance]:.9g}: "
                "one of the two is wrong; report it, and take another method"
            )
        elif sound[instance] and one.outcome == "optimal":
            status[instance] = Status.optimal if within else Status.converged
        elif sound[instance] and one.outcome == "limit":
            status[instance] = Status.iteration_limit
        elif one.outcome in ("limit", "infeasible") and not allow_unserved:
            status[instance] = Status.infeasible
            messages[instance] += NOT_FOUND if one.outcome == "limit" else _PROVEN
    return Outcome(
        plan=plan,
        status=status,
        bound=np.where(sound, bound, np.nan),
        history=value[:, None],
        stats=stats | {"gap_asked": np.full(batch, gap)},
        reasons=tuple(messages),
    )


NOT_FOUND = "; the time ran out before a plan that serves all the load was found: allow more, or unserved queries"
_PROVEN = "; it is proven that no plan serves all the load: add capacity or allow unserved queries"


def _models(scenarios: Scenario, found: Sequence[Incumbent]) -> tuple[np.ndarray, np.ndarray]:
    client = np.stack([np.asarray(models_in_use(one.client_choice, scenarios.models)) for one in found])
    edge = np.stack([np.asarray(models_in_use(one.edge_choice, scenarios.models)) for one in found])
    return client, edge


def _best_of_each(scenarios: Scenario) -> Float[np.ndarray, " B"]:
    """Bound ``[B]`` that always holds: every stream where it is answered best, as if nothing were limited."""
    rows = np.arange(scenarios.demand.shape[0])[:, None]
    best = np.maximum(scenarios.client_accuracy.max(axis=2), scenarios.edge_accuracy.max(axis=2))
    best = np.maximum(best[rows, scenarios.client_edge], scenarios.cloud_accuracy[:, None, :])
    total = scenarios.demand.sum(axis=(1, 2))
    return (scenarios.demand * best).sum(axis=(1, 2)) / np.where(total > 0.0, total, 1.0)
