"""Interface of a family of scenarios that `Benchmark` samples from."""

import abc
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import jax
import numpy as np

from .._names import Names
from .._scenario import Batching


class Sizes(NamedTuple):
    """Lengths of the axes C, E, T and M; static, so that each combination is compiled once."""

    clients: int
    edges: int
    tasks: int
    models: int


class AbstractRecipe(abc.ABC):
    """Recipe of a family's scenarios: what is drawn for each seed, and what is common to all.

    `values` below maps the family's parameters to what was asked for: float64 arrays of shape ``[]``, or
    ``[n]`` where the parameter varies over a batch of n; ints, bools and None as they are.
    """

    traced: ClassVar[tuple[str, ...]]
    """The parameters that `draw` takes."""

    @abc.abstractmethod
    def sizes(self, values: Mapping[str, Any]) -> Sizes:
        """Lengths of the axes."""

    @abc.abstractmethod
    def names(self, sizes: Sizes) -> Names:
        """Name tasks, models, clients and edges."""

    @abc.abstractmethod
    def draw(self, key: jax.Array, sizes: Sizes, numbers: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        """Fields of one instance that depend on its key; traced and vmapped. `numbers` are the `traced` ones."""

    @abc.abstractmethod
    def common(self, sizes: Sizes, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return the other fields, without batch axis where no parameter of theirs varies over the batch."""

    @abc.abstractmethod
    def batching(self, values: Mapping[str, Any], fields: Mapping[str, np.ndarray]) -> Batching | None:
        """Windows and set-up times for the finished `fields`."""
