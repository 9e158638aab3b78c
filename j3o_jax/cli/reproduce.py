"""`j3o reproduce`: the paper's experiments, run again."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import __version__
from ..experiments.paper.experiments import EXPERIMENTS, LISTED
from ..experiments.paper.methods import METHODS, TIME_LIMIT
from . import _options
from ._failures import unknown
from ._interrupts import cleaning_up
from ._output import hand_out

if TYPE_CHECKING:
    # Written out in full in annotations, these are found at run time too.
    import j3o_jax.experiments.paper.rows
    import j3o_jax.experiments.paper.runs
    import j3o_jax.reproduce.summary


def reproduce(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help=LISTED)],
    seeds: Annotated[
        int, typer.Option(metavar="N", min=1, max=2**32, help="Solve the scenarios of seeds 0 to N − 1.")
    ] = 20,
    out: Annotated[
        str, typer.Option(metavar="DIR", help="Folder of the tables, pictures and finished runs.")
    ] = "reproduction",
    methods: Annotated[
        str | None, typer.Option(metavar="NAME,NAME", help=f"Only these methods: {', '.join(METHODS)}.")
    ] = None,
    benchmark: Annotated[
        str | None, typer.Option(metavar="NAME,NAME", help="Only these of the experiment's benchmarks.")
    ] = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", help="Longest time of one exact solve.")
    ] = TIME_LIMIT,
    json: _options.Json = False,
) -> None:
    """Run a table or figure of the paper again, and set its figures beside the paper's.

    Runs that are done stay done: the same command goes on where it was stopped, by Ctrl-C or otherwise.
    """
    if experiment not in EXPERIMENTS:
        raise unknown("experiment", experiment, EXPERIMENTS, "EXPERIMENT")
    chosen = EXPERIMENTS[experiment]
    narrowed = chosen.narrowed(
        _subset(methods, "method", chosen.methods, "--methods", experiment),
        _subset(benchmark, "benchmark", chosen.benchmarks, "--benchmark", experiment),
    )
    _options.require_seconds("--time-limit", time_limit)

    from ..experiments.paper.rows import RunLog
    from ..experiments.paper.runs import runs_of
    from ..report.wording import count
    from ..reproduce.results import JOURNAL, files_of, write_results
    from ..reproduce.summary import summarize, told
    from ..reproduce.terminal import ResultsReport
    from ._plans import keep_compiled

    _options.require_libraries("reproduce", "polars", *([] if narrowed.axis is None else ["matplotlib.figure"]))
    files = files_of(experiment, narrowed, out)
    _options.prepare_folder(out, (os.path.join(out, JOURNAL), *files.values()))
    run_log = RunLog(os.path.join(out, JOURNAL))
    with cleaning_up():
        done = run_log.read()
    keep_compiled()
    runs = runs_of(narrowed, range(seeds), version=__version__, time_limit=time_limit)
    missing = [run for run in runs if run.key not in done or done[run.key].error]
    done |= _solve(experiment, runs, missing, run_log)
    summary = summarize(experiment, narrowed, range(seeds), done, version=__version__, time_limit=time_limit)
    with cleaning_up():
        write_results(summary, files)
    failures, failure = summary.failures, None
    if failures:
        counted = f"{len(failures):,} of {count(len(summary.rows), 'run')} ended without a plan"
        failure = f"{experiment}: {counted}; {told(failures[0])}"
    content = {
        "experiment": summary.name,
        "title": summary.experiment.title,
        "seeds": len(summary.seeds),
        "files": files,
        "runs": {
            "all": len(runs),
            "solved_now": len(missing),
            "without_plan": len(failures),
            "unreadable_lines": run_log.unreadable,
        },
        "results": [_line_content(line) for line in summary.lines],
        "machines": [machine.model_dump() for machine in summary.machines],
        "notes": summary.notes,
    }
    hand_out(content, lambda: ResultsReport(summary, files), json=json, failure=failure)


def _subset(text: str | None, what: str, known: Sequence[str], option: str, experiment: str) -> tuple[str, ...]:
    if text is None:
        return tuple(known)
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in known:
            raise unknown(f"{what} of {experiment}", name, known, option)
    _options.require_once(names, what, option)
    return tuple(names)


def _solve(
    name: str,
    runs: "Sequence[j3o_jax.experiments.paper.runs.Run]",
    missing: "Sequence[j3o_jax.experiments.paper.runs.Run]",
    run_log: "j3o_jax.experiments.paper.rows.RunLog",
) -> "dict[str, j3o_jax.experiments.paper.rows.Row]":
    """Solve what is missing, under a progress bar, and return its rows."""
    if not missing:
        return {}

    def count_done() -> int:
        # From the log itself: Ctrl-C may come between a line and its being counted.
        there = run_log.read()
        return sum(run.key in there and not there[run.key].error for run in runs)

    from ._progress import progress

    with progress(name, len(runs), len(runs) - len(missing), "run", count_done) as advance:
        advance("loading", 0)
        from ..experiments.paper.solving import solve_runs

        return solve_runs(missing, run_log, lambda run, ended: advance(_words(run), ended))


def _words(run: "j3o_jax.experiments.paper.runs.Run") -> str:
    setting = "".join(f" {value:g}" for value in run.overrides.values())
    return f"{run.benchmark}{setting}, {METHODS[run.method].label}, seed {run.seed}"


def _line_content(line: "j3o_jax.reproduce.summary.Line") -> dict[str, Any]:
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
