"""`j3o compare`: several methods on one scenario. Here are the options; the work is in `_comparing`."""

import dataclasses
from typing import Annotated

import typer

from ..io import check_readable
from . import _methods
from ._failures import InputError
from ._places import check_picture


def compare(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Deployment (.yaml, .json, .npz).")],
    methods: Annotated[str, typer.Option(metavar="NAME,NAME", help=f"Which methods: {_methods.LISTED}.")] = ",".join(
        _methods.COMPARED
    ),
    time_limit: Annotated[
        float, typer.Option(metavar="SECONDS", help="Longest search of each method.")
    ] = _methods.TIME_LIMIT,
    gap: Annotated[
        float | None,
        typer.Option(metavar="GAP", help="Gap at which methods that prove one call a plan optimal, such as 1e-4."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Seed of methods that draw at random.")] = None,
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Draw them (.png, .svg, .pdf).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Show what several methods reach on the same scenario, side by side."""
    names = [name.strip() for name in methods.split(",")]
    given = {"time_limit": _methods.seconds_of(time_limit), "gap": None if gap is None else _methods.gap_of(gap)}
    choices = [dataclasses.replace(_methods.choose(name, "--methods"), **given) for name in names]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"--methods: {twice!r} is there twice: name each method once")
    check_readable(file, "deployment")
    if plot is not None:
        check_picture(plot)

    from ._comparing import compare_on

    compare_on(file, choices, seed, plot=plot, json=json)
