"""Scenarios per second at equal machine: J3O in batches against ExactMILP, one process per core.

    python -m bench throughput --case taskonomy5 --scenarios 20

The comparison that the paper lacks: its solver had one scenario at a time and Gurobi. Here both get all the cores: J3O
one batch, ExactMILP as many processes as there are cores, one thread each. Every plan passes the independent checker.
"""

import argparse
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import j3o_jax as j3o

from .record import FOLDER, machine_line, say, write_results
from .registry import CASES


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", nargs="+", choices=CASES, default=["taskonomy5", "cityscapes3d", "tight"])
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--scenarios", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--gap", nargs="+", type=float, default=[1e-4, 1e-3, 1e-2])
    parser.add_argument("--out", type=Path, default=FOLDER / "throughput", help="JSON, without suffix")


def run(options: argparse.Namespace) -> None:
    if options.smoke:
        options.case, options.clients, options.scenarios, options.repeats, options.gap = (
            ["cityscapes3d"],
            6,
            4,
            1,
            [1e-4],
        )
    cores = os.cpu_count() or 1
    rows: list[dict[str, Any]] = []
    # JAX has threads, which a forked process would not have.
    with ProcessPoolExecutor(cores, multiprocessing.get_context("spawn")) as pool:
        for case in options.case:
            scenarios = CASES[case].sample(0, options.scenarios, options.clients)
            bound = np.asarray(j3o.relaxation_bound(scenarios))
            parts = [scenarios[first::cores] for first in range(cores)]
            list(pool.map(solve_exactly, parts, [1.0] * cores))  # imports and compiles
            exact = {}
            for gap in options.gap:
                say(f"{case}: ExactMILP at {gap:g}")
                start = time.perf_counter()
                solved = list(pool.map(solve_exactly, parts, [gap] * cores))
                exact[gap] = time.perf_counter() - start, np.empty(options.scenarios)
                for first, (objective, own_bound) in enumerate(solved):
                    exact[gap][1][first::cores] = objective
                    bound[first::cores] = np.minimum(bound[first::cores], own_bound)
            say(f"{case}: J3O")
            times = []
            for _ in range(options.repeats + 1):
                start = time.perf_counter()
                plans = j3o.solve(scenarios, j3o.J3O(), throw=True)
                times.append(time.perf_counter() - start)
            j3o.check(scenarios, plans).raise_if_violated()
            measured = {"J3O": (float(np.median(times[1:])), plans.objective)}
            measured |= {f"ExactMILP, gap {gap:g}": figures for gap, figures in exact.items()}
            for name, (seconds, objective) in measured.items():
                gaps = bound / objective - 1.0
                rows.append(
                    {
                        "case": case,
                        "clients": options.clients,
                        "method": name,
                        "scenarios_per_second": options.scenarios / seconds,
                        "gap_mean": float(gaps.mean()),
                        "gap_worst": float(gaps.max()),
                        "first_seconds": times[0] if name == "J3O" else None,
                    }
                )
            write_results(options.out.with_suffix(".json"), {"scenarios": options.scenarios}, rows)
    print("| case | method | scenarios/s | gap at most, mean | worst |\n|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['case']} | {row['method']} | {row['scenarios_per_second']:.3g} | {100 * row['gap_mean']:.4f} % "
            f"| {100 * row['gap_worst']:.4f} % |"
        )
    print(f"\n{machine_line()}; {cores} processes for ExactMILP")


def solve_exactly(scenarios: j3o.Scenario, gap: float) -> tuple[np.ndarray, np.ndarray]:
    """Objectives and bounds of a batch, on one thread."""
    plans = j3o.solve(scenarios, j3o.ExactMILP(gap=gap, threads=1), throw=True)
    j3o.check(scenarios, plans).raise_if_violated()
    return np.asarray(plans.objective), np.asarray(plans.bound)
