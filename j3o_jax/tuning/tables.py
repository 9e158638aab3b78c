"""The trials as a table for programs. Loads polars."""

from typing import Any

import polars as pl

from ..experiments._values import Grid, Value
from ..experiments.tune._outcome import Tuning

_TIMES = ("seconds", "reached", "seconds_to_gap")
_AFTER = {
    "method": pl.String(),
    **dict.fromkeys(("objective", "shortfall"), pl.Float64()),
    "without_plan": pl.Int64(),
    **dict.fromkeys(_TIMES, pl.Float64()),
    **dict.fromkeys(("chosen", "front"), pl.Boolean()),
}


def trials_frame(tuning: Tuning) -> pl.DataFrame:
    """Return a row for each trial, in their order.

    - `trial`: its number; 0 is the setting to begin from.
    - a column for each setting that is searched over; null where it is left at the method's default.
    - `method`: the name of the method.
    - `objective`: mean F; `shortfall`: how far that is below the best known plans, as a part of those.
    - `without_plan`: scenarios without a plan, which count as 0.
    - `seconds`, `reached`, `seconds_to_gap`: null where they were not taken.
    - `chosen`, `front`: whether it is the chosen one, and whether it is on the front of F and time.
    """
    front = {trial.number for trial in tuning.front}
    names = list(tuning.spec.search)
    rows = [
        {
            "trial": trial.number,
            **{name: getattr(trial.method.settings, name) for name in names},
            "method": trial.method.method,
            "objective": trial.quality,
            "shortfall": tuning.shortfall(trial),
            "without_plan": trial.failed,
            "seconds": trial.seconds,
            "reached": trial.reached,
            "seconds_to_gap": trial.seconds_to_gap,
            "chosen": trial.number == tuning.chosen.number,
            "front": trial.number in front,
        }
        for trial in tuning.trials
    ]
    schema = {"trial": pl.Int64(), **{name: _type(tuning, name) for name in names}, **_AFTER}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in _TIMES)


def _type(tuning: Tuning, name: str) -> Any:
    """Return the type of a setting's column; polars' own types cannot be checked in annotations."""
    values: list[Value] = [getattr(trial.method.settings, name) for trial in tuning.trials]
    dimension = tuning.spec.search[name]
    values += list(dimension.values) if isinstance(dimension, Grid) else [dimension.high]
    if any(isinstance(value, str) for value in values):
        return pl.String()
    return pl.Float64() if any(isinstance(value, float) for value in values) else pl.Int64()
