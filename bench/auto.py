"""Time to a plan for one deployment, cold: a new process with nothing compiled, by `auto` and by each method it takes.

    python -m bench auto --clients 8 30 100 300

Every row is one `j3o solve FILE` in a process of its own, whose folder of compiled programs is empty: seconds from the
start of the process to its end, imports, reading, compiling and the independent check with them, and what the command
itself says of its search and of compiling; in brackets those of all threads, which other work on the machine changes
less. `exact-milp-j3o` is ExactMILP started from J3O's plan, by Python. Gaps are to the least bound that any method
proved for the scenario. Rows are kept as they come: the same command goes on where it was stopped.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import j3o_jax as j3o
from j3o_jax.methods.exact.strong_formulation import strong_formulation

from .record import FOLDER, machine_line, say, write_results
from .registry import CASES

# Beyond, the program of the strong formulation takes seconds to write down, and is not counted.
_MOST_FLOWS = 1_000_000
_COMMAND = "from j3o_jax.cli import main; main()"
_METHODS = ("auto", "j3o", "price-directed", "exact-milp", "exact-milp-j3o")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", nargs="+", choices=CASES, default=["taskonomy5", "heterogeneous"])
    parser.add_argument("--clients", nargs="+", type=int, default=[8, 30, 100, 300, 1000, 3000])
    parser.add_argument("--method", nargs="+", choices=_METHODS, default=list(_METHODS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--time-limit", type=float, default=60.0, help="of every method")
    parser.add_argument("--again", action="store_true", help="measure what is there, too")
    parser.add_argument("--out", type=Path, default=FOLDER / "auto.json")


def run(options: argparse.Namespace) -> None:
    if options.smoke:
        options.case, options.clients, options.time_limit = ["cityscapes3d"], [6], 2.0
        options.method = ["auto", "exact-milp-j3o"]
    rows = _kept(options.out, options.time_limit)
    for case in options.case:
        for clients in options.clients:
            for seed in range(options.seeds):
                place = {"case": case, "clients": clients, "seed": seed}
                scenario = CASES[case].sample(seed, None, clients)
                size = _size(scenario)
                for method in options.method:
                    key = {**place, "method": method}
                    before = next((row for row in rows if key.items() <= row.items()), None)
                    if before is not None and not options.again:
                        continue
                    say(f"{case}, {clients} clients, seed {seed}: {method}")
                    row = {**key, **size, **measure(scenario, method, options.time_limit)}
                    rows = [*(other for other in rows if other is not before), row]
                    write_results(options.out, {"time_limit": options.time_limit}, rows)
    print(table(rows))
    print(f"\n{machine_line()}")


def _kept(path: Path, time_limit: float) -> list[dict[str, Any]]:
    """Rows of an earlier run with the same limit."""
    if not path.exists():
        return []
    content = json.loads(path.read_text())
    return content["rows"] if content["settings"] == {"time_limit": time_limit} else []


def _size(scenario: j3o.Scenario) -> dict[str, Any]:
    shape = (scenario.clients, scenario.edges, scenario.tasks, scenario.models)
    size: dict[str, Any] = {"shape": "x".join(map(str, shape)), "variables": None, "rows": None}
    if scenario.clients * scenario.tasks * scenario.models <= _MOST_FLOWS:
        program = strong_formulation(scenario).program
        size |= {"variables": int(program.objective.size), "rows": int(program.row_upper.size)}
    return size


def measure(scenario: j3o.Scenario, method: str, time_limit: float) -> dict[str, Any]:
    """One cold process."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "site.npz")
        j3o.save(scenario, str(file))
        environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(Path(folder, "compiled"))}
        if method == "exact-milp-j3o":
            command = [sys.executable, "-m", "bench.auto", str(file), str(time_limit)]
        else:
            options = ["--method", method, "--time-limit", str(time_limit), "--json"]
            command = [sys.executable, "-c", _COMMAND, "solve", str(file), *options]
        start, used = time.perf_counter(), _seconds_of_children()
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        spent = {"wall_seconds": time.perf_counter() - start, "cpu_seconds": _seconds_of_children() - used}
    if done.returncode:
        raise RuntimeError(f"{method}: {done.stderr.strip()}")
    told = json.loads(done.stdout)
    kept = ("status", "objective", "bound", "gap", "seconds", "compile_seconds", "search_seconds", "chosen")
    return {**spent, "load": os.getloadavg()[0], **{name: told.get(name) for name in kept}}


def _seconds_of_children() -> float:
    """Of all threads of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _start_from_j3o(file: str, time_limit: float) -> None:
    """Do what `j3o solve` does, with a start, in the process that is measured."""
    scenario = j3o.load(file, want=j3o.Scenario)
    solution = j3o.solve(scenario, j3o.ExactMILP(time_limit=time_limit, start=j3o.J3O()))
    j3o.check(scenario, solution).raise_if_violated()
    stats = solution.stats
    told = {
        "status": j3o.Status(int(solution.status)).name,
        **{name: float(getattr(solution, name)) for name in ("objective", "bound", "gap")},
        **{name: float(stats[name]) for name in ("seconds", "search_seconds")},
    }
    print(json.dumps(told))


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    least: dict[Any, float] = defaultdict(lambda: float("inf"))
    for row in rows:
        if row["bound"] is not None:
            place = row["case"], row["clients"], row["seed"]
            least[place] = min(least[place], row["bound"])
    lines = [
        "| case | shape | variables, rows | method | s (threads) | search | compiled | status | own gap | to best |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        bound = least[row["case"], row["clients"], row["seed"]]
        size = "–" if row["variables"] is None else f"{row['variables']:,}, {row['rows']:,}"
        chosen = f" ({row['chosen']})" if row["method"] == "auto" else ""
        own = "–" if row["gap"] is None else f"{100 * row['gap']:.3f} %"
        cells = [
            row["case"],
            row["shape"],
            size,
            f"{row['method']}{chosen}",
            f"{row['wall_seconds']:.1f} ({row['cpu_seconds']:.1f})",
            f"{row['seconds']:.1f}",
            "–" if not row["compile_seconds"] else f"{row['compile_seconds']:.1f}",
            row["status"].replace("_", " "),
            own,
            "–" if bound == float("inf") else f"{100 * max(bound / row['objective'] - 1.0, 0.0):.3f} %",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    _start_from_j3o(sys.argv[1], float(sys.argv[2]))
