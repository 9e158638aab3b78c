"""The setting of the paper's Section VI: a library of models, Table III's devices, Dirichlet demand."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from .._names import Names
from .._scenario import Batching
from ._batching import batching_of
from ._parameters import BATCHING, SCALES, STRUCTURE, TRAFFIC, Parameter
from ._recipe import AbstractRecipe, Sizes
from ._traffic import TRACED, client_blocks, dirichlet_demand, uplinks

INT8_MEMORY = 0.25
"""Memory of a client variant as a fraction of full precision (Section VI-A1, Taskonomy and DomainNet)."""


@dataclasses.dataclass(frozen=True, eq=False)
class Library:
    """The models of a benchmark; Table II of the paper.

    **Arguments:**

    - `tasks`, `models`: names.
    - `accuracy`: accuracy in [0, 1] of both variants on the data of every edge; 0 = unsupported. ``[M, T]``
    - `client_memory`, `edge_memory`: size of each variant, MB. ``[M]``
    - `compute`: cost of both variants, GFLOP/query. ``[M]``
    - `input_size`: of every task, MB/query.
    """

    tasks: tuple[str, ...]
    models: tuple[str, ...]
    accuracy: np.ndarray
    client_memory: np.ndarray
    edge_memory: np.ndarray
    compute: np.ndarray
    input_size: float


@dataclasses.dataclass(frozen=True)
class Devices:
    """Types of devices; they repeat over clients and over edges. MB and GFLOP/s."""

    client_memory: tuple[float, ...]
    client_compute: tuple[float, ...]
    edge_memory: tuple[float, ...]
    edge_compute: tuple[float, ...]


SMALL_DEVICES = Devices(
    client_memory=(24.0, 24.0, 48.0, 48.0, 96.0),
    client_compute=(500.0, 1000.0, 1000.0, 2000.0, 2000.0),
    edge_memory=(512.0, 512.0, 1024.0),
    edge_compute=(10_000.0, 12_000.0, 15_000.0),
)
"""C1 to C5 and E1 to E3 for Taskonomy and DomainNet (Table III)."""

LARGE_DEVICES = Devices(
    client_memory=(1000.0, 2000.0, 2000.0, 3000.0, 4000.0),
    client_compute=(10_000.0, 10_000.0, 15_000.0, 15_000.0, 20_000.0),
    edge_memory=(5000.0, 6000.0, 6000.0),
    edge_compute=(30_000.0, 40_000.0, 50_000.0),
)
"""C1 to C5 and E1 to E3 for Cityscapes (Table III), with 1000 MB to the GB and 1000 GFLOP to the TFLOP."""


@dataclasses.dataclass(frozen=True, eq=False)
class PaperRecipe(AbstractRecipe):
    """Random demand on a fixed library and fixed devices."""

    library: Library
    devices: Devices

    traced: ClassVar[tuple[str, ...]] = TRACED

    def sizes(self, values: Mapping[str, Any]) -> Sizes:
        """As asked for, with the library's tasks and models."""
        return Sizes(values["clients"], values["edges"], len(self.library.tasks), len(self.library.models))

    def names(self, sizes: Sizes) -> Names:
        """Tasks and models by name, clients and edges by number."""
        numbered = Names.numbered(**sizes._asdict())
        return dataclasses.replace(numbered, tasks=self.library.tasks, models=self.library.models)

    def draw(self, key: jax.Array, sizes: Sizes, numbers: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        """Demand, and the uplinks that are fractions of it."""
        demand = dirichlet_demand(key, sizes, numbers)
        input_size = jnp.full(sizes.tasks, self.library.input_size, demand.dtype)
        return {"demand": demand, **uplinks(demand, input_size, sizes, numbers)}

    def common(self, sizes: Sizes, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Build the fields that are the same in every draw: the models, the devices, and each client's edge."""
        library, devices = self.library, self.devices
        accuracy = np.broadcast_to(library.accuracy, (sizes.edges, *library.accuracy.shape))
        return {
            "client_edge": client_blocks(sizes),
            "client_accuracy": accuracy,
            "edge_accuracy": accuracy,
            "cloud_accuracy": np.ones(sizes.tasks),
            "client_model_memory": library.client_memory,
            "edge_model_memory": library.edge_memory,
            "client_model_compute": library.compute,
            "edge_model_compute": library.compute,
            "client_memory": np.resize(devices.client_memory, sizes.clients),
            "client_compute": np.resize(devices.client_compute, sizes.clients),
            "edge_memory": np.resize(devices.edge_memory, sizes.edges),
            "edge_compute": np.resize(devices.edge_compute, sizes.edges),
            "input_size": np.full(sizes.tasks, library.input_size),
        }

    def batching(self, values: Mapping[str, Any], fields: Mapping[str, np.ndarray]) -> Batching | None:
        """As `batching_of`."""
        return batching_of(values, fields)


def paper_settings(total_demand: float) -> dict[str, Parameter]:
    """Parameters of Section VI-A2 with their defaults; `total_demand` is the benchmark's own λ_tot."""
    demand = Parameter(total_demand, "λ_tot, total demand, queries/s")
    return {"total_demand": demand, **TRAFFIC, **SCALES, **STRUCTURE, **BATCHING}
