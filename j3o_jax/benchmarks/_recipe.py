"""What a family of scenarios has to say of itself, so that `Benchmark` can sample from it."""

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
    """How the scenarios of one family are made: what is drawn for each seed, and what is common to all.

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
        """Name the tasks, models, clients and edges."""

    @abc.abstractmethod
    def draw(self, key: jax.Array, sizes: Sizes, numbers: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        """Fields of one instance that depend on its key; traced and vmapped. `numbers` are the `traced` ones."""

    @abc.abstractmethod
    def common(self, sizes: Sizes, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Build the other fields, without a batch axis where none of their parameters varies over the batch."""

    @abc.abstractmethod
    def batching(self, values: Mapping[str, Any], fields: Mapping[str, np.ndarray]) -> Batching | None:
        """Windows and set-up times for the finished `fields`."""
