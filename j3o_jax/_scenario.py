"""The problem's data: who asks for what, which models there are, and what every node can bear."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.core import Tracer

from ._batch import pick_instances
from ._names import Names
from ._types import AnyArray, Bool, Float, Int
from ._validate import RULES, Problem, as_array, check_shapes, value_problems


class Batching(eqx.Module):
    """Batched execution at the edges (Section V of the paper).

    **Arguments:**

    - `window`: T_b per edge, seconds, > 0. ``[E]``
    - `setup`: ν, the set-up time of a batch of each model at each edge, seconds, >= 0. ``[E, M]``
    """

    window: Float[AnyArray, "*batch E"]
    setup: Float[AnyArray, "*batch E M"]

    def __init__(self, window: Any, setup: Any):
        self.window = as_array("batching.window", window, np.float64)
        self.setup = as_array("batching.setup", setup, np.float64)


class Switching(eqx.Module):
    """Cost of moving models: of holding at a node what was not held there before. Dropping a model costs nothing.

    **Arguments:**

    - `client_held` ``[C, M]``, `edge_held` ``[E, M]``: models that each node holds already, true or false.
    - `cost_per_mb`: what a MB that is moved costs, in objective (accuracy), >= 0. ``[]``
    """

    client_held: Bool[AnyArray, "*batch C M"]
    edge_held: Bool[AnyArray, "*batch E M"]
    cost_per_mb: Float[AnyArray, "*batch"]

    def __init__(self, client_held: Any, edge_held: Any, cost_per_mb: Any):
        self.client_held = as_array("switching.client_held", client_held, np.bool_)
        self.edge_held = as_array("switching.edge_held", edge_held, np.bool_)
        self.cost_per_mb = as_array("switching.cost_per_mb", cost_per_mb, np.float64)


class Scenario(eqx.Module):
    """One scenario, or a batch of them: every array may carry the same leading batch axes.

    A frozen pytree. Arrays are kept as float64 (`client_edge` as int64) NumPy arrays, whatever came in;
    under a JAX transformation they are tracers. Keyword-only.

    **Arguments:** (axes: ``C`` clients, ``E`` edges, ``T`` tasks, ``M`` models)

    - `demand`: λ, queries/s. ``[C, T]``
    - `client_edge`: index of the edge that each client is connected to. ``[C]``
    - `client_accuracy`, `edge_accuracy`: accuracy in [0, 1] of each model's client and edge variant on the
      data of each edge; 0 means that the task is not supported. ``[E, M, T]``
    - `cloud_accuracy`: accuracy of the cloud. ``[T]``
    - `client_model_memory`, `edge_model_memory`: size of each variant, MB. ``[M]``
    - `client_model_compute`, `edge_model_compute`: cost of each variant, GFLOP/query. ``[M]``
      Where devices differ, each of these four may be given for every client, ``[C, M]``, or edge, ``[E, M]``: with one
      axis more, after any batch axes. With seconds per query as cost, a capacity of 1 is one device fully used.
    - `client_memory` (MB), `client_compute` (GFLOP/s): capacities of the clients. ``[C]``
    - `edge_memory` (MB), `edge_compute` (GFLOP/s), `edge_uplink` (κ_e, MB/s): capacities of the edges. ``[E]``
    - `cloud_uplink`: κ_s, MB/s. ``[]``
    - `input_size`: MB/query. ``[T]``
    - `batching`: a `Batching`, or None for the compute limit (10) at the edges.
    - `allow_unserved`: whether a query may be left unserved, at accuracy 0. If False, every query must reach a model
      or a cloud that supports its task.
    - `switching`: a `Switching`, or None where it costs nothing to move models. Then the objective is accuracy less
      `cost_per_mb` for every MB of models that a node holds and did not hold before, by its own sizes.
    - `names`: what tasks, models, clients and edges are called, if they have names.

    Capacities may be infinite, which means "no limit".

    **Raises:** `ValueError` that names the field and what it wants, for a wrong shape or type, and, where a
    single scenario is given, for the first entry out of range. The entries of a batch are looked at by
    `solve`, which can mark bad instances instead of refusing the batch.
    """

    demand: Float[AnyArray, "*batch C T"]
    client_edge: Int[AnyArray, "*batch C"]
    client_accuracy: Float[AnyArray, "*batch E M T"]
    edge_accuracy: Float[AnyArray, "*batch E M T"]
    cloud_accuracy: Float[AnyArray, "*batch T"]
    client_model_memory: Float[AnyArray, "*batch M"] | Float[AnyArray, "*batch C M"]
    edge_model_memory: Float[AnyArray, "*batch M"] | Float[AnyArray, "*batch E M"]
    client_model_compute: Float[AnyArray, "*batch M"] | Float[AnyArray, "*batch C M"]
    edge_model_compute: Float[AnyArray, "*batch M"] | Float[AnyArray, "*batch E M"]
    client_memory: Float[AnyArray, "*batch C"]
    client_compute: Float[AnyArray, "*batch C"]
    edge_memory: Float[AnyArray, "*batch E"]
    edge_compute: Float[AnyArray, "*batch E"]
    edge_uplink: Float[AnyArray, "*batch E"]
    cloud_uplink: Float[AnyArray, "*batch"]
    input_size: Float[AnyArray, "*batch T"]
    batching: Batching | None
    allow_unserved: bool = eqx.field(static=True)
    names: Names | None = eqx.field(static=True)
    switching: Switching | None = None

    def __init__(
        self,
        *,
        demand: Any,
        client_edge: Any,
        client_accuracy: Any,
        edge_accuracy: Any,
        cloud_accuracy: Any,
        client_model_memory: Any,
        edge_model_memory: Any,
        client_model_compute: Any,
        edge_model_compute: Any,
        client_memory: Any,
        client_compute: Any,
        edge_memory: Any,
        edge_compute: Any,
        edge_uplink: Any,
        cloud_uplink: Any,
        input_size: Any,
        batching: Batching | None = None,
        allow_unserved: bool = True,
        names: Names | None = None,
        switching: Switching | None = None,
    ):
        given = locals()
        for name in RULES:
            dtype = np.int64 if name == "client_edge" else np.float64
            setattr(self, name, as_array(name, given[name], dtype))
        if not (batching is None or isinstance(batching, Batching)):
            raise ValueError(f"batching: wants a Batching or None, got {batching!r}")
        if not (switching is None or isinstance(switching, Switching)):
            raise ValueError(f"switching: wants a Switching or None, got {switching!r}")
        if not isinstance(allow_unserved, bool | np.bool_):
            raise ValueError(f"allow_unserved: wants True or False, got {allow_unserved!r}")
        self.batching = batching
        self.allow_unserved = bool(allow_unserved)
        self.names = names
        self.switching = switching
        batch, sizes = check_shapes(self.arrays())
        if names is not None:
            _check_names(names, sizes)
        if batch == ():
            self.require_valid()

    def arrays(self) -> dict[str, AnyArray]:
        """Return the array fields by name; those of `batching` as ``batching.window``, of `switching` likewise."""
        fields = {name: getattr(self, name) for name in RULES}
        if self.batching is not None:
            fields |= {"batching.window": self.batching.window, "batching.setup": self.batching.setup}
        if self.switching is not None:
            fields |= {f"switching.{name}": array for name, array in vars(self.switching).items()}
        return fields

    def with_arrays(self, arrays: Mapping[str, Any]) -> "Scenario":
        """Return the scenario with other arrays, named as in `arrays`, which may have other batch axes."""
        fields = dict(arrays)
        for part in ("batching", "switching"):
            own = {name.removeprefix(f"{part}."): fields.pop(name) for name in [*fields] if name.startswith(f"{part}.")}
            if own:
                fields[part] = dataclasses.replace(getattr(self, part), **own)
        return dataclasses.replace(self, **fields)

    def problems(self) -> list[Problem]:
        """Entries out of range: the first of each field and instance. Empty while JAX traces the scenario."""
        fields = self.arrays()
        return [] if self.traced else value_problems(fields, self.batch_shape, self.edges)

    def require_valid(self) -> None:
        """Raise `ValueError` for the first entry out of range; nothing while JAX traces the scenario."""
        problems = self.problems()
        if problems:
            raise ValueError(problems[0].message)

    @property
    def traced(self) -> bool:
        """Whether a JAX transformation is tracing any of the arrays."""
        return any(isinstance(array, Tracer) for array in self.arrays().values())

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Leading batch axes; ``()`` for a single scenario."""
        return self.demand.shape[:-2]

    @property
    def clients(self) -> int:
        """C, the number of clients."""
        return self.demand.shape[-2]

    @property
    def tasks(self) -> int:
        """T, the number of tasks."""
        return self.demand.shape[-1]

    @property
    def edges(self) -> int:
        """E, the number of edges."""
        return self.edge_memory.shape[-1]

    @property
    def models(self) -> int:
        """M, the number of models."""
        return self.client_model_memory.shape[-1]

    @property
    def labels(self) -> Names:
        """The names, or numbers in their place."""
        if self.names is not None:
            return self.names
        return Names.numbered(tasks=self.tasks, models=self.models, clients=self.clients, edges=self.edges)

    def __getitem__(self, index: Any) -> "Scenario":
        """Instance or slice of a batch; the index runs over the batch axes."""
        if not self.batch_shape:
            raise TypeError("this is a single scenario, not a batch: it has no instances")
        return pick_instances(self, self.batch_shape, index)

    def flattened(self) -> "Scenario":
        """Return the batch with one axis, in NumPy, without names, as JAX would compile anew for each set of them."""
        axes = len(self.batch_shape)
        count = int(np.prod(self.batch_shape, dtype=int))

        def flat(array: Any) -> np.ndarray:
            array = np.asarray(array)
            array = array.astype({"i": np.int64, "b": np.bool_}.get(array.dtype.kind, np.float64), copy=False)
            return array.reshape((count, *array.shape[axes:]))

        return jax.tree.map(flat, dataclasses.replace(self, names=None))


def _check_names(names: Names, sizes: dict[str, int]) -> None:
    for word, axis in (("clients", "C"), ("edges", "E"), ("tasks", "T"), ("models", "M")):
        given = getattr(names, word)
        if len(given) != sizes[axis]:
            raise ValueError(f"names.{word}: has {len(given)} names for {sizes[axis]} {word}")
        if len(set(given)) != len(given):
            twice = next(name for name in given if given.count(name) > 1)
            raise ValueError(f"names.{word}: {twice!r} is there twice")
