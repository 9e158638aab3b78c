"""Rows that nobody solved for, quickly made and always the same."""

import dataclasses

from j3o_jax._machine import Machine
from j3o_jax.experiments.paper.declaration import Experiment
from j3o_jax.experiments.paper.experiments import EXPERIMENTS
from j3o_jax.experiments.paper.rows import Row
from j3o_jax.experiments.paper.runs import Run, runs_of
from j3o_jax.reproduce.summary import summarize

FIGURES = [name for name, experiment in EXPERIMENTS.items() if experiment.axis is not None]
VERSION = "0.1.0"
LIMIT = 300.0
MACHINE = Machine(processor="Made-up 3000", cores=4, device="cpu", python="3.11.7", jax="0.10.2", highspy="1.16.0")
# F of a method at the default setting, without the seed's share in it.
WORTH = {
    "greedy-ao": 0.8,
    "opt-ao": 0.92,
    "rand-ao": 0.7,
    "full-local": 0.5,
    "exact-milp": 0.93,
    "j3o": 0.91,
    "baj3o": 0.915,
    "price-directed": 0.925,
}


def row_of(run: Run, **changes) -> Row:
    """The row of a run: F rises with the overrides and falls with the seed."""
    objective = WORTH[run.method] + 0.02 * sum(run.overrides.values()) - 0.001 * run.seed
    exact = run.method == "exact-milp"
    return Row(
        **dataclasses.asdict(run),
        key=run.key,
        status="optimal" if exact else "converged",
        objective=objective,
        loss=1.0 - objective,
        bound=objective + 5e-5 if exact else None,
        gap=5e-5 / objective if exact else None,
        seconds=0.25 + 0.01 * run.seed,
        iterations=3,
        history=[objective - 0.2, objective - 0.1, objective],
        traffic={"local": 0.5, "edge": 0.25, "cloud": 0.2, "unserved": 0.05},
        decisions=decisions_of(run),
        error="",
        reason="",
        machine=MACHINE,
        source="0123456789ab",
        finished="2025-06-01T12:00:00+00:00",
    ).model_copy(update=changes)


def decisions_of(run: Run) -> dict[str, dict[str, float]]:
    """The edge goes from m(B) to m(A) at the middle, the optimum a little later; clients hold what is left."""
    turned = float(run.overrides.get("proportion_a", 0.5) > (0.6 if run.method == "exact-milp" else 0.4))
    return {
        "edge_models": {"m(A)": turned, "m(B)": 1.0 - turned, "m(AB)": 0.0},
        "client_models": {"m(A)": 0.2, "m(B)": 0.6 - 0.2 * (run.seed % 2), "m(AB)": 0.2},
        "edge_batches": {"A": 40.0 * turned, "B": 30.0 + run.seed},
    }


def rows_of(experiment: Experiment | str, seeds=range(3)) -> dict[str, Row]:
    """All rows of an experiment, by key."""
    if isinstance(experiment, str):
        experiment = EXPERIMENTS[experiment]
    return {run.key: row_of(run) for run in runs_of(experiment, seeds, version=VERSION, time_limit=LIMIT)}


def summary_of(name, rows=None, *, seeds=range(3), methods=None):
    experiment = EXPERIMENTS[name]
    if methods is not None:
        experiment = experiment.narrowed(methods, experiment.benchmarks)
    rows = rows_of(name, seeds) if rows is None else rows
    return summarize(name, experiment, seeds, rows, version=VERSION, time_limit=LIMIT)


def changed(rows, wanted, **changes):
    """The rows, with changes in those that are wanted."""
    return {key: row.model_copy(update=changes) if wanted(row) else row for key, row in rows.items()}


def line_of(summary, method, benchmark="taskonomy5", x=None):
    (found,) = [
        line
        for line in summary.lines
        if (line.method, line.point.benchmark) == (method, benchmark) and (x is None or line.x == x)
    ]
    return found
