"""The checker: exact plans pass, and each single defect is found, named and placed."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from support.oracle import brute_force
from support.plans import (
    CLIENTS,
    EDGES,
    LIMITS,
    MODELS,
    TASKS,
    entry,
    entry_of,
    loads,
    only,
    retold,
    valid,
    with_setup,
    worth,
)
from support.scenarios import tiny_scenarios

from j3o_jax import Scenario
from j3o_jax._check import BATCH_THRESHOLD, check


@settings(max_examples=60)
@given(tiny_scenarios())
def test_optimal_plans_pass(scenario):
    plan = brute_force(scenario)
    if plan is not None:
        report = check(scenario, plan.solution(scenario)).raise_if_violated()
        assert isinstance(report.ok, np.bool_)
        assert report.ok
        assert report.violations == ()
        assert report.objective == pytest.approx(plan.objective, abs=1e-12)


@pytest.mark.parametrize("batching", [False, True])
@pytest.mark.parametrize("allow_unserved", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_worth_and_valid_plans(seed, batching, allow_unserved):
    scenario, solution = valid(seed, batching=batching, allow_unserved=allow_unserved)
    report = check(scenario, solution).raise_if_violated()
    assert report.ok
    assert report.worst < 1e-12
    assert report.objective == pytest.approx(worth(scenario, solution), abs=1e-14)


@pytest.mark.parametrize("constraint", LIMITS)
@pytest.mark.parametrize("unit", [1.0, 1e-12, 1e12])
@pytest.mark.parametrize("per_node", [False, True])
def test_each_limit(constraint, unit, per_node):
    scenario, solution = valid(1, per_node=per_node)
    # The field and what is counted in its unit.
    scaled = {
        "client_memory (8)": ("client_memory", "client_model_memory"),
        "edge_memory (8)": ("edge_memory", "edge_model_memory"),
        "client_compute (9)": ("client_compute", "client_model_compute"),
        "edge_compute (10)": ("edge_compute", "edge_model_compute"),
        "edge_uplink (11)": ("edge_uplink", "cloud_uplink", "input_size"),
        "cloud_uplink (12)": ("edge_uplink", "cloud_uplink", "input_size"),
    }[constraint]
    scenario = dataclasses.replace(scenario, **{name: getattr(scenario, name) * unit for name in scaled})
    field, load = LIMITS[constraint], loads(scenario, solution)[constraint]
    index = () if load.ndim == 0 else (1,)
    place = {"client": "client 1", "edge": "edge 1", "cloud": "the cloud"}[constraint.split("_")[0]]

    def limited(limit: float) -> Scenario:
        return dataclasses.replace(scenario, **{field: entry(getattr(scenario, field), index, limit)})

    assert check(limited(load[index] * (1 - 1e-7)), solution).ok
    assert check(limited(np.inf), solution).ok
    violation = only(check(limited(load[index] * 0.999), solution))
    assert (violation.instance, violation.constraint, violation.place) == ((), constraint, place)
    assert violation.amount == pytest.approx(1 / 0.999 - 1)
    assert only(check(limited(load[index] * (1 - 1e-5)), solution)).constraint == constraint
    assert check(limited(load[index] * (1 - 1e-5)), solution, tol=1e-4).ok
    none = only(check(limited(0.0), solution))
    assert (none.constraint, none.place) == (constraint, place)
    assert none.amount > 1e3


def test_a_limit_of_zero_forgives_rounding_and_no_more():
    scenario, solution = valid(2)
    scenario = dataclasses.replace(scenario, client_compute=entry(scenario.client_compute, (0,), 0.0))
    for share, ok in ((0.0, True), (1e-15, True), (1e-9, False), (0.01, False)):
        local = solution.local.copy()
        local[0] = share
        changed = retold(scenario, solution, local=local, unserved=1 - local - solution.edge - solution.cloud)
        report = check(scenario, changed)
        assert bool(report.ok) == ok
        if not ok:
            assert {(one.constraint, one.place) for one in report.violations} == {("client_compute (9)", "client 0")}


class TestBatching:
    def test_set_ups_count(self):
        scenario, solution = valid(3, batching=True)
        work = loads(scenario, solution)["edge_compute (10)"] / scenario.edge_compute
        assert work == pytest.approx(0.5)

        def loaded(fraction: float) -> Scenario:
            """Set-ups of edge 1 that, with the work, fill this fraction of its window."""
            return with_setup(scenario, lambda setup: setup * np.array([[1.0], [(fraction - 0.5) / 0.25]]))

        assert check(loaded(1.0), solution).ok
        violation = only(check(loaded(1.001), solution))
        assert (violation.constraint, violation.place) == ("edge_batching (28)", "edge 1")
        assert violation.amount == pytest.approx(1e-3)

    def test_work_counts(self):
        scenario, solution = valid(3, batching=True)
        slower = dataclasses.replace(scenario, edge_compute=scenario.edge_compute * np.array([1.0, 0.6]))
        violation = only(check(slower, solution))
        assert (violation.constraint, violation.place) == ("edge_batching (28)", "edge 1")
        assert violation.amount == pytest.approx(0.25 + 0.5 / 0.6 - 1)
        assert only(check(entry_of(scenario, "edge_compute", 1, 0.0), solution)).amount == np.inf
        assert check(entry_of(scenario, "edge_compute", 1, np.inf), solution).ok

    @pytest.mark.parametrize(("share", "ok"), [(0.0, True), (0.1 * BATCH_THRESHOLD, True), (1e-8, False)])
    def test_a_batch_is_more_than_rounding(self, share, ok):
        scenario, solution = valid(4, batching=True)
        model = solution.edge_choice[1, 0]
        scenario = with_setup(scenario, lambda setup: entry(0.0 * setup, (1, model), 2.0))
        edge = solution.edge.copy()
        others = solution.edge_choice[1] == model
        edge[np.ix_(scenario.client_edge == 1, others)] = 0.0
        edge[scenario.client_edge == 1, 0] = share
        local = solution.local + solution.edge - edge
        roomy = dataclasses.replace(scenario, client_compute=np.full(CLIENTS, np.inf))
        report = check(roomy, retold(roomy, solution, local=local, edge=edge))
        assert bool(report.ok) == ok
        if not ok:
            assert only(report).constraint == "edge_batching (28)"
            assert only(report).amount == pytest.approx(1.0, abs=0.6)

    def test_set_ups_count_without_work(self):
        scenario, solution = valid(3, batching=True)
        free = dataclasses.replace(scenario, edge_model_compute=np.zeros(MODELS), edge_compute=np.zeros(EDGES))
        assert check(free, solution).ok
        violation = only(check(with_setup(free, lambda setup: setup * np.array([[4.0], [5.0]])), solution))
        assert (violation.constraint, violation.place) == ("edge_batching (28)", "edge 1")
        assert violation.amount == pytest.approx(0.25)

    def test_rounding_needs_no_compute(self):
        scenario, solution = valid(4, batching=True)
        edge = solution.edge.copy()
        edge[scenario.client_edge == 1] = 0.1 * BATCH_THRESHOLD
        local = solution.local + solution.edge - edge
        idle = dataclasses.replace(entry_of(scenario, "edge_compute", 1, 0.0), client_compute=np.full(CLIENTS, np.inf))
        assert check(idle, retold(idle, solution, local=local, edge=edge)).ok


class TestChoices:
    @pytest.mark.parametrize(("node", "place"), [("client", "client 1, task 2"), ("edge", "edge 1, task 2")])
    def test_a_choice_must_be_held(self, node, place):
        scenario, solution = valid(5)
        models, choice = (getattr(solution, f"{node}_{what}") for what in ("models", "choice"))
        other = int(np.flatnonzero(~models[1])[0])
        for wrong in (other, MODELS, -2):
            changed = retold(scenario, solution, **{f"{node}_choice": entry(choice, (1, 2), wrong)})
            roomy = dataclasses.replace(scenario, **{f"{node}_compute": getattr(scenario, f"{node}_compute") * 99})
            violation = only(check(roomy, changed))
            equation = {"client": "(1a)", "edge": "(1b)"}[node]
            assert (violation.constraint, violation.place) == (f"{node}_choice {equation}", place)

    def test_serving_locally_needs_a_model(self):
        scenario, solution = valid(5)
        changed = retold(scenario, solution, client_choice=entry(solution.client_choice, (3, 1), -1))
        violation = only(check(scenario, changed))
        assert (violation.constraint, violation.place) == ("local_without_model (1a)", "client 3, task 1")
        assert violation.amount == solution.local[3, 1]
        # Such queries are worth nothing: as if they were not served.
        unserved = entry(solution.unserved, (3, 1), solution.local[3, 1] + solution.unserved[3, 1])
        left = dataclasses.replace(solution, local=entry(solution.local, (3, 1), 0.0), unserved=unserved)
        assert changed.objective == pytest.approx(worth(scenario, left), abs=1e-14)

    def test_serving_at_the_edge_needs_a_model(self):
        scenario, solution = valid(5)
        changed = retold(scenario, solution, edge_choice=entry(solution.edge_choice, (1, 0), -1))
        report = check(scenario, changed)
        found = {(one.constraint, one.place) for one in report.violations}
        assert found == {("edge_without_model (1b)", f"client {client}, task 0") for client in (1, 2)}
        edge = solution.edge.copy()
        edge[1:3, 0] = 0.0
        left = dataclasses.replace(solution, edge=edge, unserved=solution.unserved + solution.edge - edge)
        assert changed.objective == pytest.approx(worth(scenario, left), abs=1e-14)

    def test_streams_without_demand_need_none(self):
        scenario, solution = valid(5)
        silent = dataclasses.replace(scenario, demand=entry(scenario.demand, (3, 1), 0.0))
        changed = retold(silent, solution, client_choice=entry(solution.client_choice, (3, 1), -1))
        assert check(silent, changed).ok


class TestSupport:
    @pytest.mark.parametrize("allow_unserved", [False, True])
    @pytest.mark.parametrize("tier", ["local", "edge", "cloud"])
    def test_what_does_not_support_a_task_serves_none_of_it(self, tier, allow_unserved):
        scenario, solution = valid(5, allow_unserved=allow_unserved)
        model = {"local": solution.client_choice[1, 2], "edge": solution.edge_choice[1, 2], "cloud": None}[tier]
        field = {"local": "client_accuracy", "edge": "edge_accuracy", "cloud": "cloud_accuracy"}[tier]
        place = (2,) if tier == "cloud" else (1, int(model), 2)
        poorer = dataclasses.replace(scenario, **{field: entry(getattr(scenario, field), place, 0.0)})
        report = check(poorer, retold(poorer, solution))
        # Clients 1 and 2 are at edge 1; the cloud is everybody's.
        same = (np.arange(CLIENTS) >= 0) if tier != "local" else solution.client_choice[:, 2] == model
        clients = [c for c in range(CLIENTS) if same[c] and (tier == "cloud" or scenario.client_edge[c] == 1)]
        equation = {"local": "(3)", "edge": "(5)", "cloud": "(7)"}[tier]
        assert [(one.constraint, one.place) for one in report.violations] == [
            (f"{tier}_unsupported {equation}", f"client {client}, task 2") for client in clients
        ]
        share = getattr(solution, tier)[clients[0], 2]
        assert report.violations[0].amount == share
        server = "the cloud, which" if tier == "cloud" else "a model that"
        assert f"a share of {share:.6g} is served by {server} does not support" in report.violations[0].message
        # Left unserved instead, it is a plan where queries may be left.
        shares = getattr(solution, tier).copy()
        shares[clients, 2] = 0.0
        left = solution.unserved + getattr(solution, tier) - shares
        report = check(poorer, retold(poorer, solution, **{tier: shares}, unserved=left))
        assert bool(report.ok) == allow_unserved
        if not allow_unserved:
            assert {one.constraint for one in report.violations} == {"all_served (13)"}

    def test_streams_without_demand_are_free(self):
        scenario, solution = valid(5)
        cloud = entry(scenario.cloud_accuracy, (2,), 0.0)
        silent = dataclasses.replace(scenario, cloud_accuracy=cloud, demand=scenario.demand * (np.arange(TASKS) != 2))
        assert check(silent, retold(silent, solution)).ok


class TestShares:
    @pytest.mark.parametrize("tier", ["local", "edge", "cloud", "unserved"])
    def test_range_and_finiteness(self, tier):
        scenario, solution = valid(6)
        share = getattr(solution, tier)
        for value in (np.nan, np.inf, -np.inf):
            report = check(scenario, dataclasses.replace(solution, **{tier: entry(share, (2, 1), value)}))
            assert not report.ok
            assert ("shares (13f)", "client 2, task 1") in {(one.constraint, one.place) for one in report.violations}

    def test_negative(self):
        scenario, solution = valid(6)
        roomy = dataclasses.replace(scenario, client_compute=np.full(CLIENTS, np.inf))
        cloud, local = solution.cloud, solution.local
        for below, ok in ((1e-3, False), (1e-7, True)):
            changed = retold(
                roomy,
                solution,
                cloud=entry(cloud, (2, 1), -below),
                local=entry(local, (2, 1), local[2, 1] + cloud[2, 1] + below),
            )
            report = check(roomy, changed)
            assert bool(report.ok) == ok
            if not ok:
                assert (only(report).constraint, only(report).place) == ("shares (13f)", "client 2, task 1")
                assert only(report).amount == pytest.approx(below)

    def test_a_negative_share_makes_no_room(self):
        scenario, solution = valid(6)
        others = dataclasses.replace(solution, cloud=entry(solution.cloud, (2, 1), 0.0))
        uplink = 0.9 * loads(scenario, others)["cloud_uplink (12)"]
        scenario = dataclasses.replace(scenario, cloud_uplink=uplink)
        report = check(scenario, dataclasses.replace(solution, cloud=entry(solution.cloud, (2, 1), -100.0)))
        assert {"shares (13f)", "cloud_uplink (12)"} <= {one.constraint for one in report.violations}

    def test_sum(self):
        scenario, solution = valid(6)
        for more, ok in ((1e-3, False), (1e-7, True)):
            unserved = entry(solution.unserved, (0, 2), solution.unserved[0, 2] + more)
            report = check(scenario, dataclasses.replace(solution, unserved=unserved))
            assert bool(report.ok) == ok
            if not ok:
                assert (only(report).constraint, only(report).place) == ("share_sum (13c)", "client 0, task 2")
                assert only(report).amount == pytest.approx(more)

    def test_all_must_be_served(self):
        scenario, solution = valid(6, allow_unserved=False)
        for left, ok in ((1e-3, False), (1e-7, True)):
            less = entry(solution.cloud, (1, 1), solution.cloud[1, 1] - left)
            changed = retold(scenario, solution, cloud=less, unserved=entry(solution.unserved, (1, 1), left))
            report = check(scenario, changed)
            assert bool(report.ok) == ok
            if not ok:
                assert (only(report).constraint, only(report).place) == ("all_served (13)", "client 1, task 1")
            silent = dataclasses.replace(scenario, demand=entry(scenario.demand, (1, 1), 0.0))
            assert check(silent, retold(silent, changed)).ok


class TestValues:
    def test_objective(self):
        scenario, solution = valid(7)
        for said in (solution.objective + 1e-4, solution.objective - 1e-4, np.nan, np.inf):
            report = check(scenario, dataclasses.replace(solution, objective=np.asarray(said)))
            assert only(report).constraint == "objective (2)"
            assert report.objective == pytest.approx(float(solution.objective))
        assert check(scenario, dataclasses.replace(solution, objective=solution.objective + 1e-7)).ok

    def test_bound(self):
        scenario, solution = valid(7)
        for above, ok in ((np.nan, True), (np.inf, True), (0.1, True), (-1e-7, True), (-1e-4, False), (-np.inf, False)):
            report = check(scenario, dataclasses.replace(solution, bound=np.asarray(solution.objective + above)))
            assert bool(report.ok) == ok
            if not ok:
                assert only(report).constraint == "bound"

    def test_nothing_is_asked(self):
        scenario, solution = valid(7)
        silent = dataclasses.replace(scenario, demand=np.zeros((CLIENTS, TASKS)))
        report = check(silent, dataclasses.replace(solution, objective=np.asarray(0.0)))
        assert report.ok
        assert report.objective == 0.0


@pytest.mark.parametrize("tol", [-1e-9, 1.0, np.nan])
def test_tolerance_must_make_sense(tol):
    with pytest.raises(ValueError, match="tol"):
        check(*valid(), tol=tol)
