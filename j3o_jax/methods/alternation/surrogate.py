"""The paper's way with 1[λ > 0] in (28): a concave surrogate, linearised where the last round ended, (29).

The paper refers to Cang, Chen and Huang (2023) for its surrogate and prints none. Ours is the logarithm of reweighted
ℓ1 minimisation (Candès, Wakin and Boyd 2008), as a part of its value at the most that can arrive, Λ:

    1[λ > 0] ≈ φ(λ) = log(1 + λ/ε) / log(1 + Λ/ε),    φ(λ) ≤ φ(λ') + φ'(λ') (λ − λ') = θ λ + ψ

with ε = width · Λ. φ is below the indicator where less than Λ arrives, so plans of the linearised program may exceed
the window: they are settled by the true (28).
"""

from typing import Any, NamedTuple

import jax.numpy as jnp

from ..._model import edge_demand
from ..._scenario import Scenario
from ..._types import AnyArray, Float

# An edge serves a task of which less than this arrives, in parts of what could, by mistake.
_NOTHING = 1e-6


class Tangent(NamedTuple):
    """θ (seconds per query) and ψ ``[*batch, E, T]`` of every pair of an edge and a task."""

    slope: Float[AnyArray, "*batch E T"]
    offset: Float[AnyArray, "*batch E T"]


def tangent(scenario: Scenario, arrivals: Float[AnyArray, "E T"], width: Any) -> Tangent:
    """θ and ψ ``[E, T]`` of one scenario where `arrivals` queries/s come."""
    most = edge_demand(scenario, jnp.ones_like(scenario.demand))
    arrivals = jnp.clip(arrivals, 0.0, most)
    at_all = most > 0.0
    most = jnp.where(at_all, most, 1.0)
    whole = jnp.log1p(1.0 / width)
    slope = 1.0 / (whole * (width * most + arrivals))
    offset = jnp.log1p(arrivals / (width * most)) / whole - slope * arrivals
    return Tangent(jnp.where(at_all, slope, 0.0), jnp.where(at_all, jnp.maximum(offset, 0.0), 0.0))


def serves(scenario: Scenario, arrivals: Float[AnyArray, "E T"]) -> Any:
    """Pairs ``[E, T]`` of an edge and a task at which more arrives than a solver's rounding."""
    return arrivals > _NOTHING * edge_demand(scenario, jnp.ones_like(scenario.demand))
