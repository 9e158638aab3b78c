"""The work of `j3o check`."""

import math
from typing import Any

import numpy as np

from .._solution import Solution
from .._verification import Verification
from .._verify import verify
from ..report.verification import BatchVerificationReport, VerificationReport, proof
from ..report.wording import count
from ._failures import InputError, WorkError
from ._output import progress, show, show_json
from ._plans import read_plan, read_scenario


def check_file(file: str, plan: str, tolerance: float, *, json: bool) -> None:
    """Check the plan, or plans, in a file, and say what came out; raises `WorkError` where it is not ok."""
    scenario = read_scenario(file)
    solution = read_plan(plan, scenario, file)
    if solution.batch_shape != scenario.batch_shape:
        one, other = ("a batch" if shape else "one" for shape in (scenario.batch_shape, solution.batch_shape))
        raise InputError(f"{plan}: holds {other} of another size than {file}, which holds {one}: name a plan for it")
    with progress(f"checking {plan} …"):
        try:
            verification = verify(scenario, solution, tolerance)
        except ValueError as error:
            raise InputError(f"{plan}: is no plan for {file}: {str(error).removeprefix('verify: ')}") from None
    content = {"file": file, "plan": plan, "tolerance": tolerance, **_content(solution, verification)}
    failure = None
    if not np.all(verification.ok):
        more = len(verification.violations) - 1
        rest = f" (and {count(more, 'more violation')})" if more else ""
        failure = WorkError(f"{plan}: {verification.violations[0]}{rest}", content)
    if not json:
        report = BatchVerificationReport if scenario.batch_shape else VerificationReport
        show(report(solution, verification, f"Check of {plan} for {file}"))
    elif failure is None:
        show_json(content)
    if failure is not None:
        raise failure


def _content(solution: Solution, verification: Verification) -> dict[str, Any]:
    violations = [
        {
            "instance": violation.instance,
            "constraint": violation.constraint,
            "place": violation.place,
            "amount": violation.amount,
            "message": violation.message,
        }
        for violation in verification.violations
    ]
    if solution.batch_shape:
        return {
            "instances": int(np.size(verification.ok)),
            "ok": int(np.sum(verification.ok)),
            "feasible": int(np.sum(verification.feasible)),
            "proven": int(np.sum(verification.proven)),
            "violations": violations,
        }
    objective, bound = verification.objective, verification.bound
    return {
        "ok": bool(verification.ok),
        "feasible": bool(verification.feasible),
        "proven": bool(verification.proven),
        "proof": proof(solution, verification),
        "status": int(solution.status),
        "objective": math.nan if objective is None else float(objective),
        "bound": math.nan if bound is None else float(bound),
        "said": {"objective": float(solution.objective), "bound": float(solution.bound)},
        "limits": [
            {
                "constraint": limit.constraint,
                "place": limit.place,
                "unit": limit.unit,
                "load": float(limit.load),
                "capacity": float(limit.capacity),
                "used": limit.used,
            }
            for limit in verification.limits
        ],
        "violations": violations,
    }
