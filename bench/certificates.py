"""Certificates of random scenarios of every family, with and without batching, each checked in exact arithmetic.

    python -m bench certificates --count 100000

A plan of J3O for every scenario is certified, and `verify` recomputes the bound that the certificate proves, D, in
rational numbers. Counted are certificates that do not prove the bound that is said, and plans that `verify` does not
find to be what they say; and told is how far D lies from the bound, relative to it. Scenarios are small, six clients,
since what could be wrong does not depend on their number. Each core has a process.
"""

import argparse
import itertools
import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import jax
import numpy as np

import j3o_jax as j3o
from j3o_jax._batched import available_cores

from .record import FOLDER, machine_line, say, write_results

_BATCH = 2048
# T_b, seconds.
_WINDOW = 0.2
_CLIENTS = {"clients": 6}
_FAMILIES = {
    "taskonomy5": lambda: j3o.benchmarks.taskonomy5(**_CLIENTS),
    "domainnet6": lambda: j3o.benchmarks.domainnet6(**_CLIENTS),
    "cityscapes3d": lambda: j3o.benchmarks.cityscapes3d(**_CLIENTS),
    "heterogeneous": lambda: j3o.benchmarks.heterogeneous(**_CLIENTS, tasks=3, models=8),
    "heterogeneous, tight": lambda: j3o.benchmarks.heterogeneous(**_CLIENTS, tasks=3, models=8, tightness=0.3),
    "degenerate": None,
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=100_000, help="certificates in all")
    parser.add_argument(
        "--descent-steps",
        type=int,
        default=60,
        help="of certify; 0 proves by the relaxation's prices, in a third of the time",
    )
    parser.add_argument("--out", type=Path, default=FOLDER / "certificates.json")


def run(options: argparse.Namespace) -> None:
    batch, workers = _BATCH, available_cores()
    if options.smoke:
        options.count, batch, workers = 8, 8, 1
    rounds = -(-options.count // batch)
    # A process has the programs of few families.
    order = sorted(range(rounds), key=lambda number: number % _kinds())
    shares = [share.tolist() for share in np.array_split(order, workers)]
    rows: dict[tuple[str, bool], dict[str, Any]] = {}
    start = time.monotonic()
    done = 0
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        # In turn from each process's share, so that each keeps to few families.
        turns = [number for own in itertools.zip_longest(*shares) for number in own if number is not None]
        for part in as_completed([pool.submit(checked, number, batch, options.descent_steps) for number in turns]):
            row = part.result()
            _add(rows, row)
            done += row["certificates"]
            say(f"{done:,} certificates, {sum(row['invalid'] for row in rows.values())} invalid")
            if not options.smoke:
                settings = {"count": done, "batch": batch, "descent_steps": options.descent_steps}
                settings["minutes"] = (time.monotonic() - start) / 60.0
                write_results(options.out, settings, list(rows.values()))
    print(table(list(rows.values())))


def _kinds() -> int:
    return 2 * len(_FAMILIES)


def checked(number: int, batch: int, descent_steps: int) -> dict[str, Any]:
    """Check one round: scenarios of one family, with or without batching."""
    family, batching = list(_FAMILIES)[number % len(_FAMILIES)], number // len(_FAMILIES) % 2 == 1
    scenarios = _drawn(family, number, batch, batching)
    plans = j3o.certify(scenarios, j3o.solve(scenarios, j3o.J3O(starts="paper")), descent_steps=descent_steps)
    success = plans.success
    start = time.process_time()
    exact = j3o.verify(scenarios, plans)
    seconds = time.process_time() - start
    proven = np.array([float(bound) if bound is not None else np.nan for bound in np.ravel(exact.bound)])
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.where(plans.bound > 0.0, proven / plans.bound - 1.0, proven - plans.bound)[success]
    return {
        "family": family,
        "batching": batching,
        "certificates": int(success.sum()),
        "invalid": int((~(exact.ok & exact.proven))[success].sum()),
        "above": float(apart.max(initial=0.0)),
        "below": float(-apart.min(initial=0.0)),
        "seconds": seconds,
    }


def _drawn(family: str, number: int, batch: int, batching: bool) -> j3o.Scenario:
    make = _FAMILIES[family]
    if make is not None:
        return make().sample(number * batch, n=batch, batching_window=_WINDOW if batching else None)
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from support import adversary
    from support.methods import SMALL

    seeds = range(10**9 + number * batch, 10**9 + (number + 1) * batch)
    drawn = [adversary.draw(seed, SMALL, batching=batching, allow_unserved=True) for seed in seeds]
    return jax.tree.map(lambda *arrays: np.stack(arrays), *drawn)


def _add(rows: dict[tuple[str, bool], dict[str, Any]], row: dict[str, Any]) -> None:
    key = row["family"], row["batching"]
    if key not in rows:
        rows[key] = row
        return
    own = rows[key]
    for name in ("certificates", "invalid", "seconds"):
        own[name] += row[name]
    for name in ("above", "below"):
        own[name] = max(own[name], row[name])


def table(rows: list[dict[str, Any]]) -> str:
    """Return counts and distances by family, as a Markdown table."""

    def lines() -> Iterator[str]:
        yield "| family | certificates | invalid | D above the bound, at most | below it, at most | ms each |"
        yield "|---|---|---|---|---|---|"
        for row in sorted(rows, key=lambda row: (list(_FAMILIES).index(row["family"]), row["batching"])):
            name = row["family"] + (", batching" if row["batching"] else "")
            yield (
                f"| {name} | {row['certificates']:,} | {row['invalid']} | {row['above']:.1e} | {row['below']:.1e} "
                f"| {1e3 * row['seconds'] / max(row['certificates'], 1):.1f} |"
            )
        yield f"| all | {sum(row['certificates'] for row in rows):,} | {sum(row['invalid'] for row in rows)} | | | |"

    return "\n".join([*lines(), "", machine_line()])
