import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from support.file_examples import assert_same_solution, solution_fields, solution_from
from support.methods import draw_batch

from j3o_jax import FullLocal, Names, Scenario, Solution, Status, solve
from j3o_jax.io import FileError, load, save


@pytest.fixture
def plan() -> Solution:
    return Solution(
        client_models=np.array([[True, False], [False, False]]),
        edge_models=np.array([[False, True]]),
        client_choice=np.array([[0, -1], [-1, -1]]),
        edge_choice=np.array([[-1, 1]]),
        local=np.array([[0.75, 0], [0, 0]]),
        edge=np.array([[0, 1.0], [0, 1 / 3]]),
        cloud=np.array([[0.25, 0], [1, 0]]),
        unserved=np.array([[0, 0], [0, 2 / 3]]),
        objective=np.float64(0.8),
        bound=np.float64(np.nan),
        status=np.int64(Status.converged),
        history=np.array([0.5, 0.8, np.nan, np.nan]),
        stats={"iterations": np.int64(2), "seconds": np.float64(0.5)},
        names=Names(tasks=("seg", "depth"), models=("small", "large"), clients=("a", "b"), edges=("hall",)),
    )


def test_a_plan_reads_like_the_deployment(tmp_path, plan):
    save(plan, tmp_path / "plan.json")
    text = (tmp_path / "plan.json").read_text("utf-8")

    def refuse_constant(word):
        raise AssertionError(f"{word} is not JSON")

    document = json.loads(text, parse_constant=refuse_constant)
    assert document["format"] == "j3o-plan-1"
    assert document["status"] == "converged"
    assert (document["objective"], document["bound"], document["gap"]) == (0.8, None, None)
    assert document["clients"][0] == {
        "name": "a",
        "models": ["small"],
        "tasks": {
            "seg": {"model": "small", "local": 0.75, "edge": 0, "cloud": 0.25, "unserved": 0},
            "depth": {"model": None, "local": 0, "edge": 1, "cloud": 0, "unserved": 0},
        },
    }
    assert document["edges"] == [{"name": "hall", "models": ["large"], "tasks": {"seg": None, "depth": "large"}}]
    assert document["history"] == [0.5, 0.8, None, None]
    assert document["stats"] == {"iterations": 2, "seconds": 0.5}
    assert '"history": [0.5, 0.8, null, null]' in text
    assert_same_solution(load(tmp_path / "plan.json", want=Solution), plan)


def test_a_proven_plan_says_its_gap(tmp_path, plan):
    save(dataclasses.replace(plan, bound=np.float64(0.84)), tmp_path / "plan.json")
    assert json.loads((tmp_path / "plan.json").read_text("utf-8"))["gap"] == pytest.approx(0.05)
    assert load(tmp_path / "plan.json", want=Solution).gap == pytest.approx(0.05)


def test_a_gap_that_objective_and_bound_do_not_make_is_refused(tmp_path, plan):
    path = tmp_path / "plan.json"
    save(dataclasses.replace(plan, bound=np.float64(0.84)), path)
    document = json.loads(path.read_text("utf-8"))
    for said, works in ((0.0500001, True), (None, True), (0.05, True), (0.0001, False), (0.0, False)):
        path.write_text(json.dumps(document | {"gap": said}), "utf-8")
        if works:
            assert load(path, want=Solution).gap == pytest.approx(0.05)
            continue
        with pytest.raises(FileError, match=f"gap = {said:g} is not what objective and bound make, 0.05"):
            load(path, want=Solution)


@settings(max_examples=50)
@given(fields=solution_fields())
@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_a_saved_plan_is_loaded_bit_for_bit(tmp_path_factory, suffix, fields):
    solution = solution_from(fields)
    path = tmp_path_factory.mktemp("round") / f"plan{suffix}"
    save(solution, path)
    loaded = load(path, want=Solution)
    assert_same_solution(loaded, solution)
    assert loaded.names == (None if suffix == ".npz" else solution.names)


def test_what_a_client_never_asks_for_is_left_out(tmp_path, plan):
    asked = dataclasses.replace(
        plan,
        has_demand=np.array([[True, True], [False, True]]),
        cloud=np.array([[0.25, 0], [0, 0]]),
        unserved=np.array([[0, 0], [1.0, 2 / 3]]),
    )
    for suffix in (".json", ".npz"):
        save(asked, tmp_path / f"plan{suffix}")
        assert_same_solution(load(tmp_path / f"plan{suffix}", want=Solution), asked)
    document = json.loads((tmp_path / "plan.json").read_text("utf-8"))
    assert [list(client["tasks"]) for client in document["clients"]] == [["seg", "depth"], ["depth"]]
    # Files that list everything are read as before, and do not say what is asked for.
    everything = dataclasses.replace(asked, has_demand=None)
    save(everything, tmp_path / "all.json")
    assert '"unserved": 1.0' in (tmp_path / "all.json").read_text("utf-8")
    assert_same_solution(load(tmp_path / "all.json", want=Solution), everything)


def test_a_solved_plan_is_whole_again(tmp_path):
    scenario = draw_batch(1)[0]
    demand = scenario.demand.copy()
    demand[0, 1] = demand[3, :] = 0.0
    plan = solve(dataclasses.replace(scenario, demand=demand), FullLocal())
    np.testing.assert_array_equal(plan.has_demand, demand > 0.0)
    save(plan, tmp_path / "plan.json")
    found = load(tmp_path / "plan.json", want=Solution)
    np.testing.assert_array_equal(found.has_demand, plan.has_demand)
    np.testing.assert_array_equal(found.local, plan.local)


def test_a_plan_without_names_gets_numbers(tmp_path, plan):
    unnamed = dataclasses.replace(plan, names=None)
    save(unnamed, tmp_path / "plan.json")
    loaded = load(tmp_path / "plan.json", want=Solution)
    assert loaded.labels == unnamed.labels
    assert_same_solution(loaded, unnamed)


@pytest.mark.parametrize(
    ("good", "bad", "place", "words"),
    [
        ('"converged"', '"convergd"', "status", "= 'convergd' is not a status: did you mean 'converged'?"),
        ('["small"]', '["smal"]', "clients[0].models[0]", "= 'smal' is not one of the models: did you mean 'small'?"),
        ('"model": "small"', '"model": "x"', "clients[0].tasks.seg.model", "= 'x' is not one of the models: known are"),
        ('"depth": "large"', '"depth": "lrge"', "edges[0].tasks.depth", "= 'lrge' is not one of the models"),
        (
            '"depth": "large"',
            '"dpth": "large"',
            "edges[0].tasks.dpth",
            "is not one of the tasks: did you mean 'depth'?",
        ),
        (', "depth": "large"', "", "edges[0].tasks.depth", "is missing: write an entry for each task"),
        ('"local": 0.75', '"local": "most"', "clients[0].tasks.seg.local", "= 'most' is text: write a number, null"),
        ('"local": 0.75', '"lcal": 0.75', "clients[0].tasks.seg.lcal", "is not a known key: did you mean 'local'?"),
        ('"local": 0.75', '"local": 1e999', "clients[0].tasks.seg.local", "is too large a number"),
        ('"objective": 0.8', '"objective": true', "objective", "= true is a yes/no value: write a number"),
        ('["seg", "depth"]', '["seg", "seg"]', "tasks[1]", "= 'seg' is there twice: write each name once"),
        ('["seg", "depth"]', "[]", "tasks", "is an empty list: write at least one of the tasks"),
        ('["seg", "depth"]', "3", "tasks", "= 3 is a number: write a list of names"),
        ('"name": "b"', '"name": "a"', "clients[1].name", "= 'a' is there twice"),
        ('"name": "b",', "", "clients[1].name", "is missing: write a name"),
        ('"seconds": 0.5', '"seconds": {}', "stats.seconds", "is not a figure: write a number, text, or lists of them"),
        ('"seconds": 0.5', '"seconds": [[1], [2, 3]]', "stats.seconds", "is a ragged list: write rows of one length"),
        ('"seconds": 0.5', '"seconds": 1e999', "stats.seconds", "is not a figure"),
        ('"history": [', '"history": ["x", ', "history[0]", "= 'x' is text: write a number, null"),
        ('"history": [', '"histry": [', "histry", "is not a known key: did you mean 'history'?"),
        ('"edges": [', '"edges": [3, ', "edges[0]", "= 3 is a number: write {name: ..., models: ..., tasks: ...}"),
    ],
)
def test_a_slip_in_a_plan_is_named(tmp_path, plan, good, bad, place, words):
    path = tmp_path / "plan.json"
    save(plan, path)
    text = path.read_text("utf-8")
    assert good in text
    path.write_text(text.replace(good, bad, 1), encoding="utf-8")
    with pytest.raises(FileError) as caught:
        load(path)
    assert caught.value.place == place
    assert words in str(caught.value)
    assert str(caught.value).isprintable()
    assert caught.value.line is not None


def test_a_plan_where_a_deployment_is_wanted_is_refused(tmp_path, plan):
    for suffix in (".json", ".npz"):
        save(plan, tmp_path / f"plan{suffix}")
        with pytest.raises(FileError, match="holds a plan: name the file of a deployment"):
            load(tmp_path / f"plan{suffix}", want=Scenario)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"client_choice": np.array([[2, -1], [-1, -1]])}, "client_choice: wants indices of models, -1 to 1"),
        ({"edge_choice": np.array([[-2, 0]])}, "edge_choice: wants indices of models, -1 to 1"),
        ({"status": np.int64(9)}, "status: wants 0 to 5"),
        ({"stats": {"method": None}}, "stats.'method'.: wants numbers or text, got NoneType"),
        ({"reasons": ("\ud800",)}, "cannot hold half a surrogate pair: take it out of the reason or figures"),
        ({"names": Names(("a\n", "b"), ("m", "n"), ("c", "d"), ("e",))}, "holds a line break"),
    ],
)
def test_a_plan_that_could_not_be_read_back_is_not_written(tmp_path, plan, change, words):
    with pytest.raises(FileError, match=words):
        save(dataclasses.replace(plan, **change), tmp_path / "plan.json")
    assert list(tmp_path.iterdir()) == []
