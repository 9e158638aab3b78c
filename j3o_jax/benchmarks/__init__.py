"""Families of scenarios to sample from: `taskonomy5().sample(seed)` is a `Scenario`."""

from collections.abc import Callable, Mapping

from ._base import Benchmark as Benchmark
from ._parameters import Parameter as Parameter
from .cityscapes3d import cityscapes3d as cityscapes3d
from .devices import devices as devices
from .domainnet6 import domainnet6 as domainnet6
from .heterogeneous import heterogeneous as heterogeneous
from .motivating import motivating as motivating
from .taskonomy5 import taskonomy5 as taskonomy5
from .tweets import hourly_tweets as hourly_tweets

NAMES: Mapping[str, Callable[..., Benchmark]] = {
    "taskonomy5": taskonomy5,
    "domainnet6": domainnet6,
    "cityscapes3d": cityscapes3d,
    "motivating": motivating,
    "heterogeneous": heterogeneous,
    "devices": devices,
}
"""Every benchmark by name; each function takes other defaults for its benchmark's parameters."""

__all__ = [
    "NAMES",
    "Benchmark",
    "Parameter",
    "cityscapes3d",
    "devices",
    "domainnet6",
    "heterogeneous",
    "hourly_tweets",
    "motivating",
    "taskonomy5",
]
