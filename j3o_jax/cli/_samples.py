"""The work of `j3o new`, where that is more than to copy a text."""

import os
import tempfile

from ..benchmarks import NAMES
from ..io import example_deployment, load, save
from ._interrupts import cleaning_up
from ._output import write


def write_sample(benchmark: str, seed: int, path: str) -> None:
    """Put scenario `seed` of a benchmark at `path`, or on stdout if that is "-"."""
    scenario = NAMES[benchmark]().sample(seed)
    with cleaning_up():
        if path != "-":
            save(scenario, path)
            return
        with tempfile.TemporaryDirectory() as directory:
            copy = os.path.join(directory, "deployment.yaml")
            save(scenario, copy)
            with open(copy, encoding="utf-8") as file:
                text = file.read()
    write(text)


def write_example(path: str) -> None:
    """Put the example at `path` in a format that has no comments."""
    with cleaning_up(), tempfile.TemporaryDirectory() as directory:
        original = os.path.join(directory, "deployment.yaml")
        with open(original, "w", encoding="utf-8") as file:
            file.write(example_deployment())
        save(load(original), path)
