"""The methods in one table: names, classes, labels, settings, and what each can do. Loads no library."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import j3o_jax

if TYPE_CHECKING:
    from ._settings import Settings


@dataclasses.dataclass(frozen=True)
class RegisteredMethod:
    """A method as the command line, files, tables and figures know it.

    **Arguments:**

    - `name`: on the command line and in files.
    - `kind`: name of its class in `j3o_jax`.
    - `label`: in tables and figures.
    - `does`: what it does, in a few words.
    - `schema_name`: name of the schema of its settings in `_settings`.
    - `batched`: whether a batch runs as one program, so that large batches pay.
    - `routes`: whether it routes by an LP whose solver can be chosen.
    - `proves`: whether it proves a gap, and so takes one to end at.
    - `timed`: whether it searches until its gap is proven or its time limit is reached.
    - `iterates`: whether its plan improves over iterations; a figure over iterations shows the others as a level.
    - `same_as`: the method that it is another name of; "" if it is one of its own.
    """

    name: str
    kind: str
    label: str
    does: str
    schema_name: str = "Settings"
    batched: bool = False
    routes: bool = False
    proves: bool = False
    timed: bool = False
    iterates: bool = True
    same_as: str = ""

    @property
    def schema(self) -> "type[Settings]":
        """The schema of its settings in files; loads pydantic."""
        from . import _settings

        return getattr(_settings, self.schema_name)

    def build(self, **arguments: Any) -> "j3o_jax.methods.AbstractMethod":
        """Make the method with these arguments of its class; loads JAX."""
        return getattr(j3o_jax, self.kind)(**arguments)


_ALL = (
    RegisteredMethod(
        "auto",
        "Auto",
        "Auto",
        "takes exact-milp, price-directed or j3o by size and time",
        "ProvingSettings",
        proves=True,
    ),
    RegisteredMethod(
        "j3o",
        "J3O",
        "J3O",
        "places models greedily and routes by an LP, in turn",
        "J3OSettings",
        batched=True,
        routes=True,
    ),
    RegisteredMethod(
        "baj3o",
        "BAJ3O",
        "BAJ3O",
        "is j3o as the paper calls it where edges serve in batches",
        "J3OSettings",
        batched=True,
        routes=True,
        same_as="j3o",
    ),
    RegisteredMethod(
        "price-directed",
        "PriceDirected",
        "PriceDirected",
        "exchanges prices and proves how good the plan is",
        "PriceDirectedSettings",
        batched=True,
        proves=True,
    ),
    RegisteredMethod(
        "exact-milp",
        "ExactMILP",
        "ExactMILP",
        "proves an optimum by a mixed-integer program",
        "ExactMILPSettings",
        proves=True,
        timed=True,
        iterates=False,
    ),
    RegisteredMethod(
        "opt-ao",
        "OptAO",
        "Optimal-AO",
        "is j3o with proven optima in place of the greedy placement",
        "AlternatingSettings",
        routes=True,
    ),
    RegisteredMethod(
        "greedy-ao",
        "GreedyAO",
        "Greedy-AO",
        "is j3o with a greedy placement that knows no prices",
        "AlternatingSettings",
        routes=True,
    ),
    RegisteredMethod(
        "rand-ao", "RandAO", "Rand-AO", "is j3o with placements at random", "AlternatingSettings", routes=True
    ),
    RegisteredMethod("full-local", "FullLocal", "Full-Local", "answers every query on its own client", iterates=False),
    RegisteredMethod(
        "bilinear-minlp",
        "BilinearMINLP",
        "BilinearMINLP",
        "is the paper's own program: slow, for comparison",
        "BilinearMINLPSettings",
        proves=True,
        timed=True,
        iterates=False,
    ),
)

METHODS: Mapping[str, RegisteredMethod] = {method.name: method for method in _ALL}
"""Every method by its name."""
