"""An adversary: random and degenerate scenarios through many methods, in search of a plan or a proof that is wrong.

A finding is a plan that breaks a limit or is called a success without being one, a plan worth more than a bound of the
same scenario, a proof that does not hold in exact arithmetic, or an answer that differs from the optimum by
enumeration. `bench/adversary.py` looks for hours, `test_adversary.py` at every run of the tests.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

import j3o_jax as j3o
from j3o_jax import Scenario, Solution, Status
from j3o_jax.methods import AbstractMethod

from .oracle import brute_force
from .scenarios import COSTS, EXTREMES, at_nodes, random_scenario

# What an objective may lie above a bound, relative: sums of other orders.
ROUNDING = 1e-9
# What the checker lets a plan exceed its limits by, and so what its objective may gain.
TOLERANCE = 1e-6

POSITIVE = (
    "demand",
    *COSTS,
    "client_memory",
    "client_compute",
    "edge_memory",
    "edge_compute",
    "edge_uplink",
    "input_size",
)


class Finding(NamedTuple):
    """What is wrong: the method's name, the instance of the batch, and a sentence."""

    method: str
    instance: int
    what: str


def _orders(rng: np.random.Generator, scenario: Scenario) -> dict[str, np.ndarray]:
    """Entries of two fields that differ by up to twelve orders of magnitude."""
    names = rng.choice(POSITIVE, 2, replace=False)
    return {
        name: getattr(scenario, name) * 10.0 ** rng.uniform(-6.0, 6.0, np.shape(getattr(scenario, name)))
        for name in names
    }


def _ties(rng: np.random.Generator, scenario: Scenario) -> dict[str, np.ndarray]:
    """Accuracies of a few values, and models of one size and cost."""
    few = {
        name: np.round(getattr(scenario, name) * 4.0) / 4.0
        for name in ("client_accuracy", "edge_accuracy", "cloud_accuracy")
    }
    return few | {name: np.full_like(getattr(scenario, name), 2.0 ** rng.integers(-3, 4)) for name in COSTS}


def _sparse(rng: np.random.Generator, scenario: Scenario) -> dict[str, np.ndarray]:
    """Half of the entries of a field are zero."""
    name = str(rng.choice((*POSITIVE, "client_accuracy", "edge_accuracy", "cloud_accuracy")))
    array = getattr(scenario, name)
    return {name: np.where(rng.random(np.shape(array)) < 0.5, array, 0.0)}


def _exact_fit(rng: np.random.Generator, scenario: Scenario) -> dict[str, np.ndarray]:
    """Memories that a few models fill to the last bit, and compute that a stream fills."""
    held = rng.random((scenario.clients, scenario.models)) < 0.5
    of_edges = rng.random((scenario.edges, scenario.models)) < 0.5
    model = rng.integers(scenario.models)
    return {
        "client_memory": np.sum(held * at_nodes(scenario, "client_model_memory"), axis=1),
        "edge_memory": np.sum(of_edges * at_nodes(scenario, "edge_model_memory"), axis=1),
        "client_compute": scenario.demand[:, 0] * at_nodes(scenario, "client_model_compute")[:, model],
    }


def _few_sizes(rng: np.random.Generator, scenario: Scenario) -> dict[str, np.ndarray]:
    """Models that differ in size by a factor of two or not at all."""
    sizes = {name: getattr(scenario, name) for name in ("client_model_memory", "edge_model_memory")}
    return {name: rng.choice([1.0, 2.0], size.shape) * size.max() for name, size in sizes.items()}


DEGENERATE: dict[str, Callable[[np.random.Generator, Scenario], dict[str, np.ndarray]]] = {
    "twelve orders of magnitude": _orders,
    "ties": _ties,
    "zeros": _sparse,
    "exact fit": _exact_fit,
    "few sizes": _few_sizes,
    **{name: (lambda rng, scenario, change=change: change(scenario)) for name, change in EXTREMES.items()},
}


def draw(seed: int, sizes: Mapping[str, int], **variant: bool) -> Scenario:
    """A scenario with up to three kinds of degeneration. Every seed is another one; `variant` as `random_scenario`."""
    rng = np.random.default_rng(seed)
    scenario = random_scenario(rng, **sizes, **variant, tightness=float(rng.choice([0.3, 1.0, 3.0])))
    for name in rng.choice(sorted(DEGENERATE), rng.integers(0, 4), replace=False):
        scenario = dataclasses.replace(scenario, **DEGENERATE[str(name)](rng, scenario))
    return scenario


def attack(batch: Scenario, methods: Mapping[str, AbstractMethod], *, enumerate_all: bool = False) -> Iterator[Finding]:
    """Findings of some methods for a batch of one axis; against the optimum by enumeration where that is wanted."""
    plans: dict[str, Solution] = {name: j3o.solve(batch, method, throw=False) for name, method in methods.items()}
    optimum = _by_enumeration(batch) if enumerate_all else None
    for name, found in plans.items():
        success = np.isin(found.status, [status for status in Status if status.success])
        report = j3o.check(batch, found)
        for instance in np.flatnonzero(np.asarray(report.ok) != success):
            why = [str(violation) for violation in report.violations if violation.instance == (instance,)]
            yield Finding(name, int(instance), f"{Status(found.status[instance]).name}, but: {why}")
        for instance in np.flatnonzero(found.status == Status.numerical_error):
            yield Finding(name, int(instance), f"gave up: {found.reason((int(instance),))}")
        yield from _above_bounds(name, batch, found, success, plans, optimum)
        if found.certificate is not None:
            yield from _unproven(name, batch, found, success, optimum)


def _unproven(
    name: str, batch: Scenario, found: Solution, success: np.ndarray, optimum: np.ndarray | None
) -> Iterator[Finding]:
    """Certificates that do not prove their bounds, and such as prove what is not so."""
    exact = j3o.verify(batch, found)
    for instance in np.flatnonzero(success & ~(exact.ok & exact.proven)):
        why = [str(violation) for violation in exact.violations if violation.instance == (instance,)]
        yield Finding(name, int(instance), f"certificate: {why or 'proves less than is said'}")
    for instance in np.flatnonzero(success):
        if optimum is not None and exact.bound[instance] < optimum[instance] * (1.0 - ROUNDING) - 1e-12:
            yield Finding(name, int(instance), f"certificate: proves {float(exact.bound[instance])!r}, too little")


def _by_enumeration(batch: Scenario) -> np.ndarray:
    best = [brute_force(batch[index]) for index in range(batch.batch_shape[0])]
    return np.array([np.nan if plan is None else plan.objective for plan in best])


def _above_bounds(
    name: str,
    batch: Scenario,
    found: Solution,
    success: np.ndarray,
    plans: Mapping[str, Solution],
    optimum: np.ndarray | None,
) -> Iterator[Finding]:
    for other, proof in plans.items():
        over = success & (found.objective > proof.bound * (1.0 + ROUNDING) + 1e-12)
        for instance in np.flatnonzero(over):
            # What a plan exceeds its limits by, which the checker has accepted, may earn as much.
            fullest = max(limit.used for limit in j3o.verify(batch[instance], found[instance]).limits)
            if found.objective[instance] <= proof.bound[instance] * max(fullest, 1.0) * (1.0 + ROUNDING):
                continue
            yield Finding(
                name,
                int(instance),
                f"is worth {found.objective[instance]!r}, {other} has the bound {proof.bound[instance]!r}",
            )
    if optimum is None:
        return
    for instance in np.flatnonzero(success & ~(found.objective <= optimum + TOLERANCE)):
        yield Finding(
            name, int(instance), f"is worth {found.objective[instance]!r}, at most {optimum[instance]!r} is possible"
        )
    for instance in np.flatnonzero(found.bound < optimum * (1.0 - ROUNDING) - 1e-12):
        yield Finding(
            name, int(instance), f"has the bound {found.bound[instance]!r}, {optimum[instance]!r} is possible"
        )
    for instance in np.flatnonzero((found.status == Status.infeasible) & np.isfinite(optimum)):
        if "proven" in found.reason((int(instance),)):
            yield Finding(name, int(instance), "is said to have no plan, and has one")


def shrink(scenario: Scenario, fails: Callable[[Scenario], bool], most: int = 400) -> Scenario:
    """A simpler scenario of the same sizes that still fails: entries become 0 or 1, and numbers short.

    **Arguments:**

    - `fails`: whether what was found is still there.
    - `most`: trials.
    """
    for _ in range(most):
        for simpler in _simpler(scenario):
            most -= 1
            if most <= 0:
                return scenario
            if not simpler.problems() and fails(simpler):
                scenario = simpler
                break
        else:
            return scenario
    return scenario


def _simpler(scenario: Scenario) -> Iterator[Scenario]:
    """Scenarios with a field, or an entry of it, in a simpler form; the simplest first."""
    fields = (*POSITIVE, "cloud_uplink", "client_accuracy", "edge_accuracy", "cloud_accuracy")
    for name in fields:
        array = np.asarray(getattr(scenario, name))
        # Only what is simpler than it is, or two forms that both fail would take turns for ever.
        for whole in (np.zeros_like(array), np.ones_like(array), _short(array)):
            if np.array_equal(whole, array):
                break
            yield dataclasses.replace(scenario, **{name: whole})
    for name in fields:
        array = np.asarray(getattr(scenario, name))
        for index in np.ndindex(array.shape):
            if array[index] != 0.0:
                changed = array.copy()
                changed[index] = 0.0
                yield dataclasses.replace(scenario, **{name: changed})


def _short(array: np.ndarray) -> np.ndarray:
    """Numbers of two digits."""
    return np.vectorize(lambda value: float(f"{value:.1e}"), otypes=[float])(array)
