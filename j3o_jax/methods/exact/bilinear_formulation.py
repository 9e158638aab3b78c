"""Bilinear formulation of P1, as the paper prints it, (13): linear but for products of a share and a choice."""

from typing import NamedTuple

import numpy as np

from j3o_kernels.tolerances import ROUNDING

from ..._highs import MILP
from ..._model import home_edge_compute, model_costs
from ..._scenario import Scenario
from ..._types import Float, Int
from .program_builder import ProgramBuilder, choices_of, holding_gains, in_parts


class Bilinear(NamedTuple):
    """A `MILP` some of whose columns are products of two others: v[product] = v[share] · v[choice].

    - `program`: all that is linear, with the products' envelopes if asked for; the columns `choice` are 0 or 1.
    - `product`, `share`, `choice`: column numbers. ``[P]``
    - `client_choice`, `edge_choice`: column numbers of z, −1 where it must be 0. ``[C, M, T]``, ``[E, M, T]``
    """

    program: MILP
    product: Int[np.ndarray, " P"]
    share: Int[np.ndarray, " P"]
    choice: Int[np.ndarray, " P"]
    client_choice: Int[np.ndarray, "C M T"]
    edge_choice: Int[np.ndarray, "E M T"]

    def choices(self, values: Float[np.ndarray, " N"]) -> tuple[Int[np.ndarray, "C T"], Int[np.ndarray, "E T"]]:
        """z(c, t) and z(e, t) of a solution, −1 for none."""
        return choices_of(values, self.client_choice), choices_of(values, self.edge_choice)


def bilinear(scenario: Scenario, *, envelopes: bool = False) -> Bilinear:
    """(13) for one scenario of NumPy arrays, with l = 1 − o^c, g = o^c − o^{c,e} and s = o^{c,e}.

    - x, z ∈ {0, 1} at every client and edge: z <= x, (8), and Σ_m z <= 1, for none is a choice.
    - l, g, s ∈ [0, 1], l + g + s <= 1. Where all must be served, = 1; then l <= Σ_m z^c and g <= Σ_m z^e, as under (1).
    - l·z^c and g·z^e in (3) and (5), in (9) and in (10) or (28). In (28) the set-up goes with z^e, not 1[λ^e > 0]:
      that comes to the same, since a model that serves nobody need not be chosen.

    What must be 0 anyway is left out: models larger than the memory; a task at models, or in a cloud, without accuracy
    for it; streams that nobody asks for; what needs some of a resource of which there is none.

    **Arguments:**

    - `envelopes`: add the McCormick envelope of each product p = share · z, one by one: p <= z, p <= share and
      p >= share + z − 1. They are exact, because z is 0 or 1. Nothing stronger is made of the products of one stream
      together: that is what tells this program from the strong formulation.
    """
    home, demand, strict = scenario.client_edge, scenario.demand, not scenario.allow_unserved
    asked = demand > 0.0
    weight = demand / (demand.sum() or 1.0)
    client_accuracy, edge_accuracy = scenario.client_accuracy[home], scenario.edge_accuracy[home]
    build = ProgramBuilder(scaled=True)

    starts = np.ones((scenario.edges, scenario.models), dtype=bool)
    if scenario.batching is not None:
        starts = scenario.batching.setup <= scenario.batching.window[:, None] * (1.0 + ROUNDING)
    costs = model_costs(scenario)
    edge_earned = np.zeros((scenario.edges, scenario.models))
    np.add.at(edge_earned, home, (weight[:, None, :] * edge_accuracy).sum(axis=2))
    holding = holding_gains(scenario, (weight[:, None, :] * client_accuracy).sum(axis=2), edge_earned)
    choices = []  # column numbers of z: [C, M, T], [E, M, T]
    for size, memory, gain, accuracy, possible in (
        (costs.client_memory, scenario.client_memory, holding.client, client_accuracy, True),
        (costs.edge_memory, scenario.edge_memory, holding.edge, scenario.edge_accuracy, starts),
    ):
        parts = in_parts(size, (memory * (1.0 + ROUNDING))[:, None])
        held = build.variables((parts <= 1.0) & possible, gain, integer=True)
        choice = build.variables((held >= 0)[:, :, None] & (accuracy > 0.0), integer=True)
        build.limit(held, parts)
        build.limit(np.moveaxis(choice, 1, 2), 1.0)
        build.at_most_each(choice, held[:, :, None])
        choices.append(choice)
    client_choice, edge_choice = choices

    data = demand * scenario.input_size
    edge_data, cloud_data = in_parts(data, scenario.edge_uplink[home][:, None]), in_parts(data, scenario.cloud_uplink)
    local = build.variables(asked)
    edge = build.variables(asked & np.isfinite(edge_data))
    to_cloud = asked & np.isfinite(edge_data + cloud_data) & (scenario.cloud_accuracy > 0.0)
    cloud = build.variables(to_cloud, weight * scenario.cloud_accuracy)
    shares = np.stack([local, edge, cloud], axis=-1)
    build.limit(shares[asked], 1.0, lower=1.0 if strict else -np.inf)
    if strict:
        for share, choice in ((local, client_choice), (edge, edge_choice[home])):
            served_by = np.concatenate([share[:, :, None], np.moveaxis(choice, 1, 2)], axis=-1)
            build.limit(served_by[share >= 0], np.append(1.0, -np.ones(scenario.models)), 0.0)

    local_work = in_parts(demand[:, None, :] * costs.client_compute[:, :, None], scenario.client_compute[:, None, None])
    edge_work = in_parts(
        demand[:, None, :] * home_edge_compute(scenario)[:, :, None], scenario.edge_compute[home][:, None, None]
    )
    factors, products = [], []  # pairs of column numbers [K, 2]; column numbers of their products: [C, M, T]
    for share, choice, accuracy, work in (
        (local, client_choice, client_accuracy, local_work),
        (edge, edge_choice[home], edge_accuracy, edge_work),
    ):
        pairs = np.stack(np.broadcast_arrays(share[:, None, :], choice), axis=-1)
        possible = (pairs >= 0).all(axis=-1)
        product = build.variables(possible, weight[:, None, :] * accuracy, upper=np.isfinite(work))
        factors.append(np.concatenate([product[possible][:, None], pairs[possible]], axis=1))
        products.append(product)
    local_product, edge_product = products

    def flat(array: np.ndarray) -> np.ndarray:
        return array.reshape(1, -1)

    build.limit(local_product.reshape(scenario.clients, -1), local_work.reshape(scenario.clients, -1))  # (9)
    for one in range(scenario.edges):
        mine = home == one
        busy, work = flat(edge_product[mine]), flat(edge_work[mine])
        if scenario.batching is not None:  # (28), in parts of the window; else (10)
            setup = scenario.batching.setup[one] / scenario.batching.window[one]
            busy = np.append(busy, flat(edge_choice[one]), axis=1)
            work = np.append(work, flat(np.repeat(setup, scenario.tasks)), axis=1)
        build.limit(busy, work)
        sent = np.stack([edge[mine], cloud[mine]])
        build.limit(flat(sent), flat(np.broadcast_to(edge_data[mine], sent.shape)))  # (11)
    build.limit(flat(cloud), flat(cloud_data))  # (12)
    product, share, choice = np.concatenate(factors).T
    if envelopes:
        build.at_most_each(product, choice)
        build.at_most_each(product, share)
        build.limit(np.stack([share, choice, product], axis=1), np.array([1.0, 1.0, -1.0]))
    return Bilinear(build.program(), product, share, choice, client_choice, edge_choice)
