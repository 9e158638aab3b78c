"""Image models on real devices: accuracy, size and latency as they were measured there."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from .._model import NO_ROOM
from .._names import Names
from .._scenario import Batching
from ._base import Benchmark
from ._batching import batching_of
from ._parameters import BATCHING, SCALES, STRUCTURE, TRAFFIC, Parameter
from ._recipe import AbstractRecipe, Sizes
from ._tables import rows
from ._traffic import TRACED, client_blocks, dirichlet_demand, uplinks

CLIENT_DEVICES = ("QCS8275", "QCS8450", "RB3 Gen 2", "Q-6690", "7 Gen 4")
"""Small devices, in turn those of the clients."""
EDGE_DEVICES = ("IQ-9075", "SA8775P", "X Elite", "SA8295P")
"""Large devices, in turn those of the edges."""

# MB/query: the networks' usual inputs as raw 8-bit RGB, height × width × 3 bytes.
_INPUT_SIZE = {
    "classification": 224 * 224 * 3e-6,
    "detection": 640 * 640 * 3e-6,
    "segmentation": 1024 * 2048 * 3e-6,
    "pose": 256 * 192 * 3e-6,
    "depth": 518 * 518 * 3e-6,
    "super-resolution": 128 * 128 * 3e-6,
}
_DESCRIPTION = (
    "Six image tasks, 60 variants of published networks, each for one task, on nine real devices. "
    "Measured on the devices: accuracy (100 to 1,000 samples, 1 to 3 points uncertain), latency and which variants run "
    "at all. Derived: accuracy as a part of its task's best, since metrics differ; memory is the file's size. "
    "Assumed: memory for models, parallel accelerators at edges, input sizes, a cloud as good as the best variant. "
    "Synthetic: the demand, Dirichlet over clients and over each one's tasks."
)
_SETTINGS = {
    "total_demand": Parameter(4000.0, "λ_tot, total demand, queries/s (assumed)"),
    "client_megabytes": Parameter(64.0, "memory for models at every client, MB (assumed)", high=1e5),
    "edge_megabytes": Parameter(256.0, "memory for models at every edge, MB (assumed)", high=1e5),
    "client_parallel": Parameter(1.0, "accelerators of a client that work side by side (assumed)"),
    "edge_parallel": Parameter(4.0, "accelerators of an edge that work side by side (assumed)"),
    "one_speed": Parameter(
        False,
        "one cost per model and one speed per device, the best that fit the latencies, in place of the latencies",
        kind="flag",
    ),
    **TRAFFIC,
    # Small inputs would all go to the cloud at the paper's fractions.
    "edge_uplink_fraction": dataclasses.replace(TRAFFIC["edge_uplink_fraction"], default=0.3),
    "cloud_uplink_fraction": dataclasses.replace(TRAFFIC["cloud_uplink_fraction"], default=0.05),
    **SCALES,
    **STRUCTURE,
    **BATCHING,
}


def devices(**parameters: Any) -> Benchmark:
    """Deployments of devices whose latencies were measured, model by model.

    Costs are seconds per query of each model at each node, so that a node's compute is the number of its accelerators.
    A variant that does not run on a device has a size there that fits into no memory. Devices and what they can do are
    the same for every seed; the demand is drawn. Of the published variants those are left out that another one of their
    task equals or beats in accuracy, size and latency on all nine devices: no plan needs them.

    With `one_speed` the costs are those of a plan by GFLOPs: a cost for every model times a speed for every device,
    fitted to the logarithms of the same latencies. Beside it the same seed without is what such a plan meets.

    `parameters` are other defaults.
    """
    return Benchmark("devices", _DESCRIPTION, _recipe(), _SETTINGS).with_defaults(**parameters)


@dataclasses.dataclass(frozen=True, eq=False)
class _DeviceRecipe(AbstractRecipe):
    """Random demand on measured devices.

    - `tasks`, `models`: names.
    - `accuracy`: as a part of the task's best, 0 = unsupported. ``[M, T]``
    - `megabytes`: ``[M]``
    - `seconds`: of a query, by device; NaN where the model does not run. Each ``[M]``
    """

    tasks: tuple[str, ...]
    models: tuple[str, ...]
    accuracy: np.ndarray
    megabytes: np.ndarray
    seconds: Mapping[str, np.ndarray]

    traced: ClassVar[tuple[str, ...]] = TRACED

    def sizes(self, values: Mapping[str, Any]) -> Sizes:
        return Sizes(values["clients"], values["edges"], len(self.tasks), len(self.models))

    def names(self, sizes: Sizes) -> Names:
        return Names(
            tasks=self.tasks,
            models=self.models,
            clients=_in_turn(CLIENT_DEVICES, sizes.clients),
            edges=_in_turn(EDGE_DEVICES, sizes.edges),
            client_devices=_types(CLIENT_DEVICES, sizes.clients),
            edge_devices=_types(EDGE_DEVICES, sizes.edges),
        )

    def draw(self, key: jax.Array, sizes: Sizes, numbers: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        demand = dirichlet_demand(key, sizes, numbers)
        return {"demand": demand, **uplinks(demand, jnp.asarray(self._input_size), sizes, numbers)}

    def common(self, sizes: Sizes, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
        accuracy = np.broadcast_to(self.accuracy, (sizes.edges, *self.accuracy.shape))
        return {
            "client_edge": client_blocks(sizes),
            "input_size": self._input_size,
            "client_accuracy": accuracy,
            "edge_accuracy": accuracy,
            "cloud_accuracy": np.ones(sizes.tasks),
            **self._tier("client", CLIENT_DEVICES, sizes.clients, values),
            **self._tier("edge", EDGE_DEVICES, sizes.edges, values),
        }

    def batching(self, values: Mapping[str, Any], fields: Mapping[str, np.ndarray]) -> Batching | None:
        return batching_of(values, fields, edges_differ=not values["one_speed"])

    @property
    def _input_size(self) -> np.ndarray:
        return np.array([_INPUT_SIZE[task] for task in self.tasks])

    def _tier(self, node: str, kinds: tuple[str, ...], count: int, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Costs and capacities of the clients or of the edges."""
        types = _types(kinds, count)
        measured = np.stack([self.seconds[kind] for kind in types])
        runs = np.isfinite(measured)
        cost, speed = self._fitted
        parallel, megabytes = (
            values[f"{node}_{name}"][..., None] * np.ones(count) for name in ("parallel", "megabytes")
        )
        if values["one_speed"]:
            parallel = parallel * np.array([speed[kind] for kind in types])
        return {
            f"{node}_model_compute": cost if values["one_speed"] else np.where(runs, measured, 0.0),
            f"{node}_model_memory": np.where(runs, self.megabytes, NO_ROOM),
            f"{node}_compute": parallel,
            f"{node}_memory": megabytes,
        }

    @functools.cached_property
    def _fitted(self) -> tuple[np.ndarray, dict[str, float]]:
        """Cost of each model, seconds on a device of speed 1, and speed of each device, by least squares of logarithms.

        Speeds are 1 in the geometric mean.
        """
        latencies = np.stack(list(self.seconds.values()), axis=1)
        model, device = np.nonzero(np.isfinite(latencies))
        design = np.zeros((len(model), sum(latencies.shape)))
        design[np.arange(len(model)), model] = 1.0
        design[np.arange(len(model)), len(self.models) + device] = -1.0
        found = np.linalg.lstsq(design, np.log(latencies[model, device]), rcond=None)[0]
        log_cost, log_speed = np.split(found, [len(self.models)])
        mean = log_speed.mean()
        return np.exp(log_cost - mean), dict(zip(self.seconds, np.exp(log_speed - mean), strict=True))


def _types(kinds: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Types of nodes, in turn."""
    return tuple(kinds[index % len(kinds)] for index in range(count))


def _in_turn(kinds: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Names of nodes, whose types are in turn."""
    return tuple(f"{kind} #{index // len(kinds) + 1}" for index, kind in enumerate(_types(kinds, count)))


@functools.cache
def _recipe() -> _DeviceRecipe:
    table = rows("devices")
    tasks = tuple(dict.fromkeys(row["task"] for row in table))
    found = np.array([float(row["accuracy"]) for row in table])
    task = np.array([tasks.index(row["task"]) for row in table])
    best = np.array([found[task == index].max() for index in range(len(tasks))])
    accuracy = np.zeros((len(table), len(tasks)))
    accuracy[np.arange(len(table)), task] = found / best[task]
    return _DeviceRecipe(
        tasks=tasks,
        models=tuple(f"{row['model']} {row['precision']}" for row in table),
        accuracy=accuracy,
        megabytes=np.array([float(row["megabytes"]) for row in table]),
        seconds={
            name: np.array([float(row[name] or "nan") * 1e-3 for row in table])
            for name in (*CLIENT_DEVICES, *EDGE_DEVICES)
        },
    )
