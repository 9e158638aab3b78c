"""The dual bound D taken apart by nodes, to bound scenarios that differ in their nodes alone.

With the worths of streams n and the prices of links u, v fixed, every other term of D (`price_bound.py`) belongs to one
node, and the price of the node's own compute is in no other term:

    D = Σ n + v κ_s + Σ_c min_α [α β + set(α)] + Σ_e (u κ + min_π [π β + set(π)])

So whatever capacities and costs a node is given, its term is found once for all scenarios that it stands in, at the
price that suits it; and the sum of the terms is a valid bound for each of them.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .price_bound import Prices, best_sets, rounding_up
from .relaxation_program import RelaxationProblem

# Golden-section steps: each leaves 0.62 of the interval that the best price is in, all of them 3e-5.
_CUTS = 22
_GOLDEN = 0.5 * (5.0**0.5 - 1.0)


class NodeTerms(NamedTuple):
    """Terms of D, rounded up: their sum is a bound.

    - `shared`: Σ n. ``[B]``
    - `client` ``[B, G, K]``, `edge` ``[B, E]``: of a node, with its capacities and, at edges, its uplink.
    - `cloud`: of the cloud's uplink. ``[B]``
    """

    shared: Any
    client: Any
    edge: Any
    cloud: Any


class _Interval(NamedTuple):
    """Interval of the price of each node's compute, two prices inside it and the terms there."""

    low: Any
    high: Any
    left: Any
    right: Any
    at_left: Any
    at_right: Any


def node_terms(problem: RelaxationProblem, prices: Prices) -> NodeTerms:
    """Terms of D by node, each at nearly the best price of the node's own compute.

    **Arguments:**

    - `prices`: n, u and v, all ≥ 0, with n at least what the cloud leaves of a stream; prices of compute are not read.
      Links keep their price also where nothing could ever fill them: they count as what could load them at most.
    """
    compute_limit = tuple(jnp.minimum(limit, 1.0) for limit in (problem.client_limit, problem.edge_limit))
    scarce = tuple(limit < 1.0 for limit in (problem.client_limit, problem.edge_limit))
    stream, _, _, uplink, cloud = prices

    def terms(compute: tuple[Array, ...]) -> tuple[Array, ...]:
        sets = best_sets(problem, Prices(stream, compute[0], compute[1], uplink, cloud))
        priced = zip(compute, compute_limit, sets, strict=True)
        return tuple(price * limit + earned for price, limit, earned in priced)

    free = tuple(jnp.zeros_like(limit) for limit in compute_limit)
    at_free = terms(free)
    # A set earns nothing below 0, so that no price beyond is better than none.
    highest = tuple(
        jnp.where(has & (limit > 0.0), most / jnp.where(limit > 0.0, limit, 1.0), 0.0)
        for has, limit, most in zip(scarce, compute_limit, at_free, strict=True)
    )
    left, right = (tuple(part * high for high in highest) for part in (1.0 - _GOLDEN, _GOLDEN))
    interval = _Interval(free, highest, left, right, terms(left), terms(right))

    def cut(_: Array, state: tuple[_Interval, Any]) -> tuple[_Interval, Any]:
        interval, least = state
        new = tuple(map(_new_price, *interval))
        at_new = terms(new)
        interval = _Interval(*zip(*map(_shorter, *interval, new, at_new), strict=True))
        return interval, tuple(map(jnp.minimum, least, at_new))

    least = tuple(map(jnp.minimum, at_free, map(jnp.minimum, interval.at_left, interval.at_right)))
    _, (client, edge) = jax.lax.fori_loop(0, _CUTS, cut, (interval, least))
    up = rounding_up(problem)
    return NodeTerms(
        shared=jnp.sum(stream, axis=(1, 2, 3)) * up,
        client=client * up,
        edge=(edge + uplink * jnp.minimum(problem.uplink_limit, 1.0)) * up,
        cloud=cloud * jnp.minimum(problem.cloud_limit, 1.0) * up,
    )


def _new_price(low: Array, high: Array, left: Array, right: Array, at_left: Array, at_right: Array) -> Array:
    """Price at which the next term is evaluated: in the golden section of what is left of the interval."""
    return jnp.where(at_left < at_right, right - _GOLDEN * (right - low), left + _GOLDEN * (high - left))


def _shorter(
    low: Array, high: Array, left: Array, right: Array, at_left: Array, at_right: Array, new: Array, at_new: Array
) -> tuple[Array, ...]:
    """Interval without the part where the term, which is convex but for its bound's looseness, has no minimum."""
    below = at_left < at_right

    def either(first: Array, second: Array) -> Array:
        return jnp.where(below, first, second)

    return (
        either(low, left),
        either(right, high),
        either(new, right),
        either(left, new),
        either(at_new, at_right),
        either(at_left, at_new),
    )
