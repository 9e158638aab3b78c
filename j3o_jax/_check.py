"""An independent check of a plan: worth and limits recomputed from the paper's equations in plain NumPy.

Shares no code with the solvers. Inside, arrays have exactly one batch axis, ``B``.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from ._scenario import Scenario
from ._solution import Solution
from ._status import Status, succeeded
from ._types import AnyArray
from ._violations import Report, Violation

# 1[λ^e_t > 0] of (28) is 1 where more than this fraction of what the edge's clients ask of the task is
# served there; the set-up then counts in full. Less is what floating point leaves behind.
BATCH_THRESHOLD = 1e-9

# An excess is relative to its limit, but never to less than this fraction of the load that there would be
# if every query (or model) went there: so a limit of 0 can be judged too, in any unit.
SMALLEST_LIMIT = 1e-6


def check(scenario: Scenario, solution: Solution, tol: float = 1e-6) -> Report:
    """Recompute what a plan is worth and whether it keeps every constraint of its scenario.

    An instance without success, with invalid data or with NaN in its plan is never ok.

    **Arguments:**

    - `scenario`, `solution`: one, or a batch, with the same batch axes.
    - `tol`: allowed excess: relative to the limit for (8)–(12) and (28), absolute for shares and accuracies.

    **Returns:** a `Report`.
    """
    if not 0 <= tol < 1:
        raise ValueError(f"tol: must be in [0, 1), got {tol}")
    batch = scenario.batch_shape
    wrong = tuple(_wrong_arrays(scenario, solution))
    if wrong:
        unknown = np.full(batch, np.nan)[()]
        return Report(np.zeros(batch, bool)[()], unknown, np.full(batch, np.inf)[()], wrong, unknown, unknown)

    # An instance without a plan to judge gets one violation, which says why, and no others.
    hopeless = {instance: ("status", "the plan", why) for instance, why in _failures(solution)}
    hopeless |= {bad.instance: ("scenario", bad.field, bad.message) for bad in scenario.problems()}
    size = int(np.prod(batch, dtype=int))
    found = [(instance, *what[:2], np.inf, what[2]) for instance, what in hopeless.items()]
    worst = np.zeros(size)
    worst[list(hopeless)] = np.inf
    with np.errstate(all="ignore"):
        case = _Case(scenario, solution, size)
        accuracy, moved, objective = case.accuracy_and_moves()
        tests = [*case.choices(), *case.shares(), *case.limits(), *case.values(accuracy, moved, objective)]
        for test in [*tests, *case.together(objective, solution)]:
            test.amount[list(hopeless)] = 0.0
            over_places = tuple(range(1, test.amount.ndim))
            worst = np.maximum(worst, test.amount.max(axis=over_places, initial=0.0))
            for index in map(tuple, np.argwhere(test.amount > tol).tolist()):
                place = ", ".join(case.names[axis][i] for axis, i in zip(test.axes, index[1:], strict=True))
                amount, message = float(test.amount[index]), test.text.format(*(x[index] for x in test.told))
                found.append((index[0], test.constraint, place or test.place, amount, message))
    found.sort(key=lambda entry: entry[0])
    return Report(
        ok=(worst <= tol).reshape(batch)[()],
        objective=objective.reshape(batch)[()],
        accuracy=accuracy.reshape(batch)[()],
        moved_mb=moved.reshape(batch)[()],
        worst=worst.reshape(batch)[()],
        violations=tuple(Violation(_unflatten(entry[0], batch), *entry[1:]) for entry in found),
    )


_PLAN_ARRAYS = {  # axes, and the kinds of number that NumPy calls by these letters
    "client_models": ("CM", "b"),
    "edge_models": ("EM", "b"),
    "client_choice": ("CT", "iu"),
    "edge_choice": ("ET", "iu"),
    **dict.fromkeys(("local", "edge", "cloud", "unserved"), ("CT", "f")),
    **dict.fromkeys(("objective", "bound"), ("", "f")),
    "status": ("", "iu"),
}
_MOVES = ("accuracy", "moved_mb")
_KINDS = {"b": "booleans", "iu": "integers", "f": "floats"}


def _wrong_arrays(scenario: Scenario, solution: Solution) -> Iterator[Violation]:
    """Arrays of the plan that do not fit the scenario, or hold another kind of number."""
    sizes = {"C": scenario.clients, "E": scenario.edges, "T": scenario.tasks, "M": scenario.models}
    moves = () if solution.moves is None else _MOVES
    for name, (axes, kinds) in (_PLAN_ARRAYS | dict.fromkeys(moves, ("", "f"))).items():
        array = np.asarray(getattr(solution, name))
        shape = scenario.batch_shape + tuple(sizes[axis] for axis in axes)
        if array.shape != shape or array.dtype.kind not in kinds:
            message = f"has {array.dtype} of shape {list(array.shape)}, wants {_KINDS[kinds]} of {list(shape)}"
            yield Violation((), "arrays", name, np.inf, message)


def _failures(solution: Solution) -> Iterator[tuple[int, str]]:
    """Instances (in flattened order) that did not end with a plan, and why."""
    status = np.asarray(solution.status)
    names = {int(one): one.name for one in Status}
    for instance in np.flatnonzero(~succeeded(status)).tolist():
        index = _unflatten(instance, status.shape)
        number = int(status[index])
        known = number in names
        yield instance, f"{names[number]}: {solution.reason(index)}" if known else f"{number} is not a status"


def _unflatten(instance: int, batch: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(instance, batch)) if batch else ()


@dataclasses.dataclass(frozen=True, eq=False)
class _Test:
    """The excess over one constraint, 0 where it is kept: `amount` is ``[B, *axes]``.

    `text` says what is wrong at an index, with the values of the arrays `told` there; `place` stands
    for the place where there are no axes.
    """

    constraint: str
    axes: str
    amount: np.ndarray
    text: str
    told: tuple[np.ndarray, ...] = ()
    place: str = "the plan"


class _Case:
    """Scenarios and plans with one batch axis, and the tests that the plans must pass."""

    def __init__(self, scenario: Scenario, solution: Solution, size: int):
        skip = len(scenario.batch_shape)

        def flat(array: AnyArray) -> np.ndarray:
            return np.asarray(array).reshape(size, *array.shape[skip:])

        self.scenario = scenario
        self.names = {"C": scenario.labels.clients, "E": scenario.labels.edges, "T": scenario.labels.tasks}
        self.given = {name: flat(array) for name, array in scenario.arrays().items()}
        for node in ("client", "edge"):
            for name in (f"{node}_model_memory", f"{node}_model_compute"):
                if self.given[name].ndim == 2:  # [B, M], the same at all nodes: [B, 1, M], like [B, nodes, M]
                    self.given[name] = self.given[name][:, None]
        self.plan = {name: flat(getattr(solution, name)) for name in (*_PLAN_ARRAYS, *_MOVES)}
        # Indices out of range have tests of their own; in the others they must only do no harm.
        # `at_home` takes what is [B, E, ...] to the edge of each client: [B, C, ...].
        home = np.clip(self.given["client_edge"], 0, scenario.edges - 1)
        self.at_home = (np.arange(size)[:, None], home)
        self.chosen, self.model = {}, {}
        for node in ("client", "edge"):
            choice = self.plan[f"{node}_choice"]
            self.chosen[node] = (choice >= 0) & (choice < scenario.models)
            self.model[node] = np.where(self.chosen[node], choice, 0)
        # Queries/s of each stream that each tier serves. [B, C, T]
        self.rate = {
            tier: self.given["demand"] * np.clip(np.nan_to_num(self.plan[tier]), 0.0, 1.0)
            for tier in ("local", "edge", "cloud")
        }

        # Of what serves each stream there, 0 where nothing does. [B, C, T]
        instance, home = (index[..., None] for index in self.at_home)
        task = np.arange(scenario.tasks)
        at_edge = self.model["edge"][self.at_home]
        self.accuracy = {
            "local": self.given["client_accuracy"][instance, home, self.model["client"], task] * self.chosen["client"],
            "edge": self.given["edge_accuracy"][instance, home, at_edge, task] * self.chosen["edge"][self.at_home],
            "cloud": np.broadcast_to(self.given["cloud_accuracy"][:, None], self.plan["cloud"].shape),
        }

    def accuracy_and_moves(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """F, equations (2)–(7), 0 where nothing is asked; MB moved; and the objective, F less their cost ``[B]``."""
        given = self.given
        worth = sum(self.plan[tier] * accuracy for tier, accuracy in self.accuracy.items())
        total = given["demand"].sum(axis=(1, 2))
        accuracy = np.where(total == 0, 0.0, (given["demand"] * worth).sum(axis=(1, 2)) / total)
        moved = np.zeros(len(total))
        if "switching.cost_per_mb" not in given:
            return accuracy, moved, accuracy
        for node in ("client", "edge"):
            new = self.plan[f"{node}_models"] & ~given[f"switching.{node}_held"]
            moved = moved + (new * given[f"{node}_model_memory"]).sum(axis=(1, 2))
        return accuracy, moved, accuracy - given["switching.cost_per_mb"] * moved

    def choices(self) -> Iterator[_Test]:
        """(1): a model that is chosen is held; one is chosen where queries are served, and supports them."""
        for node, axes, constraint in (
            ("client", "CT", "client_choice (1a)"),
            ("edge", "ET", "edge_choice (1b)"),
        ):
            choice = self.plan[f"{node}_choice"]
            held = np.take_along_axis(self.plan[f"{node}_models"], self.model[node], axis=2)
            wrong = (choice != -1) & ~(self.chosen[node] & held)
            yield _Test(constraint, axes, wrong.astype(float), "chooses model {}, which is not held there", (choice,))
        missing = {
            "local": self.plan["client_choice"] == -1,
            "edge": self.plan["edge_choice"][self.at_home] == -1,
        }
        for tier, constraint in (("local", "local_without_model (1a)"), ("edge", "edge_without_model (1b)")):
            amount = np.where(missing[tier] & (self.rate[tier] > 0), np.fmax(self.plan[tier], 0.0), 0.0)
            yield _Test(constraint, "CT", amount, "a share of {:.6g} is served there without a model", (amount,))
        for tier, constraint, chosen, by in (
            ("local", "local_unsupported (3)", self.chosen["client"], "a model that"),
            ("edge", "edge_unsupported (5)", self.chosen["edge"][self.at_home], "a model that"),
            ("cloud", "cloud_unsupported (7)", True, "the cloud, which"),
        ):
            useless = chosen & ~(self.accuracy[tier] > 0) & (self.rate[tier] > 0)
            amount = np.where(useless, np.fmax(self.plan[tier], 0.0), 0.0)
            text = f"a share of {{:.6g}} is served by {by} does not support the task"
            yield _Test(constraint, "CT", amount, text, (amount,))

    def shares(self) -> Iterator[_Test]:
        """(13): shares in [0, 1] that sum to 1, with nothing unserved where that is not allowed."""
        parts = [self.plan[tier] for tier in ("local", "edge", "cloud", "unserved")]
        text = "local {:.6g} + edge {:.6g} + cloud {:.6g} + unserved {:.6g}"
        outside = np.max([np.maximum(-part, part - 1.0) for part in parts], axis=0)
        outside = np.where(np.isnan(outside), np.inf, np.maximum(outside, 0.0))
        yield _Test("shares (13f)", "CT", outside, f"{text}: not all in [0, 1]", tuple(parts))
        total = np.nan_to_num(np.abs(sum(parts) - 1.0))
        yield _Test("share_sum (13c)", "CT", total, f"{text} is not 1", tuple(parts))
        if not self.scenario.allow_unserved:
            amount = np.where(self.given["demand"] > 0, np.fmax(parts[3], 0.0), 0.0)
            yield _Test("all_served (13)", "CT", amount, "a share of {:.6g} is not served", (amount,))

    def limits(self) -> Iterator[_Test]:
        """(8)–(12), and (28) in place of (10)."""
        given, rate = self.given, self.rate
        for node, axis in (("client", "C"), ("edge", "E")):
            models = self.plan[f"{node}_models"]
            held = np.einsum("bnm,bnm->bn", models, np.broadcast_to(given[f"{node}_model_memory"], models.shape))
            yield _limit(f"{node}_memory (8)", axis, held, given[f"{node}_memory"], held, "MB")

        instance = self.at_home[0][:, :, None]
        cost = {}
        for node in ("client", "edge"):
            of_models = given[f"{node}_model_compute"]
            row = np.arange(of_models.shape[1])[:, None]
            cost[node] = np.where(self.chosen[node], of_models[instance, row, self.model[node]], 0.0)
        work = (rate["local"] * cost["client"]).sum(axis=2)
        most = (given["demand"] * cost["client"]).sum(axis=2)
        yield _limit("client_compute (9)", "C", work, given["client_compute"], most, self.units("client"))

        asked, served = self.at_edges(given["demand"]), self.at_edges(rate["edge"])
        if self.scenario.batching is None:
            work, most = (served * cost["edge"]).sum(axis=2), (asked * cost["edge"]).sum(axis=2)
            yield _limit("edge_compute (10)", "E", work, given["edge_compute"], most, self.units("edge"))
        else:
            batches = self.chosen["edge"] & (served > BATCH_THRESHOLD * asked)
            setup = given["batching.setup"][instance, np.arange(self.scenario.edges)[:, None], self.model["edge"]]
            work = (served * cost["edge"] * batches).sum(axis=2)
            window = given["batching.window"]
            busy = np.where(work > 0, work / given["edge_compute"] * window, 0.0)
            busy = busy + (setup * batches).sum(axis=2)
            yield _limit("edge_batching (28)", "E", busy, window, window, "s")

        sent = self.at_edges(rate["edge"] + rate["cloud"]) * given["input_size"][:, None]
        most = (asked * given["input_size"][:, None]).sum(axis=2)
        yield _limit("edge_uplink (11)", "E", sent.sum(axis=2), given["edge_uplink"], most, "MB/s")
        sent = (rate["cloud"] * given["input_size"][:, None]).sum(axis=(1, 2))
        yield _limit("cloud_uplink (12)", "", sent, given["cloud_uplink"], most.sum(axis=1), "MB/s")

    def values(self, accuracy: np.ndarray, moved: np.ndarray, objective: np.ndarray) -> Iterator[_Test]:
        """Objective, accuracy, MB moved and bound: a plan is worth what it says, and no more than its bound."""

        def told(constraint: str, said: np.ndarray, true: np.ndarray, text: str, scale: Any = 1.0) -> _Test:
            wrong = np.abs(said - true) / scale
            return _Test(constraint, "", np.where(np.isnan(wrong), np.inf, wrong), text, (said, true))

        said, bound = self.plan["objective"], self.plan["bound"]
        yield told("objective (2)", said, objective, "says {:.9g}, is worth {:.9g}")
        if "switching.cost_per_mb" in self.given:
            yield told("accuracy (2)", self.plan["accuracy"], accuracy, "says an accuracy of {:.9g}, has {:.9g}")
            text = "says that {:.9g} MB are moved, moves {:.9g}"
            yield told("moved_mb", self.plan["moved_mb"], moved, text, np.maximum(moved, 1.0))
        # A comparison with NaN is false: neither a bound that was not proven nor a worth unknown counts.
        over = np.where(objective > bound, objective - bound, 0.0)
        yield _Test("bound", "", over, "the bound {:.9g} is below the worth {:.9g}", (bound, objective))

    def together(self, objective: np.ndarray, solution: Solution) -> Iterator[_Test]:
        """Plans that share one placement hold the same models, and are worth together what they say."""
        shared = solution.shared
        if shared is None:
            return
        for node, axis in (("client", "C"), ("edge", "E")):
            models = self.plan[f"{node}_models"]
            other = (models != models[:1]).any(axis=2)
            text = "holds other models than in the first scenario"
            yield _Test(f"shared_{node}_models", axis, other.astype(float), text)
        risk = shared.risk
        weights, tail, tail_weight = np.asarray(risk.weights), float(risk.tail), float(risk.tail_weight)
        # Σ over the worst scenarios, the last of them in part.
        order = np.argsort(objective)
        taken = np.diff(np.minimum(np.cumsum(weights[order]), tail), prepend=0.0)
        worth = (1.0 - tail_weight) * (weights @ objective) + tail_weight * (taken @ objective[order]) / tail
        said, bound = float(shared.value), float(shared.bound)
        wrong = np.full(len(objective), abs(said - worth) if np.isfinite(said) else np.inf)
        told = np.full(len(objective), said), np.full(len(objective), worth)
        yield _Test("shared_objective", "", wrong, "says {:.9g}, is worth {:.9g}", told)
        over = np.full(len(objective), max(worth - bound, 0.0) if np.isfinite(bound) else 0.0)
        told = np.full(len(objective), bound), told[1]
        yield _Test("shared_bound", "", over, "the bound {:.9g} is below the worth {:.9g}", told)

    def units(self, tier: Literal["client", "edge"]) -> np.ndarray:
        """Units of the compute of each node."""
        return np.array(self.scenario.labels.compute_units(tier))

    def at_edges(self, values: np.ndarray) -> np.ndarray:
        """Sum over the clients of each edge: ``[B, C, T]`` to ``[B, E, T]``."""
        total = np.zeros((len(values), self.scenario.edges, self.scenario.tasks))
        np.add.at(total, self.at_home, values)
        return total


def _limit(
    constraint: str, axes: str, load: np.ndarray, limit: np.ndarray, most: np.ndarray, unit: str | np.ndarray
) -> _Test:
    """`load` keeps to `limit`; `most` is the load that there could be."""
    excess = np.where(load > limit, load - limit, 0.0)
    amount = np.where(excess > 0, excess / np.maximum(limit, SMALLEST_LIMIT * most), 0.0)
    units = np.broadcast_to(unit, load.shape)
    return _Test(
        constraint, axes, amount, "{:.9g} {} exceeds {:.9g} {}", (load, units, limit, units), place="the cloud"
    )
