"""Batching: plans keep the true (28), promises bound what they say, and pairs are opened where it pays."""

import functools

import jax
import numpy as np
import pytest
from support import adversary, methods
from support.methods import SMALL
from support.scenarios import random_scenario, stack

import j3o_jax as j3o
from j3o_jax._model import Placement
from j3o_jax.methods.alternation.batching import activation_bounds
from j3o_jax.methods.alternation.feasibility import offloading_problems
from j3o_jax.methods.alternation.surrogate import tangent

METHODS = {
    "exact activation": j3o.BAJ3O(),
    "surrogate": j3o.BAJ3O(surrogate="log", activations=0),
    "prices": j3o.PriceDirected(max_iterations=20, patience=10, gap=0.0),
}


@functools.cache
def draw_batch(count, tightness=1.0):
    return methods.draw_batch(count, tightness=tightness, batching=True)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_no_plan_exceeds_a_window(method):
    for tightness in (0.5, 2.0):
        batch = draw_batch(160, tightness)
        plans = j3o.solve(batch, method)
        report = j3o.check(batch, plans)
        assert report.ok.all(), report.violations[:3]
        # There are edges whose batches take up the window.
        used = np.take_along_axis(batch.batching.setup, np.maximum(plans.edge_choice, 0), axis=2)
        opened = np.where(plans.edge_choice >= 0, used, 0.0).sum(axis=2) / batch.batching.window
        assert (opened > 0.5).any()


def test_queries_that_take_no_time_do_not_go_where_set_ups_do_not_fit():
    # Found by the adversary: models cost nothing, and those placed at an edge have more set-up time than window.
    batch = stack([adversary.draw(75000151, SMALL, batching=True, allow_unserved=True)])
    assert not batch.edge_model_compute.any()
    for method in METHODS.values():
        j3o.check(batch, j3o.solve(batch, method, throw=True)).raise_if_violated()
    choice = np.array([[1, 1, 3]])
    setup = np.take_along_axis(batch.batching.setup[0, 1], choice[0], axis=0)
    assert setup.sum() > batch.batching.window[0, 1]
    problem = offloading_problems(
        batch, Placement(None, None, np.full((1, 6, 3), -1), np.stack([np.full((1, 3), -1), choice], axis=1))
    )
    assert not problem.edge_open.any()


def test_a_change_brings_no_more_than_it_promises():
    batch = draw_batch(40)
    plans = j3o.solve(batch, j3o.J3O(activations=0))
    lp = j3o.HierarchicalLP(tolerance=1e-9)
    active = np.ones(40, dtype=bool)
    problems_of = jax.jit(offloading_problems, compiler_options=methods.QUICKLY)
    with jax.enable_x64(True):
        placement = Placement(*(np.asarray(getattr(plans, name)) for name in Placement._fields))

        def routed(placement):
            problem = problems_of(batch, placement)
            answer = lp.offload(problem, active, allow_unserved=True)
            shares = answer.local, answer.edge, answer.cloud
            values = problem.local_value, problem.edge_value, problem.cloud_value
            return answer, sum(np.sum(a * np.asarray(b), axis=(1, 2)) for a, b in zip(shares, values, strict=True))

        answer, value = routed(placement)
        prices = answer.client_price, answer.edge_price, answer.edge_uplink_price, answer.cloud_uplink_price
        found = jax.tree.map(
            np.asarray,
            jax.jit(jax.vmap(activation_bounds), compiler_options=methods.QUICKLY)(batch, placement, *prices),
        )
        brought = 0
        for edge in range(2):
            for task in range(3):
                choice = placement.edge_choice.copy()
                choice[:, edge, task] = found.choice[:, edge, task]
                held = (choice[:, :, None, :] == np.arange(5)[:, None]).any(axis=3)
                changed = placement._replace(edge_choice=choice, edge_models=held)
                _, other = routed(changed)
                assert (other - value <= found.gain[:, edge, task] + 1e-6).all()
                brought += (other > value + 1e-6).sum()
        assert brought > 0


def test_activation_gains_and_the_surrogate_is_no_better():
    batch = draw_batch(200)
    # From one start: of several, another one may be the best with the trials.
    without = j3o.solve(batch, j3o.J3O(activations=0, starts="paper"))
    plans = j3o.solve(batch, j3o.J3O(starts="paper"))
    gain = plans.objective - without.objective
    assert (gain > 1e-4).sum() >= 10
    # The trials only ever raise the plan, but the last routing may do so too, from where the rounds left it.
    assert (gain < -1e-6).sum() <= 0.1 * (gain > 1e-4).sum()
    assert gain.mean() > 1e-4
    surrogate = j3o.solve(batch, j3o.BAJ3O(surrogate="log", activations=0, starts="paper"))
    assert plans.objective.mean() > surrogate.objective.mean()
    # Without batching neither is in the way.
    plain = methods.draw_batch(5)
    np.testing.assert_array_equal(j3o.solve(plain).objective, j3o.solve(plain, j3o.J3O(surrogate="log")).objective)


def test_it_is_as_near_on_the_host():
    batch = draw_batch(200)[:8]
    device, host = j3o.solve(batch), j3o.solve(batch, j3o.J3O(lp=j3o.CvxpyLP()))
    assert j3o.check(batch, host).ok.all()
    assert abs((device.objective - host.objective).mean()) <= 1e-3
    exact = j3o.solve(batch, j3o.ExactMILP(gap=1e-6))
    assert (exact.objective - device.objective).mean() <= 0.02


def test_the_tangent_is_above_the_surrogate_and_touches_it():
    batch = draw_batch(40)
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        for width in (0.01, 0.1, 1.0):
            most = np.zeros((40, 2, 3))
            for index in range(40):
                np.add.at(most[index], batch.client_edge[index], batch.demand[index])
            points = [most * rng.random(most.shape) for _ in range(3)] + [0.0 * most, most]
            surrogate = [np.log1p(at / np.where(most > 0, width * most, 1.0)) / np.log1p(1 / width) for at in points]
            for at, own in zip(points, surrogate, strict=True):
                slope, offset = jax.vmap(lambda scenario, at, width=width: tangent(scenario, at, width))(batch, at)
                np.testing.assert_allclose(np.asarray(slope) * at + offset, own, atol=1e-12)
                for other, value in zip(points, surrogate, strict=True):
                    assert (np.asarray(slope) * other + offset >= value - 1e-12).all()


def test_mistakes_are_named():
    plain = random_scenario(np.random.default_rng(0), **SMALL)
    with pytest.raises(ValueError, match="BAJ3O: the scenario has no batching"):
        j3o.solve(plain, j3o.BAJ3O())
    for arguments, message in (
        ({"activations": -1}, "activations: must be at least 0"),
        ({"surrogate": "log", "lp": j3o.CvxpyLP()}, "surrogate: needs lp=HierarchicalLP"),
        ({"surrogate_width": 0.0}, "surrogate_width: must be a number above 0"),
    ):
        with pytest.raises(ValueError, match=message):
            j3o.J3O(**arguments)
    with pytest.raises(ValueError, match="activations: must be at least 0"):
        j3o.PriceDirected(activations=-1)
