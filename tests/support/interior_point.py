"""The interior point method of `hierarchical_lp.py` for one instance, with dense matrices: its reference.

The program, with rows divided by their capacities and values by their sum, is

    maximise v·x  subject to  A x = 1,  x ≥ 0               minimise Σw  subject to  z = Aᵀw − v ≥ 0

Rows of A are the streams, then (9) per client, (10) and (11) per edge, (12) for the cloud. Columns are the shares
(local, edge, cloud) of all streams, then one slack for each row; that of a stream is the share that is left unserved.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from j3o_kernels.offloading import AnyArray, OffloadingProblem
from j3o_kernels.tolerances import ALL_SERVED, ROWS_KEPT

# These are those of `hierarchical_lp.py`: the part of the way to the boundary that a step goes;
_STEP = 0.9995
# what leaving a share unserved costs that must be served, in units of the best value of any stream;
_PENALTY = 1e4
# the power of eps that regularises every pivot.
_REGULARIZATION = 2.0 / 3.0


class InteriorPointSolution(NamedTuple):
    """As `HierarchicalLPSolution`, of one instance."""

    local: Float[Array, "C T"]
    edge: Float[Array, "C T"]
    cloud: Float[Array, "C T"]
    client_price: Float[Array, " C"]
    edge_price: Float[Array, " E"]
    edge_uplink_price: Float[Array, " E"]
    cloud_uplink_price: Float[Array, ""]
    objective: Float[Array, ""]
    gap: Float[Array, ""]
    residual: Float[Array, ""]
    iterations: Int[Array, ""]
    solved: Bool[Array, ""]
    feasible: Bool[Array, ""]


class _Program(NamedTuple):
    matrix: Float[Array, "R N"]  # columns that are not open hold zeros
    value: Float[Array, " N"]
    is_open: Bool[Array, " N"]
    must: Bool[Array, " N"]  # unserved shares that should be 0


class _State(NamedTuple):
    iterations: Array
    done: Array
    gap: Array
    bound: Array
    x: Float[Array, " N"]
    w: Float[Array, " R"]


def interior_point(
    problem: OffloadingProblem,
    *,
    tolerance: float | Array = 1e-9,
    max_iterations: int = 60,
    serve_all: bool = False,
) -> InteriorPointSolution:
    """Solve the offloading program of one instance; arguments as of `hierarchical_lp`."""
    feasible = jnp.asarray(True)
    if serve_all:
        one = problem.wanted.astype(problem.data.dtype)
        serving = problem._replace(local_value=one, edge_value=one, cloud_value=one)
        served = _run(serving, False, jnp.asarray(False), tolerance, max_iterations)
        feasible = ~(jnp.sum(one) - _value_scale(serving) * served.bound > ALL_SERVED)
    state = _run(problem, serve_all, ~feasible, tolerance, max_iterations)
    (matrix, *_, must), *_ = _program(problem, serve_all)
    residual = jnp.maximum(jnp.max(jnp.abs(matrix @ state.x - 1.0)), jnp.max(jnp.where(must, state.x, 0.0)))

    (clients, tasks), edges = problem.data.shape, problem.edge_uplink.size
    shares = state.x[: 3 * clients * tasks].reshape(3, clients, tasks)
    objective = jnp.sum(shares * jnp.stack([problem.local_value, problem.edge_value, problem.cloud_value]))
    scale = _value_scale(problem)
    capacity = jnp.concatenate([*problem[-4:-1], jnp.atleast_1d(problem.cloud_uplink)])
    prices = state.w[clients * tasks :] * scale * _reciprocal(capacity)
    client, edge, uplink, cloud = jnp.split(prices, [clients, clients + edges, clients + 2 * edges])
    return InteriorPointSolution(
        *shares,
        client_price=client,
        edge_price=edge,
        edge_uplink_price=uplink,
        cloud_uplink_price=cloud[0],
        objective=objective,
        gap=state.gap * scale / jnp.where(objective > 0.0, objective, 1.0),
        residual=residual,
        iterations=state.iterations,
        solved=feasible & (state.gap <= tolerance * _optimum(state)) & (residual <= jnp.maximum(tolerance, ROWS_KEPT)),
        feasible=feasible,
    )


def _optimum(state: _State) -> Float[Array, ""]:
    """Value of the shares, which the gap is relative to; tiny where that is 0."""
    return jnp.maximum(state.bound - state.gap, jnp.finfo(state.gap.dtype).eps ** 2)


def _reciprocal(capacity: AnyArray) -> Array:
    return jnp.where(capacity > 0.0, 1.0 / jnp.where(capacity > 0.0, capacity, 1.0), 0.0)


def _value_scale(problem: OffloadingProblem) -> Float[Array, ""]:
    """Sum of the streams' best values, 1 where there is none: an upper bound on the optimum."""
    best = jnp.maximum(jnp.maximum(problem.local_value, problem.edge_value), problem.cloud_value)
    scale = jnp.sum(jnp.where(problem.wanted, best, 0.0))
    return jnp.where(scale > 0.0, scale, 1.0)


def _program(problem: OffloadingProblem, serve_all: bool) -> tuple[_Program, Float[Array, " N"], Float[Array, " R"]]:
    """Matrices, and a start that is strictly feasible for the dual and, but for equations, the primal."""
    clients, tasks = problem.data.shape
    edges, dtype = problem.edge_uplink.size, problem.data.dtype
    client = jnp.repeat(jnp.arange(clients), tasks)
    home = problem.client_edge[client]
    compute, work, uplink = problem.client_compute[client], problem.edge_compute[home], problem.edge_uplink[home]
    local_load, edge_load, data, wanted, local_open, edge_open, cloud_open = (
        getattr(problem, name).ravel()
        for name in ("local_load", "edge_load", "data", "wanted", "local_open", "edge_open", "cloud_open")
    )
    values = jnp.stack([problem.local_value, problem.edge_value, problem.cloud_value]).reshape(3, -1)

    # Options that can carry anything, and have to be looked at.
    def fits(load: AnyArray, capacity: AnyArray) -> AnyArray:
        return (capacity > 0.0) | (load <= 0.0)

    linked = fits(data, uplink)
    local = local_open & fits(local_load, compute)
    edge = edge_open & linked & fits(edge_load, work)
    cloud = cloud_open & linked & fits(data, problem.cloud_uplink)
    options = jnp.stack([local, edge, cloud]) & wanted[None] & (serve_all | (values > 0.0))
    local, edge, cloud = options

    of_client = (jnp.arange(clients)[:, None] == client[None]).astype(dtype)
    of_edge = (jnp.arange(edges)[:, None] == home[None]).astype(dtype)
    on_client = of_client * jnp.where(local, local_load * _reciprocal(compute), 0.0)[None]
    on_edge = of_edge * jnp.where(edge, edge_load * _reciprocal(work), 0.0)[None]
    on_uplink = of_edge * jnp.where(edge | cloud, data * _reciprocal(uplink), 0.0)[None]
    on_cloud = jnp.where(edge | cloud, data * _reciprocal(problem.cloud_uplink), 0.0)[None]
    no_client, no_edge = jnp.zeros_like(of_client), jnp.zeros_like(of_edge)
    whole = jnp.eye(client.size, dtype=dtype)
    shares = jnp.block(
        [
            [whole, whole, whole],
            [on_client, no_client, no_client],
            [no_edge, on_edge, no_edge],
            [no_edge, on_uplink, on_uplink],
            [jnp.zeros_like(on_cloud), jnp.zeros_like(on_cloud), on_cloud],
        ]
    )
    rows = shares.shape[0]
    is_open = jnp.concatenate([options.ravel(), jnp.ones(rows, dtype=bool)])
    matrix = jnp.where(is_open[None], jnp.concatenate([shares, jnp.eye(rows, dtype=dtype)], axis=1), 0.0)
    values = jnp.where(options, values / _value_scale(problem), 0.0)
    most = jnp.max(values)
    penalty = _PENALTY * jnp.where(most > 0.0, most, 1.0)
    must = jnp.zeros_like(is_open).at[options.size : -rows + client.size].set(wanted & serve_all)
    value = jnp.where(must, -penalty, jnp.concatenate([values.ravel(), jnp.zeros(rows, dtype=dtype)]))
    program = _Program(matrix, value, is_open, must)

    # Every option gets what a part of each of its rows lets through, prices follow from that.
    def part(load: Array) -> Array:
        return 0.5 / jnp.maximum(jnp.sum(load, axis=1), 0.5)

    to_edge = jnp.minimum(part(on_edge), part(on_uplink))[home]
    to_cloud = jnp.minimum(part(on_uplink), part(on_cloud))[home]
    share = jnp.where(options, 0.25 * jnp.stack([part(on_client)[client], to_edge, to_cloud]), 0.0)
    slack = 1.0 - shares @ share.ravel()
    centre = 0.5 / jnp.maximum(jnp.sum(jnp.any(options, axis=0)), 1).astype(dtype)
    w = centre / slack
    costs = (shares[client.size :].T @ w[client.size :]).reshape(values.shape)
    best = jnp.max(jnp.where(options, values - costs, 0.0), axis=0)
    return program, jnp.concatenate([share.ravel(), slack]), w.at[: client.size].add(jnp.maximum(best, 0.0))


def _run(
    problem: OffloadingProblem, serve_all: bool, done: Array, tolerance: float | Array, max_iterations: int
) -> _State:
    (matrix, value, is_open, _), x, w = _program(problem, serve_all)
    dtype, count = x.dtype, jnp.sum(is_open).astype(x.dtype)
    still = jnp.where(jnp.arange(w.size) < problem.data.size, 0.0, jnp.finfo(dtype).eps ** _REGULARIZATION)

    def furthest(point: Array, change: Array) -> Array:
        """Length of the step after which the first of the open entries is 0."""
        return 1.0 / jnp.maximum(jnp.max(jnp.where(is_open, -change / point, 0.0)), jnp.finfo(dtype).tiny)

    def iterate(state: _State) -> _State:
        x, w = jnp.where(is_open, state.x, 1.0), state.w
        z = jnp.where(is_open, matrix.T @ w - value, 1.0)
        state = state._replace(gap=jnp.sum(jnp.where(is_open, x * z, 0.0)), bound=jnp.sum(w))
        ratio = jnp.where(is_open, x / z, 0.0)
        normal = (matrix * ratio[None]) @ matrix.T + jnp.diag(still)

        def direction(push: Array) -> tuple[Array, Array, Array]:
            """Newton direction of x, w and z towards A x = 1 with z Δx + x Δz = z (push − x)."""
            dw = jnp.linalg.solve(normal, matrix @ push - 1.0)
            dz = matrix.T @ dw
            return jnp.where(is_open, push - x - ratio * dz, 0.0), dw, dz

        # The predictor aims at no gap; how far it gets says how far towards the centre the corrector has to aim.
        _, _, dz = direction(jnp.zeros_like(x))
        dx = -x * (1.0 + dz / z)
        reach = jnp.minimum(1.0, jnp.minimum(furthest(x, dx), furthest(z, dz)))
        centre = (1.0 - reach) ** 3 * state.gap / count
        dx, dw, dz = direction(jnp.where(is_open, (centre - dx * dz) / z, 0.0))
        primal, dual = (jnp.minimum(1.0, _STEP * length) for length in (furthest(x, dx), furthest(z, dz)))
        # Once NaN, never better: such an instance stops, unsolved, where it is.
        fails = ~(state.gap >= 0.0) | ~jnp.isfinite(primal) | ~jnp.isfinite(dual)
        done = state.done | (state.gap <= tolerance * _optimum(state)) | fails
        return state._replace(
            iterations=state.iterations + jnp.where(done, 0, 1),
            done=done,
            x=jnp.where(done, state.x, state.x + primal * dx),
            w=jnp.where(done, w, w + dual * dw),
        )

    infinite = jnp.asarray(jnp.inf, dtype=dtype)
    start = _State(jnp.asarray(0), done, infinite, infinite, x, w)
    # The last iteration, at which an instance is found to be done, is none of its steps.
    return jax.lax.while_loop(lambda state: (state.iterations < max_iterations) & ~state.done, iterate, start)
