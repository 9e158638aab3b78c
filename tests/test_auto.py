"""Auto: what it takes for which size, and that it is what the method alone would say."""

import dataclasses
import math

import numpy as np
import pytest
from support.methods import draw_batch

import j3o_jax as j3o
from j3o_jax.methods import auto
from j3o_jax.methods.auto import Size, size_of, suited

SHAPE = "30 × 3 × 5 × 31"


def taken(scenarios=1, flows=1000, variables=5000.0, time_limit=60.0):
    return suited(Size(scenarios, flows, variables), time_limit, SHAPE)


def test_one_deployment_is_for_the_exact_search_up_to_a_size():
    most = auto._EXACT_VARIABLES
    assert taken(variables=auto._IN_SECONDS) == ("exact-milp", f"{SHAPE} is proven in seconds")
    assert taken(variables=auto._IN_SECONDS + 1) == ("exact-milp", f"{SHAPE} is proven, or nearly, within 60 s")
    assert taken(variables=most)[0] == "exact-milp"
    assert taken(variables=most + 1) == ("price-directed", f"{SHAPE} is beyond an exact search")
    assert taken(variables=math.inf)[0] == "price-directed"


def test_a_short_limit_leaves_smaller_ones_to_it():
    most = auto._VARIABLES_PER_SECOND
    assert taken(variables=most, time_limit=1.0)[0] == "exact-milp"
    assert taken(variables=most + 1, time_limit=1.0)[0] == "j3o"


def test_what_has_no_room_to_compile_is_for_j3o():
    room = auto._ROOM_TO_COMPILE
    assert taken(variables=math.inf, time_limit=room)[0] == "price-directed"
    name, because = taken(variables=math.inf, time_limit=room - 1.0)
    assert name == "j3o"
    assert because == f"{room - 1:g} s leave no room to compile price-directed for {SHAPE}"


def test_a_batch_is_for_price_directed_up_to_a_size_and_has_the_time_of_all_its_scenarios():
    most = auto._BATCH_FLOWS // 1000
    assert taken(scenarios=most)[0] == "price-directed"
    assert taken(scenarios=most + 1)[0] == "j3o"
    assert taken(scenarios=most, time_limit=auto._ROOM_TO_COMPILE / most)[0] == "price-directed"
    assert taken(scenarios=2, time_limit=auto._ROOM_TO_COMPILE / 2 - 0.1)[0] == "j3o"


def test_variables_are_those_of_the_strong_formulation_and_large_ones_are_not_counted():
    batch = draw_batch(2)
    flows = batch.clients * batch.models * batch.tasks
    assert size_of(batch) == Size(2, flows, math.inf)
    one = size_of(batch[:1])
    # x, z and flows of clients and edges, and flows to the cloud, where there are any.
    most = 2 * flows + flows + batch.edges * batch.models * batch.tasks + batch.clients * batch.tasks
    most += (batch.clients + batch.edges) * batch.models
    assert 0 < one.variables <= most
    large = j3o.benchmarks.heterogeneous(clients=300, edges=30, models=600).sample(0, n=1)
    assert size_of(large).variables == math.inf
    # What nobody asks for does not count.
    asked = np.array(large.demand)
    asked[:, 2:] = 0.0
    assert 0 < size_of(dataclasses.replace(large, demand=asked)).variables < 30_000


def test_it_is_the_method_that_it_takes():
    batch = draw_batch(3)
    for scenario, method in ((batch[0], j3o.ExactMILP()), (batch, j3o.PriceDirected())):
        chosen = j3o.Auto().taken(scenario)
        assert type(chosen.method) is type(method)
        mine, its = j3o.solve(scenario, j3o.Auto()), j3o.solve(scenario, method)
        np.testing.assert_array_equal(mine.objective, its.objective)
        np.testing.assert_array_equal(mine.bound, its.bound)
        assert np.all(mine.stats["method"] == chosen.name)
        j3o.check(scenario, mine).raise_if_violated()


def test_the_name_of_what_it_took_is_kept_with_the_plan(tmp_path):
    scenario = draw_batch(1)[0]
    plan = j3o.solve(scenario, j3o.Auto())
    for name in ("plan.json", "plan.npz"):
        j3o.save(plan, str(tmp_path / name))
        assert str(j3o.load(str(tmp_path / name)).stats["method"]) == "exact-milp"


def test_what_the_exact_search_leaves_wide_open_is_planned_by_j3o_too(monkeypatch):
    monkeypatch.setattr(auto, "_VARIABLES_PER_SECOND", math.inf)
    scenario = draw_batch(1, tightness=1.5)[0]
    hurried = j3o.Auto(time_limit=1e-9)
    assert hurried.taken(scenario).name == "exact-milp"
    plan, quick = j3o.solve(scenario, hurried), j3o.solve(scenario)
    nothing = j3o.solve(scenario, j3o.ExactMILP(time_limit=1e-9))
    j3o.check(scenario, plan).raise_if_violated()
    assert plan.objective == quick.objective > nothing.objective
    assert plan.bound == nothing.bound
    assert plan.status == j3o.Status.iteration_limit
    assert str(plan.stats["method"]) == "j3o"


def test_its_gap_is_that_of_the_search():
    scenario = draw_batch(1, tightness=1.5)[0]
    exact = j3o.solve(scenario, j3o.Auto(gap=0.0))
    loose = j3o.solve(scenario, j3o.Auto(gap=0.5))
    assert exact.gap <= 2e-6
    assert loose.status == (j3o.Status.optimal if loose.gap <= 1e-4 else j3o.Status.converged)
    assert loose.gap <= 0.5
    assert loose.objective <= exact.objective + 1e-9


@pytest.mark.parametrize("options", [{"gap": -1.0}, {"gap": math.nan}, {"time_limit": 0.0}, {"time_limit": math.nan}])
def test_bad_options(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        j3o.Auto(**options)


def test_j3o_plans_where_an_exact_search_finds_nothing_in_time(monkeypatch):
    from j3o_jax._highs import MILPResult
    from j3o_jax.methods import milp

    monkeypatch.setattr(
        milp, "solve_milp", lambda *_, **__: MILPResult(None, -np.inf, np.inf, "limit", "HiGHS: Time limit reached")
    )
    scenario = draw_batch(1, tightness=0.3, allow_unserved=False)[0]
    plan = j3o.solve(scenario, j3o.Auto())
    assert plan.status == j3o.Status.iteration_limit
    assert plan.stats["method"] == "j3o"
    assert plan.objective == j3o.solve(scenario, j3o.J3O()).objective
