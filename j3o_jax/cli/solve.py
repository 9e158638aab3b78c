"""`j3o solve`: a plan for a file. Here are the options; the work is in `_solving`."""

from typing import Annotated

import typer

from ..io import check_readable
from . import _methods
from ._places import check_picture, check_plan


def solve(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Deployment (.yaml, .json) or batch (.npz).")],
    method: Annotated[str, typer.Option(metavar="NAME", help=f"How to plan: {_methods.LISTED}.")] = _methods.AUTO,
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Write the plan (.json, .npz).")] = None,
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Draw it (.png, .svg, .pdf).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Seed of methods that draw at random.")] = None,
    lp_solver: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"Of the routing LP: {' or '.join(_methods.LP_SOLVERS)}.")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help=f"Longest search for a scenario; {_methods.TIME_LIMIT:g} if not given."),
    ] = None,
    gap: Annotated[
        float | None,
        typer.Option(metavar="GAP", help="Gap at which methods that prove one call a plan optimal, such as 1e-4."),
    ] = None,
) -> None:
    """Choose the models that every client and edge holds, and where the queries are answered."""
    chosen = _methods.choose(method, "--method", lp_solver=lp_solver, time_limit=time_limit, gap=gap)
    check_readable(file, "deployment")
    if out is not None:
        check_plan(out, file)
    if plot is not None:
        check_picture(plot)

    from ._solving import solve_file

    solve_file(file, chosen, seed, out=out, plot=plot, json=json)
