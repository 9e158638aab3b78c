"""A plan, or a batch of them, in a few lines of text."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ._status import Status, succeeded
from ._wording import BY_WORD, NEGLIGIBLE, count, gap_percent

# As many as a reader takes in at a glance; what is beyond is counted.
_MOST_NODES, _MOST_STREAMS = 12, 16
_WIDTH = 100
_TIERS = ("local", "edge", "cloud", "unserved")


def plan_text(solution: Any) -> str:
    """Describe a `Solution` in a few lines; of a batch, how its plans are on the whole."""
    return "\n".join(_batch(solution) if solution.batch_shape else _single(solution))


def _single(solution: Any) -> Iterator[str]:
    status = Status(int(solution.status))
    names = solution.labels
    of = f" for {names.deployment}" if names.deployment is not None else ""
    yield f"Plan{of}: {_sizes(solution)}"
    if not status.success:
        yield f"{status.name}: {solution.reason()}"
        return
    objective, bound, gap = (float(getattr(solution, name)) for name in ("objective", "bound", "gap"))
    yield f"objective {objective:.6f}, {_proof(bound, gap, bool(solution.certified))}"
    if solution.moves is not None:
        yield f"accuracy {float(solution.accuracy):.6f}, before the cost of {float(solution.moved_mb):.6g} MB moved"
    yield f"{status.name}: {status.message}"
    yield from _held("edges", names.edges, names.models, np.asarray(solution.edge_models))
    yield from _held("clients", names.clients, names.models, np.asarray(solution.client_models))
    yield from _streams(solution)


def _proof(bound: float, gap: float, certified: bool) -> str:
    if np.isnan(bound):
        return "no bound proven (j3o_jax.certify proves one)"
    whose = "proven" if certified else BY_WORD
    return f"bound {bound:.6f} ({whose}): at most {gap_percent(gap)} better is possible"


def _held(word: str, nodes: Sequence[str], models: Sequence[str], held: np.ndarray) -> Iterator[str]:
    """Models that nodes hold; nodes that hold the same share a line where there are many."""
    yield f"models held by {word}:"
    groups: dict[tuple[int, ...], list[str]] = {}
    for node, row in zip(nodes, held, strict=True):
        own = tuple(np.flatnonzero(row).tolist())
        groups.setdefault(own if len(nodes) > _MOST_NODES else (-1 - len(groups), *own), []).append(node)
    rows = list(groups.items())
    for own, members in rows[:_MOST_NODES]:
        name = members[0] if len(members) == 1 else f"{members[0]} and {len(members) - 1:,} more"
        what = ", ".join(models[model] for model in own if model >= 0) or "none"
        yield "  " + textwrap.shorten(f"{name}: {what}", _WIDTH, placeholder=" …")
    if len(rows) > _MOST_NODES:
        yield f"  and {sum(len(members) for _, members in rows[_MOST_NODES:]):,} more {word}"


def _streams(solution: Any) -> Iterator[str]:
    """Shares of every stream, by where its queries go."""
    shares = np.stack([np.asarray(getattr(solution, tier)) for tier in _TIERS], axis=-1)
    asked = np.ones(shares.shape[:2], dtype=bool) if solution.has_demand is None else np.asarray(solution.has_demand)
    streams = np.argwhere(asked)
    names = solution.labels
    yield f"shares of {count(len(streams), 'stream')}, in %:"
    for client, task in streams[:_MOST_STREAMS].tolist():
        ways = ", ".join(
            f"{tier} {_percent(share)}"
            for tier, share in zip(_TIERS, shares[client, task].tolist(), strict=True)
            if share > NEGLIGIBLE
        )
        yield f"  {names.clients[client]} {names.tasks[task]}: {ways}"
    rest = streams[_MOST_STREAMS:]
    if len(rest):
        means = shares[rest[:, 0], rest[:, 1]].mean(axis=0).tolist()
        ways = ", ".join(
            f"{tier} {_percent(mean)}" for tier, mean in zip(_TIERS, means, strict=True) if mean > NEGLIGIBLE
        )
        yield f"  and {len(rest):,} more, on average {ways}"


def _percent(share: float) -> str:
    return f"{100.0 * share:.1f}".removesuffix(".0")


def _batch(solution: Any) -> Iterator[str]:
    status, shape = np.asarray(solution.status), solution.batch_shape
    yield f"{status.size:,} plans of the axes {list(shape)}: {_sizes(solution)}"
    counts = [(kind, int(np.sum(status == kind))) for kind in Status]
    yield "status: " + ", ".join(f"{many:,} {kind.name}" for kind, many in counts if many)
    success = succeeded(status)
    if not success.any():
        return
    objective = np.asarray(solution.objective)[success]
    yield f"objective: mean {objective.mean():.6f}, from {objective.min():.6f} to {objective.max():.6f}"
    if solution.moves is not None:
        accuracy, moved = (np.asarray(values)[success].mean() for values in (solution.accuracy, solution.moved_mb))
        yield f"accuracy: mean {accuracy:.6f}, before the cost of {moved:.6g} MB moved on average"
    gap = np.asarray(solution.gap)[success]
    proven = gap[~np.isnan(gap)]
    if not proven.size:
        yield "gap: none proven (j3o_jax.certify proves one)"
        return
    some = "" if proven.size == gap.size else f", proven for {proven.size:,} of {gap.size:,}"
    yield f"gap: mean {gap_percent(proven.mean())}, at most {gap_percent(proven.max())}{some}"


def _sizes(solution: Any) -> str:
    clients, tasks = np.shape(solution.local)[-2:]
    edges, models = np.shape(solution.edge_models)[-2:]
    sizes = {"client": clients, "edge": edges, "task": tasks, "model": models}
    return ", ".join(count(size, word) for word, size in sizes.items())
