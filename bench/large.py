"""One large scenario: a plan with its proof by PriceDirected, and what ExactMILP has after the same time.

    python -m bench large --clients 3000 --edges 100 --models 127 --tasks 7

PriceDirected stops at the first plan that is proven to be within `--gap`; compilation is told apart. Both methods run
in processes of their own. ExactMILP's is ended where it takes twice the time that it was given and a minute: building
the program of this size takes a while, and so does HiGHS's presolve before it looks at the clock. Memory is the largest
that each process held.
"""

import argparse
import multiprocessing
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np

import j3o_jax as j3o

from .record import FOLDER, machine_line, say, write_results
from .registry import CASES

_LEAST_LIMIT = 5.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", choices=["heterogeneous", "tight"], default="heterogeneous")
    parser.add_argument("--clients", type=int, default=3000)
    parser.add_argument("--edges", type=int, default=100)
    parser.add_argument("--models", type=int, default=127)
    parser.add_argument("--tasks", type=int, default=7)
    parser.add_argument("--gap", type=float, default=0.01)
    parser.add_argument("--iterations", type=int, default=50, help="most rounds")
    parser.add_argument("--out", type=Path, default=FOLDER / "large", help="JSON, without suffix")


def run(options: argparse.Namespace) -> None:
    if options.smoke:
        options.clients, options.edges, options.models, options.tasks = 4, 2, 5, 2
    sizes = {name: getattr(options, name) for name in ("case", "clients", "edges", "models", "tasks")}
    context = multiprocessing.get_context("spawn")
    rows = []
    # Processes of their own: the largest memory that a process held does not fall again.
    for name, work, limit in (("PriceDirected", priced, None), ("ExactMILP", exact, None)):
        if name == "ExactMILP":
            limit = max(rows[0]["seconds"] or 0.0, _LEAST_LIMIT)
        say(name)
        here, there = context.Pipe()
        process = context.Process(target=_send, args=(there, work, sizes, options.gap, options.iterations, limit))
        process.start()
        there.close()
        row = None
        if here.poll(None if limit is None else 2.0 * limit + 60.0):
            try:
                row = here.recv()
            except EOFError:
                row = None
        process.kill()
        process.join()
        nothing = dict.fromkeys(("objective", "bound", "gap", "seconds", "compile_seconds", "peak_mb", "rounds"))
        rows.append({"method": name, "time_limit": limit, **(nothing if row is None else row)})
        write_results(options.out.with_suffix(".json"), sizes | {"gap": options.gap}, rows)
    print("| method | F | bound | gap | s | compiled before in, s | MB |\n|---|---|---|---|---|---|---|")
    for row in rows:
        cells = [_cell(row[name], form) for name, form in _COLUMNS.items()]
        print(f"| {row['method']} | {' | '.join(cells)} |")
    print(f"\n{machine_line()}")


_COLUMNS = {
    "objective": ".5f",
    "bound": ".5f",
    "gap": ".3%",
    "seconds": ".1f",
    "compile_seconds": ".1f",
    "peak_mb": ",.0f",
}


def _cell(value: float | None, form: str) -> str:
    return "none" if value is None or not np.isfinite(value) else format(value, form)


def _send(pipe: Any, work: Any, *arguments: Any) -> None:
    pipe.send(work(*arguments))


def priced(sizes: dict[str, Any], gap: float, iterations: int, _limit: Any) -> dict[str, Any]:
    """Solve by PriceDirected until the plan is proven to be within `gap`."""
    scenario = sample(sizes)
    # The relaxation need not be nearer to its optimum than the gap asks for.
    method = j3o.PriceDirected(gap=gap, max_iterations=iterations, descent_steps=0, bound_tolerance=0.1 * gap)
    start = time.perf_counter()
    plan = j3o.solve(scenario, method, throw=True)
    seconds = time.perf_counter() - start
    compiling = float(np.max(plan.stats["compile_seconds"]))
    return row_of(scenario, plan, seconds - compiling) | {"compile_seconds": compiling}


def exact(sizes: dict[str, Any], _gap: float, _iterations: int, limit: float) -> dict[str, Any]:
    """Search by ExactMILP for `limit` seconds."""
    scenario = sample(sizes)
    start = time.perf_counter()
    plan = j3o.solve(scenario, j3o.ExactMILP(time_limit=limit))
    return row_of(scenario, plan, time.perf_counter() - start) | {"compile_seconds": None}


def sample(sizes: dict[str, Any]) -> j3o.Scenario:
    case = CASES[sizes["case"]].changed(models=sizes["models"], tasks=sizes["tasks"])
    return case.sample(0, None, sizes["clients"], sizes["edges"])


def row_of(scenario: j3o.Scenario, plan: j3o.Solution, seconds: float) -> dict[str, Any]:
    """Return the figures of a plan, which passes the independent checker, or of none."""
    found = bool(np.isfinite(plan.objective))
    if found:
        j3o.check(scenario, plan).raise_if_violated()
    known = {"objective": float(plan.objective), "bound": float(plan.bound), "gap": float(plan.gap)}
    return {
        **{name: value if np.isfinite(value) else None for name, value in known.items()},
        "seconds": seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rounds": int(np.max(plan.stats["iterations"])) if found else None,
    }
