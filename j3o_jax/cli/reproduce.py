"""`j3o reproduce`: the paper's experiments, run again. Here are the options; the work is in `_reproducing`."""

import math
from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from ..experiments.paper.experiments import EXPERIMENTS, LISTED
from ..experiments.paper.methods import METHODS, TIME_LIMIT
from ._failures import InputError, unknown


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
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Run a table or figure of the paper again, and set its figures beside the paper's.

    Runs that are done stay done: the same command goes on where it was stopped, by Ctrl-C or otherwise.
    """
    if experiment not in EXPERIMENTS:
        raise unknown("experiment", experiment, EXPERIMENTS, "EXPERIMENT")
    chosen = EXPERIMENTS[experiment]
    methods_chosen = _subset(methods, "method", chosen.methods, "--methods", experiment)
    benchmarks_chosen = _subset(benchmark, "benchmark", chosen.benchmarks, "--benchmark", experiment)
    if not 0.0 < time_limit < math.inf:
        raise InputError(f"--time-limit {time_limit:g}: must be a number of seconds above 0")

    from ._reproducing import reproduce_experiment

    narrowed = chosen.narrowed(methods_chosen, benchmarks_chosen)
    reproduce_experiment(experiment, narrowed, range(seeds), out=out, time_limit=time_limit, json=json)


def _subset(text: str | None, what: str, known: Sequence[str], option: str, experiment: str) -> tuple[str, ...]:
    if text is None:
        return tuple(known)
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in known:
            raise unknown(f"{what} of {experiment}", name, known, option)
    twice = _first(name for name in names if names.count(name) > 1)
    if twice is not None:
        raise InputError(f"{option}: {twice!r} is there twice: name each {what} once")
    return tuple(names)


def _first(names: Iterable[str]) -> str | None:
    return next(iter(names), None)
