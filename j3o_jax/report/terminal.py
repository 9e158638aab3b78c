"""Tables of one plan for a terminal: headline, placement, traffic, limits and notes."""

import dataclasses
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Column, Table
from rich.text import Text

from .summary import Capacity, Node, Summary, Traffic
from .tables import LONGEST_LIST, facts_list, figures, fitting, headed, names, notes, plain_table, words
from .wording import (
    BY_WORD,
    NEGLIGIBLE,
    accuracy,
    bare_percent,
    compilation,
    count,
    duration,
    few,
    gain_in_points,
    gap_percent,
    number,
    percent,
    printable,
)

# One sign and one colour for each way a query can go; the signs tell them apart where there is no colour.
WAYS = {
    "local": ("█", "blue"),
    "edge": ("▓", "yellow"),
    "cloud": ("▒", "magenta"),
    "unserved": ("·", "bright_black"),
}

CLIENTS_ONE_BY_ONE = 12
# From this width on there is room for bars beside the figures.
WIDE = 118


@dataclasses.dataclass(frozen=True)
class PlanReport:
    """Plan as `rich` prints it, fitted to the width that it is given.

    **Arguments:**

    - `summary`: the figures.
    - `title`: what the plan is for, e.g. the file and the method.
    - `facts`: further lines of the headline, as pairs of a word and a text.
    """

    summary: Summary
    title: str
    facts: Sequence[tuple[str, str]] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the parts of the report."""
        wide, summary, total = options.max_width >= WIDE, self.summary, self.summary.total
        yield headed(self.title)
        yield facts_list(_headline(summary, self.facts))
        if total is None:
            return
        yield _placement(summary, wide)
        yield fitting(
            console,
            options,
            lambda: _traffic(summary.traffic, total, wide),
            lambda: _traffic(summary.traffic, total, False, close=True),
            lambda: _traffic(summary.traffic, total, False, close=True, brief=True),
        )
        yield _limits(summary.capacities, wide)
        for line in _left_out(summary.capacities):
            yield Text(line, style="dim")
        yield from notes(summary.notes)


def _headline(summary: Summary, facts: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str | Text]]:
    """Worth, bound, status and time of a plan."""
    if summary.status.success:
        yield "Accuracy", Text(f"{summary.accuracy:.4f}  (loss {summary.loss:.4f})", style="bold")
        if summary.moved_mb is not None:
            yield "Moved", f"{number(summary.moved_mb)} MB of models; {summary.objective:.4f} after what that costs"
        word = "" if summary.certified else f", {BY_WORD}"
        bound = f"{summary.bound:.4f}  (at most {gap_percent(summary.gap)} better is possible){word}"
        yield "Bound", "none proven by this method" if math.isnan(summary.bound) else bound
    style = "green" if summary.status.success else "bold red"
    yield "Status", Text(f"{summary.status.name}: {printable(summary.verdict)}", style=style)
    if not math.isnan(summary.seconds):
        rounds = "" if summary.iterations is None else f", {count(summary.iterations, 'iteration')}"
        yield "Time", f"{duration(summary.seconds)}{rounds}{compilation(summary.compile_seconds)}"
    yield from facts
    yield "Size", ", ".join(count(size, word.removesuffix("s")) for word, size in summary.sizes.items())


def _placement(summary: Summary, wide: bool) -> Table:
    table = plain_table("Models held", *names("Node", "Models"), Column("Memory, MB", justify="right"))
    edges, clients = summary.of_tier("edge"), summary.of_tier("client")
    for edge in edges[:LONGEST_LIST]:
        table.add_row(headed(edge.name), *_holding([edge]))
    if len(edges) > LONGEST_LIST:
        table.add_row(Text(f"… and {count(len(edges) - LONGEST_LIST, 'more edge')}", style="dim"))
    table.add_section()
    alike: dict[tuple[str, ...], list[Node]] = defaultdict(list)
    for client in clients:
        alike[client.models].append(client)
    one_by_one = len(clients) <= CLIENTS_ONE_BY_ONE
    groups = [[client] for client in clients] if one_by_one else sorted(alike.values(), key=len, reverse=True)
    shown = len(groups) if one_by_one else LONGEST_LIST
    for group in groups[:shown]:
        called = few([printable(client.name) for client in group], 3 if wide else 1)
        many = f"{count(len(group), 'client')}: " if len(group) > 1 else ""
        table.add_row(Text(many + called), *_holding(group))
    rest = groups[shown:]
    if rest:
        more = Text(f"… and {count(sum(map(len, rest)), 'more client')}", style="dim")
        table.add_row(more, Text(f"{count(len(rest), 'more set')} of models", style="dim"))
    return table


def _holding(group: Sequence[Node]) -> tuple[Text, Text]:
    """Models and memory of nodes that hold the same."""
    first = group[0]
    models = Text(printable(", ".join(first.models))) if first.models else Text("none", style="dim")
    rooms = sorted(node.memory.available for node in group)
    room = number(rooms[0]) if rooms[0] == rooms[-1] else f"{number(rooms[0])} to {number(rooms[-1])}"
    return models, Text(f"{number(first.memory.used)} of {room}")


def _traffic(rows: Sequence[Traffic], total: Traffic, wide: bool, *, close: bool = False, brief: bool = False) -> Table:
    """Make the table of the ways of the queries.

    **Arguments:**

    - `wide`: with bars.
    - `close`: with the columns close together.
    - `brief`: without the accuracy of each way.
    """
    where = "" if brief else ", and the accuracy there"
    bars = ["".join(f"{sign} {way}  " for way, (sign, _) in WAYS.items()).strip()] if wide else []
    table = plain_table(
        f"Where the queries go: % of each task{where}",
        *names("Task"),
        *figures("Queries/s", *(way.capitalize() for way in WAYS), "Accuracy"),
        *words(*bars),
        wide=not close,
    )
    for row in (*rows, total):
        last = row is total
        if last:
            table.add_section()
        tiers = ("local", "edge", "cloud")
        cells = [_served(getattr(row, tier), math.nan if brief else getattr(row, f"{tier}_accuracy")) for tier in tiers]
        unserved = Text(bare_percent(row.unserved), style="bold red" if row.unserved > NEGLIGIBLE else "dim")
        cells += [unserved, Text(accuracy(row.accuracy), style="bold"), *([_split(row, 33)] if wide else [])]
        table.add_row(Text(printable(row.task)), number(row.demand), *cells, style="bold" if last else "")
    return table


def _served(share: float, right: float) -> Text:
    if not share > NEGLIGIBLE:
        return Text("–", style="dim")
    cell = Text(bare_percent(share))
    return cell if math.isnan(right) else cell.append(f" {right:.3f}", style="dim")


def _split(row: Traffic, width: int) -> Text:
    """Draw a bar whose parts are the ways that the queries go."""
    bar, done, start = Text(), 0.0, 0
    for way, (sign, colour) in WAYS.items():
        share = getattr(row, way)
        # Ends are rounded, not lengths, so that the bars of all rows are equally long.
        done += share if share == share else 0.0
        end = round(width * min(done, 1.0))
        bar.append(sign * (end - start), style=colour)
        start = end
    return bar


def _limits(limits: Sequence[Capacity], wide: bool) -> Table:
    shown = [limit for tier in ("cloud", "edge", "client") for limit in _fullest(limits, tier)[:LONGEST_LIST]]
    priced = any(limit.price > 0.0 for limit in shown)
    columns = (*names("Node"), *words("Limit"), *figures("Used", "Available"), *words("Unit"), *figures("Full"))
    gains = figures("+1 brings") if priced else ()
    table = plain_table("Limits, the fullest first", *columns, *words(""), *gains, *words(*([""] if wide else [])))
    for limit in sorted(shown, key=_emptiness):
        bar = Text("█" * round(20 * min(limit.share, 1.0)), style="red" if limit.binds else "green")
        table.add_row(
            Text(printable(limit.node)),
            limit.resource,
            number(limit.used),
            number(limit.available),
            limit.unit,
            percent(limit.share),
            Text("binds", style="bold red") if limit.binds else "",
            *([gain_in_points(limit.price)] if priced else []),
            *([bar] if wide else []),
        )
    return table


def _fullest(limits: Sequence[Capacity], tier: str) -> list[Capacity]:
    return sorted((limit for limit in limits if limit.tier == tier), key=_emptiness)


def _emptiness(limit: Capacity) -> float:
    # Those that bind count as equally full and stay in their order: what tells them apart is rounding.
    return 0.0 if limit.binds else 1.0 - limit.share


def _left_out(limits: Sequence[Capacity]) -> Iterator[str]:
    """Say what the table of the limits leaves out."""
    for tier in ("edge", "client"):
        rest = _fullest(limits, tier)[LONGEST_LIST:]
        if rest:
            binding = f"{sum(limit.binds for limit in rest) or 'none'} of them binding"
            filled = f"{percent(rest[-1].share)} to {percent(rest[0].share)} full"
            yield f"… and {count(len(rest), f'more {tier} limit')}, {binding}, {filled}"
