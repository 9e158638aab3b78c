import dataclasses

import numpy as np
import pytest
from support.scenarios import by_hand

import j3o_jax as j3o
from j3o_jax._machine import source_digest, this_machine
from j3o_jax.experiments.paper import solving as module
from j3o_jax.experiments.paper.placement import decisions_of
from j3o_jax.experiments.paper.runs import Run
from j3o_jax.experiments.paper.solving import Runner

RUN = Run("cityscapes3d", {}, "full-local", {}, 0, "0.1.0")


@pytest.fixture
def runner():
    return Runner()


def test_a_row_is_what_solve_and_check_say(runner):
    row = runner.solve(RUN)
    scenario = j3o.benchmarks.cityscapes3d().sample(0)
    plan = j3o.solve(scenario, j3o.FullLocal())
    assert row.run == RUN
    assert (row.status, row.error, row.has_plan) == ("converged", "", True)
    assert row.objective == float(j3o.check(scenario, plan).objective)
    assert row.loss == 1.0 - row.objective
    assert (row.bound, row.gap) == (None, None)
    assert row.history == pytest.approx([row.objective])
    assert row.iterations == 1
    weights = scenario.demand / scenario.demand.sum()
    assert row.traffic["local"] == pytest.approx(float((weights * plan.local).sum()))
    assert sum(row.traffic.values()) == pytest.approx(1.0)
    assert row.traffic["edge"] == row.traffic["cloud"] == 0.0
    assert row.seconds > 0
    assert row.machine == this_machine()
    assert row.source == source_digest()
    assert len(source_digest()) == 12


def test_a_method_is_warmed_up_once_for_each_shape(runner, monkeypatch):
    solved = []

    def solve(scenario, method, *, key):
        solved.append((type(method).__name__, scenario.clients, key))
        return j3o.solve(scenario, method, key=key)

    monkeypatch.setattr(module, "solve", solve)
    for seed in range(2):
        runner.solve(Run("cityscapes3d", {}, "full-local", {}, seed, "0.1.0"))
    runner.solve(Run("cityscapes3d", {"client_compute_scale": 0.5}, "full-local", {}, 0, "0.1.0"))
    assert solved == [("FullLocal", 30, seed) for seed in (0, 0, 1, 0)]


def test_an_exact_method_does_not_warm_up_for_longer_than_it_takes_to_compile(runner, monkeypatch):
    limits = []

    class ExactMILP(j3o.FullLocal):
        gap: float = 1e-4
        time_limit: float = 1e3

        def run(self, scenarios, key):
            limits.append(self.time_limit)
            return super().run(scenarios, key)

    monkeypatch.setattr(j3o, "ExactMILP", ExactMILP, raising=False)
    runner.solve(Run("cityscapes3d", {}, "exact-milp", {"gap": 1e-4, "time_limit": 300.0}, 0, "0.1.0"))
    assert limits == [2.0, 300.0]


def test_a_plan_that_fails_the_check_is_no_figure(runner, monkeypatch):
    found = j3o.Violation((), "edge_uplink (11)", "edge 0", 0.5, "uses 15 of 10 MB/s")
    report = j3o.Report(np.False_, np.float64(0.9), np.float64(0.5), (found,))
    monkeypatch.setattr(module, "check", lambda scenario, solution: report)
    row = runner.solve(RUN)
    assert "fails the independent check: edge_uplink (11): edge 0" in row.error
    assert (row.status, row.objective, row.loss, row.history, row.has_plan) == (None, None, None, [], False)


@pytest.mark.parametrize("error", [MemoryError("no room\nleft"), ValueError("demand: is wrong")])
def test_an_error_is_told_by_the_row(runner, monkeypatch, error):
    def solve(*arguments, **options):
        raise error

    monkeypatch.setattr(module, "solve", solve)
    row = runner.solve(RUN)
    assert row.error == f"{type(error).__name__}: {error}".replace("\n", " ")
    assert not row.has_plan
    monkeypatch.undo()
    assert runner.solve(RUN).has_plan


def test_without_a_plan_the_reason_is_kept(runner, monkeypatch):
    def sample(run):
        return j3o.benchmarks.cityscapes3d().sample(run.seed, allow_unserved=False)

    monkeypatch.setattr(module, "sample", sample)
    row = runner.solve(RUN)
    assert row.status == "infeasible"
    assert "of the queries are left" in row.reason
    assert (row.error, row.objective, row.has_plan) == ("", None, False)


def test_a_run_with_overrides_is_the_benchmark_with_overrides(runner):
    half = runner.solve(Run("cityscapes3d", {"client_compute_scale": 0.5}, "full-local", {}, 1, "0.1.0"))
    scenario = j3o.benchmarks.cityscapes3d().sample(1, client_compute_scale=0.5)
    assert half.objective == float(j3o.solve(scenario, j3o.FullLocal()).objective)


def test_a_history_keeps_its_gaps_and_loses_its_end():
    values = np.array([np.nan, 0.5, np.nan, 0.75, np.nan, np.nan])
    assert module._history(values) == [None, 0.5, None, 0.75]
    assert module._history(np.full(3, np.nan)) == []


def test_decisions_are_models_that_answer_and_batches_that_are_filled():
    """By hand: two clients at one edge, two tasks, windows of half a second."""
    scenario = by_hand(
        demand=[[4.0, 2.0], [6.0, 0.0]],
        edge_accuracy=np.full((2, 2, 2), 0.5),
        client_memory=np.full(2, 2.0),
        client_compute=np.full(2, 10.0),
        edge_memory=np.full(2, 2.0),
        edge_compute=np.full(2, 10.0),
        edge_uplink=np.full(2, 10.0),
        cloud_uplink=10.0,
        batching=j3o.Batching(window=np.array([0.5, 0.5]), setup=np.zeros((2, 2))),
    )
    shares = {"local": [[0.5, 1.0], [0.0, 1.0]], "edge": [[0.25, 0.0], [0.5, 0.0]], "cloud": [[0.25, 0.0], [0.5, 0.0]]}
    plan = j3o.Solution(
        client_models=np.ones((2, 2), bool),
        edge_models=np.ones((2, 2), bool),
        client_choice=np.array([[0, 1], [1, 1]]),
        edge_choice=np.array([[1, 0], [0, 0]]),
        **{name: np.array(values) for name, values in shares.items()},
        unserved=np.zeros((2, 2)),
        objective=np.array(0.5),
        bound=np.array(np.nan),
        status=np.array(int(j3o.Status.converged)),
        history=np.array([0.5]),
        stats={},
    )
    found = decisions_of(scenario, plan)
    # The second client's own queries are of a task that nobody asks for; the second edge has no client.
    assert found["client_models"] == {"model 0": 0.5, "model 1": 0.5}
    assert found["edge_models"] == {"model 0": 0.0, "model 1": 0.5}
    assert found["edge_batches"] == {"task 0": (4 * 0.25 + 6 * 0.5) * 0.5 / 2, "task 1": 0.0}
    without = dataclasses.replace(scenario, batching=None)
    assert decisions_of(without, plan)["edge_batches"] == {}


def test_a_row_keeps_the_decisions(runner):
    overrides = {"spread": 0.2, "proportion_a": 0.9}
    row = runner.solve(Run("motivating", overrides, "baj3o", {}, 0, "0.1.0"))
    assert row.has_plan
    assert set(row.decisions["edge_models"]) == {"m(A)", "m(B)", "m(AB)"}
    assert sum(row.decisions["edge_models"].values()) == 1.0
    assert sum(row.decisions["edge_batches"].values()) == pytest.approx(row.traffic["edge"] * 1000 * 0.1)
