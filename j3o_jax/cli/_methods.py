"""The methods that the command line knows, in one table."""

import dataclasses
from typing import Any

import j3o_jax

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


@dataclasses.dataclass(frozen=True)
class Choice:
    """A method that was chosen on the command line, by its name, and the LP solver for it, if one was."""

    name: str
    lp_solver: str | None

    def build(self) -> "j3o_jax.methods.AbstractMethod":
        """Make the method; this loads it."""
        settings: dict[str, Any] = {}
        if self.lp_solver is not None:
            settings["lp"] = j3o_jax.CvxpyLP(solver=self.lp_solver)
        return getattr(j3o_jax, METHODS[self.name].kind)(**settings)


def choose(name: str, option: str, lp_solver: str | None = None) -> Choice:
    """Look up the method called `name` on the command line; `option` is where it was named."""
    if name not in METHODS:
        raise unknown("method", name, METHODS, option)
    if lp_solver is None:
        return Choice(name, None)
    if not METHODS[name].routes:
        raise InputError(f"--lp-solver: {name} solves no LP: leave the option out")
    if lp_solver.upper() not in LP_SOLVERS:
        raise unknown("LP solver", lp_solver, LP_SOLVERS, "--lp-solver")
    return Choice(name, lp_solver.upper())
