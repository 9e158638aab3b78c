"""From rows to figures: means and deviations over seeds, shares of the optimum, and what has to be said of them."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from .._machine import Machine
from ..experiments._statistics import Spread, spread_of
from ..experiments.paper.declaration import Experiment, Point
from ..experiments.paper.methods import METHODS, OPTIMUM
from ..experiments.paper.printed import TABLE_IV, Measure, Printed, measure_of, share_of_optimum
from ..experiments.paper.rows import Row
from ..experiments.paper.runs import run_at
from ..report.wording import count


@dataclasses.dataclass(frozen=True)
class Line:
    """Figures of one method at one point, or after one iteration.

    **Arguments:**

    - `point`, `method`: where, and by what.
    - `x`: the place on the horizontal axis of a figure.
    - `measure`: what `reached` is.
    - `reached`: over the seeds with a plan.
    - `milliseconds`: per scenario, over the same seeds; of the whole solve, whatever the iteration.
    - `share`: mean over seeds of this accuracy divided by that of the optimum of the same seed; NaN without one.
    - `behind`: the optimum's accuracy less this one, on the same seed: the loss above that of the optimum.
    - `tolerance`: mean over seeds of what the optimum itself may lack, by the gap to which it was solved.
    - `gap`: the largest proven gap of any seed; NaN unless all seeds have one.
    - `failures`: how many seeds have no plan.
    - `decisions`: of each kind that `placement.decisions_of` tells, by name of model or task; over the same seeds.
    - `paper`, `paper_share`: the paper's figures, where it prints any.
    """

    point: Point
    method: str
    x: float | None
    measure: Measure
    reached: Spread
    milliseconds: Spread
    share: float
    behind: Spread
    tolerance: float
    gap: float
    failures: int
    decisions: Mapping[str, Mapping[str, Spread]]
    paper: Printed | None
    paper_share: float | None

    @property
    def label(self) -> str:
        """The method, as the paper calls it."""
        return METHODS[self.method].label

    @property
    def curve(self) -> str:
        """The curve of a figure that the line belongs to."""
        return self.point.series or self.label


@dataclasses.dataclass(frozen=True)
class Summary:
    """An experiment's figures.

    **Arguments:**

    - `name`, `experiment`, `seeds`: what was asked for.
    - `lines`: the figures, in the order of points, methods and iterations.
    - `rows`: the runs that they come from, by seed, point and method; one run may stand at several places.
    - `notes`: what a reader must know of them, one sentence each.
    """

    name: str
    experiment: Experiment
    seeds: Sequence[int]
    lines: tuple[Line, ...]
    rows: tuple[tuple[Point, Row], ...]
    notes: tuple[str, ...]

    @property
    def machines(self) -> list[Machine]:
        """The machines that the runs were timed on, each once."""
        return list(dict.fromkeys(row.machine for _, row in self.rows))

    @property
    def failures(self) -> list[Row]:
        """The runs without a plan."""
        return [row for _, row in self.rows if not row.has_plan]


def summarize(
    name: str,
    experiment: Experiment,
    seeds: Sequence[int],
    done: Mapping[str, Row],
    *,
    version: str,
    time_limit: float,
) -> Summary:
    """Figures of an experiment from the runs that are done, by key; all of its own must be among them.

    The optimum that shares are taken of may be among them although its method was not asked for.
    """

    def row(point: Point, method: str, seed: int) -> Row | None:
        return done.get(run_at(point, method, seed, version=version, time_limit=time_limit).key)

    lines: list[Line] = []
    rows: list[tuple[Point, Row]] = []
    for point in experiment.points:
        optima = {seed: row(point, OPTIMUM, seed) for seed in seeds}
        for method in experiment.methods:
            own = {seed: found for seed in seeds if (found := row(point, method, seed)) is not None}
            rows += [(point, found) for found in own.values()]
            if experiment.kind == "convergence":
                lines += [_line(point, method, own, optima, 1 + after) for after in range(experiment.iterations)]
            else:
                lines.append(_line(point, method, own, optima, None))
    notes = tuple(_notes([row for _, row in rows]))
    return Summary(name, experiment, seeds, tuple(lines), tuple(rows), notes)


def _line(
    point: Point, method: str, rows: Mapping[int, Row], optima: Mapping[int, Row | None], iteration: int | None
) -> Line:
    measure = measure_of(point.benchmark)
    planned = {seed: row for seed, row in rows.items() if row.has_plan}
    worth = {seed: _worth(row, iteration) for seed, row in planned.items()}
    best = {
        seed: (optimum, optimum.objective)
        for seed in planned
        if (optimum := optima[seed]) is not None and optimum.has_plan and optimum.objective
    }
    # A share over other seeds than those of its neighbour in the table would mislead.
    compared = best if len(best) == len(planned) else {}
    gaps = [math.nan if row.gap is None else row.gap for row in planned.values()]
    return Line(
        point=point,
        method=method,
        x=point.x if iteration is None else float(iteration),
        measure=measure,
        reached=spread_of(1.0 - value if measure == "loss" else value for value in worth.values()),
        milliseconds=spread_of(1e3 * row.seconds for row in planned.values() if row.seconds is not None),
        share=spread_of(worth[seed] / objective for seed, (_, objective) in compared.items()).mean,
        behind=spread_of(objective - worth[seed] for seed, (_, objective) in compared.items()),
        tolerance=spread_of(_own_gap(optimum) * objective for optimum, objective in compared.values()).mean,
        gap=float(np.max(gaps)) if gaps else math.nan,
        failures=len(rows) - len(planned),
        decisions=_decisions(list(planned.values())),
        paper=None if point.overrides or iteration is not None else TABLE_IV.get(point.benchmark, {}).get(method),
        paper_share=None if point.overrides or iteration is not None else share_of_optimum(point.benchmark, method),
    )


def _decisions(rows: Sequence[Row]) -> Mapping[str, Mapping[str, Spread]]:
    """Return what rows that have decisions decide on average; those of one point name the same things."""
    known = [row.decisions for row in rows if row.decisions]
    if not known:
        return {}
    return {
        kind: {name: spread_of(decisions[kind][name] for decisions in known) for name in named}
        for kind, named in known[0].items()
    }


def _worth(row: Row, iteration: int | None) -> float:
    """F of a run, or what it was after an iteration, from 1 on; its last value holds from its end on."""
    if iteration is None or not METHODS[row.method].iterates or not row.history:
        return math.nan if row.objective is None else row.objective
    value = row.history[min(iteration, len(row.history)) - 1]
    return math.nan if value is None else value


def _own_gap(optimum: Row) -> float:
    """Return the relative gap that an exact run was asked for, or the one at which it stopped, if that is wider."""
    return max(float(optimum.options.get("gap", 0.0)), optimum.gap or 0.0)


def _notes(rows: Sequence[Row]) -> Iterable[str]:
    failed = [row for row in rows if not row.has_plan]
    if failed:
        counted = f"{count(len(failed), 'run')} of {len(rows):,} ended without a plan, which counts nowhere"
        yield f"{counted}: {told(failed[0])}."
    stopped = [row for row in rows if row.method == OPTIMUM and row.has_plan and row.status != "optimal"]
    if stopped:
        limit = stopped[0].options.get("time_limit", math.nan)
        yield (
            f"{count(len(stopped), 'exact run')} ended without a proof to the gap asked for, with {limit:g} s each; "
            "there the best plan found stands for the optimum."
        )
    machines = list(dict.fromkeys(row.machine for row in rows))
    if len(machines) > 1:
        yield f"The times are of {len(machines)} machines or library versions; compare them with care."
    sources = {row.source for row in rows}
    if len(sources) > 1:
        yield (
            f"The runs come from {len(sources)} states of the code under the same version number; "
            "delete runs.jsonl, or name another --out, to have them from one."
        )


def told(row: Row) -> str:
    """Return a run without a plan, in a few words."""
    setting = "".join(f", {name} = {value:g}" for name, value in row.overrides.items())
    what = row.error or f"{row.status}: {row.reason}"
    return f"{row.benchmark}{setting}, {METHODS[row.method].label}, seed {row.seed}: {what}"
