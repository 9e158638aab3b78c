"""`j3o new`: a deployment file to start from."""

import os
import tempfile
from typing import Annotated

import typer

import j3o_jax

from ..io import check_writable, example_deployment, write_file
from . import _options
from ._failures import InputError, unknown
from ._interrupts import cleaning_up
from ._output import tell, write

# The names in `j3o_jax.benchmarks.NAMES`, without the loading.
BENCHMARKS = ("taskonomy5", "domainnet6", "cityscapes3d", "motivating", "heterogeneous", "devices")


def new(
    path: Annotated[str, typer.Argument(metavar="PATH", help="Where to write (.yaml, .json); - for stdout.")],
    benchmark: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"A scenario of a benchmark, not the example: {', '.join(BENCHMARKS)}."),
    ] = None,
    seed: Annotated[int | None, _options.seed("Which scenario of the benchmark; default 0.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace PATH if it is there.")] = False,
) -> None:
    """Write a commented example of a deployment, or a scenario of a benchmark as a deployment."""
    if seed is not None and benchmark is None:
        raise InputError("--seed: chooses a scenario of a benchmark: name one with --benchmark")
    if benchmark is not None and benchmark not in BENCHMARKS:
        raise unknown("benchmark", benchmark, BENCHMARKS, "--benchmark")
    if path != "-":
        with cleaning_up():
            check_writable(path, "deployment")
        if os.path.exists(path) and not force:
            raise InputError(f"{path}: is there already: name another file, or replace it with --force")
    if benchmark is not None:
        _write_scenario(j3o_jax.benchmarks.NAMES[benchmark]().sample(seed or 0), path)
    elif path == "-":
        write(example_deployment())
    elif path.lower().endswith((".yaml", ".yml")):
        # The text as it is: its comments are what it is for.
        with cleaning_up():
            write_file(path, lambda file: file.write(example_deployment().encode()))
    else:
        with cleaning_up(), tempfile.TemporaryDirectory() as directory:
            original = os.path.join(directory, "deployment.yaml")
            with open(original, "w", encoding="utf-8") as file:
                file.write(example_deployment())
            j3o_jax.save(j3o_jax.load(original), path)
    if path != "-":
        tell(f"wrote {path}; next: j3o solve {path}")


def _write_scenario(scenario: "j3o_jax.Scenario", path: str) -> None:
    """Put a scenario at `path`, or on stdout if that is "-"."""
    with cleaning_up():
        if path != "-":
            j3o_jax.save(scenario, path)
            return
        with tempfile.TemporaryDirectory() as directory:
            copy = os.path.join(directory, "deployment.yaml")
            j3o_jax.save(scenario, copy)
            with open(copy, encoding="utf-8") as file:
                text = file.read()
    write(text)
