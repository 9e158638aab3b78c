"""tune(): try settings of a method on scenarios, choose one, and compare it on others."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..named_methods import NamedMethod
from ._held_out import compare_held_out
from ._journal import Journal, journal_of
from ._laboratory import Laboratory, Measured
from ._measure import MOST, call_of, key_of, program_of
from ._outcome import HeldOut, Trial, Tuning, choose, front_of
from ._samplers import Values, propose
from ._spec import TuneSpec

Report = Callable[[str, int], object]
"""Is told what is being done, and how many more trials are done."""


def tune(spec: TuneSpec, folder: str | None = None, *, report: Report | None = None) -> Tuning:
    """Search, choose, and compare.

    For quality all step sizes of otherwise equal settings are solved in one call, every scenario with each. Where time
    counts every setting has a batch of its own, and those that share a compiled program follow each other.

    **Arguments:**

    - `spec`: see `read_tune_spec`.
    - `folder`: a directory in which every call that ends is kept, so that another tuning of the same specification goes
      on from there; None for none.
    - `report`: is told how far it is.

    **Raises:** `FileError` over the folder, among others where it is of another specification or where another process
    writes in it; `ViolationError` where a plan for the held-out scenarios breaks a limit.
    """
    with journal_of(folder, spec) as journal:
        return _tuned(_Search(spec, journal, report or _nobody))


def _tuned(search: "_Search") -> Tuning:
    spec = search.spec
    propose(spec, search.try_all, search.journal.study)
    trials = list(search.trials.values())
    chosen = choose(spec, trials)
    return Tuning(
        spec=spec,
        trials=tuple(trials),
        chosen=chosen,
        front=tuple(front_of(trials)) if spec.objective != "quality" else (chosen,),
        best_known=float(np.mean(search.best)),
        held_out=search.held_out(trials[0], chosen),
        solved_now=search.solved_now,
    )


def trials_expected(spec: TuneSpec) -> int:
    """About how many trials there will be; some settings may turn out to be the same."""
    if spec.sampler != "grid":
        return 1 + (spec.trials or 0)
    return 1 + int(np.prod([len(dimension.plain()) for dimension in spec.search.values()]))


def _nobody(_words: str, _by: int) -> None:
    """What nobody wants to hear."""


class _Search:
    """The trials so far, by what their settings are known by."""

    def __init__(self, spec: TuneSpec, journal: Journal, report: Report):
        self.spec = spec
        self.journal = journal
        self.report = report
        self.trials: dict[str, Trial] = {}
        self.laboratory = Laboratory(spec.training, spec.gap)
        self.best = np.zeros(1)
        self.solved_now = 0
        self._known: dict[str, dict[str, Any]] = {}
        self._compared: dict[str, dict[str, Any]] = {}
        for line in journal.read():
            self._take(line)

    def try_all(self, proposed: Sequence[Values]) -> list[Trial]:
        """The trial of each of the settings; those that are not known yet are solved.

        The setting to begin from comes before the first of them, and perhaps into the same call.
        """
        if not self.trials:
            proposed = [{}, *proposed]
            return self._try(proposed)[1:]
        return self._try(proposed)

    def held_out(self, base: Trial, chosen: Trial) -> HeldOut:
        """The last comparison; one that was made before is not made again."""
        sweep = self.spec.held_out
        identity = f"{key_of(chosen.method)} {sweep.first_seed} {sweep.seeds}"
        if identity not in self._compared:
            self.report("held-out seeds", 0)
            line = {"compared": identity, "held_out": compare_held_out(self.spec, base, chosen).plain()}
            self.journal.append(line)
            self._take(line)
        return HeldOut.of(self._compared[identity])

    def _try(self, proposed: Sequence[Values]) -> list[Trial]:
        methods = [self.spec.method_at(values) for values in proposed]
        keys = [key_of(method) for method in methods]
        new = {key: method for key, method in zip(keys, methods, strict=True) if key not in self._known}
        # The seconds are of one setting each, so they are solved one by one then.
        together = call_of if self.spec.objective == "quality" else key_of
        order = sorted(new, key=lambda key: (program_of(new[key]), together(new[key])))
        for _, own in itertools.groupby(order, key=lambda key: together(new[key])):
            keys_together = list(own)
            for start in range(0, len(keys_together), MOST):
                part = keys_together[start : start + MOST]
                self._solve([new[key] for key in part], part)
        for key, method, values in zip(keys, methods, proposed, strict=True):
            if key not in self.trials:
                row = {name: value for name, value in self._known[key].items() if name != "key"}
                kept = {name: value for name, value in values.items() if name in self.spec.relevant(values)}
                self.trials[key] = Trial(len(self.trials), kept, method, **_numbers(row))
                self.report("", 1)
        return [self.trials[key] for key in keys]

    def _solve(self, methods: list[NamedMethod], keys: list[str]) -> None:
        self.report(_words(methods), 0)
        if self.spec.objective == "quality":
            found = self.laboratory.together(methods)
        else:
            found = [self.laboratory.alone(method) for method in methods]
        line = {
            "trials": [_row(key, measured) for key, measured in zip(keys, found, strict=True)],
            "best": np.max([measured.objective for measured in found], axis=0).tolist(),
        }
        self.journal.append(line)
        self._take(line)
        self.solved_now += len(keys)

    def _take(self, line: dict[str, Any]) -> None:
        if "compared" in line:
            self._compared[line["compared"]] = line["held_out"]
            return
        self._known |= {row["key"]: row for row in line["trials"]}
        self.best = np.maximum(self.best, np.asarray(line["best"], dtype=np.float64))


def _words(methods: list[NamedMethod]) -> str:
    settings = methods[0].settings.given()
    if len(methods) > 1:
        settings.pop("step_size", None)
    words = ", ".join(f"{name} {value}" for name, value in settings.items())
    return words if len(methods) == 1 else f"{len(methods):,} step sizes; {words}"


def _row(key: str, measured: Measured) -> dict[str, Any]:
    """What is kept of a trial; JSON has no NaN."""
    numbers = {"quality": measured.quality, "seconds": measured.seconds, "reached": measured.reached}
    known = {name: None if np.isnan(value) else value for name, value in numbers.items()}
    return {"key": key, "failed": measured.failed, **known}


def _numbers(row: dict[str, Any]) -> dict[str, Any]:
    return {name: np.nan if value is None else value for name, value in row.items()}
