"""The paper's motivating example: one edge, five clients, two tasks, one model at each node."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import numpy as np

from .._names import Names
from .._scenario import Batching
from ._base import Benchmark
from ._batching import with_setup
from ._parameters import SCALES, STRUCTURE, Parameter
from ._recipe import AbstractRecipe, Sizes

_SIZES = Sizes(clients=5, edges=1, tasks=2, models=3)
_HOT_SHARE = 0.7
_ACCURACY = np.array([[0.9, 0.1], [0.1, 0.9], [0.6, 0.6]])  # m(A), m(B), m(AB) on tasks A and B
_CLIENT_FRACTION = 0.9  # of a model's accuracy, kept by its compressed client variant
_INPUT_SIZE = 1.0  # MB
_MODEL_COMPUTE = 1.5  # GFLOP/query
_CLIENT_COMPUTE = 195.0  # GFLOP/s
_EDGE_COMPUTE = 1000.0  # GFLOP/s
_DESCRIPTION = (
    "The motivating example of Section I-A: one edge, five clients, tasks A and B, models m(A), m(B) and m(AB), "
    "one model at each node, batches at the edge. Nothing in it is random, unless a spread is asked for: then the "
    "uplink and the compute of every node are drawn around their values. "
    "From the paper: all that, and the accuracies. "
    "Assumed: demand, compute, uplink, window and set-up times, such that its Figures 1 and 2 are seen again."
)
_SETTINGS = {
    "proportion_a": Parameter(0.5, "p_A, share of task A in the total demand", high=1.0),
    "hot_share": Parameter(
        0.2, "share of task B's demand at the first client; the others have equal parts of the rest", high=1.0
    ),
    "total_demand": Parameter(1000.0, "λ_tot, total demand, queries/s"),
    "edge_uplink_fraction": Parameter(0.6, "χ_e, uplink that the clients share, as a fraction of all input, MB/MB"),
    "batching_window": Parameter(0.1, "T_b, seconds; None for no batching", low=1e-9, optional=True),
    "setup": Parameter(0.004, "set-up time ν of a batch of m(A), seconds", needs="batching_window"),
    "setup_of_others": Parameter(0.004, "set-up time ν of a batch of m(B) or m(AB), seconds", needs="batching_window"),
    "spread": Parameter(
        0.0,
        "the uplink and the compute of every node are multiplied by uniform draws from 1 − spread to 1 + spread",
        high=1.0,
    ),
    **SCALES,
    "allow_unserved": STRUCTURE["allow_unserved"],
}


def motivating(heterogeneous: bool = False, **parameters: Any) -> Benchmark:
    """Return the example of Section I-A, for Figures 1 and 2.

    `sample(0, n=9, proportion_a=numpy.linspace(0.1, 0.9, 9))` is one row of Figure 1. The text has m(B) at 90 %
    on A and 10 % on B, like m(A); a slip, since the figures make sense the other way round only.

    What the paper leaves out is chosen so that an exact solver shows what it tells: batches of 0 to 60 queries;
    the edge goes from m(B) to m(A) in the middle with homogeneous clients and later with a hot one; and set-up
    times of m(A) up to 35 ms shrink its batches, or make the edge take m(B) at p_A = 0.6. These are ours:

    - 1000 queries/s in all; every node has 1 MB of memory, every model takes 1 MB;
    - an input is 1 MB, and the uplink carries 60 % of all input: 60 queries in a window of 0.1 s;
    - a query costs 1.5 GFLOP and the edge does 1000 GFLOP/s: 1.5 ms per query, 90 ms for 60;
    - a client does 195 GFLOP/s, 65 % of what a fifth of the demand would need;
    - ν is 4 ms for each model;
    - no cloud: its uplink is 0;
    - no randomness, though the figures show probabilities. With `spread` s, the edge's uplink and the compute of the
      edge and of every client are each multiplied by a draw of their own, uniform in [1 − s, 1 + s].

    **Arguments:**

    - `heterogeneous`: whether the first client is hot, with 70 % of task B (the lower row of Figure 1).
    - `parameters`: other defaults.
    """
    if heterogeneous:
        parameters = {"hot_share": _HOT_SHARE} | parameters
    return Benchmark("motivating", _DESCRIPTION, _MotivatingRecipe(), _SETTINGS).with_defaults(**parameters)


@dataclasses.dataclass(frozen=True)
class _MotivatingRecipe(AbstractRecipe):
    traced: ClassVar[tuple[str, ...]] = ("spread", "total_demand", "edge_uplink_fraction")

    def sizes(self, values: Mapping[str, Any]) -> Sizes:
        return _SIZES

    def names(self, sizes: Sizes) -> Names:
        numbered = Names.numbered(**sizes._asdict())
        return dataclasses.replace(numbered, tasks=("A", "B"), models=("m(A)", "m(B)", "m(AB)"))

    def draw(self, key: jax.Array, sizes: Sizes, numbers: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        draws = jax.random.uniform(key, (sizes.clients + 2,), minval=-1.0, maxval=1.0)
        factors = 1.0 + numbers["spread"] * draws
        uplink = numbers["edge_uplink_fraction"] * numbers["total_demand"] * _INPUT_SIZE
        return {
            "edge_uplink": uplink * factors[:1],
            "edge_compute": _EDGE_COMPUTE * factors[1:2],
            "client_compute": _CLIENT_COMPUTE * factors[2:],
        }

    def common(self, sizes: Sizes, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
        C, E, T, M = sizes
        of_a = np.full(C, 1.0 / C)
        hot = values["hot_share"][..., None]
        of_b = np.where(np.arange(C) == 0, hot, (1.0 - hot) / (C - 1))
        total, proportion_a = values["total_demand"][..., None], values["proportion_a"][..., None]
        demand_a, demand_b = total * proportion_a * of_a, total * (1.0 - proportion_a) * of_b
        return {
            "demand": np.stack(np.broadcast_arrays(demand_a, demand_b), axis=-1),
            "client_edge": np.zeros(C, np.int64),
            "client_accuracy": _CLIENT_FRACTION * _ACCURACY[None],
            "edge_accuracy": _ACCURACY[None],
            "cloud_accuracy": np.ones(T),
            "client_model_memory": np.ones(M),
            "edge_model_memory": np.ones(M),
            "client_model_compute": np.full(M, _MODEL_COMPUTE),
            "edge_model_compute": np.full(M, _MODEL_COMPUTE),
            "client_memory": np.ones(C),
            "edge_memory": np.ones(E),
            "cloud_uplink": np.zeros(()),
            "input_size": np.full(T, _INPUT_SIZE),
        }

    def batching(self, values: Mapping[str, Any], fields: Mapping[str, np.ndarray]) -> Batching | None:
        if values["batching_window"] is None:
            return None
        of_a, of_others = np.broadcast_arrays(values["setup"], values["setup_of_others"])
        setup = np.stack([of_a, of_others, of_others], axis=-1)
        return with_setup(values["batching_window"], setup[..., None, :])
