"""One placement for many scenarios: near the extensive form, below its proven bound, the same in all scenarios."""

import dataclasses

import jax
import numpy as np
import pytest
from support.shared import best_shared, small_set, tiny_set

import j3o_jax as j3o

EXACT = j3o.ExactMILP(gap=1e-7)
SEARCH = j3o.PriceDirected(max_iterations=60)


def conditional_value_at_risk(values, weights, tail):
    """By Rockafellar and Uryasev's own formula; the best η is one of the values."""
    return max(eta - weights @ np.maximum(eta - values, 0.0) / tail for eta in values)


@pytest.mark.parametrize("cvar", [None, 0.4])
def test_the_extensive_form_is_what_enumeration_finds(cvar):
    for seed in range(3):
        scenarios, weights = tiny_set(seed)
        plans = j3o.solve_shared(scenarios, weights, EXACT, cvar=cvar)
        j3o.check(scenarios, plans).raise_if_violated()

        def objective(values, weights=weights):
            return weights @ values if cvar is None else conditional_value_at_risk(values, weights, cvar)

        assert float(plans.shared.value) == pytest.approx(best_shared(scenarios, objective), rel=1e-6)
        assert plans.shared_bound == pytest.approx(float(plans.shared.value), rel=1e-6)


@pytest.mark.parametrize("risk", [{}, {"cvar": 0.5}, {"cvar": 0.3, "cvar_weight": 0.5}], ids=str)
def test_the_search_is_near_the_extensive_form_and_its_bound_above_it(risk):
    for seed in range(4):
        scenarios, weights = small_set(seed)
        plans = j3o.solve_shared(scenarios, weights, SEARCH, **risk)
        exact = j3o.solve_shared(scenarios, weights, EXACT, **risk)
        for found in (plans, exact):
            j3o.check(scenarios, found).raise_if_violated()
        best = float(exact.shared.value)
        assert float(plans.shared.value) >= best * (1 - 5e-3)
        assert plans.shared_bound >= best * (1 - 1e-9)
        verified = j3o.verify(scenarios, plans).raise_if_violated()
        assert verified.proven.all()
        assert float(verified.shared_bound) == pytest.approx(plans.shared_bound, rel=1e-9)
        # The prices that prove the common bound prove one for each scenario alone.
        alone = j3o.solve(scenarios, EXACT)
        assert (plans.bound >= alone.objective * (1 - 1e-9)).all()


@pytest.mark.parametrize(
    ("seed", "variant"), [(1, {"batching": True}), (1, {"per_node": True}), (11, {"allow_unserved": False})], ids=str
)
def test_every_kind_of_scenario_is_understood(seed, variant):
    scenarios, weights = small_set(seed, failing=False, **variant)
    plans = j3o.solve_shared(scenarios, weights, SEARCH)
    exact = j3o.solve_shared(scenarios, weights, EXACT)
    for found in (plans, exact):
        j3o.check(scenarios, found).raise_if_violated()
    best = float(exact.shared.value)
    assert float(plans.shared.value) >= best * (1 - 5e-3)
    assert plans.shared_bound >= best * (1 - 1e-9)
    assert j3o.verify(scenarios, plans).ok.all()


def test_scenarios_that_cannot_serve_all_end_infeasible():
    scenarios, weights = small_set(0, allow_unserved=False)
    plans = j3o.solve_shared(scenarios, weights, SEARCH)
    assert not plans.success.all()
    assert np.isnan(float(plans.shared.value))
    assert "queries" in plans.reason(int(np.flatnonzero(~plans.success)[0]))
    with pytest.raises(j3o.SolveError, match="infeasible"):
        j3o.solve_shared(scenarios, weights, SEARCH, throw=True)


def test_one_scenario_alone_is_the_ordinary_problem():
    scenarios, _ = small_set(2)
    plans = j3o.solve_shared(scenarios[:1], [1.0], EXACT)
    assert float(plans.shared.value) == pytest.approx(float(j3o.solve(scenarios[0], EXACT).objective), rel=1e-6)


def test_the_same_scenario_twice_counts_as_once():
    scenarios, weights = small_set(3)
    split = jax.tree.map(lambda array: np.concatenate([array[:1], array[:2]]), scenarios)
    weights = np.array([weights[0], weights[1]]) / weights[:2].sum()
    plans = j3o.solve_shared(scenarios[:2], weights, EXACT)
    again = j3o.solve_shared(split, [0.25 * weights[0], 0.75 * weights[0], weights[1]], SEARCH)
    assert float(again.shared.value) == pytest.approx(float(plans.shared.value), rel=5e-3)
    np.testing.assert_array_equal(again.objective[0], again.objective[1])


def test_the_order_of_scenarios_does_not_matter_and_answers_repeat():
    scenarios, weights = small_set(0)
    order = np.array([2, 0, 1])
    plans, again = (j3o.solve_shared(scenarios, weights, SEARCH) for _ in range(2))
    other = j3o.solve_shared(scenarios[order], weights[order], SEARCH)
    jax.tree.map(np.testing.assert_array_equal, plans.certificate, again.certificate)
    np.testing.assert_array_equal(plans.client_models, again.client_models)
    assert float(other.shared.value) == pytest.approx(float(plans.shared.value), rel=1e-6)


def test_a_scenario_without_weight_has_a_plan_and_no_say():
    scenarios, weights = small_set(1)
    weights = np.array([weights[0], 1.0 - weights[0], 0.0])
    plans = j3o.solve_shared(scenarios, weights, EXACT)
    j3o.check(scenarios, plans).raise_if_violated()
    without = j3o.solve_shared(scenarios[:2], weights[:2], EXACT)
    assert float(plans.shared.value) == pytest.approx(float(without.shared.value), rel=1e-6)


def test_where_memories_differ_the_least_counts():
    scenarios, weights = small_set(1)
    memory = np.array(scenarios.edge_memory)
    memory[1] *= 0.6
    tighter = dataclasses.replace(scenarios, edge_memory=memory)
    for method in (SEARCH, EXACT):
        plans = j3o.solve_shared(tighter, weights, method)
        j3o.check(tighter, plans).raise_if_violated()
    assert j3o.verify(tighter, j3o.solve_shared(tighter, weights, SEARCH)).ok.all()


def test_what_is_wrong_with_shared_plans_is_caught():
    scenarios, weights = small_set(0)
    plans = j3o.solve_shared(scenarios, weights, SEARCH)

    def changed(**fields):
        return dataclasses.replace(plans, shared=dataclasses.replace(plans.shared, **fields))

    held = np.array(plans.client_models)
    held[0, 0] = ~held[0, 0]
    wrong = {
        "shared_client_models": dataclasses.replace(plans, client_models=held),
        "shared_objective": changed(value=plans.shared.value + 1e-3),
        "shared_bound": changed(bound=plans.shared.value - 1e-3),
    }
    for word, bad in wrong.items():
        report = j3o.check(scenarios, bad)
        assert not report.ok.all()
        assert any(word in violation.constraint for violation in report.violations)
        verified = j3o.verify(scenarios, bad)
        assert not verified.ok.any()
        assert any(word in violation.constraint for violation in verified.violations)
    lower = changed(bound=plans.shared.bound * (1 - 1e-6))
    outside = changed(dual_weights=np.roll(plans.shared.dual_weights, 1))
    for bad in (lower, outside):
        assert any("shared_certificate" in found.constraint for found in j3o.verify(scenarios, bad).violations)
    with pytest.raises(ValueError, match="share one placement"):
        j3o.certify(scenarios, plans)
    # Plans of some of the scenarios are plans of their own.
    assert plans[0].shared is None
    assert plans[0].shared_bound is None
    assert j3o.solve(scenarios[0]).shared_bound is None


def test_archives_keep_what_plans_have_in_common(tmp_path):
    scenarios, weights = small_set(0)
    plans = j3o.solve_shared(scenarios, weights, EXACT, cvar=0.5)
    path = str(tmp_path / "plans.npz")
    j3o.save(plans, path)
    again = j3o.load(path)
    jax.tree.map(np.testing.assert_array_equal, plans.shared, again.shared)
    assert j3o.check(scenarios, again).ok.all()
    arrays = dict(np.load(path))
    arrays["shared_value"][1] += 1.0
    np.savez(path, **arrays)
    with pytest.raises(j3o.FileError, match="shared_value: wants the same number for all scenarios"):
        j3o.load(path)
    del arrays["shared_value"]
    np.savez(path, **arrays)
    with pytest.raises(j3o.FileError, match="shared_value"):
        j3o.load(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": [0.5, 0.5]}, "3 scenarios want"),
        ({"weights": [0.5, 0.7, -0.2]}, r"weights\[2\]"),
        ({"weights": [0.5, 0.7, 0.2]}, "sum to 1"),
        ({"weights": "equal"}, "3 numbers"),
        ({"cvar": 0.0}, "cvar: must be in"),
        ({"cvar_weight": 0.5}, "means nothing without cvar"),
        ({"cvar": 0.1, "cvar_weight": 1.5}, "cvar_weight"),
    ],
)
def test_arguments_that_are_not_valid_are_refused(changes, words):
    scenarios, weights = small_set(0)
    with pytest.raises(ValueError, match=words):
        j3o.solve_shared(scenarios, **({"weights": weights} | changes))


def test_scenarios_that_do_not_go_together_are_refused():
    scenarios, weights = small_set(0)
    with pytest.raises(ValueError, match="one leading axis"):
        j3o.solve_shared(scenarios[0], weights)
    edges = np.array(scenarios.client_edge)
    edges[1] = 1 - edges[1]
    with pytest.raises(ValueError, match="client_edge: must be the same"):
        j3o.solve_shared(dataclasses.replace(scenarios, client_edge=edges), weights)
    sizes = np.array(scenarios.edge_model_memory)
    sizes[2] *= 2.0
    with pytest.raises(ValueError, match="edge_model_memory: must be the same"):
        j3o.solve_shared(dataclasses.replace(scenarios, edge_model_memory=sizes), weights)
    with pytest.raises(TypeError, match=r"PriceDirected\(\) and ExactMILP\(\)"):
        j3o.solve_shared(scenarios, weights, j3o.J3O())


def test_a_placement_is_given_to_other_scenarios():
    scenarios, _ = small_set(0)
    placement = j3o.solve(scenarios[0], EXACT)
    plans = j3o.solve_recourse(scenarios, placement, EXACT)
    j3o.check(scenarios, plans).raise_if_violated()
    assert (plans.client_models == placement.client_models).all()
    assert float(plans.objective[0]) == pytest.approx(float(placement.objective), rel=1e-6)
    assert np.isnan(plans.bound).all()
    # Each scenario's own placement is at least as good.
    own = j3o.solve(scenarios, EXACT)
    assert (plans.objective <= own.objective * (1 + 1e-6)).all()
    own_recourse = j3o.solve_recourse(scenarios, own, EXACT)
    np.testing.assert_allclose(own_recourse.objective, own.objective, rtol=1e-6)
    single = j3o.solve_recourse(scenarios[1], placement)
    assert isinstance(single.objective, np.floating)
    full = dataclasses.replace(placement, edge_models=np.ones_like(placement.edge_models))
    with pytest.raises(ValueError, match=r"the models of edge 'edge 0' take .* MB of .* MB"):
        j3o.solve_recourse(scenarios, full)
    with pytest.raises(ValueError, match="client_models has shape"):
        j3o.solve_recourse(scenarios, j3o.solve(tiny_set(0).scenarios[0], EXACT))
