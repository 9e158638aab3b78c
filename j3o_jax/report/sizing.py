"""What to buy: the front of price and accuracy on the terminal, and as data."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Column, Table
from rich.text import Text

from ..sizing import Sizing
from .tables import ROOMY, facts_list, figures, headed, notes, plain_table
from .wording import NOTHING, accuracy, count, gap_percent, listed, part_of, printable

_MOST_ROWS = 40


@dataclasses.dataclass(frozen=True)
class SizingReport:
    """Front as `rich` prints it.

    **Arguments:**

    - `sizing`: what was found.
    - `currency`: what prices are in, or "".
    - `title`: of what.
    - `facts`: what is said below.
    """

    sizing: Sizing
    currency: str
    title: str
    facts: Sequence[tuple[str, str]] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield what to buy, or the points to choose from, and what became of the options."""
        sizing = self.sizing
        yield headed(self.title)
        answer = sizing.answer
        if answer is not None:
            price, reached = float(sizing.price[answer]), float(sizing.accuracy[answer])
            yield Text(f"For {in_currency(price, self.currency)}, accuracy {accuracy(reached)}\n")
            yield facts_list(sizing.named(answer).items())
        elif not sizing.goal.asks:
            yield self._front(wide=options.max_width >= ROOMY)
            if len(sizing.price) > _MOST_ROWS:
                yield Text(f"and {count(len(sizing.price) - _MOST_ROWS, 'point')} more", style="dim")
        yield ""
        yield facts_list([("Proof", proof(sizing, self.currency)), ("Options", became(sizing)), *self.facts])
        yield from notes(remarks(sizing))

    def _front(self, *, wide: bool) -> Table:
        sizing = self.sizing
        price = f"Price, {printable(self.currency)}" if self.currency else "Price"
        columns = figures(price, "Accuracy", "Cheaper, at most")
        what = Column("What to buy; below the first point, what changes", overflow="fold")
        table = plain_table("Points than which nothing that costs less was found as good", *columns, what, wide=wide)
        before: Mapping[str, str] = {}
        for point in range(min(len(sizing.price), _MOST_ROWS)):
            bought = sizing.named(point)
            changed = (f"{choice}: {name}" for choice, name in bought.items() if before.get(choice) != name)
            cells = [money(sizing.price[point]), accuracy(sizing.accuracy[point]), _cheaper(sizing, point)]
            table.add_row(*cells, printable("; ".join(changed)))
            before = bought
        return table


def _cheaper(sizing: Sizing, point: int) -> Text:
    """Write what cheaper options can reach at most; marked where that is more than the point itself."""
    bound = sizing.cheaper_bound[point]
    if bound == -math.inf:
        return Text(NOTHING)
    return Text(accuracy(bound), style="" if sizing.proven[point] else "yellow")


def money(price: float) -> str:
    """Write a price with thousands marked, and two decimals where it has any."""
    return f"{price:,.0f}" if abs(price - round(price)) < 5e-3 else f"{price:,.2f}"


def in_currency(price: float, currency: str) -> str:
    """Write a price with what it is in."""
    return f"{money(price)} {printable(currency)}".rstrip()


def proof(sizing: Sizing, currency: str) -> str:
    """Say what is proven of the answer, or of the points."""
    points, answer, goal = len(sizing.price), sizing.answer, sizing.goal
    if goal.target is not None:
        wanted = f"an accuracy of {goal.target:g}"
        within = "" if goal.budget is None else f" within {in_currency(goal.budget, currency)}"
        if answer is None:
            most = float(np.max(sizing.all_bounds, initial=-math.inf))
            return (
                f"no option reaches {wanted}{within}: {accuracy(most)} is the most"
                if sizing.proven_out_of_reach
                else f"none is found that reaches {wanted}{within}; it is not proven that none does ({accuracy(most)})"
            )
        if _is_cheapest(sizing, answer):
            return f"nothing cheaper reaches {wanted}"
        cheaper = float(sizing.cheaper_bound[answer])
        return (
            f"nothing cheaper is found that reaches {wanted}, and at most {accuracy(cheaper)} may be reached for less"
        )
    if answer is not None and goal.budget is not None:
        gap = float(sizing.gap[answer])
        return (
            f"no option within {in_currency(goal.budget, currency)} is better by more than {_gap(gap)} of the accuracy"
        )
    if not points:
        return NOTHING
    proven = int(sizing.proven.sum())
    worst = float(sizing.gap.max())
    words = (
        "nothing cheaper reaches the accuracy of any point"
        if proven == points
        else (f"nothing cheaper reaches the accuracy of {proven:,} of {count(points, 'point')}")
    )
    return f"{words}; for the same money none is better by more than {_gap(worst)}"


def _is_cheapest(sizing: Sizing, answer: int) -> bool:
    return bool(sizing.cheaper_bound[answer] < (sizing.goal.target or 0.0))


def _gap(gap: float) -> str:
    return "1e-6 %" if gap <= 1e-8 else gap_percent(gap)


def became(sizing: Sizing) -> str:
    """Say what became of the options."""
    counts = sizing.counts
    parts = [f"{counts.plans:,} got a plan"]
    away = part_of(counts.dominated + counts.by_bounds, counts.options)
    parts.append(f"{away} proven away without one")
    if counts.dominated:
        parts[-1] += f" ({counts.dominated:,} with an alternative that another one is no dearer and no worse than)"
    if counts.unaffordable:
        parts.append(f"{counts.unaffordable:,} beyond the budget")
    if counts.open:
        parts.append(f"{counts.open:,} left open")
    return f"{count(counts.options, 'combination')}: {listed(parts)}"


def remarks(sizing: Sizing) -> list[str]:
    """Sentences on what a reader should not overlook."""
    said = []
    unproven = int((~sizing.proven).sum())
    if not sizing.goal.asks and unproven and not sizing.exact:
        words = "one point" if unproven == 1 else f"{unproven:,} points"
        said.append(
            f"of {words} it is open whether something cheaper is as good; --exact looks for it by an exact search"
        )
    if sizing.exact:
        said.append("bounds of options that an exact method has planned are the solver's word")
    return said


def content_of(sizing: Sizing, currency: str) -> dict[str, Any]:
    """Return what `j3o size --json` prints of the search."""
    points = [
        {
            "price": float(sizing.price[point]),
            "accuracy": float(sizing.accuracy[point]),
            "bound": float(sizing.bound[point]),
            "cheaper_bound": float(sizing.cheaper_bound[point]),
            "proven": bool(sizing.proven[point]),
            "take": sizing.named(point),
        }
        for point in range(len(sizing.price))
    ]
    return {
        "currency": currency,
        "budget": sizing.goal.budget,
        "target": sizing.goal.target,
        "gap": sizing.goal.gap,
        "exact": sizing.exact,
        "options": {**sizing.counts._asdict(), "share_without_plan": sizing.counts.share_without_plan},
        "answer": sizing.answer,
        "proven_out_of_reach": sizing.proven_out_of_reach,
        "points": points,
    }
