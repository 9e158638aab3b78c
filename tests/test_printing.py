"""What `print` shows: plans for people, methods with their settings, and numbers for what is one number."""

import dataclasses
import html

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.methods import draw_batch

import j3o_jax as j3o
from j3o_jax.io import example_deployment

NUMBERS = ("objective", "bound", "status", "gap")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    path = tmp_path_factory.mktemp("site") / "site.yaml"
    path.write_text(example_deployment())
    return j3o.load(path)


@pytest.fixture(scope="module")
def plan(site):
    return j3o.solve(site, j3o.ExactMILP())


def test_a_single_plan_has_numbers_and_a_batch_has_arrays(site, plan):
    batch = j3o.solve(draw_batch(3), j3o.FullLocal())
    certified = j3o.certify(site, plan)
    for one in (plan, batch[1], certified, j3o.solve(draw_batch(2)[0], j3o.J3O())):
        for name in NUMBERS:
            assert isinstance(getattr(one, name), np.generic), name
        assert "array" not in f"{one.status} {one.status!r}"
        assert all(isinstance(value, np.generic) for value in one.stats.values())
        assert isinstance(one.local, np.ndarray)
    for name in NUMBERS:
        assert np.shape(getattr(batch, name)) == (3,)
        assert isinstance(getattr(batch, name), np.ndarray)
    assert batch[1:].objective.shape == (2,)


def test_a_plan_is_printed_for_people(site, plan):
    text = str(plan)
    assert f"objective {plan.objective:.6f}, bound {plan.bound:.6f} (by the solver's word): at most" in text
    assert "\noptimal: an optimum, to within 0.01 % by its bound\n" in text
    names = site.labels
    for name in (*names.edges, *names.clients):
        assert f"\n  {name}: " in text
    for client, task in np.argwhere(site.demand > 0.0):
        ways = (("local", plan.local), ("edge", plan.edge), ("cloud", plan.cloud), ("unserved", plan.unserved))
        told = ", ".join(
            f"{way} {100 * share[client, task]:.1f}".removesuffix(".0")
            for way, share in ways
            if share[client, task] > 1e-6
        )
        assert f"\n  {names.clients[client]} {names.tasks[task]}: {told}" in text
    for client, task in np.argwhere(site.demand == 0.0):
        assert f"\n  {names.clients[client]} {names.tasks[task]}: " not in text
    assert max(map(len, text.splitlines())) <= 102
    unproven = dataclasses.replace(plan, bound=np.float64(np.nan))
    assert "no bound proven" in str(unproven)
    assert plan._repr_html_() == f"<pre>{html.escape(text)}</pre>"


def test_a_plan_that_there_is_not_says_why(plan):
    failed = dataclasses.replace(plan, status=np.int64(j3o.Status.infeasible), reasons=("too little <compute>",))
    assert "infeasible: too little <compute>" in str(failed)
    assert "&lt;compute&gt;" in failed._repr_html_()
    assert "models held" not in str(failed)


def test_many_nodes_and_streams_are_counted():
    scenario = draw_batch(1, clients=40)[0]
    plan = j3o.solve(scenario, j3o.FullLocal())
    assert len(str(plan).splitlines()) < 60
    streams = np.argwhere(scenario.demand > 0.0)[16:]
    mean = plan.local[streams[:, 0], streams[:, 1]].mean()
    assert f"and {len(streams):,} more, on average local {100 * mean:.1f}".removesuffix(".0") in str(plan)


def test_a_batch_is_printed_as_a_summary():
    batch = j3o.solve(draw_batch(4), j3o.FullLocal())
    status = np.array([1, 1, 3, 2])
    mixed = dataclasses.replace(batch, status=status, bound=batch.objective * [1.01, np.nan, 1.0, 1.03], reasons=())
    text = str(mixed)
    assert "status: 2 converged, 1 iteration_limit, 1 infeasible" in text
    assert f"objective: mean {batch.objective[[0, 1, 3]].mean():.6f}" in text
    assert "gap: mean 2 %, at most 3 %, proven for 2 of 3" in text
    assert "none proven" in str(batch)


def test_a_traced_plan_can_be_printed():
    seen = []

    def objective(scenario):
        plan = j3o.solve(scenario)
        seen.append(str(plan))
        return plan.objective

    with jax.enable_x64(True):
        jax.eval_shape(objective, jax.tree.map(jnp.asarray, draw_batch(1)[0]))
    assert seen[0].startswith("Solution(")


def test_methods_show_their_settings():
    text = str(j3o.J3O(max_iterations=3))
    for setting in ("max_iterations=3", "greedy='plus_max'", "lp=HierarchicalLP(", "multiplier=DualSearch(steps=20)"):
        assert setting in text
    assert len(text.splitlines()) > 5
    assert repr(j3o.ExactMILP(gap=1e-3)) == "ExactMILP(gap=0.001, time_limit=inf, threads=None, start=None)"
    assert "\n" not in repr(j3o.PriceDirected())
    for method in (j3o.GreedyAO, j3o.BilinearMINLP, j3o.FullLocal, j3o.BAJ3O, j3o.CvxpyLP):
        for field in dataclasses.fields(method):
            assert f"{field.name}=" in repr(method())
    assert "step_size=[0.1, 0.3]" in repr(j3o.Subgradient(step_size=[0.1, 0.3]))
    assert "step_size=float64[20]" in repr(j3o.Subgradient(step_size=np.ones(20)))
