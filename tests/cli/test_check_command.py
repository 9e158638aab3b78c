"""`j3o check`: verdicts, exit codes, tables and JSON for plans that are good, broken, proven and not."""

import dataclasses

import numpy as np
import pytest
from support.command_line import one_line, refused, shown, told
from support.handmade_plans import taskonomy_like, without_plan
from support.methods import draw_batch

import j3o_jax as j3o
from j3o_jax.cli._app import run

# One client whose two models take 240 MB of the 200 that it has, and its plan as somebody else's program wrote it.
DEPLOYMENT = """\
tasks:
  - {name: reading, input_mb: 1}
  - {name: counting, input_mb: 1}
models:
  - {name: reader, client: {memory_mb: 140, gflop_per_query: 1}, edge: {memory_mb: 140, gflop_per_query: 1},
     accuracy: {reading: 0.8}}
  - {name: counter, client: {memory_mb: 100, gflop_per_query: 1}, edge: {memory_mb: 100, gflop_per_query: 1},
     accuracy: {counting: 0.7}}
edges:
  - {name: hall, memory_mb: 140, compute_gflop_per_s: 10, uplink_mb_per_s: 5}
clients:
  - {name: camera, edge: hall, memory_mb: 200, compute_gflop_per_s: 10, demand_per_s: {reading: 2, counting: 2}}
cloud: {uplink_mb_per_s: 1}
"""


def handmade(scenario, *, both):
    """The client answers both tasks by itself, or counting alone, with what it needs for that in its memory."""
    share = np.array([[1.0 if both else 0.0, 1.0]])
    objective = 0.75 if both else 0.35
    return j3o.Solution(
        client_models=np.array([[both, True]]),
        edge_models=np.array([[False, False]]),
        client_choice=np.array([[0 if both else -1, 1]]),
        edge_choice=np.array([[-1, -1]]),
        local=share,
        edge=0.0 * share,
        cloud=0.0 * share,
        unserved=1.0 - share,
        objective=np.float64(objective),
        bound=np.float64(np.nan),
        status=np.int64(j3o.Status.converged),
        history=np.array([objective]),
        stats={},
        names=scenario.names,
    )


@pytest.fixture
def scenario(here):
    (here / "site.yaml").write_text(DEPLOYMENT)
    return j3o.load("site.yaml")


def test_a_memory_that_is_exceeded_is_told_by_name_and_amount(scenario, capsys):
    j3o.save(handmade(scenario, both=True), "plan.json")
    assert run(["check", "site.yaml", "plan.json"]) == 1
    captured = capsys.readouterr()
    one_line(captured, "plan.json", "client_memory (8)", "camera", "240 MB exceeds 200 MB")
    assert "40 too much" in captured.out
    assert "120.0 %" in captured.out
    assert "the plan file has no certificate" in captured.out
    found = told(capsys, "check", "site.yaml", "plan.json", code=1)
    assert (found["ok"], found["feasible"], found["proven"]) == (False, False, False)
    (violation,) = found["violations"]
    assert (violation["constraint"], violation["place"]) == ("client_memory (8)", "camera")
    assert violation["amount"] == pytest.approx(0.2)
    memory = next(limit for limit in found["limits"] if limit["constraint"] == "client_memory (8)")
    assert (memory["load"], memory["capacity"], memory["used"]) == (240.0, 200.0, 1.2)
    # A tolerance that allows it lets it pass.
    shown(capsys, "check", "site.yaml", "plan.json", "--tolerance", "0.25")


def test_a_good_plan_passes_and_is_recomputed(scenario, capsys):
    plan = handmade(scenario, both=False)
    j3o.save(plan, "plan.json")
    assert "every limit kept" in shown(capsys, "check", "site.yaml", "plan.json")
    found = told(capsys, "check", "site.yaml", "plan.json")
    assert found["ok"]
    assert found["objective"] == pytest.approx(0.35, abs=1e-15)
    j3o.save(dataclasses.replace(plan, objective=np.float64(0.36)), "boast.json")
    assert run(["check", "site.yaml", "boast.json"]) == 1
    captured = capsys.readouterr()
    one_line(captured, "says 0.36, is worth 0.35")
    assert "the plan file says 0.36" in captured.out


def test_what_is_proven_is_said_and_what_is_not(scenario, capsys):
    plan = handmade(scenario, both=False)
    proven = j3o.certify(scenario, plan, descent_steps=30)
    j3o.save(proven, "proven.json")
    text = shown(capsys, "check", "site.yaml", "proven.json")
    assert "proven: no plan is more than" in text
    gap = told(capsys, "check", "site.yaml", "proven.json")["bound"] / 0.35 - 1.0
    assert f"{100 * gap:.1f}"[:2] in text

    j3o.save(dataclasses.replace(proven, bound=0.99 * proven.bound), "lowered.json")
    assert run(["check", "site.yaml", "lowered.json"]) == 1
    one_line(capsys.readouterr(), "lowered.json", "certificate", "which is not the bound")

    prices = proven.certificate
    negative = dataclasses.replace(prices, stream=-prices.stream)
    j3o.save(dataclasses.replace(proven, certificate=negative), "negative.json")
    assert run(["check", "site.yaml", "negative.json"]) == 1
    captured = capsys.readouterr()
    one_line(captured, "negative.json", "negative prices, of stream, count as 0")
    # What a plan says of its bound is no limit.
    assert "every limit kept" in captured.out

    j3o.save(dataclasses.replace(proven, certificate=None), "word.json")
    assert "the solver's word" in shown(capsys, "check", "site.yaml", "word.json")


def test_bad_input_is_named(scenario, capsys):
    j3o.save(handmade(scenario, both=False), "plan.json")
    for arguments, words in (
        (["site.yaml", "none.json"], ["none.json"]),
        (["plan.json", "site.yaml"], ["site.yaml: is no name for a plan"]),
        (["site.yaml", "plan.json", "--tolerance", "2"], ["--tolerance 2"]),
    ):
        refused(capsys, ["check", *arguments], *words)
    j3o.save(taskonomy_like(clients=2, edges=1, tasks=2), "other.yaml")
    refused(capsys, ["check", "other.yaml", "plan.json"], "plan.json: has other tasks than other.yaml")


def test_batches(here, capsys):
    batch = draw_batch(2, tightness=1.0)
    plans = j3o.certify(batch, j3o.solve(batch))
    j3o.save(batch, "batch.npz")
    j3o.save(plans, "plans.npz")
    assert "2 of 2 plans; 2 have a certificate" in shown(capsys, "check", "batch.npz", "plans.npz")
    found = told(capsys, "check", "batch.npz", "plans.npz")
    assert (found["instances"], found["ok"], found["proven"]) == (2, 2, 2)
    j3o.save(dataclasses.replace(plans, bound=plans.bound * np.array([1.0, 0.9])), "lowered.npz")
    assert run(["check", "batch.npz", "lowered.npz"]) == 1
    one_line(capsys.readouterr(), "instance [1]")
    j3o.save(plans[0], "one.npz")
    refused(capsys, ["check", "batch.npz", "one.npz"], "one.npz", "batch.npz")


def test_large_plans_are_told_by_their_fullest_limits(here, capsys):
    scenario = taskonomy_like(clients=300, edges=3, tasks=2)
    j3o.save(scenario, "site.json")
    nothing = without_plan(scenario, j3o.Status.converged)
    j3o.save(dataclasses.replace(nothing, objective=np.float64(0.0), reasons=()), "plan.json")
    assert run(["check", "site.json", "plan.json"]) == 0
    text = capsys.readouterr().out
    assert "… and 295 more of client memory (8), 0.0 % to 0.0 % full" in text
    assert text.count("\n") < 40


def test_prices_tell_what_a_better_routing_would_bring(scenario, capsys):
    plan = j3o.shadow_prices(scenario, handmade(scenario, both=False))
    j3o.save(plan, "plan.json")
    # A quarter of all queries are a query/s, which needs 1 MB/s to the cloud, where it is always right.
    assert plan.prices.cloud_uplink == pytest.approx(0.25)
    found = told(capsys, "check", "site.yaml", "plan.json")
    assert found["unused_worth"] == pytest.approx(0.25)
    assert "worth 0.25: queries could be routed better" in shown(capsys, "check", "site.yaml", "plan.json")
    assert run(["solve", "site.yaml", "--method", "j3o", "--out", "best.json"]) == 0
    assert "+1 brings" in capsys.readouterr().out
    assert told(capsys, "check", "site.yaml", "best.json")["unused_worth"] <= 1e-6
    assert "what has a price is used up" in shown(capsys, "check", "site.yaml", "best.json")
    capacities = told(capsys, "solve", "site.yaml", "--method", "j3o")["capacities"]
    assert max(limit["price"] for limit in capacities if limit["price"] is not None) > 0.0
