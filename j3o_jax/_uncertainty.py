"""Sets of weighted scenarios: demand that is uncertain, and edges that may fail."""

import dataclasses
from typing import Any, Literal, NamedTuple, get_args

import jax
import numpy as np

from ._risk import Risk
from ._scenario import Scenario
from ._types import Float

Distribution = Literal["lognormal", "gamma"]

# Draws to plan for, and those that a plan has not seen: streams of random numbers of one seed.
_PLANNED, _UNSEEN = 0, 1


class ScenarioSet(NamedTuple):
    """Scenarios on one leading axis S and what each of them weighs, as `solve_shared` takes them.

    - `scenarios`: ``[S, ...]``
    - `weights`: probabilities, which sum to 1. ``[S]``
    """

    scenarios: Scenario
    weights: Float[np.ndarray, " S"]


@dataclasses.dataclass(frozen=True)
class RiskFigures:
    """Accuracy over a set of scenarios: the mean, the mean of the worst tenth by weight, and the worst."""

    mean: float
    worst_tenth: float
    worst: float


def demand_samples(
    scenario: Scenario,
    samples: int,
    noise: float,
    *,
    seed: int = 0,
    distribution: Distribution = "lognormal",
    unseen: bool = False,
) -> ScenarioSet:
    """Scenarios with the demand of every stream times an independent random factor of mean 1, of equal weights.

    **Arguments:**

    - `scenario`: a single one.
    - `samples`: S, how many.
    - `noise`: relative standard deviation of the demand, at least 0.
    - `seed`: of the draws. The first of them do not depend on how many there are.
    - `distribution`: ``"lognormal"`` or ``"gamma"``, which has less of very large demands and more of very small ones.
    - `unseen`: other draws of the same seed, to evaluate what was planned on the first.

    **Raises:** `ValueError` for a batch, or for arguments out of range.
    """
    _require_single(scenario, "demand_samples")
    if samples < 1:
        raise ValueError(f"samples: must be at least 1, got {samples}")
    if not 0.0 <= noise < np.inf:
        raise ValueError(f"noise: must be a relative standard deviation of at least 0, got {noise}")
    if distribution not in get_args(Distribution):
        raise ValueError(f"distribution: must be 'lognormal' or 'gamma', got {distribution!r}")
    source = np.random.default_rng([seed, _UNSEEN if unseen else _PLANNED])
    shape = (samples, *scenario.demand.shape)
    variance = float(noise) ** 2
    if variance == 0.0:
        factor = np.ones(shape)
    elif distribution == "gamma":
        factor = source.gamma(1.0 / variance, variance, shape)
    else:
        width = np.log1p(variance)
        factor = np.exp(np.sqrt(width) * source.standard_normal(shape) - 0.5 * width)
    scenarios = dataclasses.replace(_repeated(scenario, samples), demand=scenario.demand * factor)
    return ScenarioSet(scenarios, np.full(samples, 1.0 / samples))


def edge_failures(scenario: Scenario, probability: Any) -> ScenarioSet:
    """Make scenarios of a scenario as it is, and with every single edge down in turn: S = E + 1.

    An edge that is down answers nothing and passes nothing on to the cloud: its clients fall back on themselves. What
    it holds it holds all the same. Two edges are never down at once.

    **Arguments:**

    - `scenario`: a single one.
    - `probability`: that an edge is down, of each ``[E]`` or the same of all; they sum to at most 1. What is left is
      the weight of the scenario as it is.

    **Raises:** `ValueError` for a batch, for probabilities out of range, or where a task that the cloud answers has
    inputs of 0 MB, which no link could keep back.
    """
    _require_single(scenario, "edge_failures")
    given = np.asarray(probability, dtype=np.float64)
    if given.shape not in ((), (scenario.edges,)):
        raise ValueError(f"probability: has shape {list(given.shape)}, wants a number, or one for each edge")
    each = np.broadcast_to(given, scenario.edges)
    if not ((each >= 0.0) & (each <= 1.0)).all():
        raise ValueError(f"probability: must be in [0, 1], got {probability}")
    left = 1.0 - each.sum()
    if left < -1e-12:
        raise ValueError(
            f"probability: that of every single edge down must sum to at most 1, sums to {each.sum():.6g}: two edges "
            "down at once are not modelled"
        )
    free = np.flatnonzero((scenario.input_size <= 0.0) & (scenario.cloud_accuracy > 0.0))
    if free.size:
        task = scenario.labels.tasks[int(free[0])]
        raise ValueError(
            f"input_size: that of task {task!r} is 0 MB, which a link that is down does not keep from the cloud: give "
            "it a size above 0"
        )
    scenarios = _repeated(scenario, scenario.edges + 1)
    edges = np.arange(scenario.edges)
    down = {}
    for name in ("edge_accuracy", "edge_compute", "edge_uplink"):
        down[name] = np.array(getattr(scenarios, name))
        down[name][edges + 1, edges] = 0.0
    weights = np.concatenate([[max(left, 0.0)], each])
    return ScenarioSet(dataclasses.replace(scenarios, **down), weights / weights.sum())


def uncertain_scenarios(
    scenario: Scenario,
    *,
    demand_noise: float = 0.0,
    samples: int = 200,
    edge_failure: Any = 0.0,
    seed: int = 0,
    distribution: Distribution = "lognormal",
    unseen: bool = False,
    every_failure: bool = False,
) -> ScenarioSet:
    """Scenarios of uncertain demand in which every single edge may be down.

    Where edges may fail, the scenario as it is has `samples` draws, and as many again are shared evenly by the
    failures, each with draws of its own and its whole probability. Without noise there is one scenario for each.

    **Arguments:**

    - `demand_noise`, `samples`, `seed`, `distribution`, `unseen`: as of `demand_samples`.
    - `edge_failure`: the `probability` of `edge_failures`; 0 for none.
    - `every_failure`: all draws with every failure, `samples` · (E + 1) scenarios, as an evaluation wants them.
    """
    states = ScenarioSet(_repeated(scenario, 1), np.ones(1))
    if np.any(np.asarray(edge_failure) != 0.0):
        states = edge_failures(scenario, edge_failure)
    count = len(states.weights)
    draws = samples if demand_noise > 0.0 else 1
    each = [draws, *[draws if every_failure else -(-draws // max(count - 1, 1))] * (count - 1)]
    total = draws if every_failure else sum(each)
    drawn = demand_samples(
        scenario, total, demand_noise, seed=seed, distribution=distribution, unseen=unseen
    ).scenarios.demand
    state = np.repeat(np.arange(count), each)
    demand = np.concatenate([drawn] * count) if every_failure else drawn
    scenarios = dataclasses.replace(states.scenarios[state], demand=demand)
    return ScenarioSet(scenarios, (states.weights / np.asarray(each))[state])


def risk_figures(values: Any, weights: Any) -> RiskFigures:
    """Figures of the accuracy of plans ``[S]`` over scenarios of some weights ``[S]``; NaN where one has no plan."""
    values, weights = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if not np.isfinite(values).all():
        return RiskFigures(np.nan, np.nan, np.nan)
    tenth = Risk(weights, np.asarray(0.1), np.asarray(1.0))
    return RiskFigures(float(weights @ values), float(tenth.value(values)), float(values[weights > 0.0].min()))


def _require_single(scenario: Scenario, what: str) -> None:
    if scenario.batch_shape:
        raise ValueError(f"{what}: wants one scenario, got a batch of axes {list(scenario.batch_shape)}: pick one")


def _repeated(scenario: Scenario, count: int) -> Scenario:
    return jax.tree.map(lambda array: np.repeat(np.asarray(array)[None], count, axis=0), scenario)
