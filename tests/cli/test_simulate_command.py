import dataclasses
import json
import os

import matplotlib as mpl
import numpy as np
import pytest
from handmade_plans import rough_plan, taskonomy_like
from support.command_line import one_line
from support.pictures import texts

import j3o_jax as j3o
from j3o_jax.cli._app import run
from j3o_jax.io import example_deployment
from j3o_jax.plots import plot_simulation

QUICK = ["--duration", "5", "--replications", "3"]


def refuse_constant(name):
    raise AssertionError(f"{name} is no JSON")


@pytest.fixture
def batched(tmp_path, monkeypatch):
    """The example, with windows at its edges and a set-up time for one of its models."""
    monkeypatch.chdir(tmp_path)
    text = example_deployment()
    for speed in ("1800", "1000"):
        text = text.replace(f"compute_gflop_per_s: {speed},", f"compute_gflop_per_s: {speed}, batching_window_s: 0.25,")
    text = text.replace("edge: {memory_mb: 73.7,", "edge: {setup_s: 0.01, memory_mb: 73.7,")
    (tmp_path / "site.yaml").write_text(text)
    return "site.yaml"


def told(capsys, *arguments):
    assert run([*arguments, "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return json.loads(captured.out, parse_constant=refuse_constant)


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
    assert [edge["utilisation"] for edge in found["edges"]] == pytest.approx(
        simulation.utilisation_edge.mean(axis=0).tolist()
    )
    assert [row["client"] for row in found["clients"]] == list(scenario.labels.clients)
    for edge in found["edges"]:
        assert edge["window_s"] == 0.25
        assert [row["task"] for row in edge["tasks"]] == list(scenario.labels.tasks)
        for row in edge["tasks"]:
            assert set(row["delay_s"]) == {"50", "95", "99"}
            assert (row["requests"] == 0) == (row["delay_s"]["50"] is None)
    assert os.path.getsize("found.svg") > 1000

    # The same, for people.
    assert run(["simulate", batched, *QUICK]) == 0
    captured = capsys.readouterr()
    assert f"{found['accuracy']['measured']:.4f} ±" in captured.out
    assert f"(planned {found['accuracy']['planned']:.4f})" in captured.out
    assert "longer than 2·T_b" in captured.out
    assert captured.err == ""


def test_a_plan_from_a_file_and_a_trace(batched, capsys):
    assert run(["solve", batched, "--out", "plan.json"]) == 0
    rows = [f"{number / 50},camera-1,detection" for number in range(500)]
    with open("trace.csv", "w", encoding="utf-8") as file:
        file.write("\n".join(["timestamp,client,task", *rows]) + "\n")
    capsys.readouterr()
    found = told(capsys, "simulate", batched, "--plan", "plan.json", "--trace", "trace.csv", "--replications", "2")
    assert (found["requests"], found["plan"], found["method"], found["trace"]) == (500, "plan.json", None, "trace.csv")
    with open("trace.csv", "a", encoding="utf-8") as file:
        file.write("11.0,camera-9,detection\n")
    assert run(["simulate", batched, "--plan", "plan.json", "--trace", "trace.csv"]) == 2
    one_line(capsys.readouterr(), "trace.csv:502", "camera-9", "did you mean")


def test_headroom_is_a_table_and_a_choice(batched, capsys):
    # So many requests that the windows are full.
    scenario = j3o.load(batched)
    busy = {name: getattr(scenario, name) for name in scenario.arrays() if "." not in name}
    busy["demand"] = 20 * scenario.demand
    busy["edge_uplink"] = 20 * scenario.edge_uplink
    j3o.save(j3o.Scenario(**busy, batching=scenario.batching, names=scenario.names), "busy.yaml")
    arguments = ["simulate", "busy.yaml", "--headroom", "0.95", *QUICK]
    found = told(capsys, *arguments)["headroom"]
    assert found["quantile"] == 0.95
    factors = [trial["factor"] for trial in found["trials"]]
    assert factors == sorted(factors, reverse=True)
    assert factors[0] == 1.0
    late = {trial["factor"]: trial["late"] for trial in found["trials"]}
    assert late[1.0] > 0.05
    assert late[found["factor"]] <= 0.05
    assert run(arguments) == 0
    out = capsys.readouterr().out
    in_time = f"{100.0 * (1.0 - late[found['factor']]):.6g} % of the requests then end within 2·T_b"
    sentence = f"Plan with {found['factor']:.3g} of every window: {in_time}, where 95 % was asked for."
    assert sentence in " ".join(out.split())


def test_the_plan_that_headroom_chose_can_be_written(batched, capsys):
    scenario = j3o.load(batched)
    busy = dataclasses.replace(scenario, demand=20 * scenario.demand, edge_uplink=20 * scenario.edge_uplink)
    j3o.save(busy, "busy.yaml")
    arguments = ["simulate", "busy.yaml", "--method", "exact-milp", "--headroom", "0.95", *QUICK]
    found = told(capsys, *arguments, "--out", "chosen.json")
    assert found["written"] == "chosen.json"
    assert found["headroom"]["factor"] < 1.0
    chosen = next(trial for trial in found["headroom"]["trials"] if trial["factor"] == found["headroom"]["factor"])
    # The headline is about the plan that was chosen.
    assert found["accuracy"]["planned"] == chosen["accuracy_planned"]
    assert found["late"] == chosen["late"] <= 0.05
    plan = j3o.load("chosen.json")
    assert j3o.check(busy, plan).ok
    assert float(plan.objective) == pytest.approx(chosen["accuracy_planned"])
    # What was proven for a part of the window is not proven for all of it.
    assert np.isnan(plan.bound)
    assert plan.status == j3o.Status.converged
    assert run(arguments) == 0
    out = capsys.readouterr().out
    assert f"(planned {chosen['accuracy_planned']:.4f})" in out
    assert f"Factor    {found['headroom']['factor']:.3g} of every window" in out


def test_a_plan_that_is_made_can_be_written_and_one_that_is_given_cannot(batched, capsys):
    told(capsys, "simulate", batched, "--method", "exact-milp", "--out", "made.json", *QUICK)
    assert j3o.check(j3o.load(batched), j3o.load("made.json")).ok
    assert run(["simulate", batched, "--plan", "made.json", "--out", "again.json"]) == 2
    one_line(capsys.readouterr(), "--out", "leave one of them out")
    assert not os.path.exists("again.json")


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        ("memory_mb: 256", "memory_mb: 25", "edge_memory (8): {edge}: "),
        ("uplink_mb_per_s: ", "uplink_mb_per_s: 0.00", "edge_uplink (11): {edge}: "),
    ],
)
def test_a_plan_beyond_the_limits_is_refused_by_name_and_amount(batched, capsys, good, bad, words):
    assert run(["solve", batched, "--method", "exact-milp", "--out", "plan.json"]) == 0
    capsys.readouterr()
    with open(batched, encoding="utf-8") as file:
        text = file.read()
    assert good in text
    with open("small.yaml", "w", encoding="utf-8") as file:
        file.write(text.replace(good, bad))
    assert run(["simulate", "small.yaml", "--plan", "plan.json"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert any(
        words.format(edge=edge) in lines[-1] and " exceeds " in lines[-1] for edge in j3o.load(batched).labels.edges
    )


def test_a_trace_of_another_rate_is_refused_unless_forced(batched, capsys):
    with open("slow.csv", "w", encoding="utf-8") as file:
        file.write("time;client;task\n" + "".join(f"{number * 500},5;camera-1;detection\n" for number in range(20)))
    arguments = ["simulate", batched, "--method", "exact-milp", "--trace", "slow.csv", "--columns", "timestamp=time"]
    assert run(arguments) == 2
    one_line(capsys.readouterr(), "slow.csv: brings 0.002 requests/s where", "--time-unit", "--force")
    found = told(capsys, *arguments, "--force")
    assert found["trace_requests"]["rate"] == pytest.approx(0.002)
    assert found["trace_requests"]["requests"] == 20
    told_ms = told(capsys, *arguments, "--time-unit", "ms", "--force")
    assert told_ms["trace_requests"]["rate"] == pytest.approx(2.0)


def test_requests_that_no_plan_serves_are_named(batched, capsys):
    scenario = j3o.load(batched)
    client, task = (int(i) for i in np.argwhere(scenario.demand == 0.0)[0])
    names = scenario.labels
    with open("trace.csv", "w", encoding="utf-8") as file:
        file.write(f"timestamp,client,task\n1,{names.clients[client]},{names.tasks[task]}\n")
    arguments = ["simulate", batched, "--method", "exact-milp", "--trace", "trace.csv"]
    assert run(arguments) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert f"Note: 1 request of 1 of streams without demand, which no plan serves: '{names.clients[client]}'" in out
    assert "and 1 request " in out
    found = told(capsys, *arguments)["trace_requests"]
    assert found["without_demand"] == [{"client": names.clients[client], "task": names.tasks[task], "requests": 1}]


def test_without_windows_a_window_is_asked_for(batched, capsys):
    with open("plain.yaml", "w", encoding="utf-8") as file:
        file.write(example_deployment())
    assert run(["simulate", "plain.yaml"]) == 2
    one_line(capsys.readouterr(), "plain.yaml", "batching_window_s", "--window")
    found = told(capsys, "simulate", "plain.yaml", "--window", "0.5", "--drop", *QUICK)
    assert {edge["window_s"] for edge in found["edges"]} == {0.5}
    assert found["drop"] is True
    assert found["late"] < 1e-9


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.yaml"], ["none.yaml", "is not there"]),
        (["site.yaml", "--window", "0.2"], ["--window", "windows of its own"]),
        (["site.yaml", "--window", "nan"], ["--window nan", "above 0"]),
        (["site.yaml", "--duration", "0"], ["--duration 0", "above 0"]),
        (["site.yaml", "--duration", "1e12"], ["site.yaml", "duration", "shorter"]),
        (["site.yaml", "--headroom", "1"], ["--headroom 1", "0.99"]),
        (["site.yaml", "--headroom", "0.9", "--drop"], ["--drop", "leave one out"]),
        (["site.yaml", "--headroom", "0.9", "--trace", "t.csv"], ["--trace", "leave one out"]),
        (["site.yaml", "--plan", "plan.json", "--method", "j3o"], ["--method", "leave one of them out"]),
        (["site.yaml", "--plan", "plan.json"], ["plan.json", "is not there"]),
        (["site.yaml", "--trace", "t.csv", "--duration", "3"], ["--duration", "leave the option out"]),
        (["site.yaml", "--trace", "t.csv"], ["t.csv", "cannot be opened"]),
        (["site.yaml", "--plot", "picture.gif"], ["--plot", ".png"]),
        (["site.yaml", "--method", "j4o"], ["--method", "did you mean 'j3o'?"]),
        (["site.yaml", "--replications", "0"], ["--replications"]),
        (["site.yaml", "--columns", "timestamp=t"], ["--columns", "--trace"]),
        (["site.yaml", "--time-unit", "ms"], ["--time-unit", "--trace"]),
        (["site.yaml", "--trace", "t.csv", "--time-unit", "msec"], ["--time-unit", "did you mean 'ms'?"]),
        (["site.yaml", "--trace", "t.csv", "--columns", "t"], ["--columns", "is no pair"]),
        (["site.yaml", "--out", "plan.txt"], ["plan.txt", "suffix"]),
        (["batch.npz"], ["batch.npz", "2 scenarios"]),
    ],
    ids=str,
)
def test_bad_input_is_one_line(batched, capsys, arguments, words):
    draws = [taskonomy_like(clients=2, edges=1, tasks=2, seed=seed, named=False) for seed in range(2)]
    j3o.save(
        j3o.Scenario(**{name: np.stack([getattr(d, name) for d in draws]) for name in draws[0].arrays()}), "batch.npz"
    )
    assert run(["simulate", *arguments]) == 2
    one_line(capsys.readouterr(), *words)
    assert run(["simulate", *arguments, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == 2


def test_a_plan_for_another_deployment_is_refused(batched, capsys):
    other = taskonomy_like(clients=2, edges=1, tasks=2)
    j3o.save(rough_plan(other), "other.json")
    assert run(["simulate", batched, "--plan", "other.json"]) == 2
    one_line(capsys.readouterr(), "other.json", "has other tasks than site.yaml")
    j3o.save(rough_plan(other), "other.npz")
    assert run(["simulate", batched, "--plan", "other.npz"]) == 2
    one_line(capsys.readouterr(), "other.npz", "does not fit the scenario")


@pytest.mark.parametrize("options", [{"clients": 1, "edges": 1, "tasks": 1}, {}, {"clients": 60, "edges": 20}], ids=str)
def test_the_picture_shows_what_was_measured(options):
    scenario = taskonomy_like(batching=True, **options)
    simulation = j3o.simulate(scenario, rough_plan(scenario), duration=2.0, replications=2)
    figure = plot_simulation(simulation)
    seen = texts(figure)
    boxes = [(text, box.padded(-1.0)) for text, box in seen]
    overlaps = [(a, b) for i, (a, one) in enumerate(boxes) for b, other in boxes[i + 1 :] if one.overlaps(other)]
    assert overlaps == []
    for text, box in seen:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text
    curves, use, sizes = figure.axes
    served = simulation.served.sum(axis=0)
    asked = [task for task in range(scenario.tasks) if served[:, task].any()]
    lines = [line for line in curves.get_lines() if len(line.get_xdata()) > 2]
    assert len(lines) == len(asked)
    two = int(np.flatnonzero(np.isclose(simulation.grid, 2.0))[0])
    for line, task in zip(lines, asked, strict=True):
        late = np.nansum(simulation.late[:, :, task] * simulation.served[:, :, task]) / served[:, task].sum()
        assert line.get_ydata()[two] == pytest.approx(max(late, 1e-6), abs=1e-9)
    bars = [patch.get_width() for patch in use.patches if isinstance(patch, mpl.patches.Rectangle)]
    assert len(bars) == min(scenario.edges, 15)
    assert max(bars) == pytest.approx(simulation.utilisation_edge.mean(axis=0).max())
    assert len(sizes.patches) == min(int(np.count_nonzero(simulation.batch_mean.sum(axis=0))), 15)
