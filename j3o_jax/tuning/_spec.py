"""The specification of a tuning: a method, what to search over, and the scenarios that it is tuned and judged on."""

import dataclasses
import functools
import math
import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from .._digest import digest_of
from ..benchmarks import NAMES
from ..io.documents import (
    Collecting,
    DocumentError,
    Finding,
    Name,
    Part,
    described,
    read_document,
    refused,
    suggestion,
    validated,
    within,
)
from ..named_methods import METHODS, NamedMethod, named_method
from ..sweeps import SweepSpec, sweep_spec
from ._space import Choices, Range, Value, read_dimension

REMEDY = "write `benchmark: taskonomy5`, `seeds: 100`, `held_out: 100`, `method: ...` and `search: ...`"
TUNABLE = tuple(name for name, method in METHODS.items() if method.batched)
OF_SUBGRADIENT = ("step_size", "schedule", "update")
"""Settings of J3O that mean nothing to the other way of finding multipliers."""

WITHIN = 1e-4
BATCH = 16
_MOST_TRIALS = 100_000
_SEED_WORDS = "a whole number of seeds, at least 1, or {first: 0, count: 100}"

TrialCount = Annotated[int | None, Field(ge=1, le=_MOST_TRIALS, description="a whole number from 1 to 100000")]
Tolerance = Annotated[float | None, Field(ge=0.0, le=1.0, description="a number from 0 to 1, such as 1e-4")]


class TunePart(Part):
    """The keys of a specification; what is in them is looked at where it is known what belongs there."""

    format: Literal["j3o-tune-1"] | None = None
    name: Name | None = None
    benchmark: Annotated[str | None, Field(description=f"one of {', '.join(NAMES)}")] = None
    deployment: Annotated[str | None, Field(description="the path of a deployment file")] = None
    parameters: Annotated[
        dict[str, Any], Field(default_factory=dict, description="{parameter: value, list or distribution}")
    ]
    seeds: Annotated[Any, Field(description=_SEED_WORDS)]
    held_out: Annotated[Any, Field(description=_SEED_WORDS)]
    method: Annotated[Any, Field(description="the setting to begin from, such as {method: j3o, steps: 25}")]
    search: Annotated[dict[str, Any], Field(description="{setting: list or range}", min_length=1)]
    sampler: Annotated[
        Literal["grid", "random", "optuna"] | None, Field(description="'grid', 'random' or 'optuna'")
    ] = None
    trials: TrialCount = None
    batch: TrialCount = None
    objective: Annotated[
        Literal["quality", "time", "both"] | None, Field(description="'quality', 'time' or 'both'")
    ] = None
    gap: Annotated[float | None, Field(gt=0.0, le=1e3, description="a number above 0, such as 1e-3")] = None
    within: Tolerance = None
    seed: Annotated[int | None, Field(ge=0, lt=2**32, description="a whole number of at least 0")] = None


@dataclasses.dataclass(frozen=True)
class TuneSpec:
    """What a tuning does.

    **Arguments:**

    - `training`: the scenarios that settings are tried on; its one method is the setting to begin from.
    - `held_out`: the same with other seeds, for the last comparison.
    - `search`: what to try, by setting.
    - `sampler`: ``"grid"`` tries every combination, ``"random"`` draws them, ``"optuna"`` asks Optuna's TPE.
    - `trials`: how many settings are drawn; None for a grid.
    - `batch`: how many of them Optuna proposes before it hears how they did.
    - `objective`: ``"quality"``, ``"time"`` to a gap, or ``"both"``.
    - `gap`: (bound − F)/F that must be reached where the objective is time; None elsewhere.
    - `within`: of both objectives the fastest setting is chosen whose mean F is at most this part below the best.
    - `seed`: of what is drawn.
    - `name`: what reports are called.
    """

    training: SweepSpec
    held_out: SweepSpec
    search: Mapping[str, Choices | Range]
    sampler: Literal["grid", "random", "optuna"] = "grid"
    trials: int | None = None
    batch: int = BATCH
    objective: Literal["quality", "time", "both"] = "quality"
    gap: float | None = None
    within: float = WITHIN
    seed: int = 0
    name: str = ""

    @property
    def base(self) -> NamedMethod:
        """The setting to begin from, and to compare with."""
        return self.training.methods[0]

    def relevant(self, values: Mapping[str, Value]) -> tuple[str, ...]:
        """The settings of the search that mean something beside `values`.

        Where it is over both ways of finding multipliers, what is the subgradient's alone means nothing to the other.
        """
        kind = values.get("multiplier", getattr(self.base.settings, "multiplier", None))
        if "multiplier" in self.search and kind == "dual_search":
            return tuple(name for name in self.search if name not in OF_SUBGRADIENT)
        return tuple(self.search)

    def method_at(self, values: Mapping[str, Value]) -> NamedMethod:
        """The method with these settings in place of those to begin from, without those that mean nothing there."""
        plain = self.base.plain() | dict(values)
        if "multiplier" in self.search and plain.get("multiplier") == "dual_search":
            plain = {name: value for name, value in plain.items() if name not in OF_SUBGRADIENT}
        return named_method({name: value for name, value in plain.items() if value is not None})

    def plain(self) -> dict[str, Any]:
        """As plain data what the results of its trials depend on; more trials of the same search go on from them."""
        training = self.training.plain()
        del training["methods"], training["chunk"]
        return {
            **training,
            "method": self.base.plain(),
            "search": {name: dimension.plain() for name, dimension in self.search.items()},
            "sampler": self.sampler,
            "batch": self.batch,
            "objective": self.objective,
            "gap": self.gap,
            "seed": self.seed,
        }

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of `plain` as canonical JSON."""
        return digest_of(self.plain())


def read_tune_spec(path: str | os.PathLike[str]) -> TuneSpec:
    """The specification in a YAML or JSON file. Paths in it are relative to its folder.

    **Raises:** `FileError` that says on which line what is wrong, and what belongs there.
    """
    document = read_document(path, "a tuning", REMEDY)
    folder = os.path.dirname(document.path)
    return document.become(lambda data: tune_spec(data, folder))


def tune_spec(data: object, folder: str = "") -> TuneSpec:
    """The specification in plain data, as a file has it; paths are relative to `folder`.

    **Raises:** `DocumentError`.
    """
    if not isinstance(data, dict):
        raise refused((), f"{described(data)}: {REMEDY}")
    part = validated(TunePart, data)
    findings: list[Finding] = []
    training = _sweep(part, part.seeds, "seeds", folder, findings)
    held_out = _held_out(part, training, folder, findings)
    if training is None or held_out is None:
        # Settings are looked at in the light of a method that is known.
        raise DocumentError(findings)
    search = _search(part, training.methods[0], findings)
    sampler = part.sampler or "grid"
    findings += _unsuited(part, sampler, search)
    if findings:
        raise DocumentError(findings)
    return TuneSpec(
        training,
        held_out,
        search,
        sampler=sampler,
        trials=part.trials,
        batch=part.batch or BATCH,
        objective=part.objective or "quality",
        gap=part.gap,
        within=WITHIN if part.within is None else part.within,
        seed=part.seed or 0,
        name=part.name or "",
    )


def _sweep(part: TunePart, seeds: object, key: str, folder: str, findings: list[Finding]) -> SweepSpec | None:
    """The scenarios of some seeds with the method, as a sweep has them; its findings under our keys."""
    data = {"parameters": part.parameters, "seeds": seeds, "methods": [part.method]}
    data |= {name: value for name in ("benchmark", "deployment") if (value := getattr(part, name)) is not None}
    try:
        return sweep_spec(data, folder)
    except DocumentError as error:
        for found in error.findings:
            loc = found.loc
            if loc[:1] == ("seeds",):
                loc = (key, *loc[1:])
            elif loc[:2] == ("methods", 0):
                loc = ("method", *loc[2:])
            # What is wrong with the rest is the same for both.
            if key == "seeds" or loc[0] == key:
                findings.append(Finding(loc, found.message))
        return None


def _held_out(part: TunePart, training: SweepSpec | None, folder: str, findings: list[Finding]) -> SweepSpec | None:
    """The scenarios of the held-out seeds; a number of them follows those of the training."""
    seeds, counted = part.held_out, isinstance(part.held_out, int) and not isinstance(part.held_out, bool)
    if counted and training is not None:
        if seeds < 1:
            findings.append(Finding(("held_out",), f"{described(seeds)}: write {_SEED_WORDS}"))
            return None
        seeds = {"first": training.first_seed + training.seeds, "count": seeds}
    found = _sweep(part, seeds, "held_out", folder, findings)
    if training is None or found is None or counted:
        return found
    last, own_last = training.first_seed + training.seeds - 1, found.first_seed + found.seeds - 1
    if found.first_seed <= last and training.first_seed <= own_last:
        words = f"are seeds {found.first_seed} to {own_last}, and {training.first_seed} to {last} are searched on"
        findings.append(Finding(("held_out",), f"{words}: write other seeds, or how many to take after those"))
    return found


def _search(part: TunePart, base: NamedMethod, findings: list[Finding]) -> dict[str, Choices | Range]:
    search: dict[str, Choices | Range] = {}
    if base.method not in TUNABLE:
        findings.append(Finding(("method",), f"= '{base.method}' is not tuned: write one of {', '.join(TUNABLE)}"))
        return search
    if not base.batched:
        findings.append(Finding(("method", "lp"), "is on the host, and tuning runs in batches: leave it out"))
        return search
    known = tuple(name for name in METHODS[base.method].schema.model_fields if name not in ("lp", "time_limit"))
    for name, given in part.search.items():
        with Collecting(findings), within("search", name):
            if name not in known:
                raise refused((), f"is no setting of {base.method} to search over: {suggestion(name, known)}")
            search[name] = read_dimension(base.method, name, given)
    if "multiplier" not in search:
        findings += [found for name in search if (found := _conflict(base, name, search[name])) is not None]
    return search


def _conflict(base: NamedMethod, name: str, dimension: Choices | Range) -> Finding | None:
    """What speaks against searching over a setting of this method at all."""
    value = next((value for value in (dimension.at(0.0), dimension.at(0.999)) if value is not None), None)
    try:
        named_method(base.plain() | ({} if value is None else {name: value}))
    except DocumentError as error:
        return Finding(("search", name), error.findings[0].message)
    return None


def _unsuited(part: TunePart, sampler: str, search: Mapping[str, Choices | Range]) -> list[Finding]:
    """Keys that do not go with each other."""
    findings: list[Finding] = []
    objective = part.objective or "quality"
    if sampler == "grid":
        findings += [
            Finding(("search", name), "is a range, which no grid goes through: write a list, or sampler: random")
            for name, dimension in search.items()
            if isinstance(dimension, Range)
        ]
        size = math.prod(len(dimension.values) for dimension in search.values() if isinstance(dimension, Choices))
        if size > _MOST_TRIALS:
            findings.append(
                Finding(("search",), f"has a grid of {size:,} settings, {_MOST_TRIALS:,} at most: draw some")
            )
        if part.trials is not None:
            findings.append(Finding(("trials",), "is the grid's own affair: leave it out, or write sampler: random"))
    elif part.trials is None:
        findings.append(Finding(("trials",), f"is missing: write how many settings {sampler} is to try, such as 64"))
    if part.batch is not None and sampler != "optuna":
        findings.append(Finding(("batch",), "is of sampler: optuna: leave it out"))
    if objective == "time" and part.gap is None:
        findings.append(Finding(("gap",), "is missing: write the gap that the time is taken to, such as 1e-3"))
    if objective != "time" and part.gap is not None:
        findings.append(Finding(("gap",), "is of objective: time: leave one of them out"))
    if objective != "both" and part.within is not None:
        findings.append(Finding(("within",), "is of objective: both: leave one of them out"))
    return findings
