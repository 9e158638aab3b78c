"""Benchmarks: families of scenarios to sample from."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, SupportsIndex

import numpy as np

from .._names import Names
from .._scenario import Batching, Scenario
from .._validate import BATCHING_RULES, RULES, as_array
from ._draws import draw_instances
from ._parameters import SCALES, Parameter, read_all, refuse_unknown
from ._recipe import AbstractRecipe, Sizes
from ._seeds import instances_of

_OTHER_FIELDS = ("batching", "names")


@dataclasses.dataclass(frozen=True, eq=False)
class Benchmark:
    """A family of scenarios.

    **Arguments:**

    - `name`: the name by which the command line knows it.
    - `description`: what it is, and what in it is real, assumed or synthetic.
    - `recipe`: how its scenarios are made.
    - `settings`: its parameters by name, each with default, range and meaning.
    """

    name: str
    description: str
    recipe: AbstractRecipe = dataclasses.field(repr=False)
    settings: Mapping[str, Parameter] = dataclasses.field(repr=False)

    @property
    def parameters(self) -> dict[str, Any]:
        """Default of every parameter; `settings` says what they mean."""
        return {name: parameter.default for name, parameter in self.settings.items()}

    @property
    def sizes(self) -> Sizes:
        """Numbers of clients, edges, tasks and models, at the defaults."""
        return self.recipe.sizes(self.parameters)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks, at the defaults."""
        return self.recipe.names(self.sizes).tasks

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, at the defaults."""
        return self.recipe.names(self.sizes).models

    def with_defaults(self, **parameters: Any) -> "Benchmark":
        """Return the same benchmark with other defaults, each a single value."""
        refuse_unknown(parameters, self.settings, f"{self.name}: parameter")
        settings = dict(self.settings)
        for name, value in parameters.items():
            read = settings[name].read(name, value, None)
            default = read.item() if isinstance(read, np.ndarray) else read
            settings[name] = dataclasses.replace(settings[name], default=default)
        return dataclasses.replace(self, settings=settings)

    def sample(self, key_or_seed: Any, n: SupportsIndex | None = None, **overrides: Any) -> Scenario:
        """Draw a scenario, or a batch of n, on the default device; it is handed over as NumPy arrays.

        The same seed or key and the same parameters give the same scenario, bit for bit on one kind of
        device, whatever the size of the batch and the caller's x64 flag.

        **Arguments:**

        - `key_or_seed`: a seed s >= 0, for its scenario or, with n, for those of s, s + 1, …, s + n − 1; or a
          one-dimensional collection of seeds, for the batch of theirs; or a JAX key of threefry2x32 (a
          `jax.Array` uint32 ``[2]`` is one), for the scenarios of its `fold_in` with 0, …, n − 1.
        - `n`: size of the batch; None for a single scenario, without batch axis.
        - `overrides`: parameters (see `settings`), where a number may be an array ``[n]`` that varies over the
          batch; and fields of `Scenario`, with or without batch axis. A field replaces that field alone:
          what is drawn beside it, such as the uplinks beside `demand`, stays as drawn. Costs ``[n, M]`` are those of
          the n instances even where there are as many nodes: give those of nodes with both axes, then.

        **Raises:** `ValueError` that names the argument, for what is unknown or out of range. As everywhere,
        entries of a batch's *fields* are looked at by `solve`.
        """
        instances = instances_of(key_or_seed, n)
        batch = () if instances.single else (len(instances.indices),)
        refuse_unknown(overrides, {*self.settings, *RULES, *_OTHER_FIELDS}, f"{self.name}: override")
        given = {name: value for name, value in overrides.items() if name in self.settings}
        values = read_all(self.settings, given, instances.batch)
        sizes = self.recipe.sizes(values)
        drawn = draw_instances(self.recipe, sizes, instances, values)
        if instances.single:
            drawn = {name: array[0] for name, array in drawn.items()}
        fields = self.recipe.common(sizes, values) | drawn
        for scale in SCALES.keys() & self.settings.keys():
            field = scale.removesuffix("_scale")
            fields[field] = fields[field] * values[scale][..., None]
        batching = overrides.get("batching", self.recipe.batching(values, fields))
        replaced = {
            name: as_array(name, value, np.int64 if name == "client_edge" else np.float64)
            for name, value in overrides.items()
            if name in RULES
        }
        return Scenario(
            **{
                name: _with_batch(array, _own_axes(name, array, batch, sizes), batch)
                for name, array in (fields | replaced).items()
            },
            batching=_batching_with_batch(batching, batch),
            allow_unserved=values["allow_unserved"],
            names=overrides.get("names", _names(self.recipe, sizes)),
            switching=None,
        )


def _own_axes(name: str, array: Any, batch: tuple[int, ...], sizes: Sizes) -> int:
    """Count a field's axes after any batch axis; what could be of a batch as well as of its nodes is of the batch."""
    rule = RULES[name]
    own, shape = len(rule.axes), np.shape(array)
    if not rule.node or len(shape) == own:
        return own
    nodes = {"C": sizes.clients, "E": sizes.edges}[rule.node]
    per_node = len(shape) > own + 1 or (shape[:1] != batch and shape[:1] == (nodes,))
    return own + 1 if per_node else own


def _with_batch(array: Any, own_axes: int, batch: tuple[int, ...]) -> np.ndarray:
    """`array` with the batch axes in front, as a view that takes no memory where it had none."""
    array = np.asarray(array)
    return np.broadcast_to(array, batch + array.shape) if array.ndim == own_axes else array


def _batching_with_batch(batching: Any, batch: tuple[int, ...]) -> Any:
    """Likewise for a `Batching`; whatever else it is, `Scenario` has a word for it."""
    if not isinstance(batching, Batching):
        return batching
    return Batching(
        window=_with_batch(batching.window, len(BATCHING_RULES["batching.window"].axes), batch),
        setup=_with_batch(batching.setup, len(BATCHING_RULES["batching.setup"].axes), batch),
    )


@functools.lru_cache(maxsize=256)
def _names(recipe: AbstractRecipe, sizes: Sizes) -> Names:
    """One object for all scenarios of one structure, since JAX compares what is static."""
    return recipe.names(sizes)
