"""From a sweep's folder to the files of its report."""

import dataclasses
import datetime as dt
import importlib.util
import os
from typing import TYPE_CHECKING

from ..io import FileError, write_file

if TYPE_CHECKING:
    # Written out in full in annotations, it is found at run time too.
    import j3o_jax.sweep_report._statistics

REMEDY = "the report needs polars, matplotlib and jinja2: pip install 'j3o-jax[experiments]'"
PAGE = "report.html"
_NEEDED = ("polars", "matplotlib", "jinja2")


@dataclasses.dataclass(frozen=True)
class Report:
    """Files that were written.

    **Arguments:**

    - `page`: the HTML file.
    - `pictures`: SVG and PNG files, by what they show.
    - `tables`: CSV files.
    - `statistics`: the figures in them.
    """

    page: str
    pictures: dict[str, list[str]]
    tables: list[str]
    statistics: "j3o_jax.sweep_report._statistics.Statistics"


def require_report_libraries() -> None:
    """Raise `ImportError` that says what to install, if a library is missing; this loads none of them."""
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        raise ImportError(REMEDY)


def write_report(
    directory: str, out: str | None = None, *, reference: str | None = None, made: str | None = None
) -> Report:
    """Write the report of the sweep in a folder: a page, its pictures as SVG and PNG, its figures as CSV.

    **Arguments:**

    - `directory`: the sweep's results; it may still be going on.
    - `out`: the page; None for report.html in the folder. Pictures and tables go into a folder beside it: figures, or,
      for a page of another name, that name with -figures.
    - `reference`: label of the method that others are compared with; None for the first.
    - `made`: the date that the page bears; None for now.

    **Raises:** `FileError` for results that cannot be read and files that cannot be written, `ValueError` for a
    reference without rows, `ImportError` without the libraries.
    """
    return write_files(read_statistics(directory, reference), directory, out, made=made)


def read_statistics(directory: str, reference: str | None = None) -> "j3o_jax.sweep_report._statistics.Statistics":
    """Compute the statistics of the sweep in a folder; see `write_report`."""
    require_report_libraries()
    import polars as pl

    from ..sweeps import read_chunks, read_manifest, read_sweep
    from ._statistics import statistics_of

    manifest = read_manifest(directory)
    try:
        chunks = read_chunks(directory)
        if not chunks.height or not chunks["rows"].sum():
            raise FileError(directory, "has no finished chunk yet: let `j3o sweep` go on, and ask again")
        labels = sorted(set(chunks["method"]))
        if reference is not None and reference not in labels:
            raise ValueError(f"{reference!r} has no rows here: there are {', '.join(labels)}")
        return statistics_of(manifest, read_sweep(directory), chunks, reference)
    except (pl.exceptions.PolarsError, OSError) as error:
        told = " ".join(str(error).split())[:160]
        remedy = "delete the damaged chunk, and the same `j3o sweep` makes it again"
        raise FileError(os.path.join(directory, "rows"), f"cannot be read ({told}): {remedy}") from None


def write_files(
    statistics: "j3o_jax.sweep_report._statistics.Statistics",
    directory: str,
    out: str | None = None,
    *,
    made: str | None = None,
) -> Report:
    """Write the report with these figures; see `write_report`. Each file is the old one or the new one, whole."""
    from ..plots import save_figure
    from ._page import page_of
    from ._pictures import pictures_of

    page = os.path.join(directory, PAGE) if out is None else out
    folder = figures_folder(page)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise FileError(folder, f"cannot be made ({error.strerror}): choose another place with --out") from None
    drawn = pictures_of(statistics)
    files: dict[str, list[str]] = {}
    for picture in drawn:
        figure = picture.draw()
        files[picture.key] = [os.path.join(folder, f"{picture.key}{suffix}") for suffix in (".svg", ".png")]
        for path in files[picture.key]:
            save_figure(figure, path)
    tables: list[str] = []
    for name, frame in (("methods.csv", statistics.by_method), ("points.csv", statistics.by_point)):
        tables.append(os.path.join(folder, name))
        write_file(tables[-1], lambda file, frame=frame: file.write(frame.write_csv().encode()))
    made = made or f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC"
    html = page_of(statistics, drawn, page, os.path.join(directory, "rows"), files, tables, made)
    # Half of a surrogate pair in a name is no text that a file can hold.
    write_file(page, lambda file: file.write(html.encode("utf-8", errors="replace")))
    return Report(page, files, tables, statistics)


def figures_folder(page: str) -> str:
    """Name the folder of the pictures and tables of a page."""
    folder, name = os.path.split(page)
    return os.path.join(folder, "figures" if name == PAGE else f"{os.path.splitext(name)[0]}-figures")
