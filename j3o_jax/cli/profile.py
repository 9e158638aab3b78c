"""`j3o profile`: set-up times from measured latencies. Here are the options; the work is in `_profiling`."""

from typing import Annotated

import typer

from ._failures import unknown
from ._places import check_picture
from ._tables import check_time_unit

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
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Draw the fit (.png, .svg, .pdf).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Fit the set-up time and the time per query of batches to measured latencies."""
    if weighting not in _WEIGHTINGS:
        raise unknown("weighting", weighting, _WEIGHTINGS, "--weighting")
    check_time_unit(time_unit)
    if plot is not None:
        check_picture(plot)

    from ._profiling import profile_file

    profile_file(
        file,
        "ordinary" if weighting == "ordinary" else "relative",
        columns=columns,
        time_unit=time_unit,
        per_query=per_query,
        plot=plot,
        json=json,
    )
