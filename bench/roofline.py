"""How near the kernels come to what the machine can do: operations and bytes counted, beside measured ceilings.

    python -m bench roofline --case taskonomy5 --clients 30

Each kernel is run once, operation by operation, for one chunk, and counted: arithmetic, comparisons and choices on each
element, and the bytes that its stages, the calls of `j3o_kernels.materialize`, read and write, each array once, as
though nothing stayed in registers from stage to stage. Loops count as often as they go round, for all instances of the
chunk. Rates are those of the compiled programs, on all cores. Ceilings are measured in the same run, on all cores:
multiplications and additions of numbers in the first cache; bytes of sums of arrays as large as those of a stage, and
of arrays larger than any cache. On other devices than CPUs stages are left to the compiler, so that only operations are
counted.
"""

import argparse
import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import j3o_jax as j3o
from j3o_jax._batched import available_cores, run_batched
from j3o_jax._precision import double_precision
from j3o_jax.methods.alternation.drivers import bytes_of_instance, result_of, run_on_device
from j3o_jax.methods.alternation.feasibility import blank_plans
from j3o_jax.methods.alternation.loop import Alternation, LoopSettings
from j3o_jax.methods.alternation.multiplier import DualSearch
from j3o_jax.methods.alternation.starts import STARTS
from j3o_jax.methods.lagrangian_policy import LagrangianPolicy
from j3o_kernels.client_groups import ClientGroups, group_clients
from j3o_kernels.hierarchical_lp import hierarchical_lp

from .counting import Counts, counted
from .linear_programs import placed_problems
from .record import FOLDER, machine_line, say, write_results
from .registry import CASES

# Instances that are worked on at a time on a CPU.
_CHUNK = 64

_MULTIPLIER = DualSearch(steps=20)
_SETTINGS = LoopSettings(max_iterations=10)
_LP_ITERATIONS = 60
_IN_FIRST_CACHE, _BEYOND_CACHES = 1 << 11, 1 << 23


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", nargs="+", choices=CASES, default=["taskonomy5", "heterogeneous"])
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=FOLDER / "roofline", help="JSON, without suffix")


def run(options: argparse.Namespace) -> None:
    if options.smoke:
        options.case, options.clients, options.batch, options.repeats = ["cityscapes3d"], 2, 4, 1
    chunk = min(_CHUNK, options.batch)
    ceilings = {
        "operations": arithmetic_ceiling(options.repeats),
        "memory": bandwidth_ceiling(_BEYOND_CACHES, options.repeats),
    }
    rows: list[dict[str, Any]] = []
    for case in options.case:
        scenarios = CASES[case].sample(0, options.batch, options.clients)
        stage_size = chunk * scenarios.demand[0].size
        ceilings[f"stages, {case}"] = bandwidth_ceiling(stage_size, options.repeats)
        for name, (function, batch) in kernels(scenarios).items():
            say(f"{case}: {name}")
            first = jax.tree.map(lambda array: array[:chunk], batch)
            with double_precision():
                counts = counted(function, first, None)
            seconds = rate_of(function, batch, scenarios, chunk, options.repeats)
            rows.append(row_of(case, name, counts, chunk, options.batch / seconds, ceilings))
            write_results(options.out.with_suffix(".json"), {"batch": options.batch, "ceilings": ceilings}, rows)
    print(table(rows, ceilings))


def kernels(scenarios: j3o.Scenario) -> dict[str, tuple[Callable[[Any, Any], Any], Any]]:
    """Functions of a batch, and their batches, by what they are called."""
    problems, _ = placed_problems(scenarios, seed=0)
    groups = group_clients(np.asarray(scenarios.client_edge), scenarios.edges)
    batch = scenarios.demand.shape[0]

    def policy_of(scenarios: j3o.Scenario, groups: ClientGroups, start: Any) -> LagrangianPolicy:
        return LagrangianPolicy(scenarios, groups, _MULTIPLIER, start, jnp.asarray(1e-6), plus_max=True)

    def offloading(batch: Any, _: Any) -> Any:
        return hierarchical_lp(*batch, serve_all=False)

    def onloading(batch: Any, _: Any) -> Any:
        scenarios, groups = batch
        share = jnp.full(scenarios.demand.shape, 0.5)
        count = scenarios.demand.shape[0]
        policy = policy_of(scenarios, groups, jnp.zeros((count, 4)))
        return policy.place((share, share), 0, blank_plans(scenarios), jnp.ones(count, dtype=bool))[0]

    def whole(batch: Any, _: Any) -> Any:
        scenarios, groups, start = batch
        policy = policy_of(scenarios, groups, start)
        alternation = Alternation(scenarios, policy, _SETTINGS, jnp.asarray(1e-9))
        return result_of(scenarios, run_on_device(alternation, groups, _LP_ITERATIONS, alternation.init()))

    return {
        "offloading LP": (offloading, (problems, groups)),
        "onloading of both tiers": (onloading, (scenarios, groups)),
        "J3O": (whole, (scenarios, groups, np.repeat([STARTS["paper"]], batch, axis=0))),
    }


def rate_of(
    function: Callable[[Any, Any], Any], batch: Any, scenarios: j3o.Scenario, chunk: int, repeats: int
) -> float:
    """Seconds that a batch takes when everything is compiled, the median."""
    groups = group_clients(np.asarray(scenarios.client_edge), scenarios.edges)
    size = bytes_of_instance(scenarios, groups)
    on_cpu = jax.default_backend() == "cpu"

    def once() -> None:
        run_batched(function, batch, key=None, bytes_per_instance=size, chunk=chunk if on_cpu else None)

    return _median_seconds(once, repeats)


def arithmetic_ceiling(repeats: int) -> float:
    """Multiplications and additions per second of float64 numbers that stay in the first cache, on all cores."""
    depth, turns = 64, 2000

    def chain(numbers: Any) -> Any:
        def turn(_: Any, numbers: Any) -> Any:
            for _ in range(depth):
                numbers = numbers * 0.999 + 0.001
            return numbers

        return jax.lax.fori_loop(0, turns, turn, numbers)

    return 2 * depth * turns * _per_second(chain, (_IN_FIRST_CACHE,), repeats)


def bandwidth_ceiling(size: int, repeats: int) -> float:
    """Bytes per second that sums of two arrays of `size` numbers read and write, on all cores."""
    turns = max((1 << 26) // size, 1)

    def sums(first: Any, second: Any) -> Any:
        return jax.lax.fori_loop(0, turns, lambda _, first: first + second, first)

    return 3 * 8 * turns * _per_second(sums, (size, size), repeats)


def _per_second(function: Callable[..., Any], sizes: tuple[int, ...], repeats: int) -> float:
    """Elements per second of the first argument, with a copy of the work on each core."""
    workers = available_cores() if jax.default_backend() == "cpu" else 1
    with double_precision():
        arrays = [jnp.ones(size) for size in sizes]
        program = jax.jit(function).lower(*arrays).compile()

    def work(_: int) -> None:
        with double_precision():
            jax.block_until_ready(program(*arrays))

    with ThreadPoolExecutor(workers) as pool:
        seconds = _median_seconds(functools.partial(_all_of, pool, work, workers), repeats)
    return workers * sizes[0] / seconds


def _all_of(pool: ThreadPoolExecutor, work: Callable[[int], None], workers: int) -> None:
    list(pool.map(work, range(workers)))


def _median_seconds(work: Callable[[], Any], repeats: int) -> float:
    work()  # compiles
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def row_of(case: str, name: str, counts: Counts, chunk: int, rate: float, ceilings: dict[str, float]) -> dict[str, Any]:
    """Return counts of one instance, and the rates that follow, as shares of the ceilings."""
    operations, moved = counts.operations / chunk, counts.moved / chunk
    return {
        "case": case,
        "kernel": name,
        "instances_per_second": rate,
        "operations": operations,
        "bytes": moved,
        "share_of_operations": operations * rate / ceilings["operations"],
        "share_of_stages": moved * rate / ceilings[f"stages, {case}"],
        "share_of_memory": moved * rate / ceilings["memory"],
    }


def table(rows: list[dict[str, Any]], ceilings: dict[str, float]) -> str:
    """Return counts and shares as a Markdown table."""
    lines = [
        "| case | kernel | instances/s | operations each | bytes each | arithmetic | stages | memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['case']} | {row['kernel']} | {row['instances_per_second']:,.0f} | {row['operations']:,.3g} "
        f"| {row['bytes']:,.3g} | {row['share_of_operations']:.0%} | {row['share_of_stages']:.0%} "
        f"| {row['share_of_memory']:.0%} |"
        for row in rows
    ]
    lines += ["", *(f"Ceiling, {name}: {value / 1e9:.3g} G/s" for name, value in ceilings.items())]
    return "\n".join([*lines, "", machine_line()])
