"""Random scenarios, as hard and as large as wanted: nodes, models, tasks and data all differ."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from .._names import Names
from .._scenario import Batching
from ._base import Benchmark
from ._batching import batching_of
from ._parameters import BATCHING, SCALES, STRUCTURE, TRAFFIC, Parameter
from ._recipe import AbstractRecipe, Sizes
from ._traffic import TRACED, client_blocks, dirichlet_demand, uplinks

# Medians of an edge variant of a model of one task, near the paper's Table II.
_MODEL_MEMORY = 80.0  # MB
_MODEL_COMPUTE = 8.0  # GFLOP/query
# What one more task adds to a model, as a fraction of a model of one task.
_MEMORY_OF_TASK = 0.1
_COMPUTE_OF_TASK = 0.15
_ERROR_OF_TASK = 0.05
_MORE_TASKS = 0.35  # probability of each task that a model need not have
_ALIKE = 0.7  # correlation of log size and log compute
_POWER = 0.25  # the error falls with size^-0.25 and with compute^-0.25
_WORST_ERROR = 0.95  # a task that a model supports is never quite without use

# Ranges that are drawn from, log-uniformly.
_ALONE_ERROR = (0.08, 0.35)  # of a median model of one task
_INPUT_SIZE = (0.2, 3.0)  # MB/query
_CLIENT_VARIANT_MEMORY = (0.25, 0.5)  # of the edge variant's
_CLIENT_VARIANT_COMPUTE = (0.5, 1.0)
_CLIENT_VARIANT_ERROR = (1.05, 1.4)
_CLIENT_MEMORY = (0.5, 2.0)  # of a median edge variant
_EDGE_MEMORY = (3.0, 10.0)
_CLIENT_COMPUTE = (0.15, 1.2)  # of what the median model needs for a mean client's demand
_EDGE_COMPUTE = (0.2, 0.8)  # of what the median model needs for a mean edge's demand
_CLOUD_ACCURACY = (0.95, 1.0)

_DESCRIPTION = (
    "Random scenarios that differ in everything: models in size, compute, tasks and accuracy, client variants "
    "smaller and worse, accuracy by each edge's data, inputs by task, every node's capacities. "
    "All of it is SYNTHETIC; only the orders of magnitude are those of the paper's Tables II and III."
)
_SETTINGS = {
    "tasks": Parameter(5, "number of tasks", kind="count", low=1.0, high=1e3),
    "models": Parameter(31, "number of models", kind="count", low=1.0, high=1e5),
    "size_spread": Parameter(0.6, "standard deviation of the logarithm of model sizes", high=3.0),
    "compute_spread": Parameter(0.6, "standard deviation of the logarithm of models' compute", high=3.0),
    "accuracy_spread": Parameter(
        0.2, "standard deviation of the logarithm of errors, over models and tasks and over edges", high=3.0
    ),
    "tightness": Parameter(1.0, "factor on every capacity, uplinks included; smaller is tighter"),
    "total_demand": Parameter(4000.0, "λ_tot, total demand, queries/s; compute and uplinks grow with it"),
    **TRAFFIC,
    **SCALES,
    **STRUCTURE,
    **BATCHING,
}


def heterogeneous(**parameters: Any) -> Benchmark:
    """Random scenarios whose trade-offs are real: a larger or slower model tends to be more accurate.

    Sizes and compute are log-normal and correlated. Errors are a task's own, times a power of size and compute,
    times log-normal factors of model and task and of the edge's data; each further task of a model costs memory,
    compute and some accuracy. Every model supports a random non-empty set of tasks, every task is supported by
    at least one model. Capacities are proportional to `tightness`; those of compute and uplinks also to the
    total demand per node, so that a scenario of 3,000 clients is as tight as one of 30.

    `parameters` are other defaults: `clients`, `edges`, `tasks`, `models`, `size_spread`, `compute_spread`,
    `accuracy_spread`, `tightness` and those of the other benchmarks.
    """
    return Benchmark("heterogeneous", _DESCRIPTION, _HeterogeneousRecipe(), _SETTINGS).with_defaults(**parameters)


@dataclasses.dataclass(frozen=True)
class _HeterogeneousRecipe(AbstractRecipe):
    traced: ClassVar[tuple[str, ...]] = (
        *TRACED,
        "size_spread",
        "compute_spread",
        "accuracy_spread",
        "tightness",
    )

    def sizes(self, values: Mapping[str, Any]) -> Sizes:
        return Sizes(values["clients"], values["edges"], values["tasks"], values["models"])

    def names(self, sizes: Sizes) -> Names:
        return Names.numbered(**sizes._asdict())

    def draw(self, key: jax.Array, sizes: Sizes, numbers: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        C, E, T, M = sizes
        demand_key, uniform_key, normal_key = jax.random.split(key, 3)
        uniform = _draw_pieces(
            jax.random.uniform,
            uniform_key,
            {
                "input_size": (T,),
                "task": (T,),
                "cloud": (T,),
                "support": (M, T),
                "client_variant": (3, M),
                "client": (2, C),
                "edge": (2, E),
            },
        )
        normal = _draw_pieces(jax.random.normal, normal_key, {"cost": (2, M), "skill": (1, M, T), "data": (E, M, T)})
        demand = dirichlet_demand(demand_key, sizes, numbers)
        input_size = _log_uniform(uniform["input_size"], _INPUT_SIZE)
        carried = uplinks(demand, input_size, sizes, numbers)
        return {
            "demand": demand,
            "input_size": input_size,
            "cloud_accuracy": _log_uniform(uniform["cloud"], _CLOUD_ACCURACY),
            **{name: numbers["tightness"] * uplink for name, uplink in carried.items()},
            **_library(uniform, normal, sizes, numbers),
            **_capacities(uniform, sizes, numbers),
        }

    def common(self, sizes: Sizes, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
        return {"client_edge": client_blocks(sizes)}

    def batching(self, values: Mapping[str, Any], fields: Mapping[str, np.ndarray]) -> Batching | None:
        return batching_of(values, fields)


def _draw_pieces(
    draw: Callable[..., jax.Array], key: jax.Array, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, jax.Array]:
    """Independent numbers of every shape, cut from one draw, since each draw takes a second to compile."""
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
    pieces = jnp.split(draw(key, (int(ends[-1]),), jnp.float64), ends[:-1])
    return {name: piece.reshape(shape) for (name, shape), piece in zip(shapes.items(), pieces, strict=True)}


def _library(
    uniform: Mapping[str, jax.Array],
    normal: Mapping[str, jax.Array],
    sizes: Sizes,
    numbers: Mapping[str, jax.Array],
) -> dict[str, jax.Array]:
    """Model library: which tasks models support, what they cost and how accurate they are."""
    supported = jnp.asarray(_always_supported(sizes)) | (uniform["support"] < _MORE_TASKS)
    further = jnp.sum(jnp.where(supported, 1.0, 0.0), axis=1) - 1.0

    size, other = normal["cost"]
    log_size = numbers["size_spread"] * size
    log_compute = numbers["compute_spread"] * (_ALIKE * size + math.sqrt(1.0 - _ALIKE**2) * other)
    memory = _MODEL_MEMORY * jnp.exp(log_size) * (1.0 + _MEMORY_OF_TASK * further)
    compute = _MODEL_COMPUTE * jnp.exp(log_compute) * (1.0 + _COMPUTE_OF_TASK * further)

    of_task = _log_uniform(uniform["task"], _ALONE_ERROR)
    of_model = jnp.exp(-_POWER * (log_size + log_compute)) * (1.0 + _ERROR_OF_TASK * further)
    # Half the variance belongs to the model and the task, half to the edge's data as well.
    chance = jnp.exp(numbers["accuracy_spread"] * math.sqrt(0.5) * (normal["skill"] + normal["data"]))
    error = of_model[None, :, None] * of_task[None, None, :] * chance

    smaller, faster, worse = uniform["client_variant"]
    client_error = error * _log_uniform(worse, _CLIENT_VARIANT_ERROR)[None, :, None]
    return {
        "client_accuracy": _accuracy(client_error, supported),
        "edge_accuracy": _accuracy(error, supported),
        "client_model_memory": memory * _log_uniform(smaller, _CLIENT_VARIANT_MEMORY),
        "edge_model_memory": memory,
        "client_model_compute": compute * _log_uniform(faster, _CLIENT_VARIANT_COMPUTE),
        "edge_model_compute": compute,
    }


def _always_supported(sizes: Sizes) -> np.ndarray:
    """One task for every model and one model for every task, in turn; the rest is chance, ``[M, T]``."""
    models, tasks = np.arange(sizes.models)[:, None], np.arange(sizes.tasks)[None, :]
    return (models % sizes.tasks == tasks) | (tasks % sizes.models == models)


def _capacities(
    uniform: Mapping[str, jax.Array], sizes: Sizes, numbers: Mapping[str, jax.Array]
) -> dict[str, jax.Array]:
    """Memory and compute of every node."""
    memory = numbers["tightness"] * _MODEL_MEMORY
    compute = numbers["tightness"] * numbers["total_demand"] * _MODEL_COMPUTE
    return {
        "client_memory": memory * _log_uniform(uniform["client"][0], _CLIENT_MEMORY),
        "client_compute": compute / sizes.clients * _log_uniform(uniform["client"][1], _CLIENT_COMPUTE),
        "edge_memory": memory * _log_uniform(uniform["edge"][0], _EDGE_MEMORY),
        "edge_compute": compute / sizes.edges * _log_uniform(uniform["edge"][1], _EDGE_COMPUTE),
    }


def _accuracy(error: jax.Array, supported: jax.Array) -> jax.Array:
    return jnp.where(supported[None], 1.0 - jnp.minimum(error, _WORST_ERROR), 0.0)


def _log_uniform(uniform: jax.Array, ends: tuple[float, float]) -> jax.Array:
    """Numbers between `ends` whose logarithms are uniform, from numbers uniform on [0, 1)."""
    low, high = ends
    return low * jnp.exp(math.log(high / low) * uniform)
