"""One tier of nodes, clients or edges, of a whole batch: the data of its onloading step, and sets of models for it."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array


class NodeTier(NamedTuple):
    """Onloading step of one tier. Gain and load are `weight` times accuracy and cost.

    - `weight`: queries of each task to serve, relative to all; 0 where there is no node. ``[T, K, G, B]``
    - `accuracy`: of each model on each task. ``[T, M, 1 or K, G, B]``
    - `cost`: load per query. ``[M, 1 or K, 1 or G, B]``
    - `setup`: load of a model, however little of a task it serves; None where there is none. ``[M, 1 or K, G, B]``
    - `size`: MB. ``[M, 1 or K, 1 or G, B]``
    - `budget`, `capacity`: memory and compute of the nodes. ``[K, G, B]``
    - `charge`: what a node pays for holding each model; None where nothing. ``[M, K, G, B]``
    """

    weight: Array
    accuracy: Array
    cost: Array
    setup: Array | None
    size: Array
    budget: Array
    capacity: Array
    charge: Array | None = None

    @property
    def models(self) -> int:
        """M, the number of models."""
        return self.size.shape[0]

    @property
    def tasks(self) -> range:
        """Numbers of the tasks."""
        return range(self.weight.shape[0])

    def load(self, task: int) -> Array:
        """Load of each model that serves a task, not materialized ``[M, K, G, B]``."""
        weight = self.weight[task][None]
        load = weight * self.cost
        return load if self.setup is None else load + jnp.where(weight > 0.0, self.setup, 0.0)

    def profit(self, task: int, multiplier: Array) -> Array:
        """Lagrangian profit: gain less load at its price, not materialized ``[M, K, G, B]``."""
        return self.weight[task][None] * self.accuracy[task] - multiplier[None] * self.load(task)

    def charges(self, held: Array) -> Array | float:
        """Charges of the sets that the nodes hold, not materialized ``[K, G, B]``."""
        return 0.0 if self.charge is None else jnp.sum(jnp.where(held, self.charge, 0.0), axis=0)

    def of_model(self, model: Array) -> tuple[Array, Array, Array]:
        """Size ``[K, G, B]``, gain and load ``[T, K, G, B]`` of one model per node."""

        def pick(values: Array) -> Array:
            *_, rows, groups, count = values.shape
            row = jnp.arange(model.shape[0])[:, None, None] if rows > 1 else 0
            group = jnp.arange(model.shape[1])[None, :, None] if groups > 1 else 0
            return values[..., model, row, group, jnp.arange(count)[None, None, :]]

        gain = self.weight * pick(self.accuracy)
        load = self.weight * pick(self.cost)[None]
        if self.setup is not None:
            load = load + jnp.where(self.weight > 0.0, pick(self.setup)[None], 0.0)
        return pick(self.size), gain, load


class Selection(NamedTuple):
    """Sets and choices (−1: none) of a tier, with gain and load of the choices per task."""

    held: Array
    choice: Array
    gain: Array
    load: Array
