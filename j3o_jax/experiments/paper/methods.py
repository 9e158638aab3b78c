"""The methods that the experiments compare, as variants of those of the registry. Loads no library."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeAlias

from ...named_methods import registry

Value: TypeAlias = bool | int | float | str
"""What a setting of a method or a parameter of a benchmark can be."""


@dataclasses.dataclass(frozen=True)
class Variant(registry.RegisteredMethod):
    """A method as the experiments run it, under the paper's name for it.

    **Arguments:**

    - `options`: settings of the class; part of what identifies a run.
    """

    options: Mapping[str, Value] = dataclasses.field(default_factory=dict)


def _variant(name: str, **changes: Any) -> Variant:
    return Variant(**vars(registry.METHODS[name]) | changes)


# The paper's first, in the order of Table IV.
METHODS: Mapping[str, Variant] = {
    variant.name: variant
    for variant in (
        _variant("greedy-ao"),
        _variant("opt-ao"),
        _variant("rand-ao"),
        _variant("full-local"),
        _variant("exact-milp", label="MINLP Solver", options={"gap": 1e-4}),
        _variant("j3o", options={"starts": "paper"}),
        # Without the trials at its end that the paper does not have.
        _variant("baj3o", options={"activations": 0, "starts": "paper"}),
        _variant("price-directed"),
    )
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
    """Return settings of the class of `method`; `time_limit` in seconds where it takes one."""
    variant = METHODS[method]
    return {**variant.options, **({"time_limit": float(time_limit)} if variant.timed else {})}
