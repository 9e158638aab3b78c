"""Tunings: what is solved together, what is chosen, what the held-out comparison says, and going on after an end."""

import dataclasses
import math

import numpy as np
import pytest
from tuning.tune_examples import SMALL, SPEC, STEPS

import j3o_jax as j3o
from j3o_jax._batched import compiled_programs
from j3o_jax.experiments._statistics import spread_over_seeds
from j3o_jax.experiments.tune import _search as search_module
from j3o_jax.experiments.tune._evaluator import batches_of, confirm
from j3o_jax.experiments.tune._outcome import Trial, choose, front_of
from j3o_jax.experiments.tune._slices import equal_slices, solve_in_slices
from j3o_jax.io import FileError
from j3o_jax.sweeps import sweep_spec
from j3o_jax.tuning import tune, tune_spec


def test_all_step_sizes_are_one_program_and_each_is_what_it_is_alone():
    before = compiled_programs()
    tuning = tune(tune_spec(SPEC))
    # Training, with slices or without, and the held-out seeds.
    assert compiled_programs() - before <= 1
    assert len(tuning.trials) == tuning.solved_now == 17
    scenarios = j3o.benchmarks.cityscapes3d().sample(0, 17, clients=6, client_memory_scale=0.5)
    for number in (0, 1, 7, 16):
        trial = tuning.trials[number]
        size = trial.values.get("step_size", 1.0)
        alone = j3o.solve(scenarios, j3o.J3O(multiplier=j3o.Subgradient(step_size=size, steps=STEPS)))
        assert trial.quality == pytest.approx(np.mean(alone.objective), abs=1e-14)
    assert tuning.chosen.quality == pytest.approx(max(trial.quality for trial in tuning.trials), abs=1e-11)
    assert tuning.best_known >= tuning.chosen.quality


def test_slices_change_nothing_and_are_equally_long():
    scenarios = j3o.benchmarks.cityscapes3d().sample(0, 17, clients=6)
    method = j3o.J3O(multiplier=j3o.Subgradient(step_size=np.array([0.1, 1.0, 10.0]), steps=STEPS))
    whole = np.asarray(j3o.solve(scenarios, method).objective)
    before = compiled_programs()
    seen = []
    solved = solve_in_slices(scenarios, method, most=18, inspect=lambda part, plans: seen.append(part.batch_shape))
    assert compiled_programs() == before
    assert seen == [(6,)] * 3
    np.testing.assert_array_equal(solved.objective, whole)
    np.testing.assert_array_equal(equal_slices(5, 2), [[0, 1], [2, 3], [4, 4]])


def test_every_held_out_plan_is_checked():
    scenarios = j3o.benchmarks.cityscapes3d().sample(0, 17, clients=6)
    method = j3o.J3O(multiplier=j3o.Subgradient(step_size=np.array([0.1, 1.0]), steps=STEPS))
    plans = j3o.solve(scenarios, method)
    confirm(scenarios, plans)
    held = plans.client_models.copy()
    held[1, 16] = True
    with pytest.raises(j3o.ViolationError):
        confirm(scenarios, dataclasses.replace(plans, client_models=held))
    # What has no plan is told elsewhere.
    objective = plans.objective.copy()
    objective[1, 16] = np.nan
    confirm(scenarios, dataclasses.replace(plans, client_models=held, objective=objective))


def test_the_held_out_comparison_is_of_other_seeds_and_paired():
    tuning = tune(tune_spec(SMALL))
    held_out = tuning.held_out
    scenarios = j3o.benchmarks.cityscapes3d().sample(17, 17, clients=6, client_memory_scale=0.5)
    found = {}
    for name, method in (("base", tuning.base.method), ("chosen", tuning.chosen.method)):
        found[name] = np.asarray(j3o.solve(scenarios, method.build()).objective)
    assert held_out.base.quality == np.mean(found["base"])
    assert held_out.chosen.quality == np.mean(found["chosen"])
    assert held_out.difference == pytest.approx(np.mean(found["chosen"] - found["base"]), abs=1e-15)
    assert (held_out.scenarios, held_out.seeds) == (17, 17)
    assert held_out.better == np.sum(found["chosen"] > found["base"] + 1e-9)
    assert held_out.chosen.seconds > 0.0


def test_the_interval_is_students_over_seeds():
    from scipy import stats

    difference = np.array([0.1, 0.3, 0.2, 0.6, 0.5, 0.1])
    seeds = np.array([4, 4, 5, 5, 6, 6])
    own = np.array([0.2, 0.4, 0.3])
    spread = spread_over_seeds(difference, seeds)
    low, high = stats.t.interval(0.95, 2, loc=own.mean(), scale=stats.sem(own))
    assert (spread.mean - spread.half_width(), spread.mean + spread.half_width()) == pytest.approx((low, high))
    assert math.isnan(spread_over_seeds(difference[:2], seeds[:2]).half_width())


def trial(number, quality, seconds=1.0, reached=1.0):
    method = tune_spec(SMALL).base
    return Trial(quality, 0, seconds, reached, number, {}, method)


def test_what_is_chosen_follows_the_objective():
    spec = tune_spec(SMALL)
    trials = [trial(0, 0.9, 2.0, 1.0), trial(1, 0.95, 4.0, 1.0), trial(2, 0.94996, 3.0, 1.0), trial(3, 0.5, 1.0, 0.25)]
    assert choose(spec, trials).number == 1
    assert choose(dataclasses.replace(spec, objective="both"), trials).number == 2
    assert choose(dataclasses.replace(spec, objective="both", within=0.0), trials).number == 1
    # A quarter of the scenarios in 1 s is 4 s for each.
    assert choose(dataclasses.replace(spec, objective="time", gap=0.1), trials).number == 0
    assert trials[3].seconds_to_gap == 4.0
    assert trial(4, 0.1, 1.0, 0.0).seconds_to_gap == math.inf
    assert [own.number for own in front_of(trials)] == [3, 0, 2, 1]
    # Nothing changes for nothing.
    assert choose(spec, [trial(0, 0.9), trial(1, 0.9 + 1e-15)]).number == 0


def test_scenarios_are_those_of_every_point_and_seed():
    data = {key: SPEC[key] for key in ("benchmark",)} | {
        "seeds": {"first": 3, "count": 2},
        "methods": ["j3o"],
        "parameters": {
            "clients": [4, 6],
            "client_memory_scale": [0.5, 1.0],
            "edge_uplink_fraction": {"uniform": [0.2, 0.8]},
            "total_demand": 50.0,
        },
    }
    spec = sweep_spec(data)
    four, six = batches_of(spec)
    assert (four.scenarios.demand.shape, six.scenarios.demand.shape) == ((4, 4, 3), (4, 6, 3))
    assert six.seeds.tolist() == [3, 4, 3, 4]
    drawn = spec.drawn["edge_uplink_fraction"].draw("edge_uplink_fraction", np.array([3, 4]))
    expected = j3o.benchmarks.cityscapes3d().sample(
        [4], clients=6, client_memory_scale=0.5, total_demand=50.0, edge_uplink_fraction=drawn[1:]
    )
    np.testing.assert_array_equal(six.scenarios.edge_uplink[1], expected.edge_uplink[0])
    np.testing.assert_array_equal(six.scenarios.client_memory[3], 2.0 * np.asarray(expected.client_memory)[0])


def test_a_call_has_all_step_sizes_of_equal_settings(made_up):
    search = {"schedule": ["inverse", "cosine"], "step_size": [0.1, 2.0, 10.0]}
    tuning = tune(tune_spec(SPEC | {"search": search}))
    # That of the setting to begin from, those of each schedule, and the held-out seeds.
    assert sorted(map(len, made_up)) == [1, 1, 1, 3, 3]
    assert len(tuning.trials) == 7
    assert tuning.chosen.values == {"schedule": "inverse", "step_size": 2.0}
    made_up.clear()
    # The setting to begin from is in the call of its step sizes.
    tune(tune_spec(SMALL))
    assert made_up[0] == [None, 0.01, 100.0]


@pytest.mark.parametrize("objective", ["quality", "time", "both"])
def test_optuna_finds_the_best_of_what_is_made_up(made_up, tmp_path, objective):
    search = {"step_size": {"log_uniform": [1e-3, 1e3]}, "steps": [10, 20]}
    spec = SPEC | {"search": search, "sampler": "optuna", "trials": 60, "batch": 6, "objective": objective}
    if objective == "time":
        spec |= {"gap": 0.1, "method": "j3o"}
    tuning = tune(tune_spec(spec), str(tmp_path))
    assert len(tuning.trials) == 61
    if objective == "time":
        assert tuning.chosen.method.settings.steps == 10
        return
    assert 1.0 < tuning.chosen.values["step_size"] < 9.0
    assert tuning.chosen.method.settings.steps in ((20,) if objective == "quality" else (10, 20))
    if objective == "both":
        assert [own.seconds for own in tuning.front] == sorted(own.seconds for own in tuning.front)


class Stop(BaseException):
    """The end of a process, as far as the search can tell."""


@pytest.mark.parametrize("sampler", ["grid", "random", "optuna"])
def test_whatever_ends_it_the_same_search_goes_on(made_up, tmp_path, monkeypatch, sampler):
    ranged = {"log_uniform": [1e-3, 1e3]} if sampler != "grid" else [0.1, 1.0, 10.0]
    spec = SPEC | {"search": {"step_size": ranged, "steps": [5, 10, 20]}, "sampler": sampler}
    if sampler != "grid":
        spec |= {"trials": 24}
    if sampler == "optuna":
        spec |= {"batch": 5}
    spec = tune_spec(spec)
    (tmp_path / "killed").mkdir()
    (tmp_path / "undisturbed").mkdir()

    def report(words, by):
        if len(made_up) == 3:
            raise Stop

    with pytest.raises(Stop):
        tune(spec, str(tmp_path / "killed"), report=report)
    made_up.clear()
    # The half of a line, as a power cut leaves it.
    for name in ("calls.jsonl", "optuna.jsonl"):
        with (tmp_path / "killed" / name).open("ab") as file:
            file.write(b'{"key": ')
    again = tune(spec, str(tmp_path / "killed"))
    solved = sum(map(len, made_up))
    whole = tune(spec, str(tmp_path / "undisturbed"))
    assert again.solved_now < whole.solved_now
    assert solved == again.solved_now + 2
    # NaN is not equal to itself.
    assert repr(again.trials) == repr(whole.trials)
    assert repr(again.chosen) == repr(whole.chosen)
    assert again.best_known == whole.best_known
    made_up.clear()
    done = tune(spec, str(tmp_path / "killed"))
    assert (done.solved_now, made_up) == (0, [])
    assert repr(done.held_out) == repr(again.held_out)
    others = dataclasses.replace(spec, held_out=dataclasses.replace(spec.held_out, first_seed=100))
    assert tune(others, str(tmp_path / "killed")).solved_now == 0
    assert len(made_up) == 2


def test_two_at_a_time_are_refused(made_up, tmp_path):
    spec = tune_spec(SPEC | {"search": {"steps": [5, 10]}})
    refused = []

    def start_another(words, by):
        with pytest.raises(FileError, match="is being written by another tuning: wait for it, or end it"):
            tune(spec, str(tmp_path))
        refused.append(words)

    tune(spec, str(tmp_path), report=start_another)
    assert refused
    # The lock goes with its holder.
    assert tune(spec, str(tmp_path)).solved_now == 0


def test_settings_that_are_the_same_are_tried_once(made_up):
    search = {"multiplier": ["dual_search", "subgradient"], "step_size": [0.1, 1.0], "schedule": ["inverse", "cosine"]}
    tuning = tune(tune_spec(SPEC | {"search": search}))
    methods = [own.method.plain() for own in tuning.trials]
    assert len(methods) == 1 + 1 + 4
    # 1 is the default, which is the setting to begin from.
    assert len(tune(tune_spec(SPEC | {"search": {"step_size": [0.1, 1.0]}})).trials) == 2
    assert all("step_size" not in method for method in methods if method["multiplier"] == "dual_search")


def test_settings_beyond_a_call_are_several_calls(made_up, monkeypatch):
    monkeypatch.setattr(search_module, "MOST", 7)
    tuning = tune(tune_spec(SPEC))
    assert [len(call) for call in made_up] == [7, 7, 3, 1, 1]
    assert len(tuning.trials) == 17
