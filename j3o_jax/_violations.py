"""Results of checking a plan: violations, and the report of a batch."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ._types import AnyArray, Bool, Float


@dataclasses.dataclass(frozen=True)
class Violation:
    """One constraint that one plan breaks at one place.

    **Arguments:**

    - `instance`: index of the plan in the batch; ``()`` for a single plan, or where arrays do not fit.
    - `constraint`: which one, with the number of its equation: ``"client_memory (8)"``.
    - `place`: the names of the node and task, or of the field.
    - `amount`: the excess, as `check` measures it; 1 for a choice not held, infinite if it has no measure.
    - `message`: what is wrong, in one line.
    """

    instance: tuple[int, ...]
    constraint: str
    place: str
    amount: float
    message: str

    def __str__(self) -> str:
        where = f"instance {list(self.instance)}: " if self.instance else ""
        return f"{where}{self.constraint}: {self.place}: {self.message}"


class ViolationError(RuntimeError):
    """A plan breaks a constraint; the message says which, and where."""


def told(head: str, violations: Sequence[Violation]) -> str:
    """Write a headline and the first ten violations, a line each, with a count of the others."""
    lines = [head, *(f"  {violation}" for violation in violations[:10])]
    if len(violations) > 10:
        lines.append(f"  and {len(violations) - 10} more")
    return "\n".join(lines)


@dataclasses.dataclass(frozen=True, eq=False)
class Report:
    """Result of `check`. Arrays have the batch shape of the scenario.

    **Arguments:**

    - `ok`: whether the plan keeps every constraint and is worth what it says.
    - `objective`: what is maximised, recomputed: F (2), less what moving models costs where it costs anything; NaN
      where the plan has no numbers.
    - `worst`: the largest excess, within the tolerance or not.
    - `violations`: every excess beyond the tolerance, in the order of instances.
    - `accuracy`: F (2), recomputed. `moved_mb`: MB of models moved, 0 where the scenario does not say what was held.
    """

    ok: Bool[AnyArray, "*batch"]
    objective: Float[AnyArray, "*batch"]
    worst: Float[AnyArray, "*batch"]
    violations: tuple[Violation, ...]
    accuracy: Float[AnyArray, "*batch"] | float = np.nan
    moved_mb: Float[AnyArray, "*batch"] | float = np.nan

    def raise_if_violated(self) -> "Report":
        """Return the report itself if every plan is ok; raise `ViolationError` otherwise."""
        if not np.all(self.ok):
            raise ViolationError(str(self))
        return self

    def __str__(self) -> str:
        ok, worst = np.asarray(self.ok), np.max(self.worst, initial=0.0)
        value = f"objective {self.objective:.6f}" if ok.ndim == 0 else f"{ok.sum()} of {ok.size} plans ok"
        return told(f"{'ok' if ok.all() else 'not ok'}: {value}, worst excess {worst:.1e}", self.violations)
