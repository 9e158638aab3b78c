"""The exact answers that other tests trust: three routes to one optimum, and one worked out by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from support.oracle import brute_force, lp_optimum, milp_optimum
from support.scenarios import by_hand, random_scenario, tiny_scenarios

from j3o_jax import Batching, Scenario


def every_choice(scenario: Scenario) -> float:
    """The optimum by one linear program for every choice that fits, with nothing left out; -inf if none serves all."""
    tiers = []
    for memory, size in (
        (scenario.client_memory, scenario.client_model_memory),
        (scenario.edge_memory, scenario.edge_model_memory),
    ):
        choices = list(itertools.product(range(-1, scenario.models), repeat=scenario.tasks))
        fitting = [[c for c in choices if size[sorted(set(c) - {-1})].sum() <= limit] for limit in memory]
        tiers.append([np.array(choice) for choice in itertools.product(*fitting)])
    plans = [lp_optimum(scenario, *choice) for choice in itertools.product(*tiers)]
    return max((plan.objective for plan in plans if plan is not None), default=-np.inf)


@pytest.mark.parametrize("batching", [False, True])
@pytest.mark.parametrize("allow_unserved", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_by_dominance_and_bounds(batching, allow_unserved, seed):
    sizes = [(1, 1, 2, 2), (2, 1, 1, 2), (1, 1, 1, 3)][seed]
    scenario = random_scenario(
        np.random.default_rng(seed),
        **dict(zip(("clients", "edges", "tasks", "models"), sizes, strict=True)),
        batching=batching,
        allow_unserved=allow_unserved,
        tightness=0.7,
    )
    plan = brute_force(scenario)
    assert (-np.inf if plan is None else plan.objective) == pytest.approx(every_choice(scenario), abs=1e-9)


@settings(max_examples=60)
@given(tiny_scenarios())
def test_enumeration_and_integer_program_agree(scenario):
    enumerated, programmed = brute_force(scenario), milp_optimum(scenario)
    assert (enumerated is None) == (programmed is None)
    if enumerated is not None and programmed is not None:
        assert programmed.objective == pytest.approx(enumerated.objective, abs=1e-6)
        assert programmed.bound >= enumerated.objective - 1e-6


def one_of_each(**changes) -> Scenario:
    """One client, edge, task and model: 10 queries/s, of which the client can bear 2 and the edge 5."""
    given = {
        "demand": [[10.0]],
        "client_accuracy": [[[0.5]]],
        "edge_accuracy": [[[0.8]]],
        "client_model_compute": [3.0],
        "edge_model_compute": [2.0],
        "client_memory": [1.0],
        "client_compute": [6.0],
        "edge_memory": [1.0],
        "edge_compute": [10.0],
        "edge_uplink": [7.0],
        "cloud_uplink": 1.0,
    }
    return by_hand(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "optimum"),
    [
        # 1 of 10 to the cloud, 5 to the edge, 2 local, 2 unserved.
        ({}, 0.1 * 1.0 + 0.5 * 0.8 + 0.2 * 0.5),
        ({"allow_unserved": False}, None),
        # All are served: 1 to the cloud, 5 to the edge, 4 local.
        ({"allow_unserved": False, "client_compute": [12.0]}, 0.1 * 1.0 + 0.5 * 0.8 + 0.4 * 0.5),
        # The client has no model that supports the task: what it would have to serve is left, or cannot be.
        ({"client_compute": [12.0], "client_accuracy": [[[0.0]]]}, 0.1 * 1.0 + 0.5 * 0.8),
        ({"allow_unserved": False, "client_compute": [12.0], "client_accuracy": [[[0.0]]]}, None),
        # The cloud does not support it: 5 to the edge, 5 local.
        ({"allow_unserved": False, "client_compute": [15.0], "cloud_accuracy": [0.0]}, 0.5 * 0.8 + 0.5 * 0.5),
        ({"allow_unserved": False, "client_compute": [12.0], "cloud_accuracy": [0.0]}, None),
        # The link to the edge carries 3: 1 on to the cloud, 2 stay.
        ({"edge_uplink": [3.0]}, 0.1 * 1.0 + 0.2 * 0.8 + 0.2 * 0.5),
        ({"edge_memory": [0.9]}, 0.1 * 1.0 + 0.2 * 0.5),
        ({"client_memory": [0.0]}, 0.1 * 1.0 + 0.5 * 0.8),
        ({"demand": [[0.0]]}, 0.0),
        # Half of the window goes to the set-up: 2.5 queries/s fit in the rest.
        ({"batching": Batching([0.2], [[0.1]])}, 0.1 * 1.0 + 0.25 * 0.8 + 0.2 * 0.5),
        ({"batching": Batching([0.2], [[0.3]])}, 0.1 * 1.0 + 0.2 * 0.5),
    ],
)
def test_by_hand(changes, optimum):
    scenario = one_of_each(**changes)
    for plan in (brute_force(scenario), milp_optimum(scenario)):
        assert (plan and plan.objective) == (optimum and pytest.approx(optimum, abs=1e-9))
