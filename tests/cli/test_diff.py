"""`j3o diff`: what changes from one plan to another, with and without a deployment, and what is refused."""

import dataclasses
import math
import os

import numpy as np
import pytest
from support.command_line import refused, shown, told
from support.handmade_plans import taskonomy_like

import j3o_jax as j3o


@pytest.fixture
def plans(deployment, capsys):
    """The plan of a deployment, and a first one in which every client is for itself."""
    for method, out in (("full-local", "before.json"), ("exact-milp", "after.json")):
        told(capsys, "solve", deployment, "--method", method, "--out", out)
    return deployment


def test_it_says_what_moves_where_and_what_that_brings(plans, capsys):
    arguments = ("diff", "before.json", "after.json", "--deployment", plans, "--cost-per-gb", "0.1")
    found = told(capsys, *arguments, "--plot", "change.svg")
    scenario, before, after = j3o.load(plans), j3o.load("before.json"), j3o.load("after.json")
    moved = j3o.solve(j3o.with_previous(scenario, before), j3o.ExactMILP())
    new = {"client": after.client_models & ~before.client_models, "edge": after.edge_models & ~before.edge_models}
    sizes = {"client": scenario.client_model_memory, "edge": scenario.edge_model_memory}
    wanted = sum(float((new[tier] * sizes[tier]).sum()) for tier in new)
    assert found["moved_mb"] == pytest.approx(wanted)
    assert found["moved_mb"] == pytest.approx(float(moved.moved_mb))
    assert sum(node["moved_mb"] for node in found["nodes"]) == pytest.approx(wanted)
    assert sum(link["total_mb"] for link in found["links"]) == pytest.approx(wanted)
    assert found["cost"] == pytest.approx(0.1 * wanted / 1000.0)
    assert found["gain"] == pytest.approx(float(after.objective - before.objective), abs=1e-9)
    assert found["pays"] == (found["gain"] >= found["cost"])
    assert sum(task["gain"] * task["after"]["demand"] for task in found["tasks"]) == pytest.approx(
        found["gain"] * scenario.demand.sum(), abs=1e-6
    )
    for node in found["nodes"]:
        assert node["comes"] or node["goes"]
        assert not {*node["comes"]} & {*node["stays"]}
    assert os.path.getsize("change.svg") > 1000
    text = shown(capsys, *arguments)
    assert "Models that come and go" in text
    assert f"at 0.1 for 1,000 MB: the change {'pays' if found['pays'] else 'does not pay'}" in text


def test_without_a_deployment_it_says_which_models_move(plans, capsys):
    found = told(capsys, "diff", "before.json", "after.json")
    assert (found["moved_mb"], found["links"], found["tasks"], found["cost"]) == (None, [], [], None)
    assert found["nodes"]
    assert "sizes and demand are not known" in shown(capsys, "diff", "before.json", "after.json")
    same = told(capsys, "diff", "after.json", "after.json", "--deployment", plans)
    assert (same["moved_mb"], same["nodes"], same["gain"]) == (0.0, [], 0.0)
    assert "every node keeps what it holds" in shown(capsys, "diff", "after.json", "after.json")


def test_nodes_that_are_new_hold_nothing_before(plans, capsys):
    scenario = j3o.load(plans)
    names = scenario.names
    grown = dataclasses.replace(names, clients=(*names.clients[:-1], "newcomer"))
    j3o.save(dataclasses.replace(scenario, names=grown), "grown.yaml")
    told(capsys, "solve", "grown.yaml", "--out", "grown.json")
    found = told(capsys, "diff", "after.json", "grown.json", "--deployment", "grown.yaml")
    newcomer = [node for node in found["nodes"] if node["name"] == "newcomer"]
    assert all(not node["goes"] and not node["stays"] for node in newcomer)
    assert (found["accuracy_before"], found["gain"]) == (None, None)
    assert any("other nodes, tasks or models" in remark for remark in found["remarks"])


def test_a_plan_that_breaks_limits_of_the_deployment_is_named(plans, capsys):
    scenario = j3o.load(plans)
    j3o.save(dataclasses.replace(scenario, demand=3.0 * scenario.demand), "busy.yaml")
    told(capsys, "solve", "busy.yaml", "--out", "busy.json")
    found = told(capsys, "diff", "after.json", "busy.json", "--deployment", "busy.yaml", "--cost-per-gb", "0.1")
    assert any("the first plan breaks" in remark for remark in found["remarks"])
    assert found["pays"] is None


def test_mistakes_are_told_in_a_line(plans, capsys):
    refused(capsys, ["diff", "before.json", "gone.json"], "gone.json: is not there")
    refused(capsys, ["diff", "before.json", plans], f"{plans}: is no name for a plan")
    refused(capsys, ["diff", "before.json", "after.json", "--cost-per-gb", "0.1"], "--deployment")
    refused(capsys, ["diff", "before.json", "after.json", "--deployment", plans, "--cost-per-gb", "-1"], "at least 0")
    refused(capsys, ["diff", "before.json", "after.json", "--plot", "x.txt"], "--plot")
    other = taskonomy_like(clients=2, edges=1, tasks=2)
    j3o.save(other, "other.yaml")
    refused(capsys, ["diff", "before.json", "after.json", "--deployment", "other.yaml"], "has other")
    plan = j3o.solve(dataclasses.replace(other, names=None))
    j3o.save(plan, "other.npz")
    refused(capsys, ["diff", "other.npz", "after.json"], "other.npz: its models of clients have shape")
    batch = j3o.load("after.json")
    assert math.isfinite(batch.objective)
    stacked = j3o.solve(j3o.benchmarks.cityscapes3d().sample(0, n=2, clients=6, edges=2), j3o.FullLocal())
    j3o.save(stacked, "batch.npz")
    refused(capsys, ["diff", "batch.npz", "after.json"], "holds a batch")
    assert np.size(stacked.objective) == 2


def test_solve_takes_the_plan_before(plans, capsys):
    arguments = ("solve", plans, "--previous", "before.json", "--cost-per-gb", "0.05", "--method", "exact-milp")
    found = told(capsys, *arguments, "--out", "next.json")
    assert found["accuracy"] - found["objective"] == pytest.approx(0.05 * found["moved_mb"] / 1000.0, abs=1e-9)
    assert found["loss"] == pytest.approx(1.0 - found["accuracy"])
    assert (found["previous"], found["cost_per_gb"]) == ("before.json", 0.05)
    assert "MB of models" in shown(capsys, *arguments)
    checked = told(capsys, "check", plans, "next.json", "--previous", "before.json", "--cost-per-gb", "0.05")
    assert (checked["ok"], checked["accuracy"]) == (True, pytest.approx(found["accuracy"]))
    refused(capsys, ["check", plans, "next.json"], "--previous and --cost-per-gb")
    refused(capsys, ["solve", plans, "--cost-per-gb", "0.05"], "--previous")
    refused(capsys, ["solve", plans, "--previous", plans], f"{plans}: is no name for a plan")
