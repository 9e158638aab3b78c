"""The published figures beside this file."""

import csv
from importlib.resources import files


def rows(name: str) -> list[dict[str, str]]:
    """Rows of ``data/NAME.csv`` by column; ``data/README.md`` says where they come from."""
    text = (files("j3o_jax.benchmarks") / "data" / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
