"""`j3o sweep`: many scenarios by several methods. Here are the options; the work is in `_sweeping`."""

from typing import Annotated

import typer

from ._failures import InputError


def sweep(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="What to solve (.yaml, .json); docs/sweeps.md.")],
    out: Annotated[str, typer.Option(metavar="DIR", help="Folder of the results.")],
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Solve in N processes, each with a GPU if there are any.")
    ] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Solve on a Dask cluster: the address of its scheduler.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Solve a whole family of scenarios, and keep a table of every result.

    What is done stays done: the same command goes on where it was stopped, by Ctrl-C or otherwise.
    """
    if workers is not None and dask is not None:
        raise InputError("--workers: --dask has workers of its own: leave one of them out")

    from ._sweeping import sweep_file

    sweep_file(spec, out, workers=workers, dask=dask, json=json)
