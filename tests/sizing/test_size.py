"""The front of price and accuracy: that of an exact search through all options, with bounds that hold."""

import dataclasses
import os

import numpy as np
import pytest
from support.methods import SMALL
from support.scenarios import random_scenario

import j3o_jax as j3o
from bench.sizing import every_pick, exhaustive_front, small_choices
from j3o_jax.sizing import Options

EXACT = j3o.ExactMILP(gap=0.0)


def case(seed, **variant):
    rng = np.random.default_rng(seed)
    scenario = random_scenario(rng, **SMALL, **variant)
    return scenario, small_choices(scenario, rng, numbers=(2, 2, 1, 2))


def exhaustive(scenario, choices):
    """Price and best accuracy of every option; NaN where nothing serves all."""
    options = Options(scenario, choices)
    picks = every_pick(options)
    return options.prices(picks), np.asarray(j3o.solve(options.scenarios(picks), EXACT).objective)


@pytest.mark.parametrize("variant", [{}, {"batching": True}, {"allow_unserved": False, "tightness": 0.6}], ids=str)
def test_the_front_is_that_of_an_exhaustive_search(variant):
    for seed in range(2):
        scenario, choices = case(seed, **variant)
        price, accuracy = exhaustive(scenario, choices)
        sizing = j3o.size(scenario, choices, gap=0.0, method=j3o.J3O(), exact=EXACT, batch=8)
        found = exhaustive_front(sizing.price, sizing.accuracy)
        np.testing.assert_allclose(found, exhaustive_front(price, accuracy), rtol=2e-7)
        assert sizing.counts.open == 0
        for point in range(len(sizing.price)):
            scenario_there = sizing.scenario(point)
            plan = sizing.solutions[point]
            j3o.check(scenario_there, plan).raise_if_violated()
            assert plan.objective == sizing.accuracy[point]


@pytest.mark.parametrize("gap", [1e-3, 3e-2])
def test_bounds_hold_and_what_is_called_proven_is(gap):
    for seed in range(2, 5):
        scenario, choices = case(seed)
        price, accuracy = exhaustive(scenario, choices)
        for most_plans in (None, 5):
            sizing = j3o.size(scenario, choices, gap=gap, method=j3o.J3O(), batch=4, most_plans=most_plans)
            assert (sizing.counts.open == 0) or most_plans is not None
            assert sizing.counts.plans <= (most_plans or np.inf)
            for point in range(len(sizing.price)):
                cheaper, affordable = price < sizing.price[point], price <= sizing.price[point]
                assert accuracy[cheaper].max(initial=0.0) <= max(sizing.cheaper_bound[point], 0.0) + 1e-9
                assert accuracy[affordable].max() <= sizing.bound[point] + 1e-9
                if sizing.proven[point]:
                    assert accuracy[cheaper].max(initial=0.0) < sizing.accuracy[point]
            counts = sizing.counts
            parts = counts.plans + counts.dominated + counts.unaffordable + counts.by_bounds + counts.open
            assert parts == counts.options == len(price)


def test_a_budget_and_a_target_have_one_answer():
    scenario, choices = case(7)
    price, accuracy = exhaustive(scenario, choices)
    budget, target = np.median(price), np.quantile(accuracy, 0.7)
    best = j3o.size(scenario, choices, gap=0.0, budget=budget, method=j3o.J3O(), exact=EXACT)
    assert best.answer is not None
    assert best.price[best.answer] <= budget
    assert best.accuracy[best.answer] == pytest.approx(accuracy[price <= budget].max(), rel=1e-7)
    as_good = accuracy >= accuracy[price <= budget].max() * (1.0 - 5e-7)
    assert best.price[best.answer] == price[as_good].min()
    cheapest = j3o.size(scenario, choices, gap=0.0, target=target, method=j3o.J3O(), exact=EXACT)
    assert cheapest.answer is not None
    assert cheapest.accuracy[cheapest.answer] >= target * (1.0 - 1e-8)
    assert cheapest.price[cheapest.answer] == price[accuracy >= target].min()
    both = j3o.size(scenario, choices, budget=price.min(), target=accuracy.max(), method=j3o.J3O(), exact=EXACT)
    assert both.answer is None
    assert both.proven_out_of_reach


def test_an_alternative_that_is_dear_and_no_better_is_not_looked_at():
    scenario, choices = case(0)
    (cloud,) = (choice for choice in choices if choice.name == "cloud")
    silly = j3o.Alternative("silly", 1e4, {"cloud_uplink": 0.5 * cloud.alternatives[0].values["cloud_uplink"]})
    larger = dataclasses.replace(cloud, alternatives=(*cloud.alternatives, silly))
    with_it = tuple(larger if choice is cloud else choice for choice in choices)
    plain, found = (j3o.size(scenario, own, method=j3o.J3O(), gap=1e-2) for own in (choices, with_it))
    assert found.counts.dominated - plain.counts.dominated == found.counts.options - plain.counts.options
    np.testing.assert_array_equal(found.price, plain.price)
    np.testing.assert_array_equal(found.accuracy, plain.accuracy)


def test_a_search_goes_on_where_it_was_interrupted(tmp_path):
    scenario, choices = case(1)
    folder = str(tmp_path / "search")
    whole = j3o.size(scenario, choices, gap=1e-3, method=j3o.J3O(), batch=4)

    class EnoughError(Exception):
        pass

    def stop(progress):
        if progress.plans > 6:
            raise EnoughError

    with pytest.raises(EnoughError):
        j3o.size(scenario, choices, gap=1e-3, method=j3o.J3O(), batch=4, folder=folder, watch=stop)
    before = sorted(os.listdir(os.path.join(folder, "rounds")))
    seen = []
    again = j3o.size(scenario, choices, gap=1e-3, method=j3o.J3O(), batch=4, folder=folder, watch=seen.append)
    assert before
    assert set(before) < set(os.listdir(os.path.join(folder, "rounds")))
    assert all(progress.plans > 6 for progress in seen)
    np.testing.assert_array_equal(again.picks, whole.picks)
    np.testing.assert_array_equal(again.accuracy, whole.accuracy)
    np.testing.assert_array_equal(again.bound, whole.bound)
    assert again.counts == whole.counts
    # For another question what is known is known.
    answer = j3o.size(scenario, choices, target=float(whole.accuracy[-1]), method=j3o.J3O(), folder=folder)
    assert answer.answer is not None
    with pytest.raises(j3o.FileError, match="holds plans of another set of alternatives: name another folder"):
        j3o.size(scenario, choices[1:], method=j3o.J3O(), folder=folder)


def test_where_nothing_serves_all_there_is_no_front():
    scenario, choices = case(0, allow_unserved=False, tightness=1e3)
    sizing = j3o.size(scenario, choices, method=j3o.J3O(), exact=EXACT, target=0.5)
    assert len(sizing.price) == 0
    assert sizing.solutions is None
    assert sizing.answer is None
    assert sizing.proven_out_of_reach


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"choices": ()}, "there are none"),
        ({"budget": -1.0}, "budget: must be"),
        ({"target": 1.5}, "target: must be"),
        ({"gap": float("nan")}, "gap: must be"),
        ({"batch": 0}, "batch: must be"),
        ({"most_plans": 0}, "most_plans: must be"),
        ({"values": {"edge_memory": -1.0}}, "edge_memory"),
        ({"values": {"edge_memory": [1.0, 2.0, 3.0]}}, "does not fit"),
        ({"values": {"edge_memory": "large"}}, "does not fit"),
        ({"values": {"demand": 1.0}}, "'demand' is nothing that can be bought"),
        ({"values": {"client_memory": 1.0}}, "names no clients"),
        ({"values": {"batching.setup": 0.1}}, "has no batching"),
        ({"price": -1.0}, "price: wants a finite number"),
        ({"edges": (7,)}, "wants different numbers from 0 to 1"),
        ({"twice": True}, "is there twice"),
        ({"both": True}, "both set edge_memory"),
        ({"many": True}, "combinations"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused(change, words):
    scenario = random_scenario(np.random.default_rng(0), **SMALL)
    one = j3o.Alternative("one", change.get("price", 1.0), change.get("values", {"edge_memory": 1.0}))
    choice = j3o.Choice("box", (j3o.Alternative("keep", 0.0), one), edges=change.get("edges", (0,)))
    choices = [choice]
    if change.get("twice"):
        choices.append(choice)
    if change.get("both"):
        choices.append(dataclasses.replace(choice, name="other"))
    if change.get("many"):
        own = tuple(j3o.Alternative(f"{value}", value, {"cloud_uplink": value}) for value in range(2000))
        others = tuple(j3o.Alternative(f"{value}", value, {"client_memory": value}) for value in range(2000))
        choices = [j3o.Choice("cloud", own), j3o.Choice("clients", others, clients=(0,))]
    arguments = {key: change[key] for key in ("budget", "target", "gap", "batch", "most_plans") if key in change}
    with pytest.raises(ValueError, match=words):
        j3o.size(scenario, change.get("choices", choices), **arguments)
