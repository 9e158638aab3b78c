"""`j3o profile`: set-up times from measured latencies."""

import statistics
from typing import Annotated

import typer

import j3o_jax

from ..plots import plot_batch_profiles, save_figure
from . import _options
from ._failures import InputError, unknown
from ._interrupts import cleaning_up
from ._output import hand_out, show_json, warn, write

# Latencies fall by as much from noise alone.
_NOISE = 0.1

_WEIGHTINGS = ("relative", "ordinary")


def profile(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="CSV with columns batch_size, latency_s and, for several, model.")
    ],
    weighting: Annotated[
        str, typer.Option(metavar="NAME", help=f"Of the least squares: {' or '.join(_WEIGHTINGS)}.")
    ] = "relative",
    columns: Annotated[
        str | None,
        typer.Option(metavar="NAME=THEIRS,...", help="Names that the file has for columns: latency_s=time,model=net."),
    ] = None,
    time_unit: Annotated[
        str | None, typer.Option(metavar="UNIT", help="Of the latencies: s, ms, us or ns; s if not given.")
    ] = None,
    per_query: Annotated[
        bool, typer.Option("--per-query", help="Latencies are for one query each: a batch takes as many times as long.")
    ] = False,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Write the entry of a deployment file for the type of device that this was measured on, of the "
            "latencies of single queries.",
        ),
    ] = None,
    plot: Annotated[str | None, _options.picture("Draw the fit")] = None,
    json: _options.Json = False,
) -> None:
    """Fit the set-up time and the time per query of batches to measured latencies."""
    if weighting not in _WEIGHTINGS:
        raise unknown("weighting", weighting, _WEIGHTINGS, "--weighting")
    _options.require_time_unit(time_unit)
    _options.require_picture_place(plot)

    from ..profiles._rows import COLUMNS
    from ..report.profile import ProfileReport, content_of

    if device is not None and plot is not None:
        raise InputError("--plot: draws a fit, and --device makes none: leave one of them out")
    profiles: dict[str, j3o_jax.BatchProfile] = {}
    found = j3o_jax.read_latency_rows(file, columns=_options.named_columns(columns, COLUMNS), time_unit=time_unit)
    if device is not None:
        _write_device(file, device, found, json=json)
        return
    for model, rows in found.items():
        where = f"{file}: {f'{model}: ' if model else ''}"
        latency = rows.latency * rows.batch_size if per_query else rows.latency
        try:
            profiles[model] = j3o_jax.fit_batch_profile(
                rows.batch_size, latency, weighting="ordinary" if weighting == "ordinary" else "relative"
            )
        except ValueError as error:
            raise InputError(f"{where}{error}") from None
        _refuse_falling(where, profiles[model])
        _doubt_unit(where, profiles[model], time_unit)
    if plot is not None:
        figure = plot_batch_profiles(profiles)
        with cleaning_up():
            save_figure(figure, plot)
    hand_out(
        {"file": file, "weighting": weighting, "picture": plot, "profiles": content_of(profiles)},
        lambda: ProfileReport(file, weighting, profiles, plot),
        json=json,
    )


def _write_device(file: str, device: str, found: "dict[str, j3o_jax.profiles.LatencyRows]", *, json: bool) -> None:
    """Print the entry of a deployment file: the median latency of single queries, by model."""
    from ..io._layout import yaml_text

    if "" in found:
        raise InputError(f"{file}: does not say which model was measured: give it a column model")
    latencies = {}
    for model, rows in found.items():
        alone = rows.latency[rows.batch_size == 1.0]
        if not alone.size:
            raise InputError(f"{file}: {model}: no batch of 1 was timed, and a deployment asks for single queries")
        latencies[model] = float(statistics.median(alone))
    content = {"devices": [{"name": device, "seconds_per_query": latencies}]}
    if json:
        show_json(content)
    else:
        write(yaml_text(content))


def _refuse_falling(where: str, profile: "j3o_jax.BatchProfile") -> None:
    from ..report.wording import duration

    if profile.fall > _NOISE:
        sizes = profile.batch_size
        first, last = (float(profile.latency[index]) for index in (sizes.argmin(), sizes.argmax()))
        raise InputError(
            f"{where}latency falls with the batch, from {duration(first)} for {sizes.min():g} to {duration(last)} for "
            f"{sizes.max():g}: are these latencies for one query each? If so, say --per-query; if not, measure again"
        )


def _doubt_unit(where: str, profile: "j3o_jax.BatchProfile", time_unit: str | None) -> None:
    from ..profiles._rows import likely_unit
    from ..report.wording import duration

    seconds = float((profile.latency / profile.batch_size).min())
    if time_unit is None and seconds > 1.0:
        unit = likely_unit(seconds)
        warn(f"{where}a query takes {duration(seconds)} or more: are latencies in {unit}? Then say --time-unit {unit}")
