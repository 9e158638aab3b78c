"""Replanning along real traces: accuracy, MB moved and time per period of every strategy.

    python -m bench replanning --trace nab trace_nab_tweets_5min.csv --cost 0.01

Traces are files that the project does not carry:

- `nab`: ten series of counts in bins of five minutes (numenta/NAB, realTweets, MIT), a column for each. Periods are
  hours. Every second client of a Taskonomy-5 deployment follows five of them, a task each, the others the other five.
- `azure`: arrivals of two services (Azure/AzurePublicDataset, LLM inference 2023, CC-BY-4.0; Splitwise, ISCA 2024).
  Periods are 36 seconds. One service asks for the first two tasks, the other for the rest.

Rates are scaled so that their mean is the deployment's demand; what is real is how they drift.
"""

import argparse
import csv
import itertools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import j3o_jax as j3o
from j3o_jax.replanning._demand import ESTIMATORS
from j3o_jax.replanning._folder import Folder
from j3o_jax.replanning._run import STRATEGIES, follow
from j3o_jax.report.replanning import kept_gain, of_possible_gain, rows_of

from .record import FOLDER, machine_line, say, write_results

_SECONDS = {"nab": 3600.0, "azure": 36.0, "drawn": 3600.0}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trace", nargs=2, metavar=("KIND", "FILE"), action="append", default=[])
    parser.add_argument("--periods", type=int, nargs="+", default=[12, 100])
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--cost", nargs="+", type=float, default=[0.01], help="of 1,000 MB, in accuracy")
    parser.add_argument("--estimator", choices=ESTIMATORS, default="last")
    parser.add_argument("--method", choices=("j3o", "price-directed"), default="price-directed")
    parser.add_argument("--horizon", type=float, default=60.0, help="seconds for few periods together")
    parser.add_argument("--out", type=Path, default=FOLDER / "replanning", help="JSON, without suffix")


def run(options: argparse.Namespace) -> None:
    traces = options.trace
    if options.smoke or not traces:
        traces = [("drawn", "")]
    if options.smoke:
        options.periods, options.clients, options.horizon = [4], 6, 5.0
    method = {"j3o": j3o.J3O(), "price-directed": j3o.PriceDirected()}[options.method]
    scenario = j3o.benchmarks.taskonomy5().sample(0, clients=options.clients, edges=max(options.clients // 10, 1))
    rows: list[dict[str, Any]] = []
    for (kind, path), periods, cost in itertools.product(traces, options.periods, options.cost):
        say(f"{kind}: {periods} periods, {cost:g} for 1,000 MB")
        demand = _demand(kind, _series(kind, path, periods), scenario.demand)
        estimates = ESTIMATORS[options.estimator](demand, scenario.demand, 24)
        with tempfile.TemporaryDirectory() as folder:
            course = follow(
                scenario,
                demand,
                estimates,
                method,
                Folder(folder, {}),
                seconds=_SECONDS[kind],
                cost_per_mb=cost / 1000.0,
                horizon_seconds=options.horizon,
            )
        gain, moved = kept_gain(course)
        seconds = float(np.median(course.seconds))
        for row in rows_of(course):
            gained = of_possible_gain(course)[row.strategy]
            rows.append(
                {
                    "trace": kind,
                    "periods": periods,
                    "cost_per_gb": cost,
                    "strategy": row.strategy,
                    "accuracy": row.accuracy,
                    "moved_mb": row.moved_mb,
                    "objective": row.objective,
                    "seconds_per_period": seconds if row.strategy in STRATEGIES[2:4] else None,
                    "bound": float(np.fmin(course.horizon_bound, course.highs_bound)) if options.horizon else None,
                    "of_possible_gain": gained if np.isfinite(gained) else None,
                    "kept_gain": gain if row.strategy == "replan" and np.isfinite(gain) else None,
                    "moved_part": moved if row.strategy == "replan" and np.isfinite(moved) else None,
                }
            )
        settings = {"clients": options.clients, "method": options.method, "estimator": options.estimator}
        write_results(options.out.with_suffix(".json"), settings, rows)
    print(table(rows))
    print(f"\n{machine_line()}")


def _series(kind: str, path: str, periods: int) -> np.ndarray:
    """Count the arrivals of each series in each period ``[K, N]``."""
    if kind == "drawn":
        return np.exp(np.cumsum(np.random.default_rng(0).normal(0.0, 0.2, (periods, 10)), axis=0))
    with open(path, encoding="utf-8") as file:
        lines = list(csv.reader(file))[1:]
    if kind == "nab":
        counts = np.array([[float(cell or 0.0) for cell in line[1:]] for line in lines])
        return counts[: 12 * periods].reshape(periods, 12, -1).sum(axis=1)
    services = sorted({line[0] for line in lines})
    counts = np.zeros((periods, len(services)))
    for service, second, *_ in lines:
        period = int(float(second) // _SECONDS[kind])
        if period < periods:
            counts[period, services.index(service)] += 1.0
    return counts


def _demand(kind: str, series: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Demand of each period ``[K, C, T]``, whose mean over time is that of the deployment."""
    clients, tasks = base.shape
    relative = series / np.maximum(series.mean(axis=0), 1e-12)
    if kind == "azure":
        of = np.broadcast_to((np.arange(tasks) >= 2).astype(int), (clients, tasks))
    else:
        of = (np.arange(clients) % 2)[:, None] * tasks + np.arange(tasks)
    return base * relative[:, of]


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| trace, periods | cost of a GB | strategy | accuracy | MB moved | objective | of the gain possible | s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        gained, seconds = row["of_possible_gain"], row["seconds_per_period"]
        lines.append(
            f"| {row['trace']}, {row['periods']} | {row['cost_per_gb']:g} | {row['strategy']} | {row['accuracy']:.4f} "
            f"| {row['moved_mb']:,.0f} | {row['objective']:.4f} | {'' if gained is None else f'{100 * gained:.1f} %'} "
            f"| {'' if seconds is None else f'{seconds:.3g}'} |"
        )
    return "\n".join(lines)
