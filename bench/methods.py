"""Time, gap and build time of every method, over cases and sizes.

    python -m bench methods --case taskonomy5 --clients 30 100 --seeds 3

The gap is to the least bound that any exact method or the linear relaxation proved for the scenario, so it is an upper
bound on the gap to the optimum. Every plan passes the independent checker, or the run fails. Times are medians over the
seeds, after a first call that compiles, which is listed apart.
"""

import argparse
import math
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

import j3o_jax as j3o

from .picture import draw_gap_against_time
from .record import FOLDER, machine_line, say, write_results
from .registry import CASES, METHODS, SIZES, Entry


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", nargs="+", choices=CASES, default=["taskonomy5", "tight"])
    parser.add_argument("--clients", nargs="+", type=int, default=list(SIZES))
    parser.add_argument("--method", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds of each exact solve")
    parser.add_argument("--out", type=Path, default=FOLDER / "methods", help="JSON and pictures, without suffix")


def run(options: argparse.Namespace) -> None:
    if options.smoke:
        options.case, options.clients, options.seeds, options.time_limit = ["cityscapes3d"], [6], 1, 2.0
    rows: list[dict[str, Any]] = []
    settings = {"seeds": options.seeds, "time_limit": options.time_limit}
    for case in options.case:
        for clients in options.clients:
            bounds = {}
            for seed in range(options.seeds):
                scenario = CASES[case].sample(seed, None, clients)
                start = time.perf_counter()
                bounds[seed] = float(j3o.relaxation_bound(scenario))
                place = {"case": case, "clients": clients, "seed": seed}
                rows.append({**place, "method": "relaxation", "bound": bounds[seed]} | seconds_since(start))
            for name in options.method:
                if clients > METHODS[name].largest:
                    continue
                for seed in range(options.seeds):
                    say(f"{case}, {clients} clients, seed {seed}: {name}")
                    row = measure(METHODS[name], CASES[case].sample(seed, None, clients), options.time_limit, seed == 0)
                    rows.append({"case": case, "clients": clients, "seed": seed, "method": name, **row})
                    write_results(options.out.with_suffix(".json"), settings, rows)
    print(table(rows))
    for suffix in (".png", ".svg"):
        draw_gap_against_time(summary(rows), options.out.with_suffix(suffix), machine_line())


def seconds_since(start: float) -> dict[str, float]:
    return {"seconds": time.perf_counter() - start}


def measure(entry: Entry, scenario: j3o.Scenario, time_limit: float, warm_up: bool) -> dict[str, Any]:
    """Solve one scenario and time it; with `warm_up`, once before, to compile."""
    row: dict[str, Any] = {}
    if warm_up:
        start = time.perf_counter()
        j3o.solve(scenario, entry.limited(1.0))
        row["first_seconds"] = time.perf_counter() - start
    start = time.perf_counter()
    solution = j3o.solve(scenario, entry.limited(time_limit), throw=True)
    row |= seconds_since(start)
    j3o.check(scenario, solution).raise_if_violated()
    bound, build = float(solution.bound), solution.stats.get("build_seconds")
    return row | {
        "status": j3o.Status(int(solution.status)).name,
        "objective": float(solution.objective),
        "bound": bound if math.isfinite(bound) else None,
        "build_seconds": None if build is None else float(build),
    }


def summary(rows: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, dict[str, float]]]:
    """By case and size, then by method: median seconds and build seconds, mean gap to the least bound, solved share."""
    least: dict[tuple[str, int, int], float] = defaultdict(lambda: math.inf)
    for row in rows:
        if row["bound"] is not None:
            place = row["case"], row["clients"], row["seed"]
            least[place] = min(least[place], row["bound"])
    grouped: dict[tuple[str, int], dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["method"] != "relaxation":
            gap = least[row["case"], row["clients"], row["seed"]] / row["objective"] - 1.0
            grouped[row["case"], row["clients"]][row["method"]].append({**row, "gap": max(gap, 0.0)})
    return {
        place: {
            method: {
                "seconds": float(np.median([row["seconds"] for row in own])),
                "build_seconds": float(np.median([row["build_seconds"] or 0.0 for row in own])),
                "first_seconds": own[0].get("first_seconds", math.nan),
                "gap": float(np.mean([row["gap"] for row in own])),
                "optimal": float(np.mean([row["status"] == "optimal" for row in own])),
            }
            for method, own in methods.items()
        }
        for place, methods in grouped.items()
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Return the summary as a Markdown table."""
    lines = [
        "| case | clients | method | s, median | of it building, s | first call, s | gap at most, mean | optimal |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (case, clients), methods in summary(rows).items():
        for method, own in methods.items():
            lines.append(
                f"| {case} | {clients} | {METHODS[method].label} | {own['seconds']:.3g} | {own['build_seconds']:.2g} "
                f"| {own['first_seconds']:.3g} | {100 * own['gap']:.3f} % | {100 * own['optimal']:.0f} % |"
            )
    return "\n".join([*lines, "", machine_line()])
