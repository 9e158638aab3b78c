"""All figures of README and docs anew, benchmark by benchmark, and the tables in them: `make results`.

    python -m bench publish                       # what was measured with other code, and the tables
    python -m bench publish --only throughput     # one of them
    python -m bench publish --only                # the tables alone, from the results that there are

Benchmarks whose results are of the present code are left out, so that the same command goes on where it was stopped;
one that is stopped leaves the results of before. What needs more than this machine has, `launches` and `device`, is not
among them.
Tables stand between `<!-- table: NAME -->` and `<!-- end of table -->` and are never written by hand.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from j3o_jax._machine import source_digest

from . import compile as compile_costs
from . import quality, shapes, shared, sizing, switching, switching_curve, throughput
from .record import FOLDER, say

_ROOT = Path(__file__).parents[1]
_PAGES = ("README.md", "docs/*.md", "bench/README.md")
_TABLE = re.compile(r"(<!-- table: (?P<name>[\w-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)

# Of moving a MB, in accuracy: from nothing to where nothing moves.
_COSTS = ("0", "1e-7", "3e-7", "1e-6", "3e-6", "1e-5", "3e-5", "1e-4", "3e-4", "1e-3", "3e-3")


class Measurement(NamedTuple):
    """A run of a benchmark whose results are kept.

    - `arguments`: of `python -m bench`; the name of the benchmark first.
    - `minutes`: about how long it takes on two quiet cores.
    - `table`: its results in Markdown, if they stand in a page.
    """

    arguments: tuple[str, ...]
    minutes: int
    table: Callable[[list[dict[str, Any]]], str] | None = None


# By the name of the file with the results.
MEASUREMENTS = {
    "compile": Measurement(("compile", "--case", "taskonomy5", "--clients", "30"), 5, compile_costs.table),
    "frontier": Measurement(
        ("compile", "--clients", "30", "--case", "taskonomy5", "--level", "full", "--backend", "0", "1", "2", "3"),
        5,
        compile_costs.frontier_table,
    ),
    "throughput": Measurement(("throughput", "--gap", "1e-4"), 20, throughput.table),
    "closing": Measurement(("closing",), 5),
    "bounds": Measurement(("bounds",), 10),
    "batching": Measurement(("batching",), 10),
    "quality": Measurement(("quality", "--case", "taskonomy5", "domainnet6", "cityscapes3d"), 15),
    "quality_heterogeneous": Measurement(("quality", "--case", "heterogeneous", "tight"), 30),
    "quality_devices": Measurement(("quality", "--case", "devices"), 10, quality.table),
    "large": Measurement(("large",), 10),
    "scaling": Measurement(("scaling",), 15),
    "roofline": Measurement(("roofline",), 5),
    "offloading": Measurement(("offloading",), 20),
    "tuning": Measurement(("tuning",), 20),
    "sizing": Measurement(("sizing",), 15, sizing.table),
    "sweeping": Measurement(("sweeping",), 20),
    "methods": Measurement(("methods",), 20),
    "auto": Measurement(("auto",), 20),
    "shapes": Measurement(("shapes",), 30, shapes.table),
    "certificates": Measurement(("certificates", "--descent-steps", "0"), 60),
    "certificates_descent": Measurement(("certificates", "--count", "24576"), 10),
    "shared": Measurement(("shared",), 60, shared.table),
    "switching": Measurement(("switching",), 10, switching.table),
    "switching_curve": Measurement(
        ("switching", "--cost", *_COSTS, "--exact-cost", "1e-6", "1e-5", "1e-4", "1e-3"), 20, switching_curve.table
    ),
    "adversary": Measurement(("adversary",), 60),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="*", choices=MEASUREMENTS, default=list(MEASUREMENTS), metavar="NAME")
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> None:
    present = source_digest()
    wanted = [] if options.smoke else [name for name in options.only if _source(name) != present]
    for number, name in enumerate(wanted, 1):
        measurement = MEASUREMENTS[name]
        say(f"{number} of {len(wanted)}: {name}, about {measurement.minutes} minutes on two quiet cores")
        with tempfile.TemporaryDirectory() as folder:
            # In a process of its own, which finds nothing compiled. Benchmarks write as they go on, pictures too.
            out = ("--out", str(Path(folder, f"{name}.json")))
            subprocess.run([sys.executable, "-m", "bench", *measurement.arguments, *out], check=True, cwd=_ROOT)
            shutil.copytree(folder, FOLDER, dirs_exist_ok=True)
        write_tables()
    outdated = write_tables(dry=options.smoke)
    print(f"tables written in {', '.join(outdated) or 'no page: all are as measured'}")


def write_tables(*, dry: bool = False) -> list[str]:
    """Write every table from its results; return the pages that were not as measured."""
    outdated = []
    for pattern in _PAGES:
        for page in sorted(_ROOT.glob(pattern)):
            text = page.read_text(encoding="utf-8")
            written = _TABLE.sub(lambda found: f"{found[1]}{_table(found['name'])}\n{found[3]}", text)
            if written != text:
                outdated.append(page.relative_to(_ROOT).as_posix())
                if not dry:
                    page.write_text(written, encoding="utf-8")
    return outdated


def _table(name: str) -> str:
    content = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    table, machine = MEASUREMENTS[name].table, content["machine"]
    assert table is not None, f"{name} has no table"
    command = " ".join(("python -m bench", *MEASUREMENTS[name].arguments))
    made = f"`{command}`, {content['date']}, {machine['processor']}, {machine['cores']} cores, JAX {machine['jax']}"
    return f"{table(content['rows'])}\n\n{made}"


def _source(name: str) -> str | None:
    """Digest of the code that the results were measured with, None where there are none."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))["source"] if path.exists() else None
