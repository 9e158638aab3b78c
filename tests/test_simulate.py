"""simulate(): what is measured agrees with what the plan predicts at average load, and shows what it does not."""

import dataclasses
import functools

import jax
import numpy as np
import pytest
from support.scenarios import random_scenario, stack

import j3o_jax as j3o

# Every number of windows and of replications is a program, and Poisson numbers compile slowly: few of each.
SHORT = {"duration": 20.0}
LONG = {"duration": 60.0, "replications": 20}


@functools.cache
def planned(seed=0, **options):
    scenario = random_scenario(
        np.random.default_rng(seed),
        clients=6,
        edges=2,
        tasks=2,
        models=4,
        batching=True,
        total_demand=2000.0,
        **options,
    )
    # So little compute that windows, and not uplinks, are what binds.
    scenario = dataclasses.replace(scenario, edge_compute=0.4 * scenario.edge_compute)
    return scenario, j3o.solve(scenario, throw=True)


def fields(simulation):
    return {
        field.name: getattr(simulation, field.name)
        for field in dataclasses.fields(simulation)
        if isinstance(getattr(simulation, field.name), np.ndarray)
    }


def same(one, other, **tolerance):
    for name, value in fields(one).items():
        np.testing.assert_allclose(getattr(other, name), value, err_msg=name, **tolerance)


def test_averages_are_as_planned():
    scenario, solution = planned()
    found = j3o.simulate(scenario, solution, **LONG)
    assert found.accuracy.shape == (20,)
    assert found.accuracy_planned == pytest.approx(float(solution.objective), rel=1e-9)
    assert found.accuracy.mean() == pytest.approx(float(solution.objective), rel=0.01)
    # Poisson requests of 60 s: ± 1/√120,000 in each replication.
    assert found.arrived.mean() == pytest.approx(60.0 * scenario.demand.sum(), rel=0.005)
    np.testing.assert_allclose(found.batch_mean.mean(axis=0), found.batch_planned, rtol=0.02, atol=0.05)
    np.testing.assert_allclose(found.batch_deviation.mean(axis=0), np.sqrt(found.batch_planned), rtol=0.1, atol=0.05)
    np.testing.assert_allclose(found.utilisation_edge.mean(axis=0), found.utilisation_edge_planned, rtol=0.02)
    np.testing.assert_allclose(
        found.utilisation_client.mean(axis=0), found.utilisation_client_planned, rtol=0.03, atol=1e-9
    )
    # The plan fills the windows, so that half of them bring more than their edge can do in time.
    assert found.utilisation_edge_planned.max() > 0.99
    assert 0.0 < found.late_share < 1.0
    assert found.late[:, found.batch_planned > 0].max() > 0.0
    assert np.nanmax(found.delay[..., -1] - 2 * found.window[None, :, None]) > 0.0
    assert (np.diff(found.delay, axis=-1)[~np.isnan(found.delay[..., 0])] >= 0).all()


def test_next_to_no_load_is_never_late():
    scenario, solution = planned()
    quiet = dataclasses.replace(scenario, demand=scenario.demand * 1e-3)
    found = j3o.simulate(quiet, solution, **LONG)
    assert found.requests.sum() > 0
    assert found.late_share == 0.0
    assert np.nanmax(found.delay / (2 * found.window[None, :, None, None])) <= 1.0
    np.testing.assert_allclose(found.distribution[:, :, found.grid >= 2.0][found.requests.sum(axis=0) > 0], 1.0)
    assert found.dropped_share == 0.0


def test_a_draw_depends_on_seed_and_replication_alone():
    scenario, solution = planned()
    simulate = functools.partial(j3o.simulate, scenario, solution, **SHORT)
    base = simulate(replications=5, seed=7)
    same(base, simulate(replications=5, seed=7), rtol=0)
    for together in (1, 2, 5):
        same(base, simulate(replications=5, seed=7, replications_at_once=together), rtol=1e-9, atol=1e-12)
    first = simulate(replications=2, seed=7)
    np.testing.assert_array_equal(first.requests, base.requests[:2])
    np.testing.assert_allclose(first.accuracy, base.accuracy[:2], rtol=1e-12)
    assert (base.requests[0] != base.requests[1]).any()
    assert (simulate(replications=5, seed=8).requests != base.requests).any()


def test_figures_are_float64_and_the_flag_is_kept():
    scenario, solution = planned()
    before = jax.config.read("jax_enable_x64")
    found = j3o.simulate(scenario, solution, **SHORT, replications=2)
    assert {value.dtype for value in fields(found).values()} == {np.dtype("float64")}
    assert jax.config.read("jax_enable_x64") == before
    with jax.enable_x64(not before):
        same(found, j3o.simulate(scenario, solution, **SHORT, replications=2), rtol=0)


def test_what_is_dropped_scores_nothing_and_nothing_is_late():
    scenario, solution = planned()
    waiting = j3o.simulate(scenario, solution, **SHORT, replications=5)
    found = j3o.simulate(scenario, solution, **SHORT, replications=5, drop=True)
    np.testing.assert_array_equal(found.requests, waiting.requests)
    assert 0.0 < found.dropped_share < waiting.late_share
    assert found.late_share < 1e-9
    assert (found.utilisation_edge <= 1.0 + 1e-9).all()
    model = np.maximum(solution.edge_choice, 0)
    accuracy = scenario.edge_accuracy[np.arange(2)[:, None], model, np.arange(2)]
    lost = np.sum((found.requests - found.served) * accuracy, axis=(1, 2)) / found.arrived
    np.testing.assert_allclose(waiting.accuracy - found.accuracy, lost, rtol=1e-9, atol=1e-12)


def test_a_scenario_without_windows_gets_some_by_the_argument():
    scenario, solution = planned()
    bare = dataclasses.replace(scenario, batching=None)
    with pytest.raises(ValueError, match="batching_window_s"):
        j3o.simulate(bare, solution)
    # As many windows as elsewhere.
    duration = SHORT["duration"] * 0.2 / scenario.batching.window.min()
    found = j3o.simulate(bare, solution, window=0.2, duration=duration, replications=2)
    np.testing.assert_array_equal(found.window, 0.2)
    # Without set-up times (28) over T_b is (10) over β_e.
    edge = np.zeros(2)
    for client, home in enumerate(scenario.client_edge):
        work = scenario.edge_model_compute[np.maximum(solution.edge_choice[home], 0)]
        edge[home] += np.sum(scenario.demand[client] * solution.edge[client] * work)
    np.testing.assert_allclose(found.utilisation_edge_planned, edge / scenario.edge_compute, rtol=1e-9)
    with pytest.raises(ValueError, match="windows of its own"):
        j3o.simulate(scenario, solution, window=0.2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"duration": 0.0}, "duration: must be"),
        ({"duration": np.nan}, "duration: must be"),
        ({"duration": 1e12}, "duration: has"),
        ({"replications": 0}, "replications: must be at least 1"),
        ({"replications_at_once": 0}, "replications_at_once: must be"),
        ({"seed": -1}, "seed: must be"),
        ({"percentiles": (50.0, 100.0)}, "percentiles: must be"),
        ({"percentiles": ()}, "percentiles: must be"),
    ],
    ids=str,
)
def test_arguments_out_of_range_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        j3o.simulate(*planned(), **arguments)


def test_plans_that_say_nothing_of_a_request_are_refused():
    scenario, solution = planned()
    with pytest.raises(ValueError, match="one scenario"):
        j3o.simulate(stack([scenario, scenario]), stack([solution, solution]))
    with pytest.raises(j3o.SolveError, match="infeasible"):
        j3o.simulate(scenario, dataclasses.replace(solution, status=np.asarray(int(j3o.Status.infeasible))))
    names = ("local", "edge", "cloud", "unserved", "client_models", "client_choice", "has_demand")
    fewer = dataclasses.replace(solution, **{name: getattr(solution, name)[1:] for name in names})
    with pytest.raises(ValueError, match="does not fit the scenario: arrays"):
        j3o.simulate(scenario, fewer)
    with pytest.raises(ValueError, match="does not fit the scenario: edge_without_model"):
        j3o.simulate(scenario, dataclasses.replace(solution, edge_choice=np.full_like(solution.edge_choice, -1)))
    everything = dataclasses.replace(solution, edge_models=np.ones_like(solution.edge_models))
    with pytest.raises(ValueError, match=r"does not fit the scenario: edge_memory \(8\): .*0: .* MB exceeds .* MB"):
        j3o.simulate(scenario, everything)
    hoarded = dataclasses.replace(solution, client_models=np.ones_like(solution.client_models))
    with pytest.raises(ValueError, match=r"client_memory \(8\): .*0: .* MB exceeds .* MB \(and 5 more\)"):
        j3o.simulate(scenario, hoarded)
    with pytest.raises(ValueError, match="has no compute"):
        j3o.simulate(dataclasses.replace(scenario, edge_compute=np.zeros(2)), solution)


def test_more_than_was_planned_for_is_shown():
    scenario, solution = planned()
    busy = dataclasses.replace(scenario, demand=1.2 * scenario.demand)
    found = j3o.simulate(busy, solution, **LONG)
    calm = j3o.simulate(scenario, solution, **LONG)
    assert found.utilisation_edge_planned.max() > 1.0
    assert found.late_share > calm.late_share
    # The command line takes plans for the deployment that they were made for.
    with pytest.raises(ValueError, match=r"does not fit the scenario: .* exceeds "):
        j3o.simulate(busy, solution, strict=True)


def test_headroom_restores_the_quantile():
    scenario, _ = planned()
    found = j3o.headroom(scenario, quantile=0.99, **SHORT, replications=5, tolerance=0.05)
    assert found.chosen is not None
    assert found.chosen.factor < 1.0
    assert found.trials[0].factor == 1.0
    assert not found.trials[0].keeps(0.99)
    assert found.chosen.simulation.late_share <= 0.01
    keeping = [trial for trial in found.trials if trial.keeps(0.99)]
    above = min(trial.factor for trial in found.trials if not trial.keeps(0.99))
    assert 0.0 < above - max(trial.factor for trial in keeping) <= 0.05
    assert found.chosen.solution.objective == max(trial.solution.objective for trial in keeping)
    for trial in found.trials:
        # The plan is one for the whole scenario, and leaves the rest of every window free.
        assert j3o.check(scenario, trial.solution).ok
        assert trial.simulation.utilisation_edge_planned.max() <= trial.factor * (1 + 1e-6)
        assert trial.solution.objective <= found.trials[0].solution.objective + 5e-3


def test_no_headroom_where_none_is_needed():
    scenario, _ = planned()
    quiet = dataclasses.replace(scenario, demand=1e-3 * scenario.demand)
    found = j3o.headroom(quiet, quantile=0.999, **SHORT, replications=2)
    assert len(found.trials) == 1
    assert found.chosen is found.trials[0]
    for quantile in (0.0, 1.0):
        with pytest.raises(ValueError, match="quantile"):
            j3o.headroom(quiet, quantile=quantile)
