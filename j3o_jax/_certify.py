"""Proven upper bounds for plans of any method, in batches, on the device, without an exact solver."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from j3o_kernels.client_groups import group_clients

from ._certificate import chosen_certificate
from ._scenario import Scenario
from ._solution import Solution
from ._status import Status
from .methods._certificate import certificate_of
from .methods._dual_bound import Descent, dual_bounds


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

    A bound with a certificate that the solution has already is kept where it is lower. One without, a solver's word, is
    no proof: it is replaced, also where it is lower, and stays readable as ``stats["solver_bound"]``.

    **Arguments:**

    - `scenario`, `solution`: one, or batches of the same axes.
    - `tolerance`: relative gap at which the interior point method ends; a looser one gives a valid, higher bound.
    - `max_iterations`: most Newton steps of it.
    - `descent_steps`: steps of the descent (optax's Adam). They matter where memory is scarce; 0 saves their time.
    - `descent_schedule`: of its steps, in parts of the prices: an optax schedule, or the largest of a schedule that
      rises to it and falls to 0. Every new schedule is compiled anew, another number is not.

    **Returns:** the solution; where it has no plan its bound stays NaN, without a certificate.

    **Raises:** `ValueError` for data or arguments that are not valid, or where the two do not fit together.
    """
    if scenario.batch_shape != solution.batch_shape:
        raise ValueError(
            f"certify: the scenario has the batch axes {list(scenario.batch_shape)}, "
            f"the solution {list(solution.batch_shape)}"
        )
    problems = scenario.problems()
    if problems:
        raise ValueError(problems[0].message)
    descent = Descent(descent_steps, descent_schedule)
    mistake = descent.problems("descent_steps", "descent_schedule")
    if mistake:
        raise ValueError(mistake)
    flat = scenario.flattened()
    groups = group_clients(np.asarray(flat.client_edge), flat.edges)
    found = dual_bounds(flat, groups, tolerance, max_iterations, descent).results
    shape = scenario.batch_shape
    bound = found.bound.reshape(shape)
    certificate = jax.tree.map(
        lambda array: array.reshape(shape + array.shape[1:]), certificate_of(flat, groups, found.point)
    )
    said, had_proof = np.asarray(solution.bound), solution.certified
    stats = dict(solution.stats)
    if (word := ~had_proof & ~np.isnan(said)).any():
        stats["solver_bound"] = np.where(word, said, np.nan)[()]
    keeps = had_proof & (said <= bound)
    success = np.isin(np.asarray(solution.status), [status for status in Status if status.success])
    bound = np.where(keeps, said, bound)
    certificate = chosen_certificate(~keeps, certificate, solution.certificate)
    return dataclasses.replace(
        solution,
        bound=np.where(success, bound, np.nan)[()],
        certificate=chosen_certificate(success, certificate),
        stats=stats,
    )
