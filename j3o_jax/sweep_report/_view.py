"""Text of the page besides pictures and tables: what was run, what must be said of it, where the rows are."""

import dataclasses
import math
import os
from collections.abc import Sequence
from io import StringIO
from typing import Any
from urllib.parse import quote

import polars as pl
from ruamel.yaml import YAML

from ..report.wording import NOTHING, count, gap_words, listed, long_duration, moment, part_of, printable, with_spread
from ._statistics import Statistics

CHUNKS_LISTED = 40


@dataclasses.dataclass(frozen=True)
class Link:
    """A file beside the page, and what is told of it."""

    href: str
    text: str
    told: str = ""


def title(statistics: Statistics) -> str:
    """Return the name of the sweep."""
    return printable(statistics.manifest.name) or "A sweep"


def lead(statistics: Statistics) -> str:
    """One sentence that says what this is."""
    manifest = statistics.manifest
    family = manifest.spec.get("benchmark") or manifest.spec.get("deployment") or "scenarios"
    points = statistics.by_point["point"].n_unique()
    of_points = f" at {count(points, 'point')} of a grid" if manifest.grid else ""
    by = listed([printable(label) for label in statistics.methods])
    return f"{count(manifest.scenarios, 'scenario')} of {printable(str(family))}{of_points}, solved by {by}."


def finding(statistics: Statistics) -> str:
    """Write the comparison in a sentence, "" where there is nothing to compare."""
    compared = statistics.by_method.filter(pl.col("gain").is_not_null())
    if not compared.height:
        return ""
    best = compared.sort("gain", descending=True).row(0, named=True)
    reference = printable(str(statistics.reference))
    gain, half = best["gain"], best["gain_half_width"]
    spread = with_spread(abs(gain), half)
    sure = half is not None and abs(gain) > half
    told = f"on the {count(best['gain_n'], 'scenario')} that both solved"
    name = printable(best["method"])
    if not sure:
        nearest = with_spread(gain, half, signed=True)
        return f"No method is above {reference} beyond chance; the nearest is {name}, {nearest} {told}."
    if gain > 0:
        return f"{name} is best: {spread} above {reference} in mean objective, {told}."
    return f"{reference} is best: the next, {name}, is {spread} below it in mean objective, {told}."


def notes(statistics: Statistics) -> list[str]:
    """Write notes that a reader must know before reading anything into the figures."""
    manifest, by_method = statistics.manifest, statistics.by_method
    found: list[str] = []
    if not statistics.complete:
        found.append(
            f"This sweep is not complete: {statistics.chunks.height:,} of {count(manifest.chunks, 'chunk')} and "
            f"{statistics.done:,} of {count(manifest.rows, 'row')} are here. "
            "The same j3o sweep command goes on where it stopped."
        )
    missing = [label for label in manifest.methods if label not in statistics.methods]
    if missing:
        found.append(f"Nothing is here yet from {listed([printable(label) for label in missing])}.")
    if statistics.failures:
        share = part_of(statistics.failures, statistics.done)
        found.append(f"{count(statistics.failures, 'row')} ({share}) have no plan. They count in no mean.")
    if by_method["planned"].n_unique() > 1:
        found.append(
            "The methods have plans for different numbers of scenarios, so their means are over different scenarios: "
            "compare them by the paired differences."
        )
    if by_method["half_width"].null_count() == by_method.height:
        found.append("One seed is no sample: there are no confidence intervals.")
    machines = statistics.chunks.select("processor", "device").unique().height
    if machines > 1:
        found.append(f"The chunks were solved on {machines} kinds of machine; compare times only within one.")
    return found


def tiles(statistics: Statistics) -> list[tuple[str, str, str]]:
    """List the most important figures: a word, the figure, and what belongs to it."""
    manifest, by_method = statistics.manifest, statistics.by_method
    seeds = manifest.spec.get("seeds")
    per_point = f"{seeds['count']:,} seeds" if isinstance(seeds, dict) and "count" in seeds else ""
    points = statistics.by_point["point"].n_unique()
    across = f"{count(points, 'point')} × {per_point}" if manifest.grid and per_point else per_point
    seconds = float(statistics.chunks["seconds"].sum())
    compiled = float(statistics.chunks["compile_seconds"].sum())
    found = [
        ("Scenarios", f"{manifest.scenarios:,}", across),
        (
            "Plans",
            f"{int(by_method['planned'].sum()):,}",
            f"{count(statistics.failures, 'row')} without" if statistics.failures else "one for every row",
        ),
    ]
    if statistics.bounded:
        proven, planned = int(by_method["proven"].sum()), int(by_method["planned"].sum())
        largest = by_method["gap_max"].max()
        told = gap_words(float(largest)) if isinstance(largest, float) and math.isfinite(largest) else NOTHING
        found.append(("Bounded", part_of(proven, planned), f"largest gap {told}"))
    found.append(("Solving", long_duration(seconds), f"and {long_duration(compiled)} of compiling"))
    return found


def facts(statistics: Statistics) -> list[tuple[str, str]]:
    """Describe what was run, as terms and what they are."""
    manifest, machine = statistics.manifest, statistics.manifest.machine
    chunks = statistics.chunks
    kinds = chunks.select("device", "processor").unique().sort("device", "processor").rows()
    finished = [str(value) for value in chunks["finished"] if value]
    versions = {name: getattr(machine, name, "") for name in ("python", "jax", "highspy")}
    told = [
        ("Begun", moment(manifest.created)),
        ("Last chunk", moment(max(finished)) if finished else NOTHING),
        ("Chunks", f"{chunks.height:,} of {manifest.chunks:,} done"),
        ("Rows", f"{statistics.done:,} of {manifest.rows:,}"),
        ("Time", f"{long_duration(float(chunks['seconds'].sum()))} of solving, all workers together"),
        ("Machines", "; ".join(f"{device}, {processor}" for device, processor in kinds)),
        ("Precision", manifest.precision),
        ("Versions", ", ".join([f"j3o-jax {manifest.version}", *(f"{k} {v}" for k, v in versions.items() if v)])),
        ("Code", manifest.source),
        ("Specification", f"SHA-256 {manifest.digest[:16]}…"),
    ]
    return [(term, printable(text)) for term, text in told]


def specification(statistics: Statistics) -> str:
    """Write the specification as the YAML file that `j3o sweep` reads."""
    plain: dict[str, Any] = {"name": statistics.manifest.name} if statistics.manifest.name else {}
    plain |= {key: value for key, value in statistics.manifest.spec.items() if value is not None and value != {}}
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 100
    yaml.allow_unicode = True
    stream = StringIO()
    yaml.dump(plain, stream)
    return "".join(
        letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}"
        for letter in stream.getvalue()
    )


def relative(path: str, page: str) -> str:
    """Write a path as seen from the page."""
    return os.path.relpath(path, os.path.dirname(os.path.abspath(page))).replace(os.sep, "/")


def chunk_links(statistics: Statistics, folder: str) -> list[Link]:
    """List the first chunks' files."""
    shown = statistics.chunks.sort("chunk").head(CHUNKS_LISTED).to_dicts()
    return [
        Link(
            f"{quote(folder)}/{quote(os.path.basename(row['chunk']))}",
            printable(os.path.basename(row["chunk"])),
            f"{row['rows']:,} rows of {printable(row['method'])}, {long_duration(row['seconds'])}",
        )
        for row in shown
    ]


def file_links(names: Sequence[str], page: str) -> list[Link]:
    """Files as links from the page."""
    places = [relative(name, page) for name in names]
    return [Link(quote(place), os.path.splitext(place)[1].removeprefix(".").upper()) for place in places]
