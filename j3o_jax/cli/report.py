"""`j3o report`: a sweep as a page to look at."""

import os
from typing import Annotated

import typer

from ..io import check_destination
from ..plots import require_matplotlib
from . import _options
from ._failures import InputError, WorkError
from ._interrupts import cleaning_up
from ._output import hand_out, progress


def report(
    directory: Annotated[str, typer.Argument(metavar="DIR", help="Folder of the sweep, finished or not.")],
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="The page (.html); DIR/report.html if not given.")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(metavar="LABEL", help="Method that the others are compared with; the first if not given."),
    ] = None,
    json: _options.Json = False,
) -> None:
    """Write one HTML page about a sweep, its pictures as SVG and PNG, and its figures as CSV."""
    if not os.path.isdir(directory):
        problem = "is a file, not a folder" if os.path.exists(directory) else "is not there"
        raise InputError(f"{directory}: {problem}: name the folder of a sweep")
    if out is not None and os.path.splitext(out)[1].lower() not in (".html", ".htm"):
        raise InputError(f"--out {out}: is no name for a page: use the suffix .html")

    from ..io import FileError
    from ..report.wording import printable
    from ..sweep_report import read_statistics, require_report_libraries, write_files
    from ..sweep_report.terminal import WrittenReport, content_of

    try:
        require_report_libraries()
    except ImportError as error:
        raise WorkError(f"{directory}: {error}") from None
    page = out if out is not None else os.path.join(directory, "report.html")
    with cleaning_up():
        check_destination(page)
    with progress(f"reporting on {printable(directory)} …"):
        try:
            statistics = read_statistics(directory, reference)
        except FileError:
            raise
        except ValueError as error:
            raise InputError(f"--reference: {error}") from None
        require_matplotlib()
        with cleaning_up():
            written = write_files(statistics, directory, out)
    hand_out(content_of(directory, written), lambda: WrittenReport(directory, written), json=json)
