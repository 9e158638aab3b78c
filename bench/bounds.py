"""Certified bounds against exact optima: hundreds of scenarios of every family, none may be below.

    python -m bench bounds --scenarios 50 --clients 10

ExactMILP solves each to a gap of 1e-7; the plans that are certified are J3O's. Of every family as many have
batching, with windows of 0.1 s. The run fails at the first bound that is below a plan's objective by more than 1e-9 of
it, and at the first plan that the independent checker rejects.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import j3o_jax as j3o

from .record import FOLDER, machine_line, say, write_results
from .registry import BINDING_WINDOWS, CASES

# What is changed in the families.
VARIANTS: dict[str, dict[str, Any]] = {"": {}, ", batching": BINDING_WINDOWS}
EDGES = 2


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--scenarios", type=int, default=50, help="of each family and variant")
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--time-limit", type=float, default=10.0, help="seconds of each exact solve")
    parser.add_argument("--out", type=Path, default=FOLDER / "bounds", help="JSON, without suffix")


def run(options: argparse.Namespace) -> None:
    if options.smoke:
        options.case, options.scenarios, options.clients = ["cityscapes3d"], 3, 4
    rows: list[dict[str, Any]] = []
    for case in options.case:
        for variant, settings in VARIANTS.items():
            say(f"{case}{variant}")
            scenarios = CASES[case].changed(**settings).sample(1000, options.scenarios, options.clients, EDGES)
            plans = j3o.solve(scenarios, j3o.ExactMILP(gap=1e-7, time_limit=options.time_limit), throw=True)
            j3o.check(scenarios, plans).raise_if_violated()
            own = j3o.solve(scenarios, j3o.J3O(), throw=True)
            j3o.check(scenarios, own).raise_if_violated()
            bound = np.asarray(j3o.certify(scenarios, own).bound)
            above = bound / np.asarray(plans.objective) - 1.0
            assert (above >= -1e-9).all(), f"{case}{variant}: the bound of scenario {above.argmin()} is below a plan"
            losses = np.asarray(plans.objective) / np.asarray(own.objective) - 1.0
            rows.append(
                {
                    "family": case + variant,
                    "scenarios": options.scenarios,
                    "solved": int(np.sum(plans.status == j3o.Status.optimal)),
                    "least": float(above.min()),
                    "mean": float(above.mean()),
                    "largest": float(above.max()),
                    "plan_loss_mean": float(losses.mean()),
                    "plan_loss_largest": float(losses.max()),
                }
            )
            settings_used = {"clients": options.clients, "time_limit": options.time_limit}
            write_results(options.out.with_suffix(".json"), settings_used, rows)
    print("| family | scenarios | solved | bound above optimum: least | mean | largest | J3O below, mean |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        least, mean, largest, loss = (
            f"{100 * row[name]:.4f} %" for name in ("least", "mean", "largest", "plan_loss_mean")
        )
        print(f"| {row['family']} | {row['scenarios']} | {row['solved']} | {least} | {mean} | {largest} | {loss} |")
    print(f"\n{machine_line()}")
