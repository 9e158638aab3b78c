"""A model that does not support a task, accuracy 0, serves none of it: whatever the method, and wherever plans go."""

import dataclasses

import jax
import numpy as np
import pytest
from support.command_line import one_line
from support.methods import METHODS, QUICKLY, SMALL, VARIANTS, draw_batch
from support.oracle import brute_force, milp_optimum
from support.plans import unsupported_choices
from support.scenarios import CAPACITIES, arguments, by_hand, stack

import j3o_jax as j3o
from j3o_jax.cli._app import run

ALL = METHODS | {"price-directed": j3o.PriceDirected(max_iterations=40, patience=20, gap=0.0, chunk=8)}
KINDS = 4
"""Instances of `stranded` in turn: without stranded task, with one, with one at edge 1 alone, without any accuracy."""


def stranded(**variant):
    """Scenarios whose capacities limit nothing, some with a task that nothing supports: the last one. ``[12]``"""
    batch = draw_batch(12, **variant)
    kind = np.arange(12) % KINDS
    client, edge = (0.5 + 0.5 * array for array in (batch.client_accuracy, batch.edge_accuracy))
    cloud = np.array(batch.cloud_accuracy)
    for accuracy in (client, edge):
        accuracy[kind == 1, :, :, -1] = 0.0
        accuracy[kind == 2, 1, :, -1] = 0.0
        accuracy[kind == 3] = 0.0
    cloud[kind > 0, -1] = 0.0
    cloud[kind == 3] = 0.0
    return dataclasses.replace(
        batch,
        client_edge=np.broadcast_to([0, 1, 0, 1, 0, 1], batch.client_edge.shape),
        client_accuracy=client,
        edge_accuracy=edge,
        cloud_accuracy=cloud,
        **{name: np.full_like(getattr(batch, name), np.inf) for name in CAPACITIES},
    )


@pytest.mark.parametrize("batching", [False, True])
@pytest.mark.parametrize("name", ALL)
def test_what_nothing_supports_is_left_or_makes_it_infeasible(name, batching):
    batch = stranded(batching=batching)
    # Clarabel has one scenario after the other.
    batch = batch[:KINDS] if "clarabel" in name else batch
    kind = np.arange(len(batch.demand)) % KINDS
    loose = j3o.solve(batch, ALL[name], throw=True)
    j3o.check(batch, loose).raise_if_violated()
    assert not unsupported_choices(batch, loose).any()
    left = np.zeros(batch.demand.shape, dtype=bool)
    left[kind == 1, :, -1] = True
    left[kind == 2, :, -1] = batch.client_edge[kind == 2] == 1
    left[kind == 3] = True
    np.testing.assert_allclose(loose.unserved, left, atol=1e-6)
    assert (loose.unserved[left] == 1.0).all()
    assert (loose.objective[kind == 3] == 0.0).all()

    strict = dataclasses.replace(batch, allow_unserved=False)
    plans = j3o.solve(strict, ALL[name])
    np.testing.assert_array_equal(plans.status == j3o.Status.infeasible, kind > 0)
    np.testing.assert_array_equal(j3o.check(strict, plans).ok, kind == 0)
    np.testing.assert_allclose(plans.objective[kind == 0], loose.objective[kind == 0], atol=1e-6)
    assert np.isnan(plans.objective[kind > 0]).all()
    assert "task 2: no model supports it and the cloud neither" in plans.reason(1)
    assert "task 2: no model supports it at edge 1 and the cloud neither" in plans.reason(2)
    assert "task 0: no model supports it and the cloud neither" in plans.reason(3)


def test_it_is_so_where_it_is_traced():
    batch = stranded(batching=True)[:8]
    kind = np.arange(8) % KINDS
    with jax.enable_x64(True):
        strict = dataclasses.replace(batch, allow_unserved=False)
        plans = jax.tree.map(np.asarray, jax.jit(j3o.solve, compiler_options=QUICKLY)(strict))
    np.testing.assert_array_equal(plans.status == j3o.Status.infeasible, kind > 0)
    np.testing.assert_array_equal(j3o.check(strict, plans).ok, kind == 0)


@pytest.mark.parametrize("batching", [False, True])
def test_bounds_hold_where_all_must_be_served(batching):
    """They bound F, and not F with what serving was made to count in the search."""
    batch = draw_batch(8, tightness=0.5, batching=batching, allow_unserved=False)
    plans = j3o.solve(batch, ALL["price-directed"])
    exact = j3o.solve(batch, j3o.ExactMILP(gap=1e-6))
    known = exact.status == j3o.Status.optimal
    assert known.any()
    for index in np.flatnonzero(known):
        assert exact.objective[index] == pytest.approx(milp_optimum(batch[index], gap=1e-7).objective, abs=1e-6)
    certified = j3o.certify(batch, dataclasses.replace(exact, bound=np.full(8, np.nan))).bound
    both = known & np.isfinite(plans.bound)
    assert both.any()
    for bound in (certified[known], plans.bound[both], j3o.relaxation_bound(batch)[known]):
        assert (bound <= 1.0 + 1e-9).all()
    assert (certified[known] >= exact.objective[known] * (1 - 1e-9)).all()
    assert (plans.bound[both] >= exact.objective[both] * (1 - 1e-9)).all()
    assert (j3o.relaxation_bound(batch)[known] >= exact.objective[known] * (1 - 1e-9)).all()


def with_models(batch, count):
    """The batch with so many more models that support no task, as large and as costly as the first one."""
    grown = {
        name: np.concatenate([array := getattr(batch, name), np.repeat(0.0 * array[:, :, :1], count, axis=2)], axis=2)
        for name in ("client_accuracy", "edge_accuracy")
    }
    for tier in ("client", "edge"):
        for what in ("memory", "compute"):
            array = getattr(batch, name := f"{tier}_model_{what}")
            grown[name] = np.concatenate([array, np.repeat(array[:, :1], count, axis=1)], axis=1)
    batching = batch.batching
    if batching is not None:
        setup = np.concatenate([batching.setup, np.repeat(batching.setup[:, :, :1], count, axis=2)], axis=2)
        batching = j3o.Batching(batching.window, setup)
    return j3o.Scenario(**arguments(batch) | grown | {"batching": batching})


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("name", ["j3o", "greedy-ao", "full-local"])
def test_models_that_support_nothing_change_nothing(name, variant):
    for tightness in (0.3, 1.5):
        batch = draw_batch(12, tightness=tightness, **variant)
        larger = with_models(batch, 3)
        before, after = j3o.solve(batch, ALL[name]), j3o.solve(larger, ALL[name])
        for field in ("status", "client_choice", "edge_choice"):
            np.testing.assert_array_equal(getattr(after, field), getattr(before, field))
        for field in ("client_models", "edge_models"):
            np.testing.assert_array_equal(getattr(after, field)[..., : SMALL["models"]], getattr(before, field))
            assert not getattr(after, field)[..., SMALL["models"] :].any()
        np.testing.assert_allclose(after.objective, before.objective, rtol=0, atol=1e-12)


@pytest.mark.parametrize("batching", [False, True])
def test_models_that_support_nothing_change_no_bound(batching):
    batch = draw_batch(12, tightness=1.5, batching=batching)
    plans, larger = j3o.solve(batch, j3o.FullLocal()), with_models(batch, 3)
    before, after = j3o.certify(batch, plans), j3o.certify(larger, j3o.solve(larger, j3o.FullLocal()))
    # Sums over more models round otherwise, and prices near the best ones follow from that.
    np.testing.assert_allclose(after.bound, before.bound, rtol=1e-9)


def test_exact_methods_agree_on_what_supports_a_task():
    """By hand: one client, two tasks, models for either."""
    scenario = by_hand(
        demand=[[5.0, 5.0]],
        client_accuracy=[[[0.8, 0.0], [0.0, 0.6]]],
        edge_accuracy=[[[0.9, 0.0], [0.0, 0.0]]],
        cloud_accuracy=[0.0, 0.0],
        client_model_memory=[10.0, 10.0],
        edge_model_memory=[10.0, 10.0],
        client_memory=[10.0],
        client_compute=[100.0],
        edge_memory=[20.0],
        edge_compute=[100.0],
        edge_uplink=[100.0],
        cloud_uplink=100.0,
        allow_unserved=False,
    )
    # The client has room for one model, and the second task is served by no other node.
    for best in (brute_force(scenario), milp_optimum(scenario)):
        assert best is not None
        assert best.objective == pytest.approx(0.5 * 0.9 + 0.5 * 0.6, abs=1e-9)
    for method in (j3o.ExactMILP(gap=1e-9), j3o.BilinearMINLP(gap=1e-9)):
        assert j3o.solve(scenario, method).objective == pytest.approx(0.75, abs=1e-6)
    # Without uplink nothing can be served twice by one model.
    alone = dataclasses.replace(scenario, edge_uplink=[0.0])
    assert brute_force(alone) is None
    assert milp_optimum(alone) is None
    for method in (j3o.ExactMILP(), j3o.BilinearMINLP()):
        solution = j3o.solve(alone, method)
        assert solution.status == j3o.Status.infeasible
        assert "it is proven that no plan serves all the load" in solution.reason()
    # Where queries may be left, one task is.
    left = j3o.solve(dataclasses.replace(alone, allow_unserved=True), j3o.BilinearMINLP(gap=1e-9))
    assert left.objective == pytest.approx(0.5 * 0.8, abs=1e-6)
    np.testing.assert_allclose(left.unserved, [[0.0, 1.0]], atol=1e-9)


DEPLOYMENT = """
tasks:
  - {name: depth, input_mb: 0.4}
  - {name: faces, input_mb: 0.3}
models:
  - name: small
    client: {memory_mb: 8, gflop_per_query: 2}
    edge: {memory_mb: 16, gflop_per_query: 2}
    accuracy: {depth: 0.7}
edges:
  - {name: hall, memory_mb: 64, compute_gflop_per_s: 300, uplink_mb_per_s: 12}
clients:
  - {name: door, edge: hall, memory_mb: 16, compute_gflop_per_s: 60, demand_per_s: {depth: 4, faces: 3}}
cloud: {uplink_mb_per_s: %s, accuracy: {depth: 0, faces: %s}}
allow_unserved: %s
"""


@pytest.mark.parametrize(
    ("method", "cloud", "told"),
    [
        ("j3o", (0, 0.9), "no model supports it and no uplink leads to the cloud"),
        ("exact-milp", (5, 0), "no model supports it and the cloud neither"),
        ("full-local", (0, 0.9), "no model supports it and no uplink leads to the cloud"),
        ("greedy-ao", (5, 0), "no model supports it and the cloud neither"),
    ],
)
def test_the_command_line_says_what_nobody_supports(method, cloud, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.yaml").write_text(DEPLOYMENT % (*cloud, "false"))
    assert run(["solve", "site.yaml", "--method", method, "--out", "plan.json"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    one_line(captured, "site.yaml", "infeasible", f"task faces: {told}")
    assert not (tmp_path / "plan.json").exists()

    (tmp_path / "site.yaml").write_text(DEPLOYMENT % (*cloud, "true"))
    assert run(["solve", "site.yaml", "--method", method, "--out", "plan.json"]) == 0
    plan = j3o.load(tmp_path / "plan.json")
    np.testing.assert_allclose(plan.unserved, [[0.0, 1.0]], atol=1e-9)
    assert plan.objective == pytest.approx(0.7 * 4 / 7, abs=1e-6)


def test_a_simulation_refuses_a_plan_that_lets_a_model_serve_what_it_does_not_support():
    batch = draw_batch(1, batching=True)
    scenario = stack([batch[0]])[0]
    plan = j3o.solve(scenario, j3o.FullLocal())
    client, task = map(int, np.argwhere(plan.local > 0.0)[0])
    accuracy = np.array(scenario.client_accuracy)
    accuracy[:, plan.client_choice[client, task], task] = 0.0
    with pytest.raises(ValueError, match=r"local_unsupported.*does not support the task"):
        j3o.simulate(dataclasses.replace(scenario, client_accuracy=accuracy), plan)
