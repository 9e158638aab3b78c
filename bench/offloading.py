"""Offloading LPs per second at a duality gap of 1e-8, against batch size: HierarchicalLP and what else solves LPs.

    python -m bench offloading --batch 1 64 4096
    python -m bench offloading --batch 4096 16384 65536     # with a GPU

LPs come in pairs of the same scenario: one for a placement by greed, one for choices at random. Each solver gets the
same ones, and its objectives are held against those of HiGHS:

- HierarchicalLP: from NumPy arrays to NumPy arrays; its first call of a chunk size compiles.
- HiGHS's simplex method through highspy, without presolve, one process per core with one thread each. Cold: a fresh
  model for each LP. Warm: the next LP is passed whole too, with the basis of the one before. (To change each
  coefficient of the same model by a call of its own takes 1.3 to 2 times as long.) The clock runs from arrays in
  highspy's form to shares, and once more with the time in which those arrays are made.
- CvxpyLP (disciplined parametrised programming, HiGHS's interior point method), one process per core.
- MPAX and qpax where they are installed (pip install mpax qpax): jit and vmap, arrays on the device before the clock
  starts. MPAX stops at relative and absolute tolerances of 1e-8; with sparse matrices it was seen to vouch for answers
  that are 1e-5 off, which the table shows. qpax is for quadratic programs, and gets the term
  5e-10·|x|²; its implicit method stops at residuals of 1e-7, which is as far as it goes, and on a CPU it takes one LP
  after the other, which is faster there than vmap.

Times are medians after a first call; batch sizes that HierarchicalLP cuts into the same chunks share what the first of
them compiles. LPs that a solver gave up are counted, and left out of its differences.
"""

import argparse
import functools
import os
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from .linear_programs import LinearPrograms, draw_problems, linear_programs, taken
from .lp_solvers import (
    GAP,
    Answers,
    BatchSolver,
    Workers,
    hierarchical,
    mpax,
    qpax,
    solve_with_cvxpy,
    solve_with_highs,
)
from .record import FOLDER, in_full, machine_line, say, write_results
from .registry import CASES

_GAP_NAME = "1e-8"
# Short calls are repeated until they add up to this, and long ones not beyond that.
_LEAST_SECONDS, _MOST_SECONDS, _MOST_CALLS = 0.5, 120.0, 200


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", choices=CASES, default="heterogeneous")
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--edges", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="of the first scenario")
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 8, 64, 256, 1024, 4096], help="of HierarchicalLP")
    parser.add_argument("--distinct", type=int, default=4096, help="different LPs; larger batches repeat them")
    parser.add_argument("--cvxpy", type=int, default=512, help="LPs for CvxpyLP")
    parser.add_argument("--mpax", type=int, default=64, help="LPs in a batch for MPAX, 0 for none")
    parser.add_argument("--mpax-iterations", type=int, default=50_000, help="at which MPAX gives up")
    parser.add_argument("--mpax-form", choices=["sparse", "dense"], default="sparse", help="of its matrices")
    parser.add_argument("--qpax", type=int, default=16, help="LPs in a batch for qpax, 0 for none")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=FOLDER / "offloading", help="JSON and pictures, without suffix")


def run(options: argparse.Namespace) -> None:
    if options.smoke:
        options.clients, options.edges, options.tasks, options.batch, options.repeats = 6, 2, 3, [1, 4], 1
        options.distinct, options.cvxpy, options.mpax, options.qpax, options.mpax_iterations = 8, 4, 2, 2, 500
    say(f"drawing {options.distinct} LPs")
    problems = draw_problems(options)
    programs = linear_programs(problems)
    table = Table(options, programs)
    few = min(options.cvxpy, options.distinct)
    with Workers(min(_cores(), few)) as workers:
        for warm in (False, True):
            name = f"HiGHS simplex, {'warm' if warm else 'cold'}"
            say(name)
            done = workers(solve_with_highs, problems, warm, options.repeats)
            table.add(name, options.distinct, done.seconds, done.answers)
            with_building = [sum(both) for both in zip(done.seconds, done.building, strict=True)]
            table.add(f"{name}, arrays made", options.distinct, with_building, done.answers)
        say("CvxpyLP")
        done = workers(solve_with_cvxpy, taken(problems, np.arange(few)), options.repeats)
        table.add("CvxpyLP", few, done.seconds, done.answers, max(done.building))
    for batch in sorted(options.batch):
        say(f"HierarchicalLP, batch of {batch:,}")
        table.measure("HierarchicalLP", hierarchical(problems), batch)
    for name, batch, make in (
        ("MPAX r2HPDHG", options.mpax, functools.partial(mpax, options, "r2HPDHG")),
        ("MPAX raPDHG", options.mpax, functools.partial(mpax, options, "raPDHG")),
        ("qpax", options.qpax, qpax),
    ):
        if batch > 0:
            try:
                solver = make(programs)
            except ImportError as error:
                say(f"{name} is left out: {error}")
                continue
            say(f"{name}, batch of {batch:,}")
            table.measure(name, solver, batch)
    print(table.markdown())
    for suffix in (".png", ".svg"):
        draw(table, options.out.with_suffix(suffix))


# The LPs.


class Table:
    """All measurements so far: written down at each new one."""

    def __init__(self, options: argparse.Namespace, programs: LinearPrograms):
        self.options, self.programs = options, programs
        self.rows: list[dict[str, Any]] = []
        self.reference = np.empty(0)

    def measure(self, name: str, solver: BatchSolver, batch: int) -> None:
        """Time a solver on one batch of LPs after the other."""
        count, n = self.programs.cost.shape
        values, solved = np.full((count, n), np.nan), np.ones(count, dtype=bool)
        seconds: list[float] = []
        while True:
            chosen = (len(seconds) * batch + np.arange(batch)) % count
            own = solver.prepare(chosen)
            start = time.perf_counter()
            found = solver.solve(own)
            seconds.append(time.perf_counter() - start)
            answers = solver.read(found)
            values[chosen[:count]], solved[chosen[:count]] = answers.values[:count], answers.solved[:count]
            calls, total = len(seconds) - 1, sum(seconds[1:])
            enough = calls >= self.options.repeats and total >= _LEAST_SECONDS
            if calls and (enough or total > _MOST_SECONDS or calls == _MOST_CALLS):
                break
        self.add(name, batch, seconds[1:], Answers(values, solved), seconds[0])

    def add(
        self, solver: str, batch: int, seconds: list[float], answers: Answers, first_seconds: float | None = None
    ) -> None:
        """One line: the seconds of each call for `batch` LPs, and answers for the first LPs, NaN where not asked."""
        asked = np.flatnonzero(~np.isnan(answers.values).all(axis=1) | ~answers.solved)
        solved = asked[answers.solved[asked]]
        # Closed options of solvers that have no bounds.
        values = np.where(self.programs.upper[solved] > 0.0, answers.values[solved], 0.0)
        objective, violation = self.programs.judged(solved, values)
        if not self.rows:
            self.reference = np.full(len(self.programs.unit), np.nan)
            self.reference[solved] = objective
        known = self.reference[solved]
        difference = np.abs(objective - known) / np.where(known > 0.0, known, 1.0)
        difference = difference[~np.isnan(known)]
        rate = batch / float(np.median(seconds))
        first, *_ = self.rows or [{"lps_per_second": rate}]
        self.rows.append(
            {
                "solver": solver,
                "batch": batch,
                "lps_per_second": rate,
                "relative": rate / first["lps_per_second"],
                "seconds": seconds,
                "first_seconds": first_seconds,
                "compared": len(difference),
                "worst_difference": float(difference.max()) if len(difference) else None,
                "worst_violation": float(violation.max()) if len(solved) else None,
                "asked": len(asked),
                "unsolved": len(asked) - len(solved),
            }
        )
        write_results(self.options.out.with_suffix(".json"), self.settings(), self.rows)

    def settings(self) -> dict[str, Any]:
        """Return what was measured, for the record."""
        own = {name: value for name, value in vars(self.options).items() if name not in ("out", "name", "smoke")}
        count = {"variables": self.programs.cost.shape[1], "rows": self.programs.right.shape[1]}
        libraries = {name: _version(name) for name in ("cvxpy", "mpax", "qpax")}
        return own | count | {"gap": GAP, "processes": _cores(), "versions": libraries}

    def markdown(self) -> str:
        """All measurements in Markdown."""
        titles = ["solver", "batch", "LP/s", "relative to cold HiGHS", "first call, s"]
        titles += ["worst difference from HiGHS", "worst violation", "unsolved"]
        lines = [titles, ["---"] * len(titles)]
        for row in self.rows:
            optional = (("first_seconds", ".2g"), ("worst_difference", ".1e"), ("worst_violation", ".1e"))
            rate, unsolved = in_full(row["lps_per_second"]), f"{row['unsolved']:,} of {row['asked']:,}"
            figures = ["" if row[name] is None else f"{row[name]:{form}}" for name, form in optional]
            lines.append([row["solver"], f"{row['batch']:,}", rate, f"{row['relative']:.3g}", *figures, unsolved])
        text = [f"| {' | '.join(line)} |" for line in lines]
        return "\n".join([*text, "", self.caption()])

    def caption(self) -> str:
        """Say in a line what was measured and where."""
        options = self.options
        shape = f"{options.clients} clients, {options.edges} edges, {options.tasks} tasks"
        return f"{options.case}, {shape}, gap {_GAP_NAME}; {machine_line()}; processes: {_cores()}"


def draw(table: Table, path: Path) -> None:
    """LP/s against batch size; what takes one LP at a time is a line across."""
    from matplotlib.figure import Figure

    from j3o_jax.plots import save_figure

    looks = {
        "HierarchicalLP": ("#0072B2", "-"),
        "HiGHS simplex, cold": ("#222222", "-"),
        "HiGHS simplex, warm": ("#6B6B6B", "--"),
        "CvxpyLP": ("#E69F00", "-"),
        "MPAX r2HPDHG": ("#D55E00", "-"),
        "MPAX raPDHG": ("#CC79A7", "--"),
        "qpax": ("#009E73", "-"),
    }
    figure = Figure(figsize=(7.4, 4.2), facecolor="white")
    axes = figure.subplots()
    for name, (colour, line) in looks.items():
        own = [row for row in table.rows if row["solver"] == name]
        if name == "HierarchicalLP":
            batches, rates = [row["batch"] for row in own], [row["lps_per_second"] for row in own]
            axes.plot(batches, rates, line, color=colour, marker="o", markersize=6, linewidth=1.6, zorder=3, label=name)
            continue
        for row in own:
            label = name if name.startswith("HiGHS") or name == "CvxpyLP" else f"{name}, batch of {row['batch']}"
            if row["unsolved"]:
                label += f"\n({row['unsolved']} of {row['asked']} unsolved)"
            axes.axhline(row["lps_per_second"], color=colour, linestyle=line, linewidth=1.3, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.grid(color="#E4E6EA", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xticks([row["batch"] for row in table.rows if row["solver"] == "HierarchicalLP"])
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter(lambda rate, _: f"{rate:,.0f}" if rate >= 1.0 else f"{rate:g}")
    axes.minorticks_off()
    axes.tick_params(labelsize=8)
    axes.set_xlabel("LPs in a batch", fontsize=8)
    axes.set_ylabel("LPs per second", fontsize=8)
    options = table.options
    axes.set_title(
        f"{options.case}: {options.clients} clients × {options.edges} edges × {options.tasks} tasks, gap {_GAP_NAME}",
        fontsize=9,
        loc="left",
    )
    figure.tight_layout(rect=(0.0, 0.04, 1.0 - 2.1 / figure.get_figwidth(), 1.0))
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="center right", fontsize=8, frameon=False)
    figure.text(0.01, 0.01, f"{machine_line()}; {_cores()} processes", fontsize=7, color="#6B6B6B")
    save_figure(figure, str(path))


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def _version(package: str) -> str | None:
    try:
        return version(package)
    except ImportError:  # what importlib raises for it is one
        return None
