"""Price-directed search for one placement for many scenarios, with a proven bound.

The scenarios are the instances of one batch of the alternation: in every round nodes respond to the prices of all
scenarios with one set of models each, all scenarios are routed at once, and a placement is kept where the common
objective rises. The search begins from the best of a few placements: that of the mean scenario, and those of some
scenarios alone. Where the worst scenarios count more, the weights at which nodes respond follow those that are worst.
"""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from j3o_kernels.client_groups import ClientGroups, group_clients
from j3o_kernels.price_placement import Choices

from ..._batched import is_brief
from ..._compiled_functions import program_at
from ..._levels import Level
from ..._model import Plan
from ..._risk import Risk
from ..._scenario import Scenario
from ..._time_limit import limiting_time, seconds_left
from ..alternation.drivers import bytes_of_instance, run_on_device
from ..alternation.loop import DONE, Alternation, LoopSettings, LoopState, cut_short
from ..dual_bound import Descent, DualBound, dual_bounds
from ..dual_certificate import certificate_of
from ..few_shapes import Sizes, sizes_of
from ..j3o import J3O
from ..price_directed import PriceDirected
from ..price_policy import PriceSettings
from ._found import SharedPlacement
from .bound import SharedBound, shared_bound
from .policy import SharedPricePolicy
from .recourse import mean_scenario, with_placement

# Steps of the descent on the common bound, and the largest of them; and of those that follow it.
_STEPS, _LARGEST_STEP = 300, 0.05
# Scenarios whose own placements are tried.
_OWN_PLACEMENTS = 6
# Weightings that are tried where the worst scenarios count more.
_WEIGHTINGS = 6
# The first turn after which the clock is looked at; the next ones are twice as far each.
_FIRST_STOP = 16
_TURNS = 4


class _Limits(NamedTuple):
    """Settings that programs take as arrays; see `LoopSettings` and `PricePolicy`."""

    lp_tolerance: Any
    gap: Any
    rounds: Any
    price: PriceSettings
    sizes: Sizes


class _Case(NamedTuple):
    """What the programs of a search need besides the state of it."""

    scenarios: Scenario
    groups: ClientGroups
    proven: DualBound
    risk: Risk
    importance: Any
    first: Choices
    limits: _Limits


def place_by_prices(method: PriceDirected, scenarios: Scenario, risk: Risk) -> SharedPlacement:
    """Placement of scenarios of one axis with the same memories, in NumPy and in double precision."""
    with limiting_time(method.time_limit * len(scenarios.demand)):
        return _Search(method, scenarios, risk).run()


class _Search:
    def __init__(self, method: PriceDirected, scenarios: Scenario, risk: Risk):
        self.method, self.scenarios, self.risk = method, scenarios, risk
        self.groups = group_clients(np.asarray(scenarios.client_edge), scenarios.edges)
        count = len(scenarios.demand)
        brief = is_brief(count, bytes_of_instance(scenarios, self.groups), _TURNS)
        self.level: Level = "light" if brief else "full"

    def run(self) -> SharedPlacement:
        method, scenarios, risk = self.method, self.scenarios, self.risk
        tolerances = method.bound_tolerance, method.bound_iterations
        relaxed = dual_bounds(scenarios, self.groups, *tolerances, Descent(0, 0.0))
        importance = np.asarray(risk.dual_weights(relaxed.bound))
        plan, value = self._first_plan()
        proven: tuple[np.ndarray, SharedBound] | None = None
        rounds, limited, point = 0, False, relaxed.point
        for weighting in range(_WEIGHTINGS if float(risk.tail_weight) > 0.0 else 1):
            bound = shared_bound(scenarios, self.groups, point, importance, _STEPS, _LARGEST_STEP)
            if proven is None or bound.bound < proven[1].bound:
                proven = importance, bound
            point = bound.own.point
            state, limited = self._search(bound.own._replace(bound=np.full(len(importance), proven[1].bound)), importance, plan)
            rounds += int(np.max(state.iterations))
            found = float(risk.value(np.asarray(state.value)))
            if found > value:
                plan, value = jax.tree.map(np.asarray, state.plan), found
            step = 1.0 / (weighting + 2.0)
            importance = (1.0 - step) * importance + step * np.asarray(risk.dual_weights(np.asarray(state.value)))
            if limited:
                break
        assert proven is not None
        weights, closest = proven
        return SharedPlacement(
            client_models=plan.client_models.any(axis=0),
            edge_models=plan.edge_models.any(axis=0),
            bound=closest.bound,
            limited=limited,
            reason="",
            stats={"rounds": rounds},
            dual_weights=weights,
            certificate=certificate_of(scenarios, self.groups, closest.own.point),
            own_bounds=closest.own.bound,
        )

    def _first_plan(self) -> tuple[Plan, float]:
        """Best of the placements of the mean and of single scenarios, by J3O's plans for them, and its value."""
        scenarios, risk = self.scenarios, self.risk
        count = len(scenarios.demand)
        some = np.unique(np.linspace(0, count - 1, _OWN_PLACEMENTS).astype(int))
        mean = mean_scenario(scenarios, risk.weights)
        alone = jax.tree.map(lambda one, all: np.concatenate([one, all[some]]), mean, scenarios)
        models = self.method.run(alone, None).plan
        batch = jax.tree.map(lambda array: np.concatenate([array] * len(models.client_models)), scenarios)
        placed = with_placement(
            batch, *(np.repeat(own, count, axis=0) for own in (models.client_models, models.edge_models))
        )
        outcome = J3O().run(placed, None)
        values = np.fmax.reduce(np.asarray(outcome.history), axis=1).reshape(-1, count)
        worth = [float(risk.value(np.nan_to_num(own, nan=0.0))) for own in values]
        best = int(np.argmax(worth))
        first = jax.tree.map(lambda array: array[best * count : (best + 1) * count], outcome.plan)
        return first, -math.inf

    def _search(self, proven: DualBound, importance: np.ndarray, first: Plan) -> tuple[LoopState, bool]:
        """Last state of a search from a plan, and whether it ended early."""
        method = self.method
        rounds = method.max_iterations
        price = PriceSettings(min(method.exchanges, rounds), float(method.patience))
        limits = _Limits(method.lp.tolerance, method.gap, rounds, price, sizes_of(self.scenarios))
        choices = Choices(
            np.asarray(self.groups.to_groups(first.client_choice)), np.ascontiguousarray(first.edge_choice.T)
        )
        case = _Case(
            self.scenarios,
            self.groups,
            proven._replace(point=None),
            self.risk,
            importance,
            choices,
            jax.tree.map(np.asarray, limits),
        )
        settings = LoopSettings(64, 0)
        begin, advance = _programs(self.level)
        state, until = begin(case, settings), _FIRST_STOP
        while True:
            state = advance(case, state, np.asarray(until), settings, method.lp.max_iterations)
            if np.all(np.asarray(state.stage) >= DONE):
                return state, bool(np.any(state.limited))
            if seconds_left() <= 0.0:
                state = cut_short(self.scenarios, jax.tree.map(np.asarray, state), slice(None))
                until = np.iinfo(np.int32).max
            else:
                until = 2 * until


@functools.cache
def _programs(level: Level) -> tuple[Any, Any]:
    return program_at(level)(_begin), program_at(level)(_advance)


def _begin(case: _Case, settings: LoopSettings) -> LoopState:
    return _alternation(case, settings).init()


def _advance(case: _Case, state: LoopState, until: Any, settings: LoopSettings, lp_iterations: int) -> LoopState:
    return run_on_device(_alternation(case, settings), case.groups, lp_iterations, state, until)


def _alternation(case: _Case, settings: LoopSettings) -> Alternation:
    limits = case.limits
    arguments = case.scenarios, case.groups, case.proven, limits.gap, limits.sizes, limits.price
    policy = SharedPricePolicy(*arguments, jnp.asarray(case.importance), case.first)
    return Alternation(case.scenarios, policy, settings, limits.lp_tolerance, limits.rounds, case.risk.value)
