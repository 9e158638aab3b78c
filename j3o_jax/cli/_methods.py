"""Methods on the command line: which there are, and what its options say of one."""

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import j3o_jax

from ..named_methods import registry
from ._failures import InputError, unknown
from ._options import require_gap, require_seconds

if TYPE_CHECKING:
    from ..named_methods import NamedMethod


METHODS = {name: method for name, method in registry.METHODS.items() if not method.same_as}
AUTO = "auto"
DEFAULT = "j3o"
# Left out: what takes its whole time limit, and what is one of the others.
COMPARED = tuple(name for name in METHODS if name not in ("bilinear-minlp", AUTO))
LP_SOLVERS = ("HIGHS", "CLARABEL")
FILES = (".yaml", ".yml", ".json")
"""How a name ends that is a file with a method and its settings, such as `j3o tune` writes."""

LISTED = "; ".join(f"{name} {method.does}" for name, method in METHODS.items()) + "; or a file of j3o tune"

TIME_LIMIT = 60.0
"""Seconds for one scenario that a method takes at most, unless told otherwise."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """A method that was chosen on the command line, by its name, and what was said about it.

    **Arguments:**

    - `lp_solver`: for its LP, None for the usual one.
    - `time_limit`: seconds for one scenario.
    - `gap`: at which a plan counts as optimal, None for the method's own; methods that prove none do without.
    - `file`: what a file says, in place of all of this; its path is the name then.
    """

    name: str
    lp_solver: str | None = None
    time_limit: float = TIME_LIMIT
    gap: float | None = None
    file: "NamedMethod | None" = None

    def build(self) -> "j3o_jax.methods.AbstractMethod":
        """Make the method; this loads it."""
        if self.file is not None:
            return self.file.build()
        settings: dict[str, Any] = {"time_limit": self.time_limit}
        if self.gap is not None and METHODS[self.name].proves:
            settings["gap"] = self.gap
        if self.lp_solver is not None:
            settings["lp"] = j3o_jax.CvxpyLP(solver=self.lp_solver)
        return METHODS[self.name].build(**settings)

    @property
    def ignores_gap(self) -> bool:
        """Whether a gap was named that means nothing to it."""
        return self.file is None and self.gap is not None and not METHODS[self.name].proves


def choose(
    name: str,
    option: str,
    *,
    lp_solver: str | None = None,
    time_limit: float | None = None,
    gap: float | None = None,
) -> Choice:
    """Look up the method called `name` on the command line, or in a file; `option` is where it was named."""
    if name.lower().endswith(FILES):
        given = {"--lp-solver": lp_solver, "--time-limit": time_limit, "--gap": gap}
        return _in_file(name, next((word for word, value in given.items() if value is not None), None))
    if name not in METHODS:
        raise unknown("method", name, METHODS, option)
    if name == AUTO and lp_solver is not None:
        name = "j3o"  # of what it takes, this alone has such an LP
    require_seconds("--time-limit", time_limit)
    if lp_solver is not None:
        if not METHODS[name].routes:
            raise InputError(f"--lp-solver: {name} solves no LP: leave the option out")
        if lp_solver.upper() not in LP_SOLVERS:
            raise unknown("LP solver", lp_solver, LP_SOLVERS, "--lp-solver")
        lp_solver = lp_solver.upper()
    require_gap(gap)
    return Choice(name, lp_solver, TIME_LIMIT if time_limit is None else time_limit, gap)


SHARES = ("price-directed", "exact-milp")
"""Methods that place models for many scenarios."""


def choose_for_many(choice: Choice) -> Choice:
    """Make sure that a choice places models for many scenarios; "auto" is the first that does."""
    if choice.name == AUTO:
        return dataclasses.replace(choice, name=SHARES[0])
    if choice.file is None and choice.name in SHARES and choice.lp_solver is None:
        return choice
    if choice.file is not None and isinstance(choice.build(), j3o_jax.PriceDirected | j3o_jax.ExactMILP):
        return choice
    wrong = "--method" if choice.lp_solver is None else "--lp-solver"
    raise InputError(
        f"{wrong}: a placement for many scenarios is made by {' or '.join(SHARES)}: name one of them, or leave the "
        "option out"
    )


def ignored(choices: Iterable[Choice]) -> tuple[str, ...]:
    """Sentences, one each, about options that were given to no effect."""
    names = [choice.name for choice in choices if choice.ignores_gap]
    return (f"--gap has no effect on {', '.join(names)}: no gap is proven there",) if names else ()


def _in_file(path: str, besides: str | None) -> Choice:
    """Read the method in a file; an option `besides` it is refused."""
    if besides is not None:
        raise InputError(f"{besides}: {path} has the settings of its method: write it there, or leave the option out")
    from ..named_methods import read_method

    return Choice(path, file=read_method(path))
