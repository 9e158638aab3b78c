"""`j3o replan`: estimates that know no future, strategies side by side, going on where it stopped, what is refused."""

import csv
import os

import numpy as np
import pytest
from support.command_line import refused, shown, told

import j3o_jax as j3o
from j3o_jax.replanning._demand import ESTIMATORS, demand_of_trace
from j3o_jax.simulation._trace_rows import TraceFile


@pytest.fixture
def trace(deployment):
    """A trace of five minutes in which demand swings, a request in a hundred."""
    scenario = j3o.load(deployment)
    rng, rows = np.random.default_rng(0), []
    for minute in range(6):
        wave = np.exp(np.sin(minute + np.arange(scenario.clients))[:, None] * np.ones(scenario.tasks))
        for client, task in np.ndindex(*scenario.demand.shape):
            count = rng.poisson(scenario.demand[client, task] * wave[client, task] * 0.6)
            times = rng.uniform(60.0 * minute, 60.0 * (minute + 1), count)
            names = scenario.labels.clients[client], scenario.labels.tasks[task]
            rows += [(f"{time:.3f}", *names) for time in times]
    with open("trace.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["timestamp", "client", "task"])
        writer.writerows(sorted(rows, key=lambda row: float(row[0])))
    return "trace.csv"


def test_demand_is_counted_by_period(deployment, trace):
    labels = j3o.load(deployment).labels
    demand = demand_of_trace(TraceFile(trace, labels), 60.0)
    assert demand.shape == (5, len(labels.clients), len(labels.tasks))
    with open(trace) as file:
        rows = list(csv.DictReader(file))
    start = float(rows[0]["timestamp"])
    second = [row for row in rows if 60.0 <= float(row["timestamp"]) - start < 120.0]
    mine = [row for row in second if (row["client"], row["task"]) == (labels.clients[1], labels.tasks[2])]
    assert demand[1, 1, 2] * 60.0 == pytest.approx(len(mine))
    assert demand[1].sum() * 60.0 == pytest.approx(len(second))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimates_depend_on_the_past_alone(name):
    rng = np.random.default_rng(0)
    demand, first = rng.uniform(size=(9, 2, 3)), rng.uniform(size=(2, 3))
    estimates = ESTIMATORS[name](demand, first, 4)
    assert estimates.shape == demand.shape
    np.testing.assert_array_equal(estimates[0], first)
    changed = np.array(demand)
    changed[5:] += 1.0
    np.testing.assert_array_equal(ESTIMATORS[name](changed, first, 4)[:6], estimates[:6])
    constant = np.broadcast_to(first, demand.shape)
    np.testing.assert_allclose(ESTIMATORS[name](constant, first, 4), constant)
    if name == "seasonal":
        np.testing.assert_array_equal(estimates[4:], demand[:-4])


def test_strategies_stand_side_by_side_and_it_goes_on_where_it_stopped(deployment, trace, capsys):
    arguments = ("replan", deployment, "--trace", trace, "--period", "1min", "--method", "j3o", "--cost-per-gb", "0.05")
    found = told(capsys, *arguments, "--out", "results")
    assert (found["periods"], found["cost_per_gb"]) == (5, 0.05)
    strategies = found["strategies"]
    assert [*strategies] == ["static", "scratch", "replan", "clairvoyant", "horizon"]
    for name in ("scratch", "replan", "clairvoyant", "horizon"):
        assert strategies[name]["objective"] <= found["horizon_bound"] + 1e-9
    assert strategies["horizon"]["objective"] >= strategies["clairvoyant"]["objective"] - 1e-12
    assert found["horizon_optimal"]
    assert found["highs_bound"] <= found["horizon_bound"] + 1e-9
    assert [*found["of_possible_gain"]] == [*strategies]
    assert strategies["static"]["moved_mb"] == 0.0
    assert strategies["replan"]["moved_mb"] <= strategies["scratch"]["moved_mb"]
    assert strategies["clairvoyant"]["regret"] == 0.0
    for name, row in strategies.items():
        moved = [own["moved_mb"][name] for own in found["rows"]]
        assert row["objective"] == pytest.approx(row["accuracy"] - 0.05 / 1000.0 * np.mean(moved), abs=1e-9)
    assert sorted(os.listdir("results")) == ["manifest.json", "plans", "replan.svg", "report.md", "seconds.json"]
    with open("results/report.md") as file:
        assert "| clairvoyant |" in file.read()
    # What is left of a run that was stopped is used, and what is missing made again.
    for name in ("period-00003.npz", "period-00004.npz", "score-replan.npz"):
        os.remove(f"results/plans/{name}")
    kept = os.stat("results/plans/period-00002.npz").st_mtime_ns
    again = told(capsys, *arguments, "--out", "results")
    assert os.stat("results/plans/period-00002.npz").st_mtime_ns == kept
    assert again["strategies"] == found["strategies"]
    assert "Means over the periods" in shown(capsys, *arguments, "--out", "results")
    refused(capsys, [*arguments[:-1], "0.06", "--out", "results"], "results: holds plans of another cost")


def test_without_a_horizon_there_is_neither_its_bound_nor_its_plans(deployment, trace, capsys):
    arguments = ("replan", deployment, "--trace", trace, "--period", "1min", "--method", "j3o", "--horizon", "0s")
    found = told(capsys, *arguments, "--out", "results")
    assert [*found["strategies"]] == ["static", "scratch", "replan", "clairvoyant"]
    assert found["horizon_bound"] is None
    assert found["of_possible_gain"]["replan"] is None


def test_mistakes_are_told_in_a_line(deployment, trace, capsys):
    arguments = ["replan", deployment, "--trace", trace, "--out", "results"]
    refused(capsys, [*arguments, "--period", "soon"], "--period soon: must be a time above 0 with its unit")
    refused(capsys, [*arguments, "--period", "0s"], "--period")
    refused(capsys, [*arguments, "--horizon", "-1s"], "--horizon -1s: must be a time of at least 0 with its unit")
    refused(capsys, [*arguments, "--period", "1h"], "less than two periods")
    refused(capsys, [*arguments, "--estimator", "oracle"], "--estimator")
    refused(capsys, [*arguments, "--cost-per-gb", "nan"], "--cost-per-gb")
    refused(capsys, ["replan", deployment, "--trace", "gone.csv", "--out", "results"], "gone.csv")
    os.makedirs("full")
    with open("full/note.txt", "w") as file:
        file.write("mine")
    refused(capsys, [*arguments[:-1], "full", "--period", "1min"], "full: holds other files")
