"""Perturbation schedule of the price-directed search: which nodes are re-optimised, with how much noise."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from j3o_kernels.client_groups import ClientGroups
from j3o_kernels.price_placement import CapacityPrices, Perturbation, PlacementData

from .._scenario import Scenario
from .batch_last import expand_like
from .few_shapes import Sizes

# Fraction of nodes that are re-optimised, and amplitude of the noise on their gains, cycled, the largest amplitude
# first because short searches benefit most. Of the edges at least `_EDGES_ANSWERING` are re-optimised.
_ANSWERING = (0.1, 0.3)
_TASTES = (1.0, 0.5, 0.2)
KINDS = len(_ANSWERING) * len(_TASTES)
"""Rounds after which the cycle begins again."""
_EDGES_ANSWERING = 0.34
# A node's price of its own compute is guessed within e^±1 of the last one, which is that of the models it holds now:
# others would make another. For so many nodes it is first raised by this part of what models earn per compute.
_GUESS = 1.0
_MAKES_DEAR = 0.25
_DEAR = 0.1


class Draws(NamedTuple):
    """Numbers in [0, 1) for a round, by number of client and edge and alike in all instances, instances last."""

    client: Any  # [3, K, G, B]
    edge: Any  # [3, E, B]
    client_noise: Any  # [M, K, G, B]
    edge_noise: Any  # [M, E, B]


def draw(scenarios: Scenario, groups: ClientGroups, own: Sizes, turn: Any) -> Draws:
    """Draw the numbers of a round, which depend neither on the batch nor on what pads scenarios to a size."""
    batch, clients = scenarios.demand.shape[:2]
    edges, models = scenarios.edges, scenarios.models
    key = jax.random.key(0, impl="threefry2x32")
    keys = jax.random.split(jax.random.fold_in(key, turn), 4)

    # Four keys, one generator: a number depends on its key and place alone, not on how many are drawn.
    most = max(clients * max(models, 3), edges * max(models, 3))
    numbers = jax.vmap(lambda key: jax.random.uniform(key, (most,), dtype=jnp.float64))(keys)

    def uniform(which: int, rows: int, columns: int, own_columns: Any) -> Any:
        """As many for each row as there are columns in truth."""
        return numbers[which, jnp.arange(rows)[:, None] * own_columns + jnp.arange(columns)[None]]

    def of_clients(drawn: Any) -> Any:
        return groups.to_groups(jnp.broadcast_to(drawn[None], (batch, *drawn.shape)))

    def of_edges(drawn: Any) -> Any:
        return jnp.broadcast_to(drawn[..., None], (*drawn.shape, batch))

    return Draws(
        client=of_clients(uniform(0, clients, 3, 3)),
        edge=of_edges(uniform(1, 3, edges, own.edges)),
        client_noise=of_clients(uniform(2, clients, models, own.models)),
        edge_noise=of_edges(uniform(3, models, edges, own.edges)),
    )


def trial(draws: Draws, turn: Any, searches: Any, uncertainty: Any) -> Perturbation:
    """Perturbation of a round: none, or, where an instance `searches` ``[B]``, noise for some of the nodes."""
    part = jnp.asarray(_ANSWERING)[turn % len(_ANSWERING)]
    taste = jnp.asarray(_TASTES)[turn // len(_ANSWERING) % len(_TASTES)]

    def tastes(drawn: Any) -> Any:
        return 1.0 + jnp.where(expand_like(searches, drawn), taste, 0.0) * (2.0 * drawn - 1.0)

    return Perturbation(
        uncertainty=uncertainty,
        client_free=expand_like(~searches, draws.client[0]) | (draws.client[0] < part),
        edge_free=expand_like(~searches, draws.edge[0]) | (draws.edge[0] < jnp.maximum(part, _EDGES_ANSWERING)),
        client_noise=tastes(draws.client_noise),
        edge_noise=tastes(draws.edge_noise),
    )


def guessed(
    prices: CapacityPrices, draws: Draws, trial: Perturbation, market: PlacementData, own: Sizes, searches: Any
) -> CapacityPrices:
    """Prices with guesses of their own compute's at the nodes that are re-optimised, where an instance searches."""

    def guess(price: Any, drawn: Any, free: Any, accuracy: Any, cost: Any) -> Any:
        rate = jnp.where(cost > 0.0, jnp.max(accuracy, axis=0) / jnp.where(cost > 0.0, cost, 1.0), 0.0)
        dear = jnp.where(
            drawn[1] < _MAKES_DEAR, _DEAR * jnp.sum(rate, axis=0) / jnp.asarray(own.models, dtype=rate.dtype), 0.0
        )
        new = (price + dear) * jnp.exp(_GUESS * (2.0 * drawn[2] - 1.0))
        return jnp.where(free & expand_like(searches, price), new, price)

    return prices._replace(
        client=guess(prices.client, draws.client, trial.client_free, market.client_accuracy, market.client_cost),
        compute=guess(prices.compute, draws.edge, trial.edge_free, market.edge_accuracy, market.edge_cost),
    )
