"""Local search over activations: the (edge, task) pairs that pay for the set-up time of their batches, (28).

At the duals of an offloading step the Lagrangian falls apart into pairs: a pair that runs model m earns

    Σ_{c ∈ C_e} max(0, λ̄ a_mt − λ d u_e − λ w_em π_e − n_ct) − π_e β_e ν_em / T_b

where n_ct is what the stream earns elsewhere at these prices. At the solution itself this adds up to its value (strong
duality), at any other choice of pairs and models it bounds the value from above (weak duality). So the difference of
the two, its reduced cost, bounds what a change of a pair can bring; where no change has a positive one, no choice of
pairs and of models that fit is better. The alternation therefore ends with trials of the changes of the highest bounds,
each with an offloading step of its own, until no bound is positive.
"""

from typing import Any, NamedTuple

from ..._compiled_functions import program_beyond_few
from ..._either import each
from ..._either import either as jnp
from ..._model import (
    Placement,
    client_choice_accuracy,
    client_choice_compute,
    model_costs,
    moving_costs,
    normalized_demand,
    sum_per_edge,
)
from ..._scenario import Scenario
from ..._types import AnyArray, Float, Int
from ...routing import Offloading
from .placement import models_in_use

# A bound below this is rounding of the prices.
_LEAST_GAIN = 1e-7


class ActivationBounds(NamedTuple):
    """The best change of every pair of an edge and a task.

    - `gain`: the most that it can bring. ``[*batch, E, T]``
    - `choice`: the model that the pair would run then, −1 for none. ``[*batch, E, T]``
    """

    gain: Float[AnyArray, "*batch E T"]
    choice: Int[AnyArray, "*batch E T"]

    @property
    def any(self) -> Any:
        """Instances ``[*batch]`` with a change that is worth a trial."""
        return jnp.max(self.gain, axis=(-2, -1), initial=-jnp.inf) > _LEAST_GAIN


class ActivationSearch(NamedTuple):
    """Trials of other pairs of edge and task that are open, in every instance.

    - `left`: what is still to try. ``[B, E, T]``
    - `count`: how many trials there were. ``[B]``
    """

    left: ActivationBounds
    count: Any


def initial_search(scenarios: Scenario) -> ActivationSearch | None:
    """Before the first turn; None without batching."""
    if scenarios.batching is None:
        return None
    pairs = (*scenarios.edge_memory.shape, scenarios.demand.shape[2])
    xp = scenarios.demand.__array_namespace__()
    nothing = ActivationBounds(xp.full(pairs, -xp.inf), xp.full(pairs, -1))
    return ActivationSearch(nothing, xp.zeros(pairs[0], dtype=int))


@program_beyond_few
def update_search(
    scenarios: Scenario,
    search: ActivationSearch,
    active: Any,
    tried: Any,
    better: Any,
    placement: Placement,
    routed: Offloading,
) -> ActivationSearch:
    """Update what is left to try after an offloading step of the instances `active`.

    **Arguments:**

    - `tried`: the pair that was changed. ``[B, E, T]``
    - `better`: whether the change stays, and so the prices in `routed` are those of `placement`. ``[B]``
    """
    prices = routed.client_price, routed.edge_price, routed.edge_uplink_price, routed.cloud_uplink_price
    found = each(activation_bounds, scenarios, placement, *prices)
    anew = (active & routed.solved & (better | (search.count == 0)))[:, None, None]
    gain = jnp.where(anew, found.gain, jnp.where(tried, -jnp.inf, search.left.gain))
    left = ActivationBounds(gain, jnp.where(anew, found.choice, search.left.choice))
    return ActivationSearch(left, search.count + active.astype(int))


def activation_bounds(
    scenario: Scenario,
    placement: Placement,
    client_price: Float[AnyArray, " C"],
    edge_price: Float[AnyArray, " E"],
    edge_uplink_price: Float[AnyArray, " E"],
    cloud_uplink_price: Float[AnyArray, ""],
) -> ActivationBounds:
    """Bound what changes of single pairs can bring, at the prices of one scenario's offloading step (reduced costs).

    **Arguments:**

    - `client_price`, …: multipliers of that step, in objective per unit of each capacity.
    """
    assert scenario.batching is not None
    home, weight = scenario.client_edge, normalized_demand(scenario)
    data = scenario.demand * scenario.input_size[None, :]
    on_the_way = data * edge_uplink_price[home][:, None]
    local = weight * client_choice_accuracy(scenario, placement.client_choice)
    local = local - scenario.demand * client_choice_compute(scenario, placement.client_choice) * client_price[:, None]
    local = jnp.where(placement.client_choice >= 0, local, 0.0)
    cloud = weight * scenario.cloud_accuracy[None, :] - on_the_way - data * cloud_uplink_price
    elsewhere = jnp.maximum(jnp.maximum(local, cloud), 0.0)

    costs = model_costs(scenario)
    work = edge_price[:, None] * costs.edge_compute
    toll = scenario.demand[:, None, :] * work[home][:, :, None]
    net = weight[:, None, :] * scenario.edge_accuracy[home] - on_the_way[:, None, :] - toll
    surplus = sum_per_edge(jnp.maximum(net - elsewhere[:, None, :], 0.0), home, scenario.edges)
    limited = jnp.isfinite(scenario.edge_compute)
    rate = jnp.where(limited, edge_price * jnp.where(limited, scenario.edge_compute, 0.0), 0.0)
    worth = surplus - ((rate / scenario.batching.window)[:, None] * scenario.batching.setup)[:, :, None]

    held = placement.edge_models
    free = scenario.edge_memory - jnp.sum(jnp.where(held, costs.edge_memory, 0.0), axis=1)
    fits = held | (costs.edge_memory <= free[:, None])
    xp = placement.edge_choice.__array_namespace__()
    chosen = placement.edge_choice[:, None, :] == xp.arange(scenario.models)[None, :, None]
    moving = moving_costs(scenario)
    if moving is not None:
        # A model that comes is paid for; what only this task uses may go, and its cost with it.
        uses = jnp.sum(jnp.where(chosen, 1, 0), axis=2)
        comes = jnp.where(held, 0.0, moving.edge)[:, :, None]
        worth = worth - jnp.where(chosen & (uses == 1)[:, :, None], moving.edge[:, :, None], comes)
    now = jnp.sum(jnp.where(chosen, worth, 0.0), axis=1)
    others = jnp.where(fits[:, :, None] & ~chosen, worth, -jnp.inf)
    best, model = jnp.max(others, axis=1), jnp.argmax(others, axis=1)
    # To close a pair that is open, or to leave it for another model.
    closes = (placement.edge_choice >= 0) & (best <= 0.0)
    return ActivationBounds(jnp.where(closes, 0.0, best) - now, jnp.where(closes, -1, model))


def best_activation(placement: Placement, found: ActivationBounds) -> tuple[Placement, Any]:
    """Placement of one scenario with the change of the highest bound, and which pair that is ``[E, T]``."""
    pairs = found.gain.shape
    place = jnp.argmax(found.gain.ravel())
    numbers = found.gain.__array_namespace__().arange(found.gain.size)
    here = (numbers == place).reshape(pairs)
    edge_choice = jnp.where(here, found.choice, placement.edge_choice)
    models = placement.edge_models.shape[1]
    changed = placement._replace(edge_choice=edge_choice, edge_models=models_in_use(edge_choice, models))
    return changed, here
