"""The price-directed method: near-optimal plans, each with a proven bound."""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from j3o_kernels.client_groups import ClientGroups, group_clients, lone_clients

from .._batched import run_batched
from .._scenario import Scenario
from .._status import Status
from ..routing import HierarchicalLP
from ._base import AbstractMethod, Outcome
from ._device import Alternation, Settings, alternate, bytes_of_instance, outcome_of
from ._dual_bound import DualBound, dual_bound, dual_bounds
from ._price_exchange import ExchangeSettings, PriceExchange


class PriceDirected(AbstractMethod):
    """Exchange prices instead of quantities, and prove how good the plan is.

    J3O places models for the shares of the last round, and so ends at the first placement that suits its own routing.
    Here the two steps tell each other what capacities are worth. The linear relaxation gives the first prices and the
    bound; nodes answer with the models that earn most at the prices, the offloading step with what the capacities of
    those are worth, and the prices move there by 1/√k. Then a few nodes at a time answer anew, and what is better
    stays.
    `docs/algorithms.md` derives both. Whole batches run on the device; answers do not depend on the batch.

    **Arguments:**

    - `gap`: an instance is done, and `optimal`, when (bound − objective) / objective is proven to be no more.
    - `max_iterations`: most rounds, each with one offloading step.
    - `exchanges`: rounds at the beginning in which all nodes answer.
    - `patience`: rounds without a better plan after which the search ends, though the gap may be open. Below an open
      gap of 0.1 % it falls in proportion.
    - `lp`: the offloading step.
    - `bound_tolerance`, `bound_iterations`: see `certify`.
    - `chunk`: instances that a device works on at a time; None chooses. Answers do not depend on it.
    """

    gap: float = eqx.field(default=1e-4)
    max_iterations: int = eqx.field(static=True, default=1000)
    exchanges: int = eqx.field(static=True, default=10)
    patience: int = eqx.field(static=True, default=250)
    lp: HierarchicalLP = HierarchicalLP(tolerance=1e-7)
    bound_tolerance: float = eqx.field(default=1e-5)
    bound_iterations: int = eqx.field(static=True, default=100)
    chunk: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        if not isinstance(self.lp, HierarchicalLP):
            raise ValueError(f"lp: PriceDirected runs on the device and needs HierarchicalLP(), got {self.lp!r}")
        for name in ("max_iterations", "exchanges", "patience", "bound_iterations"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: must be at least 1, got {getattr(self, name)}")
        for name in ("gap", "bound_tolerance"):
            value = getattr(self, name)
            if not isinstance(value, Tracer) and not 0.0 <= value < np.inf:
                raise ValueError(f"{name}: must be a number of at least 0, got {value!r}")
        if self.chunk is not None and self.chunk < 1:
            raise ValueError(f"chunk: must be at least 1, got {self.chunk}")

    def run(self, scenarios: Scenario, key: Any) -> Outcome:
        """See `AbstractMethod`."""
        groups = group_clients(np.asarray(scenarios.client_edge), scenarios.edges)
        proven = dual_bounds(scenarios, self.bound_tolerance, self.bound_iterations)
        ran = run_batched(
            _program(*self._settings()),
            (scenarios, groups, proven.results),
            (np.asarray(self.lp.tolerance), np.asarray(self.gap)),
            key=None,
            bytes_per_instance=2 * bytes_of_instance(scenarios, groups)
            + 8 * _ARRAYS * groups.slots[0].size * scenarios.tasks * scenarios.models,
            chunk=self.chunk,
        )
        seconds = ran.compile_seconds + proven.compile_seconds
        compiling = {"compile_seconds": np.full(scenarios.demand.shape[0], seconds)}
        return jax.tree.map(np.asarray, self._outcome(scenarios, ran.results, proven.results, compiling))

    def run_traced(self, scenarios: Scenario) -> Outcome:
        """See `AbstractMethod`."""
        # Which clients an edge has is not known while it is traced.
        groups = lone_clients(scenarios.client_edge)
        proven = dual_bound(scenarios, groups, jnp.asarray(self.bound_tolerance), self.bound_iterations)
        tolerances = jnp.asarray(self.lp.tolerance), jnp.asarray(self.gap)
        found = _program(*self._settings())((scenarios, groups, proven), tolerances)
        return self._outcome(scenarios, found, proven, {})

    def _settings(self) -> tuple[ExchangeSettings, Settings]:
        exchange = ExchangeSettings(min(self.exchanges, self.max_iterations), self.patience)
        return exchange, Settings(self.max_iterations, self.lp.max_iterations)

    def _outcome(self, scenarios: Scenario, found: Alternation, proven: DualBound, stats: dict[str, Any]) -> Outcome:
        outcome = outcome_of(found, scenarios.allow_unserved, {"bound_steps": proven.iterations, **stats})
        closed = proven.bound - found.value <= self.gap * found.value
        done = (outcome.status == int(Status.converged)) | (outcome.status == int(Status.iteration_limit))
        status = jnp.where(done & closed, int(Status.optimal), outcome.status)
        return outcome._replace(bound=proven.bound, status=status)


# Arrays of a placement's profits that are in memory at a time.
_ARRAYS = 8


@functools.cache
def _program(exchange: ExchangeSettings, settings: Settings) -> Any:
    def program(batch: tuple[Scenario, ClientGroups, DualBound], tolerances: tuple[Any, Any]) -> Alternation:
        scenarios, groups, proven = batch
        lp_tolerance, gap = tolerances
        director = PriceExchange(scenarios, groups, proven, gap, exchange)
        return alternate(scenarios, groups, director, lp_tolerance, settings)

    return program
