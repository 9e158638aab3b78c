"""The work of `j3o profile`."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from ..plots import plot_batch_profiles, save_figure
from ..profiles import BatchProfile, fit_batch_profile, read_latency_rows
from ..profiles._rows import COLUMNS, likely_unit
from ..report.tables import figures, names, plain_table
from ..report.wording import duration, percent, printable
from ._failures import InputError
from ._interrupts import cleaning_up
from ._output import show, show_json, warn
from ._tables import named_columns

# Latencies fall by as much from noise alone.
_NOISE = 0.1


def profile_file(
    file: str,
    weighting: Literal["relative", "ordinary"],
    *,
    columns: str | None,
    time_unit: str | None,
    per_query: bool,
    plot: str | None,
    json: bool,
) -> None:
    """Fit a profile to each model of `file`, and hand them out."""
    profiles: dict[str, BatchProfile] = {}
    found = read_latency_rows(file, columns=named_columns(columns, COLUMNS), time_unit=time_unit)
    for model, rows in found.items():
        where = f"{file}: {f'{model}: ' if model else ''}"
        latency = rows.latency * rows.batch_size if per_query else rows.latency
        try:
            profiles[model] = fit_batch_profile(rows.batch_size, latency, weighting=weighting)
        except ValueError as error:
            raise InputError(f"{where}{error}") from None
        _refuse_falling(where, profiles[model])
        _doubt_unit(where, profiles[model], time_unit)
    if plot is not None:
        figure = plot_batch_profiles(profiles)
        with cleaning_up():
            save_figure(figure, plot)
    if json:
        told = [_content(model, profile) for model, profile in profiles.items()]
        show_json({"file": file, "weighting": weighting, "picture": plot, "profiles": told})
    else:
        show(_ProfileReport(file, weighting, profiles, plot))


def _refuse_falling(where: str, profile: BatchProfile) -> None:
    if profile.fall > _NOISE:
        sizes = profile.batch_size
        first, last = (float(profile.latency[index]) for index in (np.argmin(sizes), np.argmax(sizes)))
        raise InputError(
            f"{where}latency falls with the batch, from {duration(first)} for {sizes.min():g} to {duration(last)} for "
            f"{sizes.max():g}: are these latencies for one query each? If so, say --per-query; if not, measure again"
        )


def _doubt_unit(where: str, profile: BatchProfile, time_unit: str | None) -> None:
    seconds = float(np.min(profile.latency / profile.batch_size))
    if time_unit is None and seconds > 1.0:
        unit = likely_unit(seconds)
        warn(f"{where}a query takes {duration(seconds)} or more: are latencies in {unit}? Then say --time-unit {unit}")


def _content(model: str, profile: BatchProfile) -> dict[str, Any]:
    return {
        "model": model or None,
        "setup_s": profile.setup,
        "per_query_s": profile.per_query,
        "setup_ratio": profile.setup_ratio,
        "r_squared": profile.r_squared,
        "largest_relative_residual": profile.largest_relative_residual,
        "rows": len(profile.batch_size),
    }


class _ProfileReport:
    """What `rich` prints for the profiles of a file."""

    def __init__(self, file: str, weighting: str, profiles: dict[str, BatchProfile], plot: str | None):
        self.file = file
        self.weighting = weighting
        self.profiles = profiles
        self.plot = plot

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield a row for each model, and where the picture is."""
        columns = (*names("Model"), *figures("Set-up ν", "Per query", "ν/τ", "R²", "Largest error", "Rows"))
        title = f"Batch profiles of {printable(self.file)} ({self.weighting} fit)"
        table = plain_table(title, *columns, wide=False)
        for model, profile in self.profiles.items():
            table.add_row(
                printable(model) or "–",
                duration(profile.setup),
                duration(profile.per_query),
                f"{profile.setup_ratio:.2f}",
                f"{profile.r_squared:.4f}",
                percent(profile.largest_relative_residual),
                f"{len(profile.batch_size)}",
            )
        yield table
        if self.plot is not None:
            yield Text(f"Written: {printable(self.plot)}")
