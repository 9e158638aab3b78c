"""A long sweep beside the bare kernel, its memory, and a sweep that is killed again and again.

    python -m bench sweeping --scenarios 100000 --kills 20

The sweep solves scenarios by J3O in one process. Bare is `solve` alone on one batch as large as a chunk, compiled
before, its median over `--repeats` calls before the sweep and as many after it; the share is what the sweep reaches of
that rate, with drawing, checking, writing and progress in it. Memory is the largest so far, when a tenth, a half and
all of the sweep is done. Then a sweep of small chunks is killed (SIGKILL) at random moments and started again until it
ends, and its rows are compared with those of a sweep that was left alone, to the bit.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import j3o_jax as j3o
from j3o_jax.benchmarks import NAMES
from j3o_jax.sweeps import read_sweep

from .record import FOLDER, machine_line, say, write_results

_MAIN = "from j3o_jax.cli import main; main()"
_KILLED = {
    "benchmark": "cityscapes3d",
    "parameters": {"clients": 6, "edges": 2, "edge_uplink_fraction": [0.3, 0.6]},
    "seeds": 1000,
    "methods": ["j3o"],
    "chunk": 16,
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--benchmark", choices=NAMES, default="taskonomy5")
    parser.add_argument("--scenarios", type=int, default=100_000)
    parser.add_argument("--chunk", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--out", type=Path, default=FOLDER / "sweeping", help="JSON, without suffix")


def run(options: argparse.Namespace) -> None:
    parameters: dict[str, Any] = {}
    if options.smoke:
        options.benchmark, parameters = "cityscapes3d", {"clients": 6, "edges": 2}
        options.scenarios, options.chunk, options.repeats, options.kills = 100, 16, 1, 1
    with tempfile.TemporaryDirectory() as folder:
        long = measure_sweep(options, parameters, Path(folder, "long"))
        print("| scenarios | bare/s | sweep/s | share | wall, s | peak MB at a tenth | at a half | at the end |")
        print("|---|---|---|---|---|---|---|---|")
        print(
            f"| {long['scenarios']:,} | {long['bare_per_second']:.1f} | {long['sweep_per_second']:.1f} "
            f"| {100 * long['share']:.1f} % | {long['seconds']:.1f} "
            f"| {' | '.join(f'{mb:,.0f}' for mb in long['peak_mb'])} |"
        )
        seeds = 40 if options.smoke else _KILLED["seeds"]
        killed = measure_kills(options.kills, _KILLED | {"seeds": seeds}, Path(folder))
    print(f"\n{killed['kills']} kills, {killed['rows']:,} rows: {killed['verdict']}\n\n{machine_line()}")
    settings = {"benchmark": options.benchmark, "chunk": options.chunk, "repeats": options.repeats}
    write_results(options.out.with_suffix(".json"), settings, [long, killed])


def measure_sweep(options: argparse.Namespace, parameters: dict[str, Any], out: Path) -> dict[str, Any]:
    """Rates of the bare kernel and of the sweep, and the memory that it took."""
    batch = NAMES[options.benchmark]().sample(0, options.chunk, **parameters)
    say(f"{options.benchmark}: compiling")
    j3o.solve(batch)
    say("bare")
    bare = [timed(batch) for _ in range(options.repeats)]
    spec = {
        "benchmark": options.benchmark,
        "parameters": parameters,
        "seeds": options.scenarios,
        "methods": ["j3o"],
        "chunk": options.chunk,
    }
    marks: dict[int, float] = {}
    parts = [options.scenarios // 10, options.scenarios // 2, options.scenarios]
    start = time.perf_counter()

    def tell(done: int, total: int, _chunk: object) -> None:
        for part in parts:
            if done >= part and part not in marks:
                marks[part] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                say(f"{done:,} of {total:,}, {done / (time.perf_counter() - start):.0f}/s, {marks[part]:,.0f} MB")

    say("sweep")
    rows = j3o.sweep(spec, out, progress=tell)
    seconds = time.perf_counter() - start
    assert len(rows.collect()) == options.scenarios
    bare += [timed(batch) for _ in range(options.repeats)]
    rate = options.chunk / float(np.median(bare))
    return {
        "scenarios": options.scenarios,
        "bare_per_second": rate,
        "sweep_per_second": options.scenarios / seconds,
        "share": options.scenarios / seconds / rate,
        "seconds": seconds,
        "peak_mb": [marks[part] for part in parts],
        "bare_seconds": bare,
    }


def timed(batch: j3o.Scenario) -> float:
    start = time.perf_counter()
    j3o.solve(batch)
    return time.perf_counter() - start


def measure_kills(kills: int, spec: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Kill a sweep at random moments, start it again, and compare."""
    path, out = folder / "killed.json", folder / "killed"
    path.write_text(json.dumps(spec), encoding="utf-8")
    say("a sweep that is left alone")
    alone = rows_of(folder / "alone", spec)
    command = [sys.executable, "-c", _MAIN, "sweep", str(path), "--out", str(out)]
    rng = random.Random(0)
    moments = []
    for number in range(kills):
        say(f"kill {number + 1} of {kills}")
        # Every start gets some chunks further; where within a chunk it is killed is left to chance.
        wanted = count(out) + rng.randint(1, 4)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and count(out) < wanted:
            time.sleep(0.001)
        time.sleep(rng.uniform(0.0, 0.1))
        assert process.poll() is None, "the sweep had ended: give it more seeds"
        process.kill()
        process.wait()
        moments.append(count(out))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found = read_sweep(out).collect().sort("method", "point", "seed")
    left = [name for _, _, names in os.walk(out) for name in names if not name.endswith((".parquet", "manifest.json"))]
    same = found.schema == alone.schema and found.equals(alone, null_equal=True)
    assert same, "the rows are not those of the sweep that was left alone"
    assert not left, f"there are files left: {left}"
    return {
        "kills": kills,
        "rows": len(found),
        "chunks_at_kills": moments,
        "verdict": "the same rows to the bit, none twice, none missing, no file left",
    }


def rows_of(out: Path, spec: dict[str, Any]) -> Any:
    return j3o.sweep(spec, out).collect().sort("method", "point", "seed")


def count(out: Path) -> int:
    """Chunks that are done."""
    return sum(name.endswith(".parquet") for name in os.listdir(out / "rows")) if (out / "rows").is_dir() else 0
