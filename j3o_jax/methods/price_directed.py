"""The price-directed method: near-optimal plans, each with a proven bound."""

import functools
import math
from typing import Any, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from j3o_kernels.client_groups import ClientGroups, group_clients, lone_clients
from j3o_kernels.masked_select import select_leading

from .._batched import compile_ahead, is_brief, run_batched
from .._precision import double_precision
from .._scenario import Scenario
from .._status import OPTIMAL_GAP, Status
from .._time_limit import TimeLimit, limiting_time, seconds_left
from ..routing import AbstractOffloadingSolver, HierarchicalLP
from ._base import AbstractMethod, Outcome, require_time
from .alternation.drivers import AlternationResult, bytes_of_instance, result_of, run_on_device
from .alternation.loop import DONE, Alternation, LoopSettings, LoopState, cut_short
from .dual_bound import Descent, DualBound, Search, blank_bound, blank_prices, closer_bounds, dual_bound, dual_bounds
from .dual_certificate import certificate_of
from .few_shapes import Sizes, own_part, sized, sizes_of
from .price_policy import PricePolicy, PriceSettings

# Arrays of a placement's profits that are in memory at a time.
_ARRAYS = 8
# How much more there is to do, at least, than J3O does: what compiles quickly is no gain for long searches.
_TURNS = 4
# The first turn after which a batch is put together anew; the next ones are twice as far each.
_FIRST_STOP = 16
# A turn takes no less, even where the clock saw none of it.
_LEAST_SECONDS = 1e-6
# Columns of a history, where there are fewer rounds.
_LEAST_COLUMNS = 64
_NO_STOP = int(np.iinfo(np.int32).max)


class PriceDirected(AbstractMethod):
    """Exchange prices instead of quantities, and prove how good the plan is.

    J3O places models for the shares of the last round, and so ends at the first placement that suits its own routing.
    Here the two steps tell each other what capacities are worth. The linear relaxation gives the first prices and the
    bound; nodes answer with the models that earn most at the prices, the offloading step with what the capacities of
    those are worth, and the prices move there by 1/√k. Then a few nodes at a time answer anew, and what is better
    stays. `docs/algorithms.md` derives both. Whole batches run on the device; answers do not depend on the batch.

    **Arguments:**

    - `gap`: an instance is done when (bound − objective) / objective is proven to be no more; `optimal` is said up to
      1e-4, beyond that `converged`.
    - `max_iterations`: most rounds, each with one offloading step.
    - `exchanges`: rounds at the beginning in which all nodes answer.
    - `patience`: rounds without a better plan after which the search ends, though the gap may be open. Below an open
      gap of 0.1 % it falls in proportion.
    - `lp`: the offloading step.
    - `bound_tolerance`, `bound_iterations`: `tolerance` and `max_iterations` of `certify`.
    - `descent_steps`, `descent_schedule`: see `certify`; of instances that are still open after 16 rounds.
    - `activations`: see `J3O`.
    - `chunk`: instances that a device works on at a time; None chooses. Answers do not depend on it.
    - `time_limit`: seconds for each scenario, compiling apart; a batch has what its scenarios have together. Then the
      best plans so far are returned with their bounds, the open ones as `Status.iteration_limit`. It is looked at
      after the bound, which is always searched for to its end, and between rounds, of which there is always one.
    """

    gap: float = eqx.field(default=1e-4)
    max_iterations: int = eqx.field(static=True, default=3000)
    exchanges: int = eqx.field(static=True, default=10)
    patience: int = eqx.field(static=True, default=500)
    lp: AbstractOffloadingSolver = HierarchicalLP(tolerance=1e-7)
    bound_tolerance: float = eqx.field(default=1e-5)
    bound_iterations: int = eqx.field(static=True, default=100)
    descent_steps: int = eqx.field(static=True, default=30)
    descent_schedule: Any = eqx.field(default=0.03)
    activations: int = eqx.field(static=True, default=50)
    chunk: int | None = eqx.field(static=True, default=None)
    time_limit: float | int = eqx.field(static=True, default=math.inf)

    def __check_init__(self):
        require_time(self.time_limit)
        if not self.lp.runs_on_device:
            raise ValueError(f"lp: PriceDirected runs on the device and needs HierarchicalLP(), got {self.lp!r}")
        for name in ("max_iterations", "exchanges", "patience", "bound_iterations"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: must be at least 1, got {getattr(self, name)}")
        for name in ("gap", "bound_tolerance"):
            value = getattr(self, name)
            if not isinstance(value, Tracer) and not 0.0 <= value < np.inf:
                raise ValueError(f"{name}: must be a number of at least 0, got {value!r}")
        if self.activations < 0:
            raise ValueError(f"activations: must be at least 0, got {self.activations}")
        mistake = self._descent.problems("descent_steps", "descent_schedule")
        if mistake:
            raise ValueError(mistake)
        if self.chunk is not None and self.chunk < 1:
            raise ValueError(f"chunk: must be at least 1, got {self.chunk}")

    @property
    def _device_lp(self) -> HierarchicalLP:
        return cast(HierarchicalLP, self.lp)

    @property
    def _descent(self) -> Descent:
        return Descent(self.descent_steps, self.descent_schedule)

    def run(self, scenarios: Scenario, key: Any) -> Outcome:
        """See `AbstractMethod`."""
        with limiting_time(self.time_limit * scenarios.demand.shape[0]):
            return self._run(scenarios)

    def _run(self, scenarios: Scenario) -> Outcome:
        groups = group_clients(np.asarray(scenarios.client_edge), scenarios.edges)
        brief = is_brief(scenarios.demand.shape[0], _bytes_of_instance(scenarios, groups), _TURNS)
        own = sized(scenarios, groups, brief=brief)
        return own_part(self._run_sized(*own), own)

    def _run_sized(self, scenarios: Scenario, groups: ClientGroups, sizes: Sizes) -> Outcome:
        settings, lp_iterations = self._settings, self._device_lp.max_iterations
        limits = jax.tree.map(np.asarray, self._limits(sizes))

        def part(program: Any, batch: Any, shared: Any, turns: int, run: Any = run_batched) -> Any:
            return run(
                program,
                batch,
                shared,
                key=(settings, lp_iterations),
                bytes_per_instance=_bytes_of_instance(scenarios, groups),
                chunk=self.chunk,
                turns=turns,
            )

        # The rounds are compiled while the bound is searched for: for a bound and a state of the same shapes.
        blank = blank_bound(scenarios, groups)
        later = (scenarios, groups, blank, _shapes_of_state(settings, (scenarios, groups, blank), limits))
        part(_advance(settings, lp_iterations), later, (limits, np.asarray(_FIRST_STOP)), _TURNS, compile_ahead)

        first = self._descent._replace(steps=0)
        bounds = dual_bounds(scenarios, groups, self.bound_tolerance, self.bound_iterations, first)
        proven, point = bounds._replace(point=None), bounds.point
        certificate = certificate_of(scenarios, groups, point)

        # Chunks wait for their slowest instance: from time to time those that are left are put together anew.
        state = part(_begin(settings), (scenarios, groups, proven), limits, _TURNS)

        def advance(instances: np.ndarray, until: int, turns: int) -> None:
            batch = _only((scenarios, groups, proven, state), instances)
            later = part(_advance(settings, lp_iterations), batch, (limits, np.asarray(until)), turns)
            for whole, own in zip(jax.tree.leaves(state), jax.tree.leaves(later), strict=True):
                whole[instances] = own

        waiting, pace = np.arange(scenarios.demand.shape[0]), _Pace()
        while waiting.size:
            turns = max(pace.until // _FIRST_STOP, _TURNS)
            advance(waiting, pace.until, turns)
            if seconds_left() <= 0.0:
                # The same instances as in the last call: the program is compiled for so many.
                state = cut_short(scenarios, state, waiting)
                advance(waiting, _NO_STOP, turns)
                break
            if pace.until == _FIRST_STOP and self.descent_steps:
                (still_open,) = np.nonzero(~self._closed(proven.bound, np.asarray(result_of(scenarios, state).value)))
                if still_open.size:
                    own, own_groups, start = _only((scenarios, groups, point), still_open)
                    lower = closer_bounds(own, own_groups, start, self._descent)
                    closer = lower.bound < proven.bound[still_open]
                    proof = certificate_of(own, own_groups, lower.point)
                    for whole, part_of_it in zip(jax.tree.leaves(certificate), jax.tree.leaves(proof), strict=True):
                        whole[still_open[closer]] = part_of_it[closer]
                    proven.bound[still_open[closer]] = lower.bound[closer]
            waiting = waiting[state.stage[waiting] < DONE]
            pace.go_on()
        found = result_of(scenarios, state)
        outcome = jax.tree.map(np.asarray, self._outcome(scenarios, found, proven))
        return outcome._replace(certificate=certificate)

    def run_traced(self, scenarios: Scenario) -> Outcome:
        """See `AbstractMethod`."""
        # Which clients an edge has is not known while it is traced.
        groups = lone_clients(scenarios.client_edge)
        search = Search(jnp.asarray(self.bound_tolerance), self.bound_iterations, 0.0, 0)
        proven = dual_bound(scenarios, groups, blank_prices(groups, scenarios), search)
        limits = jax.tree.map(jnp.asarray, self._limits(sizes_of(scenarios)))
        closest, proof = proven.bound, proven.point
        if self.descent_steps:
            descent = self._descent
            further = search._replace(max_iterations=0, rate=descent.largest_step, steps=descent.steps)
            lower = dual_bound(scenarios, groups, proven.point, further, descent.own_schedule)
            closest = jnp.fmin(lower.bound, proven.bound)
            proof = select_leading(lower.bound < proven.bound, lower.point, proven.point)

        def phase(now: tuple[LoopState, Any], until: Any) -> tuple[tuple[LoopState, Any], None]:
            state, bound = now
            alternation = _alternation(scenarios, groups, proven._replace(bound=bound), limits, self._settings)
            state = run_on_device(alternation, groups, self._device_lp.max_iterations, state, until)
            closed = self._closed(bound, result_of(scenarios, state).value)
            return (state, jnp.where(closed, bound, closest)), None

        # One program for the turns before the descent and for those after it.
        state = _alternation(scenarios, groups, proven, limits, self._settings).init()
        stops = jnp.asarray([_FIRST_STOP, _NO_STOP])
        (state, bound), _ = jax.lax.scan(phase, (state, proven.bound), stops)
        proof = select_leading(bound < proven.bound, proof, proven.point)
        outcome = self._outcome(scenarios, result_of(scenarios, state), proven._replace(bound=bound))
        return outcome._replace(certificate=certificate_of(scenarios, groups, proof))

    @property
    def _settings(self) -> LoopSettings:
        """Static settings of the loop: a history of few lengths, so that other numbers of rounds share programs."""
        columns = max(1 << (self.max_iterations - 1).bit_length(), _LEAST_COLUMNS)
        return LoopSettings(columns, self.activations)

    def _limits(self, sizes: Sizes) -> "_Limits":
        exchanges = min(self.exchanges, self.max_iterations)
        price = PriceSettings(exchanges, float(self.patience))
        return _Limits(self._device_lp.tolerance, self.gap, self.max_iterations, price, sizes)

    def _outcome(self, scenarios: Scenario, found: AlternationResult, proven: DualBound) -> Outcome:
        outcome = found.outcome(allow_unserved=scenarios.allow_unserved, on_device=True)
        closed = self._closed(proven.bound, found.value)
        near = proven.bound - found.value <= OPTIMAL_GAP * found.value
        done = (outcome.status == int(Status.converged)) | (outcome.status == int(Status.iteration_limit))
        reached = jnp.where(near, int(Status.optimal), int(Status.converged))
        status = jnp.where(done & closed, reached, outcome.status)
        return outcome._replace(
            bound=proven.bound,
            status=status,
            history=outcome.history[:, : self.max_iterations],
            stats=outcome.stats | self._stats(proven),
        )

    def _stats(self, proven: DualBound) -> dict[str, Any]:
        asked = jnp.full(proven.bound.shape, jnp.asarray(self.gap, dtype=proven.bound.dtype))
        return {"bound_steps": proven.iterations, "gap_asked": asked}

    def _closed(self, bound: Any, value: Any) -> Any:
        return bound - value <= self.gap * value


class _Pace:
    """Turn after which the rounds stop next: 16 and its doubles, or before where the time would end before."""

    def __init__(self):
        self._clock = TimeLimit(math.inf)
        self._target = _FIRST_STOP
        # How long a turn takes is not known before the first one.
        self.until = _FIRST_STOP if math.isinf(seconds_left()) else 1

    def go_on(self) -> None:
        """Choose the next stop, after the last one."""
        if self.until == self._target:
            self._target *= 2
        turns = self._target - self.until
        if math.isfinite(seconds_left()):
            each = max(self._clock.spent / self.until, _LEAST_SECONDS)
            turns = min(turns, max(int(seconds_left() / each), 1))
        self.until += turns


def _bytes_of_instance(scenarios: Scenario, groups: ClientGroups) -> int:
    profits = groups.slots[0].size * scenarios.tasks * scenarios.models
    return 2 * bytes_of_instance(scenarios, groups) + 8 * _ARRAYS * profits


def _only(batch: Any, instances: np.ndarray) -> Any:
    return jax.tree.map(lambda array: array[instances], batch)


def _alternation(
    scenarios: Scenario,
    groups: ClientGroups,
    proven: DualBound,
    limits: "_Limits",
    settings: LoopSettings,
) -> Alternation:
    """Alternation of a device program."""
    policy = PricePolicy(scenarios, groups, proven, limits.gap, limits.sizes, limits.price)
    return Alternation(scenarios, policy, settings, limits.lp_tolerance, limits.rounds)


class _Limits(NamedTuple):
    """Settings that programs take as arrays: one program for all of their values.

    - `lp_tolerance`, `gap`, `price`: of the offloading step, of the plan, of the policy.
    - `rounds`: the most.
    - `sizes`: the scenarios' own.
    """

    lp_tolerance: Any
    gap: Any
    rounds: Any
    price: PriceSettings
    sizes: Sizes


@functools.cache
def _begin(settings: LoopSettings) -> Any:
    def begin(batch: tuple[Scenario, ClientGroups, DualBound], limits: _Limits) -> LoopState:
        return _instances_first(_alternation(*batch, limits, settings).init())

    return begin


def _shapes_of_state(settings: LoopSettings, batch: tuple[Scenario, ClientGroups, DualBound], limits: _Limits) -> Any:
    leaves, structure = jax.tree.flatten((batch, limits))
    return _traced_shapes(settings, structure, tuple((leaf.shape, leaf.dtype) for leaf in leaves))


@functools.lru_cache(maxsize=64)
def _traced_shapes(settings: LoopSettings, structure: Any, forms: tuple[Any, ...]) -> Any:
    """Shapes of the first state of a batch, for arrays of these forms; tracing takes longer than some searches."""
    arguments = jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(*form) for form in forms])
    with double_precision():
        return jax.eval_shape(_begin(settings), *arguments)


@functools.cache
def _advance(settings: LoopSettings, lp_iterations: int) -> Any:
    def advance(batch: tuple[Scenario, ClientGroups, DualBound, LoopState], shared: tuple[_Limits, Any]) -> LoopState:
        scenarios, groups, proven, state = batch
        limits, until = shared
        alternation = _alternation(scenarios, groups, proven, limits, settings)
        state = _instances_last(state)
        return _instances_first(run_on_device(alternation, groups, lp_iterations, state, until))

    return advance


def _instances_first(state: LoopState) -> LoopState:
    """Batch of states, which can be taken apart."""
    policy_state = jax.tree.map(lambda array: jnp.moveaxis(array, -1, 0), state.policy_state)
    return state._replace(turn=jnp.full(state.stage.shape, state.turn), policy_state=policy_state)


def _instances_last(state: LoopState) -> LoopState:
    """One state of a batch again: all are at the same turn."""
    policy_state = jax.tree.map(lambda array: jnp.moveaxis(array, 0, -1), state.policy_state)
    return state._replace(turn=state.turn[0], policy_state=policy_state)
