"""SCIP on a program with products, as a process of its own: a problem file in, an answer file out.

Run by path, `python -P scip_worker.py PROBLEM ANSWER`, and so without the rest of the package. SCIP is C and may take
its process down with it; what it had found by then is in the answer file all the same.

- PROBLEM: .npz with the fields of `MILP` (`data`, `indices`, `indptr` in place of `matrix`) and `product`, `share`,
  `choice` of `Bilinear`; `gap`, relative; `time_limit`, seconds, counted from the start of this process.
- ANSWER: .npz with `values` (empty if there are none), `bound`, and `status`, SCIP's word for how it ended, which is
  "running" until it has.
"""

import importlib
import os
import sys
import time
from typing import Any

import numpy as np

# A product may be wrong by as much; the choices that are best then lose no more of F.
_FEASIBILITY_TOLERANCE = 1e-8

# With all choices fixed what is left is linear, so that there is nothing for a nonlinear solver to find. And the one in
# PySCIPOpt's wheels, Ipopt, corrupts memory: the METIS inside it does, on programs of some thousand variables.
# https://github.com/scipopt/PySCIPOpt/issues/1234
_NO_NONLINEAR_SOLVER = {
    "nlp/disable": True,
    "heuristics/subnlp/freq": -1,
    "heuristics/nlpdiving/freq": -1,
    "heuristics/mpec/freq": -1,
    "heuristics/multistart/freq": -1,
}


def main(problem_path: str, answer_path: str) -> None:
    """Read, solve, write."""
    start = time.monotonic()
    pyscipopt: Any = importlib.import_module("pyscipopt")  # an extra: those who check types may not have it
    with np.load(problem_path) as file:
        problem = dict(file)
    model = pyscipopt.Model()
    model.hideOutput()
    for name, value in _NO_NONLINEAR_SOLVER.items():
        model.setParam(name, value)
    model.setParam("numerics/feastol", _FEASIBILITY_TOLERANCE)
    model.setParam("limits/gap", float(problem["gap"]))
    variables = _state(model, problem, pyscipopt.quicksum)

    unit = float(problem["objective"].max(initial=0.0)) or 1.0
    gains = zip((problem["objective"] / unit).tolist(), variables, strict=True)
    model.setObjective(pyscipopt.quicksum(gain * variable for gain, variable in gains if gain), "maximize")

    def write(status: str) -> None:
        best = model.getBestSol() if model.getNSols() else None
        values = [] if best is None else [model.getSolVal(best, variable) for variable in variables]
        bound = model.getDualbound()
        bound = bound * unit if bound < model.infinity() else np.inf
        unfinished = answer_path + ".unfinished.npz"
        np.savez(unfinished, values=np.array(values), bound=bound, status=status)
        os.replace(unfinished, answer_path)  # at no moment is there half an answer

    class Keeper(pyscipopt.Eventhdlr):
        """Writes down every better solution as soon as it is found."""

        def eventinit(self) -> None:
            self.model.catchEvent(pyscipopt.SCIP_EVENTTYPE.BESTSOLFOUND, self)

        def eventexit(self) -> None:
            self.model.dropEvent(pyscipopt.SCIP_EVENTTYPE.BESTSOLFOUND, self)

        def eventexec(self, event: Any) -> None:
            write("running")

    model.includeEventhdlr(Keeper(), "keeper", "writes down what was found")
    if np.isfinite(problem["time_limit"]):
        model.setParam("limits/time", max(float(problem["time_limit"]) - (time.monotonic() - start), 0.0))
    model.optimize()
    write(model.getStatus())


def _state(model: Any, problem: dict[str, np.ndarray], quicksum: Any) -> list[Any]:
    """State the problem in a model, all its rows and products; its variables."""
    kinds = np.where(problem["integrality"], "B", "C").tolist()
    most = problem["upper"].tolist()
    variables = [model.addVar(vtype=kind, lb=0.0, ub=limit) for kind, limit in zip(kinds, most, strict=True)]
    for product, share, choice in zip(
        *(problem[name].tolist() for name in ("product", "share", "choice")), strict=True
    ):
        model.addCons(variables[product] == variables[share] * variables[choice])
    ends, columns, entries = (problem[name].tolist() for name in ("indptr", "indices", "data"))
    for row, (lower, upper) in enumerate(
        zip(problem["row_lower"].tolist(), problem["row_upper"].tolist(), strict=True)
    ):
        terms = range(ends[row], ends[row + 1])
        total = quicksum(entries[term] * variables[columns[term]] for term in terms)
        if lower == upper:
            model.addCons(total == upper)
            continue
        model.addCons(total <= upper)
        if np.isfinite(lower):
            model.addCons(total >= lower)
    return variables


if __name__ == "__main__":
    main(*sys.argv[1:])
    # At once, without the destructors: the answer is written, and they are more C.
    os._exit(0)
