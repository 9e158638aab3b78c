"""`j3o diff`: what changes from one plan to another, before anything is rolled out."""

from typing import Annotated

import typer

import j3o_jax

from ..io import check_readable
from ..plots import plot_difference, save_figure
from . import _options
from ._failures import InputError
from ._interrupts import cleaning_up
from ._output import hand_out


def diff(
    before: Annotated[str, typer.Argument(metavar="PLAN", help="The plan that is in place (.json, .npz).")],
    after: Annotated[str, typer.Argument(metavar="PLAN2", help="The plan that is to take its place (.json, .npz).")],
    deployment: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The deployment that PLAN2 is for (.yaml, .json, .npz): sizes and demand."),
    ] = None,
    cost_per_gb: _options.CostPerGB = None,
    plot: Annotated[str | None, _options.picture("Draw it")] = None,
    json: _options.Json = False,
) -> None:
    """Show what moves where from one plan to another, over which links, and what that gains and costs."""
    _options.require_cost(cost_per_gb, before)
    if cost_per_gb is not None and deployment is None:
        raise InputError("--cost-per-gb: sizes of models are in the deployment: name it by --deployment")
    for path in (before, after):
        check_readable(path, "plan")
    if deployment is not None:
        check_readable(deployment, "deployment")
    _options.require_picture_place(plot)

    from ..report.difference import DifferenceReport, content_of, difference_of
    from ._plans import read_one_scenario, read_plan

    scenario = None if deployment is None else read_one_scenario(deployment, "diff")
    old = j3o_jax.load(before, want=j3o_jax.Solution)
    if scenario is None or deployment is None:
        new = j3o_jax.load(after, want=j3o_jax.Solution)
    else:
        new = read_plan(after, scenario, deployment)
        wanted = (scenario.clients, scenario.models), (scenario.edges, scenario.models), scenario.demand.shape
        if (new.client_models.shape, new.edge_models.shape, new.local.shape) != wanted:
            raise InputError(f"{after}: is a plan of other sizes than {deployment}: name a plan for it")
    try:
        difference = difference_of(old, new, scenario, cost_per_gb)
    except ValueError as error:
        words = str(error).replace("previous: its models", f"{before}: its models").replace("the scenario", after)
        raise InputError(f"{before}, {after}: {words}") from None
    if plot is not None:
        figure = plot_difference(difference)
        with cleaning_up():
            save_figure(figure, plot)
    facts = [("Picture", plot)] if plot is not None else []
    content = {"before": before, "after": after, "deployment": deployment, "picture": plot, **content_of(difference)}
    hand_out(content, lambda: DifferenceReport(difference, f"From {before} to {after}", facts), json=json)
