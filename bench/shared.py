"""One placement for many scenarios: how near the extensive form it is, and what it saves on draws it has not seen.

    python -m bench shared --case taskonomy5 heterogeneous devices --draws 1000

First small sets of scenarios, with uncertain demand and a failing edge, where ExactMILP solves the extensive form: the
gap of PriceDirected's placement to it, and of the bound. Then, for each family, `--samples` draws of the demand (a
lognormal factor for every stream) and every single edge down with `--failure`: one placement for the mean of all
scenarios, one for each worst part in `--cvar`, and that of the mean demand, on `--draws` unseen draws × every
single edge failure, each with the best routing, and what the shared ones cost where all is as planned. Every plan
passes the independent checker, and every proof is verified in exact arithmetic.
"""

import argparse
import dataclasses
import time
from collections.abc import Iterator
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
    told = "worst parts of the scenarios to plan for, besides all of them"
    parser.add_argument("--cvar", nargs="*", type=float, default=[0.1], metavar="PART", help=told)
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
        for row in on_unseen_draws(case, clients, options):
            keep(row)
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


def on_unseen_draws(case: str, clients: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield figures on unseen draws of the placements for all scenarios and for the worst, and of that of the mean."""
    one = CASES[case].sample(0, None, clients)
    settings = {"demand_noise": options.noise, "edge_failure": options.failure, "seed": 0}
    planned = j3o.uncertain_scenarios(one, **settings, samples=options.samples)
    unseen = j3o.uncertain_scenarios(one, **settings, samples=options.draws, unseen=True, every_failure=True)
    method = j3o.PriceDirected()
    of_the_mean = j3o.solve(one, method, throw=True)
    mean = {"case": case, "plan": "mean"} | _figures(of_the_mean, one, unseen, method)
    for cvar in (None, *options.cvar):
        say(f"{case}: planned for {_models_of('shared', cvar)}")
        start = time.perf_counter()
        plans = j3o.solve_shared(*planned, method, cvar=cvar, throw=True)
        seconds = time.perf_counter() - start
        j3o.check(planned.scenarios, plans).raise_if_violated()
        j3o.verify(planned.scenarios, plans).raise_if_violated()
        assert plans.shared is not None
        figures = _figures(plans[0], one, unseen, method)
        yield {
            "case": case,
            "plan": "shared",
            "cvar": cvar,
            "samples": options.samples,
            "scenarios": len(planned.weights),
            "seconds": seconds,
            "objective": float(plans.shared.value),
            "certified_gap": plans.shared.gap,
            "planned": dataclasses.asdict(j3o.risk_figures(plans.objective, planned.weights)),
            **figures,
            "price": 1.0 - figures["as_planned"] / mean["as_planned"],
        }
    yield mean


def _figures(placement: j3o.Solution, one: j3o.Scenario, unseen: Any, method: Any) -> dict[str, Any]:
    """Return figures of one placement on unseen draws, and where all is as planned, with the best routing."""
    values = []
    for first in range(0, len(unseen.weights), _TOGETHER):
        some = unseen.scenarios[first : first + _TOGETHER]
        plans = j3o.solve_recourse(some, placement, method, throw=True)
        j3o.check(some, plans).raise_if_violated()
        values.append(plans.objective)
    objectives = np.concatenate(values)
    down = unseen.weights < unseen.weights.max()
    return {
        "unseen_scenarios": len(unseen.weights),
        **dataclasses.asdict(j3o.risk_figures(objectives, unseen.weights)),
        "mean_with_an_edge_down": float(np.mean(objectives[down])) if down.any() else None,
        "as_planned": float(j3o.solve_recourse(one, placement, method, throw=True).objective),
    }


def _models_of(plan: str, cvar: float | None) -> str:
    if plan == "mean":
        return "the mean"
    if cvar is None:
        return "all scenarios"
    return "their worst tenth" if cvar == 0.1 else f"their worst {100 * cvar:g} %"


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
        words = ("mean", "worst_tenth", "worst", "mean_with_an_edge_down", "as_planned")
        cells = [_models_of(row["plan"], row.get("cvar"))]
        cells += ["–" if row[word] is None else f"{row[word]:.4f}" for word in words]
        cells += [f"{100 * row[word]:.2f} %" if word in row else "" for word in ("price", "certified_gap")]
        lines.append(f"| {row['case']} | {' | '.join(cells)} |")
    return "\n".join(lines)
