"""Price-directed placement policy: best responses to the prices of the capacities, then a local search around them.

At first all nodes respond to prices that start at those of the linear relaxation and move towards the duals of the
offloading steps. Then it searches: a few nodes at a time are re-optimised at the prices of the incumbent or at those of
the relaxation, with noise (`perturbation.py`), and what is better is kept, or a little worse for a while.

Responses are judged edge by edge. At a given price of the cloud's uplink, the one resource that edges share, the value
of an edge with its clients is that of their streams, less the price of what they send to the cloud. The good responses
of all edges are composed and tried in a round of their own, so that the rounds need not grow in number with the edges.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from j3o_kernels.client_groups import ClientGroups, EdgeTree
from j3o_kernels.masked_select import select_trailing
from j3o_kernels.materialize import compilation_unit
from j3o_kernels.price_placement import CapacityPrices, Choices, Perturbation, PlacementData, place_at_prices

from .._model import (
    Placement,
    Plan,
    model_costs,
    moving_costs,
    normalized_demand,
    serving_first,
    without_serving_first,
)
from .._scenario import Scenario
from .alternation.placement import edge_work, placement_of_choices, within_window
from .alternation.policy import PlacementPolicy, RoundResult
from .batch_last import client_costs_last, edges_first, edges_last, expand_like, of_groups
from .dual_bound import DualBound
from .few_shapes import Sizes
from .perturbation import KINDS, draw, guessed, trial

# τ of the first exchange, in accuracy; the k-th has τ/√k, and the search τ again.
_UNCERTAINTY = 0.03
# The search returns to the best plan every so many rounds. In between an edge accepts a response that is worse by less
# than this part of the open gap, then ever less.
_CYCLE = 100
_WORSE = 0.02
# A rise of the objective below this part of it is none.
_VISIBLE = 1e-7
# In the first round moving a model costs so many times as much: what nodes hold is where the search begins.
_STAYS = 1e6
# At a smaller open gap patience falls in proportion, down to this part.
_WIDE_GAP = 1e-3
_LEAST_PATIENCE = 0.04


class PriceSettings(NamedTuple):
    """Settings of the policy, which may be traced.

    - `exchanges`: rounds in which all nodes respond.
    - `patience`: rounds without a visible rise after which the search is over.
    """

    exchanges: Any
    patience: Any


class _Routed(NamedTuple):
    """Placement that was routed: the choices, the prices, and the value of each edge with its clients ``[E, B]``."""

    choices: Choices
    prices: CapacityPrices
    value: Any


class _PolicyState(NamedTuple):
    """State of the policy, instances last.

    - `prices`: the average that all nodes respond to; `response`: their last choices.
    - `incumbent`, `best`: where the search is, and where the plan was best.
    - `composite`, `untried`: the good choices of every edge, and whether they are to be tried in the next round.
    - `exchanged`, `stalled`: rounds in which all responded; rounds since the last visible rise. ``[B]``
    """

    prices: CapacityPrices
    response: Choices
    incumbent: _Routed
    best: _Routed
    composite: Choices
    untried: Any
    exchanged: Any
    stalled: Any


class PricePolicy(PlacementPolicy):
    """Best responses to prices, for a batch.

    **Arguments:**

    - `proven`: the bound of every instance, and the prices to begin with.
    - `gap`: certified gap at which an instance is done.
    - `own`: the sizes of the scenarios in truth.
    """

    importance: Any = None
    """Weights ``[B]`` of instances that share one placement; None where each has its own."""

    def __init__(
        self,
        scenarios: Scenario,
        groups: ClientGroups,
        proven: DualBound,
        gap: Any,
        own: Sizes,
        settings: PriceSettings,
    ):
        self.scenarios, self.groups, self.proven, self.own = scenarios, groups, proven, own
        self.gap, self.settings = gap, settings
        home = None if groups.edge is None else jnp.asarray(groups.edge).T
        self.tree = EdgeTree(scenarios.edges, home)
        total = jnp.sum(jnp.asarray(scenarios.demand), axis=(1, 2))
        # From a price of a GFLOP/s, or of a MB/s, to that of a unit of load of all queries together.
        self.per_load = total
        self.per_work = total[:, None] if scenarios.batching is None else jnp.asarray(scenarios.edge_compute)
        self.market = compilation_unit(lambda: _market(scenarios, groups, home))()
        best = proven.prices
        self.relaxed = CapacityPrices(
            jnp.transpose(best.client), jnp.transpose(best.compute), jnp.transpose(best.uplink), jnp.asarray(best.cloud)
        )

    def init(self) -> Any:
        """See `PlacementPolicy`: the prices of the relaxation."""
        market, prices = self.market, self.relaxed
        tasks, batch = market.weight.shape[0], prices.cloud.shape
        none = Choices(jnp.full(market.weight.shape, -1), jnp.full((tasks, *market.edge_budget.shape), -1))
        nowhere = _Routed(none, prices, jnp.full(market.edge_budget.shape, -jnp.inf))
        never = jnp.zeros(batch, dtype=int)
        return _PolicyState(prices, none, nowhere, nowhere, none, jnp.zeros(batch, dtype=bool), never, never)

    def place(self, policy_state: _PolicyState, turn: Any, plan: Plan, active: Any) -> tuple[Placement, None]:
        """See `PlacementPolicy`."""

        def terms() -> tuple[CapacityPrices, Choices, Perturbation]:
            return self._terms(policy_state, turn)

        market = self.market
        if market.client_charge is not None and market.edge_charge is not None:
            dear = jnp.where(turn == 0, _STAYS, 1.0)
            charges = market.client_charge * dear, market.edge_charge * dear
            market = market._replace(client_charge=charges[0], edge_charge=charges[1])
        response = place_at_prices(market, *compilation_unit(terms)(), self.importance)

        def placed() -> Placement:
            choices = select_trailing(policy_state.untried, policy_state.composite, response)
            edge_choice = edges_first(choices.edge)
            if self.scenarios.batching is not None:
                # What earns at the price of the window pays for its set-up time; the cheapest fit first.
                edge_choice = jax.vmap(within_window)(self.scenarios, edge_choice, jnp.ones(edge_choice.shape))
            return placement_of_choices(self.scenarios, self.groups.from_groups(choices.client), edge_choice)

        # What fits a window is sorted.
        return (compilation_unit(placed) if self.scenarios.batching is None else placed)(), None

    def _terms(self, policy_state: _PolicyState, turn: Any) -> tuple[CapacityPrices, Choices, Perturbation]:
        """Prices that nodes respond to in a round, what they chose before, and their perturbation."""
        searches = policy_state.exchanged >= self.settings.exchanges
        draws = draw(self.scenarios, self.groups, self.own, turn)
        uncertainty = jnp.where(searches, 1.0, _step(policy_state)) * _UNCERTAINTY
        how = trial(draws, turn, searches, uncertainty)
        # A placement's own prices agree with it: those of the relaxation lead to what only several nodes together make
        # better. Every kind of trial has its round with either.
        own = turn // KINDS % 2 == 0
        prices = select_trailing(searches, policy_state.incumbent.prices, policy_state.prices)
        prices = select_trailing(searches & ~own, self.relaxed, prices)
        before = select_trailing(searches, policy_state.incumbent.choices, policy_state.response)
        return guessed(prices, draws, how, self.market, self.own, searches), before, how

    def update(self, policy_state: _PolicyState, turn: Any, result: RoundResult) -> tuple[Any, Any]:
        """See `PlacementPolicy`."""
        chosen = result.placement
        placed = Choices(self.groups.to_groups(chosen.client_choice), edges_last(chosen.edge_choice))
        duals = self._prices(result)
        counted = result.alternates & result.routed.solved
        searches = policy_state.exchanged >= self.settings.exchanges
        exchanges = result.alternates & ~policy_state.untried & ~searches
        if self.market.client_charge is not None:
            exchanges = exchanges & (turn > 0)
        step = jnp.where(exchanges & counted, _step(policy_state), 0.0)
        prices = jax.tree.map(lambda old, new: _moved(old, new, step), policy_state.prices, duals)

        first = ~jnp.isfinite(result.best_before)
        objective = without_serving_first(self.scenarios, result.best)
        open_gap = (self.proven.bound - objective) / jnp.maximum(jnp.abs(result.best), _VISIBLE)
        worse = jnp.clip(open_gap, 0.0, 1.0) * _WORSE * (1.0 - (turn % _CYCLE) / _CYCLE)
        old = policy_state.incumbent
        bar = old.value - jnp.where(searches, worse, -_VISIBLE)[None] * jnp.abs(old.value)
        changed = self._changed(placed, old.choices)
        good = changed & (self._edge_values(result, old.prices.cloud) > bar)
        good &= (counted & ~policy_state.untried & ~first)[None]
        all_good = jnp.all(good | ~changed, axis=0)
        composite = self._composite(good, placed, old.choices)

        # A composite placement always becomes the incumbent; otherwise the incumbent moves only on improvement.
        moves = counted & jnp.where(searches, policy_state.untried | (all_good & jnp.any(good, axis=0)), result.better)
        there = _Routed(placed, duals, self._edge_values(result, duals.cloud))
        best = select_trailing(result.better, there, policy_state.best)
        incumbent = select_trailing(moves, there, policy_state.incumbent)
        returns = result.alternates & searches & (turn % _CYCLE == _CYCLE - 1)
        incumbent = select_trailing(returns, best, incumbent)
        rise = result.best - result.best_before
        visible = result.better & ~(rise <= _VISIBLE * jnp.abs(result.best))
        stalled = jnp.where(visible, 0, policy_state.stalled + 1)
        new = _PolicyState(
            prices=prices,
            response=select_trailing(exchanges, placed, policy_state.response),
            incumbent=incumbent,
            best=best,
            composite=composite,
            untried=jnp.any(good, axis=0) & ~all_good & ~returns,
            exchanged=policy_state.exchanged + exchanges.astype(int),
            stalled=stalled,
        )
        proven = self.proven.bound - objective <= self.gap * objective
        patience = self.settings.patience * jnp.clip(open_gap / _WIDE_GAP, _LEAST_PATIENCE, 1.0)
        waits = ~searches | (stalled.astype(patience.dtype) < patience)
        return new, result.alternates & ~proven & waits

    def _prices(self, result: RoundResult) -> CapacityPrices:
        """Duals of the offloading step, in objective per unit of load of all queries together."""
        routed = result.routed
        return CapacityPrices(
            client=self.groups.to_groups(routed.client_price) * self.per_load[None, None],
            compute=edges_last(routed.edge_price * self.per_work),
            uplink=edges_last(routed.edge_uplink_price) * self.per_load[None],
            cloud=routed.cloud_uplink_price * self.per_load,
        )

    def _edge_values(self, result: RoundResult, cloud_price: Any) -> Any:
        """Value ``[E, B]`` of each edge with its clients, at a price of the cloud, less what moving models costs."""
        plan, problem = result.plan, result.problem
        price = cloud_price / jnp.where(self.per_load > 0.0, self.per_load, 1.0)
        sent = problem.data * price[:, None, None]
        value = problem.local_value * plan.local + problem.edge_value * plan.edge
        value = value + (problem.cloud_value - sent) * plan.cloud
        of_clients, moving = jnp.sum(value, axis=2), moving_costs(self.scenarios)
        if moving is not None:
            of_clients = of_clients - jnp.sum(jnp.where(plan.client_models, moving.client, 0.0), axis=2)
        of_edges = self.tree.sum_groups(jnp.sum(self.groups.to_groups(of_clients), axis=0))
        if moving is not None:
            of_edges = of_edges - edges_last(jnp.sum(jnp.where(plan.edge_models, moving.edge, 0.0), axis=2))
        return of_edges

    def _changed(self, new: Choices, old: Choices) -> Any:
        """Edges ``[E, B]`` where they or one of their clients chose otherwise."""
        clients = jnp.any(new.client != old.client, axis=(0, 1)).astype(self.market.weight.dtype)
        return (self.tree.sum_groups(clients) > 0.0) | jnp.any(new.edge != old.edge, axis=0)

    def _composite(self, edges: Any, new: Choices, old: Choices) -> Choices:
        """Mix new choices, at some edges ``[E, B]`` and their clients, with old ones elsewhere."""
        of_groups = self.tree.to_groups(edges.astype(self.market.weight.dtype)) > 0.0
        return Choices(select_trailing(of_groups, new.client, old.client), select_trailing(edges, new.edge, old.edge))


def _market(scenarios: Scenario, groups: ClientGroups, home: Any) -> PlacementData:
    cost, setup, _ = jax.vmap(edge_work)(scenarios)
    valued, costs, moving = serving_first(scenarios), model_costs(scenarios), moving_costs(scenarios)

    def works(capacity: Any) -> Any:
        return jnp.asarray(capacity) > 0.0

    return PlacementData(
        weight=groups.to_groups(jax.vmap(normalized_demand)(scenarios)),
        client_accuracy=of_groups(valued.client_accuracy, groups),
        edge_accuracy=edges_last(valued.edge_accuracy),
        cloud_accuracy=edges_last(valued.cloud_accuracy)[:, None, None],
        client_cost=client_costs_last(costs.client_compute, groups),
        edge_cost=edges_last(cost),
        edge_setup=None if scenarios.batching is None else edges_last(setup),
        client_size=client_costs_last(costs.client_memory, groups),
        edge_size=edges_last(costs.edge_memory),
        client_budget=groups.to_groups(scenarios.client_memory),
        edge_budget=edges_last(scenarios.edge_memory),
        client_has_capacity=groups.to_groups(works(scenarios.client_compute)),
        edge_has_capacity=edges_last(works(scenarios.edge_compute)),
        uplink_has_capacity=edges_last(works(scenarios.edge_uplink)),
        cloud_has_capacity=works(scenarios.cloud_uplink),
        input_size=edges_last(scenarios.input_size)[:, None, None],
        edge_index=home,
        client_charge=None if moving is None else groups.to_groups(moving.client),
        edge_charge=None if moving is None else edges_last(moving.edge),
    )


def _step(policy_state: _PolicyState) -> Any:
    """1/√k ``[B]`` for the k-th exchange."""
    return 1.0 / jnp.sqrt(policy_state.exchanged.astype(policy_state.incumbent.value.dtype) + 1.0)


def _moved(old: Any, new: Any, step: Any) -> Any:
    step = expand_like(step, old)
    return jnp.where(step > 0.0, old + step * (new - old), old)
