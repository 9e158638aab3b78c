"""Samplers of settings: every combination, drawn ones, or those that Optuna proposes."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from .._values import Grid, Value
from ._outcome import Trial
from ._spec import TuneSpec

Values: TypeAlias = Mapping[str, Value]
Try: TypeAlias = Callable[[Sequence[Values]], list[Trial]]
"""Measures settings, and returns the trial of each, in their order."""

_DIRECTIONS: Mapping[str, list[Literal["maximize", "minimize"]]] = {
    "quality": ["maximize"],
    "time": ["minimize"],
    "both": ["maximize", "minimize"],
}
# Before that many trials have ended TPE draws at random.
_STARTUP = 10


def propose(spec: TuneSpec, try_all: Try, storage: str | None) -> None:
    """Try the settings of a search.

    **Arguments:**

    - `spec`: what to search.
    - `try_all`: measures them; what it has measured before costs nothing.
    - `storage`: path of Optuna's journal, from which it goes on; None keeps it in memory.
    """
    if spec.sampler == "grid":
        choices = [dimension.values for dimension in spec.search.values() if isinstance(dimension, Grid)]
        try_all([dict(zip(spec.search, values, strict=True)) for values in itertools.product(*choices)])
    elif spec.sampler == "random":
        uniform = np.random.default_rng(spec.seed).random((spec.trials or 0, len(spec.search)))
        dimensions = spec.search.items()
        try_all(
            [
                {name: dimension.at(u) for (name, dimension), u in zip(dimensions, row, strict=True)}
                for row in uniform.tolist()
            ]
        )
    else:
        _ask_optuna(spec, try_all, storage)


def _ask_optuna(spec: TuneSpec, try_all: Try, storage: str | None) -> None:
    """Ask for a batch, try it, tell how it did, until there are enough trials.

    The sampler has a seed of its own for each batch, made of the seed and of how many trials have ended: whether a
    search was interrupted makes no difference to what is proposed.
    """
    import optuna
    from optuna.storages import InMemoryStorage, JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
    from optuna.trial import TrialState

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if storage is None:
        kept: Any = InMemoryStorage()
    else:
        # A process that was killed leaves its lock behind.
        lock = JournalFileOpenLock(storage, grace_period=5)
        kept = JournalStorage(JournalFileBackend(storage, lock_obj=lock))
    directions = _DIRECTIONS[spec.objective]
    study = optuna.create_study(storage=kept, study_name="tune", load_if_exists=True, directions=directions)
    for lost in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(lost.number, state=TrialState.FAIL)
    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if ended:
        try_all([trial.params for trial in ended])
    done, wanted = len(ended), spec.trials or 0
    while done < wanted:
        seed = int(np.random.SeedSequence([spec.seed, done]).generate_state(1)[0])
        study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_STARTUP)
        # A batch that was interrupted is made up to its full size.
        count = min(spec.batch - done % spec.batch, wanted - done)
        asked = [study.ask() for _ in range(count)]
        found = try_all([_suggested(spec, trial) for trial in asked])
        for trial, own in zip(asked, found, strict=True):
            study.tell(trial, _values(spec, own))
        done += count


def _suggested(spec: TuneSpec, trial: Any) -> Values:
    """Ask Optuna for every setting that means something beside the others."""
    values: dict[str, Value] = {}
    # The way of finding multipliers first, since others depend on it.
    for name in sorted(spec.search, key=lambda name: name != "multiplier"):
        if name not in spec.relevant(values):
            continue
        dimension = spec.search[name]
        if isinstance(dimension, Grid):
            values[name] = trial.suggest_categorical(name, list(dimension.values))
        elif dimension.whole:
            values[name] = trial.suggest_int(name, int(dimension.low), int(dimension.high), log=dimension.log)
        else:
            values[name] = trial.suggest_float(name, dimension.low, dimension.high, log=dimension.log)
    return values


def _values(spec: TuneSpec, trial: Trial) -> list[float]:
    if spec.objective == "time":
        # Optuna's densities are of finite numbers.
        return [trial.seconds_to_gap if math.isfinite(trial.seconds_to_gap) else 1e9]
    return [trial.quality] if spec.objective == "quality" else [trial.quality, trial.seconds]
