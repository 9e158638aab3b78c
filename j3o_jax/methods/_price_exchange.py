"""Where the price-directed method places models: the best answers to the capacities' prices.

At first all nodes answer to prices that move towards what the offloading steps say, from those of the linear relaxation.
Then a few nodes at a time answer anew to the prices of the best plan, each with a taste of its own, and what is better
is kept.

What it is better by is looked at edge by edge: at a given price of the cloud's uplink, the one thing that edges share, an
edge and its clients are worth what their streams are, less what they send to the cloud. The best choices of every edge are
then put together and tried in a round of their own.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from j3o_kernels.client_groups import ClientGroups, EdgeTree
from j3o_kernels.price_placement import CapacityPrices, Choices, Market, Trial, place_at_prices

from .._model import Plan, normalized_demand
from .._scenario import Scenario
from ._device import Director, Round, serving_bonus
from ._dual_bound import DualBound
from ._lanes import edges_first, edges_last, of_groups, of_models
from ._onloading import Placement, edge_work, placement_of_choices, within_window

# τ of the first answers, in accuracy; the k-th have τ/√k. Later answers are given at this part of it.
_UNCERTAINTY = 0.03
_LATER = 1.0
# The part of the nodes that answer anew, and how far their tastes go, in turn; of edges at least so many.
_ANSWERING = (0.1, 0.3)
_TASTES = (0.2, 0.5)
_EDGES_ANSWERING = 0.34
# A rise of the objective below this part of it is none.
_VISIBLE = 1e-7


class ExchangeSettings(NamedTuple):
    """What the rounds depend on besides arrays.

    - `exchanges`: rounds in which all nodes answer.
    - `patience`: rounds without a visible rise after which the search is over.
    """

    exchanges: int
    patience: int


class _Known(NamedTuple):
    """What the rounds have told, instances last.

    - `prices`: the average that all nodes answer to; `choices`: their last answer.
    - `best`, `best_prices`: choices of the best plan, and the prices of its offloading step.
    - `worth`: of each edge with its clients, in the best plan. ``[E, B]``
    - `mixture`, `untried`: the best choices of every edge, and whether they are to be tried in the next round.
    - `exchanged`, `stalled`: rounds in which all answered; rounds since the last visible rise. ``[B]``
    """

    prices: CapacityPrices
    choices: Choices
    best: Choices
    best_prices: CapacityPrices
    worth: Any
    mixture: Choices
    untried: Any
    exchanged: Any
    stalled: Any


class PriceExchange(Director):
    """Answers to prices, for a batch."""

    def __init__(
        self, scenarios: Scenario, groups: ClientGroups, proven: DualBound, gap: Any, settings: ExchangeSettings
    ):
        self.scenarios, self.groups, self.proven = scenarios, groups, proven
        self.gap, self.settings = gap, settings
        self.home = None if groups.edge is None else jnp.asarray(groups.edge).T
        self.tree = EdgeTree(scenarios.edges, self.home)
        cost, setup, _ = jax.vmap(edge_work)(scenarios)
        bonus = serving_bonus(scenarios)
        total = jnp.sum(jnp.asarray(scenarios.demand), axis=(1, 2))
        # From a price of a GFLOP/s, or of a MB/s, to that of a unit of load of all queries together.
        self.per_load = total
        self.per_work = total[:, None] if scenarios.batching is None else jnp.asarray(scenarios.edge_compute)

        def works(capacity: Any) -> Any:
            return jnp.asarray(capacity) > 0.0

        self.market = Market(
            weight=groups.spread(jax.vmap(normalized_demand)(scenarios)),
            client_accuracy=of_groups(scenarios.client_accuracy, groups) + bonus,
            edge_accuracy=edges_last(scenarios.edge_accuracy) + bonus,
            cloud_accuracy=edges_last(scenarios.cloud_accuracy)[:, None, None] + bonus,
            client_cost=of_models(scenarios.client_model_compute),
            edge_cost=edges_last(cost),
            edge_setup=None if scenarios.batching is None else edges_last(setup),
            client_size=of_models(scenarios.client_model_memory),
            edge_size=of_models(scenarios.edge_model_memory)[:, 0],
            client_budget=groups.spread(scenarios.client_memory),
            edge_budget=edges_last(scenarios.edge_memory),
            client_works=groups.spread(works(scenarios.client_compute)),
            edge_works=edges_last(works(scenarios.edge_compute)),
            uplink_works=edges_last(works(scenarios.edge_uplink)),
            cloud_works=works(scenarios.cloud_uplink),
            input_size=edges_last(scenarios.input_size)[:, None, None],
            home=self.home,
        )

    def begin(self) -> Any:
        """See `Director`: the prices of the relaxation."""
        market, start = self.market, self.proven.prices
        none = Choices(
            jnp.full(market.weight.shape, -1), jnp.full((market.weight.shape[0], *market.edge_budget.shape), -1)
        )
        prices = CapacityPrices(
            jnp.transpose(start.client), jnp.transpose(start.compute), jnp.transpose(start.uplink), start.cloud
        )
        batch = start.cloud.shape
        never = jnp.zeros(batch, dtype=int)
        worth = jnp.full(market.edge_budget.shape, -jnp.inf)
        return _Known(prices, none, none, prices, worth, none, jnp.zeros(batch, dtype=bool), never, never)

    def place(self, known: _Known, turn: Any, plan: Plan, active: Any) -> Placement:
        """See `Director`."""
        all_answer = known.exchanged < self.settings.exchanges
        prices = _pick(all_answer, known.prices, known.best_prices)
        before = _pick(all_answer, known.choices, known.best)
        answer = place_at_prices(self.market, prices, before, self._trial(known, turn, all_answer))
        chosen = _pick(known.untried, known.mixture, answer)
        edge_choice = edges_first(chosen.edge)
        if self.scenarios.batching is not None:
            ones = jnp.ones(edge_choice.shape)
            edge_choice = jax.vmap(within_window)(self.scenarios, edge_choice, ones)
        return placement_of_choices(self.scenarios, self.groups.gathered(chosen.client), edge_choice)

    def _trial(self, known: _Known, turn: Any, all_answer: Any) -> Trial:
        """Who answers, and with what taste: drawn for clients and edges by their numbers, alike in all instances."""
        clients, edges, models = self.scenarios.clients, self.scenarios.edges, self.scenarios.models
        batch = all_answer.shape[0]
        keys = jax.random.split(jax.random.fold_in(jax.random.key(0), turn), 4)
        part = jnp.asarray(_ANSWERING)[turn % len(_ANSWERING)]
        taste = jnp.asarray(_TASTES)[turn // len(_ANSWERING) % len(_TASTES)]

        def draw(key: Any, *shape: int) -> Any:
            return jax.random.uniform(key, shape, dtype=self.market.weight.dtype)

        def tastes(drawn: Any) -> Any:
            own = jnp.where(all_answer, 0.0, taste).reshape((1,) * (drawn.ndim - 1) + (batch,))
            return 1.0 + own * (2.0 * drawn - 1.0)

        def of_each(drawn: Any) -> Any:
            return self.groups.spread(jnp.broadcast_to(drawn[None], (batch, *drawn.shape)))

        step = _step(known)
        edge_part = jnp.maximum(part, _EDGES_ANSWERING)
        return Trial(
            uncertainty=jnp.where(all_answer, _UNCERTAINTY * step, _LATER * _UNCERTAINTY),
            client_free=all_answer[None, None] | (of_each(draw(keys[0], clients)) < part),
            edge_free=all_answer[None] | (draw(keys[1], edges)[:, None] < edge_part),
            client_taste=tastes(of_each(draw(keys[2], clients, models))),
            edge_taste=tastes(draw(keys[3], models, edges)[..., None]),
        )

    def learn(self, known: _Known, turn: Any, news: Round) -> tuple[Any, Any]:
        """See `Director`."""
        exchanges = news.alternates & ~known.untried & (known.exchanged < self.settings.exchanges)
        answered = Choices(self.groups.spread(news.placement.client_choice), edges_last(news.placement.edge_choice))
        told = self._prices(news)
        step = jnp.where(exchanges & news.routed.solved, _step(known), 0.0)
        prices = jax.tree.map(lambda old, new: _moved(old, new, step), known.prices, told)

        better = news.better
        first = ~jnp.isfinite(news.best_before)
        worth = self._worth(news, jnp.where(first, told.cloud, known.best_prices.cloud))
        rises = worth > known.worth + _VISIBLE * jnp.abs(known.worth)
        rises &= (news.alternates & news.routed.solved & ~known.untried & ~first)[None]
        by_group = self.tree.to_groups(rises.astype(worth.dtype)) > 0.0
        mixture = Choices(
            _pick(by_group, answered.client, known.best.client), _pick(rises, answered.edge, known.best.edge)
        )
        best = _pick(better, answered, known.best)
        # A mixture that is the best plan itself has been tried.
        settled = jnp.all(rises, axis=0) if self.scenarios.edges > 1 else jnp.ones_like(better)
        untried = jnp.any(rises, axis=0) & ~settled
        rise = news.best - news.best_before
        visible = better & ~(rise <= _VISIBLE * jnp.abs(news.best))
        stalled = jnp.where(visible, 0, known.stalled + 1)
        new = _Known(
            prices=prices,
            choices=_pick(exchanges, answered, known.choices),
            best=best,
            best_prices=_pick(better, told, known.best_prices),
            worth=jnp.where(better, self._worth(news, told.cloud), known.worth),
            mixture=mixture,
            untried=untried,
            exchanged=known.exchanged + exchanges.astype(int),
            stalled=stalled,
        )
        objective = news.best - serving_bonus(self.scenarios)
        proven = self.proven.bound - objective <= self.gap * objective
        return new, news.alternates & ~proven & (stalled < self.settings.patience)

    def _prices(self, news: Round) -> CapacityPrices:
        """What the offloading step says that capacities are worth."""
        routed = news.routed
        return CapacityPrices(
            client=self.groups.spread(routed.client_price) * self.per_load[None, None],
            compute=edges_last(routed.edge_price * self.per_work),
            uplink=edges_last(routed.edge_uplink_price) * self.per_load[None],
            cloud=routed.cloud_uplink_price * self.per_load,
        )

    def _worth(self, news: Round, cloud_price: Any) -> Any:
        """Of each edge with its clients, at a price of the cloud. ``[E, B]``"""
        plan, problem = news.plan, news.problem
        sent = problem.data * (cloud_price / jnp.where(self.per_load > 0.0, self.per_load, 1.0))[:, None, None]
        worth = problem.local_value * plan.local + problem.edge_value * plan.edge
        worth = worth + (problem.cloud_value - sent) * plan.cloud
        return self.tree.gathered(jnp.sum(self.groups.spread(jnp.sum(worth, axis=2)), axis=0))


def _step(known: _Known) -> Any:
    """1/√k for the k-th exchange. ``[B]``"""
    return 1.0 / jnp.sqrt(known.exchanged.astype(known.worth.dtype) + 1.0)


def _moved(old: Any, new: Any, step: Any) -> Any:
    step = step.reshape((1,) * (old.ndim - 1) + step.shape)
    return jnp.where(step > 0.0, old + step * (new - old), old)


def _pick(where: Any, new: Any, old: Any) -> Any:
    """`new` where it holds, in instances ``[B]`` or at edges ``[E, B]``; `old` elsewhere."""

    def one(a: Any, b: Any) -> Any:
        return jnp.where(where.reshape((1,) * (a.ndim - where.ndim) + where.shape), a, b)

    return jax.tree.map(one, new, old)
