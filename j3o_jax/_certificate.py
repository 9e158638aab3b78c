"""The prices that prove a bound, so that anyone can recompute it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ._types import AnyArray, Bool, Float

# A plan is accepted if it keeps every limit to this part of the limit, so that it may be worth more by as much.
TOLERANCE = 1e-6


class Certificate(eqx.Module):
    """Prices at which no plan of a scenario is worth more than `Solution.bound`. A frozen pytree; all are ≥ 0.

    Prices are in objective per unit of load of an average query: a client that may compute β GFLOP/s is worth
    α β / λ_tot. ``docs/certificates.md`` has the formula that they prove the bound by. In a batch, an instance without
    a certificate has NaN throughout.

    **Arguments:**

    - `stream`: n, the least that a query of each stream is worth anyway. ``[C, T]``
    - `client_compute`: α ``[C]``, `edge_compute`: π ``[E]``, per GFLOP.
    - `edge_uplink`: u ``[E]``, `cloud_uplink`: v ``[]``, per MB.
    """

    stream: Float[AnyArray, "*batch C T"]
    client_compute: Float[AnyArray, "*batch C"]
    edge_compute: Float[AnyArray, "*batch E"]
    edge_uplink: Float[AnyArray, "*batch E"]
    cloud_uplink: Float[AnyArray, "*batch"]

    @property
    def present(self) -> Bool[AnyArray, "*batch"]:
        """Which instances have one."""
        return ~np.isnan(np.asarray(self.cloud_uplink))


def chosen_certificate(
    where: Bool[AnyArray, "*batch"], one: Certificate, other: Certificate | None = None
) -> Certificate:
    """Instance by instance the first certificate `where` it is said, and elsewhere the other one, or none."""
    xp = jnp if any(isinstance(array, jax.Array) for array in jax.tree.leaves((where, one))) else np

    def chosen(first: AnyArray, second: AnyArray) -> AnyArray:
        return xp.where(where.reshape(where.shape + (1,) * (first.ndim - where.ndim)), first, second)

    where = xp.asarray(where)
    if other is None:
        return jax.tree.map(lambda first: chosen(xp.asarray(first), xp.asarray(np.nan)), one)
    return jax.tree.map(lambda *both: chosen(*map(xp.asarray, both)), one, other)


def but_for_rounding(bound: np.ndarray, value: np.ndarray, accuracy: np.ndarray | None = None) -> np.ndarray:
    """Bounds, of which one that lies below the objective by no more than the last bits of a sum is the objective.

    **Arguments:**

    - `accuracy`: F of the plans, where their objectives are less than that by what moving models costs.
    """
    of = value if accuracy is None else 2.0 * accuracy - value
    bits = 16.0 * np.finfo(np.float64).eps * np.abs(of)
    return np.where((bound < value) & (bound >= value - bits), value, bound)


def is_refuted(bound: AnyArray, value: AnyArray, accuracy: AnyArray | None = None) -> AnyArray:
    """Where a plan is worth more than its bound, beyond what it may exceed its limits by; not where there is none.

    **Arguments:**

    - `accuracy`: F of the plans, where their objectives are less than that by what moving models costs.
    """
    if accuracy is not None:
        return bound < value - TOLERANCE * (2.0 * accuracy - value) - 1e-12
    return bound < value * (1.0 - TOLERANCE) - 1e-12
