"""Brief work is done at the next of few sizes: fewer programs, and the same answers."""

import numpy as np
import pytest
from support.methods import PER_NODE, VARIANTS, draw_batch

import j3o_jax as j3o
from j3o_jax import _levels, _programs
from j3o_jax._model import Plan
from j3o_jax.methods import few_shapes


@pytest.fixture
def at_their_own_size(monkeypatch):
    """What is solved from then on is solved by programs of its own size."""

    def begin():
        monkeypatch.setattr(
            few_shapes,
            "enlarged",
            lambda scenarios, groups: few_shapes.Sized(scenarios, groups, few_shapes.sizes_of(scenarios)),
        )

    return begin


def test_sizes_are_few_and_little_larger():
    numbers = np.arange(1, 5000)
    sizes = np.array([few_shapes.next_size(int(number)) for number in numbers])
    assert (sizes >= numbers).all()
    large = numbers > 8
    assert (sizes[large] <= 1.25 * numbers[large]).all()
    assert (sizes[~large] == 8).all()
    assert len(set(sizes[large])) < 40
    assert [few_shapes.next_size(size) for size in sizes.tolist()] == sizes.tolist()


@pytest.mark.parametrize("variant", [*VARIANTS, PER_NODE[1]], ids=str)
def test_plans_are_those_of_the_scenario_s_own_size(variant, at_their_own_size):
    batch = draw_batch(24, tightness=0.4, **variant)
    before = j3o.solve(batch, j3o.J3O())
    at_their_own_size()
    after = j3o.solve(batch, j3o.J3O())
    for field in ("client_models", "edge_models", "client_choice", "edge_choice", "status"):
        np.testing.assert_array_equal(getattr(after, field), getattr(before, field))
    np.testing.assert_allclose(after.objective, before.objective, rtol=0, atol=1e-12)
    if _levels.has_regions():
        # Older compilers add up in another order where there is more to add, if only zeros.
        for field in (*Plan._fields, "objective", "history"):
            np.testing.assert_array_equal(getattr(after, field), getattr(before, field))


@pytest.mark.parametrize("allow_unserved", [True, False])
def test_one_edge_and_two_tasks_are_done_by_the_program_of_more(allow_unserved, at_their_own_size):
    batch = draw_batch(24, edges=1, tasks=2, tightness=0.4, batching=True, allow_unserved=allow_unserved)
    before = j3o.solve(batch, j3o.J3O())
    assert before.edge_choice.shape == (24, 1, 2)
    np.testing.assert_array_equal(j3o.check(batch, before).ok, before.status != j3o.Status.infeasible)
    at_their_own_size()
    after = j3o.solve(batch, j3o.J3O())
    np.testing.assert_array_equal(after.status, before.status)
    np.testing.assert_allclose(after.objective, before.objective, rtol=0, atol=1e-9)


def test_bounds_with_batching_are_those_of_the_scenario_s_own_size(at_their_own_size):
    batch = draw_batch(12, tightness=0.4, batching=True)
    plans = j3o.solve(batch, j3o.FullLocal())
    before = j3o.certify(batch, plans, descent_steps=0)
    assert j3o.verify(batch, before).proven.all()
    at_their_own_size()
    np.testing.assert_allclose(j3o.certify(batch, plans, descent_steps=0).bound, before.bound, rtol=1e-9)


@pytest.mark.parametrize(
    ("edges", "tasks", "batching", "apart"),
    # Where tasks are added, offloading steps end elsewhere within their tolerance.
    [(2, 3, False, 1e-9), (1, 2, True, 1e-8)],
)
def test_searches_and_bounds_are_those_of_the_scenario_s_own_size(edges, tasks, batching, apart, at_their_own_size):
    batch = draw_batch(12, edges=edges, tasks=tasks, tightness=0.4, batching=batching)
    # So few rounds that each of them shows: what is drawn at random must be drawn alike.
    method = j3o.PriceDirected(max_iterations=24, patience=24, gap=0.0, descent_steps=0)
    before, local = j3o.solve(batch, method), j3o.solve(batch, j3o.FullLocal())
    certified = j3o.certify(batch, local, descent_steps=0)
    j3o.check(batch, before).raise_if_violated()
    for plans in (before, certified):
        assert j3o.verify(batch, plans).proven.all()
    at_their_own_size()
    after = j3o.solve(batch, method)
    np.testing.assert_allclose(j3o.certify(batch, local, descent_steps=0).bound, certified.bound, rtol=1e-9)
    np.testing.assert_allclose(after.objective, before.objective, rtol=0, atol=apart)
    np.testing.assert_allclose(after.bound, before.bound, rtol=1e-9)


@pytest.mark.parametrize(
    "method", [j3o.J3O(), j3o.PriceDirected(max_iterations=12, patience=12)], ids=["j3o", "prices"]
)
def test_deployments_of_like_sizes_share_programs(method):
    first = draw_batch(1, clients=7, models=6)[0]
    j3o.solve(first, method)
    kept = _programs.kept()
    for clients, edges, tasks, models in ((5, 2, 3, 5), (8, 1, 2, 8), (6, 2, 1, 7)):
        sizes = {"clients": clients, "edges": edges, "tasks": tasks, "models": models}
        plan = j3o.solve(draw_batch(1, first=3, **sizes)[0], method)
        assert plan.local.shape == (clients, tasks)
        assert plan.edge_choice.shape == (edges, tasks)
        assert plan.client_models.shape == (clients, models)
    assert _programs.kept() == kept
