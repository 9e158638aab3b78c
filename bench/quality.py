"""Gap to the optimum of the methods that are near it, and what PriceDirected and `certify` prove of it.

    python -m bench quality --case taskonomy5 tight --seeds 20

Gaps are to the bound of ExactMILP, which searches to a gap of 5e-5 or for a minute: the gap to the optimum is at most
that. Every plan passes the independent checker, and no certified bound may be below the plan that ExactMILP found, or
the run fails. Seconds are per scenario: of a batch for the methods on the device, after a first call that compiles, and
one after the other for the others.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

import j3o_jax as j3o

from .record import FOLDER, machine_line, say, write_results
from .registry import CASES

CLIENTS = 30
EXACT = "ExactMILP"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds of each exact solve")
    parser.add_argument("--without", nargs="*", default=[], help="methods to leave out, such as OptAO")
    parser.add_argument("--out", type=Path, default=FOLDER / "quality", help="JSON, without suffix")


def run(options: argparse.Namespace) -> None:
    clients = CLIENTS
    if options.smoke:
        options.case, options.seeds, options.without, clients = ["cityscapes3d"], 2, ["OptAO"], 6
    methods = {
        EXACT: j3o.ExactMILP(gap=5e-5, time_limit=options.time_limit),
        "PriceDirected": j3o.PriceDirected(),
        "J3O": j3o.J3O(),
        "OptAO": j3o.OptAO(),
    }
    rows: list[dict[str, Any]] = []
    for case in options.case:
        scenarios = CASES[case].sample(0, options.seeds, clients)
        exact = None
        for name, method in methods.items():
            if name in options.without:
                continue
            say(f"{case}: {name}")
            on_device = isinstance(method, j3o.J3O | j3o.PriceDirected)
            if on_device:
                j3o.solve(scenarios, method)
            start = time.perf_counter()
            plans = j3o.solve(scenarios, method, throw=True)
            seconds = (time.perf_counter() - start) / options.seeds
            j3o.check(scenarios, plans).raise_if_violated()
            exact = plans if exact is None else exact
            gaps = np.maximum(np.asarray(exact.bound) / plans.objective - 1.0, 0.0)
            if name == "J3O":
                plans = j3o.certify(scenarios, plans)
            if on_device:
                assert (plans.bound >= exact.objective * (1.0 - 1e-9)).all(), f"{case}: a bound is below a plan"
            rows.append(
                {
                    "case": case,
                    "clients": clients,
                    "method": name,
                    "gap_mean": float(gaps.mean()),
                    "gap_worst": float(gaps.max()),
                    "certified_gap_mean": float(np.mean(plans.gap)) if np.isfinite(plans.bound).all() else None,
                    "seconds": seconds,
                    "iterations": float(np.mean(plans.stats["iterations"])) if on_device else None,
                }
            )
            write_results(options.out.with_suffix(".json"), {"seeds": options.seeds}, rows)
    print(table(rows))
    print(f"\n{machine_line()}")


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| case | method | gap, mean | worst | certified, mean | s |", "|---|---|---|---|---|---|"]
    for row in rows:
        certified = row["certified_gap_mean"]
        lines.append(
            f"| {row['case']} | {row['method']} | {100 * row['gap_mean']:.4f} % | {100 * row['gap_worst']:.3f} % "
            f"| {'' if certified is None else f'{100 * certified:.3f} %'} | {row['seconds']:.3g} |"
        )
    return "\n".join(lines)
