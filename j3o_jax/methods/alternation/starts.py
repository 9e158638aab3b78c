"""Several starts of the alternation, of which the best plan is kept.

The rounds of Algorithm 1 end at the first placement that suits the shares at hand, so that the plan depends on the
shares that they begin from.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from ..._status import succeeded
from ..._types import AnyArray, Float
from .._base import Outcome

# What another start has to be better by: less is the rounding of an offloading step.
_BETTER = 1e-7


class Start(NamedTuple):
    """Shares to begin from, for the share e = min(1, κ_e / Σ λ d) that an edge's uplink takes of all queries.

    Clients have to serve `client` + `client_of_uplink` · e of each stream, edges `edge` + `edge_of_uplink` · e.
    """

    client: AnyArray | float
    client_of_uplink: AnyArray | float
    edge: AnyArray | float
    edge_of_uplink: AnyArray | float


# Of all pairs of seven starts these two leave the least of the gap of the paper's alone, 64 %, in the geometric mean
# over Taskonomy-5, heterogeneous, tight and small scenarios; the three others leave 48 %, at three times its price.
USUAL_STARTS = ("both", "all")

STARTS = {
    "paper": Start(1.0, -1.0, 0.0, 1.0),
    "local": Start(1.0, 0.0, 0.0, 0.0),
    "all": Start(0.0, 0.0, 1.0, 0.0),
    "both": Start(1.0, 0.0, 0.5, 0.0),
}
"""By name. Line 1 of Algorithm 1: what the uplinks take is sent to the edges. Nothing is sent; all is sent; clients are
made ready for all and edges for half of it."""


def start_shares(start: Start, uplink: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Shares that clients and edges have to serve at first, where the uplinks take `uplink` of each stream."""
    return start.client + start.client_of_uplink * uplink, start.edge + start.edge_of_uplink * uplink


def from_all_starts(names: Sequence[str], batch: Any) -> tuple[Any, Float[np.ndarray, "B 4"]]:
    """Repeat a batch for every start, all instances of one before those of the next; with the starts."""
    leaves = jax.tree.leaves(batch)
    xp = leaves[0].__array_namespace__()
    starts = np.repeat([STARTS[name] for name in names], leaves[0].shape[0], axis=0)
    return jax.tree.map(lambda array: xp.concatenate([array] * len(names)), batch), starts


def best_of_all_starts(outcome: Outcome, starts: int) -> Outcome:
    """`best_outcome` of a batch that was repeated by `from_all_starts`."""
    batch = outcome.status.shape[0] // starts
    parts = [slice(number * batch, (number + 1) * batch) for number in range(starts)]
    return best_outcome([jax.tree.map(lambda array, part=part: array[part], outcome) for part in parts])


def best_outcome(outcomes: Sequence[Outcome]) -> Outcome:
    """For each instance the outcome whose plan is worth most, the first one where others are hardly better.

    Its `stats` have the number of the start, `start`, besides. All may be traced.
    """
    xp = outcomes[0].history.__array_namespace__()
    worth = xp.stack([_worth(outcome) for outcome in outcomes])
    highest = xp.max(worth, axis=0, keepdims=True)
    chosen = xp.argmax((worth >= highest - _BETTER) | (worth == highest), axis=0)

    def pick(*arrays: AnyArray) -> AnyArray:
        index = xp.reshape(chosen, (1, -1, *(1,) * (arrays[0].ndim - 1)))
        return xp.take_along_axis(xp.stack(arrays), index, axis=0)[0]

    best = jax.tree.map(pick, *outcomes)
    return best._replace(stats=best.stats | {"start": chosen})


def _worth(outcome: Outcome) -> AnyArray:
    """F ``[B]`` of each plan, −∞ where there is none."""
    xp = outcome.history.__array_namespace__()
    known = xp.max(xp.where(xp.isfinite(outcome.history), outcome.history, -xp.inf), axis=1)
    return xp.where(succeeded(outcome.status), known, -xp.inf)
