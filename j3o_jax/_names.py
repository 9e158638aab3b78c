"""Names of tasks, models, clients and edges."""

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Names:
    """Names of the positions of a scenario's axes; static, so never traced."""

    tasks: tuple[str, ...]
    models: tuple[str, ...]
    clients: tuple[str, ...]
    edges: tuple[str, ...]
    deployment: str | None = None
    """What the whole is called, if anything."""
    client_devices: tuple[str, ...] | None = None
    """Types of the clients' devices, where costs were measured: seconds per query. "" for a client of GFLOP."""
    edge_devices: tuple[str, ...] | None = None
    """Likewise for edges."""

    def compute_units(self, tier: Literal["client", "edge"]) -> tuple[str, ...]:
        """Units of the compute capacity of each node: s/s, seconds of its device per second, where it was measured."""
        nodes, devices = (self.clients, self.client_devices) if tier == "client" else (self.edges, self.edge_devices)
        return tuple("s/s" if device else "GFLOP/s" for device in devices or ("",) * len(nodes))

    @classmethod
    def numbered(cls, *, tasks: int, models: int, clients: int, edges: int) -> "Names":
        """Names for a scenario that came without: ``task 0``, ``task 1`` and so on."""

        def count(word: str, size: int) -> tuple[str, ...]:
            return tuple(f"{word} {index}" for index in range(size))

        return cls(
            tasks=count("task", tasks),
            models=count("model", models),
            clients=count("client", clients),
            edges=count("edge", edges),
        )
