"""Options that several commands have, and what can be told of their values before anything is read or solved."""

import dataclasses
import math
import os
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, TypeAlias

import typer

from ..io import FileError, check_destination, check_writable, make_folder
from ..plots import check_suffix, require_matplotlib
from ._failures import InputError, WorkError, unknown
from ._interrupts import cleaning_up

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Gap: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="GAP", help="Gap at which methods that prove one call a plan optimal, such as 1e-4."),
]
Previous: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="PLAN", help="The plan before (.json, .npz): what it holds need not be moved."),
]
CostPerGB: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="COST", help="What moving 1,000 MB of models costs, in accuracy: 0.001 is 0.1 points."),
]
PlanFile: TypeAlias = Annotated[str | None, typer.Option(metavar="FILE", help="Write the plan (.json, .npz).")]


def seed(text: str = "Seed of methods that draw at random.") -> Any:
    """Make an option for a seed; `text` says of what."""
    return typer.Option(min=0, max=2**32 - 1, help=text)


def picture(draws: str) -> Any:
    """Make an option for the file of a picture; `draws` says of what, such as ``Draw it``."""
    return typer.Option(metavar="FILE", help=f"{draws} (.png, .svg, .pdf).")


Seed: TypeAlias = Annotated[int | None, seed()]


def require_seconds(option: str, value: float | None) -> None:
    """Refuse the value of an option that is given and is no time in seconds."""
    if value is not None and not 0.0 < value < math.inf:
        raise InputError(f"{option} {value:g}: must be a number of seconds above 0")


def require_gap(value: float | None) -> None:
    """Refuse a --gap that is given and is none."""
    if value is not None and not 0.0 <= value < math.inf:
        raise InputError(f"--gap {value:g}: must be a number of at least 0, such as 1e-4")


def require_cost(value: float | None, previous: str | None) -> None:
    """Refuse a --cost-per-gb that is given and is none, or that is given without --previous."""
    if value is None:
        return
    if not 0.0 <= value < math.inf:
        raise InputError(f"--cost-per-gb {value:g}: must be a number of at least 0, such as 0.001")
    if previous is None:
        raise InputError("--cost-per-gb: what has to be moved is told by the plan before: name it by --previous")


SAMPLES = 200
"""Draws of an uncertain demand, unless told otherwise."""
_MOST_SAMPLES = 100_000


@dataclasses.dataclass(frozen=True)
class Uncertainty:
    """What a placement is to be good for: see `j3o_jax.uncertain_scenarios` and `j3o_jax.solve_shared`."""

    demand_noise: float
    samples: int
    edge_failures: float
    cvar: float | None
    cvar_weight: float


def uncertainty(
    demand_noise: float | None,
    samples: int | None,
    edge_failures: float | None,
    cvar: float | None,
    cvar_weight: float | None,
) -> Uncertainty | None:
    """Read the options of an uncertain demand and of failing edges; None where there are none of them."""
    uncertain = "--demand-noise or --edge-failures"
    for option, value, what, needs, there in (
        ("--samples", samples, "draws nothing", "--demand-noise", demand_noise is not None),
        ("--cvar", cvar, "means nothing", uncertain, demand_noise is not None or edge_failures is not None),
        ("--cvar-weight", cvar_weight, "means nothing", "--cvar", cvar is not None),
    ):
        if value is not None and not there:
            raise InputError(f"{option}: {what} without {needs}: give that too, or leave it out")
    if demand_noise is not None and not 0.0 < demand_noise < math.inf:
        raise InputError(f"--demand-noise {demand_noise:g}: must be a number above 0, such as 0.3 for 30 %")
    if samples is not None and not 1 <= samples <= _MOST_SAMPLES:
        raise InputError(f"--samples {samples}: must be from 1 to {_MOST_SAMPLES:,}")
    for option, value, such in (("--edge-failures", edge_failures, "0.01"), ("--cvar", cvar, "0.1")):
        if value is not None and not 0.0 < value <= 1.0:
            raise InputError(f"{option} {value:g}: must be a number above 0, at most 1, such as {such}")
    if cvar_weight is not None and not 0.0 <= cvar_weight <= 1.0:
        raise InputError(f"--cvar-weight {cvar_weight:g}: must be a number from 0 to 1")
    if demand_noise is None and edge_failures is None:
        return None
    draws = 1 if demand_noise is None else SAMPLES if samples is None else samples
    weight = 1.0 if cvar_weight is None else cvar_weight
    return Uncertainty(demand_noise or 0.0, draws, edge_failures or 0.0, cvar, weight)


def require_once(names: Sequence[str], what: str, option: str) -> None:
    """Refuse a list in which a name stands more than once; `what` the names are names of."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{option}: {twice!r} is there twice: name each {what} once")


def require_time_unit(unit: str | None) -> None:
    """Refuse a --time-unit that is none."""
    from ..io.tables import SECONDS

    if unit is not None and unit not in SECONDS:
        raise unknown("unit", unit, SECONDS, "--time-unit")


def named_columns(option: str | None, known: Sequence[str]) -> dict[str, str] | None:
    """Read the value of --columns, by the names `known`."""
    if option is None:
        return None
    from ..io.tables import columns_of

    try:
        return columns_of(option, known)
    except ValueError as error:
        raise InputError(f"--columns: {error}") from None


def require_place(
    path: str | None, file: str, *, kind: Literal["plan", "deployment"] = "plan", option: str = "--out"
) -> None:
    """Make sure that what comes of `file` can be put at the `path` of an option, if it is asked for."""
    if path is None:
        return
    with cleaning_up():
        check_writable(path, kind)
    if os.path.exists(path) and os.path.samefile(file, path):
        raise InputError(f"{option} {path}: is the file that is read: name another file")


def require_picture_place(path: str | None) -> None:
    """Make sure that a picture can be put at `path`, if one is asked for, and drawn: this loads matplotlib."""
    if path is None:
        return
    try:
        check_suffix(path)
    except ValueError as error:
        raise InputError(f"--plot: {error}") from None
    with cleaning_up():
        check_destination(path)
    try:
        require_matplotlib()
    except ImportError as error:
        raise WorkError(f"--plot: {error}") from None


def prepare_folder(out: str, paths: Iterable[str]) -> None:
    """Make the folder of --out, and make sure that everything can be put there before hours of work are done."""
    try:
        make_folder(out)
    except FileError as error:
        raise InputError(f"--out {error}") from None
    with cleaning_up():
        for path in paths:
            check_destination(path)


def require_libraries(command: str, *libraries: str) -> None:
    """Say what to install where one of the libraries of a command is missing; their names may be those of modules."""
    for library in libraries:
        try:
            __import__(library)
        except ImportError:
            name = library.partition(".")[0]
            raise WorkError(f"{command} needs {name}: pip install 'j3o-jax[experiments]'") from None
