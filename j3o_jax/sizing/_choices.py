"""What may be bought: choices between alternatives for nodes, and every combination of them as a scenario."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from .._model import model_costs
from .._scenario import Scenario

Tier = Literal["client", "edge", "cloud"]
FIELDS: dict[str, Tier] = {
    "client_memory": "client",
    "client_compute": "client",
    "client_model_memory": "client",
    "client_model_compute": "client",
    "edge_memory": "edge",
    "edge_compute": "edge",
    "edge_uplink": "edge",
    "edge_model_memory": "edge",
    "edge_model_compute": "edge",
    "edge_accuracy": "edge",
    "batching.setup": "edge",
    "cloud_uplink": "cloud",
}
"""Arrays of a `Scenario` that an alternative may set, and whose they are."""

MOST_OPTIONS = 2_000_000
"""Combinations that are looked at one by one; a few hundred bytes each."""


@dataclasses.dataclass(frozen=True)
class Alternative:
    """One thing to buy, or to leave as it is.

    **Arguments:**

    - `name`: for people.
    - `price`: of all nodes of the choice together, in any unit of money, finite and >= 0.
    - `values`: arrays of the scenario that it sets at the nodes of the choice, by name: one value for all of them, or
      with an axis of nodes in front. Those of `FIELDS`; what it does not name stays as the scenario has it.
    """

    name: str
    price: float | int
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Choice:
    """A decision between alternatives, the same for all of its nodes.

    **Arguments:**

    - `name`: for people.
    - `alternatives`: at least one.
    - `clients`, `edges`: numbers of the nodes that it is about. A choice of the cloud's uplink has none.
    """

    name: str
    alternatives: tuple[Alternative, ...]
    clients: tuple[int, ...] = ()
    edges: tuple[int, ...] = ()

    @property
    def prices(self) -> np.ndarray:
        """Price of each alternative."""
        return np.array([float(alternative.price) for alternative in self.alternatives])

    @property
    def fields(self) -> tuple[str, ...]:
        """Arrays of the scenario that any alternative sets."""
        named = {field for alternative in self.alternatives for field in alternative.values}
        return tuple(field for field in FIELDS if field in named)

    def nodes(self, field: str) -> tuple[int, ...]:
        """Nodes whose entries of an array it sets; none for the cloud's uplink."""
        return {"client": self.clients, "edge": self.edges, "cloud": ()}[FIELDS[field]]


class Options:
    """All combinations of the alternatives of several choices for one scenario.

    A combination is a row of numbers of alternatives, one for each choice.

    **Arguments:**

    - `scenario`: a single one; what no choice is about is as it is here.
    - `choices`: at least one, no two of which set the same array at the same node.

    **Raises:** `ValueError` that names the choice, and what it wants; for more than `MOST_OPTIONS` combinations.
    """

    def __init__(self, scenario: Scenario, choices: Sequence[Choice]):
        self.scenario = scenario
        self.choices = tuple(choices)
        problem = next(_problems(scenario, self.choices), None)
        if problem is not None:
            raise ValueError(f"choices: {problem}")
        if self.count > MOST_OPTIONS:
            raise ValueError(
                f"choices: make {self.count:,} combinations, and {MOST_OPTIONS:,} are the most: "
                "name fewer alternatives, or let nodes share a choice"
            )
        self._base = _arrays(scenario, {field for choice in self.choices for field in choice.fields})
        # For each choice and array: the nodes, and the values of each alternative there.
        self._values = [{field: self._stacked(choice, field) for field in choice.fields} for choice in self.choices]
        # Every alternative must make a scenario that is one: whose entries are in range.
        for number, choice in enumerate(self.choices):
            for index, alternative in enumerate(choice.alternatives):
                row = np.zeros((1, len(self.choices)), dtype=int)
                row[0, number] = index
                problems = self.scenarios(row).problems()
                if problems:
                    raise ValueError(f"choices: {choice.name!r}, {alternative.name!r}: {problems[0].message}")

    @property
    def fields(self) -> tuple[str, ...]:
        """Arrays of the scenario that any choice sets; costs of models are by node in all options if in one."""
        return tuple(self._base)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of alternatives of each choice."""
        return tuple(len(choice.alternatives) for choice in self.choices)

    @property
    def count(self) -> int:
        """Number of combinations."""
        return math.prod(self.sizes)

    def prices(self, picks: np.ndarray) -> np.ndarray:
        """Sum of the prices of each combination ``[n]``, of picks ``[n, D]``."""
        return sum((choice.prices[picks[:, d]] for d, choice in enumerate(self.choices)), np.zeros(len(picks)))

    def scenarios(self, picks: np.ndarray) -> Scenario:
        """Batch of the scenarios of combinations ``[n, D]``."""
        count = len(picks)
        arrays = {
            name: np.broadcast_to(np.asarray(array), (count, *np.shape(array)))
            for name, array in (self.scenario.arrays() | self._base).items()
        }
        for field in self.fields:
            array = np.array(arrays[field])
            for d, (choice, values) in enumerate(zip(self.choices, self._values, strict=True)):
                if field in values:
                    own = values[field][picks[:, d]]
                    if FIELDS[field] == "cloud":
                        array = own
                    else:
                        array[:, list(choice.nodes(field))] = own
            arrays[field] = array
        return self.scenario.with_arrays(arrays)

    def scenario_of(self, pick: np.ndarray) -> Scenario:
        """Scenario of one combination ``[D]``."""
        return self.scenarios(np.asarray(pick)[None])[0]

    def named(self, pick: np.ndarray) -> dict[str, str]:
        """Name of the alternative of each choice, in a combination ``[D]``."""
        return {
            choice.name: choice.alternatives[int(index)].name for choice, index in zip(self.choices, pick, strict=True)
        }

    def at_most_as_good(self, d: int) -> np.ndarray:
        """Whether no plan with one alternative of choice `d` is worth more than with the other one ``[A, A]``.

        True at ``[a, b]`` where b can bear, at every node, all that a can: no model takes a larger part of a node.
        """
        burdens = [*self._burdens(d)]
        count = self.sizes[d]
        if not burdens:
            return np.ones((count, count), dtype=bool)
        burden = np.concatenate([burden.reshape(count, -1) for burden in burdens], axis=1)
        return (burden[:, None] >= burden[None]).all(axis=2)

    def _burdens(self, d: int) -> Iterator[np.ndarray]:
        """Arrays ``[A, ...]`` of what is worse if it is more: parts of nodes that models take, and the like."""
        choice, values = self.choices[d], self._values[d]

        def of(field: str) -> np.ndarray:
            if field in values:
                return values[field]
            base = (self.scenario.arrays() | self._base)[field]
            return np.broadcast_to(
                base[list(choice.nodes(field))], (self.sizes[d], len(choice.nodes(field)), *base.shape[1:])
            )

        for tier in ("client", "edge"):
            for kind in ("memory", "compute"):
                amount, room = f"{tier}_model_{kind}", f"{tier}_{kind}"
                if amount in values or room in values:
                    yield _part(self._costs(choice, values, amount), of(room)[..., None])
        for field, sign in (
            ("edge_uplink", -1.0),
            ("cloud_uplink", -1.0),
            ("edge_accuracy", -1.0),
            ("batching.setup", 1.0),
        ):
            if field in values:
                yield sign * values[field]

    def _costs(self, choice: Choice, values: Mapping[str, np.ndarray], field: str) -> np.ndarray:
        """Costs of models at a choice's nodes ``[A or 1, nodes or 1, M]``."""
        if field in values:
            return values[field]
        costs = getattr(model_costs(self.scenario), field.replace("_model", ""))
        nodes = choice.nodes(field)
        return (
            np.broadcast_to(costs, (len(nodes), costs.shape[1]))[None] if len(costs) == 1 else costs[list(nodes)][None]
        )

    def _stacked(self, choice: Choice, field: str) -> np.ndarray:
        """Values of an array at a choice's nodes, for each alternative ``[A, nodes, ...]``, or ``[A]``."""
        base = self._base[field]
        own = base if FIELDS[field] == "cloud" else base[list(choice.nodes(field))]
        stacked = []
        for alternative in choice.alternatives:
            value = alternative.values.get(field)
            try:
                stacked.append(own if value is None else np.broadcast_to(np.asarray(value, np.float64), own.shape))
            except (ValueError, TypeError):
                raise ValueError(
                    f"choices: {choice.name!r}, {alternative.name!r}: {field} has shape {list(np.shape(value))}, which "
                    f"does not fit {list(own.shape)}: give one value for all nodes, or one for each"
                ) from None
        return np.stack(stacked)


def _part(amount: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Part of a capacity that is taken: 0 of one without end, all too much of none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(np.isinf(room), 0.0, np.asarray(amount) / room)
    return np.where(np.asarray(amount) == 0.0, 0.0, part)


def _arrays(scenario: Scenario, fields: set[str]) -> dict[str, np.ndarray]:
    """Arrays that are set, costs of models by node: for one alternative differs from the next."""
    arrays = {field: np.asarray(scenario.arrays()[field]) for field in fields}
    for field in fields & {"client_model_memory", "client_model_compute"}:
        arrays[field] = np.broadcast_to(arrays[field], (scenario.clients, scenario.models))
    for field in fields & {"edge_model_memory", "edge_model_compute"}:
        arrays[field] = np.broadcast_to(arrays[field], (scenario.edges, scenario.models))
    return arrays


def _problems(scenario: Scenario, choices: Sequence[Choice]) -> Iterator[str]:
    """Say what is wrong with choices, but for values."""
    if scenario.batch_shape:
        yield "are of one scenario, and this is a batch: name one of its instances"
    if not choices:
        yield "there are none: what may be bought?"
    names = [choice.name for choice in choices]
    set_by: dict[tuple[str, int], str] = {}
    there = scenario.arrays()
    for choice in choices:
        where = repr(choice.name)
        if names.count(choice.name) > 1:
            yield f"{where} is there twice: give each of them a name of its own"
        if not choice.alternatives:
            yield f"{where}: has no alternatives"
        for word, nodes, most in (
            ("clients", choice.clients, scenario.clients),
            ("edges", choice.edges, scenario.edges),
        ):
            if len(set(nodes)) != len(nodes) or not all(0 <= node < most for node in nodes):
                yield f"{where}: {word}: wants different numbers from 0 to {most - 1}, got {list(nodes)}"
        own = [alternative.name for alternative in choice.alternatives]
        for alternative in choice.alternatives:
            at = f"{where}, {alternative.name!r}"
            if own.count(alternative.name) > 1:
                yield f"{at} is there twice: give each of them a name of its own"
            if not 0.0 <= alternative.price < math.inf:
                yield f"{at}: price: wants a finite number >= 0, got {alternative.price}"
            for field in alternative.values:
                if field not in FIELDS:
                    yield f"{at}: {field!r} is nothing that can be bought: name one of {', '.join(FIELDS)}"
                if field not in there:
                    yield f"{at}: {field}: the scenario has no batching"
                if FIELDS[field] != "cloud" and not choice.nodes(field):
                    yield f"{at}: sets {field}, and the choice names no {FIELDS[field]}s"
        for field in choice.fields:
            for node in choice.nodes(field) or (-1,):
                other = set_by.setdefault((field, node), choice.name)
                if other != choice.name:
                    yield f"{where} and {other!r} both set {field} of the same node: leave one of them out"
