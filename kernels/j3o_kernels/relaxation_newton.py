"""Newton directions of the relaxation by Schur complements.

The multipliers of f ≤ x, g ≤ x and x ≤ 1 are eliminated first (one number each), then a client's models (one number
each), its streams, α and θ (a small dense matrix), then an edge's models, θ, π and u (a dense matrix of M + 3), then v.
A step costs C·T·M elementwise and a few small factorisations; the full matrix is never formed.

Iterates stay feasible, so that right-hand sides have no residuals. Changes are relative: with h = Δz/z and a target
change ξ y z of the product y z, Δy/y = ξ − h; likewise g = Δw/w and Δs/s = η − g. Absent variables and rows are 0, and
every expression is 0 there by itself.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from .materialize import map_reduce, materialize, materialize_each, reduce_slices, sum_terms
from .quasi_definite import inverse, matvec, outer_products
from .relaxation_layout import Pairs, Point, Rows, without_flows
from .relaxation_program import Program, reciprocal


class Newton(NamedTuple):
    """Factorization of the Newton system, ready to be solved for any right-hand side."""

    flow: Array  # 1 / (y w + s z) of flows and their rows f ≤ x [M, 2, T, N]
    slope: Array  # derivative of a flow in the price of its model: U y w / (y w + s z) [M, 2, T, N]
    by_load: Array  # the same, summed with the loads of a place's streams [M, 2, N]
    held: Array  # 1 / pivot of clients' models [M, N]
    block: Array  # inverses for streams, α and θ of a client [T + 2, T + 2, N]
    to_edge: Array  # couplings of streams to their edge: x, θ, π, u, and v last [M + 4, T, N]
    edge: Array  # inverses for x, θ, π and u of an edge [M + 3, M + 3, E·B]
    edge_to_cloud: Array  # its coupling to v, divided by its pivots, and the transposed one [M + 3, E·B]
    cloud_to_edge: Array
    cloud: Array  # 1 / pivot of v [B]


def factorize(program: Program, point: Point) -> Newton:
    """Factorize the Newton system: eliminate flows, clients' models, streams with α and θ, edges, and the cloud."""
    places, load, data = program.places, program.load, program.data
    column, reduced, slack, price = point
    y, z, s, w = column.flow, reduced.flow, slack.flow, price.flow
    sigma = materialize_each(lambda s, w: s * reciprocal(w), without_flows(slack), without_flows(price))

    flow = materialize(lambda: reciprocal(y * w + s * z))
    slope = materialize(lambda: program.part * y * w * flow)
    stiff, by_load, by_data = materialize(
        lambda: (
            sum_terms((z * w * flow)[:, :, t] for t in range(y.shape[2])),
            program.cost * sum_terms(slope[:, :, t] * load[None, :, t] for t in range(y.shape[2])),
            sum_terms(slope[:, 1, t] * data[None, t] for t in range(y.shape[2])),
        )
    )

    def weights(u: Array, y: Array, s: Array, flow: Array, cost: Array) -> tuple[Array, Array, Array]:
        weight, cost = u * u * y * s * flow, cost[:, :, None]
        return weight, weight * cost, weight * cost * cost

    weight, weight_cost, weight_square = map_reduce(weights, program.part, y, s, flow, program.cost)  # [2, T, N]
    x, xz, xs, xw = column.held, reduced.held, slack.model_bound, price.model_bound
    held = materialize(lambda: x * xs * reciprocal(xz * xs + x * xs * stiff[:, 0] + xw * x))

    block, through = _blocks(program, point, sigma, slope, by_load, held, (weight, weight_cost, weight_square))
    by_work = materialize(lambda: load[1] * weight_cost[1])
    beyond = materialize(lambda: column.cloud * reciprocal(reduced.cloud) * program.cloud_data)
    to_edge = materialize(
        lambda: jnp.concatenate(
            [-slope[:, 1], jnp.stack([jnp.zeros_like(data), by_work, through * data, beyond])], axis=0
        )
    )
    tasks = data.shape[0]
    solution = materialize(lambda: sum_terms(block[:tasks, t][None] * to_edge[:, t][:, None] for t in range(tasks)))
    schur = _over_places(program, to_edge, solution)
    sums = places.at_edges(
        materialize(
            lambda: jnp.concatenate(
                [
                    jnp.stack([stiff[:, 1], by_load[:, 1], by_data]).reshape(-1, y.shape[3]),
                    jnp.stack(
                        [
                            reduce_slices(load[1] * load[1] * weight_square[1]),
                            reduce_slices(by_work * data),
                            reduce_slices(through * data * data),
                            reduce_slices(data * beyond),
                            reduce_slices(beyond * program.cloud_data),
                        ]
                    ),
                ]
            )
        )
    )
    matrix = _edges(program, point, sigma, sums, schur)
    edge = inverse(matrix[:-1, :-1])
    to_cloud, from_cloud, corner = materialize(lambda: (matrix[:-1, -1], matrix[-1, :-1], matrix[-1, -1]))
    edge_to_cloud = matvec(edge, to_cloud)
    lost = map_reduce(lambda a, b: a * b, from_cloud, edge_to_cloud)
    rest = materialize(lambda: (corner - lost).reshape(places.edges, places.batch))
    pivot = materialize(lambda: jnp.sum(rest, axis=0) + sigma.cloud)
    return Newton(
        flow=flow,
        slope=slope,
        by_load=by_load,
        held=held,
        block=block,
        to_edge=to_edge,
        edge=edge,
        edge_to_cloud=edge_to_cloud,
        cloud_to_edge=from_cloud,
        cloud=materialize(lambda: jnp.where(program.is_row.cloud, 1.0 / pivot, 0.0)),
    )


def _blocks(
    program: Program, point: Point, sigma: Rows, slope: Array, by_load: Array, held: Array, weights: tuple[Array, ...]
) -> tuple[Array, Array]:
    """Inverses of the clients' diagonal blocks, and the streams' diagonal terms of flows over the uplink."""
    load, is_row = program.load, program.is_row
    weight, weight_cost, weight_square = weights
    tasks = load.shape[1]
    to_models = materialize(
        lambda: jnp.concatenate([slope[:, 0], by_load[:, 0][:, None], program.size[:, None]], axis=1)
    )  # [M, T + 2, N]
    gram = map_reduce(
        lambda to, pivot: to[:, :, None] * (to * pivot[:, None])[:, None], to_models, held
    )  # [T + 2, T + 2, N]
    through = materialize(lambda: weight[1] + point.column.cloud * reciprocal(point.reduced.cloud))

    def matrix() -> Array:
        diagonal = jnp.where(is_row.stream, weight[0] + through + sigma.stream, 1.0)
        to_client = load[0] * weight_cost[0]
        client = jnp.where(is_row.client, reduce_slices(load[0] * load[0] * weight_square[0]) + sigma.client, 1.0)
        memory = jnp.where(is_row.memory, sigma.memory, 1.0)
        nothing = jnp.zeros_like(memory)
        streams = jnp.eye(tasks)[:, :, None] * diagonal[None]
        top = jnp.concatenate([streams, to_client[:, None], jnp.zeros_like(to_client)[:, None]], axis=1)
        middle = jnp.concatenate([to_client, jnp.stack([client, nothing])])[None]
        bottom = jnp.concatenate([jnp.zeros_like(to_client), jnp.stack([nothing, memory])])[None]
        return gram + jnp.concatenate([top, middle, bottom])

    return inverse(materialize(matrix)), through


def _edges(program: Program, point: Point, sigma: Rows, sums: Array, schur: Array) -> Array:
    """Schur complements of all clients in the edges' matrices ``[M + 4, M + 4, E·B]``."""
    is_row, models = program.is_row, program.cost.shape[0]
    x, z = point.column.held_edge, point.reduced.held_edge
    s, w = point.slack.edge_model_bound, point.price.edge_model_bound

    def matrix() -> Array:
        stiff, by_load, by_data = (sums[i * models : (i + 1) * models] for i in range(3))
        work, work_data, uplink, uplink_cloud, cloud = (sums[3 * models + i] for i in range(5))
        pivot = jnp.where(program.is_column.held_edge, z * reciprocal(x) + stiff + w * reciprocal(s), 1.0)
        zero = jnp.zeros_like(work)
        side = jnp.stack([program.edge_size, by_load, by_data, jnp.zeros_like(stiff)], axis=1)
        corner = [
            jnp.stack([jnp.where(is_row.edge_memory, sigma.edge_memory, 1.0), zero, zero, zero]),
            jnp.stack([zero, jnp.where(is_row.compute, work + sigma.compute, 1.0), work_data, zero]),
            jnp.stack([zero, work_data, jnp.where(is_row.uplink, uplink + sigma.uplink, 1.0), uplink_cloud]),
            jnp.stack([zero, zero, uplink_cloud, cloud]),
        ]
        top = jnp.concatenate([jnp.eye(models)[:, :, None, None] * pivot[None], side], axis=1)
        bottom = jnp.concatenate([-jnp.swapaxes(side, 0, 1), jnp.stack(corner)], axis=1)
        sign = _signs(models)[:, None, None]
        return jnp.concatenate([top, bottom]).reshape(models + 4, models + 4, -1) - sign * schur

    return materialize(matrix)


def _signs(models: int) -> Array:
    return jnp.concatenate([-jnp.ones(models), jnp.ones(4)])


def _over_places(program: Program, left: Array, right: Array) -> Array:
    """Outer products of couplings, summed over the streams of each edge ``[M + 4, M + 4, E·B]``."""
    places, size = program.places, left.shape[0]
    lanes = places.groups * places.batch
    products = outer_products(left.reshape(size, -1, lanes), right.reshape(size, -1, lanes))
    return places.sum_groups(products.reshape(size, size, places.groups, places.batch)).reshape(size, size, -1)


def direction(program: Program, point: Point, newton: Newton, target: Pairs) -> Pairs:
    """Solve for h = Δz/z and g = Δw/w, given target changes ξ and η of the products."""
    by_column, by_row = target
    places, is_row = program.places, program.is_row
    column, reduced, slack, price = point
    load, data, cost = program.load, program.data, program.cost
    slope, flow, to_edge = newton.slope, newton.flow, newton.to_edge
    y, z, s, w = column.flow, reduced.flow, slack.flow, price.flow
    tasks, models = data.shape[0], cost.shape[0]

    # The multipliers of f ≤ x, then the models of clients.
    def at_models() -> Array:
        return sum_terms(
            (z * w * flow * (y * by_column.flow + s * by_row.flow))[:, :, t] for t in range(tasks)
        )  # [M, 2, N]

    at_model = materialize(at_models)
    own = materialize_each(jnp.multiply, without_flows(slack), without_flows(by_row))
    cloud = materialize(lambda: column.cloud * by_column.cloud)
    gain = materialize(lambda: reduced.held * by_column.held + at_model[:, 0] - price.model_bound * by_row.model_bound)
    pushed = materialize(lambda: jnp.stack([newton.held * gain, jnp.zeros_like(gain)], axis=1))

    def flows(u: Any, y: Any, s: Any, slope: Any, xi: Any, eta: Any, pushed: Any, cost: Any) -> tuple[Any, Any]:
        sent = u * y * xi - slope * (y * xi + s * eta - pushed[:, :, None])
        return sent, sent * cost[:, :, None]

    sent, work = map_reduce(flows, program.part, y, s, slope, by_column.flow, by_row.flow, pushed, cost)  # [2, T, N]
    at_memory = map_reduce(lambda size, push: size * push[:, 0], program.size, pushed)

    def right() -> Array:
        stream = sent[0] + sent[1] + cloud + own.stream
        return jnp.concatenate(
            [stream, jnp.stack([reduce_slices(load[0] * work[0]) + own.client, at_memory + own.memory])]
        )

    base = matvec(newton.block, materialize(right))
    signs = _signs(models)[:, None]

    def of_places() -> Array:
        back = signs * sum_terms(to_edge[:, t] * base[None, t] for t in range(tasks))
        on_way = jnp.stack(
            [
                reduce_slices(load[1] * work[1]),
                reduce_slices(data * (sent[1] + cloud)),
                reduce_slices(program.cloud_data * cloud),
            ]
        )
        return jnp.concatenate([at_model[:, 1], back, on_way])

    sums = places.at_edges(materialize(of_places))

    def at_edges() -> Array:
        gain = (
            reduced.held_edge * by_column.held_edge + sums[:models] - price.edge_model_bound * by_row.edge_model_bound
        )
        rows = jnp.stack([own.edge_memory, sums[2 * models + 4] + own.compute, sums[2 * models + 5] + own.uplink])
        return (jnp.concatenate([gain, rows]) - sums[models : 2 * models + 3]).reshape(models + 3, -1)

    edge = matvec(newton.edge, materialize(at_edges))
    to_cloud = map_reduce(lambda a, b: a * b, newton.cloud_to_edge, edge)

    def at_cloud() -> Array:
        rest = (sums[2 * models + 6] - sums[2 * models + 3]) - to_cloud.reshape(places.edges, places.batch)
        return (jnp.sum(rest, axis=0) + own.cloud) * newton.cloud

    cloud_price = materialize(at_cloud)

    def at_each_edge() -> Array:
        every = jnp.broadcast_to(cloud_price[None], (places.edges, places.batch)).reshape(-1)
        lower = jnp.concatenate([edge - newton.edge_to_cloud * every[None], every[None]])
        return lower.reshape(models + 4, places.edges, places.batch)

    at_edge = materialize(at_each_edge)
    at_place = places.of_edges(at_edge)
    back = map_reduce(lambda to, back: to * back[:, None], to_edge, at_place)

    def blocks() -> Array:
        return base - sum_terms(newton.block[:, t] * back[t][None] for t in range(tasks))

    block = materialize(blocks)
    stream, client, memory = materialize_each(
        lambda mask, one: jnp.where(mask, one, 0.0),
        (is_row.stream, is_row.client, is_row.memory),
        (block[:tasks], block[tasks], block[tasks + 1]),
    )
    held_edge, edge_memory, compute, uplink = materialize(
        lambda: (
            jnp.where(program.is_column.held_edge, at_edge[:models], 0.0),
            *(
                jnp.where(mask, at_edge[models + i], 0.0)
                for i, mask in enumerate((is_row.edge_memory, is_row.compute, is_row.uplink))
            ),
        )
    )

    # Back to what was eliminated.
    change = Rows(None, stream, memory, edge_memory, None, None, client, compute, uplink, cloud_price)
    path_cost, compute_cost = program.price_terms(change)

    def models_held() -> Array:
        pulled = sum_terms(slope[:, 0, t] * path_cost[None, 0, t] for t in range(tasks))
        pulled = pulled + client[None] * newton.by_load[:, 0]
        return newton.held * (gain - pulled - program.size * memory[None])

    held = materialize(models_held)
    holders = program.held_by_flow(held, held_edge)

    def of_flows() -> tuple[Array, Array]:
        pull = program.flow_costs(path_cost, compute_cost)
        rise = flow * (z * (y * by_column.flow + s * by_row.flow - holders[:, :, None]) - y * pull)
        return (pull + w * rise) * reciprocal(z), rise

    flow_column, flow_row = materialize(of_flows)
    by_flow = materialize(lambda: sum_terms((w * flow_row)[:, :, t] for t in range(tasks)))
    model_bound = materialize(lambda: by_row.model_bound + held * reciprocal(slack.model_bound))
    edge_model_bound = materialize(lambda: by_row.edge_model_bound + held_edge * reciprocal(slack.edge_model_bound))
    change = change._replace(
        model_bound=materialize(lambda: price.model_bound * model_bound),
        edge_model_bound=materialize(lambda: price.edge_model_bound * edge_model_bound),
    )
    transposed = program.apply_transpose(change, by_flow)

    def ratio(change: Array, value: Array) -> Array:
        return change * reciprocal(value)

    columns = materialize_each(ratio, transposed, without_flows(reduced))
    rows = materialize_each(ratio, change, without_flows(price))
    return Pairs(columns._replace(flow=flow_column), rows._replace(flow=flow_row))
