"""`j3o size`."""

import json
from pathlib import Path

import numpy as np
import pytest
from sizing.test_options_in_files import DOCUMENT
from support.command_line import refused, told

import j3o_jax as j3o
from j3o_jax.cli._app import run
from j3o_jax.io import load


@pytest.fixture
def site(here):
    document = json.loads(json.dumps(DOCUMENT))
    for key in ("budget", "target_accuracy"):
        del document["options"][key]
    document["options"]["choices"][0]["separately"] = False
    (here / "site.json").write_text(json.dumps(document))
    return "site.json"


QUICK = ("--method", "j3o")


def test_the_front_as_a_table_and_as_a_picture(site, capsys):
    assert run(["size", site, *QUICK, "--plot", "front.png"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert max(map(len, captured.out.splitlines())) <= 80
    assert "Price, EUR" in captured.out
    assert "Picture  front.png" in captured.out
    assert Path("front.png").read_bytes().startswith(b"\x89PNG")
    found = told(capsys, "size", site, *QUICK)
    assert found["answer"] is None
    assert found["options"]["options"] == 3 * 3 * 2 * 2
    points = found["points"]
    assert [point["price"] for point in points] == sorted(point["price"] for point in points)
    assert points[0]["cheaper_bound"] is None
    assert set(points[0]["take"]) == {"phones", "boxes", "link", "cloud"}


def test_the_answer_to_a_target_is_a_deployment_with_a_plan(site, capsys):
    written = ("--out", "chosen.yaml", "--plan", "plan.json")
    found = told(capsys, "size", site, *QUICK, "--target", "0.8", *written)
    answer = found["points"][found["answer"]]
    assert answer["accuracy"] >= 0.8
    assert answer["proven"] or answer["cheaper_bound"] < 0.8
    chosen, plan = load("chosen.yaml"), load("plan.json")
    assert plan.objective == pytest.approx(answer["accuracy"], rel=1e-12)
    j3o.check(chosen, plan).raise_if_violated()
    assert told(capsys, "check", "chosen.yaml", "plan.json")["ok"]
    assert run(["size", site, *QUICK, "--target", "0.8"]) == 0
    out = capsys.readouterr().out
    assert "nothing cheaper reaches an accuracy of 0.8" in " ".join(out.split())


def test_a_budget_of_the_file_and_one_of_the_command(site, capsys, here):
    document = json.loads((here / site).read_text())
    document["options"]["budget"] = 300
    (here / site).write_text(json.dumps(document))
    by_file = told(capsys, "size", site, *QUICK)
    assert by_file["budget"] == 300
    assert by_file["points"][by_file["answer"]]["price"] <= 300
    more = told(capsys, "size", site, *QUICK, "--budget", "9000")
    assert more["points"][more["answer"]]["accuracy"] > by_file["points"][by_file["answer"]]["accuracy"]


def test_what_is_out_of_reach_is_told_with_exit_code_1(site, capsys):
    found = told(capsys, "size", site, *QUICK, "--target", "0.99", "--budget", "500", "--out", "chosen.yaml", code=1)
    assert "no option reaches an accuracy of 0.99 within 500 EUR" in found["error"]["message"]
    assert found["proven_out_of_reach"]
    assert found["deployment"] is None
    assert not Path("chosen.yaml").exists()


def test_what_was_planned_is_kept(site, capsys):
    first = told(capsys, "size", site, *QUICK, "--folder", "search", "--most-plans", "3")
    assert first["options"]["plans"] == 3
    assert first["options"]["open"] > 0
    whole = told(capsys, "size", site, *QUICK, "--folder", "search")
    assert whole["options"]["open"] == 0
    np.testing.assert_allclose(
        [point["accuracy"] for point in whole["points"]],
        [point["accuracy"] for point in told(capsys, "size", site, *QUICK)["points"]],
        rtol=2e-3,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.json"], ["nothing.json"]),
        (["site.json", "--budget", "-1"], ["--budget -1: must be"]),
        (["site.json", "--target", "80"], ["--target 80: must be an accuracy"]),
        (["site.json", "--gap", "-1"], ["--gap -1"]),
        (["site.json", "--method", "auto"], ["--method auto", "name another"]),
        (["site.json", "--method", "jo3"], ["--method", "'j3o'"]),
        (["site.json", "--out", "chosen.yaml"], ["--out: is of the answer to a --budget or a --target"]),
        (["site.json", "--out", "site.json", "--target", "0.5"], ["is the file that is read"]),
        (["site.json", "--plan", "site.json", "--target", "0.5"], ["--plan site.json: is the file that is read"]),
        (["site.json", "--out", "chosen.txt", "--target", "0.5"], ["chosen.txt", ".yaml"]),
        (["site.json", "--out", "no/where.yaml", "--target", "0.5"], ["there is no directory"]),
        (["site.json", "--plot", "front.txt"], ["--plot: front.txt"]),
        (["site.json", "--folder", "site.json"], ["is not a directory"]),
    ],
    ids=" ".join,
)
def test_what_is_refused(site, capsys, unsolved, arguments, words):
    del site, unsolved
    refused(capsys, ["size", *arguments], *words)


def test_a_deployment_without_options_is_told_what_to_write(deployment, capsys):
    refused(capsys, ["size", deployment], "has no options: write what may be bought under options")
