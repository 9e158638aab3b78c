"""`j3o solve` for an uncertain demand and failing edges: one placement, figures on unseen draws, what is refused."""

import numpy as np
import pytest
from support.command_line import refused, shown, told

import j3o_jax as j3o

ASKED = ("--demand-noise", "0.4", "--samples", "3", "--edge-failures", "0.1", "--method", "exact-milp")


def test_a_placement_for_many_scenarios_is_shown_beside_that_of_the_mean(deployment, capsys):
    found = told(capsys, "solve", deployment, *ASKED, "--out", "plan.json", "--seed", "3")
    scenario, plan = j3o.load(deployment), j3o.load("plan.json")
    j3o.check(scenario, plan).raise_if_violated()
    assert (found["method"], found["checked"], found["plan"]) == ("exact-milp", True, "plan.json")
    figures = found["uncertainty"]
    # Three draws, and two for each of two edges down; all of three draws with every edge down in turn.
    assert (figures["scenarios"], figures["unseen_scenarios"]) == (3 + 2 * 2, 3 * 3)
    assert figures["objective"] == pytest.approx(figures["planned"]["shared"]["mean"])
    assert figures["planned"]["shared"]["mean"] >= figures["planned"]["mean"]["mean"] - 1e-4
    assert figures["objective"] <= figures["bound"] * (1 + 1e-9)
    assert figures["nominal"]["shared"] == pytest.approx(found["objective"])
    assert figures["nominal"]["shared"] <= figures["nominal"]["mean"] * (1 + 1e-4)
    for one in (*figures["planned"].values(), *figures["unseen"].values()):
        assert one["worst"] <= one["worst_tenth"] <= one["mean"]

    # What the command says can be had in Python.
    drawn = {"demand_noise": 0.4, "samples": 3, "edge_failure": 0.1, "seed": 3}
    planned = j3o.uncertain_scenarios(scenario, **drawn)
    shared = j3o.solve_shared(*planned, j3o.ExactMILP(time_limit=60))
    assert float(shared.shared.value) == pytest.approx(figures["objective"])
    np.testing.assert_array_equal(plan.edge_models, shared.edge_models[0])
    unseen = j3o.uncertain_scenarios(scenario, **drawn, unseen=True, every_failure=True)
    routed = j3o.solve_recourse(unseen.scenarios, plan, j3o.ExactMILP(time_limit=60))
    mean = j3o.risk_figures(routed.objective, unseen.weights).mean
    assert figures["unseen"]["shared"]["mean"] == pytest.approx(mean)
    assert plan.stats["unseen_mean"] == pytest.approx(mean)
    assert plan.stats["shared_objective"] == pytest.approx(figures["objective"])
    assert plan.stats["edge_failures"] == 0.1


def test_people_see_the_same(deployment, capsys):
    text = shown(capsys, "solve", deployment, *ASKED, "--cvar", "0.2", "--cvar-weight", "0.5")
    assert "a demand that varies by 40.0 % in every stream and every single edge down with a probability of 0.1" in text
    assert "50.0 % the mean of the worst 20.0 %, the rest the mean of all" in text
    assert "9 unseen" in text
    assert "Worst tenth" in text


def test_the_search_takes_them_when_no_method_is_named(deployment, capsys):
    found = told(capsys, "solve", deployment, "--demand-noise", "0.4", "--samples", "2")
    assert found["method"] == "price-directed"
    assert found["uncertainty"]["certified"] is True
    assert found["uncertainty"]["scenarios"] == found["uncertainty"]["unseen_scenarios"] == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--samples", "3"], ("--samples", "without --demand-noise")),
        (["--cvar", "0.1"], ("--cvar", "without --demand-noise or --edge-failures")),
        (["--demand-noise", "0.3", "--cvar-weight", "0.5"], ("--cvar-weight", "without --cvar")),
        (["--demand-noise", "0"], ("--demand-noise 0", "above 0")),
        (["--demand-noise", "nan"], ("--demand-noise nan", "above 0")),
        (["--demand-noise", "0.3", "--samples", "0"], ("--samples 0", "from 1 to")),
        (["--edge-failures", "1.5"], ("--edge-failures 1.5", "at most 1")),
        (["--edge-failures", "0.7"], ("--edge-failures 0.7", "2 edges", "give at most 0.5")),
        (["--demand-noise", "0.3", "--cvar", "0"], ("--cvar 0", "above 0")),
        (["--demand-noise", "0.3", "--cvar", "0.1", "--cvar-weight", "2"], ("--cvar-weight 2", "from 0 to 1")),
        (["--demand-noise", "0.3", "--method", "j3o"], ("--method", "price-directed or exact-milp")),
        (["--demand-noise", "0.3", "--lp-solver", "highs"], ("--lp-solver", "leave the option out")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_does_not_go_together_is_refused_in_a_line(deployment, capsys, options, words):
    refused(capsys, ["solve", deployment, *options], *words)


def test_a_batch_is_refused(deployment, capsys):
    scenario = j3o.load(deployment)
    j3o.save(j3o.demand_samples(scenario, 2, 0.1).scenarios, "batch.npz")
    refused(capsys, ["solve", "batch.npz", "--demand-noise", "0.3"], "holds 2 scenarios", "takes one")
