"""How bound and plan close in on the optimum, step by step: `certify`'s dual from above, PriceDirected from below.

    python -m bench closing --case taskonomy5 tight

The dual's steps are those of the interior point method (stopped at ever smaller tolerances), then those of the descent;
the plan's are rounds, each with one offloading program. Both are means over the seeds, in percent of the optimum that
ExactMILP finds, which is itself proven to 5e-5 or after `--time-limit` seconds.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import j3o_jax as j3o
from j3o_jax.methods.dual_bound import Descent, closer_bounds, dual_bounds
from j3o_jax.plots import save_figure
from j3o_kernels.client_groups import group_clients

from .record import FOLDER, machine_line, say, write_results
from .registry import CASES

ABOVE, BELOW = "#0072B2", "#D55E00"
_TOLERANCES = (1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5)
_DESCENTS = (15, 30, 60, 120)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", nargs="+", choices=CASES, default=["taskonomy5", "tight"])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds of each exact solve")
    parser.add_argument("--out", type=Path, default=FOLDER / "closing", help="JSON and pictures, without suffix")


def run(options: argparse.Namespace) -> None:
    descents = _DESCENTS
    if options.smoke:
        options.case, options.seeds, options.clients, descents = ["cityscapes3d"], 2, 6, (15,)
    rows: list[dict[str, Any]] = []
    for case in options.case:
        scenarios = CASES[case].sample(0, options.seeds, options.clients)
        say(f"{case}: ExactMILP")
        exact = j3o.solve(scenarios, j3o.ExactMILP(gap=5e-5, time_limit=options.time_limit), throw=True)
        say(f"{case}: PriceDirected")
        plans = j3o.solve(scenarios, j3o.PriceDirected(), throw=True)
        best = np.fmax.accumulate(np.asarray(plans.history), axis=1)
        # The search may end above what the exact one had when its time was up.
        optimum = np.maximum(exact.objective, plans.objective)
        say(f"{case}: bounds")
        dual = bounds_of(scenarios, descents)
        for _, bound in dual:
            assert (bound >= optimum * (1.0 - 1e-9)).all(), f"{case}: a bound is below a plan"
        rows.append(
            {
                "case": case,
                "dual": [[steps, float(100.0 * np.mean(bound / optimum - 1.0))] for steps, bound in dual],
                "primal": (100.0 * np.mean(best / optimum[:, None] - 1.0, axis=0)).tolist(),
            }
        )
        settings = {"seeds": options.seeds, "clients": options.clients}
        write_results(options.out.with_suffix(".json"), settings, rows)
    for suffix in (".png", ".svg"):
        draw(rows, options.out.with_suffix(suffix))
    for row in rows:
        (first, above), (last, least) = row["dual"][0], row["dual"][-1]
        print(f"{row['case']}: bound {above:.2f} % above after {first:.0f} steps, {least:.4f} % after {last:.0f};")
        print(f"  plan {-row['primal'][0]:.3f} % below after a round, {-row['primal'][-1]:.4f} % at the end")
    print(f"\n{machine_line()}")


def bounds_of(scenarios: j3o.Scenario, descents: tuple[int, ...]) -> list[tuple[float, np.ndarray]]:
    """Return steps of the dual, on average, and the bounds of the batch that are proven by then."""
    groups = group_clients(np.asarray(scenarios.client_edge), scenarios.edges)
    found: list[tuple[float, np.ndarray]] = []
    proven = None
    for tolerance in _TOLERANCES:
        proven = dual_bounds(scenarios, groups, tolerance, 100, Descent(0, 0.03))
        found.append((float(np.mean(proven.iterations)), np.asarray(proven.bound)))
    assert proven is not None
    steps, bound = found[-1]
    for more in descents:
        closer = closer_bounds(scenarios, groups, proven.point, Descent(more, 0.03)).bound
        found.append((steps + more, np.fmin(closer, bound)))
    return found


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw a panel for each case: the bound from above, the plan from below."""
    figure = Figure(figsize=(4.2 * len(rows), 3.6), facecolor="white")
    panels = figure.subplots(1, len(rows), squeeze=False)[0]
    for axes, row in zip(panels, rows, strict=True):
        steps, above = zip(*row["dual"], strict=True)
        below = row["primal"]
        axes.axhline(0.0, color="#6B6B6B", linewidth=0.8)
        axes.plot(steps, above, color=ABOVE, marker="o", markersize=3, linewidth=1.4, label="bound, steps of the dual")
        axes.plot(np.arange(1, len(below) + 1), below, color=BELOW, linewidth=1.4, label="plan, rounds")
        axes.set_xscale("log")
        axes.set_yscale("symlog", linthresh=0.01, linscale=0.6)
        ticks = [10.0**power for power in range(-2, 3)]
        axes.set_yticks([*(-tick for tick in reversed(ticks[:-1])), 0.0, *ticks])
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:+g} %".replace("-", "−") if value else "optimum")
        axes.yaxis.set_minor_locator(axes.yaxis.get_major_locator())
        axes.set_title(f"{row['case']}", fontsize=10, loc="left")
        axes.set_xlabel("steps", fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(color="#E4E6EA", linewidth=0.6)
        axes.set_axisbelow(True)
    panels[0].legend(fontsize=8, frameon=False, loc="upper right")
    figure.text(0.01, 0.01, machine_line(), fontsize=6, color="#6B6B6B")
    figure.tight_layout(rect=(0.0, 0.03, 1.0, 1.0))
    save_figure(figure, str(path))
