"""Reports of `j3o check`: how full every limit is, what is broken, and whether the bound is proven."""

import dataclasses
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from .._solution import Solution
from .._verification import Limit, Verification
from .tables import facts_list, figures, headed, names, plain_table, words
from .terminal import WIDE
from .wording import count, number, percent, printable

# As many limits of a kind, and as many violations, as a reader takes in at a glance.
FULLEST = 5
VIOLATIONS_SHOWN = 20
# Violations that are of what a plan says of itself, not of limits.
_WORTH = ("objective (2)", "accuracy", "moved_mb", "bound", "certificate")
# Limits whose prices are of the plan's own routing; those of memory are of the relaxation.
_PRICED = ("client_compute", "edge_compute", "edge_uplink", "cloud_uplink")
# What may be left of priced limits, relative to the objective, by the tolerance of routing.
_USED_UP = 1e-6


def proof(solution: Solution, verification: Verification) -> str:
    """Say in a sentence what is proven of a single plan."""
    objective, bound, said = verification.objective, verification.bound, float(solution.bound)
    if not isinstance(objective, Fraction):
        return "there is no plan"
    if not isinstance(bound, Fraction):
        word = "" if math.isnan(said) else f": its bound {said:.6g} is the solver's word"
        return f"not proven: the plan file has no certificate{word}"
    if not verification.proven:
        return f"not proven: the certificate proves {float(bound):.9g}, the plan file says {said:.9g}"
    if not verification.feasible:
        return f"proven: no plan that keeps every limit is worth more than {_up(bound)}"
    if bound <= objective:
        return "proven: no plan is better"
    better = f"{_up(100 * (bound - objective) / objective)} %" if objective else f"{_up(bound)}"
    return f"proven: no plan is more than {better} better"


def unused_worth(solution: Solution, verification: Verification) -> float | None:
    """Add up what is left of compute and links times its shadow price, in objective; None where there is no price.

    Complementary slackness: where the plan's routing is the best of its placement, what has a price is used up.
    """
    if solution.prices is None:
        return None
    prices = {name: iter(np.ravel(getattr(solution.prices, name)).tolist()) for name in _PRICED}
    worth = 0.0
    for limit in verification.limits:
        # In the order of the nodes, as the prices are.
        name = limit.constraint.split()[0]
        price = next(prices[name]) if name in prices else 0.0
        if price > 0.0 and limit.capacity < math.inf:
            worth += price * max(float(limit.capacity - limit.load), 0.0)
    return worth


def content_of(solution: Solution, verification: Verification) -> dict[str, Any]:
    """Return what was found of a plan, or of a batch of them, as `j3o check --json` prints it."""
    violations = [
        {
            "instance": violation.instance,
            "constraint": violation.constraint,
            "place": violation.place,
            "amount": violation.amount,
            "message": violation.message,
        }
        for violation in verification.violations
    ]
    if solution.batch_shape:
        return {
            "instances": int(np.size(verification.ok)),
            "ok": int(np.sum(verification.ok)),
            "feasible": int(np.sum(verification.feasible)),
            "proven": int(np.sum(verification.proven)),
            "violations": violations,
        }
    objective, bound = verification.objective, verification.bound
    return {
        "ok": bool(verification.ok),
        "feasible": bool(verification.feasible),
        "proven": bool(verification.proven),
        "proof": proof(solution, verification),
        "status": int(solution.status),
        "objective": _float(objective),
        "accuracy": _float(verification.accuracy),
        "bound": _float(bound),
        "unused_worth": unused_worth(solution, verification),
        "said": {"objective": float(solution.objective), "bound": float(solution.bound)},
        "limits": [
            {
                "constraint": limit.constraint,
                "place": limit.place,
                "unit": limit.unit,
                "load": float(limit.load),
                "capacity": float(limit.capacity),
                "used": limit.used,
            }
            for limit in verification.limits
        ],
        "violations": violations,
    }


def _float(value: Any) -> float:
    """Convert a fraction of one plan, NaN where there is none."""
    return math.nan if value is None else float(value)


def _up(value: Fraction) -> str:
    """Three significant digits, rounded up: what is said of a proof is never less than what is proven."""
    digits = 2 - math.floor(math.log10(float(value))) if value else 0
    step = Fraction(10) ** -digits
    return f"{float(-(-value // step) * step):.6g}"


@dataclasses.dataclass(frozen=True)
class VerificationReport:
    """Verification of one plan as `rich` prints it.

    **Arguments:**

    - `solution`, `verification`: of one plan.
    - `title`: what was checked.
    """

    solution: Solution
    verification: Verification
    title: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the headline, the limits, and what is broken."""
        verification = self.verification
        yield headed(self.title)
        yield facts_list(self._headline())
        if verification.limits:
            yield _table(verification, options.max_width >= WIDE)
            for line in _left_out(verification):
                yield Text(line, style="dim")
        yield from _violations(verification)

    def _headline(self) -> Iterator[tuple[str, str | Text]]:
        verification, said = self.verification, float(self.solution.objective)
        if verification.objective is not None:
            worth = _float(verification.objective)
            agrees = not any(violation.constraint.startswith("objective") for violation in verification.violations)
            file = "as the plan file says" if agrees else f"the plan file says {said:.6g}"
            accuracy, style = _float(verification.accuracy), "bold" if agrees else "bold red"
            yield "Accuracy" if accuracy == worth else "Objective", Text(f"{worth:.6f}, {file}", style=style)
            if accuracy != worth:
                yield "Accuracy", f"{accuracy:.6f}, before the cost of moving models"
        broken = len({(one.constraint, one.place) for one in verification.violations if one.constraint not in _WORTH})
        kept = "every limit kept" if verification.feasible else f"broken: {count(broken, 'place')}"
        yield "Limits", Text(kept, style="green" if verification.feasible else "bold red")
        style = "green" if verification.proven else "yellow" if verification.bound is None else "bold red"
        yield "Bound", Text(proof(self.solution, verification), style=style)
        worth = unused_worth(self.solution, verification)
        if worth is not None and worth <= _USED_UP * abs(said):
            yield "Prices", Text("what has a price is used up, as by the best routing", style="green")
        elif worth is not None:
            left = f"what is left of limits with a price is worth {number(worth)}"
            yield "Prices", Text(f"{left}: queries could be routed better")


@dataclasses.dataclass(frozen=True)
class BatchVerificationReport:
    """Verification of a batch of plans as `rich` prints it; arguments as of `VerificationReport`."""

    solution: Solution
    verification: Verification
    title: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the counts, and what is broken."""
        verification = self.verification
        every = f"of {count(np.size(verification.ok), 'plan')}"
        with_certificate = sum(bound is not None for bound in np.asarray(verification.bound, dtype=object).ravel())
        proven = f"{np.sum(verification.proven):,} {every}; {with_certificate:,} have a certificate"
        yield headed(self.title)
        yield facts_list(
            [
                ("Feasible", f"{np.sum(verification.feasible):,} {every}"),
                ("Proven", proven),
                ("As they say", f"{np.sum(verification.ok):,} {every}"),
            ]
        )
        yield from _violations(verification)


def _table(verification: Verification, wide: bool) -> Table:
    columns = (*words("Limit"), *names("Node"), *figures("Load", "Capacity"), *words("Unit"), *figures("Full"))
    table = plain_table("Limits, the fullest of each kind", *columns, *words(""), wide=wide)
    broken = {(violation.constraint, violation.place) for violation in verification.violations}
    for limits in _by_kind(verification).values():
        table.add_section()
        for limit in limits[:FULLEST]:
            over = (limit.constraint, limit.place) in broken
            table.add_row(
                limit.constraint.replace("_", " "),
                Text(printable(limit.place)),
                number(float(limit.load)),
                number(float(limit.capacity)),
                limit.unit,
                percent(limit.used),
                Text(f"{number(float(limit.load - limit.capacity))} too much", style="bold red") if over else "",
            )
    return table


def _by_kind(verification: Verification) -> dict[str, list[Limit]]:
    """Sort the limits by kind, the fullest of each first."""
    kinds: dict[str, list[Limit]] = {}
    for limit in verification.limits:
        kinds.setdefault(limit.constraint, []).append(limit)
    return {kind: sorted(limits, key=lambda limit: -limit.used) for kind, limits in kinds.items()}


def _left_out(verification: Verification) -> Iterator[str]:
    for kind, limits in _by_kind(verification).items():
        rest = limits[FULLEST:]
        if rest:
            filled = f"{percent(rest[-1].used)} to {percent(rest[0].used)} full"
            yield f"… and {len(rest):,} more of {kind.replace('_', ' ')}, {filled}"


def _violations(verification: Verification) -> Iterator[Text]:
    for violation in verification.violations[:VIOLATIONS_SHOWN]:
        yield Text(printable(str(violation)), style="red")
    rest = len(verification.violations) - VIOLATIONS_SHOWN
    if rest > 0:
        yield Text(f"… and {count(rest, 'more violation')}", style="dim")
