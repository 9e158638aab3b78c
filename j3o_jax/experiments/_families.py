"""Families that a sweep draws its scenarios from: a benchmark, or a deployment whose capacities and traffic vary."""

import abc
import dataclasses
import functools
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._scenario import Scenario
from ..benchmarks import NAMES, Benchmark, Parameter


class AbstractFamily(abc.ABC):
    """Scenarios by seed and parameters. Picklable, so that any worker can draw them."""

    @property
    @abc.abstractmethod
    def settings(self) -> Mapping[str, Parameter]:
        """The parameters."""

    @property
    @abc.abstractmethod
    def random(self) -> tuple[str, ...] | None:
        """The parameters without which all seeds have the same scenario; None where they never do."""

    @abc.abstractmethod
    def sample(self, seeds: np.ndarray, values: Mapping[str, Any]) -> Scenario:
        """Draw the scenarios of the seeds; a value may be an array with an entry for each."""

    @abc.abstractmethod
    def plain(self) -> dict[str, str]:
        """Return what identifies it, in a specification's words."""


@dataclasses.dataclass(frozen=True)
class OfBenchmark(AbstractFamily):
    """A benchmark, by its name in `j3o_jax.benchmarks.NAMES`."""

    name: str

    @property
    def settings(self) -> Mapping[str, Parameter]:
        """See `AbstractFamily`."""
        return _benchmark(self.name).settings

    @property
    def random(self) -> tuple[str, ...] | None:
        """See `AbstractFamily`."""
        return ("spread",) if self.name == "motivating" else None

    def sample(self, seeds: np.ndarray, values: Mapping[str, Any]) -> Scenario:
        """See `AbstractFamily`."""
        return _benchmark(self.name).sample(seeds.tolist(), **values)

    def plain(self) -> dict[str, str]:
        """See `AbstractFamily`."""
        return {"benchmark": self.name}


@functools.cache
def _benchmark(name: str) -> Benchmark:
    return NAMES[name]()


# Of each parameter the array that it changes, "" where it is none.
_SETTINGS: Mapping[str, tuple[str, Parameter]] = {
    "demand_scale": ("demand", Parameter(1.0, "factor on every demand")),
    "client_memory_scale": ("client_memory", Parameter(1.0, "factor on the memory of every client")),
    "client_compute_scale": ("client_compute", Parameter(1.0, "factor on the compute of every client")),
    "edge_memory_scale": ("edge_memory", Parameter(1.0, "factor on the memory of every edge")),
    "edge_compute_scale": ("edge_compute", Parameter(1.0, "factor on the compute of every edge")),
    "edge_uplink_scale": ("edge_uplink", Parameter(1.0, "factor on the uplink of every edge")),
    "cloud_uplink_scale": ("cloud_uplink", Parameter(1.0, "factor on the uplink of the cloud")),
    "demand_spread": (
        "demand",
        Parameter(0.0, "σ of the logarithm of a factor on each demand, drawn for each seed; its mean is 1", high=10.0),
    ),
    "window_scale": ("batching.window", Parameter(1.0, "factor on the batching window of every edge", low=1e-9)),
    "setup_scale": ("batching.setup", Parameter(1.0, "factor on every set-up time")),
    "allow_unserved": (
        "",
        Parameter(None, "whether queries may be left unserved; null for what the file says", "flag", optional=True),
    ),
}


@dataclasses.dataclass(frozen=True, eq=False)
class OfDeployment(AbstractFamily):
    """One deployment; its capacities and demands are scaled, and its demands may be drawn around what they are.

    **Arguments:**

    - `path`: as it was named.
    - `scenario`: what was in the file.
    """

    path: str
    scenario: Scenario

    @property
    def settings(self) -> Mapping[str, Parameter]:
        """See `AbstractFamily`."""
        arrays = ("", *self.scenario.arrays())
        return {name: parameter for name, (array, parameter) in _SETTINGS.items() if array in arrays}

    @property
    def random(self) -> tuple[str, ...] | None:
        """See `AbstractFamily`."""
        return ("demand_spread",)

    def sample(self, seeds: np.ndarray, values: Mapping[str, Any]) -> Scenario:
        """See `AbstractFamily`."""
        site, count = self.scenario, len(seeds)
        unserved = values.get("allow_unserved")
        arrays = {name: np.broadcast_to(array, (count, *np.shape(array))) for name, array in site.arrays().items()}
        if "demand_spread" in values:
            spread = np.broadcast_to(values["demand_spread"], count)
            arrays["demand"] = arrays["demand"] * _factors(seeds, spread, site.demand.shape)
        for name in values:
            if name.endswith("_scale"):
                array, _ = _SETTINGS[name]
                arrays[array] = _scaled(arrays[array], np.broadcast_to(values[name], count))
        scenarios = site.with_arrays(arrays)
        return scenarios if unserved is None else dataclasses.replace(scenarios, allow_unserved=unserved)

    def plain(self) -> dict[str, str]:
        """See `AbstractFamily`."""
        digest = hashlib.sha256(str(self.scenario.allow_unserved).encode())
        for name, array in sorted(self.scenario.arrays().items()):
            digest.update(name.encode() + repr(np.shape(array)).encode() + np.ascontiguousarray(array).tobytes())
        return {"deployment": self.path, "content": digest.hexdigest()}


def _scaled(array: np.ndarray, factor: np.ndarray) -> np.ndarray:
    factor = factor.reshape(factor.shape + (1,) * (array.ndim - 1))
    with np.errstate(invalid="ignore"):
        # No capacity times unlimited is no capacity.
        return np.where(factor == 0.0, 0.0, array * factor)


def _factors(seeds: np.ndarray, spread: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Log-normal factors of mean 1 for each stream of each seed, ``[n, C, T]``."""
    normal = np.stack([np.random.default_rng([int(seed), 0x6A336F]).standard_normal(shape) for seed in seeds])
    sigma = spread[:, None, None]
    return np.exp(sigma * normal - 0.5 * sigma**2)
