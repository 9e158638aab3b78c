"""Gap to the optimum where batching windows bind: the paper's surrogate, exact activation, prices and baselines.

    python -m bench batching --seeds 20

Set-up times take a fifth of the window for every task that an edge serves, so that which tasks to serve matters. Gaps
are to the bound of ExactMILP, which may search for `--time-limit` seconds a scenario. Every plan passes the independent
checker, which knows (28) with its true indicator. Seconds are per scenario, compilation apart.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

import j3o_jax as j3o

from .record import FOLDER, machine_line, say, write_results
from .registry import BINDING_WINDOWS, CASES


def add_options(parser: argparse.ArgumentParser) -> None:
    cases = ["cityscapes3d", "taskonomy5", "heterogeneous"]
    parser.add_argument("--case", nargs="+", choices=CASES, default=cases)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--time-limit", type=float, default=30.0, help="seconds of each exact solve")
    parser.add_argument("--without", nargs="*", default=[], help="methods to leave out, such as OptAO")
    parser.add_argument("--out", type=Path, default=FOLDER / "batching", help="JSON, without suffix")


def run(options: argparse.Namespace) -> None:
    if options.smoke:
        options.case, options.seeds, options.clients, options.without = ["cityscapes3d"], 2, 6, ["OptAO"]
    methods = {
        "ExactMILP": j3o.ExactMILP(gap=1e-5, time_limit=options.time_limit),
        "BAJ3O, surrogate": j3o.BAJ3O(surrogate="log", activations=0),
        "BAJ3O, no trials": j3o.BAJ3O(activations=0),
        "BAJ3O": j3o.BAJ3O(),
        "PriceDirected": j3o.PriceDirected(),
        "OptAO": j3o.OptAO(),
        "GreedyAO": j3o.GreedyAO(),
    }
    rows: list[dict[str, Any]] = []
    for case in options.case:
        scenarios = CASES[case].changed(**BINDING_WINDOWS).sample(0, options.seeds, options.clients)
        bound = np.inf
        for name, method in methods.items():
            if name in options.without:
                continue
            say(f"{case}: {name}")
            if isinstance(method, j3o.J3O | j3o.PriceDirected):
                j3o.solve(scenarios, method)
            start = time.perf_counter()
            plans = j3o.solve(scenarios, method, throw=True)
            seconds = (time.perf_counter() - start) / options.seeds
            j3o.check(scenarios, plans).raise_if_violated()
            bound = np.minimum(bound, np.where(np.isfinite(plans.bound), plans.bound, np.inf))
            gaps = np.maximum(bound / np.asarray(plans.objective) - 1.0, 0.0)
            rows.append(
                {
                    "case": case,
                    "method": name,
                    "gap_mean": float(gaps.mean()),
                    "gap_worst": float(gaps.max()),
                    "certified_gap_mean": float(np.mean(plans.gap)) if np.isfinite(plans.bound).all() else None,
                    "open_pairs": float(np.mean(np.sum(np.asarray(plans.edge_choice) >= 0, axis=(1, 2)))),
                    "seconds": seconds,
                }
            )
            settings = {"seeds": options.seeds, "clients": options.clients, **BINDING_WINDOWS}
            write_results(options.out.with_suffix(".json"), settings, rows)
    print("| case | method | gap, mean | worst | certified, mean | open pairs | s |\n|---|---|---|---|---|---|---|")
    for row in rows:
        certified = row["certified_gap_mean"]
        proven = "" if certified is None else f"{100 * certified:.3f} %"
        print(
            f"| {row['case']} | {row['method']} | {100 * row['gap_mean']:.4f} % | {100 * row['gap_worst']:.3f} % "
            f"| {proven} | {row['open_pairs']:.1f} | {row['seconds']:.3g} |"
        )
    print(f"\n{machine_line()}")
