"""The work of `j3o reproduce`."""

import os
from collections.abc import Sequence
from typing import Any

from .. import __version__
from ..experiments.paper.declaration import Experiment
from ..experiments.paper.methods import METHODS
from ..experiments.paper.rows import Row, RunLog
from ..experiments.paper.runs import Run, runs_of
from ..report.wording import count
from ..reproduce.results import JOURNAL, files_of, write_results
from ..reproduce.summary import Line, Summary, summarize, told
from ._failures import WorkError
from ._interrupts import cleaning_up
from ._output import plain, show, show_json
from ._places import prepare_folder
from ._plans import keep_compiled
from ._progress import progress


def reproduce_experiment(
    name: str, experiment: Experiment, seeds: Sequence[int], *, out: str, time_limit: float, json: bool
) -> None:
    """Solve the runs of an experiment that are not done yet, and write its tables and pictures into `out`."""
    _require_libraries(experiment)
    files = files_of(name, experiment, out)
    prepare_folder(out, (os.path.join(out, JOURNAL), *files.values()))
    journal = RunLog(os.path.join(out, JOURNAL))
    with cleaning_up():
        done = journal.read()
    keep_compiled()
    runs = runs_of(experiment, seeds, version=__version__, time_limit=time_limit)
    missing = [run for run in runs if run.key not in done or done[run.key].error]
    _work(name, runs, missing, journal, done)
    summary = summarize(name, experiment, seeds, done, version=__version__, time_limit=time_limit)
    with cleaning_up():
        write_results(summary, files)
    counts = {"all": len(runs), "solved_now": len(missing), "without_plan": len(summary.failures)}
    content = _content(summary, files, counts | {"unreadable_lines": journal.unreadable})
    failures = summary.failures
    failure = None
    if failures:
        counted = f"{len(failures):,} of {count(len(summary.rows), 'run')} ended without a plan"
        failure = WorkError(f"{name}: {counted}; {told(failures[0])}", plain(content))
    if not json:
        from ..reproduce.terminal import ResultsReport

        show(ResultsReport(summary, files))
    elif failure is None:
        show_json(content)
    if failure is not None:
        raise failure


def _require_libraries(experiment: Experiment) -> None:
    needed = ["polars"] if experiment.axis is None else ["polars", "matplotlib"]
    for library in needed:
        try:
            __import__(library if library == "polars" else "matplotlib.figure")
        except ImportError:
            raise WorkError(f"reproduce needs {library}: pip install 'j3o-jax[experiments]'") from None


def _work(name: str, runs: Sequence[Run], missing: Sequence[Run], journal: RunLog, done: dict[str, Row]) -> None:
    """Solve what is missing, and add it to the journal and to `done`."""
    if not missing:
        return

    def count_done() -> int:
        # From the journal itself: Ctrl-C may come between a line and its being counted.
        there = journal.read()
        return sum(run.key in there and not there[run.key].error for run in runs)

    with progress(name, len(runs), len(runs) - len(missing), "run", count_done) as advance:
        advance("loading", 0)
        from ..experiments.paper.solving import Runner

        runner = Runner()
        for run in missing:
            advance(_words(run), 0)
            row = runner.solve(run)
            journal.append(row)
            done[run.key] = row
            advance(_words(run), 1)


def _words(run: Run) -> str:
    setting = "".join(f" {value:g}" for value in run.overrides.values())
    return f"{run.benchmark}{setting}, {METHODS[run.method].label}, seed {run.seed}"


def _content(summary: Summary, files: dict[str, str], counts: dict[str, int]) -> dict[str, Any]:
    return {
        "experiment": summary.name,
        "title": summary.experiment.title,
        "seeds": len(summary.seeds),
        "files": files,
        "runs": counts,
        "results": [_line_content(line) for line in summary.lines],
        "machines": [machine.model_dump() for machine in summary.machines],
        "notes": summary.notes,
    }


def _line_content(line: Line) -> dict[str, Any]:
    return {
        "benchmark": line.point.benchmark,
        "overrides": line.point.overrides,
        "series": line.point.series,
        "x": line.x,
        "method": line.method,
        "label": line.label,
        "measure": line.measure,
        "reached": line.reached,
        "milliseconds": line.milliseconds,
        "share_of_optimum": line.share,
        "largest_gap": line.gap,
        "failures": line.failures,
        "decisions": line.decisions,
        "paper": line.paper,
        "paper_share_of_optimum": line.paper_share,
    }
