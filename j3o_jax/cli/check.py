"""`j3o check`: how full every limit is, what is broken, and whether the bound is proven."""

from typing import Annotated

import typer

import j3o_jax

from ..io import check_readable
from . import _options
from ._failures import InputError
from ._output import hand_out, progress


def check(
    deployment: Annotated[str, typer.Argument(metavar="DEPLOYMENT", help="Deployment (.yaml, .json) or batch (.npz).")],
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="The plan, or the plans of the batch (.json, .npz).")],
    json: _options.Json = False,
    tolerance: Annotated[
        float, typer.Option(metavar="PART", help="What a limit may be exceeded by, in parts of it; the proof has none.")
    ] = 1e-6,
    previous: _options.Previous = None,
    cost_per_gb: _options.CostPerGB = None,
) -> None:
    """Check a plan, whoever made it: every limit, what it is worth, and the proof of its bound, in exact arithmetic."""
    if not 0.0 <= tolerance < 1.0:
        raise InputError(f"--tolerance {tolerance:g}: must be at least 0 and below 1, such as 1e-6")
    check_readable(deployment, "deployment")
    check_readable(plan, "plan")
    _options.require_cost(cost_per_gb, previous)
    if previous is not None:
        check_readable(previous, "plan")

    from ..report.verification import BatchVerificationReport, VerificationReport, content_of
    from ..report.wording import count
    from ._plans import read_plan, read_scenario, with_plan_before

    scenario = with_plan_before(read_scenario(deployment), previous, cost_per_gb)
    solution = read_plan(plan, scenario, deployment)
    if solution.batch_shape != scenario.batch_shape:
        one, other = ("a batch" if shape else "one" for shape in (scenario.batch_shape, solution.batch_shape))
        raise InputError(
            f"{plan}: holds {other} of another size than {deployment}, which holds {one}: name a plan for it"
        )
    if solution.moves is not None and scenario.switching is None:
        raise InputError(
            f"{plan}: was made with a cost of moving models: name the plan before and the cost, by --previous and "
            "--cost-per-gb"
        )
    with progress(f"checking {plan} …"):
        try:
            verification = j3o_jax.verify(scenario, solution, tolerance)
        except ValueError as error:
            raise InputError(f"{plan}: is no plan for {deployment}: {str(error).removeprefix('verify: ')}") from None
    failure = None
    if verification.violations:
        first, *others = verification.violations
        rest = f" (and {count(len(others), 'more violation')})" if others else ""
        failure = f"{plan}: {first}{rest}"
    report = BatchVerificationReport if scenario.batch_shape else VerificationReport
    hand_out(
        {"file": deployment, "plan": plan, "tolerance": tolerance, **content_of(solution, verification)},
        lambda: report(solution, verification, f"Check of {plan} for {deployment}"),
        json=json,
        failure=failure,
    )
