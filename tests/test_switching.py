"""Moving models at a cost: optima against brute force, proofs, no cost, any cost, and what is said of it."""

import dataclasses

import jax
import numpy as np
import pytest
from support.methods import METHODS, SMALL, draw_batch
from support.oracle import TINY, brute_force
from support.scenarios import COSTS, random_scenario, stack, with_switching

import j3o_jax as j3o
from j3o_jax import Status, Switching, check, solve

EXACT = j3o.ExactMILP(gap=1e-9)
SIZES = [(2, 2, 2, 2), (2, 1, 2, 2), (3, 2, 1, 3), (1, 1, 2, 3)]
# Objective per MB: of a total of some hundred MB a small part pays, or much of it.
MODERATE = 1e-4


def tiny(seed, *, batching, allow_unserved):
    rng = np.random.default_rng(seed)
    sizes = dict(zip(("clients", "edges", "tasks", "models"), SIZES[seed % len(SIZES)], strict=True))
    own = [name for name in COSTS if rng.random() < 0.7] if seed % 3 == 0 else []
    tightness = float(rng.choice([0.3, 1.0, 2.0]))
    variant = {"batching": batching, "allow_unserved": allow_unserved}
    scenario = random_scenario(rng, **sizes, **variant, tightness=tightness, per_node=own)
    return with_switching(scenario, rng, 10.0 ** rng.uniform(-4.0, -1.5))


def small(count, *, cost=MODERATE, first=0, **variant):
    """A batch of `SMALL` in which each node holds some models."""
    scenarios = draw_batch(count, first, **variant)
    return stack([with_switching(scenarios[seed], np.random.default_rng(first + seed), cost) for seed in range(count)])


def priced(scenarios, cost):
    """The scenarios with another cost of moving."""
    cost = np.broadcast_to(cost, scenarios.batch_shape)
    return dataclasses.replace(scenarios, switching=dataclasses.replace(scenarios.switching, cost_per_mb=cost))


def sound(scenarios, plans):
    """What is said of plans is what the definition makes of them; every plan passes the checks."""
    switching = scenarios.switching
    moved = np.zeros(scenarios.batch_shape)
    for tier in ("client", "edge"):
        size = getattr(scenarios, f"{tier}_model_memory")
        size = size if size.ndim == scenarios.demand.ndim else size[..., None, :]
        new = getattr(plans, f"{tier}_models") & ~getattr(switching, f"{tier}_held")
        moved = moved + np.where(new, size, 0.0).sum(axis=(-2, -1))
    success = np.asarray(plans.success)
    np.testing.assert_allclose(np.asarray(plans.moved_mb)[success], moved[success], rtol=1e-12)
    worth = np.asarray(plans.accuracy) - switching.cost_per_mb * moved
    np.testing.assert_allclose(np.asarray(plans.objective)[success], worth[success], rtol=1e-9, atol=1e-12)
    report = check(scenarios, plans)
    assert np.asarray(report.ok)[success].all(), report
    np.testing.assert_allclose(report.moved_mb[success], moved[success], rtol=1e-12)


@pytest.mark.parametrize("batching", [False, True])
@pytest.mark.parametrize("allow_unserved", [False, True])
@pytest.mark.parametrize("seed", range(25))
def test_the_exact_optimum_is_that_of_brute_force(seed, allow_unserved, batching):
    scenario = tiny(seed, batching=batching, allow_unserved=allow_unserved)
    plan, optimum = solve(scenario, EXACT), brute_force(scenario)
    if optimum is None:
        assert plan.status == Status.infeasible
        return
    assert plan.status == Status.optimal
    assert plan.objective == pytest.approx(optimum.objective, abs=1e-6)
    assert plan.bound >= optimum.objective - 1e-9
    assert j3o.relaxation_bound(scenario) >= optimum.objective - 1e-9
    assert check(scenario, plan).ok


@pytest.mark.parametrize("seed", range(3))
def test_the_program_as_printed_has_the_same_optimum(seed):
    scenario = tiny(seed, batching=seed == 1, allow_unserved=True)
    plan = solve(scenario, j3o.BilinearMINLP(gap=1e-9))
    assert plan.objective == pytest.approx(brute_force(scenario).objective, abs=1e-6)


@pytest.mark.parametrize("variant", [{}, {"batching": True, "allow_unserved": False}, {"per_node": True}], ids=str)
def test_bounds_hold_and_their_proofs_are_exact(variant):
    scenarios = small(12, **variant)
    exact = solve(scenarios, EXACT)
    success = exact.success
    for plans in (solve(scenarios, j3o.PriceDirected()), j3o.certify(scenarios, solve(scenarios))):
        sound(scenarios, plans)
        own = success & plans.success
        assert (plans.bound >= exact.objective - 1e-9)[own].all()
        found = j3o.verify(scenarios, plans)
        assert found.ok[plans.success].all(), found
        assert found.proven[plans.success].all()
        worth = np.array([float(value) for value in found.objective[own]])
        np.testing.assert_allclose(worth, plans.objective[own], rtol=1e-12)
        moves = np.array([float(value) for value in found.accuracy[own]]) - worth
        np.testing.assert_allclose(moves, (scenarios.switching.cost_per_mb * plans.moved_mb)[own], atol=1e-12)


def test_a_proof_without_the_cost_of_moving_is_no_proof_with_it_and_the_other_way_round_it_is():
    scenarios = small(4, cost=1e-3)
    free = dataclasses.replace(scenarios, switching=None)
    costly = j3o.certify(scenarios, solve(scenarios))
    # What moves at a cost is worth less: the bound is too low for plans that move for nothing.
    assert not j3o.verify(free, dataclasses.replace(costly, moves=None)).proven.any()
    bound = j3o.certify(free, solve(free))
    plans = dataclasses.replace(costly, bound=bound.bound, certificate=bound.certificate)
    assert j3o.verify(scenarios, plans).proven.all()


def test_price_directed_is_near_the_optimum():
    scenarios = small(8)
    plans, exact = solve(scenarios, j3o.PriceDirected()), solve(scenarios, EXACT)
    gaps = 1.0 - np.asarray(plans.objective) / exact.objective
    assert (gaps >= -1e-6).all()
    assert gaps.mean() < 0.005


@pytest.mark.parametrize("name", METHODS)
def test_every_method_counts_what_it_moves_and_at_no_cost_plans_as_ever(name):
    scenarios, method = small(4), METHODS[name]
    plans = solve(scenarios, method)
    sound(scenarios, plans)
    assert plans.success.all()
    # At no cost.
    free, ever = solve(priced(scenarios, 0.0), method), solve(dataclasses.replace(scenarios, switching=None), method)
    np.testing.assert_allclose(free.objective, ever.objective, rtol=1e-6)
    np.testing.assert_array_equal(free.client_choice, ever.client_choice)
    np.testing.assert_array_equal(free.edge_choice, ever.edge_choice)
    # At any cost nothing moves.
    still = solve(priced(scenarios, 1e3), method)
    sound(priced(scenarios, 1e3), still)
    np.testing.assert_array_equal(still.moved_mb, 0.0)


def test_what_is_held_already_stays_where_there_is_room_and_new_models_that_nobody_needs_do_not_come():
    scenarios = small(6, cost=1e-3)
    plans = solve(scenarios)
    for tier in ("client", "edge"):
        held, models = getattr(scenarios.switching, f"{tier}_held"), getattr(plans, f"{tier}_models")
        size = np.broadcast_to(getattr(scenarios, f"{tier}_model_memory")[:, None], models.shape)
        free = getattr(scenarios, f"{tier}_memory") - np.where(models, size, 0.0).sum(axis=2)
        # A model that went had to go.
        assert (~(held & ~models) | (size > free[:, :, None] * (1.0 - 1e-12))).all()
        chosen = (getattr(plans, f"{tier}_choice")[..., None] == np.arange(scenarios.models)).any(axis=2)
        assert (~models | held | chosen).all()


def test_the_more_it_costs_the_less_is_moved_and_the_less_accurate_it_is():
    scenarios = small(6)
    costs = [0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1.0]
    plans = [solve(priced(scenarios, cost), EXACT) for cost in costs]
    moved, accuracy = (np.array([getattr(plan, name) for plan in plans]) for name in ("moved_mb", "accuracy"))
    # Without a cost any of several optima may come out.
    assert (np.diff(moved[1:], axis=0) <= 1e-6).all()
    assert (np.diff(accuracy, axis=0) <= 1e-7).all()
    assert (moved[-1] == 0.0).all()
    assert (moved[1] > moved[-2]).any()


def test_answers_depend_neither_on_the_batch_nor_on_what_pads_it():
    scenarios = small(9)
    for method in (j3o.J3O(), j3o.PriceDirected(max_iterations=60)):
        whole = solve(scenarios, method)
        for index in (0, 8):
            alone = solve(scenarios[index], method)
            assert alone.objective == pytest.approx(whole.objective[index], rel=1e-12)
            np.testing.assert_array_equal(alone.client_models, whole.client_models[index])
            assert alone.bound == pytest.approx(whole.bound[index], rel=1e-9, nan_ok=True)


def test_it_is_known_under_jit_too():
    scenarios = small(2)
    with jax.enable_x64(True):
        plans = jax.tree.map(np.asarray, jax.jit(lambda batch: solve(batch, j3o.J3O(starts="paper")))(scenarios))
    sound(scenarios, plans)
    ever = solve(scenarios, j3o.J3O(starts="paper"))
    np.testing.assert_allclose(plans.objective, ever.objective, rtol=1e-7)


@pytest.mark.parametrize("name", ["client_held", "edge_held", "cost_per_mb"])
@pytest.mark.parametrize("defect", ["shape", "kind", "range"])
def test_mistakes_are_named(name, defect):
    scenario = random_scenario(np.random.default_rng(0), **SMALL)
    fields = {
        "client_held": np.zeros((6, 5), dtype=bool),
        "edge_held": np.zeros((2, 5), dtype=bool),
        "cost_per_mb": 1e-3,
    }
    value = fields[name]
    if defect == "range" and name != "cost_per_mb":
        return  # true and false are all that there is
    bad = {"shape": np.zeros((7, 5), dtype=np.asarray(value).dtype), "kind": "much", "range": -1.0}[defect]
    with pytest.raises(ValueError, match=rf"switching\.{name}"):
        dataclasses.replace(scenario, switching=Switching(**(fields | {name: bad})))
    for cost in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"switching\.cost_per_mb"):
            dataclasses.replace(scenario, switching=Switching(**(fields | {"cost_per_mb": cost})))


def test_a_bad_instance_of_a_batch_is_marked():
    scenarios = small(3)
    bad = priced(scenarios, np.array([1e-4, np.nan, 1e-4]))
    with pytest.raises(ValueError, match=r"switching.cost_per_mb\[1\]"):
        solve(bad)
    plans = solve(bad, throw=False)
    assert plans.status[1] == Status.invalid
    assert "switching.cost_per_mb[1] = nan" in plans.reason(1)
    assert np.isnan([plans.objective[1], plans.accuracy[1], plans.moved_mb[1]]).all()
    np.testing.assert_array_equal(plans.objective[[0, 2]], solve(scenarios).objective[[0, 2]])


def test_without_it_accuracy_is_the_objective_and_nothing_moves():
    plan = solve(random_scenario(np.random.default_rng(0), **TINY), j3o.FullLocal())
    assert (plan.moves, plan.accuracy, plan.moved_mb) == (None, plan.objective, 0.0)


def test_the_checks_find_what_is_not_so():
    scenario = small(1)[0]
    plan = solve(scenario)
    assert plan.moved_mb > 0.0
    for name, wrong in (("accuracy", plan.accuracy + 1e-3), ("moved_mb", plan.moved_mb + 1.0)):
        moves = dataclasses.replace(plan.moves, **{name: wrong})
        told = dataclasses.replace(plan, moves=moves)
        report, exact = check(scenario, told), j3o.verify(scenario, told)
        assert [violation.constraint for violation in exact.violations] == [name]
        assert [violation.constraint.split()[0] for violation in report.violations] == [name]
    free = dataclasses.replace(plan, objective=plan.accuracy)
    assert "objective (2)" in str(check(scenario, free))
    assert "MB moved" in str(j3o.verify(scenario, free))


def test_a_plan_before_tells_what_is_held():
    scenario = random_scenario(np.random.default_rng(1), **SMALL)
    before = solve(scenario)
    after = j3o.with_previous(scenario, before, 1e-3)
    np.testing.assert_array_equal(after.switching.client_held, before.client_models)
    plan = solve(after)
    assert plan.moved_mb == 0.0
    assert plan.objective == pytest.approx(before.objective, rel=1e-6)
    assert "accuracy" in str(plan)
    assert "MB moved" in str(plan)
    # One plan for a batch, and costs of each instance.
    batch = draw_batch(3)
    held = j3o.with_previous(batch, before, [0.0, 1e-4, 1e-3]).switching
    np.testing.assert_array_equal(held.edge_held, np.broadcast_to(before.edge_models, held.edge_held.shape))
    np.testing.assert_array_equal(held.cost_per_mb, [0.0, 1e-4, 1e-3])
    with pytest.raises(ValueError, match=r"previous: its models of clients have shape \[6, 5\]"):
        j3o.with_previous(random_scenario(np.random.default_rng(1), **TINY), before)


def test_nodes_and_models_of_the_plan_before_are_matched_by_name():
    names = j3o.Names(
        tasks=("a", "b", "c"), models=("v", "w", "x", "y", "z"), clients=tuple("123456"), edges=("e", "f")
    )
    scenario = dataclasses.replace(random_scenario(np.random.default_rng(1), **SMALL), names=names)
    before = solve(scenario)
    turned = dataclasses.replace(names, models=("z", "new", "v", "w", "x"), clients=tuple("219456"))
    held = j3o.with_previous(dataclasses.replace(scenario, names=turned), before).switching.client_held
    old = before.client_models
    np.testing.assert_array_equal(held[0], [old[1, 4], False, old[1, 0], old[1, 1], old[1, 2]])
    np.testing.assert_array_equal(held[:, 1], False)
    np.testing.assert_array_equal(held[2], False)


@pytest.mark.parametrize("suffix", ["json", "npz"])
def test_plans_and_scenarios_are_read_back(tmp_path, suffix):
    scenario = small(1)[0]
    plan = j3o.certify(scenario, solve(scenario))
    j3o.save(plan, tmp_path / f"plan.{suffix}")
    again = j3o.load(tmp_path / f"plan.{suffix}")
    assert (again.accuracy, again.moved_mb) == (plan.accuracy, plan.moved_mb)
    assert j3o.verify(scenario, again).ok
    j3o.save(scenario, tmp_path / "scenario.npz")
    other = j3o.load(tmp_path / "scenario.npz")
    for name, array in scenario.arrays().items():
        np.testing.assert_array_equal(other.arrays()[name], array)
    with pytest.raises(j3o.FileError, match=r"save it as \.npz"):
        j3o.save(scenario, tmp_path / "scenario.json")
    batch = small(2)
    j3o.save(batch, tmp_path / "batch.npz")
    np.testing.assert_array_equal(j3o.load(tmp_path / "batch.npz").switching.edge_held, batch.switching.edge_held)


def test_prices_of_memory_know_what_it_costs_to_move():
    scenarios = small(3, cost=1e-3, allow_unserved=True)
    plans = j3o.shadow_prices(scenarios, j3o.certify(scenarios, solve(scenarios)))
    free = dataclasses.replace(scenarios, switching=None)
    # At the same certificate a model that has to come first is worth less.
    ever = j3o.shadow_prices(free, plans)
    assert (plans.prices.edge_memory <= ever.prices.edge_memory + 1e-15).all()
    assert (plans.prices.client_compute == ever.prices.client_compute).all()
