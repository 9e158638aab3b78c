"""The best plans of a whole horizon as one mixed-integer program: every period's strong formulation, and the moves.

Each period has the models, choices, flows and limits of a strong formulation of its own; a move is a model that is held
in a period and was not in the one before (`_add_moves`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from j3o_kernels.tolerances import ROUNDING

from ..._highs import MILP, solve_milp
from ..._model import Plan, model_costs
from ..._scenario import Scenario
from ..._solution import Solution
from ..._time_limit import seconds_left
from ..._types import Bool, Float, Int
from ..dual_bound import NEVER_PAYS
from ..exact.program_builder import ProgramBuilder
from ..exact.strong_formulation import StrongFormulation, add_scenario, flows_of
from ..milp import ExactMILP


class HorizonPlacement(NamedTuple):
    """Models of every period of a horizon, and a bound on what any can earn in it.

    - `client_models` ``[K, C, M]``, `edge_models` ``[K, E, M]``: x.
    - `bound`: no plans of all periods are worth more, in the mean.
    - `limited`: whether time ran out before the search was done; `reason`: what went wrong where something did.
    """

    client_models: Bool[np.ndarray, "K C M"]
    edge_models: Bool[np.ndarray, "K E M"]
    bound: float
    limited: bool
    reason: str


class HorizonForm(NamedTuple):
    """A `MILP` whose optimum is the sum of what the best plans of all periods are worth.

    - `periods`: where each period's variables stand in it.
    - `client_moves` ``[K, C, M]``, `edge_moves` ``[K, E, M]``: those of moves, −1 where there is none.
    """

    program: MILP
    periods: tuple[StrongFormulation, ...]
    client_moves: Int[np.ndarray, "K C M"]
    edge_moves: Int[np.ndarray, "K E M"]

    def values(
        self,
        plans: Sequence[Plan],
        held: tuple[Bool[np.ndarray, "C M"], Bool[np.ndarray, "E M"]],
        client_edge: Int[np.ndarray, "K C"],
    ) -> Float[np.ndarray, " N"]:
        """Values ``[N]`` of the variables for plans of all periods, from what is held before them."""
        values = np.append(np.zeros(self.program.objective.size), 0.0)  # the last for column −1
        for form, plan, home in zip(self.periods, plans, client_edge, strict=True):
            values[:-1] += form.values(plan, home)
        for name, moves, before in (
            ("client_models", self.client_moves, held[0]),
            ("edge_models", self.edge_moves, held[1]),
        ):
            models = np.stack([getattr(plan, name) for plan in plans])
            values[moves] = models & ~np.concatenate([before[None], models[:-1]])
        return values[:-1]

    def models(self, values: Float[np.ndarray, " N"]) -> tuple[Bool[np.ndarray, "K C M"], Bool[np.ndarray, "K E M"]]:
        """Models x of clients and edges in every period, of a solution."""
        chosen = np.append(values, 0.0) > 0.5  # column −1
        client, edge = (
            np.stack([chosen[getattr(form.columns, name)] for form in self.periods])
            for name in ("client_models", "edge_models")
        )
        return client, edge


def horizon_form(
    scenarios: Scenario,
    held: tuple[Bool[np.ndarray, "C M"], Bool[np.ndarray, "E M"]],
    costs: Float[np.ndarray, " K"],
) -> HorizonForm:
    """Program of a horizon.

    **Arguments:**

    - `scenarios`: the periods, on one axis, in NumPy, without switching.
    - `held`: what clients and edges hold before the first period.
    - `costs`: of moving a MB in each period, in objective.
    """
    each = [scenarios[period] for period in range(len(scenarios.demand))]
    flows = [flows_of(scenario) for scenario in each]
    earned = [own.most_earned(scenario) for own, scenario in zip(flows, each, strict=True)]
    sizes = model_costs(scenarios)
    build = ProgramBuilder()
    models, moves = [], []
    for number, (tier, before) in enumerate(zip(("client", "edge"), held, strict=True)):
        most = np.sum([own[number] for own in earned], axis=0)
        memory = getattr(scenarios, f"{tier}_memory")
        size = np.broadcast_to(getattr(sizes, f"{tier}_memory"), (*memory.shape, scenarios.models))
        # Held also in periods without a use for it, between two that have one.
        fits = size <= memory[:, :, None] * (1.0 + ROUNDING)
        columns = build.variables((most > 0.0) & fits, integer=True)
        cost = costs[:, None, None] * size
        if scenarios.allow_unserved:
            # One that costs more than it could ever earn is not moved either way.
            cost = np.minimum(cost, NEVER_PAYS * most)
        models.append(columns)
        moves.append(_add_moves(build, columns, before, cost))
    columns = [
        add_scenario(build, scenario, own, *at_nodes)
        for scenario, own, *at_nodes in zip(each, flows, *models, strict=True)
    ]
    program = build.program()
    periods = (StrongFormulation(program, at, own.most) for at, own in zip(columns, flows, strict=True))
    return HorizonForm(program, tuple(periods), *moves)


def place_over_time(
    method: ExactMILP,
    scenarios: Scenario,
    held: tuple[Bool[np.ndarray, "C M"], Bool[np.ndarray, "E M"]],
    costs: Float[np.ndarray, " K"],
    start: Solution,
) -> HorizonPlacement:
    """Best placement over time, from plans that are known; its bound is HiGHS's word.

    **Arguments:**

    - `scenarios`, `held`, `costs`: as of `horizon_form`.
    - `start`: plans of all periods.
    """
    count = len(scenarios.demand)
    form = horizon_form(scenarios, held, costs)
    plans = [Plan(*(getattr(start, name)[period] for name in Plan._fields)) for period in range(count)]
    answer = solve_milp(
        form.program,
        gap=float(method.gap),
        time_limit=min(float(method.time_limit), seconds_left()),
        threads=method.threads,
        start=form.values(plans, held, scenarios.client_edge),
    )
    models = start.client_models, start.edge_models
    if answer.values is not None:
        models = form.models(answer.values)
    reason = "" if answer.outcome in ("optimal", "limit") else answer.message
    return HorizonPlacement(*models, answer.bound / count, answer.outcome == "limit", reason)


def _add_moves(
    build: ProgramBuilder,
    held: Int[np.ndarray, "K ..."],
    before: Bool[np.ndarray, "..."],
    cost: Float[np.ndarray, "K ..."],
) -> Int[np.ndarray, "K ..."]:
    """Variables that are 1 where a model is held in a period and was not held in the one before.

    **Arguments:**

    - `held`: variables of x, −1 where a model cannot be held.
    - `before`: what is held before the first period.
    - `cost`: of moving each model in each period, in objective.
    """
    wanted = (held >= 0) & (cost > 0.0)
    wanted[0] &= ~before
    moves = build.variables(wanted, -cost)
    earlier = np.concatenate([np.full_like(held[:1], -1), held[:-1]])
    rows = np.stack([held, earlier, moves], axis=-1)[wanted]
    build.limit(rows, np.array([1.0, -1.0, -1.0]), 0.0)
    return moves
