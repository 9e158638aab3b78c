"""The methods that the command line knows, in one table."""

import dataclasses
from typing import Any

import j3o_jax

from .._scenario import Scenario
from ..methods import AbstractMethod
from ._failures import InputError, unknown


@dataclasses.dataclass(frozen=True)
class Entry:
    """One method.

    **Arguments:**

    - `kind`: name of its class in `j3o_jax`.
    - `does`: what it does, in a few words.
    - `routes`: whether it has an offloading LP, and so takes a solver for it.
    """

    kind: str
    does: str
    routes: bool


METHODS = {
    "j3o": Entry("J3O", "places models greedily and routes by an LP, in turn", routes=True),
    "full-local": Entry("FullLocal", "answers every query on its own client", routes=False),
}
DEFAULT = "j3o"
LP_SOLVERS = ("HIGHS", "CLARABEL")

LISTED = "; ".join(f"{name} {entry.does}" for name, entry in METHODS.items())


def build(name: str, option: str, lp_solver: str | None = None) -> AbstractMethod:
    """Make the method called `name` on the command line; `option` is where it was named."""
    if name not in METHODS:
        raise unknown("method", name, METHODS, option)
    entry = METHODS[name]
    settings: dict[str, Any] = {}
    if lp_solver is not None:
        if not entry.routes:
            raise InputError(f"--lp-solver: {name} solves no LP: leave the option out")
        if lp_solver.upper() not in LP_SOLVERS:
            raise unknown("LP solver", lp_solver, LP_SOLVERS, "--lp-solver")
        settings["lp"] = j3o_jax.CvxpyLP(solver=lp_solver.upper())
    return getattr(j3o_jax, entry.kind)(**settings)


def require_support(method: AbstractMethod, name: str, scenario: Scenario, file: str) -> None:
    """Refuse a method that does not know one of the scenario's limits."""
    if scenario.batching is not None and not method.supports_batching:
        raise InputError(f"{file}: has batching windows, which {name} does not know: choose another --method")
