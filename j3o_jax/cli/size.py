"""`j3o size`: what to buy, and for how much accuracy."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

import j3o_jax

from ..io import FileError, check_readable
from ..plots import plot_front, save_figure
from . import _methods, _options
from ._failures import InputError, WorkError
from ._interrupts import cleaning_up, last
from ._output import hand_out, progress

if TYPE_CHECKING:
    from ..sizing import Progress, Sizing, Wanted

_PLANNER = "price-directed"
_CHECKED = "every plan keeps every limit, checked independently"


def size(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Deployment with options (.yaml, .json).")],
    budget: Annotated[
        float | None, typer.Option(metavar="PRICE", help="Most that may be spent: find the best within it.")
    ] = None,
    target: Annotated[
        float | None, typer.Option(metavar="ACCURACY", help="Accuracy that is enough: find the cheapest that has it.")
    ] = None,
    gap: Annotated[
        float, typer.Option(metavar="GAP", help="Relative difference of accuracy that is not worth a plan.")
    ] = 1e-3,
    method: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="How to plan, price-directed (ended early) if not given: j3o, exact-milp …"),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Settle by an exact search what plans and bounds leave open, one by one.")
    ] = False,
    time_limit: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help=f"Longest exact search; {_methods.TIME_LIMIT:g} if not given."),
    ] = None,
    most_plans: Annotated[int | None, typer.Option(min=1, help="End when so many options have a plan.")] = None,
    folder: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Keep what is found here; the same command goes on from there.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the deployment of the answer (.yaml, .json).")
    ] = None,
    plan: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the plan of the answer (.json, .npz).")
    ] = None,
    plot: Annotated[str | None, _options.picture("Draw the front")] = None,
    json: _options.Json = False,
) -> None:
    """Find what to buy: the cheapest options for each accuracy, of thousands, with a proof."""
    _require_numbers(budget, target)
    _options.require_gap(gap)
    _options.require_seconds("--time-limit", time_limit)
    choice = _methods.choose(method or _PLANNER, "--method", time_limit=time_limit)
    if choice.name == _methods.AUTO:
        raise InputError("--method auto: chooses for one deployment, and this plans many: name another one")
    check_readable(file, "deployment")
    _options.require_place(plan, file, option="--plan")
    _options.require_place(out, file, kind="deployment")
    _options.require_picture_place(plot)
    from ..sizing import PLANNER, read_options
    from ._plans import keep_compiled, require_support

    wanted = read_options(file)
    budget = wanted.budget if budget is None else budget
    target = wanted.target if target is None else target
    if (out or plan) and budget is None and target is None:
        option = "--out" if out else "--plan"
        raise InputError(f"{option}: is of the answer to a --budget or a --target: give one of them")
    built = PLANNER if method is None else choice.build()
    require_support(built, choice.name, wanted.scenario, file)
    keep_compiled()
    settling = j3o_jax.ExactMILP(gap=min(gap, 1e-4), time_limit=choice.time_limit) if exact else None
    try:
        with _watching(file, folder) as watch:
            sizing = j3o_jax.size(
                wanted.scenario,
                wanted.choices,
                budget=budget,
                target=target,
                gap=gap,
                method=built,
                exact=settling,
                most_plans=most_plans,
                folder=folder,
                watch=watch,
            )
    except FileError:
        raise
    except ValueError as error:
        raise InputError(f"{file}: {error}") from None
    except j3o_jax.ViolationError as error:
        raise WorkError(f"{file}: {error}") from None
    _finish(file, sizing, wanted, choice.name, {"deployment": out, "plan": plan, "picture": plot}, folder, json)


def _require_numbers(budget: float | None, target: float | None) -> None:
    if budget is not None and not 0.0 <= budget < float("inf"):
        raise InputError(f"--budget {budget:g}: must be a number of at least 0")
    if target is not None and not 0.0 < target <= 1.0:
        raise InputError(f"--target {target:g}: must be an accuracy above 0, up to 1, such as 0.9")


@contextmanager
def _watching(file: str, folder: str | None) -> Iterator[Any]:
    """Context that shows how far the search is; Ctrl-C ends it with a line that says where it is kept."""

    def say_goodbye() -> None:
        if folder is not None:
            words = f"j3o: what was planned is in {folder}; the same command goes on from there\n"
            os.write(sys.stderr.fileno(), words.encode())

    with progress(f"size: planning the first options for {file} …") as show, last(say_goodbye):

        def watch(now: "Progress") -> None:
            show(f"size: {now.plans:,} of {now.options:,} options have a plan, {now.open:,} are open …")

        yield watch


def _finish(
    file: str,
    sizing: "Sizing",
    wanted: "Wanted",
    method: str,
    written: dict[str, str | None],
    folder: str | None,
    json: bool,
) -> None:
    from ..report.sizing import SizingReport, content_of, proof

    content = {"file": file, "method": method, "folder": folder, **written, **content_of(sizing, wanted.currency)}
    nothing: dict[str, Any] = dict.fromkeys(written)
    answer = sizing.answer
    if not len(sizing.price):
        raise WorkError(f"{file}: no option has a plan that serves all the load", {**content, **nothing})
    asked = sizing.goal.budget is not None or sizing.goal.target is not None
    failure = f"{file}: {proof(sizing, wanted.currency)}" if asked and answer is None else None
    if answer is not None:
        with cleaning_up():
            if written["deployment"] is not None:
                j3o_jax.save(sizing.scenario(answer), written["deployment"])
            if written["plan"] is not None and sizing.solutions is not None:
                j3o_jax.save(sizing.solutions[answer], written["plan"])
    if written["picture"] is not None:
        figure = plot_front(sizing, wanted.currency)
        with cleaning_up():
            save_figure(figure, written["picture"])
    if failure is not None:
        content |= {"deployment": None, "plan": None}
    facts = [("Check", _CHECKED)]
    facts += [
        (word.capitalize(), path)
        for word, path in written.items()
        if path and (answer is not None or word == "picture")
    ]
    title = f"What to buy for {file} ({method})"
    hand_out(content, lambda: SizingReport(sizing, wanted.currency, title, facts), json=json, failure=failure)
