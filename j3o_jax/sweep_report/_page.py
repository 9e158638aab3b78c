"""The page: pictures, tables and words put into its template."""

import importlib.resources
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from ..plots.sheets import Named, Picture, draw_alone, draw_sample, places_of, svg_of
from ..report.wording import count, printable
from . import _tables, _view
from ._inline import inlined, symbol
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
    *,
    rows_folder: str,
    picture_links: Mapping[str, Sequence[_view.Link]],
    csv_links: Sequence[_view.Link],
    version: str,
    made: str,
) -> str:
    """The page as HTML.

    **Arguments:**

    - `statistics`, `pictures`: what it shows.
    - `rows_folder`: where the rows are, from where the page is.
    - `picture_links`: files of each picture, by its key.
    - `csv_links`: files of the tables.
    - `version`, `made`: by what, and when.
    """
    looks = sorted({_tables.look_of(statistics, method) for method in statistics.methods})
    shown = {picture.key: _shown(picture, picture_links.get(picture.key, ())) for picture in pictures}
    sections = {name: _arranged([shown[key] for key in keys if key in shown]) for name, keys in _SECTIONS.items()}
    has_grid = bool(statistics.manifest.grid)
    contents = [(key, words) for key, words in _CONTENTS.items() if sections.get(key, True) or key in ("speed",)]
    chunks = _view.chunk_links(statistics, rows_folder)
    return _template().render(
        css=Markup(_asset("report.css")),
        js=Markup(_asset("report.js")),
        title=_view.title_of(statistics),
        lead=_view.lead(statistics),
        finding=_view.finding(statistics),
        notes=_view.notes(statistics),
        tiles=_view.tiles(statistics),
        facts=_view.facts(statistics),
        specification=_view.specification(statistics),
        complete=statistics.complete,
        done=f"{statistics.chunks.height:,} of {statistics.manifest.chunks:,}",
        reference=printable(statistics.reference or ""),
        contents=[(key, words if has_grid or key != "points" else "All figures") for key, words in contents],
        has_grid=has_grid,
        sections=sections,
        symbols=_symbols(looks),
        overview=_tables.overview(statistics),
        outcomes=_tables.outcomes(statistics),
        reasons=_tables.reasons(statistics),
        speeds=_tables.speeds(statistics),
        points=_tables.points(statistics),
        csv=csv_links,
        rows_folder=rows_folder,
        rows_href=quote(rows_folder),
        snippet=_snippet(rows_folder),
        chunks=chunks,
        chunks_left_out=statistics.chunks.height - len(chunks),
        chunks_told=f"{count(statistics.chunks.height, 'chunk')}, {count(statistics.done, 'row')}",
        version=version,
        made=made,
    )


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tied"] = _tied
    return environment.get_template("report.html.j2")


def _tied(text: str) -> str:
    """Text whose signs and units stay on the line of their number."""
    for sign in (" %", " ±", "± "):
        text = text.replace(sign, sign.replace(" ", "\N{NO-BREAK SPACE}"))
    return text


def _asset(name: str) -> str:
    return importlib.resources.files("j3o_jax.sweep_report").joinpath("page", name).read_text(encoding="utf-8")


def _symbols(looks: Iterable[int]) -> Markup:
    """How each look is drawn, small, to be used wherever its name stands."""
    return Markup("").join(Markup(symbol(svg_of(draw_sample(Named("", look))), f"look{look}")) for look in looks)


def _shown(picture: Picture, files: Sequence[_view.Link]) -> dict[str, Any]:
    """What the template knows of a picture."""
    return {
        "key": picture.key,
        "title": picture.title,
        "caption": picture.caption,
        "names": [(name.words, name.look, name.colour.lower()) for name in picture.names],
        "panels": list(_panels(picture)),
        "files": files,
        "look": "wide" if len(picture.panels) > 1 else "",
    }


def _panels(picture: Picture) -> Iterator[tuple[str, Markup]]:
    for number, panel in enumerate(picture.panels):
        figure = draw_alone(panel)
        svg = svg_of(figure)
        words = f"{picture.title}{f', {panel.title}' if panel.title else ''}. {picture.caption}"
        yield panel.title, Markup(inlined(svg, f"{picture.key}{number}", words, places_of(figure, panel)))


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
