"""What is measured: cases × sizes × methods."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import j3o_jax as j3o
from j3o_jax.named_methods import registry

CLIENTS_PER_EDGE = 10


@dataclasses.dataclass(frozen=True)
class Case:
    """A family of scenarios that can be drawn at any number of clients.

    **Arguments:**

    - `benchmark`: name in `j3o_jax.benchmarks`.
    - `settings`: what is changed in it.
    - `demand_per_client`: queries/s where the family fixes the total, so that more clients mean more load; None where
      its capacities follow the demand.
    """

    benchmark: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    demand_per_client: float | None = None

    def sample(self, seed: int, n: int | None, clients: int, edges: int | None = None) -> j3o.Scenario:
        """Scenarios with `clients` clients, ten of them to an edge as in the paper unless `edges` says otherwise."""
        sizes: dict[str, Any] = {"clients": clients, "edges": edges or max(clients // CLIENTS_PER_EDGE, 1)}
        if self.demand_per_client is not None:
            sizes["total_demand"] = self.demand_per_client * clients
        family = getattr(j3o.benchmarks, self.benchmark)()
        return family.sample(seed, n, **self.settings, **sizes)

    def changed(self, **settings: Any) -> "Case":
        """Return the family with other settings besides its own."""
        return dataclasses.replace(self, settings={**self.settings, **settings})


BINDING_WINDOWS = {"batching_window": 0.1, "setup": 0.02}
"""Batching whose set-up times, in seconds, take a fifth of the window for every task that an edge serves."""

CASES = {
    "taskonomy5": Case("taskonomy5", demand_per_client=4000.0 / 30),
    "domainnet6": Case("domainnet6", demand_per_client=2000.0 / 30),
    "cityscapes3d": Case("cityscapes3d", demand_per_client=100.0 / 30),
    "heterogeneous": Case("heterogeneous"),
    "tight": Case("heterogeneous", {"tightness": 0.3}),
    "devices": Case("devices", demand_per_client=4000.0 / 30),
}

SIZES = (30, 100, 300, 1000)


@dataclasses.dataclass(frozen=True)
class Entry:
    """A method that is measured, what pictures call it, and most clients at which it is worth the wait."""

    label: str
    method: Any
    largest: int = 1_000_000

    def limited(self, seconds: float) -> Any:
        """Return the method with a time limit."""
        return dataclasses.replace(self.method, time_limit=seconds)


def _label(name: str) -> str:
    return registry.METHODS[name].label


_MEASURED = ("j3o", "price-directed", "greedy-ao", "rand-ao", "opt-ao", "full-local", "exact-milp")

METHODS = {name: Entry(_label(name), registry.METHODS[name].build()) for name in _MEASURED} | {
    "exact-milp-j3o": Entry(f"{_label('exact-milp')} from {_label('j3o')}", j3o.ExactMILP(start=j3o.J3O())),
    "bilinear-highs": Entry(f"{_label('bilinear-minlp')}, HiGHS", j3o.BilinearMINLP(), largest=30),
    "bilinear-scip": Entry(f"{_label('bilinear-minlp')}, SCIP", j3o.BilinearMINLP(solver="scip"), largest=30),
}
