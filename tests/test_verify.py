"""Exact verification: certificates prove their bounds, which lie above brute force; whatever is changed is found."""

import dataclasses
from fractions import Fraction

import jax
import numpy as np
import pytest
from support.methods import PER_NODE, VARIANTS, draw_batch
from support.oracle import TINY, tiny_and_optima
from support.plans import valid
from support.scenarios import EXTREMES, by_hand, random_scenario, stack

import j3o_jax as j3o
from j3o_jax import _proof

SHORT = j3o.PriceDirected(max_iterations=40, patience=20, gap=0.0, chunk=8)
SUCCESS = [status for status in j3o.Status if status.success]


def proves(scenarios, plans):
    """Where there is a plan its certificate proves its bound, to 1e-9; returns what is proven."""
    found = j3o.verify(scenarios, plans)
    success = np.isin(plans.status, SUCCESS)
    np.testing.assert_array_equal(found.proven, success)
    np.testing.assert_array_equal(plans.certified, success)
    bound = np.array([np.nan if bound is None else float(bound) for bound in np.ravel(found.bound)])
    bound = bound.reshape(plans.batch_shape)
    assert (bound[success] <= plans.bound[success] * (1.0 + 1e-9)).all()
    assert (bound[success] >= plans.bound[success] * (1.0 - 1e-4)).all()
    return found, bound, success


@pytest.mark.parametrize("variant", VARIANTS + PER_NODE, ids=str)
def test_certificates_of_both_ways_prove_bounds_above_brute_force(variant):
    batch, optimum = tiny_and_optima(50, **variant)
    for plans in (j3o.solve(batch, SHORT), j3o.certify(batch, j3o.solve(batch, SHORT), descent_steps=30)):
        _, bound, success = proves(batch, plans)
        known = success & np.isfinite(optimum)
        assert known.any()
        assert (bound[known] >= optimum[known] * (1.0 - 1e-9)).all()
        # For few models the best sets are bounded as the kernel bounds them.
        assert (bound[success] >= plans.bound[success] * (1.0 - 1e-9)).all()


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_certificates_of_plans_at_the_extremes_prove_their_bounds(variant):
    scenarios = []
    for number, change in enumerate(EXTREMES.values()):
        scenario = random_scenario(np.random.default_rng(number), **TINY, **variant)
        scenarios.append(dataclasses.replace(scenario, **change(scenario)))
    batch = stack(scenarios)
    plans = j3o.solve(batch, SHORT)
    found, bound, success = proves(batch, plans)
    assert (bound[success] >= plans.objective[success] - 1e-8).all()
    # Where everything must be served, methods may send a task that nobody knows to somebody, which serves nothing.
    broken = {one.constraint for one in found.violations if success[one.instance]}
    assert broken <= (set() if batch.allow_unserved else {"all_served (13)"})


def test_set_ups_that_fill_a_window_that_queries_do_not_are_in_the_bound():
    scenario = by_hand(
        demand=[[1.0]],
        client_accuracy=[[[0.0]]],
        edge_accuracy=[[[0.9]]],
        cloud_accuracy=[0.0],
        edge_memory=[1.0],
        edge_compute=[1000.0],
        edge_uplink=[10.0],
        batching=j3o.Batching([1.0], [[0.5]]),
    )
    plan = j3o.certify(scenario, j3o.solve(scenario))
    assert plan.objective == pytest.approx(0.9, abs=1e-8)
    assert plan.bound >= plan.objective
    assert j3o.verify(scenario, plan).ok


def test_any_prices_bound_brute_force():
    rng = np.random.default_rng(0)
    for variant in VARIANTS + PER_NODE:
        batch, optimum = tiny_and_optima(40, **variant)
        for number in range(40):
            if not np.isfinite(optimum[number]):
                continue
            given = {name: np.asarray(array[number]) for name, array in batch.arrays().items()}
            for node, nodes in (("client", batch.clients), ("edge", batch.edges)):
                for what in ("compute", "memory"):
                    name = f"{node}_model_{what}"
                    given[name] = np.broadcast_to(given[name], (nodes, batch.models))
            size = rng.choice([0.0, 1e-3, 0.1, 1.0])
            prices = {
                "stream": size * rng.exponential(size=given["demand"].shape),
                "client_compute": size * rng.exponential(0.1, size=batch.clients),
                "edge_compute": size * rng.exponential(0.1, size=batch.edges),
                "edge_uplink": size * rng.exponential(size=batch.edges),
                "cloud_uplink": np.asarray(size * rng.exponential()),
            }
            fine = _proof.bound_on_grid([given], [prices], [1.0], object, 240)
            coarse = _proof.bound_on_grid([given], [prices], [1.0], np.int64, 57)
            assert fine >= optimum[number] * (1.0 - 1e-9)
            # 64 bits round up, by little.
            assert fine <= coarse <= fine + Fraction(1, 10**14)


@pytest.fixture(scope="module")
def certified():
    batch = draw_batch(2, tightness=1.0)
    return batch[0], j3o.certify(batch, j3o.solve(batch))


def replaced(plan, name, change):
    return dataclasses.replace(plan, **{name: change(np.array(getattr(plan, name)))})


def test_a_bound_that_is_lowered_and_a_certificate_of_another_are_caught(certified):
    scenario, plans = certified
    plan = plans[0]
    good = j3o.verify(scenario, plan)
    assert good.ok
    assert good.proven
    assert good.feasible
    assert isinstance(good.objective, Fraction)
    assert float(good.objective) == pytest.approx(float(plan.objective), abs=1e-12)
    assert good.raise_if_violated() is good

    for broken in (
        replaced(plan, "bound", lambda bound: bound * (1.0 - 1e-8)),
        dataclasses.replace(plan, certificate=plans[1].certificate),
        dataclasses.replace(plan, certificate=jax.tree.map(lambda price: 0.999 * price, plan.certificate)),
        dataclasses.replace(plan, certificate=jax.tree.map(lambda price: 0.0 * price, plan.certificate)),
    ):
        found = j3o.verify(scenario, broken)
        assert found.feasible
        assert not found.proven
        assert not found.ok
        assert [violation.constraint for violation in found.violations] == ["certificate"]
        with pytest.raises(j3o.ViolationError, match="prove"):
            found.raise_if_violated()
    # A bound that is higher than what is proven is proven too, and a word without a certificate is no proof.
    assert j3o.verify(scenario, replaced(plan, "bound", lambda bound: bound * 1.1)).proven
    word = j3o.verify(scenario, dataclasses.replace(plan, certificate=None))
    assert word.ok
    assert word.bound is None
    assert not word.proven


def test_an_objective_that_is_changed_is_caught(certified):
    scenario, plans = certified
    found = j3o.verify(scenario, replaced(plans[0], "objective", lambda value: value + 1e-5))
    assert [violation.constraint for violation in found.violations] == ["objective (2)"]
    assert found.feasible
    assert not found.ok


@pytest.mark.parametrize("field", ["client_memory", "edge_memory", "client_compute", "edge_compute", "edge_uplink"])
@pytest.mark.parametrize("batching", [False, True])
def test_every_limit_that_is_broken_is_told_with_place_and_amount(field, batching):
    scenario, plan = valid(batching=batching)
    assert j3o.verify(scenario, plan).feasible
    limits = [limit for limit in j3o.verify(scenario, plan).limits if limit.constraint.startswith(field)]
    kind = f"{field} ("
    if batching and field == "edge_compute":
        kind = "edge_batching (28)"
        limits = [limit for limit in j3o.verify(scenario, plan).limits if limit.constraint == kind]
        window, setup = np.array(scenario.batching.window), np.array(scenario.batching.setup)
        # As much more of set-ups at the second edge as fills its window once and a half.
        held = np.unique(plan.edge_choice[1])
        setup[1, held] += (1.5 * window[1] - float(limits[1].load)) / plan.edge_choice.shape[1]
        tight = dataclasses.replace(scenario, batching=j3o.Batching(window, setup))
    else:
        capacity = np.array(getattr(scenario, field))
        capacity[1] = float(limits[1].load) / 1.5
        tight = dataclasses.replace(scenario, **{field: capacity})
    found = j3o.verify(tight, plan)
    (violation,) = found.violations
    assert violation.constraint.startswith(kind)
    assert violation.place == getattr(scenario.labels, f"{field.split('_')[0]}s")[1]
    assert violation.amount == pytest.approx(0.5)
    assert "exceeds" in violation.message
    assert not found.feasible


def test_the_cloud_link_and_every_share_and_choice_are_looked_at(certified):
    scenario, plan = valid()
    cases = {
        "cloud_uplink (12)": (dataclasses.replace(scenario, cloud_uplink=0.0), plan),
        "shares (13f)": (scenario, replaced(plan, "unserved", lambda share: share - 1.5)),
        "share_sum (13c)": (scenario, replaced(plan, "unserved", lambda share: share + 0.01)),
        "client_choice (1a)": (scenario, replaced(plan, "client_models", np.zeros_like)),
        "edge_choice (1b)": (scenario, replaced(plan, "edge_choice", lambda choice: choice * 0 + 99)),
        "local_without_model (1a)": (scenario, replaced(plan, "client_choice", lambda choice: choice * 0 - 1)),
        "edge_without_model (1b)": (scenario, replaced(plan, "edge_choice", lambda choice: choice * 0 - 1)),
    }
    for constraint, (given, broken) in cases.items():
        found = j3o.verify(given, broken)
        assert constraint in {violation.constraint for violation in found.violations}, constraint
        assert not found.feasible
        assert not j3o.check(given, broken).ok
    nan = j3o.verify(scenario, replaced(plan, "local", lambda share: share * np.nan))
    assert not nan.feasible


def test_a_share_that_goes_where_nothing_knows_the_task_is_not_served():
    scenario, plan = valid()
    one = int(plan.client_choice[0, 0])
    accuracy = np.array(scenario.client_accuracy)
    accuracy[scenario.client_edge[0], one, 0] = 0.0
    lenient = dataclasses.replace(scenario, client_accuracy=accuracy)
    assert j3o.verify(lenient, plan).feasible
    strict = dataclasses.replace(lenient, allow_unserved=False)
    places = {violation.place for violation in j3o.verify(strict, plan).violations}
    assert "client 0, task 0" in places


@pytest.mark.parametrize("batching", [False, True])
def test_it_agrees_with_check_on_random_plans_and_slack(batching):
    rng = np.random.default_rng(1)
    for seed in range(60):
        scenario, plan = valid(seed, batching=batching)
        names = ("client_memory", "client_compute", "edge_memory", "edge_uplink", "edge_compute", "cloud_uplink")
        field = str(rng.choice(names))
        factor = rng.choice([0.0, 0.3, 0.6, 1.0])
        tight = dataclasses.replace(scenario, **{field: getattr(scenario, field) * factor})
        report, found = j3o.check(tight, plan), j3o.verify(tight, plan)
        assert bool(report.ok) == bool(found.feasible), (seed, field, factor)
        assert float(found.objective) == pytest.approx(float(report.objective), abs=1e-12)
        said = {(one.constraint, one.place): one.amount for one in report.violations}
        told = {(one.constraint, one.place): one.amount for one in found.violations}
        assert said.keys() - {("objective (2)", "the plan")} == told.keys() - {("objective (2)", "the plan")}
        for place, amount in told.items():
            assert amount == pytest.approx(said[place], rel=1e-9)


def test_batches_and_mistakes(certified):
    batch = draw_batch(2, tightness=1.0)
    plans = certified[1]
    found = j3o.verify(batch, plans)
    assert found.ok.shape == (2,)
    assert found.proven.all()
    assert {limit.instance for limit in found.limits} == {(0,), (1,)}
    assert found.bound[1] == j3o.verify(batch[1], plans[1]).bound
    assert str(found).startswith("ok: 2 of 2 plans ok, 2 bounds proven")
    failed = replaced(plans, "status", lambda status: np.array([status[0], j3o.Status.infeasible]))
    found = j3o.verify(batch, failed)
    np.testing.assert_array_equal(found.ok, [True, False])
    assert found.objective[1] is None
    assert found.violations[0].constraint == "status"
    with pytest.raises(ValueError, match=r"client_models has shape \[2, 6, 5\]"):
        j3o.verify(batch[0], plans)
    with pytest.raises(ValueError, match="tolerance"):
        j3o.verify(batch, plans, tolerance=-1.0)


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_a_certificate_goes_with_the_plan_into_files(tmp_path, certified, suffix):
    scenario, plans = certified
    path = tmp_path / f"plan{suffix}"
    j3o.save(plans[0], path)
    loaded = j3o.load(path)
    for name in j3o.Certificate.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(loaded.certificate, name), getattr(plans[0].certificate, name))
    assert j3o.verify(scenario, loaded).proven


def test_solvers_words_come_without_a_certificate():
    batch = draw_batch(2)
    for method in (j3o.ExactMILP(), j3o.J3O(), j3o.FullLocal()):
        plans = j3o.solve(batch, method)
        assert plans.certificate is None
        assert not plans.certified.any()
