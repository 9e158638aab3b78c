"""What a GPU would have to start for one batch of J3O: counted without a GPU, from the program compiled for one.

    python -m pip install --no-deps --target cuda jax-cuda12-plugin jax-cuda12-pjrt nvidia-cuda-nvcc-cu12
    python -m bench launches --cuda cuda --label before

The packages must have the version of JAX that is in use. The program of `--batch` scenarios is compiled for an NVIDIA
H200 by its description alone, and the kernels and copies of each of its loops are read from what XLA dumps. How often
the loops go round is counted by running the same program on this machine's CPU, operation by operation. These are
counts: nothing here was run or timed on a GPU, whose sums may differ in the last bit and its loops by a turn.

- Operations: kernels and copies between arrays. Launches: what the host starts; a command buffer (a graph of kernels)
  is one.
- Reads: loop conditions that the host waits for, one for each turn and one more for each time a loop ends. Loops whose
  number of turns the compiler knows need none.
- "with loops in the graph": the same, compiled with XLA's option to put loops into command buffers too.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import jax

from j3o_jax._machine import source_digest
from j3o_jax._precision import double_precision
from j3o_kernels.materialize import Target, tracing_for

from .counting import Loop, counted
from .programs import LOOPS_IN_GRAPH, j3o_program
from .record import FOLDER, say, write_results
from .registry import CASES
from .thunks import Steps, steps_of

# What XLA wants to know of the device that it compiles for.
_H200 = """
gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152 shared_memory_per_core: 233472
  threads_per_core_limit: 2048 core_count: 132 fpus_per_core: 128
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
  memory_bandwidth: 4800000000000 l2_cache_size: 52428800 clock_rate_ghz: 1.98 device_memory_size: 150000000000
  shared_memory_per_block_optin: 232448 cuda_compute_capability { major: 9 minor: 0 } registers_per_core_limit: 65536
  registers_per_block_limit: 65536
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 1 }
runtime_version { major: 12 minor: 9 patch: 0 }
device_description_str: "NVIDIA H200"
"""
# The loops of J3O by where they are.
_NAMES = {
    (): "before and after",
    (0,): "turn",
    (0, 0): "clients: search of the multiplier",
    (0, 0, 0): "clients: greedy round",
    (0, 1): "edges: search of the multiplier",
    (0, 1, 0): "edges: greedy round",
    (0, 2): "offloading: iteration",
    (0, 2, 0): "offloading: direction",
}
_VARIANTS = {"as it is": None, "with loops in the graph": LOOPS_IN_GRAPH}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cuda", type=Path, help="folder with the packages of CUDA")
    parser.add_argument("--case", choices=CASES, default="taskonomy5")
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--label", default="now", help="what the rows are called; those of other labels stay")
    parser.add_argument("--out", type=Path, default=FOLDER / "launches", help="JSON, without suffix")


def run(options: argparse.Namespace) -> None:
    if options.smoke:
        options.case, options.clients, options.batch = "cityscapes3d", 4, 4
    if options.cuda is None or not (options.cuda / "nvidia" / "cuda_nvcc").is_dir():
        message = "launches: needs --cuda FOLDER with the packages of CUDA that `python -m bench launches -h` names"
        if options.smoke:
            say(message)
            return
        raise SystemExit(message)
    path = options.out.with_suffix(".json")
    rows = json.loads(path.read_text())["rows"] if path.exists() else []
    rows = [row for row in rows if row["label"] != options.label]
    arguments = options.case, options.clients, options.batch
    say("running it operation by operation")
    loops = trips_of(*arguments)
    for variant in _VARIANTS:
        say(f"compiling for a GPU, {variant}")
        # XLA reads its flags once in a process.
        with tempfile.TemporaryDirectory() as dump:
            prepared = _prepare, (options.cuda.resolve(), dump)
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), *prepared) as pool:
                steps = pool.submit(compiled_steps, *arguments, variant, Path(dump)).result()
        parts = list(parts_of(steps, loops))
        total = {name: sum(part[name] for part in parts) for name in ("operations", "launches", "reads")}
        about = {"label": options.label, "source": source_digest(), "jax": jax.__version__, "variant": variant}
        rows.append(about | total | {"parts": parts})
    settings = {"case": options.case, "clients": options.clients, "batch": options.batch, "seed": 0}
    write_results(path, {"kind": "counts of a compiled program, no measurements", **settings}, rows)
    print(table(rows))


def trips_of(case: str, clients: int, batch: int) -> Loop:
    """Return the loops of a batch's program as it is for a GPU, and how often they go round."""
    program, arguments = j3o_program(CASES[case].sample(0, batch, clients))
    with double_precision(), tracing_for(Target("cuda")):
        return counted(program, *arguments).loop


def compiled_steps(case: str, clients: int, batch: int, variant: str, dump: Path) -> Steps:
    """Return the steps of a batch's program, compiled for a GPU, in a process that `_prepare` has prepared."""
    from jax.experimental import topologies

    program, arguments = j3o_program(CASES[case].sample(0, batch, clients))
    topology = topologies.get_topology_desc("", platform="cuda", topology="1x1x1", target_config=_H200)
    sharding = jax.sharding.SingleDeviceSharding(topology.devices[0])
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), arguments)
    with double_precision(), tracing_for(Target("cuda")):
        lowered = jax.jit(program).trace(*shapes).lower(lowering_platforms=("cuda",))
        lowered.compile(compiler_options=_VARIANTS[variant])
    return steps_of(dump, program.__name__)


def _prepare(cuda: Path, dump: str) -> None:
    compiler = cuda / "nvidia" / "cuda_nvcc"
    sys.path.append(str(cuda))
    flags = {"gpu_cuda_data_dir": compiler, "gpu_autotune_level": 0, "dump_to": dump, "dump_hlo_as_text": True}
    os.environ["XLA_FLAGS"] = " ".join(f"--xla_{name}={value}" for name, value in flags.items())
    os.environ["PATH"] = f"{compiler / 'bin'}{os.pathsep}{os.environ['PATH']}"
    jax.config.update("jax_platforms", "cpu")


def parts_of(steps: Steps, loop: Loop, place: tuple[int, ...] = ()) -> Iterator[dict[str, Any]]:
    """Return what each loop adds, from outside in."""
    waits = steps.trips is None and not steps.on_device
    # Where the number of turns is known, nobody asks; else a loop asks once more than it goes round.
    asked = 0 if steps.trips is not None else loop.turns + loop.entered
    yield {
        "part": _NAMES.get(place, " > ".join(map(str, place))),
        "kernels": steps.kernels,
        "copies": steps.copies,
        "condition": steps.condition,
        "entered": loop.entered,
        "turns": loop.turns,
        "trips_known": steps.trips is not None,
        "operations": steps.operations * loop.turns + steps.condition * asked,
        "launches": steps.launches * loop.turns + (steps.condition * asked if not steps.on_device else 0),
        "reads": asked if waits else 0,
    }
    for number, (inner, its_loop) in enumerate(matched(steps.loops, list(loop.inner.values()))):
        yield from parts_of(inner, its_loop, (*place, number))


def matched(steps: list[Steps], loops: list[Loop]) -> list[tuple[Steps, Loop]]:
    """Loops of the compiled program, whose order is the compiler's, and those of the program, in the latter's order.

    They belong together by the shapes that they carry. Loops that the compiler has none of must be of known length.
    """

    def alike(order: tuple[int, ...]) -> int:
        both = zip(steps, order, strict=True)
        return sum((Counter(one.carried) & Counter(loops[index].carried)).total() for one, index in both)

    # Of equal ones `max` takes the first, which is the one in order.
    order = max(itertools.permutations(range(len(loops)), len(steps)), key=alike)
    unrolled = set(range(len(loops))) - set(order)
    if not all(loops[index].known for index in unrolled):
        raise ValueError(f"of {len(loops)} loops the compiled program has {len(steps)}")
    pairs = sorted(zip(order, steps, strict=True), key=lambda pair: pair[0])
    return [(one, loops[index]) for index, one in pairs]


def table(rows: list[dict[str, Any]]) -> str:
    """All counts in Markdown: the sums, then what a turn of each loop has."""
    lines = ["| counts of a batch | variant | operations | launches | host reads |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['label']} | {row['variant']} | {row['operations']:,} | {row['launches']:,} | {row['reads']:,} |"
        for row in rows
    ]
    lines += ["", "| | part | kernels | copies | condition | turns | operations | launches | host reads |"]
    lines += [f"|{'---|' * 9}"]
    lines += [
        f"| {row['label']} | {part['part']} | {part['kernels']} | {part['copies']} | {part['condition']} "
        f"| {part['turns']:,} | {part['operations']:,} | {part['launches']:,} | {part['reads']:,} |"
        for row in rows
        if _VARIANTS[row["variant"]] is None
        for part in row["parts"]
    ]
    return "\n".join(lines)
