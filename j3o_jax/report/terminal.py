"""Tables of one plan for a terminal: headline, placement, traffic, limits and notes."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from .summary import Capacity, Node, Summary, Traffic
from .wording import (
    BY_WORD,
    NEGLIGIBLE,
    accuracy,
    bare_percent,
    compilation,
    count,
    duration,
    few,
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

# As many rows as a reader takes in at a glance; what is beyond is counted.
CLIENTS_ONE_BY_ONE = 12
LONGEST_LIST = 10
# From this width on there is room for bars beside the figures.
WIDE = 118


class PlanReport:
    """What `rich` prints for a plan; it fits itself to the width that it is given.

    **Arguments:**

    - `summary`: the figures.
    - `title`: what the plan is for, e.g. the file and the method.
    - `facts`: further lines of the headline, as pairs of a word and a text.
    """

    def __init__(self, summary: Summary, title: str, facts: Sequence[tuple[str, str]] = ()):
        self.summary = summary
        self.title = title
        self.facts = facts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the parts of the report."""
        wide = options.max_width >= WIDE
        summary = self.summary
        yield Text(printable(self.title), style="bold")
        yield headline(summary, self.facts)
        if summary.total is None:
            return
        total = summary.total
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
        if summary.notes:
            yield ""
        for note in summary.notes:
            yield Text(f"Note: {printable(note)}.", style="yellow")


def headline(summary: Summary, facts: Sequence[tuple[str, str]]) -> Table:
    """Worth, bound, status and time of a plan, a line each."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    if summary.status.success:
        grid.add_row("Accuracy", Text(f"{summary.objective:.4f}  (loss {summary.loss:.4f})", style="bold"))
        proven = summary.bound == summary.bound
        word = "" if summary.certified else f", {BY_WORD}"
        bound = f"{summary.bound:.4f}  (at most {gap_percent(summary.gap)} better is possible){word}"
        grid.add_row("Bound", bound if proven else "none proven by this method")
    style = "green" if summary.status.success else "bold red"
    grid.add_row("Status", Text(f"{summary.status.name}: {printable(summary.verdict)}", style=style))
    if summary.seconds == summary.seconds:
        rounds = "" if summary.iterations is None else f", {count(summary.iterations, 'iteration')}"
        grid.add_row("Time", f"{duration(summary.seconds)}{rounds}{compilation(summary.compile_seconds)}")
    for word, text in facts:
        grid.add_row(word, Text(printable(text)))
    sizes = ", ".join(count(size, word.removesuffix("s")) for word, size in summary.sizes.items())
    grid.add_row("Size", sizes)
    return grid


def plain_table(title: str, wide: bool = True) -> Table:
    """Make an empty table in the style of all reports; narrow ones keep their columns closer together."""
    return Table(
        title=Text(f"\n{title}", style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1 if wide else 0, 0, 0),
        show_edge=False,
        header_style="dim",
        expand=False,
    )


def fitting(console: Console, options: ConsoleOptions, *tables: Callable[[], Table]) -> Table:
    """Make the first of some tables that fits without breaking a word, or the last one."""
    for table in tables[:-1]:
        made = table()
        if Measurement.get(console, options.update(max_width=10_000), made).maximum <= options.max_width:
            return made
    return tables[-1]()


def _placement(summary: Summary, wide: bool) -> Table:
    table = plain_table("Models held")
    table.add_column("Node", overflow="fold")
    table.add_column("Models", overflow="fold")
    table.add_column("Memory, MB", justify="right")
    edges, clients = summary.of_tier("edge"), summary.of_tier("client")
    behind: dict[str, int] = defaultdict(int)
    for client in clients:
        behind[client.edge] += 1
    for edge in edges[:LONGEST_LIST]:
        table.add_row(Text(printable(edge.name), style="bold"), *_holding([edge]))
    if len(edges) > LONGEST_LIST:
        table.add_row(Text(f"… and {count(len(edges) - LONGEST_LIST, 'more edge')}", style="dim"))
    table.add_section()
    if len(clients) <= CLIENTS_ONE_BY_ONE:
        for client in clients:
            table.add_row(Text(printable(client.name)), *_holding([client]))
        return table
    alike: dict[tuple[str, ...], list[Node]] = defaultdict(list)
    for client in clients:
        alike[client.models].append(client)
    groups = sorted(alike.values(), key=len, reverse=True)
    for group in groups[:LONGEST_LIST]:
        names = few([printable(client.name) for client in group], 3 if wide else 1)
        many = f"{count(len(group), 'client')}: " if len(group) > 1 else ""
        table.add_row(Text(many + names), *_holding(group))
    rest = groups[LONGEST_LIST:]
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
    table = plain_table(f"Where the queries go: % of each task{where}", not close)
    table.add_column("Task", overflow="fold")
    table.add_column("Queries/s", justify="right", no_wrap=True)
    for tier in ("local", "edge", "cloud"):
        table.add_column(tier.capitalize(), justify="right", no_wrap=True)
    table.add_column("Unserved", justify="right", no_wrap=True)
    table.add_column("Accuracy", justify="right", no_wrap=True)
    if wide:
        table.add_column("".join(f"{sign} {way}  " for way, (sign, _) in WAYS.items()).strip(), no_wrap=True)
    for row in (*rows, total):
        last = row is total
        if last:
            table.add_section()
        right = {tier: math.nan if brief else getattr(row, f"{tier}_accuracy") for tier in ("local", "edge", "cloud")}
        cells = [_served(getattr(row, tier), right[tier]) for tier in right]
        unserved = Text(bare_percent(row.unserved), style="bold red" if row.unserved > NEGLIGIBLE else "dim")
        cells += [unserved, Text(accuracy(row.accuracy), style="bold")]
        split = [_split(row, 33)] if wide else []
        table.add_row(Text(printable(row.task)), number(row.demand), *cells, *split, style="bold" if last else "")
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
    table = plain_table("Limits, the fullest first")
    table.add_column("Node", overflow="fold")
    table.add_column("Limit", no_wrap=True)
    table.add_column("Used", justify="right", no_wrap=True)
    table.add_column("Available", justify="right", no_wrap=True)
    table.add_column("Unit", no_wrap=True)
    table.add_column("Full", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    if wide:
        table.add_column("", no_wrap=True)
    shown = [limit for tier in ("cloud", "edge", "client") for limit in _fullest(limits, tier)[:LONGEST_LIST]]
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
