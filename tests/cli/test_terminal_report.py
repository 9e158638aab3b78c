import dataclasses
import io
import math

import jax
import numpy as np
import pytest
from rich.console import Console
from support.handmade_plans import rough_plan, taskonomy_like, without_plan

import j3o_jax as j3o
from j3o_jax.report.batch import BatchReport, summarize_batch
from j3o_jax.report.comparison import ComparisonReport, best_objective
from j3o_jax.report.summary import Capacity, summarize
from j3o_jax.report.terminal import PlanReport
from j3o_jax.report.wording import count, duration, few, number, percent


def printed(report, width=80, terminal=False):
    console = Console(file=io.StringIO(), width=width, emoji=False, highlight=False, force_terminal=terminal)
    console.print(report)
    return console.file.getvalue()


def plan_text(scenario, plan, width=80, title="title"):
    return printed(PlanReport(summarize(scenario, plan), title), width)


def stacked(plans, reasons=()):
    batch = jax.tree.map(lambda *arrays: np.stack(arrays), *[dataclasses.replace(plan, reasons=()) for plan in plans])
    return dataclasses.replace(batch, reasons=reasons)


@pytest.fixture(scope="module")
def scenario():
    return taskonomy_like()


@pytest.fixture(scope="module")
def plan(scenario):
    return rough_plan(scenario)


@pytest.fixture(scope="module")
def summary(scenario, plan):
    return summarize(scenario, plan)


def test_figures_agree_with_the_plan(scenario, plan, summary):
    demand = scenario.demand
    for index, row in enumerate(summary.traffic):
        weight = demand[:, index] / demand[:, index].sum()
        for way in ("local", "edge", "cloud", "unserved"):
            assert getattr(row, way) == pytest.approx(np.sum(weight * getattr(plan, way)[:, index]))
        assert row.local + row.edge + row.cloud + row.unserved == pytest.approx(1.0)
        served = row.local * row.local_accuracy + row.edge * row.edge_accuracy + row.cloud * row.cloud_accuracy
        assert row.accuracy == pytest.approx(served)
        assert row.cloud_accuracy == pytest.approx(1.0)
    assert summary.total.accuracy == pytest.approx(float(plan.objective))
    assert summary.total.demand == pytest.approx(demand.sum())
    assert summary.loss == pytest.approx(1 - summary.objective)


def test_every_limit_is_listed_once(scenario, plan, summary):
    listed = [(limit.tier, limit.node, limit.resource) for limit in summary.capacities]
    assert len(set(listed)) == len(listed) == 1 + 3 * scenario.edges + 2 * scenario.clients
    held = {limit.node: limit for limit in summary.capacities if limit.resource == "memory"}
    for index, name in enumerate(scenario.labels.clients):
        used = np.sum(scenario.client_model_memory[plan.client_models[index]])
        assert held[name].used == pytest.approx(used)
        assert held[name].available == scenario.client_memory[index]


@pytest.mark.parametrize(
    ("used", "available", "share", "binds"),
    [(5.0, 10.0, 0.5, False), (9.9901, 10.0, 0.99901, True), (0.0, 0.0, 1.0, True), (3.0, np.inf, 0.0, False)],
)
def test_a_limit_binds_when_it_is_used_up(used, available, share, binds):
    limit = Capacity("somewhere", "edge", "compute", "GFLOP/s", used, available)
    assert limit.share == pytest.approx(share)
    assert limit.binds is binds


def test_nodes_tell_what_they_hold_and_serve(scenario, plan, summary):
    clients = summary.of_tier("client")
    assert [node.name for node in clients] == list(scenario.labels.clients)
    for index, node in enumerate(clients):
        assert node.models == tuple(np.array(scenario.labels.models)[plan.client_models[index]])
        assert node.edge == scenario.labels.edges[int(scenario.client_edge[index])]
        assert set(node.serves.values()) <= set(node.models)
        assert node.fits == (scenario.client_memory[index] >= 17.5)


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("clients", [3, 30])
def test_tables_fit_the_width(width, clients):
    scenario = taskonomy_like(clients=clients)
    text = plan_text(scenario, rough_plan(scenario), width, "Plan for deployment.yaml (j3o)")
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    for word in (
        *scenario.labels.edges,
        *(f"\n{task} " for task in scenario.labels.tasks),
        "Accuracy",
        "Local",
        "Unserved",
        "all",
        "binds",
    ):
        assert word in text


@pytest.mark.parametrize(("longest", "right"), [(12, True), (16, True), (24, False), (28, False)])
def test_long_names_of_tasks_take_room_from_the_accuracies(scenario, plan, longest, right):
    names = [name.ljust(longest, "x")[:longest] for name in scenario.labels.tasks]
    named = dataclasses.replace(scenario, names=dataclasses.replace(scenario.labels, tasks=tuple(names)))
    everywhere = {tier: np.full_like(plan.local, 1.0) for tier in ("local", "edge", "cloud")}
    text = plan_text(named, dataclasses.replace(plan, **everywhere))
    assert max(map(len, text.splitlines())) <= 80
    for name in names:
        assert f"\n{name} " in text
    assert (", and the accuracy there" in text) == right
    assert ("100.0 1.000" in text) == right


def test_a_terminal_gets_colour(summary):
    assert "\x1b[" in printed(PlanReport(summary, "title"), terminal=True)


def test_binding_limits_come_first(summary):
    lines = printed(PlanReport(summary, "title")).split("Limits, the fullest first")[1].splitlines()
    binding = [" binds" in line for line in lines if " MB" in line or "GFLOP/s" in line]
    assert any(binding)
    assert not all(binding)
    assert binding == sorted(binding, reverse=True)


def test_thousands_of_clients_are_cut_and_counted():
    scenario = taskonomy_like(clients=3000, edges=12)
    text = plan_text(scenario, rough_plan(scenario), 120)
    assert len(text.splitlines()) < 75
    assert "… and 5,990 more client limits" in text
    assert "… and 26 more edge limits" in text
    assert "… and 2 more edges" in text
    assert "more clients" in text
    assert "of 3,000 clients)" in text


def test_notes_say_what_must_not_be_overlooked(scenario, summary):
    text = " ".join(printed(PlanReport(summary, "title")).split())
    small = int(np.sum(scenario.client_memory < 17.5))
    assert f"({small} of 30 clients): the smallest takes 17.5 MB." in text
    assert f"{percent(summary.total.unserved)} of the queries are left unserved, above all" in text


def test_tasks_without_models_and_without_queries_are_noted():
    scenario = taskonomy_like(clients=2, edges=1, tasks=3)
    none, demand = np.array(scenario.client_accuracy), np.array(scenario.demand)
    none[:, :, 1] = 0.0
    demand[:, 2] = 0.0
    scenario = dataclasses.replace(scenario, client_accuracy=none, edge_accuracy=none, demand=demand)
    summary = summarize(scenario, rough_plan(scenario))
    assert "no model supports depth: only the cloud can answer" in summary.notes
    assert "nobody asks for normals" in summary.notes
    assert math.isnan(summary.traffic[2].accuracy)
    assert math.isnan(summary.traffic[1].local_accuracy)
    assert "nan" not in printed(PlanReport(summary, "title")).lower()


def test_batching_shows_the_time_of_the_window():
    scenario = taskonomy_like(clients=3, batching=True)
    summary = summarize(scenario, rough_plan(scenario))
    windows = [limit for limit in summary.capacities if limit.resource == "window"]
    assert [limit.available for limit in windows] == [0.1, 0.1, 0.1]
    assert not any(limit.tier == "edge" and limit.resource == "compute" for limit in summary.capacities)
    assert "window" in printed(PlanReport(summary, "title"))


def test_a_proven_bound_is_shown_with_the_gap(scenario, plan):
    bound = 1.02 * plan.objective
    text = plan_text(scenario, dataclasses.replace(plan, bound=bound))
    assert f"{bound:.4f}  (at most 2 % better is possible), by the solver's word" in text


def test_what_is_proven_and_what_is_a_word_are_told_apart(scenario, plan):
    clients, tasks, edges = scenario.clients, scenario.tasks, scenario.edges
    zeros = (np.zeros(shape) for shape in ((clients, tasks), clients, edges, edges, ()))
    certificate = j3o.Certificate(*zeros)
    optimum = dataclasses.replace(plan, bound=plan.objective, status=np.int64(j3o.Status.optimal))
    proven = dataclasses.replace(optimum, certificate=certificate)
    assert "optimal: a proven optimum" in plan_text(scenario, proven)
    text = plan_text(scenario, optimum)
    assert "optimal: an optimum by the solver's word" in text
    assert "proven" not in text
    # A gap of 2 is no optimum.
    stats = {**plan.stats, "gap_asked": np.float64(2.0)}
    asked = dataclasses.replace(
        plan, bound=1.02 * plan.objective, status=np.int64(j3o.Status.converged), stats=stats, certificate=certificate
    )
    text = plan_text(scenario, asked)
    assert "converged: within the gap that was asked for, 200.0 %" in text
    assert "word" not in text


def test_without_a_plan_there_is_only_the_reason(scenario):
    summary = summarize(scenario, without_plan(scenario, j3o.Status.infeasible, "camera-03 asks too much"))
    text = printed(PlanReport(summary, "title"))
    assert "infeasible: camera-03 asks too much" in text
    assert "Models held" not in text
    assert summary.capacities == ()


def test_names_cannot_write_to_the_terminal():
    scenario = taskonomy_like(clients=2, edges=1, tasks=1)
    names = j3o.Names(tasks=("[red]x[/]:smile:",), models=("m\x1b[31m",), clients=("a\nb", "c\rd"), edges=("e",))
    scenario = dataclasses.replace(scenario, names=names)
    text = plan_text(scenario, rough_plan(scenario), 120, "title \x1b[2J")
    assert "\x1b" not in text
    assert "[red]x[/]:smile:" in text
    assert "\r" not in text


def test_a_batch_is_not_one_plan(scenario, plan):
    batch = stacked([plan, plan])
    with pytest.raises(ValueError, match="pick one by"):
        summarize(scenario, batch)
    with pytest.raises(ValueError, match="wants a batch"):
        summarize_batch(plan)


def test_batches_are_counted_and_their_worst_is_named(scenario):
    plans = [rough_plan(scenario, seed=seed) for seed in range(3)]
    plans += [without_plan(scenario, j3o.Status.infeasible)] * 7
    summary = summarize_batch(stacked(plans, ("",) * 3 + ("too much",) * 7))
    objectives = [float(plan.objective) for plan in plans[:3]]
    assert summary.statuses == {"converged": 3, "infeasible": 7}
    assert (summary.mean, summary.deviation) == pytest.approx((np.mean(objectives), np.std(objectives)))
    assert summary.worst == (int(np.argmin(objectives)),)
    assert list(summary.failures) == [(index,) for index in range(3, 10)]
    text = printed(BatchReport(summary, "title"))
    assert "10: 3 converged, 7 infeasible" in text
    assert "Instance 3: too much" in text
    assert "… and 2 more instances without a plan" in text


def test_a_batch_without_any_plan_has_no_figures(scenario):
    summary = summarize_batch(stacked([without_plan(scenario, j3o.Status.infeasible)]))
    assert math.isnan(summary.mean)
    assert summary.worst is None
    assert "nan" not in printed(BatchReport(summary, "title")).lower()


@pytest.mark.parametrize("width", [80, 120])
def test_methods_stand_side_by_side(scenario, width):
    summaries = {f"method-{seed}": summarize(scenario, rough_plan(scenario, seed=seed)) for seed in range(3)}
    summaries["strict"] = summarize(scenario, without_plan(scenario, j3o.Status.infeasible, "too much"))
    text = printed(ComparisonReport(summaries, "Methods on deployment.yaml"), width)
    assert max(map(len, text.splitlines())) <= width
    assert text.count(" best ") == 1 + (" To best " in text)
    assert "strict: too much" in text
    best = max(summaries[f"method-{seed}"].objective for seed in range(3))
    assert best_objective(summaries) == best
    assert f"{best:.4f}" in text


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (number(12.345678), "12.35"),
        (number(999.99), "1,000"),
        (number(1234567.8), "1,234,568"),
        (number(np.inf), "no limit"),
        (number(np.nan), "–"),
        (percent(0.12345), "12.3 %"),
        (percent(1e-4), "<0.1 %"),
        (percent(1e-9), "0.0 %"),
        (duration(0.0421), "42.1 ms"),
        (duration(12.3), "12.3 s"),
        (count(1, "client"), "1 client"),
        (count(3000, "query"), "3,000 queries"),
        (few(["a", "b", "c", "d", "e"]), "a, b, c and 2 more"),
        (few(["a", "b"]), "a, b"),
    ],
)
def test_wording(written, wanted):
    assert written == wanted
