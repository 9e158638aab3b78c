"""Outcome of a tuning: its trials, the one that is chosen, and the rule by which it is."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ...named_methods import NamedMethod
from .._values import Value
from ._spec import TuneSpec

_ROUNDING = 1e-12


@dataclasses.dataclass(frozen=True)
class Score:
    """Score of a setting on some scenarios.

    **Arguments:**

    - `quality`: mean F; a scenario without a plan counts as 0, what serving nothing is worth.
    - `failed`: how many scenarios have no plan.
    - `seconds`: per scenario, in a batch that this setting had to itself, nothing compiled in it; NaN where it was not
      timed.
    - `reached`: part of the scenarios whose plan is within the gap of the proven bound; NaN where no gap is asked for.
    """

    quality: float
    failed: int
    seconds: float
    reached: float

    @property
    def seconds_to_gap(self) -> float:
        """Seconds of a batch for each scenario that reached the gap; infinite where none did, NaN where not known.

        What the others took is part of the price.
        """
        return math.inf if self.reached == 0.0 else self.seconds / self.reached

    def plain(self) -> dict[str, Any]:
        """As JSON has it, without NaN."""
        return without_nan({field.name: getattr(self, field.name) for field in dataclasses.fields(Score)})

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Score":
        """Back from `plain`, which may have more in it."""
        return Score(**with_nan({field.name: plain[field.name] for field in dataclasses.fields(Score)}))


@dataclasses.dataclass(frozen=True)
class Trial(Score):
    """One setting and how it did on the training scenarios; see `Score`.

    **Arguments:**

    - `number`: 0 is the setting to begin from, the others follow in the order in which they were proposed.
    - `values`: of the settings that are searched over; empty for the first.
    - `method`: the method with these settings.
    """

    number: int
    values: Mapping[str, Value]
    method: NamedMethod


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """The chosen setting against the one to begin from, on scenarios that no trial has seen.

    **Arguments:**

    - `scenarios`: how many there are.
    - `seeds`: how many seeds they are of; the mean over the points of the grid is one observation for each.
    - `base`, `chosen`: how each did.
    - `difference`: mean of F with the chosen setting − F with the one to begin from, of the same scenario.
    - `half_width`: of the 95 % confidence interval around it, Student's t over seeds; NaN for a single seed.
    - `better`, `worse`: scenarios that the chosen setting brings up and down by more than 1e-9.
    """

    scenarios: int
    seeds: int
    base: Score
    chosen: Score
    difference: float
    half_width: float
    better: int
    worse: int

    def plain(self) -> dict[str, Any]:
        """As JSON has it, without NaN."""
        return without_nan(vars(self) | {"base": self.base.plain(), "chosen": self.chosen.plain()})

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "HeldOut":
        """Back from `plain`."""
        known: dict[str, Any] = with_nan(plain)
        return cls(**{**known, "base": Score.of(plain["base"]), "chosen": Score.of(plain["chosen"])})


@dataclasses.dataclass(frozen=True)
class Tuning:
    """Result of a tuning.

    **Arguments:**

    - `spec`: what was asked for.
    - `trials`: all settings that were tried, the one to begin from first.
    - `chosen`: see `choose`.
    - `front`: the trials that no other beats in both F and time, the fastest first; the chosen one alone where time was
      not taken.
    - `best_known`: mean over the training scenarios of the highest F that any trial reached there.
    - `held_out`: the last comparison.
    - `solved_now`: how many trials this call has solved; the others were in the folder.
    """

    spec: TuneSpec
    trials: tuple[Trial, ...]
    chosen: Trial
    front: tuple[Trial, ...]
    best_known: float
    held_out: HeldOut
    solved_now: int

    @property
    def base(self) -> Trial:
        """The setting to begin from."""
        return self.trials[0]

    def shortfall(self, trial: Trial) -> float:
        """Mean F of the best known plans − that of the trial, as a part of the former."""
        return (self.best_known - trial.quality) / self.best_known if self.best_known > 0.0 else 0.0

    def ranked(self) -> list[Trial]:
        """All trials, the best by the objective first; by quality where there are two."""
        return sorted(self.trials, key=lambda trial: (_cost(self.spec.objective, trial), trial.number))


def choose(spec: TuneSpec, trials: Sequence[Trial]) -> Trial:
    """Choose the setting to take.

    - quality: that of the highest mean F.
    - time: that of the least `seconds_to_gap`.
    - both: the fastest of those whose mean F is at least (1 − `within`) times the highest.

    Of equals the first, so that nothing changes for nothing; F is equal up to the rounding of its sum.
    """
    if spec.objective == "both":
        enough = (1.0 - spec.within) * max(trial.quality for trial in trials)
        return min((trial for trial in trials if trial.quality >= enough), key=lambda trial: trial.seconds)
    least = min(_cost(spec.objective, trial) for trial in trials)
    return next(trial for trial in trials if _cost(spec.objective, trial) <= least + _ROUNDING)


def front_of(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that no other matches in both mean F and seconds and beats in one; the fastest first."""
    front: list[Trial] = []
    for trial in sorted(trials, key=lambda trial: (trial.seconds, -trial.quality)):
        if not front or trial.quality > front[-1].quality:
            front.append(trial)
    return front


def without_nan(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with None in place of NaN, which JSON has not."""
    return {name: None if value != value else value for name, value in values.items()}


def with_nan(values: Mapping[str, Any]) -> dict[str, Any]:
    """Back from `without_nan`."""
    return {name: math.nan if value is None else value for name, value in values.items()}


def _cost(objective: str, trial: Trial) -> float:
    return trial.seconds_to_gap if objective == "time" else -trial.quality
