"""Proven upper bounds for plans of any method, in batches, on the device, without an exact solver."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from j3o_kernels.client_groups import group_clients

from ._batched import is_brief
from ._certificate import TOLERANCE, but_for_rounding, chosen_certificate, is_refuted
from ._scenario import Scenario
from ._solution import Solution
from ._status import OPTIMAL_GAP, Status, succeeded
from ._verify import verify
from .methods.dual_bound import BOUND_TURNS, Descent, bytes_of_bound, dual_bounds
from .methods.dual_certificate import certificate_of
from .methods.few_shapes import own_certificate, sized


def certify(
    scenario: Scenario,
    solution: Solution,
    *,
    tolerance: float = 1e-5,
    max_iterations: int = 100,
    descent_steps: int = 60,
    descent_schedule: float | Callable[[Any], Any] = 0.03,
) -> Solution:
    """Prove how far each plan can be from the optimum: `solution` with `bound`, and so `gap`, filled in.

    The bound is a dual of the strong formulation (that of `ExactMILP`) whose nodes choose whole sets of models. An
    interior point method finds the prices that are best for the linear relaxation, then a first-order descent goes on
    to better ones. It is valid at any prices, computed in float64 and rounded up, so that no tolerance is in the
    proof. It does not depend on the plan, and lies below the linear relaxation: on Taskonomy-5 about 0.01 % above the
    optimum. The prices come along as `Solution.certificate`, from which `verify` recomputes the bound.

    A bound with a certificate that the solution has already is kept where it is lower and `verify` finds it proven for
    this scenario. One without, a solver's word, is no proof: it is replaced, also where it is lower, and stays readable
    as ``stats["solver_bound"]``; a plan that is then not within 0.01 % of its bound is no longer called optimal.

    **Arguments:**

    - `scenario`, `solution`: one, or batches of the same axes.
    - `tolerance`: relative gap at which the interior point method ends; a looser one gives a valid, higher bound.
    - `max_iterations`: most Newton steps of it.
    - `descent_steps`: steps of the descent (optax's Adam). They matter where memory is scarce; 0 saves their time.
    - `descent_schedule`: of its steps, in parts of the prices: an optax schedule, or the largest of a schedule that
      rises to it and falls to 0. Every new schedule is compiled anew, another number is not.

    **Returns:** the solution; where it has no plan its bound stays NaN, without a certificate. One that is said to be
    worth more than the bound, and so is not one for this scenario, ends as `Status.numerical_error`.

    **Raises:** `ValueError` for data or arguments that are not valid, or where the two do not fit together.
    """
    if scenario.batch_shape != solution.batch_shape:
        raise ValueError(
            f"certify: the scenario has the batch axes {list(scenario.batch_shape)}, "
            f"the solution {list(solution.batch_shape)}"
        )
    if solution.shared is not None:
        raise ValueError(
            "certify: these plans share one placement, and their certificate proves its bound, which that of each "
            "scenario alone would take the place of: certify solution[:] if the latter is wanted"
        )
    wanted = {"local": scenario.demand.shape, "client_models": (*scenario.demand.shape[:-1], scenario.models)}
    for name, wants in {**wanted, "edge_models": (*scenario.edge_memory.shape, scenario.models)}.items():
        if (shape := np.shape(getattr(solution, name))) != wants:
            raise ValueError(f"certify: {name} has shape {list(shape)}, the scenario wants {list(wants)}")
    scenario.require_valid()
    descent = Descent(descent_steps, descent_schedule)
    mistake = descent.problems("descent_steps", "descent_schedule")
    if mistake:
        raise ValueError(mistake)
    flat = scenario.flattened()
    groups = group_clients(np.asarray(flat.client_edge), flat.edges)
    brief = is_brief(len(flat.demand), bytes_of_bound(flat, groups), BOUND_TURNS)
    own = sized(flat, groups, brief=brief)
    found = dual_bounds(own.scenarios, own.groups, tolerance, max_iterations, descent)
    shape = scenario.batch_shape
    bound = found.bound.reshape(shape)
    proof = own_certificate(certificate_of(own.scenarios, own.groups, found.point), own)
    certificate = jax.tree.map(lambda array: array.reshape(shape + array.shape[1:]), proof)
    said, had_proof = np.asarray(solution.bound), solution.certified
    stats = dict(solution.stats)
    if (word := ~had_proof & ~np.isnan(said)).any():
        stats["solver_bound"] = np.where(word, said, np.nan)[()]
    keeps = had_proof & (said < bound)
    if np.any(keeps):
        keeps = keeps & verify(scenario, solution).proven
    status, objective = np.asarray(solution.status), np.asarray(solution.objective)
    success = succeeded(status)
    accuracy = None if solution.moves is None else np.asarray(solution.accuracy)
    bound = but_for_rounding(np.where(keeps, said, bound), objective, accuracy)
    certificate = chosen_certificate(~keeps, certificate, solution.certificate)
    refuted = success & is_refuted(bound, objective, accuracy)
    reasons = list(solution.reasons) or [""] * refuted.size
    for number in np.flatnonzero(refuted):
        reasons[number] = (
            f"the plan is said to be worth {objective.flat[number]:.9g}, and {bound.flat[number]:.9g} is the most that "
            "any plan of this scenario is worth: is it a plan for another one?"
        )
    loose = (status == Status.optimal) & (bound - objective > (OPTIMAL_GAP + TOLERANCE) * np.abs(objective))
    status = np.where(loose, int(Status.converged), np.where(refuted, int(Status.numerical_error), status))
    success = success & ~refuted
    return dataclasses.replace(
        solution,
        bound=np.where(success, bound, np.nan)[()],
        status=status[()],
        certificate=chosen_certificate(success, certificate),
        stats=stats,
        reasons=tuple(reasons) if refuted.any() else solution.reasons,
    )
