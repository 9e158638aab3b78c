"""Summary of a plan: who holds what, where the queries go, and which limits bind."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from .._model import (
    Plan,
    Resources,
    capacities,
    client_choice_accuracy,
    edge_choice_accuracy,
    model_costs,
    usage,
)
from .._prices import Prices
from .._scenario import Scenario
from .._solution import Solution
from .._status import Status
from .._types import AnyArray
from .wording import BY_WORD, NEGLIGIBLE, count, few, number, percent

Tier = Literal["client", "edge", "cloud"]
Resource = Literal["memory", "compute", "window", "uplink"]

# From here on a limit counts as reached: routing leaves it by the solver's tolerance, not by choice.
BINDING = 0.999


@dataclasses.dataclass(frozen=True)
class Capacity:
    """One limit of one node: what there is of it, and what the plan uses.

    `price` is what one unit more would bring, in objective; NaN where it is not known.
    """

    node: str
    tier: Tier
    resource: Resource
    unit: str
    used: float
    available: float
    price: float = math.nan

    @property
    def share(self) -> float:
        """Used over available; 1 where there is nothing to use, for then it is all gone."""
        if self.available > 0:
            return self.used / self.available
        return 1.0 if self.used == 0 else math.inf

    @property
    def binds(self) -> bool:
        """Whether it is used up."""
        return self.share >= BINDING


@dataclasses.dataclass(frozen=True)
class Node:
    """A client or an edge with what it holds.

    `edge` is the edge that it is connected to, or itself; `serves` maps tasks to the model that answers them;
    `fits` is whether its memory could hold any model at all.
    """

    name: str
    tier: Tier
    edge: str
    models: tuple[str, ...]
    serves: Mapping[str, str]
    memory: Capacity
    fits: bool


@dataclasses.dataclass(frozen=True)
class Traffic:
    """Traffic of one task: shares of its demand (queries/s) by where they go, and how well they are answered.

    `accuracy` is the mean over all queries of the task, those of the tiers over the queries served there;
    NaN where there are none.
    """

    task: str
    demand: float
    local: float
    edge: float
    cloud: float
    unserved: float
    accuracy: float
    local_accuracy: float
    edge_accuracy: float
    cloud_accuracy: float


@dataclasses.dataclass(frozen=True)
class Summary:
    """A plan in figures; empty of nodes, traffic and capacities where there is no plan.

    `objective` is `accuracy` less what moving models costs; `moved_mb` the MB, None where the scenario does not say
    what was held. `certified` is whether the bound has a certificate, or is a solver's word; `gap_asked` the gap at
    which the search was to end, NaN where none was asked for.
    """

    status: Status
    reason: str
    objective: float
    accuracy: float
    moved_mb: float | None
    bound: float
    gap: float
    certified: bool
    gap_asked: float
    seconds: float
    compile_seconds: float
    iterations: int | None
    sizes: Mapping[str, int]
    nodes: tuple[Node, ...] = ()
    traffic: tuple[Traffic, ...] = ()
    total: Traffic | None = None
    capacities: tuple[Capacity, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def loss(self) -> float:
        """1 − accuracy, the figure that the paper prints."""
        return 1.0 - self.accuracy

    @property
    def verdict(self) -> str:
        """Verdict on the scenario, in words."""
        if not self.status.success:
            return self.reason
        if self.status is Status.optimal:
            return "a proven optimum" if self.certified else f"an optimum {BY_WORD}"
        if self.status is Status.converged and self.gap <= self.gap_asked:
            word = "" if self.certified else f" {BY_WORD}"
            return f"within the gap that was asked for, {percent(self.gap_asked)}{word}; the plan is feasible"
        return self.status.message

    def of_tier(self, tier: Tier) -> list[Node]:
        """Nodes of one tier."""
        return [node for node in self.nodes if node.tier == tier]


def summarize(scenario: Scenario, solution: Solution) -> Summary:
    """Figures of the plan of one scenario.

    **Raises:** `ValueError` for a batch.
    """
    if scenario.batch_shape or solution.batch_shape:
        raise ValueError("summarize: wants one scenario and one plan, got a batch; pick one by [index]")
    status = Status(int(solution.status))
    iterations = solution.stats.get("iterations")
    head = Summary(
        status=status,
        reason=solution.reason(),
        objective=float(solution.objective),
        accuracy=float(solution.accuracy),
        moved_mb=None if solution.moves is None else float(solution.moved_mb),
        bound=float(solution.bound),
        gap=float(solution.gap),
        certified=bool(solution.certified),
        gap_asked=float(solution.stats.get("gap_asked", math.nan)),
        seconds=float(solution.stats.get("seconds", math.nan)),
        compile_seconds=float(solution.stats.get("compile_seconds", 0.0)),
        iterations=None if iterations is None else int(iterations),
        sizes={
            "clients": scenario.clients,
            "edges": scenario.edges,
            "tasks": scenario.tasks,
            "models": scenario.models,
        },
    )
    if not status.success:
        return head
    plan = Plan(*(np.asarray(getattr(solution, field)) for field in Plan._fields))
    with np.errstate(all="ignore"):
        used, client_accuracy, edge_accuracy = _figures(scenario, plan)
    limits = _limits(scenario, used, solution.prices)
    nodes = _nodes(scenario, plan, limits)
    streams, edge_of = np.asarray(scenario.demand), np.asarray(scenario.client_edge)
    answered = {
        "local": np.asarray(client_accuracy),
        "edge": np.asarray(edge_accuracy)[edge_of],
        "cloud": np.broadcast_to(np.asarray(scenario.cloud_accuracy), streams.shape),
    }
    traffic = tuple(
        _traffic(task, streams[:, index], plan, answered, np.s_[:, index])
        for index, task in enumerate(scenario.labels.tasks)
    )
    total = _traffic("all tasks", streams, plan, answered, np.s_[:, :])
    return dataclasses.replace(
        head,
        nodes=nodes,
        traffic=traffic,
        total=total,
        capacities=limits,
        notes=tuple(_notes(scenario, nodes, traffic, total)),
    )


def _figures(scenario: Scenario, plan: Plan) -> tuple[Resources, AnyArray, AnyArray]:
    return (
        usage(scenario, plan),
        client_choice_accuracy(scenario, plan.client_choice),
        edge_choice_accuracy(scenario, plan.edge_choice),
    )


def _limits(scenario: Scenario, used: Resources, prices: Prices | None) -> tuple[Capacity, ...]:
    names, there = scenario.labels, capacities(scenario)

    def rows(
        nodes: Sequence[str], tier: Tier, resource: Resource, unit: str | Sequence[str], field: str
    ) -> list[Capacity]:
        units = [unit] * len(nodes) if isinstance(unit, str) else unit
        # A window is no limit that could be bought; its price is that of the compute.
        known = None if prices is None or resource == "window" else np.ravel(getattr(prices, field))
        each = [math.nan] * len(nodes) if known is None else known
        rows = zip(nodes, units, np.ravel(getattr(used, field)), np.ravel(getattr(there, field)), each, strict=True)
        return [
            Capacity(node, tier, resource, unit, float(use), float(room), float(price))
            for node, unit, use, room, price in rows
        ]

    at_edge = ("compute", names.compute_units("edge")) if scenario.batching is None else ("window", "s")
    return (
        *rows(("cloud",), "cloud", "uplink", "MB/s", "cloud_uplink"),
        *rows(names.edges, "edge", "memory", "MB", "edge_memory"),
        *rows(names.edges, "edge", *at_edge, "edge_compute"),
        *rows(names.edges, "edge", "uplink", "MB/s", "edge_uplink"),
        *rows(names.clients, "client", "memory", "MB", "client_memory"),
        *rows(names.clients, "client", "compute", names.compute_units("client"), "client_compute"),
    )


def _nodes(scenario: Scenario, plan: Plan, limits: Sequence[Capacity]) -> tuple[Node, ...]:
    names = scenario.labels
    memory = {(limit.tier, limit.node): limit for limit in limits if limit.resource == "memory"}

    def rows(tier: Tier, own: Sequence[str], edges: Sequence[str]) -> list[Node]:
        held = np.asarray(plan.edge_models if tier == "edge" else plan.client_models)
        choice = np.asarray(plan.edge_choice if tier == "edge" else plan.client_choice)
        smallest = _smallest_models(scenario, tier)
        return [
            Node(
                name=name,
                tier=tier,
                edge=edges[index],
                models=tuple(names.models[model] for model in np.flatnonzero(held[index])),
                serves={names.tasks[t]: names.models[m] for t, m in enumerate(choice[index]) if m >= 0},
                memory=memory[tier, name],
                fits=bool(smallest[index] <= memory[tier, name].available),
            )
            for index, name in enumerate(own)
        ]

    connected = [names.edges[edge] for edge in np.asarray(scenario.client_edge)]
    return (
        *rows("edge", names.edges, names.edges),
        *rows("client", names.clients, connected),
    )


def _smallest_models(scenario: Scenario, tier: Tier) -> np.ndarray:
    """MB of the smallest model at each node of a tier."""
    costs = model_costs(scenario)
    sizes, nodes = (costs.edge_memory, scenario.edges) if tier == "edge" else (costs.client_memory, scenario.clients)
    return np.broadcast_to(np.min(sizes, axis=1), nodes)


def _traffic(
    task: str,
    demand: np.ndarray,
    plan: Plan,
    answered: Mapping[str, np.ndarray],
    where: tuple[slice, int | slice],
) -> Traffic:
    """Sum the streams `where` of the plan, each weighted with its demand."""
    total = float(demand.sum())
    shares = {tier: np.asarray(getattr(plan, tier))[where] for tier in (*answered, "unserved")}
    load = {tier: demand * share for tier, share in shares.items()}
    right = {tier: float(np.sum(load[tier] * values[where])) for tier, values in answered.items()}

    def over(part: float, whole: float) -> float:
        return part / whole if whole > 0 else math.nan

    return Traffic(
        task=task,
        demand=total,
        **{tier: over(float(load[tier].sum()), total) for tier in load},
        accuracy=over(sum(right.values()), total),
        **{f"{tier}_accuracy": over(right[tier], float(load[tier].sum())) for tier in right},
    )


def _notes(scenario: Scenario, nodes: Sequence[Node], traffic: Sequence[Traffic], total: Traffic) -> list[str]:
    """Write down what a reader should not overlook."""
    notes = []
    tiers: tuple[Tier, ...] = ("edge", "client")
    for tier in tiers:
        same = [node for node in nodes if node.tier == tier]
        bare = [node.name for node in same if not node.fits]
        if bare:
            many = f" ({len(bare):,} of {count(len(same), tier)})" if len(bare) > 1 else ""
            fits = np.array([node.fits for node in same])
            smallest = number(float(np.min(_smallest_models(scenario, tier)[~fits])))
            notes.append(f"no model fits on {few(bare)}{many}: the smallest takes {smallest} MB")
    best = np.maximum(np.asarray(scenario.client_accuracy), np.asarray(scenario.edge_accuracy))
    known = best.max(axis=(0, 1)) > 0
    in_cloud = np.asarray(scenario.cloud_accuracy) > 0
    for cloud, rest in ((True, "only the cloud can answer"), (False, "and the cloud neither: nothing can answer")):
        orphans = [
            row.task for row, some, there in zip(traffic, known, in_cloud, strict=True) if not some and there == cloud
        ]
        if orphans:
            notes.append(f"no model supports {few(orphans)}{':' if cloud else ''} {rest}")
    idle = [row.task for row in traffic if row.demand == 0]
    if idle:
        notes.append(f"nobody asks for {few(idle)}")
    if total.unserved > NEGLIGIBLE:
        worst = max(traffic, key=lambda row: row.unserved * row.demand if row.demand > 0 else 0.0)
        most = f", above all {worst.task} ({percent(worst.unserved)} of its own)" if len(traffic) > 1 else ""
        notes.append(f"{percent(total.unserved)} of the queries are left unserved{most}")
    return notes
