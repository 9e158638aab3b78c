"""Parameters of a benchmark: what may be asked for, and messages that name what is wrong with it."""

import dataclasses
import difflib
import operator
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np

LARGEST = 1e12
"""Upper end of the numbers that must be finite: large enough for any use, and no sum of them overflows."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter of a benchmark.

    **Arguments:**

    - `default`: its value where none is given.
    - `meaning`: what it is, with its unit.
    - `kind`: a ``number`` may vary over a batch; a ``count`` (a whole number) and a ``flag`` are the same for
      all of it.
    - `low`, `high`: the smallest and the largest value.
    - `optional`: whether None is allowed.
    - `needs`: another parameter that must not be None when this one is given.
    """

    default: float | int | None
    meaning: str
    kind: Literal["number", "count", "flag"] = "number"
    low: float = 0.0
    high: float = LARGEST
    optional: bool = False
    needs: str | None = None

    def read(self, name: str, value: Any, batch: int | None) -> Any:
        """`value`, checked: float64 ``[]`` or ``[batch]`` for a number, else an int, a bool or None.

        **Raises:** `ValueError` that names the parameter, the entry and what it must be.
        """
        if value is None and self.optional:
            return None
        if self.kind == "flag":
            if not isinstance(value, bool | np.bool_):
                raise ValueError(f"{name} = {value!r}: must be True or False")
            return bool(value)
        if self.kind == "count":
            return self._count(name, value)
        return self._number(name, value, batch)

    def _count(self, name: str, value: Any) -> int:
        wants = f"a whole number in [{self.low:.0f}, {self.high:.0f}]"
        try:
            count = operator.index(value)
        except TypeError:
            raise ValueError(f"{name} = {value!r}: must be {wants}") from None
        if isinstance(value, bool) or not self.low <= count <= self.high:
            raise ValueError(f"{name} = {value!r}: must be {wants}")
        return count

    def _number(self, name: str, value: Any, batch: int | None) -> np.ndarray:
        wants = f"a number in [{self.low:g}, {self.high:g}]" + (" or None" if self.optional else "")
        array = np.asarray(value)
        if array.dtype.kind not in "iuf":
            raise ValueError(f"{name} = {value!r}: must be {wants}")
        array = array.astype(np.float64)
        if array.shape not in ((), (batch,)):
            raise ValueError(
                f"{name}: has shape {list(array.shape)}, wants {wants}"
                + (f" or an array of shape [{batch}]" if batch is not None else "; an array needs a batch")
            )
        good = (array >= self.low) & (array <= self.high)
        if not good.all():
            index = tuple(int(i) for i in np.argwhere(~good)[0])
            raise ValueError(f"{name}{list(index) if index else ''} = {array[index]}: must be {wants}")
        return array


def concentration(meaning: str) -> Parameter:
    """Parameter of a symmetric Dirichlet distribution, 0.5 by default (Section VI-A).

    Below the lower end all the load is on one stream already, above the upper one it is even.
    """
    return Parameter(0.5, meaning, low=1e-6, high=1e9)


TRAFFIC: Mapping[str, Parameter] = {
    "client_concentration": concentration(
        "p_client, concentration of the Dirichlet shares of the load over clients; smaller is less even"
    ),
    "task_concentration": concentration(
        "p_task, concentration of the Dirichlet shares of a client's load over tasks; smaller is less even"
    ),
    "edge_uplink_fraction": Parameter(0.5, "χ_e, each edge's uplink as a fraction of its clients' input, MB/MB"),
    "cloud_uplink_fraction": Parameter(0.25, "χ_s, the cloud uplink as a fraction of all input, MB/MB"),
}
"""How load is spread and how much of it may be offloaded, with the paper's defaults."""

SCALES: Mapping[str, Parameter] = {
    f"{node}_{resource}_scale": Parameter(1.0, f"factor on the {resource} of every {node}")
    for node in ("client", "edge")
    for resource in ("compute", "memory")
}
"""Factors on the capacities of the devices; `client_compute_scale` is χ_β."""

BATCHING: Mapping[str, Parameter] = {
    "batching_window": Parameter(None, "T_b of every edge, seconds; None for no batching", low=1e-9, optional=True),
    "setup_ratio": Parameter(
        0.5, "set-up time ν of a batch as a multiple of w/β_e, the time of one query", needs="batching_window"
    ),
    "setup": Parameter(
        None,
        "set-up time ν of every model, seconds; None for that of setup_ratio",
        optional=True,
        needs="batching_window",
    ),
}
"""Batched execution at the edges."""

STRUCTURE: Mapping[str, Parameter] = {
    "clients": Parameter(30, "number of clients", kind="count", low=1.0, high=1e6),
    "edges": Parameter(3, "number of edge servers", kind="count", low=1.0, high=1e5),
    "allow_unserved": Parameter(True, "whether queries may be left unserved, at accuracy 0", kind="flag"),
}
"""What the scenarios of one batch have in common."""


def refuse_unknown(given: Iterable[str], known: Iterable[str], what: str) -> None:
    """Raise `ValueError` for the first unknown name; it says the nearest known one, then all of them."""
    known = sorted(known)
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        near = difflib.get_close_matches(unknown, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"{what} {unknown!r} is not known; {hint}There are: {', '.join(known)}")


def read_all(parameters: Mapping[str, Parameter], given: Mapping[str, Any], batch: int | None) -> dict[str, Any]:
    """Give every parameter its value: the given one, or else its default."""
    values = {name: p.read(name, given.get(name, p.default), batch) for name, p in parameters.items()}
    for name in given:
        needs = parameters[name].needs
        if needs is not None and given[name] is not None and values[needs] is None:
            raise ValueError(f"{name}: has no effect without {needs}")
    return values
