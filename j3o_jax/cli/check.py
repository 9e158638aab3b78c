"""`j3o check`: how full every limit is, what is broken, and whether the bound is proven. The work is in `_checking`."""

from typing import Annotated

import typer

from ..io import check_readable
from ._failures import InputError


def check(
    deployment: Annotated[str, typer.Argument(metavar="DEPLOYMENT", help="Deployment (.yaml, .json) or batch (.npz).")],
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="The plan, or the plans of the batch (.json, .npz).")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    tolerance: Annotated[
        float, typer.Option(metavar="PART", help="What a limit may be exceeded by, in parts of it; the proof has none.")
    ] = 1e-6,
) -> None:
    """Check a plan, whoever made it: every limit, what it is worth, and the proof of its bound, in exact arithmetic."""
    if not 0.0 <= tolerance < 1.0:
        raise InputError(f"--tolerance {tolerance:g}: must be at least 0 and below 1, such as 1e-6")
    check_readable(deployment, "deployment")
    check_readable(plan, "plan")

    from ._checking import check_file

    check_file(deployment, plan, tolerance, json=json)
