"""Price-directed search for one placement for many scenarios, with a proven bound.

The scenarios are the instances of one batch of the alternation: in every round nodes respond to the prices of all
scenarios with one set of models each, all scenarios are routed at once, and a placement is kept where the common
objective rises. The search begins from the best of a few placements: that of the mean scenario, and those of some
scenarios alone. Where the worst scenarios count more, the weights at which nodes respond follow those that are worst.
"""

import functools
from typing import Any, NamedTuple, cast

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
from ...routing import HierarchicalLP
from ..alternation.drivers import bytes_of_instance, run_on_device
from ..alternation.loop import DONE, Alternation, LoopSettings, LoopState, cut_short
from ..dual_bound import Descent, DualBound, dual_bounds
from ..dual_certificate import certificate_of
from ..few_shapes import Sizes, sizes_of
from ..price_directed import PriceDirected
from ..price_policy import PriceSettings
from .bound import SharedBound, shared_bound
from .filling import filled
from .found import SharedPlacement
from .policy import SharedPricePolicy
from .recourse import choices_at_prices, mean_scenario, with_least_memory

# Rounds of each run of the descent on the common bound, each of which compares so many pairs of models, within limits.
_COMPARISONS, _FEWEST_ROUNDS, _MOST_ROUNDS = 250_000_000, 6, 30
# Scenarios whose own placements are tried.
_OWN_PLACEMENTS = 6
# Rounds without a better placement after which a search ends: in so many rounds of single scenarios, but no fewer than
# some; and how many times as many rounds there are in all.
_PATIENCE, _LEAST_PATIENCE, _LONGEST = 4000, 24, 4
# Columns of a history.
_COLUMNS = 64
# Weightings that are tried where the worst scenarios count more.
_WEIGHTINGS = 6
# The first turn after which the clock is looked at; the next ones are twice as far each.
_FIRST_STOP = 16
_NO_STOP = int(np.iinfo(np.int32).max)
# How much more there is to do than J3O does.
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
    """Placement of scenarios of one axis, in NumPy and in double precision."""
    with limiting_time(method.time_limit):
        return _Search(method, scenarios, risk).run()


class _Search:
    """Search for the placement of a batch of scenarios."""

    def __init__(self, method: PriceDirected, scenarios: Scenario, risk: Risk):
        self.method, self.risk = method, risk
        self.given, self.scenarios = scenarios, with_least_memory(scenarios)
        self.groups = group_clients(np.asarray(scenarios.client_edge), scenarios.edges)
        self.count = len(scenarios.demand)
        brief = is_brief(self.count, bytes_of_instance(scenarios, self.groups), _TURNS)
        self.level: Level = "light" if brief else "full"

    def run(self) -> SharedPlacement:
        """Search at one weighting of the scenarios, or at several where the worst count more."""
        risk = self.risk
        tolerances = self.method.bound_tolerance, self.method.bound_iterations
        relaxed = dual_bounds(self.scenarios, self.groups, *tolerances, Descent(0, 0.0))
        importance, point = np.asarray(risk.dual_weights(relaxed.bound)), relaxed.point
        candidates = self._candidates()
        found: tuple[float, Plan] | None = None
        proven: tuple[np.ndarray, SharedBound] | None = None
        rounds, limited = 0, False
        for weighting in range(1 if float(risk.tail_weight) == 0.0 else _WEIGHTINGS):
            bound = self._bound(self.scenarios, point, importance, self._descent_rounds)
            if proven is None or bound.bound < proven[1].bound:
                proven = importance, bound
            point = bound.own.point
            own = bound.own._replace(bound=np.full(self.count, proven[1].bound), point=None)
            if found is None:
                starts = self._starts(point, candidates)
            else:
                starts = [self._as_choices(found[1].client_choice, found[1].edge_choice)]
            state, limited = self._search(own, importance, starts)
            rounds += int(np.max(state.iterations))
            value = float(risk.value(state.value))
            if found is None or value > found[0]:
                found = value, state.plan
            if limited or proven[1].bound - found[0] <= self.method.gap * found[0]:
                break
            step = 1.0 / (weighting + 2.0)
            importance = (1.0 - step) * importance + step * np.asarray(risk.dual_weights(state.value))
        assert found is not None
        assert proven is not None
        (_, plan), (weights, closest) = found, proven
        # What the prices prove of a scenario alone, whose memories may be larger.
        alone = self._bound(self.given, closest.own.point, weights, 0).own
        proof = certificate_of(self.scenarios, self.groups, closest.own.point)
        held = plan.client_models.any(axis=0), plan.edge_models.any(axis=0)
        client_models, edge_models = filled(self.scenarios, proof, weights, *held)
        return SharedPlacement(
            client_models=client_models,
            edge_models=edge_models,
            bound=closest.bound,
            limited=limited,
            reason="",
            stats={"rounds": rounds},
            dual_weights=weights,
            certificate=proof,
            own_bounds=alone.bound,
            needed=held,
        )

    def _bound(self, scenarios: Scenario, point: Any, importance: np.ndarray, rounds: int) -> SharedBound:
        return shared_bound(scenarios, self.groups, point, importance, rounds=rounds, level=self.level)

    @property
    def _descent_rounds(self) -> int:
        scenarios = self.scenarios
        pairs = self.count * scenarios.tasks * scenarios.models**2 * (scenarios.clients + scenarios.edges)
        return min(max(_COMPARISONS // pairs, _FEWEST_ROUNDS), _MOST_ROUNDS)

    def _candidates(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Models of plans for the mean scenario, and for some scenarios alone."""
        some = np.unique(np.linspace(0, self.count - 1, _OWN_PLACEMENTS).astype(int))
        mean = mean_scenario(self.scenarios, self.risk.weights)
        alone = jax.tree.map(lambda one, every: np.concatenate([one, every[some]]), mean, self.scenarios)
        plans = self.method.run(alone, None).plan
        return list(zip(plans.client_models, plans.edge_models, strict=True))

    def _starts(self, point: Any, candidates: list[tuple[np.ndarray, np.ndarray]]) -> list[Choices]:
        """Choices of every scenario out of the candidates' models, at the prices of the bound."""
        prices = certificate_of(self.scenarios, self.groups, point)
        found = (choices_at_prices(self.scenarios, prices, *models) for models in candidates)
        return [self._as_choices(*choices) for choices in found]

    def _as_choices(self, client_choice: np.ndarray, edge_choice: np.ndarray) -> Choices:
        return Choices(self.groups.to_groups(client_choice), jnp.asarray(edge_choice.T))

    def _search(self, proven: DualBound, importance: np.ndarray, starts: list[Choices]) -> tuple[LoopState, bool]:
        """Last state of a search from the best of some starts, and whether it ended early."""
        method, lp = self.method, cast(HierarchicalLP, self.method.lp)
        patience = min(max(_PATIENCE // self.count, _LEAST_PATIENCE), method.patience)
        rounds = min(method.max_iterations, _LONGEST * patience)
        price = PriceSettings(min(method.exchanges, rounds), float(patience))
        limits = _Limits(lp.tolerance, method.gap, rounds, price, sizes_of(self.scenarios))
        limits = jax.tree.map(np.asarray, limits)
        settings = LoopSettings(_COLUMNS, 0)
        begin, advance = _programs(self.level)
        best: tuple[float, _Case, LoopState] | None = None
        for first in starts:
            case = _Case(self.scenarios, self.groups, proven, self.risk, importance, first, limits)
            state = advance(case, begin(case, settings), np.asarray(1), settings, lp.max_iterations)
            value = float(self.risk.value(np.asarray(state.value)))
            if best is None or value > best[0]:
                best = value, case, state
        assert best is not None
        (_, case, state), until, limited = best, _FIRST_STOP, False
        while (np.asarray(state.stage) < DONE).any():
            if seconds_left() <= 0.0:
                state = cut_short(self.scenarios, jax.tree.map(np.asarray, state), slice(None))
                until, limited = _NO_STOP, True
            state = advance(case, state, np.asarray(until), settings, lp.max_iterations)
            until = min(2 * until, _NO_STOP)
        return jax.tree.map(np.asarray, state), limited


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
