"""A plan document and a solution: one as the other."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .._names import Names
from .._solution import Moves, Solution
from .._status import Status
from ._errors import Finding, refuse
from ._explain import validated
from ._plan_prices import certificate_document, certificate_of, price_slips, prices_document, prices_of
from ._plan_schema import PLAN_FORMAT, PlanPart, ServedPart, written_number
from ._solution_arrays import arrays_of
from .words import Loc, shown, suggestion

_SHARES = ("local", "edge", "cloud", "unserved")
# How much of a gap may be lost to rounding by whoever wrote it.
_GAP_ROUNDED = 1e-2
_NOT_ASKED = ServedPart(model=None, local=0.0, edge=0.0, cloud=0.0, unserved=1.0)


def plan_of(solution: Solution) -> dict[str, Any]:
    """Build the document of a single plan, with its names or numbers in their place."""
    names = solution.labels
    arrays = arrays_of(solution)
    document: dict[str, Any] = {"format": PLAN_FORMAT}
    if names.deployment is not None:
        document["deployment"] = names.deployment
    document["status"] = Status(int(arrays["status"])).name
    if solution.reasons:
        document["reason"] = solution.reasons[0]
    for name in ("objective", "bound", "gap"):
        document[name] = written_number(float(getattr(solution, name)))
    if solution.moves is not None:
        document |= {name: written_number(float(getattr(solution, name))) for name in ("accuracy", "moved_mb")}
    client_choice, edge_choice = arrays["client_choice"].tolist(), arrays["edge_choice"].tolist()
    shares = np.stack([arrays[name] for name in _SHARES], axis=-1).astype(np.float64)
    document |= {"tasks": list(names.tasks), "models": list(names.models)}
    # What a client never asks for is in no plan.
    asked = np.ones(shares.shape[:2], dtype=bool) if solution.has_demand is None else np.asarray(solution.has_demand)
    document["clients"] = [
        {
            "name": name,
            "models": _held(names, arrays["client_models"][client]),
            "tasks": {
                task: {"model": _chosen(names, client_choice[client][column])}
                | dict(zip(_SHARES, written_number(shares[client, column].tolist()), strict=True))
                for column, task in enumerate(names.tasks)
                if asked[client, column]
            },
        }
        for client, name in enumerate(names.clients)
    ]
    document["edges"] = [
        {
            "name": name,
            "models": _held(names, arrays["edge_models"][edge]),
            "tasks": {task: _chosen(names, edge_choice[edge][column]) for column, task in enumerate(names.tasks)},
        }
        for edge, name in enumerate(names.edges)
    ]
    if solution.certificate is not None and solution.certificate.present:
        document["certificate"] = certificate_document(names, arrays)
    if solution.prices is not None:
        document["prices"] = prices_document(names, arrays)
    document["history"] = written_number(arrays["history"].astype(np.float64).tolist())
    document["stats"] = {name: written_number(np.asarray(value).tolist()) for name, value in solution.stats.items()}
    return document


def solution_of(document: object) -> Solution:
    """Build the plan that a document describes, with its names; raises `DocumentError`."""
    part = validated(PlanPart, document)
    names = Names(
        tasks=tuple(part.tasks),
        models=tuple(part.models),
        clients=tuple(client.name for client in part.clients),
        edges=tuple(edge.name for edge in part.edges),
        deployment=part.deployment,
    )
    refuse(_slips(part, names))
    model_index = {name: index for index, name in enumerate(names.models)} | {None: -1}
    listed = np.array([[task in client.tasks for task in names.tasks] for client in part.clients])
    served = [[client.tasks.get(task, _NOT_ASKED) for task in names.tasks] for client in part.clients]
    solution = Solution(
        client_models=_holdings(names, [client.models for client in part.clients]),
        edge_models=_holdings(names, [edge.models for edge in part.edges]),
        client_choice=np.array([[model_index[way.model] for way in row] for row in served]),
        edge_choice=np.array([[model_index[edge.tasks[task]] for task in names.tasks] for edge in part.edges]),
        local=_shares(served, "local"),
        edge=_shares(served, "edge"),
        cloud=_shares(served, "cloud"),
        unserved=_shares(served, "unserved"),
        objective=np.float64(part.objective),
        bound=np.float64(part.bound),
        status=np.int64(Status[part.status]),
        history=np.array(part.history, dtype=np.float64),
        stats=part.stats,
        reasons=() if part.reason is None else (part.reason,),
        names=names,
        certificate=None if part.certificate is None else certificate_of(part.certificate, names),
        prices=None if part.prices is None else prices_of(part.prices, names),
        moves=_moves(part),
        # A file that has all of them does not say which are asked for.
        has_demand=None if listed.all() else listed,
    )
    refuse(_false_gap(part.gap, float(solution.gap)))
    return solution


def _false_gap(said: float, gap: float) -> Iterator[Finding]:
    # It may have been rounded by hand, and nothing depends on it; but whoever reads it believes it.
    if not math.isnan(said) and not math.isclose(said, gap, rel_tol=_GAP_ROUNDED, abs_tol=1e-9):
        yield Finding(
            ("gap",), f"= {said:.6g} is not what objective and bound make, {gap:.6g}: write that, or leave it out"
        )


def _moves(part: PlanPart) -> Moves | None:
    given = part.accuracy, part.moved_mb
    if given == (None, None):
        return None
    return Moves(*(np.float64(math.nan if value is None else value) for value in given))


def _held(names: Names, row: np.ndarray) -> list[str]:
    return [name for name, held in zip(names.models, row, strict=True) if held]


def _chosen(names: Names, choice: int) -> str | None:
    return names.models[choice] if choice >= 0 else None


def _holdings(names: Names, held: Sequence[Sequence[str]]) -> np.ndarray:
    return np.array([[model in row for model in names.models] for row in map(set, held)])


def _shares(served: Sequence[Sequence[ServedPart]], name: str) -> np.ndarray:
    return np.array([[getattr(way, name) for way in row] for row in served], dtype=np.float64)


def _slips(part: PlanPart, names: Names) -> Iterator[Finding]:
    """Names that are there twice, unknown, or left out."""
    statuses = tuple(status.name for status in Status)
    if part.status not in statuses:
        message = f"= {shown(part.status)} is not a status: {suggestion(part.status, statuses)}"
        yield Finding(("status",), message)
    yield from _twice(names.tasks, lambda index: ("tasks", index))
    yield from _twice(names.models, lambda index: ("models", index))
    for word, nodes in (("clients", part.clients), ("edges", part.edges)):
        yield from _twice([node.name for node in nodes], lambda index, word=word: (word, index, "name"))
        for index, node in enumerate(nodes):
            for column, model in enumerate(node.models):
                yield from _unknown_model(names, model, (word, index, "models", column))
            for task, way in node.tasks.items():
                loc: Loc = (word, index, "tasks", task)
                if task not in names.tasks:
                    yield Finding(loc, f"is not one of the tasks: {suggestion(task, names.tasks)}")
                if isinstance(way, ServedPart):
                    loc, way = (*loc, "model"), way.model
                if way is not None:
                    yield from _unknown_model(names, way, loc)
            for task in names.tasks if word == "edges" else ():
                if task not in node.tasks:
                    yield Finding((word, index, "tasks", task), "is missing: write an entry for each task")
    yield from price_slips(part, names)


def _twice(names: Sequence[str], loc_of: Callable[[int], Loc]) -> Iterator[Finding]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Finding(loc_of(index), f"= {shown(name)} is there twice: write each name once")


def _unknown_model(names: Names, model: str, loc: Loc) -> Iterator[Finding]:
    if model not in names.models:
        yield Finding(loc, f"= {shown(model)} is not one of the models: {suggestion(model, names.models)}")
