"""The method that suits what is to be solved, by its size and the time that there is."""

import math
from typing import Any, Literal, NamedTuple

import equinox as eqx
import numpy as np

from .._scenario import Scenario
from .._status import Status, succeeded
from .._time_limit import limiting_time
from ._base import AbstractMethod, Outcome, require_time
from .exact.recover_plan import NOT_FOUND
from .exact.strong_formulation import strong_formulation
from .j3o import J3O
from .milp import ExactMILP
from .price_directed import PriceDirected

Name = Literal["exact-milp", "price-directed", "j3o"]

# The figures are those of `python -m bench auto` (bench/results/auto.json) and of bench/results/methods.json.
# Variables of the strong formulation tell how long HiGHS takes better than clients do. To a gap of 1e-4 it takes 1.5 s
# for 8,600 of them (30 clients of Taskonomy-5), 5.5 s for 28,700 (100), 24 s for 86,000 (300), and for 70,000 of
# heterogeneous models it was 6 % off after half a minute of one core, far behind J3O. No start is given to it: J3O's
# plan makes it no quicker up to 300 clients, and takes some seconds to compile.
_IN_SECONDS, _EXACT_VARIABLES = 10_000, 40_000
_VARIABLES_PER_SECOND = 2_000
# PriceDirected takes 9 s to compile on two idle cores for 30 clients, and about 35 s of one core for 300.
_ROOM_TO_COMPILE = 30.0
_FOR_COMPILING = 0.75
# An exact search that leaves more open may have found nothing that is worth having: a slow machine, a hard scenario.
_WIDE_GAP = 0.01
# C · M · T of all scenarios together: 200 scenarios of Taskonomy-5 take PriceDirected ten seconds, tight ones of as
# many heterogeneous models two minutes; J3O half a second.
_BATCH_FLOWS = 1_000_000
# Pairs of stream and model beyond which variables need not be counted: most of them have two variables each.
_COUNTED = 4 * _EXACT_VARIABLES


class Size(NamedTuple):
    """Size of a problem, which the choice of a method depends on.

    - `scenarios`: how many there are.
    - `flows`: pairs of client, model and task in one of them, C · M · T.
    - `variables`: of the strong formulation where there is one scenario, infinite where there are too many to count.
    """

    scenarios: int
    flows: int
    variables: float


class Taken(NamedTuple):
    """Choice of `Auto`: the name of the method on the command line, the method, and why, after the word "since"."""

    name: Name
    method: AbstractMethod
    because: str


class Auto(AbstractMethod):
    """The method that suits: `ExactMILP` for one deployment whose size promises a proof, `PriceDirected` beyond it.

    A batch is for `PriceDirected`, a large one for `J3O`; so is what `PriceDirected` would not be compiled for within
    the time limit. The choice depends on sizes and on the limit alone: the same file gets the same method every time,
    on every machine. `taken` tells it, and `Solution.stats["method"]` names what the plan is by. In a batch the answer
    for an instance depends on how many there are; name a method where it must not.

    **Arguments:**

    - `time_limit`: seconds for each scenario, compiling among them. It cannot be stopped: the search has a quarter of
      the limit in any case, and J3O the seconds that it takes. What ends at the limit is the best plan so far,
      `Status.iteration_limit`, with the bound so far. Where `ExactMILP` has left more than 1 % open by then, J3O plans
      too, on top of the limit, and the better plan is returned.
    - `gap`: (bound − F) / F at which a plan counts as optimal.
    """

    time_limit: float | int = eqx.field(static=True, default=60.0)
    gap: float | int = eqx.field(static=True, default=1e-4)

    def __check_init__(self):
        require_time(self.time_limit)
        if not 0.0 <= self.gap < math.inf:
            raise ValueError(f"gap: must be a number >= 0, got {self.gap}")

    def taken(self, scenario: Scenario) -> Taken:
        """Choose the method for one scenario or a batch of them, in NumPy."""
        flat = scenario.flattened()
        shape = " × ".join(f"{size:,}" for size in (flat.clients, flat.edges, flat.tasks, flat.models))
        name, because = suited(size_of(flat), float(self.time_limit), shape)
        methods = {
            "exact-milp": lambda: ExactMILP(gap=self.gap),
            "price-directed": lambda: PriceDirected(gap=self.gap),
            "j3o": J3O,
        }
        return Taken(name, methods[name](), because)

    def run(self, scenarios: Scenario, key: Any) -> Outcome:
        """See `AbstractMethod`."""
        batch = scenarios.batch_shape[0]
        with limiting_time(self.time_limit * batch, for_compiling=_FOR_COMPILING):
            taken = self.taken(scenarios)
            outcome = taken.method.run(scenarios, key)
        name = taken.name
        if taken.name == "exact-milp" and _is_poor(outcome):
            quick = J3O().run(scenarios, key)
            if _value(quick) > _value(outcome):
                limited = np.full(1, int(Status.iteration_limit))
                name, outcome = "j3o", quick._replace(status=limited, bound=outcome.bound)
        return outcome._replace(stats={**outcome.stats, "method": np.full(batch, name)})


def _value(outcome: Outcome) -> float:
    """F of the plan for one scenario, −∞ where there is none."""
    return float(np.nanmax(outcome.history)) if succeeded(outcome.status[0]) else -math.inf


def _is_poor(outcome: Outcome) -> bool:
    """Whether an exact search for one scenario ended at its limit with nothing, or with little that is worth having."""
    if outcome.status[0] == Status.infeasible:
        return outcome.reasons[0].endswith(NOT_FOUND)
    value = _value(outcome)
    gap = (float(outcome.bound[0]) - value) / value if value > 0.0 else math.inf
    return bool(outcome.status[0] == Status.iteration_limit) and gap > _WIDE_GAP


def size_of(scenarios: Scenario) -> Size:
    """Size of a batch of one axis."""
    batch, flows = scenarios.batch_shape[0], scenarios.clients * scenarios.models * scenarios.tasks
    variables = math.inf
    if batch == 1 and _pairs(scenarios[0]) <= _COUNTED:
        variables = strong_formulation(scenarios[0]).program.objective.size
    return Size(batch, flows, variables)


def _pairs(scenario: Scenario) -> int:
    """Count the pairs of a stream with demand and a model that supports its task somewhere."""
    supports = (scenario.client_accuracy > 0.0) | (scenario.edge_accuracy > 0.0)
    return int(supports.sum(axis=1)[scenario.client_edge][scenario.demand > 0.0].sum())


def suited(size: Size, time_limit: float, shape: str) -> tuple[Name, str]:
    """Name of the method for a size within `time_limit` seconds for each scenario, and why.

    **Arguments:**

    - `shape`: clients × edges × tasks × models, in words.
    """
    if size.scenarios == 1 and size.variables <= min(_EXACT_VARIABLES, _VARIABLES_PER_SECOND * time_limit):
        if size.variables <= _IN_SECONDS:
            return "exact-milp", f"{shape} is proven in seconds"
        end = "in minutes" if math.isinf(time_limit) else f"within {time_limit:g} s"
        return "exact-milp", f"{shape} is proven, or nearly, {end}"
    if time_limit * size.scenarios < _ROOM_TO_COMPILE:
        return "j3o", f"{time_limit * size.scenarios:g} s leave no room to compile price-directed for {shape}"
    if size.scenarios > 1 and size.scenarios * size.flows > _BATCH_FLOWS:
        return "j3o", f"{size.scenarios:,} scenarios of {shape} are a minute and more for price-directed"
    if size.scenarios > 1:
        return "price-directed", f"{size.scenarios:,} scenarios of {shape} are solved together, each with a bound"
    return "price-directed", f"{shape} is beyond an exact search"
