"""One placement for many scenarios: how near the extensive form it is, and what it saves on draws it has not seen.

    python -m bench shared --case taskonomy5 heterogeneous devices --draws 1000

First small sets of scenarios, with uncertain demand and a failing edge, where ExactMILP solves the extensive form: the
gap of PriceDirected's placement to it, and of the bound. Then, for each family, `--samples` draws of the demand (a
lognormal factor for every stream) and every single edge down with `--failure`: the shared placement and that of the
mean on `--draws` unseen draws × every single edge failure, each with the best routing, and what the shared one costs
where all is as planned. Every plan passes the independent checker, and every proof is verified in exact arithmetic.
"""

import argparse
import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np

import j3o_jax as j3o

from .record import FOLDER, machine_line, say, write_results
from .registry import CASES

CLIENTS = 30
FAMILIES = ("taskonomy5", "heterogeneous", "devices")
# Scenarios that are evaluated at a time.
_TOGETHER = 1000
# Of the small sets, in turn.
_TIGHTNESS = (1.0, 0.5, 0.3)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", nargs="*", choices=CASES, default=list(FAMILIES))
    parser.add_argument("--small", type=int, default=30, help="small sets that are solved exactly as well")
    parser.add_argument("--samples", type=int, default=50, help="draws that are planned for")
    parser.add_argument("--draws", type=int, default=1000, help="unseen draws")
    parser.add_argument("--noise", type=float, default=0.3, help="relative standard deviation of the demand")
    parser.add_argument("--failure", type=float, default=0.01, help="probability of every single edge to be down")
    parser.add_argument("--cvar", type=float, default=None, help="part of the worst scenarios that counts")
    parser.add_argument("--out", type=Path, default=FOLDER / "shared", help="JSON, without suffix")


def run(options: argparse.Namespace) -> None:
    clients = CLIENTS
    if options.smoke:
        options.case, options.small, options.samples, options.draws, clients = ["cityscapes3d"], 1, 4, 4, 6
    names = ("samples", "draws", "noise", "failure", "cvar")
    settings = {name: getattr(options, name) for name in names} | {"clients": clients}
    rows: list[dict[str, Any]] = []

    def keep(row: dict[str, Any]) -> None:
        rows.append(row)
        write_results(options.out.with_suffix(".json"), settings, rows)

    if options.small:
        keep(against_extensive_form(options.small))
    for case in options.case:
        say(case)
        keep(on_unseen_draws(case, clients, options))
    print(table(rows))
    print(f"\n{machine_line()}")


def against_extensive_form(sets: int) -> dict[str, Any]:
    """Return gaps over small sets of scenarios: 4 clients, 2 edges; three draws and, of these, one edge down."""
    gaps, bounds = [], []
    for seed in range(sets):
        sizes = {"clients": 4, "edges": 2, "tasks": 3, "models": 8, "tightness": _TIGHTNESS[seed % len(_TIGHTNESS)]}
        one = j3o.benchmarks.heterogeneous().sample(seed, **sizes)
        scenarios, weights = j3o.uncertain_scenarios(one, demand_noise=0.4, samples=3, edge_failure=0.05, seed=seed)
        plans = j3o.solve_shared(scenarios, weights)
        exact = j3o.solve_shared(scenarios, weights, j3o.ExactMILP(gap=1e-6, time_limit=60.0))
        for found in (plans, exact):
            j3o.check(scenarios, found).raise_if_violated()
        j3o.verify(scenarios, plans).raise_if_violated()
        assert plans.shared is not None
        assert exact.shared is not None
        best = float(exact.shared.bound)
        assert float(plans.shared.bound) >= float(exact.shared.value) * (1.0 - 1e-9), f"set {seed}: a bound is wrong"
        gaps.append(max(best / float(plans.shared.value) - 1.0, 0.0))
        bounds.append(float(plans.shared.bound) / float(exact.shared.value) - 1.0)
        say(f"small set {seed}: gap {100 * gaps[-1]:.4f} %, bound {100 * bounds[-1]:.3f} % above")
    return {
        "sets": sets,
        "gap_mean": float(np.mean(gaps)),
        "gap_worst": float(np.max(gaps)),
        "bound_mean": float(np.mean(bounds)),
        "bound_worst": float(np.max(bounds)),
    }


def on_unseen_draws(case: str, clients: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return figures of the shared placement and of that of the mean, planned and on draws that are unseen."""
    one = CASES[case].sample(0, None, clients)
    settings = {"demand_noise": options.noise, "edge_failure": options.failure, "seed": 0}
    planned = j3o.uncertain_scenarios(one, **settings, samples=options.samples)
    unseen = j3o.uncertain_scenarios(one, **settings, samples=options.draws, unseen=True, every_failure=True)
    method = j3o.PriceDirected()
    start = time.perf_counter()
    shared = j3o.solve_shared(*planned, method, cvar=options.cvar, throw=True)
    seconds = time.perf_counter() - start
    j3o.check(planned.scenarios, shared).raise_if_violated()
    j3o.verify(planned.scenarios, shared).raise_if_violated()
    mean = j3o.solve(one, method, throw=True)
    assert shared.shared is not None
    row: dict[str, Any] = {
        "case": case,
        "scenarios": len(planned.weights),
        "unseen_scenarios": len(unseen.weights),
        "seconds_with_compilation": seconds,
        "objective": float(shared.shared.value),
        "certified_gap": shared.shared.gap,
    }
    for name, placement in (("shared", shared[0]), ("mean", mean)):
        say(f"{case}: {name} on unseen draws")
        values = []
        for first in range(0, len(unseen.weights), _TOGETHER):
            some = unseen.scenarios[first : first + _TOGETHER]
            plans = j3o.solve_recourse(some, placement, method, throw=True)
            j3o.check(some, plans).raise_if_violated()
            values.append(plans.objective)
        figures = j3o.risk_figures(np.concatenate(values), unseen.weights)
        down = unseen.weights < unseen.weights.max()
        row[name] = dataclasses.asdict(figures) | {
            "mean_with_an_edge_down": float(np.mean(np.concatenate(values)[down])) if down.any() else None,
            "as_planned": float(j3o.solve_recourse(one, placement, method, throw=True).objective),
        }
    row["price"] = 1.0 - row["shared"]["as_planned"] / row["mean"]["as_planned"]
    return row


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown: a sentence on the small sets, and a table of the families."""
    lines: list[str] = []
    for row in (row for row in rows if "sets" in row):
        gaps, bounds = (
            f"{100 * row[f'{what}_mean']:.2g} % on average, {100 * row[f'{what}_worst']:.2g} % at worst"
            for what in ("gap", "bound")
        )
        lines += [
            f"{row['sets']} small sets, below the optimum of the extensive form: {gaps}; the bound above it: {bounds}.",
            "",
        ]
    lines += [
        "| family | models of | mean | worst tenth | worst | an edge down | as planned | price | certified gap |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in (row for row in rows if "case" in row):
        for name, label in (("shared", "all scenarios"), ("mean", "the mean")):
            own = row[name]
            words = ("mean", "worst_tenth", "worst", "mean_with_an_edge_down", "as_planned")
            cells = ["–" if own[word] is None else f"{own[word]:.4f}" for word in words]
            price = f"{100 * row['price']:.2f} %" if name == "shared" else ""
            gap = f"{100 * row['certified_gap']:.2f} %" if name == "shared" else ""
            lines.append(f"| {row['case']} | {label} | {' | '.join(cells)} | {price} | {gap} |")
    return "\n".join(lines)
