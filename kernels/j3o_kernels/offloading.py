"""The offloading step (17): a linear program over a tree of clients, edges and one cloud."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Bool, Float, Int

AnyArray = Array | np.ndarray


class OffloadingProblem(NamedTuple):
    """The linear program (17) with x and z fixed, all its numbers finite.

    Maximise Σ local·local_value + edge·edge_value + cloud·cloud_value over shares ≥ 0 with
    local + edge + cloud + unserved = 1 for every stream, a share being 0 where it is not open, under

        Σ_t local·local_load ≤ client_compute   (9)       Σ_{c∈C_e,t} edge·edge_load ≤ edge_compute        (10)
        Σ_{c,t} cloud·data   ≤ cloud_uplink    (12)       Σ_{c∈C_e,t} (edge + cloud)·data ≤ edge_uplink   (11)

    `wanted` marks the streams with demand. With batching, `edge_compute` is what (28) leaves after the set-up times
    of the tasks that are open.

    Shapes are those of one instance; batches have their axis in front, or, in the batched kernel, at the end.
    """

    client_edge: Int[AnyArray, "*batch C"]
    wanted: Bool[AnyArray, "*batch C T"]
    local_value: Float[AnyArray, "*batch C T"]
    edge_value: Float[AnyArray, "*batch C T"]
    cloud_value: Float[AnyArray, "*batch C T"]
    local_load: Float[AnyArray, "*batch C T"]
    edge_load: Float[AnyArray, "*batch C T"]
    data: Float[AnyArray, "*batch C T"]
    local_open: Bool[AnyArray, "*batch C T"]
    edge_open: Bool[AnyArray, "*batch C T"]
    cloud_open: Bool[AnyArray, "*batch C T"]
    client_compute: Float[AnyArray, "*batch C"]
    edge_compute: Float[AnyArray, "*batch E"]
    edge_uplink: Float[AnyArray, "*batch E"]
    cloud_uplink: Float[AnyArray, "*batch"]
