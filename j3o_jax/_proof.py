"""The bound that a certificate proves, in exact arithmetic: D of ``docs/certificates.md`` at its prices.

Whatever is rounded is rounded to the safe side: what nodes earn up, to whole units of a fine grid; models down, to
parts 2⁻⁴⁰ of a memory, which may be exceeded by 10⁻⁹ of it, as everywhere. Floating point only guesses prices of
memory, and every price gives a bound. Letters are those of ``docs/formulation.md``.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ._exact_numbers import ONE, ZERO, Exact, exact, quotients_up

# A whole memory, and what models may take of it.
_MEMORY = 1 << 40
_ROOM = _MEMORY + _MEMORY // 10**9 + 1
# How many clients, or edges, are looked at together.
_TOGETHER = 64
# More than moving a model need ever cost, in objective.
_DEAR = 4
# Steps of the guess of a price of memory.
_STEPS = 8


def proven_bound(given: Mapping[str, np.ndarray], prices: Mapping[str, np.ndarray]) -> Fraction:
    """D: no plan that keeps every limit is worth more.

    **Arguments:**

    - `given`: the arrays of a `Scenario`, by name; those of its costs and sizes for each node, ``[C, M]``, ``[E, M]``.
    - `prices`: those of a `Certificate`. What is negative or no number counts as 0.
    """
    return shared_proven_bound([given], [prices], [1.0])


def shared_proven_bound(
    given: Sequence[Mapping[str, np.ndarray]], prices: Sequence[Mapping[str, np.ndarray]], weights: Sequence[float]
) -> Fraction:
    """Bound on Σ_s ω_s F_s of every placement that is common to scenarios: nodes hold one set of models in all of them.

    Every node's best set is that for its tasks in all scenarios together, Σ_s Σ_t max_{m ∈ S} ω_s p_svtm.

    **Arguments:**

    - `given`, `prices`: as of `proven_bound`, for every scenario; all with the same clients at every edge.
    - `weights`: ω ≥ 0.
    """
    (models, tasks), nodes = (
        given[0]["client_accuracy"].shape[1:],
        sum(given[0]["demand"].shape[:1]) + len(given[0]["edge_memory"]),
    )
    # On a grid as fine as any bound is small; or in 64 bits: a set of models earns at most 1 here, M of them at most M,
    # and 2 of that are added up.
    if len(given) * nodes * models * models * tasks <= 20_000:
        return bound_on_grid(given, prices, weights, object, 240)
    return bound_on_grid(given, prices, weights, np.int64, 60 - models.bit_length())


def bound_on_grid(
    given: Sequence[Mapping[str, np.ndarray]],
    prices: Sequence[Mapping[str, np.ndarray]],
    weights: Sequence[float],
    kind: Any,
    bits: int,
) -> Fraction:
    """`shared_proven_bound` on a grid of units 2⁻ᵇⁱᵗˢ of the objective, in integers of Python's or of a `kind`."""
    every = zip(given, prices, weights, strict=True)
    proofs = [proof for one in every if (proof := _Proof(*one, bits)).total.whole]
    if not proofs:
        return Fraction(0)
    worth = sum((proof.weight.fraction() * proof.worth() for proof in proofs), start=Fraction(0))
    earned, clients, edges = 0, len(proofs[0].home), proofs[0].edges
    room = _least_room(proofs, "client")
    for start in range(0, clients, _TOGETHER):
        some = np.arange(start, min(start + _TOGETHER, clients))
        rows = np.concatenate([proof.client_profits(some) for proof in proofs], axis=2)
        earned += _best_sets(rows.astype(kind), room[some], proofs[0].charges("client", some).astype(kind))
    room = _least_room(proofs, "edge")
    of_edges = [proof.edge_profits() for proof in proofs]
    for start in range(0, edges, _TOGETHER):
        part = slice(start, start + _TOGETHER)
        rows = np.concatenate([own[part] for own in of_edges], axis=2)
        earned += _best_sets(rows.astype(kind), room[part], proofs[0].charges("edge", part).astype(kind))
    return worth + Fraction(earned, 1 << bits)


def _least_room(proofs: Sequence["_Proof"], node: str) -> np.ndarray:
    """Models in parts of the memories of one tier ``[V, M]``; what is held must fit in every scenario."""
    parts = [_parts(proof.given[f"{node}_model_memory"], proof.given[f"{node}_memory"]) for proof in proofs]
    return np.max(parts, axis=0)


class _Proof:
    """Terms of D for one scenario of a weight; profits on a grid of units 2⁻ᵇⁱᵗˢ of the objective."""

    def __init__(self, given: Mapping[str, np.ndarray], prices: Mapping[str, np.ndarray], weight: float, bits: int):
        self.given, self.weight, self.bits = given, exact(weight), bits
        self.home, self.edges = given["client_edge"], len(given["edge_memory"])
        self.demand, self.size = exact(given["demand"]), exact(given["input_size"])
        self.total = self.demand.sum()
        self.cost = {node: exact(given[f"{node}_model_compute"]) for node in ("client", "edge")}
        self.accuracy = {node: exact(given[f"{node}_accuracy"]) for node in ("client", "edge")}
        stream, self.alpha, self.pi, self.u, self.v = (
            exact(np.where(np.isfinite(price) & (price > 0.0), price, 0.0))
            for price in (
                prices[name] for name in ("stream", "client_compute", "edge_compute", "edge_uplink", "cloud_uplink")
            )
        )
        # n: at least what the cloud leaves of a stream.
        toll = (self.u[self.home] + self.v)[:, None] * self.size[None]
        self.stream = stream.most(exact(given["cloud_accuracy"])[None] - toll).most(ZERO)
        # Capacities, but no more than could ever load them.
        self.flow = self.demand.by_edge(self.home, self.edges)
        data = (self.demand * self.size).sum(axis=1)
        self.client_compute = _least(given["client_compute"], self.demand.sum(axis=1) * self.cost["client"].max(axis=1))
        self.edge_compute = _least(given["edge_compute"], self.flow.sum(axis=1) * self.cost["edge"].max(axis=1))
        self.edge_uplink = _least(given["edge_uplink"], data.by_edge(self.home, self.edges))
        self.cloud_uplink = _least(given["cloud_uplink"], data.sum())

    def worth(self) -> Fraction:
        """Capacities and streams at their prices, without the weight."""
        capacities = [(self.alpha, self.client_compute), (self.u, self.edge_uplink), (self.v, self.cloud_uplink)]
        capacities.append((self.demand, self.stream))
        if "batching.setup" not in self.given:
            capacities.append((self.pi, self.edge_compute))
        worth = sum((price * capacity).sum().fraction() for price, capacity in capacities)
        if "batching.setup" in self.given:
            _, compute = self._setups()
            worth += sum(price * room for price, room in zip(self.pi.fractions(), compute, strict=True))
        return worth / self.total.fraction()

    def _setups(self) -> tuple[list[list[Fraction]], list[Fraction]]:
        """ν β / T_b, the set-ups in GFLOP/s ``[E, M]``, and β, but no more than they and all flows could load it."""
        given, cost = self.given, self.cost["edge"]
        flow, costs = (np.array(part.fractions(), dtype=object).reshape(part.whole.shape) for part in (self.flow, cost))
        loads, capacities = [], []
        for edge, (compute, window) in enumerate(zip(given["edge_compute"], given["batching.window"], strict=True)):
            # No end of compute: windows have no price.
            rate = Fraction(compute) / Fraction(window) if np.isfinite(compute) else Fraction(0)
            load = [Fraction(setup) * rate for setup in given["batching.setup"][edge].tolist()]
            asked = np.flatnonzero(flow[edge] > 0)
            most = sum((max(flow[edge, task] * costs[edge] + load) for task in asked), start=Fraction(0))
            loads.append(load)
            capacities.append(min(Fraction(compute), most) if np.isfinite(compute) else most)
        return loads, capacities

    def client_profits(self, some: np.ndarray) -> np.ndarray:
        """Units that each model earns of each task at some clients ``[c, M, T]``."""
        home, demand, stream = self.home[some], self.demand[some], self.stream[some][:, None]
        work = (self.alpha[some][:, None] * self.cost["client"][some])[:, :, None]
        limits = [(self.client_compute[some][:, None, None], self.cost["client"][some][:, :, None])]
        return self._profits(self.accuracy["client"][home] - work - stream, demand[:, None], limits)

    def edge_profits(self) -> np.ndarray:
        """Units that each model earns of each task at edges, those of all clients less the set-up ``[E, M, T]``."""
        profit = np.zeros(self.given["edge_accuracy"].shape, dtype=object)
        for start in range(0, len(self.home), _TOGETHER):
            some = np.arange(start, min(start + _TOGETHER, len(self.home)))
            home, demand, stream = self.home[some], self.demand[some], self.stream[some][:, None]
            work = (self.pi[home][:, None] * self.cost["edge"][home])[:, :, None]
            toll = (self.u[home][:, None] * self.size[None])[:, None]
            limits = [
                (self.edge_compute[home][:, None, None], self.cost["edge"][home][:, :, None]),
                (self.edge_uplink[home][:, None, None], self.size[None, None]),
            ]
            away = self._profits(self.accuracy["edge"][home] - work - toll - stream, demand[:, None], limits)
            for edge in np.unique(home):
                profit[edge] += away[home == edge].sum(axis=0)
        if "batching.setup" not in self.given:
            return profit
        unit = self.weight.fraction() * (1 << self.bits) / self.total.fraction()
        setups, _ = self._setups()
        rent = [
            [price * load * unit // 1 for load in own] for price, own in zip(self.pi.fractions(), setups, strict=True)
        ]
        return np.maximum(profit - np.array(rent, dtype=object)[:, :, None], 0)

    def charges(self, node: str, some: Any) -> np.ndarray:
        """Units that moving models to some nodes costs, where they were not held before, rounded down ``[v, M]``."""
        own = self.given[f"{node}_model_memory"][some]
        if "switching.cost_per_mb" not in self.given:
            return np.zeros(own.shape, dtype=object)
        size = np.where(self.given[f"switching.{node}_held"][some], 0.0, own)
        cost = exact(self.given["switching.cost_per_mb"]) * exact(size)
        shift = self.bits + cost.exponent
        units = cost.whole << shift if shift >= 0 else cost.whole >> -shift
        # No set of models earns more than 1: a cost beyond some times that is as good as any, and keeps to 64 bits.
        return np.minimum(units, _DEAR << self.bits)

    def _profits(self, margin: Exact, demand: Exact, limits: list[tuple[Exact, Exact]]) -> np.ndarray:
        """Units that λ U times a margin earns of λ_tot and the weight, where that is more than 0, ``[c, M, T]``.

        They are rounded up.

        λ U is the least of λ and every capacity over its cost; both come in shapes that broadcast with the margin.
        """
        shape, earns = margin.whole.shape, np.nonzero(margin.whole > 0)

        def there(part: Exact) -> Exact:
            return Exact(np.broadcast_to(part.whole, shape)[earns], part.exponent)

        rate, divisor = there(demand), ONE
        for capacity, cost in limits:
            capacity, cost = there(capacity), there(cost)
            over = (rate * cost).above(capacity * divisor)
            if over.any():
                rate, divisor = capacity.where(over, rate), cost.where(over, divisor)
        units = np.zeros(shape, dtype=object)
        units[earns] = quotients_up(margin[earns] * rate * self.weight, divisor * self.total, self.bits)
        return units


def _least(limit: np.ndarray, most: Exact) -> Exact:
    """Limits, which may be infinite, but no more than what could ever load them."""
    finite = np.isfinite(limit)
    return exact(np.where(finite, limit, 0.0)).least(most).where(finite, most)


def _parts(size: np.ndarray, memory: np.ndarray) -> np.ndarray:
    """Models in parts 2⁻⁴⁰ of a memory, rounded down; more than there is room for if it does not fit, ``[V, M]``."""
    limited = np.isfinite(memory)
    whole = exact(np.where(limited, memory, 1.0))[:, None]
    part = exact(np.where(limited[:, None], size, 0.0))
    fits = ~(part * Exact(10**9, 0)).above(whole * Exact(10**9 + 1, 0))
    there = np.asarray(whole.whole > 0, dtype=bool)
    shift = 40 + part.exponent - whole.exponent
    divisor = np.where(there, whole.whole, 1) << max(-shift, 0)
    parts = np.where(fits & there, (part.whole << max(shift, 0)) // divisor, np.where(fits, 0, 2 * _ROOM))
    return np.minimum(parts, 2 * _ROOM).astype(np.int64)


def _best_sets(profit: np.ndarray, size: np.ndarray, charge: np.ndarray) -> int:
    """Σ over nodes of a bound on max_S (Σ_t max_{m∈S} p_mt − Σ_{m∈S} h_m) over the sets S that fit.

    Profits p are [V, M, T], sizes and charges h [V, M]. Of every set some model j is the largest. It earns
    Σ_t p_jt − h_j, and what the others add, each at most g_i = Σ_t max(0, p_it − p_jt) − h_i (coverage less a sum over
    the models is submodular), shares the room R that j leaves. At any price r of memory they add at most
    r R + Σ max(0, g_i − r s_i), in which of those that take more than R / 2 one counts, the best.
    """
    fits = size <= _ROOM
    profit = np.where(fits[:, :, None], profit, 0)
    gain = np.zeros((*size.shape, size.shape[1]), dtype=profit.dtype)  # [V, j, i]
    for task in range(profit.shape[2]):
        own = profit[:, :, task]
        gain += np.maximum(own[:, None, :] - own[:, :, None], 0)
    gain = np.maximum(gain - charge[:, None, :], 0)
    lead, other = size[:, :, None], size[:, None, :]
    room = _ROOM - size
    number = np.arange(size.shape[1])
    smaller = (other < lead) | ((other == lead) & (number[None, :] > number[:, None]))
    beside = smaller & fits[:, None, :] & (other <= room[:, :, None])
    gain, other = np.where(beside, gain, 0), np.where(beside, other, 0)
    small = 2 * other <= room[:, :, None]
    price, power = _price_of_memory(gain.astype(np.float64), other.astype(np.float64), room.astype(np.float64), small)
    price = price.astype(profit.dtype)
    adds = np.maximum(gain - _rent(price[:, :, None], power[:, :, None], other), 0)
    added = np.where(small, adds, 0).sum(axis=2) + np.where(small, 0, adds).max(axis=2)
    # The rent of the room is rounded up, those of models down.
    sets = profit.sum(axis=2) - charge - _rent(-price, power, np.where(fits, room, 0)) + added
    return sum(np.where(fits, sets, 0).max(axis=1, initial=0).tolist())


def _rent(price: np.ndarray, power: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Multiply price · size · 2^power, rounded down, without a product of more than 63 bits where both have 40."""
    size = size.astype(price.dtype)
    product = price * (size >> 20) + (price * (size & (1 << 20) - 1) >> 20)
    up = power + 20
    return np.where(up < 0, product >> np.minimum(np.maximum(-up, 0), 63), product << np.maximum(up, 0))


def _price_of_memory(
    gain: np.ndarray, size: np.ndarray, room: np.ndarray, small: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Guess the price r at which `_best_sets` adds least: an integer of 40 bits and a power of two, ``[V, j]``.

    What is added is convex in r: the least lies near where the tangents at two prices on either side of it meet.
    """

    def added(price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        adds = np.maximum(gain - price[:, :, None] * size, 0.0)
        large = np.where(small, 0.0, adds)
        best = large.max(axis=2)
        taken = np.where(small & (adds > 0.0), size, 0.0).sum(axis=2)
        taken += np.where((large > 0.0) & (large >= best[:, :, None]), size, 0.0).max(axis=2)
        return price * room + np.where(small, adds, 0.0).sum(axis=2) + best, room - taken

    low = np.zeros(room.shape)
    high = np.where(size > 0.0, gain / np.where(size > 0.0, size, 1.0), 0.0).max(axis=2)
    at_low, at_high = added(low), added(high)
    best, least = np.where(at_low[0] < at_high[0], low, high), np.minimum(at_low[0], at_high[0])
    for _ in range(_STEPS):
        apart = at_high[1] - at_low[1]
        meet = (at_low[0] - at_low[1] * low) - (at_high[0] - at_high[1] * high)
        there = (apart > 0.0) & (at_low[1] < 0.0)
        price = np.clip(np.where(there, meet / np.where(there, apart, 1.0), low), low, high)
        at = added(price)
        best, least = np.where(at[0] < least, price, best), np.minimum(at[0], least)
        falls = at[1] < 0.0
        low, high = np.where(falls, price, low), np.where(falls, high, price)
        at_low = tuple(np.where(falls, new, old) for new, old in zip(at, at_low, strict=True))
        at_high = tuple(np.where(falls, old, new) for new, old in zip(at, at_high, strict=True))
    mantissa, power = np.frexp(best)
    return (mantissa * 2.0**40).astype(np.int64), power.astype(np.int64) - 40
