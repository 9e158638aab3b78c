"""The problem as the paper prints it, with products of shares and choices: a slow baseline, without Gurobi."""

import functools
import importlib.util
import math
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Literal, get_args

import equinox as eqx
import numpy as np

from .._highs import MILPResult, above, solve_milp
from .._scenario import Scenario
from .._time_limit import seconds_left
from .._types import Float
from ._base import Outcome
from .exact.bilinear_formulation import Bilinear, bilinear
from .exact.recover_plan import ExactMethod, Incumbent, search_each

_Solver = Literal["highs", "scip"]

_PROGRAM = Path(__file__).with_name("exact") / "scip_worker.py"

# Seconds after its time limit at which SCIP's process is ended from outside.
_GRACE = 15.0

# Seconds that are no limit; clocks cannot take many more.
_FOREVER = 1e8

_OPTIMAL = ("optimal", "gaplimit")
_INFEASIBLE = ("infeasible", "inforunbd")  # all variables are bounded
_LIMIT = ("timelimit", "memlimit", "userinterrupt")


class BilinearMINLP(ExactMethod):
    """P1 (13) as printed, a mixed-integer program with products of shares and choices, given to a general solver.

    This is what the paper gave to Gurobi, a slow baseline; `ExactMILP` proves the same optimum in a fraction of the
    time. `Solution.bound` is the solver's word, see `ExactMILP`. An instance that reaches the time limit ends with
    `Status.iteration_limit`, its best plan so far and the bound so far.

    **Arguments:**

    - `gap`: (bound − F) / F at which a plan counts as optimal.
    - `time_limit`: seconds for each scenario.
    - `solver`: ``"highs"`` gets the McCormick envelope of each product, which is exact, for one factor is 0 or 1.
      ``"scip"`` gets the products themselves; it wants `pip install 'j3o-jax[scip]'` and runs in a process of its
      own: should it die, that instance alone ends with `Status.numerical_error`, or with the best plan found by then.
    """

    gap: float | int = eqx.field(static=True, default=1e-4)
    time_limit: float | int = eqx.field(static=True, default=600.0)
    solver: _Solver = eqx.field(static=True, default="highs")

    def __check_init__(self):
        if self.solver not in get_args(_Solver):
            raise ValueError(f"solver: must be 'highs' or 'scip', got {self.solver!r}")

    @property
    def on_host(self) -> bool:
        """See `AbstractMethod`."""
        return True

    def run(self, scenarios: Scenario, key: Any) -> Outcome:
        """See `AbstractMethod`."""
        if self.solver == "scip" and importlib.util.find_spec("pyscipopt") is None:
            raise ImportError("BilinearMINLP(solver='scip') needs PySCIPOpt: pip install 'j3o-jax[scip]'")

        def search(scenario: Scenario, problem: Bilinear, _: int) -> Incumbent:
            answer = self._search(problem)
            if answer.values is None:
                return Incumbent.nothing(scenario, answer)
            return Incumbent(*problem.choices(answer.values), answer.bound, answer.outcome, answer.message)

        build = functools.partial(bilinear, envelopes=self.solver == "highs")
        return search_each(scenarios, build, search, gap=float(self.gap))

    def _search(self, problem: Bilinear) -> MILPResult:
        seconds = min(float(self.time_limit), seconds_left())
        if self.solver == "scip":
            return solve_with_scip(problem, gap=float(self.gap), time_limit=seconds)
        return solve_milp(problem.program, gap=float(self.gap), time_limit=seconds)


def solve_with_scip(problem: Bilinear, *, gap: float, time_limit: float) -> MILPResult:
    """Solve a program with products in a process of its own; however that ends, with an answer.

    **Arguments:**

    - `gap`: relative gap at which the program counts as solved.
    - `time_limit`: seconds. A process that is still there some seconds later is ended.
    """
    with tempfile.TemporaryDirectory(prefix="j3o-scip-") as folder:
        given, answer = Path(folder, "problem.npz"), Path(folder, "answer.npz")
        program, matrix = problem.program, problem.program.matrix
        np.savez(
            given,
            **{
                name: getattr(program, name) for name in ("objective", "upper", "integrality", "row_lower", "row_upper")
            },
            **{name: getattr(matrix, name) for name in ("data", "indices", "indptr")},
            **{name: getattr(problem, name) for name in ("product", "share", "choice")},
            gap=gap,
            time_limit=min(time_limit, _FOREVER),
        )
        ending, late = _run([sys.executable, "-P", str(_PROGRAM), str(given), str(answer)], time_limit + _GRACE)
        try:
            values, bound, status = _read(answer, program.objective.size)
        except FileNotFoundError:
            values, bound, status = None, math.inf, "its process left no answer"
        except (OSError, EOFError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
            values, bound, status = None, math.inf, f"its answer cannot be read: {error}"
    message = f"SCIP: {ending or status}"
    if status in _INFEASIBLE:
        return MILPResult(None, -math.inf, -math.inf, "infeasible", message)
    objective = -math.inf if values is None else float(program.objective @ values)
    bound = above(bound, objective)
    if status in _OPTIMAL and values is not None:
        return MILPResult(values, objective, bound, "optimal", message)
    # A process that came to a bad end may have found something before.
    if late or status in _LIMIT or values is not None:
        return MILPResult(values, objective, bound, "limit", message)
    return MILPResult(None, -math.inf, math.inf, "failed", message)


def _run(command: list[str], timeout: float) -> tuple[str, bool]:
    """Run a command; how it ended if not well, else "", and whether it was ended for being late."""
    try:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout if timeout < _FOREVER else None,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        return "its process did not keep the time limit and was ended", True
    except OSError as error:
        return f"its process did not start: {error}", False
    if done.returncode == 0:
        return "", False
    try:
        how = f"was ended by {signal.Signals(-done.returncode).name}"
    except ValueError:
        how = f"ended with exit code {done.returncode}"
    said = done.stderr.strip().splitlines()
    return f"its process {how}" + (f": {said[-1]}" if said else ""), False


def _read(path: Path, columns: int) -> tuple[Float[np.ndarray, " N"] | None, float, str]:
    """Values, if there are any, bound and status that SCIP's process wrote."""
    with np.load(path) as file:
        values = np.asarray(file["values"], dtype=float)
        bound, status = float(file["bound"]), str(file["status"])
    if values.size not in (0, columns) or not np.isfinite(values).all() or math.isnan(bound):
        raise ValueError(f"{values.size} values for {columns} variables, or not all of them numbers")
    return values if values.size else None, bound, status
