"""What models take at nodes, as a deployment has it: seconds by types of devices, or GFLOP, and numbers bit for bit."""

from collections import Counter
from typing import Any, Literal, TypeAlias

import numpy as np

from .._model import NO_ROOM
from .._scenario import Scenario
from ._quantities import UNLIMITED

Tier: TypeAlias = Literal["client", "edge"]


class CostWriter:
    """Costs of a scenario. Nodes of a type of device are written by it, where all of them are alike in the arrays.

    - `devices`: the types, as the file has them; empty where costs are written as GFLOP.
    """

    def __init__(self, scenario: Scenario):
        self._scenario = scenario
        self._nodes = {"client": scenario.labels.clients, "edge": scenario.labels.edges}
        self._types: dict[Tier, tuple[str, ...]] = {
            "client": scenario.labels.client_devices or ("",) * scenario.clients,
            "edge": scenario.labels.edge_devices or ("",) * scenario.edges,
        }
        found = self._devices()
        if found is None:
            self._types = {tier: ("",) * len(types) for tier, types in self._types.items()}
        self.devices = found or []

    def compute(self, tier: Tier) -> list[dict[str, Any]]:
        """Say of each node what it can compute."""
        capacity = getattr(self._scenario, f"{tier}_compute")
        return [
            {"device": device, **({} if value == 1.0 else {"parallel": plain(value)})}
            if device
            else {"compute_gflop_per_s": plain(value)}
            for device, value in zip(self._types[tier], capacity, strict=True)
        ]

    def of_model(self, tier: Tier, index: int) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Say what one model takes at nodes without a type: what is usual, then by name of the node what differs."""
        usual: dict[str, Any] = {}
        exceptions: dict[str, dict[str, Any]] = {name: {} for name in self._nodes[tier]}
        bare = np.array([not device for device in self._types[tier]])
        for kind, key in (("memory", "memory_mb"), ("compute", "gflop_per_query")):
            costs = getattr(self._scenario, f"{tier}_model_{kind}")
            if costs.ndim == 1:
                usual[key] = plain(costs[index])
                continue
            own = costs[:, index, None]
            if not bare.any():
                continue
            common = usual_of(own[bare])
            usual[key] = plain(common[0])
            differs = (bits(own) != bits(common))[:, 0] & bare
            # One exception says that costs are each node's own, though they be alike.
            differs[0] |= index == 0 and bool(bare.all()) and not (bits(costs) != bits(costs[0])).any()
            for row in np.flatnonzero(differs).tolist():
                exceptions[self._nodes[tier][row]][key] = plain(own[row, 0])
        return usual, exceptions

    def _devices(self) -> list[dict[str, Any]] | None:
        """Write the types; None where nodes of one type differ, or what they do is no number of devices."""
        models, found = self._scenario.labels.models, {}
        for tier, types in self._types.items():
            seconds, memory, capacity = (
                getattr(self._scenario, f"{tier}_{field}") for field in ("model_compute", "model_memory", "compute")
            )
            for row, device in enumerate(types):
                if not device:
                    continue
                if seconds.ndim == 1 or not 0.0 < capacity[row] < np.inf:
                    return None
                own = memory.ndim == 2
                size = memory[row] if own else memory
                runs = ~((seconds[row] == 0.0) & (size == NO_ROOM)) if own else np.ones(len(models), dtype=bool)
                told = {
                    "name": device,
                    "seconds_per_query": _by_name(models, seconds[row], runs),
                    **({"memory_mb": _by_name(models, size, runs)} if own else {}),
                }
                # Compared as text, in which −0 is not 0.
                if repr(found.setdefault(device, told)) != repr(told):
                    return None
        return list(found.values())


def _by_name(names: tuple[str, ...], values: np.ndarray, there: np.ndarray) -> dict[str, Any]:
    return {name: plain(value) for name, value, runs in zip(names, values, there, strict=True) if runs}


def usual_of(rows: np.ndarray) -> np.ndarray:
    """Find the most common value of each column; the first of them where several are."""
    columns = [Counter(column).most_common(1)[0][0] for column in bits(rows).T.tolist()]
    return np.array(columns, dtype=np.int64).view(np.float64)


def bits(values: np.ndarray) -> np.ndarray:
    """View numbers as bits. Compared so, −0 is not 0: a file gives back exactly what was put in."""
    return np.ascontiguousarray(values).view(np.int64)


def plain(value: Any) -> Any:
    """Write a number as people do: 512 for 512.0, "unlimited" for infinity."""
    number = float(value)
    if np.isinf(number):
        return UNLIMITED
    whole = number.is_integer() and abs(number) < 1e15 and not (number == 0 and np.signbit(number))
    return int(number) if whole else number
