"""Manifest of a folder of results. Loads nothing that solves."""

import os
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from .._machine import Machine
from ..io import MANIFEST, FileError

ROWS = "rows"
WAYS = ("local", "edge", "cloud", "unserved")
"""How queries may be answered, as rows have it."""

RESULTS_FORMAT = "j3o-sweep-results-1"
METADATA = "j3o"
"""Key of a Parquet file's metadata under which the figures of its chunk's run are, as JSON."""


class Manifest(BaseModel):
    """Description of what a folder holds the results of.

    - `name`, `spec`, `digest`: the specification, as plain data, and its SHA-256.
    - `grid`, `drawn`: the parameters that take several values, and those that are drawn.
    - `methods`: labels.
    - `scenarios`, `rows`, `chunks`: how many there are when all is done.
    - `version`, `source`: of this package, and a digest of the code that solves.
    - `machine`: that began it; every chunk has its own.
    - `precision`: of the numbers.
    - `created`: date and time, UTC, ISO 8601.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: str = RESULTS_FORMAT
    name: str
    digest: str
    spec: dict[str, Any]
    grid: list[str]
    drawn: list[str]
    methods: list[str]
    scenarios: int
    rows: int
    chunks: int
    version: str
    source: str
    machine: Machine
    precision: str = "float64"
    created: str


def read_manifest(folder: str | os.PathLike[str]) -> Manifest:
    """Read what a folder of results is of; raises `FileError` where it is none."""
    path = os.path.join(os.fspath(folder), MANIFEST)
    try:
        with open(path, encoding="utf-8") as file:
            return Manifest.model_validate_json(file.read())
    except FileNotFoundError:
        there = os.path.isdir(folder)
        said = "holds no sweep, there is no manifest.json in it" if there else "is not there"
        raise FileError(os.fspath(folder), f"{said}: name the --out folder of a sweep") from None
    except (NotADirectoryError, IsADirectoryError):
        raise FileError(os.fspath(folder), "is no folder of a sweep: name the --out folder of one") from None
    except OSError as error:
        raise FileError(path, f"cannot be read ({error.strerror}): check the permissions") from None
    except (ValidationError, UnicodeDecodeError):
        raise FileError(path, "is not a manifest that this version reads: run the sweep into another folder") from None
