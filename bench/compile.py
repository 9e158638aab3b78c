"""What compiling costs: every program of J3O, certify and PriceDirected, for several shapes, at both levels.

    python -m bench compile --clients 30 300 3000
    python -m bench compile --clients 30 --level full --backend 0 1 2 3 --out bench/results/frontier.json

For each program: seconds of all threads to trace it, to lower it and to compile it, the last ones by the clock too; the
fusions, calls, loops and copies of what XLA makes of it, and the memory mappings that it takes; and the median of its
runs for a chunk. `--backend` has the programs compiled with each of these optimisation levels of XLA's backend: the
frontier between seconds of compiling and of running. Nothing is read from a cache. On a machine with other work seconds
of threads are up to a third too high, and the clock may show anything.
"""

import argparse
import contextlib
import itertools
import re
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import jax

import j3o_jax as j3o
from j3o_jax import _compile, _levels, _programs

from .record import FOLDER, machine_line, say, write_results
from .registry import CASES

# Edges for so many clients, as in the other benchmarks.
_CLIENTS_PER_EDGE = 10
_QUICK = {"gap": 1e-3, "patience": 20, "max_iterations": 100}
# Names of programs as their functions have them, by what is called.
_NAMES = {"j3o": {"_program": "J3O"}, "price-directed": {"_program": "bound", "_begin": "begin", "_advance": "advance"}}
_COUNTED = {"fusions": " fusion(", "calls": " call(", "loops": " while(", "copies": " copy("}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", nargs="+", choices=CASES, default=["taskonomy5", "tight"])
    parser.add_argument("--clients", nargs="+", type=int, default=[30, 300])
    parser.add_argument("--level", nargs="+", choices=["light", "full"], default=["full", "light"])
    parser.add_argument("--backend", nargs="+", type=int, choices=range(4), help="XLA's own levels, for every level")
    parser.add_argument("--batch", type=int, default=64, help="scenarios of J3O; PriceDirected has an eighth of them")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=FOLDER / "compile.json")


def run(options: argparse.Namespace) -> None:
    if options.smoke:
        options.case, options.clients, options.level = ["taskonomy5"], [6], ["light"]
        options.batch, options.repeats = 8, 1
    settings = {name: getattr(options, name) for name in ("case", "clients", "level", "backend", "batch", "repeats")}
    rows: list[dict[str, Any]] = []
    for case in options.case:
        for clients in options.clients:
            for level, backend in itertools.product(options.level, options.backend or [None]):
                name = level if backend is None else f"{level}, backend at {backend}"
                say(f"{case}, {clients} clients, {name}")
                with contextlib.nullcontext() if backend is None else _levels.optimising(level, backend):
                    found = measured(case, clients, level, options.batch, options.repeats)
                rows += [{**row, "level": name} for row in found]
                if not options.smoke:
                    write_results(options.out, settings, rows)
    print(table(rows))
    print(f"\n{machine_line()}")


def measured(case: str, clients: int, level: _levels.Level, batch: int, repeats: int) -> list[dict[str, Any]]:
    """Return a row for each program that a first call compiles, and one for the sum."""
    rows: list[dict[str, Any]] = []
    for method, count, solve in (
        ("j3o", batch, lambda scenarios: j3o.solve(scenarios, j3o.J3O())),
        ("price-directed", max(batch // 8, 1), lambda scenarios: j3o.solve(scenarios, j3o.PriceDirected(**_QUICK))),
    ):
        scenarios = CASES[case].sample(0, count, clients)
        found, plans = _watched(lambda scenarios=scenarios, solve=solve: solve(scenarios), level, repeats)
        j3o.check(scenarios, plans).raise_if_violated()
        head = {"case": case, "shape": _shape(scenarios), "level": level, "method": method}
        own = [{**head, "program": _NAMES[method].get(name, name.strip("_")), **row} for name, row in found.items()]
        numbers = [name for name, value in own[0].items() if isinstance(value, int | float)]
        rows += [*own, {**head, "program": "all", **{name: sum(row[name] for row in own) for name in numbers}}]
    return rows


def _shape(scenarios: j3o.Scenario) -> str:
    return "x".join(map(str, (scenarios.clients, scenarios.edges, scenarios.tasks, scenarios.models)))


def _watched(
    solve: Callable[[], j3o.Solution], level: _levels.Level, repeats: int
) -> tuple[dict[str, dict[str, Any]], j3o.Solution]:
    """Measure what every program that a call compiles costs, and how long it runs in later calls."""
    found: dict[str, dict[str, Any]] = {}
    seconds: dict[str, list[float]] = {}
    compile_it = _compile.compile_program

    def watched(function: Callable[..., Any], *others: Any) -> Callable[..., Any]:
        name = function.__qualname__.split(".")[0]
        program = compile_it(function, *others)
        assert program.cost is not None
        text = program.compiled.as_text()
        found[name] = {
            **program.cost._asdict(),
            **{what: len(re.findall(re.escape(mark), text)) for what, mark in _COUNTED.items()},
        }

        def timed(*arguments: Any) -> Any:
            start = time.process_time()
            results = jax.block_until_ready(program(*arguments))
            seconds.setdefault(name, []).append(time.process_time() - start)
            return results

        return _Timed(program, timed)

    with _levels.at_level(level), _programs.compiling_with(watched):
        plans = solve()
        seconds.clear()
        for _ in range(repeats):
            plans = solve()
    return {name: {**row, "run": median(seconds[name])} for name, row in found.items() if name in seconds}, plans


class _Timed:
    """A program whose calls are timed."""

    def __init__(self, program: Any, call: Callable[..., Any]):
        self.compiled, self.form = program.compiled, program.form
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| case, shape | level | program | trace | lower | compile (clock) | fusions | calls | loops | mappings | ms |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            f"{row['case']} {row['shape']}",
            row["level"],
            f"{row['method']}: {row['program']}",
            f"{row['trace']:.2f}",
            f"{row['lower']:.2f}",
            f"{row['compile']:.2f} ({row['compile_wall']:.2f})",
            *(f"{row[name]:,}" for name in ("fusions", "calls", "loops", "mappings")),
            f"{1000 * row['run']:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def frontier_table(rows: list[dict[str, Any]]) -> str:
    """Return seconds of compiling against those of running, as a Markdown table; methods as a whole."""
    lines = ["| method | level | compile, CPU s, tracing included | run, CPU s | mappings |", "|---|---|---|---|---|"]
    for row in sorted((row for row in rows if row["program"] == "all"), key=lambda row: row["method"]):
        spent = row["trace"] + row["lower"] + row["compile"]
        lines.append(f"| {row['method']} | {row['level']} | {spent:.2f} | {row['run']:.3f} | {row['mappings']:,} |")
    return "\n".join(lines)
