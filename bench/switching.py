"""Plans that move models at a cost: PriceDirected's gap to the optimum, and what is moved.

    python -m bench switching --case taskonomy5 tight --seeds 20 --cost 1e-5
    python -m bench switching --cost 0 1e-6 1e-5 1e-4 --out curve     # and a picture over the costs, curve.png

Every scenario holds what J3O would hold for the demand of another one of its family: demand has changed altogether. The
cost of moving is in accuracy per MB; 1e-5 is 1 point of accuracy for a GB. Gaps are to the bound of ExactMILP, as in
`quality`; every plan passes the independent checker, and every certificate is verified in exact arithmetic. With
several costs no plan for one of them may be worth more at another than is proven there, and rises of MB moved and of
accuracy are counted.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import j3o_jax as j3o

from .quality import CLIENTS
from .record import FOLDER, machine_line, say, write_results
from .registry import CASES
from .switching_curve import draw, require_bounds
from .switching_curve import table as curve_table


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", nargs="+", choices=CASES, default=["taskonomy5", "tight"])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--cost", nargs="+", type=float, default=[1e-5], help="of a MB that is moved, in accuracy")
    parser.add_argument("--exact-cost", nargs="*", type=float, help="costs at which ExactMILP searches too, if not all")
    parser.add_argument("--draw", action="store_true", help="the picture alone, from the results that there are")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds of each exact solve")
    parser.add_argument("--out", type=Path, default=FOLDER / "switching", help="JSON and picture, without suffix")


def run(options: argparse.Namespace) -> None:
    results, picture = options.out.with_suffix(".json"), options.out.with_suffix(".png")
    if options.draw:
        draw(json.loads(results.read_text(encoding="utf-8"))["rows"], picture)
        return
    clients = CLIENTS
    if options.smoke:
        options.case, options.seeds, clients = ["cityscapes3d"], 2, 6
        options.cost, options.exact_cost = [0.0, 1e-5, 1e-3], [1e-5, 1e-3]
    exact_costs = options.cost if options.exact_cost is None else options.exact_cost
    methods = {
        "ExactMILP": j3o.ExactMILP(gap=5e-5, time_limit=options.time_limit),
        "PriceDirected": j3o.PriceDirected(),
        "J3O": j3o.J3O(),
    }
    rows: list[dict[str, Any]] = []
    for case in options.case:
        free = CASES[case].sample(0, options.seeds, clients)
        before = j3o.solve(CASES[case].sample(options.seeds, options.seeds, clients), j3o.J3O())
        for cost in options.cost:
            scenarios = j3o.with_previous(free, before, cost)
            exact = None
            for name, method in methods.items():
                if name == "ExactMILP" and cost not in exact_costs:
                    continue
                say(f"{case}: {name}, {cost:g}")
                start = time.perf_counter()
                plans = j3o.solve(scenarios, method, throw=True)
                seconds = time.perf_counter() - start - float(np.max(plans.stats["compile_seconds"]))
                j3o.check(scenarios, plans).raise_if_violated()
                exact = plans if name == "ExactMILP" else exact
                if name != "ExactMILP":
                    plans = j3o.certify(scenarios, plans) if name == "J3O" else plans
                    verified = j3o.verify(scenarios, plans)
                    assert verified.ok.all(), f"{case}: {verified}"
                    assert verified.proven.all(), f"{case}: a bound is not proven"
                    least = plans.objective if exact is None else exact.objective
                    assert (plans.bound >= least * (1.0 - 1e-9)).all(), f"{case}: a bound is below a plan"
                gaps = None if exact is None else np.maximum(np.asarray(exact.bound) / plans.objective - 1.0, 0.0)
                rows.append(
                    {
                        "case": case,
                        "clients": clients,
                        "cost_per_mb": cost,
                        "method": name,
                        "gap_mean": None if gaps is None else float(gaps.mean()),
                        "gap_worst": None if gaps is None else float(gaps.max()),
                        "certified_gap_mean": None if name == "ExactMILP" else float(np.mean(plans.gap)),
                        "accuracy": float(np.mean(plans.accuracy)),
                        "moved_mb": float(np.mean(plans.moved_mb)),
                        "seconds": seconds / options.seeds,
                        "by_seed": {
                            value: np.asarray(getattr(plans, value)).tolist()
                            for value in ("accuracy", "moved_mb", "bound")
                        },
                    }
                )
                write_results(results, {"seeds": options.seeds}, rows)
    print(table(rows))
    if len(options.cost) > 1:
        print(f"\n{curve_table(rows)}")
        require_bounds(rows)
        draw(rows, picture)
    print(f"\n{machine_line()}")


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| case | accuracy per MB | method | gap, mean | worst | certified, mean | accuracy | MB moved | s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        mean, worst, certified = row["gap_mean"], row["gap_worst"], row["certified_gap_mean"]
        lines.append(
            f"| {row['case']} | {row['cost_per_mb']:g} | {row['method']} | {_percent(mean, 4)} | {_percent(worst, 3)} "
            f"| {_percent(certified, 3)} "
            f"| {row['accuracy']:.4f} | {row['moved_mb']:.0f} | {row['seconds']:.3g} |"
        )
    return "\n".join(lines)


def _percent(share: float | None, decimals: int) -> str:
    return "" if share is None else f"{100 * share:.{decimals}f} %"
