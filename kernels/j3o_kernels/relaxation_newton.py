"""Newton steps on the relaxation of `relaxation_program.py`, by elimination.

The multipliers of f ≤ x, g ≤ x and x ≤ 1 are eliminated first (one number each), then a client's models (one number
each), its streams, α and θ (a small dense matrix), then an edge's models, θ, π and u (a dense matrix of M + 3), then v.
A step costs C·T·M elementwise and a few small factorisations; no matrix of the whole is formed.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .relaxation_program import Columns, Point, Program, Rows, total_over


class Newton:
    """The Newton system of a point, eliminated; `step` solves it for right-hand sides."""

    def __init__(self, program: Program, point: Point):
        problem = program.problem
        self.program, self.point = program, point
        is_open, is_row = program.is_open, program.is_row
        self.d = Columns(
            *(jnp.where(o, y / z, 0.0) for o, y, z in zip(is_open, point.column, point.reduced, strict=True))
        )
        self.sigma = Rows(*(s / w for s, w in zip(point.slack, point.price, strict=True)))
        d, sigma = self.d, self.sigma

        def flows(d: Array, sigma: Array, part: Array, mask: Array) -> tuple[Array, Array, Array]:
            e = jnp.where(mask, 1.0 / (d + sigma), 0.0)
            return e, part * d * e, part * part * d * sigma * e

        self.e, self.k, self.h = flows(d.local, sigma.local, problem.part_local, is_row.local)
        self.e_edge, self.k_edge, self.h_edge = flows(d.edge, sigma.edge, problem.part_edge, is_row.edge)
        e_sum, e_edge_sum = total_over(self.e, 3), program.to_edges(total_over(self.e_edge, 2, 3))
        pivot = point.reduced.held / point.column.held + e_sum + 1.0 / sigma.whole
        self.held_pivot = jnp.where(is_open.held, 1.0 / pivot, 0.0)  # [B, G, K, M]

        # The clients' dense blocks: streams, α, θ.
        kl = total_over(self.k * program.load, 3)  # κ [B, G, K, M]
        inverse, size, load = self.held_pivot, problem.client_size, program.load
        kp = self.k * inverse[:, :, :, None]
        nn = jnp.einsum("bgktm,bgksm->bgkts", kp, self.k)
        h_local, h_edge = total_over(self.h, 4), total_over(self.h_edge, 4)
        self.through = h_edge + d.cloud
        diagonal = h_local + self.through + sigma.stream
        diagonal = jnp.where(is_row.stream, diagonal, 1.0)
        nn = nn + diagonal[..., None] * jnp.eye(nn.shape[-1])[None, None, None]
        na = total_over(self.h * load, 4) + jnp.einsum("bgktm,bgkm->bgkt", kp, kl)
        nt = jnp.einsum("bgktm,bgkm->bgkt", kp, size)
        aa = total_over(self.h * load * load, 3, 4) + total_over(kl * kl * inverse, 3) + sigma.client
        at = total_over(kl * inverse * size, 3)
        tt = total_over(size * size * inverse, 3) + sigma.rent
        aa, tt = jnp.where(is_row.client, aa, 1.0), jnp.where(is_row.rent, tt, 1.0)
        top = jnp.concatenate([nn, na[..., None], nt[..., None]], axis=4)
        row_a = jnp.concatenate([na, aa[..., None], at[..., None]], axis=3)[:, :, :, None]
        row_t = jnp.concatenate([nt, at[..., None], tt[..., None]], axis=3)[:, :, :, None]
        self.block = inverted(jnp.concatenate([top, row_a, row_t], axis=3))

        # What the streams say to their edge: columns x, θ, π, u, and v last.
        work, data = program.work, problem.data
        by_work = total_over(self.h_edge * work, 4)
        zero = jnp.zeros_like(data)
        beyond = d.cloud * problem.cloud_data
        tail = jnp.stack([zero, by_work, self.through * data, beyond], axis=-1)
        to_edge = jnp.concatenate([-self.k_edge, tail], axis=4)  # [B, G, K, T, M + 4]
        sign = jnp.concatenate([-jnp.ones(size.shape[-1]), jnp.ones(4)])
        self.sign = sign
        self.to_edge = to_edge
        solved = self._in_blocks(to_edge)  # of the streams' rows
        schur = program.to_edges(jnp.einsum("bgkti,bgktj->bgij", to_edge * sign[None, None, None, None], solved))

        models = size.shape[-1]
        edge_pivot = point.reduced.held_edge / point.column.held_edge + e_edge_sum + 1.0 / sigma.edge_whole
        edge_pivot = jnp.where(is_open.held_edge, edge_pivot, 1.0)
        own = jnp.zeros(schur.shape)
        x = jnp.arange(models)
        rent, compute, uplink, cloud = models, models + 1, models + 2, models + 3
        edge_size = jnp.where(is_open.held_edge, problem.edge_size, 0.0)
        kg = program.to_edges(total_over(self.k_edge * work, 2, 3))
        kh = program.to_edges(total_over(self.k_edge * data[..., None], 2, 3))
        own = own.at[:, :, x, x].set(edge_pivot)
        own = own.at[:, :, x, rent].set(edge_size).at[:, :, rent, x].set(-edge_size)
        own = own.at[:, :, x, compute].set(kg).at[:, :, compute, x].set(-kg)
        own = own.at[:, :, x, uplink].set(kh).at[:, :, uplink, x].set(-kh)
        own = own.at[:, :, rent, rent].set(jnp.where(is_row.edge_rent, sigma.edge_rent, 1.0))
        ww = program.to_edges(total_over(self.h_edge * work * work, 2, 3, 4)) + sigma.compute
        wu = program.to_edges(total_over(by_work * data, 2, 3))
        uu = program.to_edges(total_over(self.through * data * data, 2, 3)) + sigma.uplink
        uc = program.to_edges(total_over(data * beyond, 2, 3))
        own = own.at[:, :, compute, compute].set(jnp.where(is_row.compute, ww, 1.0))
        own = own.at[:, :, compute, uplink].set(wu).at[:, :, uplink, compute].set(wu)
        own = own.at[:, :, uplink, uplink].set(jnp.where(is_row.uplink, uu, 1.0))
        own = own.at[:, :, uplink, cloud].set(uc).at[:, :, cloud, uplink].set(uc)
        own = own.at[:, :, cloud, cloud].set(program.to_edges(total_over(beyond * problem.cloud_data, 2, 3)))
        whole = own - schur
        self.edge_inverse = inverted(whole[:, :, :cloud, :cloud])
        self.edge_to_cloud = whole[:, :, :cloud, cloud]
        self.cloud_to_edge = whole[:, :, cloud, :cloud]
        self.by_cloud = self._at_edges(self.edge_to_cloud)
        pivot_cloud = (
            total_over(whole[:, :, cloud, cloud], 1)
            - total_over(self.cloud_to_edge * self.by_cloud, 1, 2)
            + sigma.cloud
        )
        self.cloud_pivot = jnp.where(is_row.cloud, pivot_cloud, 1.0)

    def _in_blocks(self, right: Array) -> Array:
        """B⁻¹ for right-hand sides of the streams' rows alone, and its streams' rows. ``[B, G, K, T, n]``"""
        tasks = right.shape[3]
        return jnp.einsum("bgkts,bgksn->bgktn", self.block[:, :, :, :tasks, :tasks], right)

    def _at_edges(self, right: Array) -> Array:
        return jnp.einsum("beij,bej->bei", self.edge_inverse, right)

    def step(
        self, rows: Rows, columns: Columns, row_target: Rows, column_target: Columns
    ) -> tuple[Columns, Columns, Rows, Rows]:
        """Δy, Δz, Δs, Δw for residuals of rows and columns, and what y z and s w are to change by."""
        program, point, d, sigma = self.program, self.point, self.d, self.sigma
        problem = program.problem
        is_open, is_row = program.is_open, program.is_row
        phi = Columns(
            *(
                jnp.where(o, r / z, 0.0) + own * c
                for o, r, z, own, c in zip(is_open, column_target, point.reduced, d, columns, strict=True)
            )
        )
        rest = Rows(
            *(jnp.where(o, t / w - r, 0.0) for o, t, w, r in zip(is_row, row_target, point.price, rows, strict=True))
        )
        # The multipliers of f ≤ x and x ≤ 1, then the models of clients.
        beta, beta_edge = phi.local + rest.local, phi.edge + rest.edge
        flow = problem.part_local * phi.local - self.k * beta
        flow_edge = problem.part_edge * phi.edge - self.k_edge * beta_edge

        def of_models(name: str, whole: str, e_beta: Array) -> Array:
            own = getattr(column_target, name) / getattr(point.column, name) + getattr(columns, name)
            lost = getattr(rest, whole) / getattr(sigma, whole)
            return jnp.where(getattr(is_open, name), own + e_beta - lost, 0.0)

        gain = of_models("held", "whole", total_over(self.e * beta, 3))
        at_edges = program.to_edges(total_over(self.e_edge * beta_edge, 2, 3))
        gain_edge = of_models("held_edge", "edge_whole", at_edges)
        pushed = gain * self.held_pivot
        local = flow + self.k * pushed[:, :, :, None]
        sent = total_over(flow_edge, 4) + phi.cloud
        at_stream = total_over(local, 4) + sent + rest.stream
        at_client = total_over(program.load * local, 3, 4) + rest.client
        at_rent = total_over(problem.client_size * pushed, 3) + rest.rent
        right = jnp.concatenate([at_stream, at_client[..., None], at_rent[..., None]], axis=3)
        right = jnp.where(
            jnp.concatenate([is_row.stream, is_row.client[..., None], is_row.rent[..., None]], axis=3), right, 0.0
        )
        base = jnp.einsum("bgkij,bgkj->bgki", self.block, right)
        tasks = at_stream.shape[3]
        models = gain_edge.shape[2]
        signed = self.to_edge * self.sign[None, None, None, None]
        back = program.to_edges(jnp.einsum("bgkti,bgkt->bgi", signed, base[..., :tasks]))
        own = jnp.concatenate(
            [
                gain_edge,
                rest.edge_rent[..., None],
                (program.to_edges(total_over(program.work * flow_edge, 2, 3, 4)) + rest.compute)[..., None],
                (program.to_edges(total_over(problem.data * sent, 2, 3)) + rest.uplink)[..., None],
            ],
            axis=2,
        )
        at_edge = own - back[..., :-1]
        edge = self._at_edges(at_edge)
        at_cloud = total_over(problem.cloud_data * phi.cloud, 1, 2, 3) + rest.cloud - total_over(back[..., -1], 1)
        cloud = (at_cloud - total_over(self.cloud_to_edge * edge, 1, 2)) / self.cloud_pivot
        cloud = jnp.where(is_row.cloud, cloud, 0.0)
        edge = edge - self.by_cloud * cloud[:, None, None]
        held_edge = jnp.where(is_open.held_edge, edge[..., :models], 0.0)
        edge_rent, compute, uplink = (
            jnp.where(mask, edge[..., models + i], 0.0)
            for i, mask in enumerate((is_row.edge_rent, is_row.compute, is_row.uplink))
        )
        every = jnp.concatenate([edge, jnp.broadcast_to(cloud[:, None, None], (*edge.shape[:2], 1))], axis=2)
        padded = jnp.concatenate([self.to_edge, jnp.zeros((*self.to_edge.shape[:3], 2, models + 4))], axis=3)
        told = jnp.einsum("bgkti,bgi->bgkt", padded, program.to_groups(every))
        block = base - jnp.einsum("bgkij,bgkj->bgki", self.block, told)
        stream = jnp.where(is_row.stream, block[..., :tasks], 0.0)
        client = jnp.where(is_row.client, block[..., tasks], 0.0)
        rent = jnp.where(is_row.rent, block[..., tasks + 1], 0.0)

        # Back to what was eliminated.
        pull, pull_edge = program.pulls(stream, client, compute, uplink)
        held = self.held_pivot * (gain - total_over(self.e * d.local * pull, 3) - problem.client_size * rent[..., None])
        at_groups = program.to_groups(held_edge)[:, :, None, None]
        p = jnp.where(is_row.local, self.e * (beta - d.local * pull - held[:, :, :, None]), 0.0)
        q = jnp.where(is_row.edge, self.e_edge * (beta_edge - d.edge * pull_edge - at_groups), 0.0)
        whole = jnp.where(is_row.whole, (held + rest.whole) / sigma.whole, 0.0)
        edge_whole = jnp.where(is_row.edge_whole, (held_edge + rest.edge_whole) / sigma.edge_whole, 0.0)
        price = Rows(stream, p, q, rent, edge_rent, whole, edge_whole, client, compute, uplink, cloud)
        reduced = Columns(
            *(jnp.where(o, c - r, 0.0) for o, c, r in zip(is_open, program.costs(price), columns, strict=True))
        )
        column = Columns(
            *(
                jnp.where(o, (t - y * dz) / z, 0.0)
                for o, t, y, dz, z in zip(is_open, column_target, point.column, reduced, point.reduced, strict=True)
            )
        )
        slack = Rows(
            *(
                jnp.where(o, (t - s * dw) / w, 0.0)
                for o, t, s, dw, w in zip(is_row, row_target, point.slack, price, point.price, strict=True)
            )
        )
        return column, reduced, slack, price


def inverted(matrices: Array) -> Array:
    """Inverses of quasi-definite matrices, which need no pivoting, by Gauss-Jordan elimination. ``[..., n, n]``

    Not by LAPACK: on a CPU its batched calls wait for threads of a pool that they occupy themselves.
    """

    def eliminate(k: Any, matrix: Array) -> Array:
        pivot = 1.0 / matrix[..., k, k]
        row = matrix[..., k, :] * pivot[..., None]
        column = matrix[..., :, k]
        rest = matrix - column[..., :, None] * row[..., None, :]
        rest = rest.at[..., k, :].set(row)
        rest = rest.at[..., :, k].set(-column * pivot[..., None])
        return rest.at[..., k, k].set(pivot)

    return jax.lax.fori_loop(0, matrices.shape[-1], eliminate, matrices)
