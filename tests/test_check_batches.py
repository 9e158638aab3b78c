"""The checker on batches, on plans that are none, and on arrays that do not fit."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.oracle import brute_force
from support.plans import CLIENTS, EDGES, TASKS, entry, only, only_instance, valid
from support.scenarios import random_scenario, stack

from j3o_jax import Status
from j3o_jax._check import check
from j3o_jax._violations import ViolationError


class TestHopeless:
    @pytest.mark.parametrize("status", [one for one in Status if not one.success])
    def test_failing_status(self, status):
        scenario, solution = valid(8)
        failed = dataclasses.replace(solution, status=np.asarray(int(status)), reasons=("too little of everything",))
        violation = only(check(scenario, failed))
        assert violation.constraint == "status"
        assert status.name in violation.message
        assert "too little of everything" in violation.message
        nothing = np.full((CLIENTS, TASKS), np.nan)
        failed = dataclasses.replace(failed, local=nothing, edge=nothing, objective=np.asarray(np.nan))
        assert only(check(scenario, failed)).constraint == "status"

    def test_unknown_status(self):
        scenario, solution = valid(8)
        violation = only(check(scenario, dataclasses.replace(solution, status=np.asarray(17))))
        assert (violation.constraint, violation.message) == ("status", "17 is not a status")

    def test_invalid_data(self):
        pairs = [valid(seed) for seed in range(3)]
        scenario, solution = stack([pair[0] for pair in pairs]), stack([pair[1] for pair in pairs])
        wrong = dataclasses.replace(scenario, client_edge=entry(scenario.client_edge, (1, 2), EDGES))
        violation = only_instance(check(wrong, solution), (1,))
        assert (violation.constraint, violation.place) == ("scenario", "client_edge")


class TestBatches:
    @pytest.fixture
    def batch(self):
        pairs = [valid(seed, batching=True) for seed in range(6)]
        return stack([pair[0] for pair in pairs]), stack([pair[1] for pair in pairs]), pairs

    @pytest.mark.parametrize("shape", [(6,), (2, 3), (1, 6, 1)])
    def test_any_number_of_axes(self, batch, shape):
        scenario, solution, pairs = batch
        scenario, solution = jax.tree.map(lambda x: x.reshape(*shape, *x.shape[1:]), (scenario, solution))
        report = check(scenario, solution).raise_if_violated()
        assert report.ok.shape == report.objective.shape == report.worst.shape == shape
        np.testing.assert_allclose(report.objective.ravel(), [check(*pair).objective for pair in pairs], rtol=1e-14)
        index = tuple(int(i) for i in np.unravel_index(4, shape))
        unserved = entry(solution.unserved, (*index, 2, 1), 0.7)
        violation = only_instance(check(scenario, dataclasses.replace(solution, unserved=unserved)), index)
        assert (violation.constraint, violation.place) == ("share_sum (13c)", "client 2, task 1")

    def test_violations_are_in_the_order_of_instances(self, batch):
        scenario, solution, _ = batch
        said, unserved = entry(solution.objective, (1,), 2.0), entry(solution.unserved, (4, 0, 0), 0.9)
        report = check(scenario, dataclasses.replace(solution, objective=said, unserved=unserved))
        found = [(one.instance, one.constraint) for one in report.violations]
        assert found == [((1,), "objective (2)"), ((4,), "share_sum (13c)")]

    def test_empty(self, batch):
        scenario, solution = jax.tree.map(lambda x: x[:0], batch[:2])
        report = check(scenario, solution).raise_if_violated()
        assert report.ok.shape == (0,)
        assert str(report)

    def test_mixed_with_failures(self, batch):
        scenario, solution, _ = batch
        status = entry(solution.status, (3,), int(Status.numerical_error))
        local = solution.local.copy()
        local[3] = np.nan
        failed = dataclasses.replace(solution, status=status, local=local)
        assert only_instance(check(scenario, failed), (3,)).constraint == "status"

    def test_jax_arrays(self, batch):
        with jax.enable_x64(False):
            scenario, solution = jax.tree.map(jnp.asarray, batch[:2])
        report = check(scenario, solution, tol=1e-5)
        assert isinstance(report.ok, np.ndarray)
        assert report.ok.all()

    def test_report_is_readable(self, batch):
        scenario, solution, _ = batch
        assert "6 of 6 plans ok" in str(check(scenario, solution))
        report = check(scenario, dataclasses.replace(solution, cloud=solution.cloud / 2))
        assert not report.ok.any()
        lines = str(report).splitlines()
        assert lines[0].startswith("not ok: 0 of 6 plans ok")
        assert lines[1].startswith("  instance [0]: share_sum (13c): client 0, task 0: local 0.")
        assert lines[-1] == f"  and {6 * (CLIENTS * TASKS + 1) - 10} more"
        with pytest.raises(ViolationError, match=r"share_sum \(13c\)"):
            report.raise_if_violated()


class TestArrays:
    def test_another_scenario(self):
        scenario, _ = valid(9)
        other = random_scenario(np.random.default_rng(0), clients=2, edges=2, tasks=2, models=2)
        plan = brute_force(other)
        assert plan is not None
        report = check(scenario, plan.solution(other))
        assert not report.ok
        assert np.isnan(report.objective)
        found = {(one.constraint, one.place) for one in report.violations}
        assert {("arrays", "local"), ("arrays", "edge_models"), ("arrays", "client_choice")} <= found

    def test_another_batch(self):
        scenario, solution = valid(9)
        report = check(stack([scenario, scenario]), solution)
        assert report.ok.tolist() == [False, False]

    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("client_choice", lambda x: x.astype(float)),
            ("edge_choice", lambda x: x.T),
            ("client_models", lambda x: x.astype(int)),
            ("cloud", lambda x: x[None]),
            ("status", lambda x: x.astype(float)),
            ("objective", lambda x: x[None]),
        ],
    )
    def test_one_array(self, name, change):
        scenario, solution = valid(9)
        # Past the constructor, which the type checker of the test run guards.
        changed = eqx.tree_at(lambda plan: getattr(plan, name), solution, replace_fn=change)
        violation = only(check(scenario, changed))
        assert (violation.constraint, violation.place) == ("arrays", name)
