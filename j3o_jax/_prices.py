"""Shadow prices of a plan's limits."""

import equinox as eqx

from ._types import AnyArray, Float


class Prices(eqx.Module):
    """Shadow prices of every limit, in objective per unit of it; all are ≥ 0, NaN where they are not known.

    Those of compute and links are the multipliers of the offloading step (17) of the plan's own placement: what queries
    gain that go elsewhere when there is a little more room. Where the step is degenerate, they lie between what a
    little more brings and what a little less costs. Those of memory are of the relaxation: what a MB is worth at the
    prices of the certificate, if models could be held in part. A frozen pytree.

    **Arguments:**

    - `client_compute` ``[C]``, `edge_compute` ``[E]``: per GFLOP/s, or per s/s of measured devices.
    - `edge_uplink` ``[E]``, `cloud_uplink` ``[]``: per MB/s.
    - `client_memory` ``[C]``, `edge_memory` ``[E]``: per MB; NaN for plans without a certificate.
    """

    client_compute: Float[AnyArray, "*batch C"]
    edge_compute: Float[AnyArray, "*batch E"]
    edge_uplink: Float[AnyArray, "*batch E"]
    cloud_uplink: Float[AnyArray, "*batch"]
    client_memory: Float[AnyArray, "*batch C"]
    edge_memory: Float[AnyArray, "*batch E"]
