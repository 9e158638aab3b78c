"""The linear relaxation of the strong formulation, solved for whole batches by a primal-dual interior point method.

Mehrotra's predictor-corrector from a start that is strictly feasible for both programs. `relaxation_program.py` has the
program, `relaxation_newton.py` the linear algebra. The results are near-optimal prices and fractional models;
`price_bound.py` makes a bound of any prices, so that no proof depends on convergence.
"""

import functools
import operator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .interior_point_loop import Iterate, Linearization, interior_point_loop
from .materialize import compilation_unit, map_reduce, materialize, materialize_each, sum_terms, tree_reduce
from .relaxation_layout import AT_PLACES, Columns, Pairs, PerInstance, Places, Point, Rows, without_flows
from .relaxation_newton import direction, factorize
from .relaxation_program import Program, RelaxationProblem, program_of, reciprocal

# Reduced costs and multipliers of the start.
_PRICE = 0.1
# Below this gap an iteration without progress means that rounding dominates.
_NEAR = 1e-4


class Relaxation(NamedTuple):
    """Last iterate of the method, solved or not.

    - `held` ``[B, G, K, M]``, `held_edge` ``[B, G, M]``: the fractional models.
    - `stream`: price n. ``[B, G, K, T]``
    - `client` ``[B, G, K]``, `compute`, `uplink` ``[B, G]``, `cloud` ``[B]``: prices of the scaled rows.
    - `objective`, `bound`: of the last point; the bound holds to the residual. ``[B]``
    - `gap`, `residual`: relative. ``[B]``
    - `iterations`. ``[B]``
    """

    held: Any
    held_edge: Any
    stream: Any
    client: Any
    compute: Any
    uplink: Any
    cloud: Any
    objective: Any
    bound: Any
    gap: Any
    residual: Any
    iterations: Any


class Step(NamedTuple):
    """Direction: target changes ξ and η of the products y z and s w, and the changes h = Δz/z and g = Δw/w."""

    target: Pairs
    change: Pairs


class _Record(NamedTuple):
    """Best prices and bound so far, and values of the last iterate.

    - `best`: prices of the lowest bound, without those of flows.
    - `bound`, `objective`, `relative_gap`. ``[B]``
    - `gap`: Σ y z + Σ s w of the previous point. ``[B]``
    """

    best: Rows
    bound: Any
    objective: Any
    relative_gap: Any
    gap: Any


def relaxation(
    problem: RelaxationProblem, *, tolerance: float | Array = 1e-6, max_iterations: int | Array = 100
) -> Relaxation:
    """Solve the relaxation of a batch; every instance stops by itself. Both limits may be traced."""
    places = Places(problem.value_cloud.shape[:3], problem.edge_limit.shape[1], problem.edge_index)

    def init() -> tuple[Program, Array, Point]:
        program = program_of(problem, places)
        return program._replace(places=None), _count_pairs(program), _start(program)

    # The places hold no arrays of their own.
    program, terms, point = compilation_unit(init)()
    program = program._replace(places=places)
    batch, dtype = problem.value_cloud.shape[0], problem.value_cloud.dtype
    infinite = jnp.full(batch, jnp.inf, dtype=dtype)
    record = _Record(
        best=point.price._replace(flow=None),
        bound=infinite,
        objective=jnp.full(batch, jnp.nan, dtype=dtype),
        relative_gap=infinite,
        gap=infinite,
    )
    linearize = functools.partial(_linearize, program, terms, tolerance)
    done = jnp.broadcast_to(jnp.asarray(max_iterations) <= 0, (batch,))
    last = interior_point_loop(linearize, point, record, done, max_iterations, large=True)
    record = last.record

    def finalize() -> Relaxation:
        column, price = last.point.column, record.best
        return Relaxation(
            held=places.from_table(column.held),
            held_edge=jnp.transpose(column.held_edge),
            stream=places.from_table(price.stream),
            client=places.from_table(price.client),
            compute=price.compute.T,
            uplink=price.uplink.T,
            cloud=price.cloud,
            objective=record.objective,
            bound=record.bound,
            gap=record.relative_gap,
            residual=_residual(program, last.point),
            iterations=last.iterations,
        )

    return compilation_unit(finalize)()


def _linearize(program: Program, terms: Array, tolerance: float | Array, state: Iterate) -> Linearization:
    point, record = state.point, state.record
    per_instance = functools.partial(PerInstance, program.places)
    gap, bound = _complementarity(program, point), _dual_value(program, point.price)
    relative = gap / jnp.maximum(jnp.abs(bound - gap), 1e-12)
    better = ~state.done & (bound < record.bound)
    best = _select_prices(per_instance(better), point.price, record.best)
    # Different step lengths may raise the gap a little; a doubling is due to rounding, and so is any rise near the end.
    lost = ~(gap < 2.0 * record.gap) | ((relative <= _NEAR) & (gap > record.gap))
    newton = compilation_unit(lambda: factorize(program, point))()

    def solve(last: Step, centre: Array) -> Step:
        target = _targets(program, point, last, per_instance(centre))
        return Step(target, direction(program, point, newton, target))

    def centring(step: Step, primal: Array, dual: Array) -> Array:
        # At a feasible point the affine step changes the gap by its negative; the prices account for this much.
        price, change = without_flows(point.price), without_flows(step.change.row)
        by_price = _dual_value(program, jax.tree.map(jnp.multiply, price, change))
        ahead = jnp.maximum(gap - primal * (gap + by_price) + dual * by_price, 0.0)
        return (ahead / jnp.maximum(gap, jnp.finfo(gap.dtype).tiny)) ** 3 * gap / jnp.maximum(terms, 1.0)

    def take_step(step: Step, done: Array, primal: Array, dual: Array) -> Point:
        return _take_step(point, step, per_instance(~done), per_instance(primal), per_instance(dual))

    zero = jax.tree.map(jnp.zeros_like, program.minus)
    return Linearization(
        done=state.done | (relative <= tolerance) | lost,
        record=_Record(
            best=best,
            bound=jnp.where(better, bound, record.bound),
            objective=jnp.where(state.done, record.objective, bound - gap),
            relative_gap=jnp.where(state.done, record.relative_gap, relative),
            gap=gap,
        ),
        direction=solve,
        ratio_test=functools.partial(_ratio_test, program),
        centring=centring,
        take_step=take_step,
        zero=Step(zero, zero),
    )


def _start(program: Program) -> Point:
    """Strictly feasible start: models in half of the memory, flows in half of every row, prices above all values."""
    places, is_column, is_row, limit = program.places, program.is_column, program.is_row, program.limit

    def share(size: Array, mask: Array) -> Array:
        room = tree_reduce(size)
        return materialize(lambda: jnp.where(mask, 0.5 / jnp.maximum(room, 1.0)[None], 0.0))

    def half(limit: Array, used: Array) -> Array:
        return jnp.where(used > 0.0, jnp.minimum(0.5 * limit * reciprocal(used), 1.0), 1.0)

    held, held_edge = share(program.size, is_column.held), share(program.edge_size, is_column.held_edge)
    holders = program.held_by_flow(held, held_edge)
    column = Columns(
        materialize(lambda: jnp.where(is_column.flow, 0.5 * holders[:, :, None], 0.0)),
        materialize(lambda: jnp.where(is_column.cloud, 0.5, 0.0)),
        held,
        held_edge,
    )
    used = program.apply(column)
    stream, client = materialize(lambda: (half(limit.stream, used.stream), half(limit.client, used.client)))
    compute, uplink = (
        places.of_edges(half(limit.compute, used.compute)),
        places.of_edges(half(limit.uplink, used.uplink)),
    )
    cloud = places.of_instances(half(limit.cloud, used.cloud))

    def smaller() -> tuple[Array, Array]:
        local, edge = jnp.minimum(stream, client[None]), jnp.minimum(stream, jnp.minimum(compute, uplink)[None])
        flow = column.flow * jnp.stack([local, edge])[None]
        return flow, column.cloud * jnp.minimum(stream, jnp.minimum(uplink, cloud)[None])

    column = column._replace(**dict(zip(("flow", "cloud"), materialize(smaller), strict=True)))
    slack = materialize_each(
        lambda mask, limit, used: jnp.where(mask, limit - used, 0.0), is_row, limit, program.apply(column)
    )
    best = map_reduce(lambda value, u: value * reciprocal(u), program.value, program.part, combine=jnp.maximum)
    price = materialize_each(lambda mask: jnp.where(mask, _PRICE, 0.0), is_row)
    tasks = program.part.shape[2]
    by_flow = materialize(lambda: sum_terms(price.flow[:, :, t] for t in range(tasks)))
    at_edge = places.at_edges(by_flow[:, 1])
    price = price._replace(
        stream=materialize(
            lambda: (
                price.stream
                + jnp.where(is_row.stream, jnp.maximum(jnp.maximum(best[0], best[1]), program.value_cloud), 0.0)
            )
        ),
        model_bound=materialize(lambda: price.model_bound + by_flow[:, 0]),
        edge_model_bound=materialize(lambda: price.edge_model_bound + at_edge),
    )
    costs = program.apply_transpose(price, by_flow)
    if program.charge is not None:
        # Reduced costs of models; from here on all that changes them is a change of prices.
        costs = costs._replace(held=costs.held + program.charge, held_edge=costs.held_edge + program.edge_charge)
    path_cost, compute_cost = program.price_terms(price)
    reduced = Columns(
        materialize(
            lambda: jnp.where(
                is_column.flow, program.flow_costs(path_cost, compute_cost) + price.flow - program.value, 0.0
            )
        ),
        materialize(lambda: jnp.where(is_column.cloud, costs.cloud - program.value_cloud, 0.0)),
        materialize(lambda: jnp.where(is_column.held, costs.held, 0.0)),
        materialize(lambda: jnp.where(is_column.held_edge, costs.held_edge, 0.0)),
    )
    return Point(column, reduced, slack, price)


def _select_prices(mask: PerInstance, new: Rows, old: Rows) -> Rows:
    """Select the new prices, without those of flows, of some instances."""

    def select(at_places: bool, one: Array, other: Array) -> Array:
        return jnp.where(mask.expand_like(at_places, one), one, other)

    rows = [without_flows(one) for one in (AT_PLACES.row, new, old)]
    return materialize(lambda: jax.tree.map(select, *rows))


def _dual_value(program: Program, price: Rows) -> Array:
    """Dual objective, Σ of limits times prices; the limits of flows are 0 ``[B]``."""
    rows = [without_flows(one) for one in (AT_PLACES.row, program.limit, price)]
    return program.places.reduce_all(jnp.multiply, jnp.add, *rows)


def _complementarity(program: Program, point: Point) -> Array:
    """Σ y z + Σ s w, the duality gap of feasible points ``[B]``."""
    return program.places.reduce_all(jnp.multiply, jnp.add, AT_PLACES, point.primal, point.dual)


def _count_pairs(program: Program) -> Array:
    """Count the complementary pairs ``[B]``."""
    return program.places.reduce_all(jnp.negative, jnp.add, AT_PLACES, program.minus)


def _targets(program: Program, point: Point, last: Step, centre: PerInstance) -> Pairs:
    """Target changes of the products, relative to them, with Mehrotra's second-order correction of the last step."""

    def target(at_places: bool, minus: Array, one: Array, other: Array, change: Array) -> Array:
        return centre.expand_like(at_places, one) * reciprocal(one * other) + change * (1.0 + change) + minus

    return materialize_each(target, AT_PLACES, program.minus, point.primal, point.dual, last.change)


def _ratio_test(program: Program, step: Step) -> tuple[Array, Array]:
    """Ratio test: largest relative decrease of a primal and of a dual variable in a full step ``[B]``."""
    return program.places.reduce_all(
        lambda target, change: (change - target, -change), jnp.maximum, AT_PLACES, step.target, step.change
    )


def _take_step(point: Point, step: Step, alive: PerInstance, primal: PerInstance, dual: PerInstance) -> Point:
    """Move to the next point, where instances are active."""

    def move(at_places: bool, one: Array, other: Array, target: Array, change: Array) -> list[Array]:
        goes = alive.expand_like(at_places, one)
        first = one * (1.0 + primal.expand_like(at_places, one) * (target - change))
        second = other * (1.0 + dual.expand_like(at_places, one) * change)
        return [jnp.where(goes, first, one), jnp.where(goes, second, other)]

    moved = materialize_each(move, AT_PLACES, point.primal, point.dual, step.target, step.change)
    first, second = (jax.tree.map(operator.itemgetter(side), moved, is_leaf=_is_list) for side in (0, 1))
    return Point(column=first.column, reduced=second.column, slack=first.row, price=second.row)


def _is_list(node: Any) -> bool:
    return isinstance(node, list)


def _residual(program: Program, point: Point) -> Array:
    """Largest primal residual of a row ``[B]``."""
    used = program.apply(point.column)
    limit = program.limit._replace(flow=jnp.broadcast_to(program.limit.flow, used.flow.shape))
    rows = AT_PLACES.row, program.minus.row, limit, used, point.slack
    return program.places.reduce_all(lambda m, b, u, s: jnp.abs(m * (b - u - s)), jnp.maximum, *rows)
