"""What changes from one plan to another: the models that move, over which links, and what that brings."""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from .._check import check
from .._model import model_costs
from .._names import Names
from .._previous import MB_PER_GB, held_before
from .._scenario import Scenario
from .._solution import Solution
from .summary import Summary, Traffic, summarize
from .tables import LONGEST_LIST, facts_list, figures, headed, names, notes, plain_table
from .wording import NOTHING, accuracy, count, few, number, percent, printable


@dataclasses.dataclass(frozen=True)
class NodeChange:
    """A node at which models come or go.

    `edge` is the edge that it is connected to, or itself. `comes`, `goes` and `stays` are models; `moved_mb` and
    `dropped_mb` the MB of those that come and go, NaN where sizes are not known.
    """

    name: str
    tier: Literal["client", "edge"]
    edge: str
    comes: tuple[str, ...]
    goes: tuple[str, ...]
    stays: tuple[str, ...]
    moved_mb: float
    dropped_mb: float


@dataclasses.dataclass(frozen=True)
class LinkLoad:
    """MB of models that go over the link from the cloud to an edge: to the edge itself, and on to its clients."""

    edge: str
    to_edge_mb: float
    to_clients_mb: float

    @property
    def total_mb(self) -> float:
        """All that goes over the link."""
        return self.to_edge_mb + self.to_clients_mb


@dataclasses.dataclass(frozen=True)
class TaskChange:
    """Answers to one task by both plans; `before` is None where the plan before is for another deployment."""

    task: str
    before: Traffic | None
    after: Traffic

    @property
    def gain(self) -> float:
        """Accuracy gained; NaN where it is not known, or nobody asks."""
        return math.nan if self.before is None else self.after.accuracy - self.before.accuracy


@dataclasses.dataclass(frozen=True)
class Difference:
    """What changes from one plan to another.

    MB and links need the sizes of a deployment, and tasks its demand: without one they are NaN, or not there.

    **Arguments:**

    - `nodes`: those at which anything changes, edges first.
    - `links`: from the cloud, where all models come from, to each edge.
    - `tasks`, `total`: accuracy by task, and over all queries.
    - `accuracy_before`, `accuracy_after`: of the plans for the deployment; without one what the plans say.
    - `moved_mb`, `dropped_mb`: MB that come and go.
    - `cost_per_gb`: what 1,000 MB cost, None where nobody said.
    - `feasible`: whether the plans keep every limit of the deployment, as far as that is known.
    - `remarks`: what a reader should not overlook.
    """

    nodes: tuple[NodeChange, ...]
    links: tuple[LinkLoad, ...]
    tasks: tuple[TaskChange, ...]
    total: TaskChange | None
    accuracy_before: float
    accuracy_after: float
    moved_mb: float
    dropped_mb: float
    cost_per_gb: float | None
    feasible: bool
    remarks: tuple[str, ...]

    @property
    def gain(self) -> float:
        """Accuracy gained by the change, before its cost."""
        return self.accuracy_after - self.accuracy_before

    @property
    def cost(self) -> float | None:
        """What moving costs, in accuracy; None where nobody said what a GB costs."""
        return None if self.cost_per_gb is None else self.cost_per_gb * self.moved_mb / MB_PER_GB

    @property
    def pays(self) -> bool | None:
        """Whether the change gains what it costs; None where that is not known, as of a plan that breaks limits."""
        known = self.feasible and self.cost is not None and math.isfinite(self.gain) and math.isfinite(self.cost)
        return self.gain >= self.cost if known and self.cost is not None else None


def difference_of(
    before: Solution, after: Solution, scenario: Scenario | None = None, cost_per_gb: float | None = None
) -> Difference:
    """Compare two plans, node by node and model by model; by their names, where both have names.

    **Arguments:**

    - `before`, `after`: one plan each.
    - `scenario`: the deployment that `after` is for: for sizes and demand.
    - `cost_per_gb`: what moving 1,000 MB costs, in accuracy.

    **Raises:** `ValueError` for a batch, for a solution without a plan, and where plans and scenario do not fit.
    """
    for plan, which in ((before, "first"), (after, "second")):
        if plan.batch_shape:
            raise ValueError(f"the {which} file holds a batch of plans: name a file with one")
        if not plan.success:
            raise ValueError(f"the {which} file has no plan: {plan.reason()}")
    clients, edges, models = len(after.client_models), *after.edge_models.shape
    held = held_before(before, after.names, clients, edges, models)
    labels = after.labels if scenario is None else scenario.labels
    sizes = _sizes(scenario, clients, edges, models)
    home = None if scenario is None else [labels.edges[edge] for edge in np.asarray(scenario.client_edge)]
    nodes = (
        *_changes("edge", labels, labels.edges, held[1], after.edge_models, sizes[1]),
        *_changes("client", labels, home or ("",) * clients, held[0], after.client_models, sizes[0]),
    )
    same = scenario is not None and _fits(before, scenario)
    summaries = (
        summarize(scenario, before) if same and scenario is not None else None,
        None if scenario is None else summarize(scenario, after),
    )
    tasks, total = _tasks(*summaries)
    links = () if scenario is None else tuple(_links(labels, nodes))
    broken = () if scenario is None else tuple(_broken(before, after, scenario, same=same))
    return Difference(
        nodes=tuple(node for node in nodes if node.comes or node.goes),
        links=links,
        tasks=tasks,
        total=total,
        accuracy_before=float(before.accuracy) if total is None else _accuracy(total.before),
        accuracy_after=float(after.accuracy) if total is None else total.after.accuracy,
        moved_mb=sum(node.moved_mb for node in nodes),
        dropped_mb=sum(node.dropped_mb for node in nodes),
        cost_per_gb=cost_per_gb,
        feasible=not broken,
        remarks=(*broken, *_remarks(before, scenario, same=same)),
    )


def _accuracy(traffic: Traffic | None) -> float:
    return math.nan if traffic is None else traffic.accuracy


def _sizes(scenario: Scenario | None, clients: int, edges: int, models: int) -> tuple[np.ndarray, np.ndarray]:
    """MB of the models at clients ``[C, M]`` and edges ``[E, M]``, NaN where they are not known."""
    if scenario is None:
        return np.full((clients, models), np.nan), np.full((edges, models), np.nan)
    costs = model_costs(scenario)
    return np.broadcast_to(costs.client_memory, (clients, models)), np.broadcast_to(costs.edge_memory, (edges, models))


def _changes(
    tier: Literal["client", "edge"],
    labels: Names,
    edge_of: Sequence[str],
    before: np.ndarray,
    after: np.ndarray,
    sizes: np.ndarray,
) -> Iterator[NodeChange]:
    for node, name in enumerate(labels.edges if tier == "edge" else labels.clients):
        old, new = np.asarray(before[node]), np.asarray(after[node])

        def called(mask: np.ndarray) -> tuple[str, ...]:
            return tuple(labels.models[model] for model in np.flatnonzero(mask))

        comes, goes = new & ~old, old & ~new
        yield NodeChange(
            name=name,
            tier=tier,
            edge=edge_of[node],
            comes=called(comes),
            goes=called(goes),
            stays=called(new & old),
            moved_mb=float(sizes[node][comes].sum()),
            dropped_mb=float(sizes[node][goes].sum()),
        )


def _links(labels: Names, nodes: Sequence[NodeChange]) -> Iterator[LinkLoad]:
    load: Counter[tuple[str, str]] = Counter()
    for node in nodes:
        load[node.edge, node.tier] += node.moved_mb  # pyright: ignore[reportArgumentType] — MB, not counts
    for edge in labels.edges:
        yield LinkLoad(edge, float(load[edge, "edge"]), float(load[edge, "client"]))


def _fits(plan: Solution, scenario: Scenario) -> bool:
    """Whether a plan is for nodes, tasks and models of the same names and numbers."""
    if plan.names is not None and scenario.names is not None:
        words = ("tasks", "models", "clients", "edges")
        return all(getattr(plan.names, word) == getattr(scenario.names, word) for word in words)
    shapes = (plan.local.shape, plan.client_models.shape, plan.edge_models.shape)
    models = scenario.models
    return shapes == (scenario.demand.shape, (scenario.clients, models), (scenario.edges, models))


def _tasks(before: Summary | None, after: Summary | None) -> tuple[tuple[TaskChange, ...], TaskChange | None]:
    if after is None or after.total is None:
        return (), None
    old = [None] * len(after.traffic) if before is None else before.traffic
    tasks = tuple(TaskChange(new.task, was, new) for was, new in zip(old, after.traffic, strict=True))
    return tasks, TaskChange("all tasks", None if before is None else before.total, after.total)


def _broken(before: Solution, after: Solution, scenario: Scenario, *, same: bool) -> Iterator[str]:
    """Say of each plan for the deployment which of its limits it breaks."""
    plain = dataclasses.replace(scenario, switching=None)
    for plan, which in ((before, "first"), (after, "second")) if same else ((after, "second"),):
        told = dataclasses.replace(plan, objective=plan.accuracy, bound=np.float64(np.nan), moves=None)
        found = [one for one in check(plain, told).violations if one.constraint not in ("objective (2)", "bound")]
        if found:
            more = f" and {count(len(found) - 1, 'other limit')}" if len(found) > 1 else ""
            yield (
                f"the {which} plan breaks {found[0].constraint} of {found[0].place}{more} of this deployment: its "
                "accuracy is what its shares would earn"
            )


def _remarks(before: Solution, scenario: Scenario | None, *, same: bool) -> Iterator[str]:
    if scenario is None:
        yield "without a deployment sizes and demand are not known: name one by --deployment"
        return
    if not same:
        yield "the first plan is for other nodes, tasks or models: what it would be worth here is not known"
    gone = set() if before.names is None else {*before.names.clients, *before.names.edges}
    gone -= {*scenario.labels.clients, *scenario.labels.edges}
    if gone and not same:
        yield f"no longer there: {few(sorted(gone))}"


def content_of(difference: Difference) -> dict[str, Any]:
    """Return what changes as `j3o diff --json` prints it."""
    return {
        "moved_mb": difference.moved_mb,
        "dropped_mb": difference.dropped_mb,
        "accuracy_before": difference.accuracy_before,
        "accuracy_after": difference.accuracy_after,
        "gain": difference.gain,
        "cost_per_gb": difference.cost_per_gb,
        "cost": difference.cost,
        "pays": difference.pays,
        "nodes": difference.nodes,
        "links": difference.links,
        "tasks": difference.tasks,
        "total": difference.total,
        "remarks": difference.remarks,
    }


@dataclasses.dataclass(frozen=True)
class DifferenceReport:
    """What changes from one plan to another, as `rich` prints it; `title` says between which."""

    difference: Difference
    title: str
    facts: Sequence[tuple[str, str]] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the headline, the nodes, the links and the tasks."""
        difference = self.difference
        yield headed(self.title)
        yield facts_list([*_headline(difference), *self.facts])
        if difference.nodes:
            yield _nodes_table(difference)
        rest = len(difference.nodes) - 2 * LONGEST_LIST
        if rest > 0:
            yield Text(f"… and {count(rest, 'more node')}", style="dim")
        if difference.links:
            yield _links_table(difference)
        if difference.tasks:
            yield _tasks_table(difference)
        yield from notes(difference.remarks)


def _headline(difference: Difference) -> Iterator[tuple[str, str | Text]]:
    comes, goes = (sum(len(getattr(node, what)) for node in difference.nodes) for what in ("comes", "goes"))
    mb = "" if math.isnan(difference.moved_mb) else f", {number(difference.moved_mb)} MB"
    kept = "" if difference.nodes else "; every node keeps what it holds"
    yield "Moved", f"{count(comes, 'model')}{mb}; {count(goes, 'model')} dropped, which costs nothing{kept}"
    change = signed(difference.gain)
    before, after = accuracy(difference.accuracy_before), accuracy(difference.accuracy_after)
    yield "Accuracy", Text(f"{before} → {after}  ({change})", style="bold")
    if difference.cost is not None:
        verdict = {None: "", True: ": the change pays", False: ": the change does not pay"}[difference.pays]
        words = f"{number(difference.cost)} of accuracy at {difference.cost_per_gb:g} for 1,000 MB{verdict}"
        yield "Cost", Text(words, style="bold red" if difference.pays is False else "")


def signed(gain: float) -> str:
    """Write a change of accuracy with its sign."""
    return NOTHING if math.isnan(gain) else f"{'−' if gain < 0 else '+'}{abs(gain):.4f}"


def _nodes_table(difference: Difference) -> Table:
    table = plain_table("Models that come and go", *names("Node", "Comes", "Goes", "Stays"), *figures("MB moved"))
    for node in difference.nodes[: 2 * LONGEST_LIST]:
        at = f" at {node.edge}" if node.tier == "client" and node.edge else ""
        lists = [Text(printable(", ".join(models)) or NOTHING) for models in (node.comes, node.goes, node.stays)]
        style = "bold" if node.tier == "edge" else ""
        table.add_row(Text(printable(f"{node.name}{at}"), style=style), *lists, number(node.moved_mb))
    return table


def _links_table(difference: Difference) -> Table:
    table = plain_table("MB over the link from the cloud", *names("To"), *figures("Edge", "Its clients", "Together"))
    links = sorted(difference.links, key=lambda link: -link.total_mb)
    for link in links[:LONGEST_LIST]:
        loads = (link.to_edge_mb, link.to_clients_mb, link.total_mb)
        table.add_row(Text(printable(link.edge)), *map(number, loads))
    if len(links) > LONGEST_LIST:
        rest = sum(link.total_mb for link in links[LONGEST_LIST:])
        table.add_row(Text(f"… and {count(len(links) - LONGEST_LIST, 'more edge')}", style="dim"), "", "", number(rest))
    return table


def _tasks_table(difference: Difference) -> Table:
    table = plain_table(
        "Accuracy by task", *names("Task"), *figures("Queries/s", "Before", "After", "Change", "Of all")
    )
    rows = [*difference.tasks, *([difference.total] if difference.total is not None else [])]
    total = difference.total.after.demand if difference.total is not None else math.nan
    for row in rows:
        last = row is difference.total
        if last:
            table.add_section()
        part = row.after.demand / total if total > 0 else math.nan
        cells = (accuracy(_accuracy(row.before)), accuracy(row.after.accuracy), signed(row.gain), percent(part))
        table.add_row(Text(printable(row.task)), number(row.after.demand), *cells, style="bold" if last else "")
    return table
