"""tune(): try settings of a method on scenarios, choose one, and compare it on others."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...named_methods import NamedMethod
from .._values import Grid
from ._call_log import CallLog, call_log_of
from ._evaluator import Evaluator, compare_held_out
from ._outcome import HeldOut, Score, Trial, Tuning, choose, front_of
from ._samplers import Values, propose
from ._slices import MOST, call_of, key_of, program_of
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
    with call_log_of(folder, spec) as log:
        search = _Search(spec, log, report or (lambda *_: None))
        propose(spec, search.try_all, log.study)
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
    return 1 + int(
        np.prod([len(dimension.values) for dimension in spec.search.values() if isinstance(dimension, Grid)])
    )


class _Search:
    """The trials so far, by what their settings are known by."""

    def __init__(self, spec: TuneSpec, log: CallLog, report: Report):
        self.spec = spec
        self.log = log
        self.report = report
        self.trials: dict[str, Trial] = {}
        self.evaluator = Evaluator(spec.training, spec.base, spec.gap)
        self.best = np.zeros(1)
        self.solved_now = 0
        self._known: dict[str, Score] = {}
        self._compared: dict[str, HeldOut] = {}
        for entry in log.read():
            self._take(entry)

    def try_all(self, proposed: Sequence[Values]) -> list[Trial]:
        """Return the trial of each of the settings; those that are not known yet are solved.

        The setting to begin from comes before the first of them, and perhaps into the same call.
        """
        first: list[Values] = [] if self.trials else [{}]
        return self._try([*first, *proposed])[len(first) :]

    def held_out(self, base: Trial, chosen: Trial) -> HeldOut:
        """Make the last comparison; one that was made before is not made again."""
        held_out = self.spec.held_out
        identity = f"{key_of(chosen.method)} {held_out.first_seed} {held_out.seeds}"
        if identity not in self._compared:
            self.report("held-out seeds", 0)
            self._keep({"compared": identity, "held_out": compare_held_out(self.spec, base, chosen).plain()})
        return self._compared[identity]

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
                self._solve({key: new[key] for key in keys_together[start : start + MOST]})
        for key, method, values in zip(keys, methods, proposed, strict=True):
            if key not in self.trials:
                kept = {name: value for name, value in values.items() if name in self.spec.relevant(values)}
                score = vars(self._known[key])
                self.trials[key] = Trial(**score, number=len(self.trials), values=kept, method=method)
                self.report("", 1)
        return [self.trials[key] for key in keys]

    def _solve(self, methods: dict[str, NamedMethod]) -> None:
        """Solve with methods that can be one call, by what they are known by, and keep what comes of it."""
        own = list(methods.values())
        self.report(_words(own), 0)
        quality = self.spec.objective == "quality"
        found = self.evaluator.together(own) if quality else [self.evaluator.alone(method) for method in own]
        rows = [{"key": key, **measured.score.plain()} for key, measured in zip(methods, found, strict=True)]
        self._keep({"trials": rows, "best": np.max([measured.objective for measured in found], axis=0).tolist()})
        self.solved_now += len(own)

    def _keep(self, entry: dict[str, Any]) -> None:
        self.log.append(entry)
        self._take(entry)

    def _take(self, entry: dict[str, Any]) -> None:
        if "compared" in entry:
            self._compared[entry["compared"]] = HeldOut.of(entry["held_out"])
            return
        self._known |= {row["key"]: Score.of(row) for row in entry["trials"]}
        self.best = np.maximum(self.best, np.asarray(entry["best"], dtype=np.float64))


def _words(methods: Sequence[NamedMethod]) -> str:
    settings = methods[0].settings.given()
    if len(methods) > 1:
        settings.pop("step_size", None)
    words = ", ".join(f"{name} {value}" for name, value in settings.items())
    return words if len(methods) == 1 else f"{len(methods):,} step sizes; {words}"
