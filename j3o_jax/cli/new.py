"""`j3o new`: a deployment file to start from."""

import os
import tempfile
from typing import Annotated, BinaryIO

import typer

from .._scenario import Scenario
from ._failures import InputError, unknown
from ._output import tell, write


def new(
    path: Annotated[str, typer.Argument(metavar="PATH", help="Where to write (.yaml, .json); - for stdout.")],
    benchmark: Annotated[
        str | None, typer.Option(metavar="NAME", help="A scenario of this benchmark, not the example.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Which scenario of the benchmark; default 0.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace PATH if it is there.")] = False,
) -> None:
    """Write a commented example of a deployment, or a scenario of a benchmark as a deployment."""
    from ..io import check_writable, example_deployment, save

    if seed is not None and benchmark is None:
        raise InputError("--seed: chooses a scenario of a benchmark: name one with --benchmark")
    if path != "-":
        check_writable(path)
        if os.path.exists(path) and not force:
            raise InputError(f"{path}: is there already: name another file, or replace it with --force")
    content = None if benchmark is None else _sample(benchmark, seed or 0)
    if path == "-":
        write(example_deployment() if content is None else _text(content))
        return
    if content is None and path.lower().endswith((".yaml", ".yml")):
        from ..io._write import write_file

        write_file(path, _write_example)
    else:
        save(_example() if content is None else content, path)
    tell(f"wrote {path}; next: j3o solve {path}")


def _write_example(file: BinaryIO) -> None:
    """Write the text as it is: its comments are what it is for."""
    from ..io import example_deployment

    file.write(example_deployment().encode())


def _sample(name: str, seed: int) -> Scenario:
    from ..benchmarks import NAMES

    if name not in NAMES:
        raise unknown("benchmark", name, NAMES, "--benchmark")
    return NAMES[name]().sample(seed)


def _text(scenario: Scenario) -> str:
    from ..io import save

    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "deployment.yaml")
        save(scenario, path)
        with open(path, encoding="utf-8") as file:
            return file.read()


def _example() -> Scenario:
    from ..io import example_deployment, load

    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "deployment.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(example_deployment())
        return load(path, want=Scenario)
