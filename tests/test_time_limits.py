"""Time limits: of contexts within contexts, and of every method, which ends with a plan and says why."""

import dataclasses

import numpy as np
import pytest
from support.methods import METHODS, draw_batch

import j3o_jax as j3o
from j3o_jax import _time_limit
from j3o_jax._time_limit import limiting_time, seconds_left

ALL = {
    **METHODS,
    "opt-ao, by programs": j3o.OptAO(enumeration_limit=0),
    "price-directed": j3o.PriceDirected(gap=0.0, max_iterations=40, patience=20, chunk=8),
    "bilinear": j3o.BilinearMINLP(),
    "auto": j3o.Auto(),
}
INSTANT = 1e-9
LIMITED = j3o.Status.iteration_limit
# On the device J3O is one program, which runs to its end.
ENDS = {"j3o", "j3o, Algorithm 2 to the letter"}


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is told."""
    now = {"time": 100.0, "compiling": 0.0}
    monkeypatch.setattr(_time_limit, "perf_counter", lambda: now["time"])
    monkeypatch.setattr(_time_limit, "seconds_of_compiling", lambda: now["compiling"])
    return now


def test_the_nearest_limit_counts(clock):
    assert seconds_left() == np.inf
    with limiting_time(10.0):
        clock["time"] += 4.0
        assert seconds_left() == 6.0
        with limiting_time(100.0):
            assert seconds_left() == 6.0
        with limiting_time(1.0) as inner:
            assert seconds_left() == 1.0
            clock["time"] += 3.0
            assert (inner.spent, inner.left, seconds_left()) == (3.0, -2.0, 0.0)
        assert seconds_left() == 3.0
    assert seconds_left() == np.inf


def test_compiling_counts_where_it_is_to(clock):
    with limiting_time(10.0), limiting_time(10.0, for_compiling=0.75) as whole, limiting_time(10.0) as search:
        clock["time"] += 5.0
        clock["compiling"] += 4.0
        assert (whole.left, search.left) == (5.0, 9.0)
        assert seconds_left() == 5.0
        # A quarter is for the search, however long compiling takes.
        clock["time"] += 90.0
        clock["compiling"] += 90.0
        assert (whole.left, search.left) == (1.5, 9.0)
    with limiting_time(np.inf, for_compiling=0.75):
        assert seconds_left() == np.inf


def test_a_limit_ends_with_its_context_whatever_happens():
    with pytest.raises(KeyError), limiting_time(1.0):
        raise KeyError
    assert seconds_left() == np.inf


@pytest.mark.parametrize("name", ALL)
def test_every_method_ends_with_a_plan_when_there_is_no_time(name):
    batch = draw_batch(3, tightness=2.0)
    method = dataclasses.replace(ALL[name], time_limit=INSTANT)
    plans = j3o.solve(batch, method)
    j3o.check(batch, plans).raise_if_violated()
    assert np.isfinite(plans.objective).all()
    if name in ENDS or name == "auto":
        # Auto takes J3O where there is no time for anything else.
        assert (plans.status == j3o.Status.converged).all()
    else:
        assert np.isin(plans.status, (LIMITED, j3o.Status.optimal)).all()
        assert (plans.status == LIMITED).any()
    bounds = plans.bound[np.isfinite(plans.bound)]
    assert (bounds >= plans.objective[np.isfinite(plans.bound)]).all()


@pytest.mark.parametrize("name", ["opt-ao, by programs", "full-local", "price-directed"])
def test_all_is_served_or_it_is_said_that_no_such_plan_was_found(name):
    batch = draw_batch(6, tightness=1.0, allow_unserved=False)
    plans = j3o.solve(batch, dataclasses.replace(ALL[name], time_limit=INSTANT))
    found = plans.status != j3o.Status.infeasible
    np.testing.assert_array_equal(j3o.check(batch, plans).ok, found)
    assert all(plans.reason((index,)) for index in np.flatnonzero(~found))


@pytest.mark.parametrize("name", ALL)
def test_a_limit_that_is_not_reached_changes_nothing(name):
    batch = draw_batch(3, tightness=2.0)
    if name in ("bilinear", "exact", "auto"):
        batch = batch[:1]
    endless, long = (j3o.solve(batch, dataclasses.replace(ALL[name], time_limit=seconds)) for seconds in (1e9, 1e3))
    np.testing.assert_array_equal(long.objective, endless.objective)
    np.testing.assert_array_equal(long.status, endless.status)
    np.testing.assert_array_equal(long.client_choice, endless.client_choice)


@pytest.mark.parametrize("name", ALL)
def test_limits_that_are_none_are_refused(name):
    for seconds in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="time_limit: must be > 0 seconds"):
            dataclasses.replace(ALL[name], time_limit=seconds)


def test_a_limit_is_kept_by_stopping_between_rounds(monkeypatch):
    """Each routing takes a second of a clock that otherwise stands still: rounds stop when three are over."""
    from j3o_jax.routing import CvxpyLP

    now = [0.0]
    monkeypatch.setattr(_time_limit, "perf_counter", lambda: now[0])
    monkeypatch.setattr(_time_limit, "seconds_of_compiling", lambda: 0.0)
    routed = CvxpyLP.offload

    def slow(self, *given, **options):
        now[0] += 1.0
        return routed(self, *given, **options)

    monkeypatch.setattr(CvxpyLP, "offload", slow)
    plan = j3o.solve(draw_batch(1, tightness=2.0)[0], j3o.RandAO(time_limit=2.5))
    assert plan.status == LIMITED
    assert plan.stats["iterations"] == 3


def test_more_turns_in_the_same_program_until_the_time_is_over(monkeypatch):
    """PriceDirected with a clock that goes on by a second whenever it is looked at."""
    now = [0.0]

    def ticking():
        now[0] += 1.0
        return now[0]

    batch = draw_batch(3, tightness=2.0)
    method = ALL["price-directed"]
    whole = j3o.solve(batch, method)
    monkeypatch.setattr(_time_limit, "perf_counter", ticking)
    monkeypatch.setattr(_time_limit, "seconds_of_compiling", lambda: 0.0)
    cut = j3o.solve(batch, dataclasses.replace(method, time_limit=4.0))
    j3o.check(batch, cut).raise_if_violated()
    limited = cut.status == LIMITED
    assert limited.any()
    assert (cut.stats["iterations"][limited] < whole.stats["iterations"][limited]).all()
    assert (cut.stats["iterations"] >= 1).all()
    assert (cut.objective <= whole.objective + 1e-9).all()
    rise = np.diff(cut.history, axis=1)
    assert (rise[np.isfinite(rise)] >= 0).all()
