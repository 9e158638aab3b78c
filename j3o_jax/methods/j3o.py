"""J3O, the paper's alternating algorithm (Algorithm 1)."""

import functools
import math
from collections.abc import Iterable
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from j3o_kernels.client_groups import ClientGroups, group_clients, lone_clients
from j3o_kernels.masked_select import select_leading

from .._batched import is_brief, run_batched
from .._model import Placement, Plan, serving_first
from .._programs import program
from .._scenario import Scenario
from .._time_limit import limiting_time
from .._types import AnyArray
from ..routing import AbstractOffloadingSolver, HierarchicalLP
from ._activation import Trials, after_turn, first_promise, no_trials
from ._alternation import AlternatingMethod
from ._base import Outcome
from ._device import Alternation, alternate, bytes_of_instance, outcome_of
from ._director import Settings
from ._few_shapes import own_part, sized
from ._greedy_tiers import GreedySettings, GreedyTiers
from ._multiplier import DualSearch, Subgradient
from ._settling import initial_shares, offloading_problems, settled_plans
from ._starts import STARTS, USUAL_STARTS, best_outcome, start_shares


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


class J3O(AlternatingMethod):
    """Joint optimisation of onloading and offloading: greedy placement and LP routing in turn (Algorithm 1).

    A placement is kept only if the routing that suits it best raises F, so `Solution.history` never falls. With
    `Scenario.batching` it is the paper's BAJ3O: the edges' compute limit is (28), and every plan keeps it with its true
    indicator. The offloading step charges the set-up time of what the placement opens; afterwards pairs of edge and
    task are opened and closed as long as the prices promise that it pays. `surrogate` is the paper's way.

    With `HierarchicalLP` a whole batch runs on the device, in one program; with another solver the rounds are on the
    host, with one program for each instance's routing.

    **Arguments:**

    - `lp`: solver of the offloading step.
    - `multiplier`: how the multipliers of the onloading step are found: `DualSearch`, or the paper's `Subgradient`.
    - `max_iterations`: most rounds of onloading and offloading.
    - `tolerance`: δ; the least rise of F that is worth another round.
    - `greedy`: ``"paper"`` is Algorithm 2 to the letter; ``"plus_max"`` also tries, at nodes whose model sizes
      differ, the most valuable single models completed greedily, and keeps the best.
    - `surrogate`: ``"log"`` puts (29), the linearised logarithm, in place of the indicator during the rounds; None has
      the indicator itself.
    - `surrogate_width`: ε of the logarithm, as a part of what can arrive.
    - `activations`: with batching, most trials of other pairs of edge and task that are worth their set-up time, after
      the rounds; only changes that may bring something by the prices are tried. 0 leaves the rounds' pairs.
    - `chunk`: instances that a device works on at a time; None chooses. Answers do not depend on it.
    - `starts`: one name or several of shares that the rounds begin from, one after another or, on a device, together;
      the best plan is kept. ``"paper"`` is line 1 of Algorithm 1, ``"local"`` offloads nothing, ``"all"`` everything,
      and ``"both"`` makes clients ready for all and edges for half of it. Two starts take twice as long as one.
    - `time_limit`: seconds for each scenario, compiling apart, after which no round is begun, where the rounds are on
      the host. On the device they are one program of some milliseconds for each scenario, which runs to its end.
    """

    lp: AbstractOffloadingSolver = HierarchicalLP()
    multiplier: DualSearch | Subgradient = DualSearch()
    max_iterations: int = eqx.field(static=True, default=10)
    tolerance: float = eqx.field(static=True, default=1e-6)
    greedy: Literal["plus_max", "paper"] = eqx.field(static=True, default="plus_max")
    surrogate: Literal["log"] | None = eqx.field(static=True, default=None)
    surrogate_width: float = eqx.field(static=True, default=0.1)
    activations: int = eqx.field(static=True, default=50)
    chunk: int | None = eqx.field(static=True, default=None)
    starts: tuple[str, ...] = eqx.field(static=True, default=USUAL_STARTS, converter=_names)
    time_limit: float | int = eqx.field(static=True, default=math.inf)

    def __check_init__(self):
        if self.surrogate not in (None, "log"):
            raise ValueError(f"surrogate: must be None or 'log', got {self.surrogate!r}")
        if self.surrogate is not None and not isinstance(self.lp, HierarchicalLP):
            raise ValueError("surrogate: needs lp=HierarchicalLP()")
        if not 0.0 < self.surrogate_width < np.inf:
            raise ValueError(f"surrogate_width: must be a number above 0, got {self.surrogate_width!r}")
        if self.activations < 0:
            raise ValueError(f"activations: must be at least 0, got {self.activations}")
        if self.greedy not in ("plus_max", "paper"):
            raise ValueError(f"greedy: must be 'plus_max' or 'paper', got {self.greedy!r}")
        if self.chunk is not None and self.chunk < 1:
            raise ValueError(f"chunk: must be at least 1, got {self.chunk}")
        if not self.starts or not set(self.starts) <= STARTS.keys():
            raise ValueError(f"starts: must be some of {', '.join(map(repr, STARTS))}, got {self.starts!r}")
        if self.grid_shape and not isinstance(self.lp, HierarchicalLP):
            raise ValueError("multiplier.step_size: an array of step sizes needs lp=HierarchicalLP()")

    @property
    def _width(self) -> float | None:
        return None if self.surrogate is None else self.surrogate_width

    @property
    def grid_shape(self) -> tuple[int, ...]:
        """See `AbstractMethod`: the axes of the step sizes."""
        return np.shape(self.multiplier.step_size)

    def run(self, scenarios: Scenario, key: Any) -> Outcome:
        """See `AbstractMethod`."""
        if not isinstance(self.lp, HierarchicalLP):
            _, uplink = jax.tree.map(np.asarray, initial_shares(scenarios))
            shares = [start_shares(STARTS[name], uplink) for name in self.starts]
            with limiting_time(self.time_limit * scenarios.batch_shape[0]):
                return best_outcome([self.run_from(scenarios, key, *own) for own in shares])
        return self._run_on_device(scenarios, self.lp)

    def run_traced(self, scenarios: Scenario) -> Outcome:
        """See `AbstractMethod`."""
        if not isinstance(self.lp, HierarchicalLP):
            return super().run_traced(scenarios)
        # Which clients an edge has is not known while it is traced.
        groups = lone_clients(scenarios.client_edge)
        step_size = jnp.broadcast_to(jnp.asarray(self.multiplier.step_size), scenarios.demand.shape[:1])
        tolerances = jnp.asarray(self.lp.tolerance), jnp.asarray(self.tolerance)
        program = _program(*self._settings(self.lp, sizes_differ=True))
        found = program(self._from_all_starts(scenarios, groups, step_size), tolerances)
        outcome = outcome_of(found, scenarios.allow_unserved)
        return best_outcome(self._of_each_start(outcome, scenarios.demand.shape[0]))

    def _from_all_starts(self, scenarios: Scenario, groups: ClientGroups, step_size: AnyArray) -> tuple[Any, ...]:
        """The program's batch: all instances from the first start, then from the next."""
        batch, times = scenarios.demand.shape[0], len(self.starts)
        shares = np.repeat([STARTS[name] for name in self.starts], batch, axis=0)
        xp = step_size.__array_namespace__()
        repeated = jax.tree.map(lambda array: xp.concatenate([array] * times), (scenarios, groups, step_size))
        return *repeated, shares

    def _of_each_start(self, outcome: Outcome, batch: int) -> list[Outcome]:
        parts = [slice(number * batch, (number + 1) * batch) for number in range(len(self.starts))]
        return [jax.tree.map(lambda array, part=part: array[part], outcome) for part in parts]

    def _run_on_device(self, scenarios: Scenario, lp: HierarchicalLP) -> Outcome:
        batch, sizes_differ = scenarios.demand.shape[0], _sizes_differ(scenarios)
        groups = group_clients(np.asarray(scenarios.client_edge), scenarios.edges)
        brief = is_brief(batch * len(self.starts), bytes_of_instance(scenarios, groups))
        own = sized(scenarios, groups, brief=brief)
        scenarios, groups = own.scenarios, own.groups
        grid = np.ravel(self.multiplier.step_size)
        step_size = np.repeat(grid, batch // max(grid.size, 1))
        settings = self._settings(lp, sizes_differ=sizes_differ)
        found = run_batched(
            _program(*settings),
            self._from_all_starts(scenarios, groups, step_size),
            (np.asarray(lp.tolerance), np.asarray(self.tolerance)),
            key=settings,
            bytes_per_instance=bytes_of_instance(scenarios, groups),
            chunk=self.chunk,
            together=len(self.starts),
        )
        outcome = jax.tree.map(np.asarray, outcome_of(found, scenarios.allow_unserved))
        return own_part(best_outcome(self._of_each_start(outcome, batch)), own)

    def _settings(self, lp: HierarchicalLP, *, sizes_differ: bool) -> tuple[GreedySettings, Settings]:
        plus_max = self.greedy == "plus_max" and sizes_differ
        greedy = GreedySettings(self.multiplier.maker(), self.multiplier.steps, plus_max)
        return greedy, Settings(self.max_iterations, lp.max_iterations, self.activations, self._width)

    def place(
        self, scenarios: Scenario, at_client: Any, at_edge: Any, active: np.ndarray, key: Any
    ) -> tuple[Placement, np.ndarray]:
        """See `AlternatingMethod`."""
        found = _place(scenarios, at_client, at_edge, active, self.multiplier, self.greedy == "plus_max")
        return jax.tree.map(np.asarray, found), np.zeros(active.shape, dtype=bool)

    def _finish(self, scenarios: Scenario, plan: Plan, active: np.ndarray) -> tuple[Plan, np.ndarray]:
        """See `AlternatingMethod`; with batching after trials of other pairs of edge and task, as on the device."""
        trials = no_trials(scenarios) if self.activations else None
        if trials is not None:
            plan = self._activate(scenarios, plan, trials, active)
        return super()._finish(scenarios, plan, active)

    def _activate(self, scenarios: Scenario, plan: Plan, trials: Trials, active: np.ndarray) -> Plan:
        valued = serving_first(scenarios)
        value = np.full(active.shape, -np.inf)
        tried = np.zeros(trials.left.gain.shape, dtype=bool)
        placement = plan.placement
        for turn in range(self.activations + 1):
            problem = offloading_problems(valued, placement)
            routed = self.lp.offload(problem, active, allow_unserved=True)
            settled, worth = settled_plans(valued, problem, placement, routed, allow_unserved=True)
            better = active & routed.solved & (np.asarray(worth) > value)
            plan = select_leading(better, jax.tree.map(np.asarray, settled), plan)
            value = np.where(better, worth, value)
            at_hand = plan.placement
            trials = after_turn(valued, trials, active, tried, better, at_hand, routed)
            active = active & np.asarray(trials.left.any)
            if not active.any() or turn == self.activations:
                return plan
            changed, here = jax.vmap(first_promise)(at_hand, trials.left)
            placement = select_leading(active, jax.tree.map(np.asarray, changed), at_hand)
            tried = np.asarray(here) & active[:, None, None]
        return plan


class BAJ3O(J3O):
    """J3O for scenarios with batching, the paper's BAJ3O: the same method, which refuses others."""

    def run(self, scenarios: Scenario, key: Any) -> Outcome:
        """See `AbstractMethod`."""
        _require_batching(scenarios)
        return super().run(scenarios, key)

    def run_traced(self, scenarios: Scenario) -> Outcome:
        """See `AbstractMethod`."""
        _require_batching(scenarios)
        return super().run_traced(scenarios)


def _require_batching(scenarios: Scenario) -> None:
    if scenarios.batching is None:
        raise ValueError("BAJ3O: the scenario has no batching: give it one, Batching(window, setup), or use J3O")


def _sizes_differ(scenarios: Scenario) -> bool:
    """Whether models have different sizes anywhere; where not, there is nothing to gain from other starts."""
    tiers = (scenarios.client_model_memory, scenarios.edge_model_memory)
    return any(bool(np.any(size != size[:, :1])) for size in tiers)


@functools.cache
def _program(greedy: GreedySettings, settings: Settings) -> Any:
    def program(batch: tuple[Scenario, ClientGroups, Any, Any], tolerances: tuple[Any, Any]) -> Alternation:
        scenarios, groups, step_size, start = batch
        lp_tolerance, tolerance = tolerances
        director = GreedyTiers(scenarios, groups, step_size, start, tolerance, greedy)
        return alternate(scenarios, groups, director, lp_tolerance, settings)

    return program


@program
def _place(
    scenarios: Scenario,
    at_client: AnyArray,
    at_edge: AnyArray,
    active: AnyArray,
    multiplier: DualSearch | Subgradient,
    plus_max: bool,
) -> Placement:
    batch = scenarios.demand.shape[0]
    step_size = jnp.broadcast_to(jnp.asarray(multiplier.step_size), (batch,))
    greedy = GreedySettings(multiplier.maker(), multiplier.steps, plus_max)
    # Starts and tolerances are those of rounds on the device.
    unused = jnp.zeros((batch, 4)), jnp.zeros(())
    tiers = GreedyTiers(scenarios, lone_clients(scenarios.client_edge), step_size, *unused, greedy)
    return tiers.place_for((at_client, at_edge), active)
