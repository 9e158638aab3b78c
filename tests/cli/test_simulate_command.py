"""`j3o simulate`: plans that are made or given, traces, headroom, and what is refused."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from support.command_line import refused, shown, told
from support.handmade_plans import rough_plan, taskonomy_like

import j3o_jax as j3o
from j3o_jax.cli._app import run
from j3o_jax.io import example_deployment

QUICK = ["--duration", "5", "--replications", "3"]
EXACT = ["--method", "exact-milp"]


@pytest.fixture
def batched(here):
    """The example, with windows at its edges and a set-up time for one of its models."""
    text = example_deployment()
    for speed in ("1800", "1000"):
        text = text.replace(f"compute_gflop_per_s: {speed},", f"compute_gflop_per_s: {speed}, batching_window_s: 0.25,")
    text = text.replace("edge: {memory_mb: 73.7,", "edge: {setup_s: 0.01, memory_mb: 73.7,")
    (here / "site.yaml").write_text(text)
    return "site.yaml"


@pytest.fixture
def busy(batched):
    """The same with so many requests that the windows are full."""
    scenario = j3o.load(batched)
    busy = dataclasses.replace(scenario, demand=20 * scenario.demand, edge_uplink=20 * scenario.edge_uplink)
    j3o.save(busy, "busy.yaml")
    return busy


def write_trace(*rows, header="timestamp,client,task"):
    Path("trace.csv").write_text("\n".join([header, *rows]) + "\n")
    return "trace.csv"


def test_a_plan_is_made_and_simulated(batched, capsys):
    found = told(capsys, "simulate", batched, "--plot", "found.svg", *QUICK)
    scenario = j3o.load(batched)
    solution = j3o.solve(scenario, key=0)
    simulation = j3o.simulate(scenario, solution, duration=5.0, replications=3)
    assert found["accuracy"]["replications"] == pytest.approx(simulation.accuracy.tolist(), rel=1e-9)
    assert found["accuracy"]["planned"] == pytest.approx(float(solution.objective))
    assert found["late"] == pytest.approx(simulation.late_share)
    assert (found["method"], found["plan"], found["replications"], found["seed"]) == ("j3o", None, 3, 0)
    assert [edge["edge"] for edge in found["edges"]] == list(scenario.labels.edges)
    measured = simulation.utilisation_edge.mean(axis=0).tolist()
    assert [edge["utilisation"] for edge in found["edges"]] == pytest.approx(measured)
    assert [row["client"] for row in found["clients"]] == list(scenario.labels.clients)
    for edge in found["edges"]:
        assert edge["window_s"] == 0.25
        assert [row["task"] for row in edge["tasks"]] == list(scenario.labels.tasks)
        for row in edge["tasks"]:
            assert set(row["delay_s"]) == {"50", "95", "99"}
            assert (row["requests"] == 0) == (row["delay_s"]["50"] is None)
    assert os.path.getsize("found.svg") > 1000

    # The same, for people.
    text = shown(capsys, "simulate", batched, *QUICK)
    accuracy = found["accuracy"]
    for words in (f"{accuracy['measured']:.4f} ±", f"(planned {accuracy['planned']:.4f})", "longer than 2·T_b"):
        assert words in text


def test_a_plan_that_is_made_can_be_written_and_read(batched, capsys):
    told(capsys, "simulate", batched, *EXACT, "--out", "made.json", *QUICK)
    assert j3o.check(j3o.load(batched), j3o.load("made.json")).ok
    refused(capsys, ["simulate", batched, "--plan", "made.json", "--out", "again.json"], "leave one of them out")
    assert not os.path.exists("again.json")
    rows = [f"{number / 50},camera-1,detection" for number in range(500)]
    arguments = ["simulate", batched, "--plan", "made.json", "--trace", write_trace(*rows)]
    found = told(capsys, *arguments, "--replications", "2")
    assert (found["requests"], found["plan"], found["method"], found["trace"]) == (500, "made.json", None, "trace.csv")
    write_trace(*rows, "11.0,camera-9,detection")
    refused(capsys, arguments, "trace.csv:502", "camera-9", "did you mean")


def test_headroom_is_a_table_and_a_choice(busy, capsys):
    arguments = ["simulate", "busy.yaml", *EXACT, "--headroom", "0.95", *QUICK]
    found = told(capsys, *arguments, "--out", "chosen.json")
    headroom = found["headroom"]
    assert (found["written"], headroom["quantile"]) == ("chosen.json", 0.95)
    trials = {trial["factor"]: trial for trial in headroom["trials"]}
    assert list(trials) == sorted(trials, reverse=True)
    assert trials[1.0]["late"] > 0.05
    assert headroom["factor"] < 1.0
    # The figures are about the plan that was chosen, and so is the file.
    chosen = trials[headroom["factor"]]
    assert found["accuracy"]["planned"] == chosen["accuracy_planned"]
    assert found["late"] == chosen["late"] <= 0.05
    plan = j3o.load("chosen.json")
    assert j3o.check(busy, plan).ok
    assert float(plan.objective) == pytest.approx(chosen["accuracy_planned"])
    # What was proven for a part of the window is not proven for all of it.
    assert np.isnan(plan.bound)
    assert plan.status == j3o.Status.converged

    text = shown(capsys, *arguments)
    in_time = f"{100.0 * (1.0 - chosen['late']):.6g} % of the requests then end within 2·T_b, where 95 % was asked for."
    assert f"Plan with {headroom['factor']:.3g} of every window: {in_time}" in text
    assert f"(planned {chosen['accuracy_planned']:.4f})" in text
    assert f"Factor {headroom['factor']:.3g} of every window" in text


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        ("memory_mb: 256", "memory_mb: 25", "edge_memory (8): {edge}: "),
        ("uplink_mb_per_s: ", "uplink_mb_per_s: 0.00", "edge_uplink (11): {edge}: "),
    ],
)
def test_a_plan_beyond_the_limits_is_refused(batched, capsys, good, bad, words):
    assert run(["solve", batched, *EXACT, "--out", "plan.json"]) == 0
    capsys.readouterr()
    text = Path(batched).read_text()
    assert good in text
    Path("small.yaml").write_text(text.replace(good, bad))
    assert run(["simulate", "small.yaml", "--plan", "plan.json"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert any(words.format(edge=edge) in last and " exceeds " in last for edge in j3o.load(batched).labels.edges)


def test_a_trace_of_another_rate_is_refused_unless_forced(batched, capsys):
    rows = (f"{number * 60},5;camera-1;detection" for number in range(12))
    trace = write_trace(*rows, header="time;client;task")
    arguments = ["simulate", batched, *EXACT, "--trace", trace, "--columns", "timestamp=time"]
    refused(capsys, arguments, "trace.csv: brings 0.0167 requests/s where", "--time-unit", "--force")
    found = told(capsys, *arguments, "--force")["trace_requests"]
    assert (found["rate"], found["requests"]) == (pytest.approx(1 / 60), 12)
    found = told(capsys, *arguments, "--time-unit", "ms", "--force")["trace_requests"]
    assert found["rate"] == pytest.approx(1000 / 60)


def test_requests_that_no_plan_serves_are_named(batched, capsys):
    scenario = j3o.load(batched)
    client, task = (int(i) for i in np.argwhere(scenario.demand == 0.0)[0])
    client, task = scenario.labels.clients[client], scenario.labels.tasks[task]
    arguments = ["simulate", batched, *EXACT, "--trace", write_trace(f"1,{client},{task}")]
    text = shown(capsys, *arguments)
    assert f"Note: 1 request of 1 of streams without demand, which no plan serves: '{client}'" in text
    assert "and 1 request " in text
    found = told(capsys, *arguments)["trace_requests"]
    assert found["without_demand"] == [{"client": client, "task": task, "requests": 1}]


def test_without_windows_a_window_is_asked_for(deployment, capsys):
    refused(capsys, ["simulate", deployment], deployment, "batching_window_s", "--window")
    found = told(capsys, "simulate", deployment, "--window", "0.5", "--drop", *QUICK)
    assert {edge["window_s"] for edge in found["edges"]} == {0.5}
    assert (found["drop"], found["late"] < 1e-9) == (True, True)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("none.yaml", ["none.yaml", "is not there"]),
        ("site.yaml --window 0.2", ["--window", "windows of its own"]),
        ("site.yaml --window nan", ["--window nan", "above 0"]),
        ("site.yaml --duration 0", ["--duration 0", "above 0"]),
        ("site.yaml --duration 1e12", ["site.yaml", "duration", "shorter"]),
        ("site.yaml --headroom 1", ["--headroom 1", "0.99"]),
        ("site.yaml --headroom 0.9 --drop", ["--drop", "leave one out"]),
        ("site.yaml --headroom 0.9 --trace t.csv", ["--trace", "leave one out"]),
        ("site.yaml --plan plan.json --method j3o", ["--method", "leave one of them out"]),
        ("site.yaml --plan plan.json", ["plan.json", "is not there"]),
        ("site.yaml --plan other.json", ["other.json", "has other tasks than site.yaml"]),
        ("site.yaml --plan other.npz", ["other.npz", "does not fit the scenario"]),
        ("site.yaml --trace t.csv --duration 3", ["--duration", "leave the option out"]),
        ("site.yaml --trace t.csv", ["t.csv", "cannot be opened"]),
        ("site.yaml --plot picture.gif", ["--plot", ".png"]),
        ("site.yaml --method j4o", ["--method", "did you mean 'j3o'?"]),
        ("site.yaml --replications 0", ["--replications"]),
        ("site.yaml --columns timestamp=t", ["--columns", "--trace"]),
        ("site.yaml --time-unit ms", ["--time-unit", "--trace"]),
        ("site.yaml --trace t.csv --time-unit msec", ["--time-unit", "did you mean 'ms'?"]),
        ("site.yaml --trace t.csv --columns t", ["--columns", "is no pair"]),
        ("site.yaml --out plan.txt", ["plan.txt", "suffix"]),
        ("batch.npz", ["batch.npz", "2 scenarios"]),
    ],
)
def test_bad_input_is_one_line(batched, capsys, typed, words):
    draws = [taskonomy_like(clients=2, edges=1, tasks=2, seed=seed, named=False) for seed in range(2)]
    fields = {name: np.stack([getattr(draw, name) for draw in draws]) for name in draws[0].arrays()}
    j3o.save(j3o.Scenario(**fields), "batch.npz")
    other = rough_plan(taskonomy_like(clients=2, edges=1, tasks=2))
    j3o.save(other, "other.json")
    j3o.save(other, "other.npz")
    arguments = ["simulate", *typed.split()]
    refused(capsys, arguments, *words)
    told(capsys, *arguments, code=2)
