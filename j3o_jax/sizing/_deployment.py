"""What may be bought, from a deployment's file."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from .._model import model_costs
from .._scenario import Scenario
from ..io import FileError
from ..io._deployment_read import scenario_of
from ..io._schema import KEEP, NONE, AlternativePart, ChoicePart, DeploymentPart
from ..io.documents import Collecting, DocumentError, Finding, read_document, refuse, refused, suggestion, validated
from ._choices import Alternative, Choice, Tier

_MISSING = "has no options: write what may be bought under options, as in docs/sizing.md"
_LISTED = ("parallel", "memory_mb", "compute_gflop_per_s", "uplink_mb_per_s")
_UNITS = {"parallel": "×", "memory_mb": " MB", "compute_gflop_per_s": " GFLOP/s", "uplink_mb_per_s": " MB/s"}


class Wanted(NamedTuple):
    """A deployment, what may be bought for it, and what the file says that it is to be.

    - `currency`: what prices are in; "" where the file does not say.
    - `budget`, `target`: None where the file has none.
    """

    scenario: Scenario
    choices: tuple[Choice, ...]
    currency: str
    budget: float | None
    target: float | None


class _Variant(NamedTuple):
    """One alternative with one number for each key."""

    name: str
    word: str | None
    keys: Mapping[str, Any]
    price: float | None
    price_per_mb_per_s: float | None


def read_options(path: str) -> Wanted:
    """Read a deployment and what may be bought for it.

    **Raises:** `FileError` with the line.
    """
    document = read_document(path, "a deployment", "`j3o new` writes an example to start from")
    scenario = document.become(scenario_of)
    part = document.become(lambda data: validated(DeploymentPart, data))
    if part.options is None:
        raise FileError(document.path, _MISSING)
    choices = document.become(lambda data: tuple(_choices(data, part, scenario)))
    options = part.options
    return Wanted(scenario, choices, options.currency or "", options.budget, options.target_accuracy)


def _choices(data: Mapping[str, Any], part: DeploymentPart, scenario: Scenario) -> list[Choice]:
    assert part.options is not None
    findings: list[Finding] = []
    choices: list[Choice] = []
    for number, choice in enumerate(part.options.choices):
        with Collecting(findings):
            choices += _of_one(data, part, scenario, choice, number)
    refuse(findings)
    return choices


def _of_one(
    data: Mapping[str, Any], part: DeploymentPart, scenario: Scenario, choice: ChoicePart, number: int
) -> Iterator[Choice]:
    """One choice, or one for each of its nodes."""
    loc = ("options", "choices", number)
    tier, nodes = _nodes(choice, scenario, loc)
    alternatives: list[tuple[str, np.ndarray, dict[str, np.ndarray]]] = []
    refuse(
        finding
        for turn, alternative in enumerate(choice.take)
        for finding in _slips(alternative, part, tier, (*loc, "take", turn))
    )
    for turn, alternative in enumerate(choice.take):
        for variant in _variants(alternative):
            where = (*loc, "take", turn)
            values = _values(data, tier, nodes, variant, where)
            prices = _prices(variant, part, nodes, where)
            alternatives.append((variant.name, prices, values))
    if not choice.separately or tier == "cloud":
        own = tuple(Alternative(name, float(prices.sum()), values) for name, prices, values in alternatives)
        yield Choice(choice.name, own, **_of_tier(tier, nodes))
        return
    names = scenario.labels.clients if tier == "client" else scenario.labels.edges
    for row, node in enumerate(nodes):
        own = tuple(
            Alternative(name, float(prices[row]), {field: value[row : row + 1] for field, value in values.items()})
            for name, prices, values in alternatives
        )
        yield Choice(f"{choice.name}, {names[node]}", own, **_of_tier(tier, (node,)))


def _of_tier(tier: Tier, nodes: tuple[int, ...]) -> dict[str, Any]:
    return {} if tier == "cloud" else {f"{tier}s": nodes}


def _nodes(choice: ChoicePart, scenario: Scenario, loc: tuple[str | int, ...]) -> tuple[Tier, tuple[int, ...]]:
    """Tier and numbers of the nodes of a choice."""
    kinds = [word for word in ("clients", "edges", "cloud") if getattr(choice, word)]
    if len(kinds) != 1:
        raise refused(loc, "must be about clients, about edges, or about the cloud: write one of them")
    if kinds[0] == "cloud":
        return "cloud", ()
    names = getattr(scenario.labels, kinds[0])
    wanted = getattr(choice, kinds[0])
    for turn, name in enumerate(wanted):
        at = (*loc, kinds[0], turn)
        if name not in names:
            raise refused(at, f"= '{name}' is not one of the {kinds[0]}: {suggestion(name, names)}")
        if name in wanted[:turn]:
            raise refused(at, f"= '{name}' is there twice: name each of the {kinds[0]} once")
    return ("client" if kinds[0] == "clients" else "edge"), tuple(names.index(name) for name in wanted)


def _slips(
    alternative: AlternativePart, part: DeploymentPart, tier: Tier, loc: tuple[str | int, ...]
) -> Iterator[Finding]:
    """Find keys that have no meaning together, and prices that are missing."""
    known = tuple(device.name for device in part.devices)
    device = alternative.device
    if device is not None and device not in known:
        hint = suggestion(device, known) if known else "write it under devices, with its latencies and price"
        yield Finding((*loc, "device"), f"= '{device}' is not one of the devices: {hint}")
    allowed = {
        "client": {*_LISTED, "device"} - {"uplink_mb_per_s"},
        "edge": {*_LISTED, "device"},
        "cloud": {"uplink_mb_per_s"},
    }
    for key in ("device", *_LISTED):
        if getattr(alternative, key) is not None and key not in allowed[tier]:
            yield Finding((*loc, key), "is nothing that can be chosen here: make it a choice of its own")
    if device is not None and alternative.compute_gflop_per_s is not None:
        yield Finding((*loc, "compute_gflop_per_s"), "is there beside a device, which has its own: keep one of them")
    if alternative.word == NONE and tier == "cloud":
        yield Finding(loc, "the cloud is there: write the uplinks to choose from")
    if alternative.word is None and not any(getattr(alternative, key) is not None for key in ("device", *_LISTED)):
        yield Finding(loc, "changes nothing: write a device, a capacity, or keep")
    if alternative.price_per_mb_per_s is not None and alternative.uplink_mb_per_s is None:
        yield Finding((*loc, "price_per_mb_per_s"), "is the price of an uplink: write uplink_mb_per_s, too")
    priced = alternative.price is not None or alternative.price_per_mb_per_s is not None or alternative.word is not None
    of_device = next((one.price for one in part.devices if one.name == device), None)
    if not priced and of_device is None:
        beside = f", here or at the device '{device}'" if device in known else ""
        yield Finding(loc, f"has no price: write price{beside}")


def _variants(alternative: AlternativePart) -> Iterator[_Variant]:
    """Alternatives of one number for each key."""
    listed = {key: value for key in _LISTED if (value := getattr(alternative, key)) is not None}
    for numbers in itertools.product(*listed.values()):
        keys = dict(zip(listed, numbers, strict=True))
        several = [key for key in listed if len(listed[key]) > 1]
        base = alternative.name or alternative.device
        told = [_told(key, keys[key]) for key in (several if base else keys)]
        name = " ".join([*([base] if base else []), *told])
        if alternative.device is not None:
            keys["device"] = alternative.device
        yield _Variant(name, alternative.word, keys, alternative.price, alternative.price_per_mb_per_s)


def _told(key: str, number: float) -> str:
    if np.isinf(number):
        return "unlimited"
    return f"{_UNITS[key]}{number:g}" if key == "parallel" else f"{number:g}{_UNITS[key]}"


def _values(
    data: Mapping[str, Any],
    tier: Tier,
    nodes: tuple[int, ...],
    variant: _Variant,
    loc: tuple[str | int, ...],
) -> dict[str, np.ndarray]:
    """Arrays of the scenario that an alternative sets, ``[nodes, ...]``: those of the file with these nodes' keys."""
    if variant.word == KEEP:
        return {}
    if variant.word == NONE:
        return {f"{tier}_memory": np.zeros(len(nodes)), f"{tier}_compute": np.zeros(len(nodes))}
    if tier == "cloud":
        return {"cloud_uplink": np.asarray(variant.keys["uplink_mb_per_s"])}
    rows = list(data[f"{tier}s"])
    for node in nodes:
        row = dict(rows[node])
        if "device" in variant.keys:
            row = {key: value for key, value in row.items() if key not in ("compute_gflop_per_s", "parallel")}
        if "compute_gflop_per_s" in variant.keys:
            row = {key: value for key, value in row.items() if key not in ("device", "parallel")}
        rows[node] = row | dict(variant.keys)
    try:
        changed = scenario_of({**data, f"{tier}s": rows, "options": None})
    except DocumentError as error:
        said = error.findings[0]
        raise refused(loc, f"makes a deployment that cannot be: {said.message}") from None
    fields: dict[str, Any] = {}
    if {"device", "compute_gflop_per_s", "parallel"} & set(variant.keys):
        costs = model_costs(changed)
        fields[f"{tier}_compute"] = getattr(changed, f"{tier}_compute")
        count = len(getattr(changed, f"{tier}_compute"))
        for kind in ("memory", "compute"):
            cost = getattr(costs, f"{tier}_{kind}")
            fields[f"{tier}_model_{kind}"] = np.broadcast_to(cost, (count, cost.shape[1]))
    if "memory_mb" in variant.keys:
        fields[f"{tier}_memory"] = getattr(changed, f"{tier}_memory")
    if "uplink_mb_per_s" in variant.keys:
        fields["edge_uplink"] = changed.edge_uplink
    return {field: np.asarray(array)[list(nodes)] for field, array in fields.items()}


def _prices(variant: _Variant, part: DeploymentPart, nodes: tuple[int, ...], loc: tuple[str | int, ...]) -> np.ndarray:
    """Price of an alternative for each node ``[nodes]``; of the cloud's uplink ``[1]``."""
    count = max(len(nodes), 1)
    if variant.word is not None:
        return np.full(count, 0.0 if variant.price is None else variant.price)
    price = variant.price
    if price is None and "device" in variant.keys:
        price = next(device.price for device in part.devices if device.name == variant.keys["device"])
    each = (price or 0.0) * float(variant.keys.get("parallel", 1.0))
    if variant.price_per_mb_per_s:
        each += variant.price_per_mb_per_s * float(variant.keys["uplink_mb_per_s"])
    if not np.isfinite(each):
        raise refused(loc, "costs more than there is: an unlimited uplink has no price per MB/s")
    return np.full(count, each)
