import dataclasses
import functools
import hashlib
import sys

import matplotlib as mpl
import numpy as np
import pytest
from support.handmade_plans import rough_plan, taskonomy_like, without_plan
from support.pictures import assert_readable, labels, texts

import j3o_jax as j3o
from j3o_jax.plots import check_suffix, plot_comparison, plot_plan, plot_simulation, save_figure
from j3o_jax.plots._rows import placement_rows, shown_models
from j3o_jax.report.summary import summarize


@functools.cache
def picture(**options):
    scenario = taskonomy_like(**options)
    return plot_plan(scenario, rough_plan(scenario))


SIZES = [
    {"clients": 1, "edges": 1, "tasks": 1},
    {"clients": 3},
    {"clients": 30},
    {"clients": 300},
    {"clients": 300, "edges": 12},
    {"clients": 400, "edges": 60, "tasks": 3},
]


@pytest.mark.parametrize("options", SIZES, ids=str)
def test_a_page_on_which_no_text_hides_another(options):
    figure = picture(**options)
    assert_readable(figure)
    across, down = figure.get_size_inches()
    assert 8 < across < 15
    assert 3 < down < 14


def test_thirty_clients_are_all_named():
    scenario = taskonomy_like()
    figure = plot_plan(scenario, rough_plan(scenario))
    matrix, memory, legend, traffic, limits = figure.axes
    names = scenario.labels
    rows = labels(matrix)
    assert [row for row in rows if row.startswith("camera")] == list(names.clients)
    assert rows[0] == "site-0"
    assert rows[11] == "site-1"
    assert labels(matrix, "x") == list(names.models)
    assert labels(traffic) == [*names.tasks, "all tasks"]
    edge = [f"edge {resource}" for resource in ("memory", "compute", "uplink")]
    assert labels(limits) == ["client memory", "client compute", *edge, "cloud uplink"]
    assert len(memory.get_yticks()) == len(legend.get_lines()) == 0


def test_bars_are_the_shares_of_the_queries():
    scenario = taskonomy_like(clients=3)
    plan = rough_plan(scenario)
    summary = summarize(scenario, plan)
    traffic = plot_plan(scenario, plan).axes[3]
    widths = [patch.get_width() for patch in traffic.patches]
    wanted = [getattr(row, way) for row in (*summary.traffic, summary.total) for way in ("local", "edge", "cloud")]
    for share in wanted:
        assert any(width == pytest.approx(share) for width in widths)
    assert f"{summary.total.accuracy:.3f}" in [text.get_text() for text in traffic.texts]


def test_the_window_stands_in_for_the_compute_of_the_edges():
    limits = picture(clients=3, batching=True).axes[4]
    assert "edge batch window" in labels(limits)


@pytest.mark.parametrize(
    ("clients", "edges", "labels"),
    [
        (4, 2, ["edge 0", "client 0", "client 1", "edge 1", "client 2", "client 3"]),
        (300, 3, ["edge 0", "100 clients", "edge 1", "100 clients", "edge 2", "100 clients"]),
        (400, 60, ["all 60 edges", "all 400 clients"]),
    ],
)
def test_rows_are_nodes_or_groups_of_them(clients, edges, labels):
    scenario = taskonomy_like(clients=clients, edges=edges, tasks=2, named=False)
    plan = rough_plan(scenario)
    rows = placement_rows(scenario, plan, summarize(scenario, plan).nodes)
    assert [row.label for row in rows] == labels
    held = sum(row.nodes * row.held for row in rows)
    np.testing.assert_allclose(held, plan.client_models.sum(axis=0) + plan.edge_models.sum(axis=0))
    assert all(np.all(row.busy <= row.held) for row in rows)


def test_an_edge_without_clients_has_a_row_of_its_own():
    scenario = taskonomy_like(clients=3, edges=2, tasks=2)
    scenario = dataclasses.replace(scenario, client_edge=np.zeros(3, dtype=np.int64), edge_uplink=np.array([9.0, 0.0]))
    assert_readable(plot_plan(scenario, rough_plan(scenario)))


def test_models_that_nobody_holds_give_way_where_there_are_many():
    scenario = taskonomy_like(clients=3, tasks=6)
    plan = rough_plan(scenario)
    rows = placement_rows(scenario, plan, summarize(scenario, plan).nodes)
    held = np.flatnonzero(plan.client_models.any(axis=0) | plan.edge_models.any(axis=0))
    assert scenario.models == 63
    np.testing.assert_array_equal(shown_models(scenario, rows), held)
    figure = plot_plan(scenario, plan)
    assert f"Models held ({len(held)} of 63 models)" in [text for text, _ in texts(figure)]
    assert_readable(figure)


def test_any_name_can_be_drawn():
    scenario = taskonomy_like(clients=2, edges=1, tasks=2)
    names = j3o.Names(
        tasks=("$\\frac{1}", "a task with a long name, the first of a kind"),
        models=("m_{", "100 % real", "x" * 60),
        clients=("client\nwith a line", "_hidden"),
        edges=("an edge in the cellar of the old building",),
    )
    figure = plot_plan(dataclasses.replace(scenario, names=names), rough_plan(scenario))
    shown = [text for text, _ in texts(figure)]
    assert "$\\frac{1}" in shown
    assert "a task with… of a kind" in shown
    assert_readable(figure)


def test_no_capacity_and_no_limit_can_be_drawn():
    scenario = taskonomy_like(clients=3, edges=1, tasks=2)
    scenario = dataclasses.replace(
        scenario,
        client_memory=np.zeros(3),
        client_compute=np.full(3, np.inf),
        demand=np.zeros((3, 2)),
        cloud_uplink=np.asarray(0.0),
    )
    figure = plot_plan(scenario, rough_plan(scenario))
    shown = [text for text, _ in texts(figure)]
    assert "no limit" in shown
    assert "none" in shown
    assert_readable(figure)


def test_without_a_plan_there_is_no_picture():
    scenario = taskonomy_like(clients=3)
    with pytest.raises(ValueError, match="no plan to draw: too much"):
        plot_plan(scenario, without_plan(scenario, j3o.Status.infeasible, "too much"))
    with pytest.raises(ValueError, match="no method has a plan"):
        plot_comparison({"j3o": summarize(scenario, without_plan(scenario, j3o.Status.infeasible, "too much"))})


def test_methods_are_drawn_side_by_side():
    scenario = taskonomy_like(clients=3)
    summaries = {f"method-{seed}": summarize(scenario, rough_plan(scenario, seed=seed)) for seed in range(4)}
    summaries["strict"] = summarize(scenario, without_plan(scenario, j3o.Status.infeasible, "too much"))
    figure = plot_comparison(summaries)
    traffic, losses = figure.axes
    assert labels(traffic) == [f"method-{seed}" for seed in range(4)]
    shown = [text.get_text() for text in losses.texts]
    assert shown == [f"{summaries[f'method-{seed}'].loss:.4f}" for seed in range(4)]
    assert_readable(figure)


def test_what_the_table_calls_best_is_drawn_as_best():
    scenario = taskonomy_like(clients=3)
    best = summarize(scenario, rough_plan(scenario))
    others = {"rounding": -1e-9, "worse": -1e-3}
    summaries = {"best": best} | {
        name: dataclasses.replace(best, objective=best.objective + less) for name, less in others.items()
    }
    _, losses = plot_comparison(summaries).axes
    assert [text.get_fontweight() for text in losses.texts] == ["bold", "bold", "normal"]
    first, second, third = (patch.get_facecolor() for patch in losses.patches)
    assert first == second != third


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_files_are_whole_and_the_same_each_time(tmp_path, suffix, start):
    scenario = taskonomy_like(clients=3)
    plan, digests = rough_plan(scenario), set()
    for name in ("one", "two"):
        path = tmp_path / f"{name}{suffix}"
        save_figure(plot_plan(scenario, plan), path)
        assert path.read_bytes().startswith(start)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"one{suffix}", f"two{suffix}"]


def test_a_failure_leaves_the_old_picture(tmp_path, monkeypatch):
    path = tmp_path / "plan.png"
    path.write_bytes(b"old")
    scenario = taskonomy_like(clients=3)
    figure = plot_plan(scenario, rough_plan(scenario))

    def fail(file, **options):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(KeyboardInterrupt):
        save_figure(figure, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_pictures_leave_matplotlib_as_it_was(tmp_path):
    before = dict(mpl.rcParams)
    save_figure(picture(clients=3), tmp_path / "plan.svg")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", ["plan.gif", "plan", "plan.png.txt"])
def test_other_kinds_of_picture_are_refused(name):
    with pytest.raises(ValueError, match=r"pictures end in \.png, \.svg, \.pdf"):
        check_suffix(name)


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    scenario = taskonomy_like(clients=3)
    with pytest.raises(ImportError, match=r"pip install 'j3o-jax\[plots\]'"):
        plot_plan(scenario, rough_plan(scenario))


@pytest.mark.parametrize("options", [{"clients": 1, "edges": 1, "tasks": 1}, {"clients": 60, "edges": 20}], ids=str)
def test_a_simulation_is_drawn_as_measured(options):
    scenario = taskonomy_like(batching=True, **options)
    simulation = j3o.simulate(scenario, rough_plan(scenario), duration=2.0, replications=2)
    figure = plot_simulation(simulation)
    assert_readable(figure)
    curves, use, sizes = figure.axes
    served = simulation.served.sum(axis=0)
    asked = [task for task in range(scenario.tasks) if served[:, task].any()]
    lines = [line for line in curves.get_lines() if len(line.get_xdata()) > 2]
    two = int(np.flatnonzero(np.isclose(simulation.grid, 2.0))[0])
    for line, task in zip(lines, asked, strict=True):
        late = np.nansum(simulation.late[:, :, task] * simulation.served[:, :, task]) / served[:, task].sum()
        assert line.get_ydata()[two] == pytest.approx(max(late, 1e-6), abs=1e-9)
    bars = [patch.get_width() for patch in use.patches if isinstance(patch, mpl.patches.Rectangle)]
    assert len(bars) == min(scenario.edges, 15)
    assert max(bars) == pytest.approx(simulation.utilisation_edge.mean(axis=0).max())
    assert len(sizes.patches) == min(int(np.count_nonzero(simulation.batch_mean.sum(axis=0))), 15)
