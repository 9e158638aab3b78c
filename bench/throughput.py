"""Scenarios per second at equal machine: J3O in batches against ExactMILP, one process per core.

    python -m bench throughput --case taskonomy5 --scenarios 20

The comparison that the paper lacks: its solver had one scenario at a time and Gurobi. Here all get all the cores: J3O
batches, ExactMILP as many processes as there are cores, one thread each. Gaps are those of the first `--scenarios` of
the family, the same for all. J3O with CvxpyLP is the reference, one scenario's routing after the other; J3O with the
subgradient is (19) of the paper. Every plan passes the independent checker.
"""

import argparse
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import j3o_jax as j3o

from .record import FOLDER, in_full, machine_line, say, write_results
from .registry import CASES, Case


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", nargs="+", choices=CASES, default=["taskonomy5", "cityscapes3d", "tight"])
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--scenarios", type=int, default=20)
    parser.add_argument("--batch", type=int, default=512, help="scenarios in a batch of J3O")
    parser.add_argument("--certified", type=int, default=128, help="scenarios in a batch of PriceDirected")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--gap", nargs="+", type=float, default=[1e-4, 1e-3, 1e-2])
    parser.add_argument("--out", type=Path, default=FOLDER / "throughput", help="JSON, without suffix")


def run(options: argparse.Namespace) -> None:
    if options.smoke:
        options.case, options.clients, options.gap = ["cityscapes3d"], 6, [1e-4]
        options.scenarios, options.batch, options.certified, options.repeats = 4, 4, 4, 1
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
            measured = {}
            for name, (method, batch) in methods(options).items():
                say(f"{case}: {name}")
                own = in_batches(CASES[case], method, batch, options)
                measured[name] = own.rate, own.objective, batch, own.compiling, own.certified
            for gap, (seconds, objective) in exact.items():
                measured[f"ExactMILP, gap {gap:g}"] = options.scenarios / seconds, objective, 1, None, gap
            for name, (rate, objective, batch, compiling, certified) in measured.items():
                gaps = bound / objective - 1.0
                rows.append(
                    {
                        "case": case,
                        "clients": options.clients,
                        "method": name,
                        "batch": batch,
                        "scenarios_per_second": rate,
                        "gap_mean": float(gaps.mean()),
                        "gap_worst": float(gaps.max()),
                        "certified_gap_mean": certified,
                        "first_seconds": compiling,
                    }
                )
            write_results(options.out.with_suffix(".json"), {"scenarios": options.scenarios}, rows)
    print(table(rows))
    print(f"\n{machine_line()}; {cores} processes for ExactMILP")


QUICK = j3o.PriceDirected(gap=1e-3, patience=20, max_iterations=100)


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table: methods down, cases across."""
    cases = list(dict.fromkeys(row["case"] for row in rows))
    names = list(dict.fromkeys(row["method"] for row in rows))
    by_place = {(row["method"], row["case"]): row for row in rows}
    lines = ["| scenarios/s; gap, mean (worst); proven | " + " | ".join(cases) + " |", "|---|" + "---|" * len(cases)]
    for name in names:
        cells = [_cell(by_place[name, case]) if (name, case) in by_place else "" for case in cases]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(row: dict[str, Any]) -> str:
    proven = row["certified_gap_mean"]
    said = "" if proven is None else f"; {100 * proven:.2g} %"
    rate = in_full(row["scenarios_per_second"])
    return f"{rate}; {100 * row['gap_mean']:.2g} % ({100 * row['gap_worst']:.2g} %){said}"


class Measured(NamedTuple):
    """Scenarios per second, the median; objectives of the first ones; seconds of the call that compiles; mean gap."""

    rate: float
    objective: np.ndarray
    compiling: float
    certified: float | None


def methods(options: argparse.Namespace) -> dict[str, tuple[j3o.methods.AbstractMethod, int]]:
    """Return the ways of J3O, and the size of the batches that each is timed on."""
    return {
        "J3O": (j3o.J3O(), options.batch),
        "J3O, subgradient": (j3o.J3O(multiplier=j3o.Subgradient()), options.batch),
        "PriceDirected": (j3o.PriceDirected(), options.certified),
        "PriceDirected, quick": (QUICK, options.certified),
        "J3O with CvxpyLP": (j3o.J3O(lp=j3o.CvxpyLP()), options.scenarios),
    }


def in_batches(case: Case, method: Any, batch: int, options: argparse.Namespace) -> Measured:
    """Solve a batch again and again."""
    scenarios = case.sample(0, batch, options.clients)
    times = []
    for _ in range(options.repeats + 1):
        start = time.perf_counter()
        plans = j3o.solve(scenarios, method, throw=True)
        times.append(time.perf_counter() - start)
    j3o.check(scenarios, plans).raise_if_violated()
    certified = float(np.mean(plans.gap)) if np.isfinite(plans.bound).all() else None
    return Measured(batch / float(np.median(times[1:])), plans.objective[: options.scenarios], times[0], certified)


def solve_exactly(scenarios: j3o.Scenario, gap: float) -> tuple[np.ndarray, np.ndarray]:
    """Objectives and bounds of a batch, on one thread."""
    plans = j3o.solve(scenarios, j3o.ExactMILP(gap=gap, threads=1), throw=True)
    j3o.check(scenarios, plans).raise_if_violated()
    return np.asarray(plans.objective), np.asarray(plans.bound)
