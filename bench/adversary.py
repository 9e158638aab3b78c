"""An adversary: random and degenerate scenarios through every method, in search of a plan or a proof that is wrong.

    python -m bench adversary --minutes 60

What is drawn and what counts as a finding is in `tests/support/adversary.py`, which the tests run for some thousands of
scenarios. Here it goes on for as long as it is told. A finding is shrunk to a simple scenario of the same sizes, which
is written beside the results with the seed that it came from.
"""

import argparse
import collections
import itertools
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

import j3o_jax as j3o

from .record import FOLDER, machine_line, say, write_results

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import adversary
from support.methods import SMALL
from support.oracle import TINY

_DEVICE = {
    "J3O": j3o.J3O(),
    "PriceDirected": j3o.PriceDirected(max_iterations=40, patience=20, gap=0.0, chunk=8),
}
_HOST = {"ExactMILP": j3o.ExactMILP(gap=1e-6, time_limit=20.0), "FullLocal": j3o.FullLocal()}
# Scenarios of a batch: host methods and enumeration take some of them.
_BATCH, _ON_HOST = 256, 16
_SEEDS_APART = 1_000_000


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--first", type=int, default=1, help="of the seeds; other seeds are other scenarios")
    parser.add_argument("--out", type=Path, default=FOLDER / "adversary.json")


def run(options: argparse.Namespace) -> None:
    batch, on_host = (8, 2) if options.smoke else (_BATCH, _ON_HOST)
    settings = {"minutes": options.minutes, "first": options.first, "batch": batch, "on_host": on_host}
    counts: collections.Counter[str] = collections.Counter()
    rows: list[dict[str, Any]] = []
    stop = time.monotonic() + 60.0 * options.minutes
    for number, (what, sizes, variant) in enumerate(_rounds(), options.first):
        if time.monotonic() > stop or (options.smoke and number > options.first):
            break
        seeds = range(number * _SEEDS_APART, number * _SEEDS_APART + batch)
        drawn = [adversary.draw(seed, sizes, **variant) for seed in seeds]
        scenarios = jax.tree.map(lambda *arrays: np.stack(arrays), *drawn)
        some = scenarios[:on_host]
        found = [
            *adversary.attack(scenarios, _DEVICE),
            *adversary.attack(some, _DEVICE | _HOST, enumerate_all=what == "tiny"),
        ]
        counts.update(
            {f"{what}, {method}": batch for method in _DEVICE} | {f"{what}, {method}": on_host for method in _HOST}
        )
        for finding in found:
            path = options.out.with_name(f"adversary-{seeds[finding.instance]}.json")
            say(f"seed {seeds[finding.instance]}: {finding.method}: {finding.what}")
            small = adversary.shrink(drawn[finding.instance], lambda scenario, own=finding: _still(scenario, own))
            j3o.save(small, path)
            rows.append(
                {"seed": seeds[finding.instance], "sizes": what, **variant, **finding._asdict(), "file": path.name}
            )
        say(f"round {number}: {sum(counts.values()):,} plans, {len(rows)} findings")
        if not options.smoke:
            write_results(options.out, settings | {"plans": dict(counts)}, rows)
    print(table(counts, rows))


def _rounds() -> Any:
    while True:
        for what, sizes in (("small", SMALL), ("tiny", TINY)):
            for per_node, batching, allow_unserved in itertools.product((False, True), (False, True), (True, False)):
                variant = {"batching": batching, "allow_unserved": allow_unserved, "per_node": per_node}
                yield what, sizes, variant


def _still(scenario: j3o.Scenario, finding: adversary.Finding) -> bool:
    """Whether the same method has a finding of the same kind for a scenario."""
    kind = finding.what.split()[0]
    batch = jax.tree.map(lambda array: np.asarray(array)[None], scenario)
    return any(
        other.method == finding.method and other.what.split()[0] == kind
        for other in adversary.attack(batch, _DEVICE | _HOST)
    )


def table(counts: collections.Counter[str], rows: list[dict[str, Any]]) -> str:
    """Plans by sizes and method, and findings, in Markdown."""
    lines = ["| sizes, method | plans | findings |", "|---|---|---|"]
    for name, count in counts.items():
        own = sum(f"{row['sizes']}, {row['method']}" == name for row in rows)
        lines.append(f"| {name} | {count:,} | {own} |")
    return "\n".join([*lines, "", machine_line()])
