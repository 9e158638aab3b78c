"""The page: pictures, tables and words put into its template."""

import importlib.resources
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from .. import __version__
from ..plots.panels import Named
from ..plots.sheet import draw_alone, draw_sample, places_of, svg_of
from ..report.wording import count, printable
from . import _tables, _view
from ._inline import inlined, symbol
from ._pictures import Picture, look_of
from ._statistics import Statistics

# Which pictures stand in which section.
_SECTIONS: Mapping[str, Sequence[str]] = {
    "results": ("objective", "difference", "distribution", "drawn"),
    "certificates": ("gaps", "certificates"),
    "traffic": ("traffic",),
    "speed": ("rates",),
}
_CONTENTS = {
    "results": "Results",
    "certificates": "Certificates",
    "traffic": "Traffic",
    "outcomes": "Outcomes",
    "speed": "Speed",
    "points": "Every point",
    "run": "What was run",
    "rows": "The rows",
}


def page_of(
    statistics: Statistics,
    pictures: Sequence[Picture],
    page: str,
    rows_folder: str,
    picture_files: Mapping[str, Sequence[str]],
    tables: Sequence[str],
    made: str,
) -> str:
    """Render the page as HTML.

    **Arguments:**

    - `statistics`, `pictures`: what it shows.
    - `page`, `rows_folder`, `picture_files`, `tables`: where it will be, and what it links to.
    - `made`: when.
    """
    looks = sorted({look_of(statistics, method) for method in statistics.methods})
    shown = {p.key: _shown(p, _view.file_links(picture_files[p.key], page)) for p in pictures}
    sections = {name: _arranged([shown[key] for key in keys if key in shown]) for name, keys in _SECTIONS.items()}
    contents = {key: words for key, words in _CONTENTS.items() if sections.get(key, True) or key == "speed"}
    has_grid = bool(statistics.manifest.grid)
    folder = _view.relative(rows_folder, page)
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"tied": _tied, "printable": printable, "quoted": quote}
    return environment.get_template("report.html.j2").render(
        s=statistics,
        view=_view,
        tables=_tables,
        count=count,
        css=Markup(_asset("report.css")),
        js=Markup(_asset("report.js")),
        # How each look is drawn, small, to be used wherever its name stands.
        symbols=Markup("").join(Markup(symbol(svg_of(draw_sample(Named("", look))), f"look{look}")) for look in looks),
        contents=contents if has_grid else contents | {"points": "All figures"},
        has_grid=has_grid,
        sections=sections,
        csv=_view.file_links(tables, page),
        rows_folder=folder,
        snippet=_snippet(folder),
        version=__version__,
        made=made,
    )


def _tied(text: str) -> str:
    """Text whose signs and units stay on the line of their number."""
    for sign in (" %", " ±", "± "):
        text = text.replace(sign, sign.replace(" ", "\N{NO-BREAK SPACE}"))
    return text


def _asset(name: str) -> str:
    return importlib.resources.files("j3o_jax.sweep_report").joinpath("page", name).read_text(encoding="utf-8")


def _shown(picture: Picture, files: Sequence[_view.Link]) -> dict[str, Any]:
    """Return what the template knows of a picture."""
    panels = []
    for number, panel in enumerate(picture.panels):
        figure = draw_alone(panel)
        words = f"{picture.title}{f', {panel.title}' if panel.title else ''}. {picture.caption}"
        svg = inlined(svg_of(figure), f"{picture.key}{number}", words, places_of(figure, panel))
        panels.append((panel.title, Markup(svg)))
    return {
        "key": picture.key,
        "title": picture.title,
        "caption": picture.caption,
        "names": [(name.words, name.look, name.colour.lower()) for name in picture.names],
        "panels": panels,
        "files": files,
        "look": "wide" if len(picture.panels) > 1 else "",
    }


def _arranged(pictures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pictures of one panel go two by two; one that is left over has its words beside it."""
    waiting: dict[str, Any] | None = None
    for picture in pictures:
        if picture["look"] == "wide":
            if waiting is not None:
                waiting["look"] = "lone"
            waiting = None
        else:
            waiting = picture if waiting is None else None
    if waiting is not None:
        waiting["look"] = "lone"
    return pictures


def _snippet(folder: str) -> str:
    files = f"{folder}/*.parquet"
    return f"""\
# Python, polars
import polars as pl

rows = pl.scan_parquet({files!r})
print(rows.group_by("method").agg(pl.col("objective").mean(), pl.len()).collect())

-- DuckDB
SELECT method, avg(objective), count(*) FROM '{files.replace("'", "''")}' GROUP BY method;
"""
