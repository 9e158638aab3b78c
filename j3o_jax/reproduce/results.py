"""The files of an experiment: written whole, one after the other, when all of its runs are done."""

import os
from collections.abc import Mapping

from ..experiments.paper.declaration import Experiment
from ..io import write_file
from .summary import Summary

JOURNAL = "runs.jsonl"


def files_of(name: str, experiment: Experiment, directory: str) -> dict[str, str]:
    """Paths of the files of an experiment, by what they are."""
    suffixes = {"markdown": ".md", "summary": ".parquet", "runs": "-runs.parquet"}
    if experiment.axis is not None:
        suffixes |= {"png": ".png", "svg": ".svg"}
    return {what: os.path.join(directory, name + suffix) for what, suffix in suffixes.items()}


def write_results(summary: Summary, files: Mapping[str, str]) -> None:
    """Write the files named by `files_of`; raises `FileError`. Each is the old one or the new one, whole."""
    from .sheets import markdown_of
    from .tables import runs_frame, summary_frame, write_frame

    frames = {"summary": summary_frame(summary), "runs": runs_frame(summary)}
    for what, frame in frames.items():
        write_file(files[what], lambda file, frame=frame: write_frame(frame, file))
    picture = files.get("svg")
    if picture is not None:
        from ..plots import save_figure
        from .drawing import draw

        figure = draw(summary)
        for what in ("png", "svg"):
            save_figure(figure, files[what])
    text = markdown_of(summary, None if picture is None else os.path.basename(picture))
    write_file(files["markdown"], lambda file: file.write(text.encode()))
