"""The methods that the experiments compare, in one table, under the paper's names. Loads no library."""

import dataclasses
from collections.abc import Mapping
from typing import TypeAlias

Value: TypeAlias = bool | int | float | str
"""What a setting of a method or a parameter of a benchmark can be."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One method.

    **Arguments:**

    - `kind`: name of its class in `j3o_jax`.
    - `label`: what the paper's tables and figures call it.
    - `options`: settings of the class; part of what identifies a run.
    - `timed`: whether `--time-limit` ends it.
    - `level`: whether it does not iterate, so that a figure over iterations shows its result as a level.
    - `drawn_as`: the entry whose colour and marker it has in pictures; "" for its own.
    """

    kind: str
    label: str
    options: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    timed: bool = False
    level: bool = False
    drawn_as: str = ""


# The paper's first, in the order of Table IV.
METHODS: Mapping[str, Entry] = {
    "greedy-ao": Entry("GreedyAO", "Greedy-AO"),
    "opt-ao": Entry("OptAO", "Optimal-AO"),
    "rand-ao": Entry("RandAO", "Rand-AO"),
    "full-local": Entry("FullLocal", "Full-Local", level=True),
    "exact-milp": Entry("ExactMILP", "MINLP Solver", {"gap": 1e-4}, timed=True, level=True),
    "j3o": Entry("J3O", "J3O", {"starts": "paper"}),
    # One algorithm under the name that the paper gives it where edges serve in batches, without the trials at its end
    # that the paper does not have.
    "baj3o": Entry("BAJ3O", "BAJ3O", {"activations": 0, "starts": "paper"}, drawn_as="j3o"),
    "price-directed": Entry("PriceDirected", "PriceDirected"),
}

TABLE_IV = ("greedy-ao", "opt-ao", "rand-ao", "full-local", "exact-milp", "j3o")
"""The methods of Table IV."""

OPTIMUM = "exact-milp"
"""The method whose plan is the optimum that shares are taken of."""

TIME_LIMIT = 300.0
"""Seconds that an exact solve may take, unless told otherwise."""

WARM_UP_LIMIT = 2.0
"""Seconds after which an exact solve that only warms up is ended: what has to be compiled is compiled by then."""


def options_of(method: str, time_limit: float = TIME_LIMIT) -> dict[str, Value]:
    """Settings of the class of `method`; `time_limit` in seconds where it takes one."""
    entry = METHODS[method]
    return {**entry.options, **({"time_limit": float(time_limit)} if entry.timed else {})}
