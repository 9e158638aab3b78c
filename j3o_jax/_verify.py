"""A plan and its proof, recomputed in exact arithmetic.

Every float is a whole number times a power of two, so that all that a plan says can be computed in Python's integers:
limits, choices, shares and worth here, the bound in `_proof.py`. No code is shared with the solvers, their kernels, the
model or `check`. Numbers in brackets are the paper's equations.
"""

import math
from fractions import Fraction
from typing import Any

import numpy as np

from ._exact_numbers import ONE, ZERO, Exact, exact
from ._proof import proven_bound
from ._scenario import Scenario
from ._solution import Solution
from ._status import Status
from ._verification import PROVEN, Limit, Verification
from ._verify_shared import Together
from ._violations import Violation

# 1[λ^e_t > 0] of (28) is 1 where more than one in so many of the queries that an edge's clients ask is served there.
_BATCHED = 10**9
# An excess is relative to its limit, but never to less than this part of the load that there could be.
_LEAST_LIMIT = Fraction(1, 10**6)

_PLAN = {
    "client_models": "CM",
    "edge_models": "EM",
    "client_choice": "CT",
    "edge_choice": "ET",
    **dict.fromkeys(("local", "edge", "cloud", "unserved"), "CT"),
    **dict.fromkeys(("objective", "accuracy", "moved_mb", "bound", "status"), ""),
}
_CERTIFICATE = {"stream": "CT", "client_compute": "C", "edge_compute": "E", "edge_uplink": "E", "cloud_uplink": ""}


def verify(scenario: Scenario, solution: Solution, tolerance: float = 1e-6) -> Verification:
    """Recompute limits, worth and proof of a plan in exact arithmetic, from the paper's equations.

    **Arguments:**

    - `scenario`, `solution`: one, or batches of the same axes.
    - `tolerance`: allowed excess: relative to the limit for (8)–(12) and (28), absolute for shares and accuracies. The
      proof has none.

    **Returns:** a `Verification`; its arrays have the batch axes.

    **Raises:** `ValueError` for a tolerance out of range, or where scenario and solution do not fit together.
    """
    if not 0 <= tolerance < 1:
        raise ValueError(f"tolerance: must be in [0, 1), got {tolerance}")
    batch, size = scenario.batch_shape, math.prod(scenario.batch_shape)
    given, plan, prices = (
        {name: np.reshape(array, (size, *np.shape(array)[len(batch) :])) for name, array in arrays.items()}
        for arrays in (scenario.arrays(), *_fitting(scenario, solution))
    )
    invalid = {problem.instance: problem for problem in reversed(scenario.problems())}
    names = {int(status): status for status in Status}
    cases = []
    for number in range(size):
        instance = tuple(int(i) for i in np.unravel_index(number, batch)) if batch else ()
        own = [{name: np.asarray(array[number]) for name, array in arrays.items()} for arrays in (given, plan, prices)]
        case = _Case(scenario, own[0], own[1], own[2], instance, Fraction(tolerance))
        status = names.get(int(case.plan["status"]))
        if number in invalid:
            case.refuse("scenario", invalid[number].field, invalid[number].message)
        elif status is None or not status.success:
            why = "is not a status" if status is None else f"{status.name}: {solution.reason(instance)}"
            case.refuse("status", "the plan", why)
        else:
            case.judge()
        cases.append(case)

    def gathered(name: str, kind: Any) -> Any:
        values = np.empty(size, dtype=kind)
        values[:] = [getattr(case, name) for case in cases]
        return values.reshape(batch)[()]

    together = None if solution.shared is None else Together(cases, solution.shared, Fraction(tolerance))
    violations = [violation for case in cases for violation in case.violations]
    if together is not None:
        violations += together.violations
    return Verification(
        ok=gathered("ok", bool) & (together is None or not together.violations),
        feasible=gathered("feasible", bool),
        proven=gathered("proven", bool),
        objective=gathered("objective", object),
        accuracy=gathered("worth", object),
        bound=gathered("bound", object),
        limits=tuple(limit for case in cases for limit in case.limits),
        violations=tuple(violations),
        shared_bound=None if together is None else together.bound,
    )


def _fitting(scenario: Scenario, solution: Solution) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arrays of plan and certificate, which have the scenario's axes."""
    sizes = {"C": scenario.clients, "E": scenario.edges, "T": scenario.tasks, "M": scenario.models}
    found = []
    for part, wanted in ((solution, _PLAN), (solution.certificate, _CERTIFICATE)):
        arrays = {name: np.asarray(getattr(part, name)) for name in wanted if part is not None}
        for name, array in arrays.items():
            shape = scenario.batch_shape + tuple(sizes[axis] for axis in wanted[name])
            if array.shape != shape:
                raise ValueError(f"verify: {name} has shape {list(array.shape)}, the scenario wants {list(shape)}")
        found.append(arrays)
    return found[0], found[1]


class _Case:
    """One plan for one scenario, and what is found out about it."""

    def __init__(
        self,
        scenario: Scenario,
        given: dict[str, Any],
        plan: dict[str, Any],
        prices: dict[str, Any],
        instance: tuple[int, ...],
        tolerance: Fraction,
    ):
        # Costs and sizes are each node's own here.
        for node, count in (("client", scenario.clients), ("edge", scenario.edges)):
            for name in (f"{node}_model_compute", f"{node}_model_memory"):
                given[name] = np.broadcast_to(given[name], (count, scenario.models))
        self.given, self.plan, self.prices = given, plan, prices
        self.instance, self.tolerance = instance, tolerance
        self.labels, self.allow_unserved = scenario.labels, scenario.allow_unserved
        self.limits: list[Limit] = []
        self.violations: list[Violation] = []
        self.ok = self.feasible = self.proven = False
        self.objective: Fraction | None = None
        self.worth: Fraction | None = None
        self.bound: Fraction | None = None

    def refuse(self, constraint: str, place: str, message: str, amount: float = math.inf) -> None:
        """Note what is wrong."""
        self.violations.append(Violation(self.instance, constraint, place, amount, message))

    def judge(self) -> None:
        """Find out all that there is to find out of a plan."""
        self.home, self.demand = self.given["client_edge"], exact(self.given["demand"])
        self.edges, self.models = self.given["edge_model_compute"].shape
        self._choices()
        self._shares()
        self._limits()
        self.feasible = not self.violations
        self._values()
        self.ok = not self.violations

    def _choices(self) -> None:
        """(1): a model that is chosen is held, and one is chosen where queries are served."""
        self.chosen, self.model = {}, {}
        for node, names, equation in (("client", self.labels.clients, "1a"), ("edge", self.labels.edges, "1b")):
            choice = self.plan[f"{node}_choice"]
            self.chosen[node] = (choice >= 0) & (choice < self.models)
            self.model[node] = np.where(self.chosen[node], choice, 0)
            held = np.take_along_axis(self.plan[f"{node}_models"], self.model[node], axis=1)
            for place in np.argwhere((choice != -1) & ~(self.chosen[node] & held)):
                text = f"chooses model {choice[tuple(place)]}, which is not held there"
                self.refuse(f"{node}_choice ({equation})", self._place(names, place), text, 1.0)
        given, tasks = self.given, np.arange(self.demand.whole.shape[1])
        local = given["client_accuracy"][self.home[:, None], self.model["client"], tasks]
        edge = given["edge_accuracy"][np.arange(self.edges)[:, None], self.model["edge"], tasks]
        self.accuracy = {
            "local": np.where(self.chosen["client"], local, 0.0),
            "edge": np.where(self.chosen["edge"], edge, 0.0)[self.home],
            "cloud": np.broadcast_to(given["cloud_accuracy"], local.shape),
        }
        has_model = {"local": self.chosen["client"], "edge": self.chosen["edge"][self.home]}
        for tier, constraint in (("local", "local_without_model (1a)"), ("edge", "edge_without_model (1b)")):
            idle = np.where((given["demand"] > 0) & ~has_model[tier], np.nan_to_num(self.plan[tier]), 0.0)
            self._refuse_shares(constraint, idle, "a share of {:.6g} is served there without a model")

    def _shares(self) -> None:
        """(13): shares in [0, 1] that sum to 1, with nothing unserved where that is not allowed."""
        parts = {tier: self.plan[tier] for tier in ("local", "edge", "cloud", "unserved")}
        outside = np.max([np.maximum(-part, part - 1.0) for part in parts.values()], axis=0)
        outside = np.where(np.isnan(outside), np.inf, outside)
        self._refuse_shares("shares (13f)", outside, "a share is outside [0, 1] by {:.6g}, or no number")
        share = {tier: exact(np.clip(np.nan_to_num(part), 0.0, 1.0)) for tier, part in parts.items()}
        total = share["local"] + share["edge"] + share["cloud"] + share["unserved"]
        off = (total - ONE).most(ONE - total)
        for place in np.argwhere(off.above(exact(float(self.tolerance)))):
            told = " + ".join(f"{tier} {part[tuple(place)]:.6g}" for tier, part in parts.items())
            amount = float(off[tuple(place)].fraction())
            self.refuse("share_sum (13c)", self._place(self.labels.clients, place), f"{told} is not 1", amount)
        if not self.allow_unserved:
            # Who does not know the task does not serve it.
            lost = share["unserved"]
            for tier, known in self.accuracy.items():
                lost = lost + share[tier].where(known == 0.0, ZERO)
            left = np.array(list(map(float, lost.fractions()))).reshape(total.whole.shape)
            left = np.where(self.given["demand"] > 0, left, 0.0)
            self._refuse_shares("all_served (13)", left, "a share of {:.6g} is not served")
        self.rate = {tier: self.demand * share[tier] for tier in ("local", "edge", "cloud")}

    def _limits(self) -> None:
        """(8)–(12), and (28) in place of (10)."""
        given, home, clients, edges = self.given, self.home, self.labels.clients, self.labels.edges
        cost = {}
        for node, names in (("client", clients), ("edge", edges)):
            held = exact(np.where(self.plan[f"{node}_models"], given[f"{node}_model_memory"], 0.0)).sum(axis=1)
            self._limit(f"{node}_memory (8)", names, held.fractions(), given[f"{node}_memory"], held, "MB")
            own = np.take_along_axis(given[f"{node}_model_compute"], self.model[node], axis=1)
            cost[node] = exact(np.where(self.chosen[node], own, 0.0))
        work, most = ((rate * cost["client"]).sum(axis=1) for rate in (self.rate["local"], self.demand))
        units = self.labels.compute_units("client")
        self._limit("client_compute (9)", clients, work.fractions(), given["client_compute"], most, units)

        served, asked = (rate.by_edge(home, self.edges) for rate in (self.rate["edge"], self.demand))
        work, compute = served * cost["edge"], given["edge_compute"]
        if "batching.window" not in given:
            most = (asked * cost["edge"]).sum(axis=1)
            units = self.labels.compute_units("edge")
            self._limit("edge_compute (10)", edges, work.sum(axis=1).fractions(), compute, most, units)
        else:
            batches = self.chosen["edge"] & (served * Exact(_BATCHED, 0)).above(asked)
            setup = np.take_along_axis(given["batching.setup"], self.model["edge"], axis=1)
            setups = exact(np.where(batches, setup, 0.0)).sum(axis=1).fractions()
            works, window = work.where(batches, ZERO).sum(axis=1).fractions(), given["batching.window"]
            busy = []
            for load, flops, time in zip(works, compute.tolist(), window.tolist(), strict=True):
                if flops == 0.0 and load:
                    busy.append(math.inf)
                else:
                    busy.append(load / Fraction(flops) * Fraction(time) if load and flops < math.inf else Fraction(0))
            busy = [own + more for own, more in zip(setups, busy, strict=True)]
            self._limit("edge_batching (28)", edges, busy, window, exact(window), "s")

        size = exact(given["input_size"])
        sent = ((self.rate["edge"] + self.rate["cloud"]) * size).sum(axis=1).by_edge(home, self.edges)
        most = (self.demand * size).sum(axis=1)
        uplink = most.by_edge(home, self.edges)
        self._limit("edge_uplink (11)", edges, sent.fractions(), given["edge_uplink"], uplink, "MB/s")
        sent = (self.rate["cloud"] * size).sum()
        self._limit("cloud_uplink (12)", ("the cloud",), sent.fractions(), given["cloud_uplink"], most.sum(), "MB/s")

    def _values(self) -> None:
        """Check that the objective is as stated and within its bound, which the certificate proves if there is one."""
        worth = sum((rate * exact(self.accuracy[tier])).sum().fraction() for tier, rate in self.rate.items())
        total = self.demand.sum().fraction()
        self.worth = worth / total if total else Fraction(0)
        moving, what = self._moving()
        self.objective = self.worth - moving
        if what:
            self._refuse_word("accuracy", self.worth, 1)
        said, bound = float(self.plan["objective"]), float(self.plan["bound"])
        off = abs(Fraction(said) - self.objective) if math.isfinite(said) else math.inf
        if off > self.tolerance:
            text = f"says {said:.9g}, is worth {float(self.objective):.9g}{what}"
            self.refuse("objective (2)", "the plan", text, float(off))
        if math.isfinite(bound) and self.objective - Fraction(bound) > self.tolerance:
            text = f"the bound {bound:.9g} is below the worth {float(self.objective):.9g}"
            self.refuse("bound", "the plan", text, float(self.objective - Fraction(bound)))
        if self.prices and not np.isnan(self.prices["cloud_uplink"]):
            self.bound = proven_bound(self.given, self.prices)
            self.proven = math.isfinite(bound) and self.bound <= Fraction(bound) * (1 + PROVEN)
            if not self.proven:
                text = f"its prices prove {float(self.bound):.12g}, which is not the bound {bound:.12g}"
                negative = [name for name, prices in self.prices.items() if (prices < 0).any()]
                if negative:
                    text += f"; negative prices, of {' and '.join(negative)}, count as 0"
                off = float(self.bound - Fraction(bound)) if math.isfinite(bound) else math.inf
                self.refuse("certificate", "the plan", text, off)

    def _moving(self) -> tuple[Fraction, str]:
        """Cost of the models held that were not held before, and what is to be said of it."""
        if "switching.cost_per_mb" not in self.given:
            return Fraction(0), ""
        moved = Fraction(0)
        for node in ("client", "edge"):
            new = self.plan[f"{node}_models"] & ~self.given[f"switching.{node}_held"]
            moved += exact(np.where(new, self.given[f"{node}_model_memory"], 0.0)).sum().fraction()
        self._refuse_word("moved_mb", moved, max(moved, 1))
        cost = Fraction(float(self.given["switching.cost_per_mb"])) * moved
        return cost, f", after {float(cost):.6g} for {float(moved):.9g} MB moved"

    def _refuse_word(self, name: str, true: Fraction, scale: Fraction | int) -> None:
        """Note where the plan says another number of itself."""
        said = float(self.plan[name])
        off = abs(Fraction(said) - true) / scale if math.isfinite(said) else math.inf
        if off > self.tolerance:
            self.refuse(name, "the plan", f"says {said:.9g}, is {float(true):.9g}", float(off))

    def _limit(
        self,
        constraint: str,
        names: Any,
        loads: list[Any],
        limits: np.ndarray,
        most: Exact,
        unit: str | tuple[str, ...],
    ) -> None:
        units = (unit,) * len(names) if isinstance(unit, str) else unit
        rows = zip(names, units, loads, np.ravel(limits).tolist(), most.fractions(), strict=True)
        for name, unit, load, limit, could in rows:
            capacity = Fraction(limit) if math.isfinite(limit) else limit
            self.limits.append(Limit(self.instance, constraint, name, unit, load, capacity))
            if load > capacity:
                least = max(capacity, _LEAST_LIMIT * could)
                excess = (load - capacity) / least if least else math.inf
                if excess > self.tolerance:
                    text = f"{float(load):.9g} {unit} exceeds {float(capacity):.9g} {unit}"
                    self.refuse(constraint, name, text, float(excess))

    def _refuse_shares(self, constraint: str, amount: np.ndarray, text: str) -> None:
        for place in np.argwhere(amount > float(self.tolerance)):
            much = float(amount[tuple(place)])
            self.refuse(constraint, self._place(self.labels.clients, place), text.format(much), much)

    def _place(self, names: Any, place: Any) -> str:
        node, task = place.tolist()
        return f"{names[node]}, {self.labels.tasks[task]}"
