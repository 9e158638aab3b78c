"""`j3o new`: a deployment file to start from. What takes more than the text of the example is in `_samples`."""

import os
from typing import Annotated

import typer

from ..io import check_writable, example_deployment, write_file
from ._failures import InputError, unknown
from ._interrupts import cleaning_up
from ._output import tell, write

# The names in `j3o_jax.benchmarks.NAMES`, without the loading.
BENCHMARKS = ("taskonomy5", "domainnet6", "cityscapes3d", "motivating", "heterogeneous")


def new(
    path: Annotated[str, typer.Argument(metavar="PATH", help="Where to write (.yaml, .json); - for stdout.")],
    benchmark: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"A scenario of a benchmark, not the example: {', '.join(BENCHMARKS)}."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Which scenario of the benchmark; default 0.")
    ] = None,
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
        from ._samples import write_sample

        write_sample(benchmark, seed or 0, path)
    elif path == "-":
        write(example_deployment())
    elif path.lower().endswith((".yaml", ".yml")):
        # The text as it is: its comments are what it is for.
        with cleaning_up():
            write_file(path, lambda file: file.write(example_deployment().encode()))
    else:
        from ._samples import write_example

        write_example(path)
    if path != "-":
        tell(f"wrote {path}; next: j3o solve {path}")
