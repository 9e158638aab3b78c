"""Step sizes of (19) by the hundred: every scenario with each of them in one call, the best one on held-out seeds.

    python -m bench tuning --case taskonomy5 --sizes 256 --scenarios 512

For budgets of 10, 25 and 50 multiplier steps, step sizes from 1e-3 to 1e3, evenly spread by their logarithm, on the
training seeds 0 to 511; the one with the highest mean F against the default, 1, on the held-out seeds 512 to 1023,
and both against J3O with `DualSearch`, its default, which has no step size. One call is one compiled program, run on
slices of the scenarios so that the plans of all of them need not be in memory at a time. Differences are of the same
scenario; ± is half of their 95 % interval by Student's t. Seconds per scenario are of a batch that a setting has to
itself, after a first run. Every plan passes the independent checker, or the run fails; that is not in the seconds.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import j3o_jax as j3o
from j3o_jax._batched import compiled_programs
from j3o_jax.experiments._statistics import spread_over_seeds
from j3o_jax.experiments.tune._evaluator import confirm
from j3o_jax.experiments.tune._slices import MOST, Solved, solve_in_slices
from j3o_jax.plots import save_figure
from j3o_jax.plots.panels import Curve, Panel, curves_panel
from j3o_jax.plots.scales import Scale
from j3o_jax.plots.sheet import draw_sheet
from j3o_jax.plots.style import distinct

from .record import FOLDER, machine_line, say, write_results
from .registry import CASES

DEFAULT = 1.0
ENDS = (1e-3, 1e3)
ROUNDING = 1e-12  # of mean F
FLOOR = 1e-5  # percent; what is less stands on the floor of the picture


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", nargs="+", choices=CASES, default=["taskonomy5", "tight"])
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--sizes", type=int, default=256, help="step sizes")
    parser.add_argument("--scenarios", type=int, default=512, help="of the training, and as many held-out ones")
    parser.add_argument("--steps", nargs="+", type=int, default=[10, 25, 50], help="multiplier steps")
    parser.add_argument("--slice", type=int, default=MOST, help="solves in memory at a time")
    parser.add_argument("--out", type=Path, default=FOLDER / "tuning", help="JSON, without suffix")


def run(options: argparse.Namespace) -> None:
    if options.smoke:
        options.case, options.clients, options.sizes, options.scenarios, options.steps = ["cityscapes3d"], 6, 4, 20, [2]
    sizes = np.geomspace(*ENDS, options.sizes)
    rows: list[dict[str, Any]] = []
    for case in options.case:
        training = CASES[case].sample(0, options.scenarios, options.clients)
        held_out = CASES[case].sample(options.scenarios, options.scenarios, options.clients)
        say(f"{case}: DualSearch")
        dual = alone(held_out, j3o.J3O(), options.slice)
        dual_training = solved(training, j3o.J3O(), options.slice)
        for steps in options.steps:
            say(f"{case}: {options.sizes} step sizes x {options.scenarios} scenarios, {steps} steps")
            programs = compiled_programs()
            grid = solved(training, j3o.J3O(multiplier=j3o.Subgradient(step_size=sizes, steps=steps)), options.slice)
            programs = compiled_programs() - programs
            means = grid.objective.mean(axis=1)
            # Of equals the one next to the default.
            highest = sizes[means >= means.max() - ROUNDING]
            best = float(highest[np.argmin(np.abs(np.log(highest / DEFAULT)))])
            found = {}
            for name, size in (("default", DEFAULT), ("best", best)):
                method = j3o.J3O(multiplier=j3o.Subgradient(step_size=size, steps=steps))
                found[name] = alone(held_out, method, options.slice)
            rows.append(
                {
                    "case": case,
                    "clients": options.clients,
                    "steps": steps,
                    "step_sizes": options.sizes,
                    "scenarios": options.scenarios,
                    "programs": programs,
                    "seconds": grid.seconds * grid.objective.size,
                    "compile_seconds": grid.compile_seconds,
                    "best_step_size": best,
                    "training": {"sizes": sizes.tolist(), "means": means.tolist()},
                    "training_dual": float(dual_training.objective.mean()),
                    "held_out": {name: on_held_out(own, dual) for name, own in {**found, "dual": dual}.items()},
                    "best_minus_default": interval(found["best"].objective[0] - found["default"].objective[0]),
                    "best_minus_dual": interval(found["best"].objective[0] - dual.objective[0]),
                }
            )
            settings = {"sizes": options.sizes, "ends": ENDS, "scenarios": options.scenarios, "slice": options.slice}
            write_results(options.out.with_suffix(".json"), settings, rows)
    columns = ["case", "steps", "best step size", "F: default", "best", "DualSearch", "best − default"]
    columns += ["ms: default", "best", "DualSearch"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        own, difference = row["held_out"], row["best_minus_default"]
        values = [own[name]["objective"] for name in ("default", "best", "dual")]
        times = [1e3 * own[name]["seconds"] for name in ("default", "best", "dual")]
        print(
            f"| {row['case']} | {row['steps']} | {row['best_step_size']:.3g} "
            f"| {' | '.join(f'{value:.5f}' for value in values)} "
            f"| {difference['mean']:+.2g} ± {difference['half_width']:.1g} "
            f"| {' | '.join(f'{time:.3g}' for time in times)} |"
        )
    for row in rows:
        count = row["step_sizes"] * row["scenarios"]
        print(
            f"\n{row['case']}, {row['steps']} steps: {count:,} solves in {row['seconds']:.0f} s and {row['programs']} "
            f"compiled program(s), {row['compile_seconds']:.0f} s to compile"
        )
    print(f"\n{machine_line()}")
    panels = [panel(rows, case) for case in options.case]
    figure = draw_sheet([("", panels)], "Step sizes; large: the best, the default", machine_line(), width=3.7)
    for suffix in (".png", ".svg"):
        save_figure(figure, options.out.with_suffix(suffix))


def solved(scenarios: j3o.Scenario, method: Any, most: int) -> Solved:
    """Solve, have every plan checked, and refuse a run with a scenario that has none."""
    found = solve_in_slices(scenarios, method, most=most, inspect=confirm)
    assert not np.isnan(found.objective).any(), "a scenario has no plan"
    return found


def alone(scenarios: j3o.Scenario, method: Any, most: int) -> Solved:
    """Likewise, timed after a first run."""
    solve_in_slices(scenarios, method, most=most)
    return solved(scenarios, method, most)


def on_held_out(own: Solved, dual: Solved) -> dict[str, Any]:
    """Return what a setting reaches, how far it is behind the dual search, and its time."""
    return {
        "objective": float(own.objective.mean()),
        "below_dual": float(np.mean(dual.objective - own.objective)),
        "below_dual_worst": float(np.max(dual.objective - own.objective)),
        "seconds": own.seconds,
    }


def interval(difference: np.ndarray) -> dict[str, float]:
    """Mean of paired differences, half of its interval, and how many are up and down."""
    spread = spread_over_seeds(difference, np.arange(difference.size))
    return {
        "mean": spread.mean,
        "half_width": spread.half_width(),
        "up": int(np.sum(difference > 1e-9)),
        "down": int(np.sum(difference < -1e-9)),
    }


def panel(rows: list[dict[str, Any]], case: str) -> Panel:
    """How far each step size is behind the dual search on the training seeds, a curve for each budget."""
    curves, sizes = [], [DEFAULT]
    for place, row in enumerate(row for row in rows if row["case"] == case):
        look, sizes, dual = distinct(place), row["training"]["sizes"], row["training_dual"]
        below = [max(100.0 * (dual - mean) / dual, FLOOR) for mean in row["training"]["means"]]
        curves.append(Curve(f"{row['steps']} steps", look, sizes, below, drawn="joined"))
        at_default = int(np.argmin(np.abs(np.log(np.asarray(sizes) / DEFAULT))))
        marked = (at_default, sizes.index(row["best_step_size"]))
        curves += [Curve("", look, [sizes[at]], [below[at]], drawn="mark") for at in marked]
    label, scale = "Mean F below J3O with DualSearch, %", Scale("step size", sizes, log=True)
    return curves_panel(case, label, curves, scale, log=True, height=2.7, named=True)
