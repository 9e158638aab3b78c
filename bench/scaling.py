"""How the time per scenario grows with clients and with models: J3O, and HierarchicalLP alone.

    python -m bench scaling --clients 30 100 300 1000 3000 --models 31 63 127

J3O is the whole of `solve`, and its plans pass the independent checker; HierarchicalLP solves the offloading step for a
placement by greed of each of the same scenarios. Times are medians after a first call that compiles, which is listed
apart. The exponent of a curve is the slope of the line of least squares through its points, logarithm against
logarithm. On a CPU the engine takes eight scenarios at a time, so that smaller batches cost as much as eight.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import j3o_jax as j3o

from .linear_programs import placed_problems
from .record import FOLDER, machine_line, say, write_results
from .registry import CASES, Case

# Short calls are repeated until they add up to this.
_LEAST_SECONDS, _MOST_CALLS = 0.5, 200
# Sizes that grow, and what the pictures say of them.
_PANELS = {"clients": "clients, ten to an edge", "models": "models, at {clients} clients"}
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#6B6B6B")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", nargs="+", choices=CASES, default=["heterogeneous", "taskonomy5"])
    parser.add_argument("--clients", nargs="+", type=int, default=[30, 100, 300, 1000, 3000])
    parser.add_argument("--models", nargs="+", type=int, default=[31, 63, 127], help="of heterogeneous scenarios")
    parser.add_argument("--models-clients", type=int, default=30, help="clients of the scenarios whose models grow")
    parser.add_argument("--batch", type=int, default=8, help="scenarios in a batch")
    parser.add_argument("--most-clients", type=int, default=24_000, help="of a batch: large scenarios come in fewer")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=FOLDER / "scaling", help="JSON and pictures, without suffix")


def run(options: argparse.Namespace) -> None:
    if options.smoke:
        # One shape, which takes most of the time to compile.
        options.case, options.clients, options.models = ["heterogeneous"], [6], [31]
        options.models_clients, options.batch, options.repeats = 6, 2, 1
    points = [("clients", name, CASES[name], clients) for name in options.case for clients in options.clients]
    points += [
        ("models", "heterogeneous", Case("heterogeneous", {"models": models}), models) for models in options.models
    ]
    settings = {name: getattr(options, name) for name in ("repeats", "models_clients", "batch", "most_clients")}
    rows: list[dict[str, Any]] = []
    for panel, name, case, size in points:
        clients = size if panel == "clients" else options.models_clients
        batch = max(min(options.batch, options.most_clients // clients), 1)
        scenarios = case.sample(0, batch, clients)
        for what, measure in (("J3O", measure_whole), ("HierarchicalLP", measure_offloading)):
            say(f"{name}, {size:,} {panel}, batch of {batch}: {what}")
            first, *seconds = measure(scenarios, options.repeats)
            rows.append(
                {
                    "panel": panel,
                    "case": name,
                    "what": what,
                    "size": size,
                    "clients": clients,
                    "models": scenarios.models,
                    "batch": batch,
                    "seconds_per_scenario": float(np.median(seconds)) / batch,
                    "first_seconds": first,
                    "seconds": seconds,
                }
            )
            fitted = [
                {"panel": panel, "case": name, "what": what, "exponent": curve[2]}
                for (panel, name, what), curve in curves(rows).items()
            ]
            write_results(options.out.with_suffix(".json"), settings | {"exponents": fitted}, rows)
    print(table(rows))
    for suffix in (".png", ".svg"):
        draw(rows, options.out.with_suffix(suffix))


def measure_whole(scenarios: j3o.Scenario, repeats: int) -> list[float]:
    """Seconds of each call of `solve` for the batch, the first one included."""
    seconds, plans = _timed(
        lambda: j3o.solve(scenarios, j3o.J3O(lp=j3o.HierarchicalLP(), multiplier=j3o.DualSearch()), throw=True), repeats
    )
    j3o.check(scenarios, plans).raise_if_violated()
    return seconds


def measure_offloading(scenarios: j3o.Scenario, repeats: int) -> list[float]:
    """Seconds of each call of `HierarchicalLP` for one placement of each scenario, the first one included."""
    problems, _ = placed_problems(scenarios, seed=0)
    seconds, found = _timed(lambda: j3o.HierarchicalLP().solve(problems, allow_unserved=True), repeats)
    if not found.solved.all():
        raise RuntimeError(f"HierarchicalLP gave up on {np.count_nonzero(~found.solved)} LPs")
    return seconds


def _timed(work: Callable[[], Any], repeats: int) -> tuple[list[float], Any]:
    seconds: list[float] = []
    while True:
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
        if len(seconds) > repeats and (sum(seconds[1:]) >= _LEAST_SECONDS or len(seconds) > _MOST_CALLS):
            return seconds, result


def curves(rows: list[dict[str, Any]]) -> dict[tuple[str, str, str], tuple[list[int], list[float], float | None]]:
    """By panel, case and what was timed: sizes, seconds per scenario, and the exponent if there are several sizes."""
    found = {}
    for key in dict.fromkeys((row["panel"], row["case"], row["what"]) for row in rows):
        own = [row for row in rows if (row["panel"], row["case"], row["what"]) == key]
        sizes, seconds = [row["size"] for row in own], [row["seconds_per_scenario"] for row in own]
        slope = float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0]) if len(set(sizes)) > 1 else None
        found[key] = sizes, seconds, slope
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """All times, and the exponents, in Markdown."""
    lines = [
        "| case | clients | models | batch | what | s per scenario, median | first call, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['case']} | {row['clients']:,} | {row['models']} | {row['batch']} | {row['what']} "
            f"| {row['seconds_per_scenario']:.3g} | {row['first_seconds']:.3g} |"
        )
    lines += ["", "| grows | case | what | sizes | exponent |", "|---|---|---|---|---|"]
    for (panel, name, what), (sizes, _, exponent) in curves(rows).items():
        shown = "" if exponent is None else f"{exponent:.2f}"
        lines.append(f"| {panel} | {name} | {what} | {min(sizes):,} to {max(sizes):,} | {shown} |")
    return "\n".join([*lines, "", machine_line()])


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Seconds per scenario against clients and against models, and the fitted exponents."""
    from matplotlib.figure import Figure

    from j3o_jax.plots import save_figure

    found = curves(rows)
    colours = dict(zip(dict.fromkeys(name for _, name, _ in found), _COLOURS, strict=False))
    figure = Figure(figsize=(9.6, 4.6), facecolor="white")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (panel, label) in zip(panels, _PANELS.items(), strict=True):
        for (own_panel, name, what), (sizes, seconds, exponent) in found.items():
            if own_panel != panel:
                continue
            whole = what == "J3O"
            axes.plot(
                sizes,
                seconds,
                "-" if whole else "--",
                color=colours[name],
                marker="o" if whole else "s",
                markerfacecolor=colours[name] if whole else "white",
                markersize=5,
                linewidth=1.4,
                zorder=3,
                label=f"{what}, {name}" + ("" if exponent is None else f": exponent {exponent:.2f}"),
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(sorted({row["size"] for row in rows if row["panel"] == panel}))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.yaxis.set_major_formatter(lambda seconds, _: f"{seconds:,.4g}")
        axes.minorticks_off()
        axes.grid(color="#E4E6EA", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=8)
        axes.tick_params(labelleft=True)
        clients = max((row["clients"] for row in rows if row["panel"] == panel), default=0)
        axes.set_xlabel(label.format(clients=clients), fontsize=8)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=8, frameon=False)
    panels[0].set_ylabel("seconds per scenario", fontsize=8)
    figure.tight_layout(rect=(0.0, 0.04, 1.0, 1.0))
    figure.text(0.01, 0.01, machine_line(), fontsize=7, color="#6B6B6B")
    save_figure(figure, str(path))
