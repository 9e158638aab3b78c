"""`j3o tune`: its files and reports, what it refuses, and `j3o solve` with what it has chosen."""

import json

import polars as pl
import pytest
from support.command_line import one_line
from support.pictures import texts
from tuning.tune_examples import SMALL, SPEC

import j3o_jax as j3o
from j3o_jax.cli._app import run
from j3o_jax.named_methods import read_method
from j3o_jax.tuning import tune, tune_spec
from j3o_jax.tuning.drawing import draw


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name, data):
    with open(name, "w", encoding="utf-8") as file:
        json.dump(data, file)


FILES = ["calls.jsonl", "chosen.yaml", "spec.json", "summary.json", "trials.parquet", "tuning.png", "tuning.svg"]


def test_the_command_leaves_its_files_and_solve_takes_the_chosen_one(here, capsys):
    write("spec.json", SMALL)
    assert run(["tune", "spec.json", "--out", "t"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert sorted(path.name for path in (here / "t").iterdir()) == FILES
    for words in ("Best settings", "On 17 held-out scenarios", "Difference in accuracy", "as it is", "t/chosen.yaml"):
        assert words in captured.out
    assert max(map(len, captured.out.splitlines())) <= 80
    chosen = read_method("t/chosen.yaml")
    text = (here / "t" / "chosen.yaml").read_text()
    assert text.startswith("# Chosen by j3o tune for quality out of 3 settings on 17 scenarios of cityscapes3d.\n")

    assert run(["tune", "spec.json", "--out", "t", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["solved_now"] == 0
    assert told["chosen"]["method"] == chosen.plain()
    assert told["held_out"]["scenarios"] == 17
    frame = pl.read_parquet("t/trials.parquet")
    assert frame.columns[:2] == ["trial", "step_size"]
    assert frame["step_size"].to_list() == [None, 0.01, 100.0]
    assert frame.filter("chosen")["objective"].item() == told["chosen"]["objective"]

    # A batch, so that nothing is compiled for it.
    j3o.save(j3o.benchmarks.cityscapes3d().sample(17, 17, clients=6, client_memory_scale=0.5), "sites.npz")
    held_out = told["held_out"]["chosen"]["objective"]
    assert run(["solve", "sites.npz", "--method", "t/chosen.yaml", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["method"] == "t/chosen.yaml"
    assert told["objective"]["mean"] == pytest.approx(held_out, abs=1e-12)


def test_a_folder_of_another_search_is_refused(here, capsys, made_up):
    write("a.json", SMALL)
    write("b.json", SPEC)
    assert run(["tune", "a.json", "--out", "t"]) == 0
    capsys.readouterr()
    made_up.clear()
    assert run(["tune", "b.json", "--out", "t"]) == 2
    one_line(capsys.readouterr(), "t/spec.json: is of another tuning", "name another --out")
    assert made_up == []


def test_the_report_of_both_shows_the_front(here, capsys, made_up):
    search = {"step_size": [0.1, 1.0, 10.0], "steps": [1, 5, 10]}
    write("spec.json", SPEC | {"search": search, "objective": "both", "name": "mine"})
    assert run(["tune", "spec.json", "--out", "t"]) == 0
    out = capsys.readouterr().out
    assert "None is better in both accuracy and time" in out
    assert max(map(len, out.splitlines())) <= 80
    figure = draw(tune(tune_spec(SPEC | {"search": search, "objective": "both", "name": "mine"})))
    shown = dict(texts(figure))
    assert {"Settings of j3o: mine", "Against step_size", "Against time", "as it is", "chosen", "steps 5"} <= set(shown)
    across, down = figure.get_size_inches() * figure.dpi
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= across and box.y1 <= down for box in shown.values())


def test_the_time_to_a_gap_is_told(here, capsys, made_up):
    write("spec.json", SPEC | {"search": {"steps": [1, 5]}, "objective": "time", "gap": 0.01})
    assert run(["tune", "spec.json", "--out", "t", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["chosen"]["method"]["steps"] == 1
    assert (told["chosen"]["reached"], told["chosen"]["seconds_to_gap"]) == (0.5, 0.002)


MISUSE = {
    "no file": (["tune", "nowhere.yaml"], "nowhere.yaml: "),
    "a mistake": (["tune", "bad.json"], "bad.json:1: search.step_size[0] = -1 is a number: write a number above 0"),
    "no folder": (["tune", "good.json", "--out", "no/where"], "--out no/where: cannot be made, there is no directory"),
    "a file for a folder": (["tune", "good.json", "--out", "good.json"], "--out good.json: is not a directory"),
    "a gap beside a method's file": (
        ["solve", "site.yaml", "--method", "m.yaml", "--gap", "1e-3"],
        "--gap: m.yaml has the settings of its method: write it there, or leave the option out",
    ),
    "a limit beside a method's file": (["solve", "x.yaml", "--method", "m.yaml", "--time-limit", "1"], "--time-limit:"),
    "an LP beside a method's file": (["solve", "x.yaml", "--method", "m.yaml", "--lp-solver", "highs"], "--lp-solver:"),
    "no method's file": (["solve", "x.yaml", "--method", "no.yaml"], "no.yaml: "),
    "a mistake in a method's file": (
        ["solve", "x.yaml", "--method", "wrong.yaml"],
        "wrong.yaml:2: stps is not a known key: did you mean 'steps'?",
    ),
}


@pytest.mark.parametrize("case", MISUSE)
def test_misuse_is_told_in_one_line(here, capsys, made_up, case):
    write("good.json", SMALL)
    write("bad.json", SMALL | {"search": {"step_size": [-1]}})
    (here / "m.yaml").write_text("method: price-directed\n")
    (here / "wrong.yaml").write_text("method: j3o\nstps: 3\n")
    arguments, words = MISUSE[case]
    assert run(arguments) == 2
    one_line(capsys.readouterr(), words)
    assert made_up == []


def test_optuna_is_asked_for_where_it_is_missing(here, capsys, made_up, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "optuna", None)
    write("spec.json", SMALL | {"sampler": "optuna", "trials": 2})
    assert run(["tune", "spec.json"]) == 1
    one_line(capsys.readouterr(), "tune needs optuna: pip install 'j3o-jax[experiments]'")
    write("spec.json", SMALL)
    assert run(["tune", "spec.json"]) == 0
