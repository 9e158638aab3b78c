"""The specification of a tuning: a method, what to search over, and the scenarios that it is tuned and judged on."""

import dataclasses
import functools
import math
import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from ..._digest import digest_of
from ...io.documents import Collecting, DocumentError, Finding, described, refused, suggestion, validated, within
from ...named_methods import METHODS, NamedMethod, named_method
from .._population import (
    SEED_WORDS,
    Population,
    PopulationPart,
    population_of,
    read_named_method,
    read_seeds,
    read_specification,
)
from .._values import Grid, Value
from ._space import Range, read_setting

REMEDY = "write `benchmark: taskonomy5`, `seeds: 100`, `held_out: 100`, `method: ...` and `search: ...`"
TUNABLE = tuple(name for name, method in METHODS.items() if method.batched)
OF_SUBGRADIENT = ("step_size", "schedule", "update")
"""Settings of J3O that mean nothing to the other way of finding multipliers."""

WITHIN = 1e-4
BATCH = 16
_MOST_TRIALS = 100_000

TrialCount = Annotated[int | None, Field(ge=1, le=_MOST_TRIALS, description="a whole number from 1 to 100000")]
_AS_GIVEN = ("name", "sampler", "trials", "batch", "objective", "gap", "within", "seed")
Tolerance = Annotated[float | None, Field(ge=0.0, le=1.0, description="a number from 0 to 1, such as 1e-4")]


class TunePart(PopulationPart):
    """The keys of a specification. Settings are validated later, against the method that is chosen."""

    format: Literal["j3o-tune-1"] | None = None
    held_out: Annotated[Any, Field(description=SEED_WORDS)]
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
    """Specification of a tuning.

    **Arguments:**

    - `training`: the scenarios that settings are tried on.
    - `held_out`: the same with other seeds, for the last comparison.
    - `base`: the setting to begin from, and to compare with.
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

    training: Population
    held_out: Population
    base: NamedMethod
    search: Mapping[str, Grid | Range]
    sampler: Literal["grid", "random", "optuna"] = "grid"
    trials: int | None = None
    batch: int = BATCH
    objective: Literal["quality", "time", "both"] = "quality"
    gap: float | None = None
    within: float = WITHIN
    seed: int = 0
    name: str = ""

    def relevant(self, values: Mapping[str, Value]) -> tuple[str, ...]:
        """Return the settings of the search that mean something beside `values`.

        Where it is over both ways of finding multipliers, what is the subgradient's alone means nothing to the other.
        """
        kind = values.get("multiplier", getattr(self.base.settings, "multiplier", None))
        if "multiplier" in self.search and kind == "dual_search":
            return tuple(name for name in self.search if name not in OF_SUBGRADIENT)
        return tuple(self.search)

    def method_at(self, values: Mapping[str, Value]) -> NamedMethod:
        """Return the method with these settings in place of those to begin from, without what means nothing there."""
        plain = self.base.plain() | dict(values)
        if "multiplier" in self.search and plain.get("multiplier") == "dual_search":
            plain = {name: value for name, value in plain.items() if name not in OF_SUBGRADIENT}
        return named_method({name: value for name, value in plain.items() if value is not None})

    def plain(self) -> dict[str, Any]:
        """As plain data what the results of its trials depend on; more trials of the same search go on from them."""
        return {
            **self.training.plain(),
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
    """Read the specification in a YAML or JSON file; see `read_specification`."""
    return read_specification(path, "a tuning", REMEDY, tune_spec)


def tune_spec(data: object, folder: str = "") -> TuneSpec:
    """Read the specification in plain data, as a file has it; paths are relative to `folder`.

    **Raises:** `DocumentError`.
    """
    if not isinstance(data, dict):
        raise refused((), f"{described(data)}: {REMEDY}")
    part = validated(TunePart, data)
    findings: list[Finding] = []
    base = held_out = None
    training = population_of(part, folder, findings)
    with Collecting(findings), within("method"):
        base = read_named_method(part.method, folder)
        if training is not None:
            training.refuse_method(base)
    with Collecting(findings):
        held_out = _held_out(part.held_out, training)
    if training is None or held_out is None or base is None or findings:
        # Settings are looked at in the light of a method that is known.
        raise DocumentError(findings)
    search = _search(part, base, findings)
    findings += _unsuited(part, search)
    if findings:
        raise DocumentError(findings)
    given = {name: value for name in _AS_GIVEN if (value := getattr(part, name)) is not None}
    return TuneSpec(training, held_out, base, search, **given)


def _held_out(given: object, training: Population | None) -> Population | None:
    """Return the scenarios of the held-out seeds; a number of them follows those of the training."""
    first, count = read_seeds("held_out", given)
    if training is None:
        return None
    after = training.first_seed + training.seeds
    if isinstance(given, int):
        first = after
    elif first < after and training.first_seed < first + count:
        words = f"are seeds {first} to {first + count - 1}, and {training.first_seed} to {after - 1} are searched on"
        raise refused(("held_out",), f"{words}: write other seeds, or how many to take after those")
    found = dataclasses.replace(training, first_seed=first, seeds=count)
    found.refuse_repeats("held_out")
    return found


def _search(part: TunePart, base: NamedMethod, findings: list[Finding]) -> dict[str, Grid | Range]:
    search: dict[str, Grid | Range] = {}
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
            search[name] = read_setting(base.method, name, given)
    if "multiplier" not in search:
        findings += [found for name in search if (found := _conflict(base, name, search[name])) is not None]
    return search


def _conflict(base: NamedMethod, name: str, dimension: Grid | Range) -> Finding | None:
    """Return what speaks against searching over a setting of this method at all."""
    value = next((value for value in (dimension.at(0.0), dimension.at(0.999)) if value is not None), None)
    try:
        named_method(base.plain() | ({} if value is None else {name: value}))
    except DocumentError as error:
        return Finding(("search", name), error.findings[0].message)
    return None


def _unsuited(part: TunePart, search: Mapping[str, Grid | Range]) -> list[Finding]:
    """Keys that do not go with each other."""
    findings: list[Finding] = []
    sampler, objective = part.sampler or "grid", part.objective or "quality"
    if sampler == "grid":
        findings += [
            Finding(("search", name), "is a range, which no grid goes through: write a list, or sampler: random")
            for name, dimension in search.items()
            if isinstance(dimension, Range)
        ]
        size = math.prod(len(dimension.values) for dimension in search.values() if isinstance(dimension, Grid))
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
