"""Many shapes in one process: memory mappings and memory, program after program, J3O and PriceDirected in turn.

    python -m bench shapes --count 1000

Every shape is another number of clients, edges, tasks and models. Shapes that are nearly alike share programs
(`j3o_jax/methods/few_shapes.py`): the first of them compiles. Programs go before the process runs out of mappings
(`j3o_jax/_programs.py`), without which Linux would abort it, and are read again from a cache on disk that is empty at
first. Plans pass the independent checker. Seconds are of all threads.
"""

import argparse
import contextlib
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import j3o_jax as j3o
from j3o_jax import _compile, _programs

from .record import FOLDER, machine_line, say, write_results

_METHODS = {
    "J3O": j3o.J3O(),
    "PriceDirected": j3o.PriceDirected(gap=1e-3, patience=20, max_iterations=100),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=1000, help="shapes")
    parser.add_argument("--out", type=Path, default=FOLDER / "shapes", help="JSON and picture, without suffix")


def run(options: argparse.Namespace) -> None:
    if options.smoke:
        options.count = 2
    with tempfile.TemporaryDirectory() as folder:
        j3o.cache_compilations(folder)
        rows = _measured(options.count, options.out)
    print(f"{table(rows)}\n\n{machine_line()}")
    draw(rows, options.out.with_suffix(".png"))


def _measured(count: int, out: Path) -> list[dict[str, Any]]:
    """Measure each shape, and write its row at once."""
    # Drawn by NumPy: the families of `benchmarks` compile what draws them, for every shape.
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from support.scenarios import random_scenario

    rows: list[dict[str, Any]] = []
    compiled: list[_programs.Compilation] = []

    @contextlib.contextmanager
    def noted(found: _programs.Compilation) -> Iterator[None]:
        compiled.append(found)
        yield

    for number, (shape, (name, method)) in enumerate(
        zip(_shapes(count), itertools.cycle(_METHODS.items()), strict=False), 1
    ):
        clients, edges, tasks, models = shape
        scenario = random_scenario(
            np.random.default_rng(number), clients=clients, edges=edges, tasks=tasks, models=models, tightness=0.5
        )
        compiled.clear()
        start = time.process_time()
        with _programs.telling_compilations(noted):
            plan = j3o.solve(scenario, method, throw=True)
        seconds = time.process_time() - start
        j3o.check(scenario, plan).raise_if_violated()
        rows.append(
            {
                "shape": "x".join(map(str, shape)),
                "method": name,
                "seconds": seconds,
                "compiled": bool(compiled),
                "mappings": _compile.mappings(),
                "megabytes": _resident_megabytes(),
                "programs": _programs.kept(),
            }
        )
        if number % 20 == 0 or number == count:
            say(f"{number} of {count}: {rows[-1]['mappings']:,} mappings, {rows[-1]['megabytes']:,.0f} MB")
            write_results(out.with_suffix(".json"), {"count": count}, rows)
    return rows


def _shapes(count: int) -> list[tuple[int, int, int, int]]:
    """Different ones, in an order that mixes small and large."""
    every = list(itertools.product(range(2, 11), range(1, 4), range(1, 6), range(2, 11)))
    order = np.random.default_rng(0).permutation(len(every))
    if count > len(every):
        raise ValueError(f"--count: at most {len(every)}, got {count}")
    return [every[index] for index in order[:count]]


def _resident_megabytes() -> float:
    """Memory of this process; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def table(rows: list[dict[str, Any]]) -> str:
    """Return mappings and memory after some of the shapes, as a Markdown table."""
    lines = [
        "| shapes | that compiled | mappings | MB | programs kept | CPU s of those, median: "
        + " | ".join(_METHODS)
        + " | CPU s of the others |",
        "|---|---|---|---|---|---|---|---|",
    ]
    stops = sorted({round(len(rows) * part / 10) for part in range(1, 11)} - {0})
    for stop in stops:
        row, own = rows[stop - 1], rows[:stop]
        compiled = [r for r in own if r["compiled"]]
        parts = [[r["seconds"] for r in compiled if r["method"] == name] for name in _METHODS]
        parts.append([r["seconds"] for r in own if not r["compiled"]])
        lines.append(
            f"| {stop:,} | {len(compiled):,} | {row['mappings']:,} | {row['megabytes']:,.0f} | {row['programs']} | "
            + " | ".join(f"{np.median(seconds):.2f}" if seconds else "" for seconds in parts)
            + " |"
        )
    return "\n".join(lines)


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw mappings and memory against the number of shapes so far."""
    from matplotlib.figure import Figure

    from j3o_jax.plots import save_figure

    figure = Figure(figsize=(7.2, 3.6), facecolor="white", layout="constrained")
    panels = figure.subplots(1, 2, sharex=True)
    for axes, (key, label) in zip(
        panels, {"mappings": "memory mappings", "megabytes": "memory, MB"}.items(), strict=True
    ):
        axes.plot(range(1, len(rows) + 1), [row[key] for row in rows], color="#0072B2", linewidth=1.2)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("shapes so far", fontsize=8)
        axes.set_title(label, fontsize=9, loc="left")
        axes.tick_params(labelsize=8)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.grid(color="#E4E6EA", linewidth=0.6)
    panels[0].set_ylim(0, 1.04 * _compile.most_mappings())
    panels[0].axhline(_compile.most_mappings(), color="#D55E00", linewidth=1.0, linestyle="--")
    panels[0].annotate(
        "the system's limit", (1, _compile.most_mappings()), xytext=(0, -11), textcoords="offset points", fontsize=8
    )
    figure.supxlabel(machine_line(), fontsize=6, color="#6B6B6B", x=0.01, ha="left")
    save_figure(figure, str(path))
