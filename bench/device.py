"""What an accelerator is worth, in one short call: rates against batch size, agreement with CPUs, launches and waits.

    python -m bench device                  # at most six minutes, with compilation
    python -m bench device --seconds 120

Where JAX finds an accelerator, this is measured on it, in this order, until `--seconds` are over: J3O in a batch of
`--batch`, its plans beside those of a CPU, and what the device and the host did meanwhile; then offloading LPs, J3O and
PriceDirected's quick form by turns, each in batches `--growth` times as large as the last, until memory is used up;
between them J3O with its loops left to the device (an option of XLA's that is off by default). The JSON is written
after each, so that a run that is cut short leaves what it has. `bench/device.md` has more.

- Batches are one chunk each on an accelerator; on a CPU the package chooses. Scenarios beyond `--distinct` repeat.
- Rates are from NumPy to NumPy, the median of at least three calls after a first one, which compiles and is apart.
- Every plan passes the independent checker, or the run fails. LPs are at a gap of 1e-8; unsolved ones are counted.
- The CPU's plans come from a process of its own, from the same scenarios.
"""

import argparse
import dataclasses
import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import jax
import numpy as np

import j3o_jax as j3o
from j3o_jax._batched import run_batched
from j3o_jax._precision import double_precision
from j3o_jax._programs import seconds_of_compiling
from j3o_jax.methods.alternation.drivers import bytes_of_instance
from j3o_kernels.client_groups import group_clients
from j3o_kernels.hierarchical_lp import hierarchical_lp

from .agreement import Answers, agreement, answers_of, only_cpu, solved
from .linear_programs import placed_problems
from .lp_solvers import GAP
from .programs import LOOPS_IN_GRAPH, j3o_program
from .record import FOLDER, in_full, machine_line, say, write_results
from .registry import CASES
from .throughput import QUICK
from .tracing import traced

# Calls of a measurement: at least three, and more of short ones.
_MOST, _FEWEST, _ENOUGH_SECONDS = 50, 3, 2.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=300.0, help="after which nothing new is begun")
    parser.add_argument("--case", choices=CASES, default="taskonomy5")
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument(
        "--batch", type=int, default=512, help="the first of J3O, and that which is compared and traced"
    )
    parser.add_argument("--certified", type=int, default=128, help="the first of PriceDirected")
    parser.add_argument("--growth", type=int, default=4, help="from batch to batch; each is compiled anew")
    parser.add_argument("--most", type=int, default=1 << 20, help="the largest batch, whatever memory there is")
    parser.add_argument("--distinct", type=int, default=4096, help="different scenarios; larger batches repeat them")
    parser.add_argument("--out", type=Path, default=FOLDER / "device", help="JSON, without suffix")


def run(options: argparse.Namespace) -> None:
    start = time.perf_counter()
    if options.smoke:
        options.case, options.clients, options.batch, options.certified = "cityscapes3d", 4, 4, 4
        options.growth, options.most, options.distinct = 2, 4, 8
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), only_cpu) as cpu:
        Run(options, start).measure(cpu)


class Run:
    """The measurements so far, and the time that is left."""

    def __init__(self, options: argparse.Namespace, start: float):
        self.options, self.start = options, start
        self.accelerated = jax.default_backend() != "cpu"
        self.rows: list[dict[str, Any]] = []
        self.scenarios = CASES[options.case].sample(0, options.distinct, options.clients)
        self.problems: Any = None
        self.walls: dict[str, float] = {}

    def measure(self, cpu: ProcessPoolExecutor) -> None:
        """Everything, in order of importance; a table at the end."""
        options = self.options
        first = self._of_size(options.batch)
        answers = cpu.submit(solved, first, j3o.J3O())
        self._attempt("J3O", options.batch, lambda: self._joint(options.batch, answers))
        self._attempt("trace of J3O", options.batch, lambda: self._trace(options.batch))
        series: dict[str, tuple[Callable[[int], dict[str, Any]], Iterator[int]]] = {
            "offloading LP": (self._offloading, self._sizes(options.batch)),
            "PriceDirected, quick": (lambda batch: self._certified(batch, cpu), self._sizes(options.certified)),
            "J3O": (self._joint, self._sizes(options.batch * options.growth)),
            "program of J3O": (self._program, self._sizes(options.batch)),
        }
        if self.accelerated:
            series["program of J3O, loops on the device"] = self._loops_on_device, self._sizes(options.batch)
        # A round after the other, so that a run that is cut short has something of each.
        while series:
            for name, (work, sizes) in list(series.items()):
                batch = next(sizes, None)
                if batch is None or not self._attempt(name, batch, lambda work=work, batch=batch: work(batch)):
                    del series[name]
        self._write()
        print(table(self.rows))

    def _sizes(self, batch: int) -> Iterator[int]:
        while batch <= self.options.most:
            yield batch
            batch *= self.options.growth

    def _attempt(self, name: str, batch: int, work: Callable[[], dict[str, Any]]) -> bool:
        """Whether there was time and memory for a measurement; the result says what was missing."""
        begun = time.perf_counter()
        row: dict[str, Any] = {"name": name, "batch": batch}
        # The next one takes at least as long as the last of its series.
        if begun - self.start + self.walls.get(name, 0.0) > self.options.seconds:
            self.rows.append(row | {"missing": "time"})
            return False
        say(f"{begun - self.start:5.0f} s: {name}, batch of {batch:,}")
        try:
            row |= work()
        except (jax.errors.JaxRuntimeError, MemoryError) as error:
            memory = isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
            # XLA's options come and go; what is tried by one of them may fail. Nothing else may.
            if not (memory or "loops on the device" in name):
                raise
            row["missing"] = "memory" if memory else str(error)[:300]
        self.walls[name] = time.perf_counter() - begun
        self.rows.append(row | {"wall_seconds": self.walls[name], "peak_bytes": _peak_bytes()})
        self._write()
        return "missing" not in row

    def _write(self) -> None:
        own = {name: value for name, value in vars(self.options).items() if name not in ("out", "name", "smoke")}
        settings = own | {"gap": GAP, "accelerated": self.accelerated, "devices": jax.local_device_count()}
        write_results(self.options.out.with_suffix(".json"), settings, self.rows)

    # What is measured.

    def _joint(self, batch: int, answers: "Future[Answers] | None" = None) -> dict[str, Any]:
        return self._plans(batch, j3o.J3O(chunk=self._chunk(batch)), answers)

    def _certified(self, batch: int, cpu: ProcessPoolExecutor) -> dict[str, Any]:
        # On a CPU there is nothing new in its own answers, and it would compile for them once more.
        compares = self.accelerated and batch == self.options.certified
        answers = cpu.submit(solved, self._of_size(batch), QUICK) if compares else None
        return self._plans(batch, dataclasses.replace(QUICK, chunk=self._chunk(batch)), answers)

    def _plans(self, batch: int, method: Any, answers: "Future[Answers] | None") -> dict[str, Any]:
        scenarios = self._of_size(batch)

        def once() -> tuple[j3o.Solution, float]:
            plans = j3o.solve(scenarios, method, throw=True)
            return plans, float(np.max(plans.stats["compile_seconds"]))

        # The process that answers for the CPU would be timed with it: it works while this one compiles.
        plans, row = timed(once, batch, None if answers is None else answers.result)
        j3o.check(scenarios, plans).raise_if_violated()
        row["objective_mean"] = float(np.mean(plans.objective))
        if np.isfinite(plans.bound).all():
            row["certified_gap_mean"] = float(np.mean(plans.gap))
        return row if answers is None else row | agreement(answers_of(plans), answers.result())

    def _offloading(self, batch: int) -> dict[str, Any]:
        if self.problems is None:
            both = placed_problems(self.scenarios, seed=0)
            self.problems = jax.tree.map(lambda *own: np.concatenate(own), *both)
        chosen = np.arange(batch) % self.problems.data.shape[0]
        problems = jax.tree.map(lambda array: array[chosen], self.problems)
        groups = group_clients(np.asarray(problems.client_edge), self.scenarios.edges)
        size = bytes_of_instance(self.scenarios, groups)

        def once() -> tuple[Any, float]:
            chunk = self._chunk(batch)
            before = seconds_of_compiling()
            found = run_batched(_route, (problems, groups), key=None, bytes_per_instance=size, chunk=chunk)
            return found, seconds_of_compiling() - before

        found, row = timed(once, batch)
        worst = float(np.max(found.residual[found.solved], initial=0.0))
        return row | {"unsolved": int(np.count_nonzero(~found.solved)), "worst_residual": worst}

    def _program(self, batch: int, compiler_options: Any = None) -> dict[str, Any]:
        """Run the device's part of J3O alone, from arrays on the device to arrays on the device."""
        program, arguments = j3o_program(self._of_size(batch))
        with double_precision():
            begun = time.perf_counter()
            compiled = jax.jit(program).lower(*arguments).compile(compiler_options=compiler_options)
            compiling = time.perf_counter() - begun
            placed = jax.device_put(arguments)
            found, row = timed(lambda: (jax.block_until_ready(compiled(*placed)), 0.0), batch)
            mean = float(np.mean(np.asarray(found.value)))
        return row | {"compile_seconds": compiling, "objective_mean": mean}

    def _loops_on_device(self, batch: int) -> dict[str, Any]:
        return self._program(batch, LOOPS_IN_GRAPH)

    def _trace(self, batch: int) -> dict[str, Any]:
        scenarios, method = self._of_size(batch), j3o.J3O(chunk=self._chunk(batch))
        return traced(lambda: j3o.solve(scenarios, method, throw=True))

    # How.

    def _of_size(self, batch: int) -> j3o.Scenario:
        return self.scenarios[np.arange(batch) % self.options.distinct]

    def _chunk(self, batch: int) -> int | None:
        return -(-batch // jax.local_device_count()) if self.accelerated else None


def timed(
    once: Callable[[], tuple[Any, float]], batch: int, after_first: Callable[[], Any] | None = None
) -> tuple[Any, dict[str, Any]]:
    """Time calls, the one that compiles apart, and return what they return too."""
    begun = time.perf_counter()
    _, compiling = once()
    first, seconds = time.perf_counter() - begun, []
    if after_first is not None:
        after_first()
    while len(seconds) < _FEWEST or (sum(seconds) < _ENOUGH_SECONDS and len(seconds) < _MOST):
        begun = time.perf_counter()
        found, _ = once()
        seconds.append(time.perf_counter() - begun)
    rate = batch / float(np.median(seconds))
    return found, {"per_second": rate, "seconds": seconds, "first_seconds": first, "compile_seconds": compiling}


def _route(batch: Any, _: Any) -> Any:
    return hierarchical_lp(*batch, tolerance=GAP)


def _peak_bytes() -> int | None:
    return (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use")


def table(rows: list[dict[str, Any]]) -> str:
    """All measurements in Markdown."""
    titles = ["what", "batch", "per second", "compiling, s", "memory, GB", "remarks"]
    lines = [titles, ["---"] * len(titles)]
    for row in rows:
        rate = row.get("per_second")
        compiling = f"{row['compile_seconds']:.1f}" if "compile_seconds" in row else ""
        memory = f"{row['peak_bytes'] / 1e9:.2f}" if row.get("peak_bytes") else ""
        lines.append(
            [row["name"], f"{row['batch']:,}", "" if rate is None else in_full(rate), compiling, memory, remarks(row)]
        )
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), "", machine_line()])


def remarks(row: dict[str, Any]) -> str:
    found = []
    if "missing" in row:
        found.append(f"not measured: out of {row['missing']}" if len(row["missing"]) < 8 else row["missing"])
    if "not_measured" in row:
        found.append(f"not measured: {row['not_measured']}")
    if "same_models" in row:
        found.append(f"{row['same_models']:,} of {row['compared']:,} plans with the CPU's models")
        found.append(f"objectives within {row['worst_objective_difference']:.1e}")
    if "certified_gap_mean" in row:
        found.append(f"certified gap {100 * row['certified_gap_mean']:.3f} %")
    if "unsolved" in row:
        found.append(f"{row['unsolved']:,} unsolved, rows kept to {row['worst_residual']:.0e}")
    if "kernels" in row:
        found.append(f"{row['kernels']:,} kernels, {row['copies']:,} copies, {row['reads']:,} of them to the host")
        found.append(f"device busy {row['busy_seconds']:.3g} of {row['span_seconds']:.3g} s")
        if row["launches"] is not None:
            found.append(f"host: {row['launches']:,} launches, {row['waits']:,} waits, {row['wait_seconds']:.3g} s")
    return "; ".join(found)
