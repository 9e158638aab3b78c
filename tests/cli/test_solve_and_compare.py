"""`j3o solve` and `j3o compare`: plans that are checked, for people and as JSON, and what is refused."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from support.command_line import one_line, refused, shown, told
from support.handmade_plans import taskonomy_like
from support.methods import draw_batch

import j3o_jax as j3o
from j3o_jax.cli._app import run
from j3o_jax.cli._methods import METHODS


def strict(**changes):
    """A scenario that must serve everything and cannot."""
    scenario = taskonomy_like(clients=2, edges=1, tasks=2)
    fields = {"cloud_uplink": np.asarray(0.0), "edge_uplink": np.zeros(1), "client_compute": np.zeros(2)}
    return dataclasses.replace(scenario, allow_unserved=False, **(fields | changes))


def test_solve_gives_a_plan_that_keeps_every_limit(deployment, capsys):
    found = told(capsys, "solve", deployment, "--out", "plan.json", "--plot", "plan.svg", "--seed", "1")
    scenario, plan = j3o.load(deployment), j3o.load("plan.json")
    report = j3o.check(scenario, plan)
    assert report.ok
    assert found["objective"] == pytest.approx(float(report.objective))
    assert found["loss"] == pytest.approx(1 - found["objective"])
    methods = (found["method"], found["chosen"], found["because"])
    assert methods == ("auto", "exact-milp", "6 × 2 × 3 × 5 is proven in seconds")
    assert (found["status"], found["checked"]) == ("optimal", True)
    assert found["objective"] <= found["bound"] <= found["objective"] * (1 + 1e-4 + 2e-6)
    assert found["gap"] == pytest.approx(found["bound"] / found["objective"] - 1)
    assert (found["plan"], found["picture"], found["file"]) == ("plan.json", "plan.svg", deployment)
    assert [row["task"] for row in found["traffic"]] == list(scenario.labels.tasks)
    assert len(found["capacities"]) == 1 + 3 * scenario.edges + 2 * scenario.clients
    assert os.path.getsize("plan.svg") > 1000

    # The same, for people.
    text = shown(capsys, "solve", deployment)
    assert f"Accuracy {found['objective']:.4f}" in text
    assert "checked independently" in text
    assert f"auto: exact-milp, since {found['because']}; --method chooses another" in text
    assert sorted(os.listdir()) == ["plan.json", "plan.svg", deployment]


def test_an_lp_solver_can_be_chosen(deployment, capsys):
    found = told(capsys, "solve", deployment, "--lp-solver", "clarabel")
    # Clarabel finds what HiGHS finds, 0.874; on their own the clients reach less.
    assert (found["method"], found["objective"] > 0.8) == ("j3o", True)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_takes_a_time_limit_a_seed_and_a_gap(deployment, capsys, method):
    found = told(capsys, "solve", deployment, "--method", method, "--time-limit", "5", "--seed", "3", "--gap", "0.1")
    assert (found["method"], found["checked"], found["objective"] > 0.6) == (method, True, True)
    proves = method in ("auto", "price-directed", "exact-milp", "bilinear-minlp")
    assert (found["gap"] is not None) == proves
    assert found["ignored"] == ([] if proves else [f"--gap has no effect on {method}: no gap is proven there"])


@pytest.mark.parametrize(
    ("options", "status", "least", "most"),
    [
        (["--gap", "0", "--time-limit", "1e-9"], "iteration_limit", 1e-12, np.inf),
        (["--gap", "1e-6", "--time-limit", "100"], "optimal", 0.0, 3e-6),
    ],
)
def test_an_exact_search_says_how_it_ended(deployment, capsys, options, status, least, most):
    found = told(capsys, "solve", deployment, "--method", "exact-milp", *options)
    assert found["status"] == status
    assert least <= found["bound"] / found["objective"] - 1 <= most


def test_what_cannot_be_served_is_reported(here, capsys):
    j3o.save(strict(), "strict.yaml")
    arguments = ["solve", "strict.yaml", "--method", "full-local", "--out", "plan.json", "--plot", "plan.png"]
    refused(capsys, arguments, "strict.yaml", "infeasible", "allow unserved", code=1)
    found = told(capsys, *arguments, code=1)
    assert (found["status"], found["objective"]) == ("infeasible", None)
    assert os.listdir() == ["strict.yaml"]
    refused(capsys, ["compare", "strict.yaml", "--methods", "full-local"], "no method found a plan", code=1)
    found = told(capsys, "compare", "strict.yaml", "--methods", "full-local", code=1)
    assert found["methods"]["full-local"]["objective"] is None


def test_batches_are_counted(here, capsys):
    draws = [taskonomy_like(clients=2, edges=1, tasks=2, seed=seed, named=False) for seed in range(3)]
    fields = {name: np.stack([getattr(draw, name) for draw in draws]) for name in draws[0].arrays()}
    j3o.save(j3o.Scenario(**fields), "batch.npz")
    text = shown(capsys, "solve", "batch.npz", "--method", "full-local", "--out", "plans.npz")
    plans = j3o.load("plans.npz")
    assert plans.batch_shape == (3,)
    for words in ("3: 3 converged", "Worst", f"{plans.objective.mean():.4f} ± {plans.objective.std():.4f}"):
        assert words in text

    # One of three cannot serve all its load.
    fields["client_memory"] = np.full((3, 2), 1e3)
    fields["client_compute"] = np.array([[1e6, 1e6], [0.0, 0.0], [1e6, 1e6]])
    j3o.save(j3o.Scenario(**fields, allow_unserved=False), "strict.npz")
    found = told(capsys, "solve", "strict.npz", "--method", "full-local", code=1)
    assert found["statuses"] == {"converged": 2, "infeasible": 1}
    assert [failure["instance"] for failure in found["failures"]] == [[1]]
    assert run(["solve", "strict.npz", "--method", "full-local"]) == 1
    captured = capsys.readouterr()
    assert "3: 2 converged, 1 infeasible" in captured.out
    one_line(captured, "strict.npz", "1 of 3 instances have no plan", "instance 1")

    refused(capsys, ["solve", "batch.npz", "--plot", "plan.png"], "batch.npz: holds 3 scenarios", "leave --plot out")
    refused(capsys, ["compare", "batch.npz"], "batch.npz: holds 3 scenarios, and compare takes one")


def test_a_batch_of_one_is_solved_as_one(here, capsys):
    draws = draw_batch(2)
    for name, some, chosen in (("two.npz", draws, "price-directed"), ("one.npz", draws[:1], "exact-milp")):
        j3o.save(some, name)
        found = told(capsys, "solve", name, "--gap", "0.05")
        assert (found["method"], found["chosen"]) == ("auto", chosen)
        assert found["because"].startswith("2 scenarios of 6 × 2 × 3 × 5" if len(some.demand) == 2 else "6 × 2 × 3")


def test_compare_stands_methods_side_by_side(deployment, capsys):
    found = told(capsys, "compare", deployment, "--plot", "compare.png")
    methods = found["methods"]
    compared = ["j3o", "price-directed", "exact-milp", "opt-ao", "greedy-ao", "rand-ao", "full-local"]
    assert (list(methods), found["auto"]["chosen"]) == (compared, "exact-milp")
    exact, local = methods["exact-milp"], methods["full-local"]
    assert (exact["status"], exact["gap"] <= 1e-4) == ("optimal", True)
    best = max(methods.values(), key=lambda method: method["objective"])
    assert best["behind_best"] == 0
    assert all(method["objective"] <= exact["bound"] for method in methods.values())
    assert local["behind_best"] == pytest.approx(best["objective"] - local["objective"])
    assert local["behind_best"] > 0
    assert local["traffic"]["edge"] == local["traffic"]["cloud"] == 0
    assert Path("compare.png").read_bytes().startswith(b"\x89PNG")


def test_compare_takes_a_time_limit_a_seed_and_a_gap(deployment, capsys):
    arguments = ["compare", deployment, "--methods", "full-local,auto,rand-ao", "--time-limit", "5", "--gap", "0.1"]
    found = told(capsys, *arguments, "--seed", "3")
    text = shown(capsys, *arguments, "--seed", "4")
    assert "--gap has no effect on full-local, rand-ao: no gap is proven there." in text
    assert f"auto takes exact-milp here, since {found['auto']['because']}." in text
    assert list(found["methods"]) == ["full-local", "auto", "rand-ao"]
    assert found["methods"]["auto"]["gap"] <= 0.1 + 2e-6
    draws = [
        told(capsys, "compare", deployment, "--methods", "rand-ao", "--seed", seed)["methods"]["rand-ao"]["objective"]
        for seed in ("3", "4")
    ]
    assert draws[0] == found["methods"]["rand-ao"]["objective"] != draws[1]


# What is refused; what else can be wrong with files is told by `io`.


def test_bad_files_are_refused_in_one_line(deployment, capsys):
    Path("site.yaml").write_text(Path("site.yaml").read_text().replace("    memory_mb: 24 ", "    # ", 1))
    Path("text.yaml").write_text("tasks: [\n")
    Path("batch.npz").write_bytes(b"PK")
    scenario = j3o.benchmarks.motivating().sample(0, n=3)
    demand = np.array(scenario.demand)
    demand[2, 0, 1] = -1.0
    j3o.save(dataclasses.replace(scenario, demand=demand), "one.npz")
    before = sorted(os.listdir())
    for file, words in (
        ("site.yaml", ["site.yaml:", "clients[0].memory_mb", "missing"]),
        ("text.yaml", ["text.yaml:", "YAML"]),
        ("batch.npz", ["batch.npz: is no .npz archive, or damaged: write it with"]),
        ("one.npz", ["one.npz: demand[2, 0, 1] = -1.0", "queries/s"]),
    ):
        refused(capsys, ["solve", file], *words)
    assert sorted(os.listdir()) == before


def test_the_file_that_is_read_is_not_written_over(here, unsolved, capsys):
    assert run(["new", "site.json"]) == 0
    refused(capsys, ["solve", "site.json", "--out", "site.json"], "--out site.json", "name another file")
    assert j3o.load("site.json").clients == 6


def test_a_plan_that_fails_the_check_is_not_given_out(deployment, capsys, monkeypatch):
    found = j3o.Violation((), "edge_uplink (11)", "hall", 0.5, "uses 15 of 10 MB/s")
    report = j3o.Report(np.False_, np.float64(0.9), np.float64(0.5), (found,))
    monkeypatch.setattr("j3o_jax.cli._plans.check", lambda *arguments: report)
    arguments = ["solve", deployment, "--method", "full-local", "--out", "plan.json"]
    refused(capsys, arguments, deployment, "independent check", "edge_uplink (11): hall", code=1)
    assert os.listdir() == [deployment]
