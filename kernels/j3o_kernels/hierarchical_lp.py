"""The offloading step (17) for whole batches: a primal-dual interior point method that exploits the tree.

`tree_program.py` has the program and its points, `tree_newton.py` the linear algebra. Two properties keep the passes
over arrays few. The start is strictly feasible for the dual, and Newton steps keep it so: z is computed from w, never
stored, and the duality gap is Σ x z + Σ s w at every point. And the predictor needs no arrays of its own.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from .client_groups import ClientGroups
from .interior_point_loop import Iterate, Linearization, interior_point_loop
from .materialize import compilation_unit, materialize
from .offloading import OffloadingProblem
from .tolerances import ALL_SERVED, ROWS_KEPT
from .tree_newton import Direction, direction, factorize, ratio_test, take_step, zero_direction
from .tree_program import (
    Point,
    Program,
    gap_and_bound,
    interior_start,
    program_of,
    reciprocal,
    reduced_costs,
    residual_of,
    tree_of,
    value_scale,
)


class HierarchicalLPSolution(NamedTuple):
    """Shares and prices of a batch, with their gap and residual.

    - `local`, `edge`, `cloud`: shares. ``[B, C, T]``
    - `client_price` ``[B, C]``, `edge_price`, `edge_uplink_price` ``[B, E]``, `cloud_uplink_price` ``[B]``: multipliers
      of the capacities, in objective per unit of each capacity.
    - `objective`, `gap`: value of the shares, and the duality gap relative to it. ``[B]``
    - `residual`: largest violation of a row, as a part of its capacity (or of a stream's whole). ``[B]``
    - `iterations`: Newton steps. ``[B]``
    - `solved`: whether gap and residual are within the tolerances. ``[B]``
    - `feasible`: False where it is proven that not all can be served, though it must. ``[B]``
    - `bound`: the dual objective, an upper bound on the optimum. ``[B]``
    """

    local: Float[Array, "B C T"]
    edge: Float[Array, "B C T"]
    cloud: Float[Array, "B C T"]
    client_price: Float[Array, "B C"]
    edge_price: Float[Array, "B E"]
    edge_uplink_price: Float[Array, "B E"]
    cloud_uplink_price: Float[Array, " B"]
    objective: Float[Array, " B"]
    gap: Float[Array, " B"]
    residual: Float[Array, " B"]
    iterations: Int[Array, " B"]
    solved: Bool[Array, " B"]
    feasible: Bool[Array, " B"]
    bound: Float[Array, " B"]


class _Record(NamedTuple):
    """Duality gap and bound of the last iterate ``[B]``."""

    gap: Any
    bound: Any


def hierarchical_lp(
    problem: OffloadingProblem,
    groups: ClientGroups,
    *,
    tolerance: float | Array = 1e-9,
    max_iterations: int = 60,
    serve_all: bool = False,
    active: Bool[Array, " B"] | None = None,
) -> HierarchicalLPSolution:
    """Solve a batch of offloading programs; every instance stops by itself.

    **Arguments:**

    - `problem`: with the batch axis in front.
    - `groups`: from `group_clients` or `lone_clients`.
    - `tolerance`: duality gap, relative to the optimum, at which an instance is solved. It may be traced.
    - `max_iterations`: most Newton steps; the loop ends when all instances are done.
    - `serve_all`: forbid unserved shares. Then a first run maximises what is served; where its bound proves that
      something must be left, the instance is not `feasible`.
    - `active`: instances to solve; the others cost nothing and have answers without meaning. Default: all.
    """
    batch = problem.data.shape[0]
    active = jnp.ones(batch, dtype=bool) if active is None else active
    run = functools.partial(route, groups=groups, tolerance=tolerance, max_iterations=max_iterations)
    if not serve_all:
        return run(problem, active=active)

    def phase(number: Array, last: HierarchicalLPSolution) -> HierarchicalLPSolution:
        # One loop, not two calls: the program is compiled once.
        first = jnp.full(batch, number == 0)
        possible = first | all_servable(problem, last.bound)
        found = run(maximize_served(problem, first), must_serve=~first, active=active & possible)
        solved = jnp.where(first, found.solved, found.solved & possible)
        return found._replace(solved=solved, feasible=possible)

    shapes = jax.eval_shape(lambda: run(problem, active=active))
    blank: Any = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    return jax.lax.fori_loop(0, 2, phase, blank)


def maximize_served(problem: OffloadingProblem, where: Bool[Array, " B"]) -> OffloadingProblem:
    """Make phase 1 of some instances: the program that maximises the sum of the served shares."""
    one = problem.wanted.astype(problem.data.dtype)
    there = where[:, None, None]
    local, edge, cloud = (
        jnp.where(there, one, value) for value in (problem.local_value, problem.edge_value, problem.cloud_value)
    )
    return problem._replace(local_value=local, edge_value=edge, cloud_value=cloud)


def all_servable(problem: OffloadingProblem, bound: Float[Array, " B"]) -> Bool[Array, " B"]:
    """Mask of instances that the bound of `maximize_served` does not prove infeasible; NaN proves nothing ``[B]``."""
    wanted = jnp.sum(problem.wanted.astype(bound.dtype), axis=(1, 2))
    return ~(wanted - bound > ALL_SERVED)


def route(
    problem: OffloadingProblem,
    groups: ClientGroups,
    *,
    tolerance: float | Array = 1e-9,
    aim: float | Array | None = None,
    max_iterations: int = 60,
    must_serve: Bool[Array, " B"] | None = None,
    active: Bool[Array, " B"] | None = None,
) -> HierarchicalLPSolution:
    """Run the interior point method once; other arguments as of `hierarchical_lp`.

    **Arguments:**

    - `aim`: a smaller gap to go on to while that still succeeds; an instance that does not reach it is yet solved.
      It may be an array ``[B]``.
    - `must_serve`: instances whose streams are equations. They must be feasible; otherwise they end unsolved.
    """
    batch = problem.data.shape[0]
    waiting = jnp.zeros(batch, dtype=bool) if active is None else ~active
    must = jnp.zeros(batch, dtype=bool) if must_serve is None else must_serve
    program, start = compilation_unit(_init)(problem, groups, must)
    dtype = program.count.dtype
    infinite = _Record(jnp.full(batch, jnp.inf, dtype=dtype), jnp.full(batch, jnp.inf, dtype=dtype))
    goal = jnp.asarray(tolerance, dtype=dtype)
    aim = goal if aim is None else jnp.asarray(aim, dtype=dtype)
    linearize = functools.partial(_linearize, program, goal, aim)
    last = interior_point_loop(linearize, start, infinite, waiting, max_iterations)
    return compilation_unit(_solution)(problem, groups, program, last, jnp.asarray(tolerance))


def _init(problem: OffloadingProblem, groups: ClientGroups, must: Array) -> tuple[Program, Point]:
    program = program_of(problem, groups, must)
    return program, interior_start(program)


def _linearize(program: Program, tolerance: Array, aim: Array, state: Iterate) -> Linearization:
    tree = tree_of(program)
    point, record = state.point, state.record
    reduced_cost = reduced_costs(program, tree, point)
    gap, bound = gap_and_bound(point, reduced_cost)
    relative = _relative(gap, bound)
    stalls = gap > 0.5 * record.gap
    reached = (relative <= aim) | ((relative <= tolerance) & stalls)
    # A NaN never goes away: such an instance stops, unsolved.
    done = materialize(lambda: state.done | reached | ~(gap >= 0.0))
    newton = factorize(program, tree, point, reduced_cost)
    return Linearization(
        done=done,
        record=_Record(jnp.where(state.done, record.gap, gap), jnp.where(state.done, record.bound, bound)),
        direction=functools.partial(direction, program, tree, point, newton),
        ratio_test=functools.partial(ratio_test, program, point),
        centring=functools.partial(_centring, gap / program.count),
        take_step=functools.partial(take_step, point),
        zero=zero_direction(point),
    )


def _centring(mean: Array, _: Direction, primal: Array, dual: Array) -> Array:
    """σμ with σ = (1 − α)³: at a feasible point the affine step of length α leaves 1 − α of the gap."""
    return materialize(lambda: (1.0 - jnp.minimum(primal, dual)) ** 3 * mean)


def _relative(gap: Array, bound: Array) -> Array:
    """Duality gap relative to the optimum, with a tiny denominator where that is 0."""
    return gap / jnp.maximum(bound - gap, jnp.finfo(gap.dtype).eps ** 2)


def _solution(
    problem: OffloadingProblem, groups: ClientGroups, program: Program, last: Iterate, tolerance: Any
) -> HierarchicalLPSolution:
    scale = value_scale(problem)
    local, edge, cloud = (groups.from_groups(share) for share in last.point.share[:3])
    price = last.point.price
    objective = jnp.sum(
        problem.local_value * local + problem.edge_value * edge + problem.cloud_value * cloud, axis=(1, 2)
    )
    gap = last.record.gap * scale / jnp.where(objective > 0.0, objective, 1.0)
    residual = residual_of(program, last.point)
    solved = (_relative(*last.record) <= tolerance) & (residual <= jnp.maximum(tolerance, ROWS_KEPT))
    return HierarchicalLPSolution(
        local=local,
        edge=edge,
        cloud=cloud,
        client_price=groups.from_groups(price.client) * scale[:, None] * reciprocal(problem.client_compute),
        edge_price=price.edge.T * scale[:, None] * reciprocal(problem.edge_compute),
        edge_uplink_price=price.uplink.T * scale[:, None] * reciprocal(problem.edge_uplink),
        cloud_uplink_price=price.cloud * scale * reciprocal(problem.cloud_uplink),
        objective=objective,
        gap=gap,
        residual=residual,
        iterations=last.iterations,
        solved=solved,
        feasible=jnp.ones_like(last.done),
        bound=last.record.bound * scale,
    )
