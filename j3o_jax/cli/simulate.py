"""`j3o simulate`: a plan under random arrivals. Here are the options; the work is in `_simulating`."""

import math
from typing import Annotated

import typer

from ..io import check_readable
from . import _methods
from ._failures import InputError
from ._places import check_picture, check_plan
from ._tables import check_time_unit


def simulate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Deployment (.yaml, .json, .npz).")],
    plan: Annotated[
        str | None, typer.Option(metavar="FILE", help="Plan to simulate (.json, .npz); none: make one by --method.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"How to plan, {_methods.DEFAULT} if not given: {_methods.LISTED}."),
    ] = None,
    duration: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="How long requests arrive; 60 if not given.")
    ] = None,
    replications: Annotated[int, typer.Option(min=1, help="How many independent runs.")] = 20,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of all that is drawn.")] = 0,
    window: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Batching window, for a deployment that has none.")
    ] = None,
    trace: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Requests from a CSV file: columns timestamp, client, task; by time."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="NAME=THEIRS,...", help="Names that the trace has for columns: timestamp=time,task=kind."),
    ] = None,
    time_unit: Annotated[
        str | None,
        typer.Option(
            metavar="UNIT", help="Of the trace's timestamps: s, ms, us or ns; told by their size if not given."
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Simulate even a plan beyond limits or a trace of another rate; leave out unknown clients and tasks.",
        ),
    ] = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="Cut batches to what ends within two windows; what is dropped scores 0.")
    ] = False,
    headroom: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE", help="Find the part of the windows to plan with, so that this share is in time: 0.99."
        ),
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the plan that was made or chosen (.json, .npz).")
    ] = None,
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Draw it (.png, .svg, .pdf).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Let requests arrive at random, or as in a trace, and measure what becomes of a plan."""
    for option, value in (("--duration", duration), ("--window", window)):
        if value is not None and not 0.0 < value < math.inf:
            raise InputError(f"{option} {value:g}: must be a number of seconds above 0")
    if headroom is not None:
        if not 0.0 < headroom < 1.0:
            raise InputError(f"--headroom {headroom:g}: must be a share between 0 and 1, such as 0.99")
        for option, given in (("--plan", plan), ("--trace", trace), ("--drop", drop)):
            if given:
                raise InputError(f"{option}: --headroom plans anew and simulates at the planned rates: leave one out")
    if plan is not None and method is not None:
        raise InputError("--method: --plan brings a plan: leave one of them out")
    if trace is not None and duration is not None:
        raise InputError("--duration: a trace has its own: leave the option out")
    for option, given in (("--columns", columns), ("--time-unit", time_unit)):
        if given is not None and trace is None:
            raise InputError(f"{option}: is about a trace: give one with --trace, or leave the option out")
    if out is not None and plan is not None:
        raise InputError("--out: --plan brings a plan, and none is made: leave one of them out")
    check_time_unit(time_unit)
    choice = _methods.choose(method or _methods.DEFAULT, "--method")
    check_readable(file, "deployment")
    if plan is not None:
        check_readable(plan, "plan")
    if out is not None:
        check_plan(out, file)
    if plot is not None:
        check_picture(plot)

    from ._simulating import Request, simulate_file

    simulate_file(
        Request(
            file=file,
            plan=plan,
            choice=choice,
            duration=60.0 if duration is None else duration,
            replications=replications,
            seed=seed,
            window=window,
            trace=trace,
            columns=columns,
            time_unit=time_unit,
            force=force,
            out=out,
            drop=drop,
            headroom=headroom,
            picture=plot,
        ),
        json=json,
    )
