"""Objectives of a placement for many scenarios: the mean of their values, that of the worst of them, or a mixture.

With the weights w of the scenarios, the conditional value at risk of values F at a tail α is the mean of the worst part
α (Rockafellar and Uryasev 2000),

    CVaR_α(F) = max_η  η − Σ_s w_s max(0, η − F_s) / α = min { Σ_s r_s F_s : 0 ≤ r ≤ w / α, Σ_s r_s = 1 },

so that every weighting out of that set, the risk envelope, bounds it from above.
"""

from typing import Any

import equinox as eqx
import numpy as np

from ._either import either as jnp
from ._types import AnyArray, Float


class Risk(eqx.Module):
    """Objective of a placement for many scenarios: (1 − γ) Σ_s w_s F_s + γ CVaR_α(F). A pytree.

    **Arguments:**

    - `weights`: w ≥ 0 of the scenarios, which sum to 1. ``[S]``
    - `tail`: α, the part of the scenarios that counts as the worst; 1 is all of them, and so the mean. ``[]``
    - `tail_weight`: γ in [0, 1], what the worst part counts. ``[]``
    """

    weights: Float[AnyArray, " S"]
    tail: Float[AnyArray, ""]
    tail_weight: Float[AnyArray, ""]

    def dual_weights(self, values: Float[AnyArray, " S"]) -> Float[AnyArray, " S"]:
        """Weights of the risk envelope at which Σ_s q_s F_s is the objective of these values."""
        weights, numbers = self.weights, np.arange(values.shape[0])
        # By comparisons, for what sorts is no compilation unit.
        earlier = numbers[:, None] < numbers[None, :]
        worse = (values[:, None] < values[None, :]) | ((values[:, None] == values[None, :]) & earlier)
        before = jnp.sum(jnp.where(worse, weights[:, None], 0.0), axis=0)
        worst = jnp.clip(self.tail - before, 0.0, weights) / self.tail
        return (1.0 - self.tail_weight) * weights + self.tail_weight * worst

    def value(self, values: Float[AnyArray, " S"]) -> Float[AnyArray, ""]:
        """Objective of the values of all scenarios."""
        dual = self.dual_weights(values)
        return jnp.sum(jnp.where(dual > 0.0, dual * values, 0.0))


def mean_of(weights: Any) -> Risk:
    """Objective that is the mean."""
    return Risk(np.asarray(weights, dtype=np.float64), np.asarray(1.0), np.asarray(0.0))


class SharedObjective(eqx.Module):
    """What one placement is worth in many scenarios, and a bound on that of every other. A pytree.

    **Arguments:**

    - `risk`: the objective, with the weights of the scenarios.
    - `value`: of the plans; NaN where a scenario has none. ``[]``
    - `bound`: an upper bound for every common placement, proven where the plans have a certificate, else the word of
      the solver; NaN where there is none. ``[]``
    - `dual_weights`: weighting of the scenarios, out of the risk envelope, at which the certificate proves it: no
      placement is worth more of Σ_s q_s F_s, and so of the objective. The weights themselves where that is the mean.
      ``[S]``
    """

    risk: Risk
    value: Float[AnyArray, ""]
    bound: Float[AnyArray, ""]
    dual_weights: Float[AnyArray, " S"]

    @property
    def gap(self) -> float:
        """(bound − value) / value: how far from the best placement this one can be at most; NaN if unproven."""
        value, bound = float(self.value), float(self.bound)
        return 0.0 if value == bound else (bound - value) / value if value else np.inf if bound > value else np.nan
