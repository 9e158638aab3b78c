"""`j3o report`: a sweep as a page to look at. Here are the options; the work is in `_reporting`."""

from typing import Annotated

import typer


def report(
    directory: Annotated[str, typer.Argument(metavar="DIR", help="Folder of the sweep, finished or not.")],
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="The page (.html); DIR/report.html if not given.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(metavar="LABEL", help="Method that the others are compared with; the first if not given."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Write one HTML page about a sweep, its pictures as SVG and PNG, and its figures as CSV."""
    from ._reporting import report_sweep

    report_sweep(directory, out, reference, json=json)
