import itertools
import json
import math
import re

import matplotlib as mpl
import numpy as np
import polars as pl
import pytest
from made_up_rows import LIMIT, MACHINE, VERSION, WORTH, rows_of
from matplotlib.image import imread
from support.pictures import texts

from j3o_jax.experiments.paper.experiments import EXPERIMENTS
from j3o_jax.experiments.paper.printed import TABLE_IV
from j3o_jax.plots.panels import Curve, Level, curves_panel
from j3o_jax.plots.scales import Scale
from j3o_jax.plots.sheet import Named, draw_sheet
from j3o_jax.reproduce.drawing import draw
from j3o_jax.reproduce.results import files_of, write_results
from j3o_jax.reproduce.sheets import markdown_of
from j3o_jax.reproduce.summary import summarize
from j3o_jax.reproduce.tables import RUNS_SCHEMA, SUMMARY_SCHEMA, runs_frame, summary_frame

FIGURES = [name for name, experiment in EXPERIMENTS.items() if experiment.axis is not None]
PLACEMENTS = [name for name in FIGURES if EXPERIMENTS[name].kind == "placement"]
OF_CURVES = [name for name in FIGURES if name not in PLACEMENTS]


def summary_of(name, rows=None, *, seeds=range(3), methods=None):
    experiment = EXPERIMENTS[name]
    if methods is not None:
        experiment = experiment.narrowed(methods, experiment.benchmarks)
    rows = rows_of(name, seeds) if rows is None else rows
    return summarize(name, experiment, seeds, rows, version=VERSION, time_limit=LIMIT)


def changed(rows, wanted, **changes):
    """The rows, with changes in those that are wanted."""
    return {key: row.model_copy(update=changes) if wanted(row) else row for key, row in rows.items()}


def line_of(summary, method, benchmark="taskonomy5", x=None):
    (found,) = [
        line
        for line in summary.lines
        if (line.method, line.point.benchmark) == (method, benchmark) and (x is None or line.x == x)
    ]
    return found


# Figures


def test_means_deviations_and_shares_are_those_of_numpy():
    summary = summary_of("table4", seeds=range(4))
    objective = WORTH["j3o"] - 0.001 * np.arange(4)
    line = line_of(summary, "j3o")
    assert line.measure == "loss"
    assert line.reached.n == 4
    assert line.reached.mean == pytest.approx(np.mean(1 - objective))
    assert line.reached.deviation == pytest.approx(np.std(objective))
    assert line.reached.standard_error == pytest.approx(np.std(objective, ddof=1) / 2)
    assert line.milliseconds.mean == pytest.approx(1e3 * np.mean(0.25 + 0.01 * np.arange(4)))
    assert line.share == pytest.approx(np.mean(objective / (WORTH["exact-milp"] - 0.001 * np.arange(4))))
    assert math.isnan(line.gap)
    exact = line_of(summary, "exact-milp")
    assert exact.share == 1.0
    assert exact.gap == pytest.approx(5e-5 / (WORTH["exact-milp"] - 0.003))
    accuracy = line_of(summary, "j3o", "domainnet6")
    assert accuracy.measure == "accuracy"
    assert accuracy.reached.mean == pytest.approx(np.mean(objective))


def test_after_its_end_a_history_holds_its_last_value():
    summary = summary_of("fig3", seeds=range(1))
    losses = [line_of(summary, "j3o", x=float(iteration)).reached.mean for iteration in range(1, 9)]
    final = 1 - WORTH["j3o"]
    assert losses == pytest.approx([final + 0.2, final + 0.1, *[final] * 6])
    for level in ("exact-milp", "full-local"):
        losses = [line_of(summary, level, x=float(iteration)).reached.mean for iteration in range(1, 9)]
        assert losses == pytest.approx([1 - WORTH[level]] * 8)


def test_an_iteration_without_a_plan_has_no_figure():
    rows = changed(rows_of("fig3"), lambda row: row.method == "j3o" and row.seed == 1, history=[None, 0.5])
    summary = summary_of("fig3", rows)
    assert [line_of(summary, "j3o", x=x).reached.n for x in (1.0, 2.0)] == [2, 3]


def test_what_a_method_is_behind_is_taken_on_the_same_seeds():
    rows = rows_of("fig3")
    behind = [line_of(summary_of("fig3", rows), "j3o", x=x).behind for x in (1.0, 2.0, 3.0, 8.0)]
    less = WORTH["exact-milp"] - WORTH["j3o"]
    assert [spread.mean for spread in behind] == pytest.approx([less + 0.2, less + 0.1, less, less])
    assert [spread.deviation for spread in behind] == pytest.approx([0.0] * 4, abs=1e-12)
    assert line_of(summary_of("fig3", rows), "exact-milp", x=1.0).behind.mean == 0.0
    # With a seed whose optimum is not known there would be two sets of seeds in one picture.
    unsolved = changed(rows, lambda row: (row.method, row.seed) == ("exact-milp", 1), error="x", objective=None)
    line = line_of(summary_of("fig3", unsolved), "j3o", x=1.0)
    assert math.isnan(line.behind.mean)
    assert math.isnan(line.tolerance)


def test_what_the_optimum_may_lack_is_its_gap_or_that_at_which_it_was_stopped():
    rows = rows_of("fig3")
    objectives = WORTH["exact-milp"] - 0.001 * np.arange(3)
    assert line_of(summary_of("fig3", rows), "j3o", x=1.0).tolerance == pytest.approx(np.mean(1e-4 * objectives))
    stopped = changed(rows, lambda row: (row.method, row.seed) == ("exact-milp", 2), gap=0.03)
    tolerance = line_of(summary_of("fig3", stopped), "j3o", x=1.0).tolerance
    assert tolerance == pytest.approx(np.mean([1e-4, 1e-4, 0.03] * objectives))


def test_a_run_without_a_plan_counts_nowhere_and_is_told():
    rows = changed(
        rows_of("table4"),
        lambda row: (row.method, row.seed, row.benchmark) == ("j3o", 1, "taskonomy5"),
        error="the plan fails the independent check: edge_uplink (11)\n| x",
        status=None,
        objective=None,
        loss=None,
    )
    summary = summary_of("table4", rows)
    line = line_of(summary, "j3o")
    assert (line.reached.n, line.failures) == (2, 1)
    assert line.reached.mean == pytest.approx(1 - WORTH["j3o"] + 0.001)
    assert len(summary.failures) == 1
    (note,) = summary.notes
    assert note.startswith("1 run of 54 ended without a plan, which counts nowhere: taskonomy5, J3O, seed 1: the plan")
    assert f"- {' '.join(note.split())}\n" in markdown_of(summary)


def test_without_any_plan_there_is_no_figure():
    rows = changed(rows_of("fig4"), lambda row: row.method != "j3o", error="MemoryError: ", status=None, objective=None)
    summary = summary_of("fig4", rows)
    line = line_of(summary, "rand-ao", x=0.4)
    assert (line.reached.n, line.failures) == (0, 3)
    assert math.isnan(line.reached.mean)
    assert math.isnan(line_of(summary, "j3o", x=0.4).share)
    assert "| 0.4 | – | – | – | – | 0.0" in markdown_of(summary)
    assert [text for text, _ in texts(draw(summary)) if text in ("J3O", "Rand-AO")] == ["J3O"]


def test_the_optimum_is_known_though_it_was_not_asked_for():
    rows = rows_of("table4")
    assert line_of(summary_of("table4", rows, methods=("j3o",)), "j3o").share < 1
    own = {key: row for key, row in rows.items() if row.method == "j3o"}
    assert math.isnan(line_of(summary_of("table4", own, methods=("j3o",)), "j3o").share)
    # Nor is a share given over fewer seeds than the loss beside it.
    part = {key: row for key, row in rows.items() if row.method == "j3o" or row.seed}
    assert math.isnan(line_of(summary_of("table4", part, methods=("j3o",)), "j3o").share)


def test_what_must_be_known_of_the_runs_is_noted():
    rows = rows_of("fig4")
    assert summary_of("fig4", rows).notes == ()
    other = MACHINE.model_copy(update={"processor": "Made-up 4000"})
    mixed = changed(rows, lambda row: row.seed == 1, machine=other)
    mixed = changed(mixed, lambda row: row.seed == 2, source="ba9876543210")
    mixed = changed(mixed, lambda row: row.method == "exact-milp" and row.seed == 0, status="iteration_limit", gap=0.02)
    summary = summary_of("fig4", mixed)
    assert [machine.processor for machine in summary.machines] == ["Made-up 3000", "Made-up 4000"]
    limit, machines, sources = summary.notes
    assert limit.startswith("6 exact runs ended without a proof to the gap asked for, with 300 s each")
    assert machines.startswith("The times are of 2 machines")
    assert sources.startswith("The runs come from 2 states of the code")
    text = markdown_of(summary)
    for words in (limit, machines, sources, "Timed on Made-up 3000, 4 cores", "Timed on Made-up 4000, 4 cores"):
        assert words in text


# Markdown


def test_the_table_has_the_papers_figures_beside_ours():
    text = markdown_of(summary_of("table4"))
    for benchmark, rows in TABLE_IV.items():
        assert f"\n## {benchmark}\n" in text
        for printed in rows.values():
            assert f"| {printed.mean:.3f} ± {printed.deviation:.3f} |" in text
    for words in ("0.081 ± 0.047", "65,792 ± 21,031", "2,078 ± 369", "97.7 %", "97.5 %", "99.7 %", "0.094 ± 0.048"):
        assert f"| {words} |" in text
    assert "| J3O | 0.091 ± 0.001 | 0.094 ± 0.048 | 97.85 % | 97.7 % | 260 ± 8 | 798 ± 8 | – | 3 |" in text
    assert "| MINLP Solver | 0.071 ± 0.001 | 0.073 ± 0.037 | 100.00 % | 100.0 % |" in text
    assert "Average accuracy, paper" in text
    assert "Seeds 0 to 2" in text
    assert "j3o-jax 0.1.0, 2025-06-01." in text
    assert "JAX 0.10.2 on cpu, HiGHS 1.16.0, Python 3.11.7" in text


@pytest.mark.parametrize("name", FIGURES)
def test_no_figures_of_the_paper_are_made_up(name):
    summary = summary_of(name)
    text = markdown_of(summary, f"{name}.svg")
    assert "without numbers" in text
    assert f"]({name}.svg)" in text
    assert all(line.paper is None or not line.point.overrides for line in summary.lines)
    assert all(line.paper is None for line in summary.lines if name == "fig3")
    rows = [row for row in text.splitlines() if row.startswith(("| 0", "| 1"))]
    assert len(rows) >= len({point.x for point in EXPERIMENTS[name].points if name != "fig2"})


def test_losses_over_iterations_have_decimals_enough_to_see_them_fall():
    rows = changed(rows_of("fig3"), lambda row: row.method == "j3o", history=[0.9165, 0.91682, 0.91683])
    text = markdown_of(summary_of("fig3", rows))
    assert "| Iteration | Greedy-AO |" in text
    for iteration, loss in (("1", "0.08350"), ("2", "0.08318"), ("3", "0.08317"), ("8", "0.08317")):
        assert re.search(rf"^\| {iteration} \|.* {loss} ± 0\.00000 \|$", text, re.MULTILINE)


def test_tables_in_markdown_are_rectangular():
    for name in EXPERIMENTS:
        for _, table in itertools.groupby(markdown_of(summary_of(name)).splitlines(), lambda row: row.startswith("|")):
            assert len({row.count("|") for row in table if row.startswith("|")}) <= 1


# Parquet


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_tables_read_back_with_their_schema_and_pictures_are_not_blank(tmp_path, name):
    summary = summary_of(name)
    files = files_of(name, EXPERIMENTS[name], str(tmp_path))
    write_results(summary, files)
    assert sorted(files.values()) == sorted(str(path) for path in tmp_path.iterdir())
    lines, runs = pl.read_parquet(files["summary"]), pl.read_parquet(files["runs"])
    assert dict(lines.schema) == dict(SUMMARY_SCHEMA)
    assert dict(runs.schema) == dict(RUNS_SCHEMA)
    assert len(lines) == len(summary.lines)
    assert len(runs) == len(summary.rows)
    assert lines.equals(summary_frame(summary))
    assert runs.equals(runs_frame(summary))
    if name not in FIGURES:
        return
    pixels = imread(files["png"])[..., :3]
    assert pixels.shape[0] > 800
    assert pixels.shape[1] > 1200
    for colour in ("#E69F00", "#009E73"):
        near = np.abs(pixels - mpl.colors.to_rgb(colour)).max(axis=-1) < 0.02
        assert near.sum() > 300, colour
    with open(files["svg"], encoding="utf-8") as file:
        assert "<svg" in file.read()


def test_tables_hold_what_was_solved():
    summary = summary_of("table4")
    lines, runs = summary_frame(summary), runs_frame(summary)
    row = lines.row(by_predicate=(pl.col("benchmark") == "taskonomy5") & (pl.col("method") == "j3o"), named=True)
    assert row["mean"] == pytest.approx(1 - WORTH["j3o"] + 0.001)
    assert (row["paper_mean"], row["paper_milliseconds"], row["paper_share_of_optimum"]) == (0.094, 797.87, 0.977)
    assert (row["x"], row["largest_gap"], row["overrides"], row["seeds"]) == (None, None, "{}", 3)
    assert row["machines"] == [MACHINE.model_dump()]
    # Means come out of the runs again.
    again = runs.group_by("benchmark", "method").agg(pl.col("loss").mean(), pl.col("seconds").mean())
    both = lines.filter(pl.col("measure") == "loss").join(again, on=["benchmark", "method"])
    np.testing.assert_allclose(both["loss"], both["mean"])
    np.testing.assert_allclose(both["seconds"] * 1e3, both["milliseconds"])
    assert runs["history"].list.len().unique().to_list() == [3]
    assert runs["finished"].dt.year().unique().to_list() == [2025]
    fig4 = runs_frame(summary_of("fig4"))
    assert {json.loads(text)["edge_uplink_fraction"] for text in fig4["overrides"]} == set(fig4["x"])


def test_a_run_without_a_plan_is_null_in_the_tables():
    rows = changed(rows_of("fig3"), lambda row: True, error="out of memory", status=None, objective=None, loss=None)
    summary = summary_of("fig3", {key: row.model_copy(update={"traffic": {}}) for key, row in rows.items()})
    runs, lines = runs_frame(summary), summary_frame(summary)
    assert runs["loss"].null_count() == runs["local"].null_count() == len(runs)
    assert lines["mean"].null_count() == lines["standard_error"].null_count() == len(lines)
    assert not lines["milliseconds"].is_nan().any()


# Pictures


def words_that_are_readable(figure):
    """Every text that is seen, after making sure that none hides another or is cut off."""
    shown = texts(figure)
    for (one, box), (other, second) in itertools.combinations(shown, 2):
        assert not box.padded(-1.0).overlaps(second.padded(-1.0)), (one, other)
    for text, box in shown:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text
    for one, other in itertools.combinations(figure.axes, 2):
        assert not one.get_window_extent().overlaps(other.get_window_extent())
    return [text for text, _ in shown]


@pytest.mark.parametrize("name", OF_CURVES)
def test_pictures_say_what_they_show_and_hide_nothing(tmp_path, name):
    summary = summary_of(name)
    figure = draw(summary)
    words = words_that_are_readable(figure)
    axes, *others = figure.axes[:-1]
    assert [axes.get_xlabel() for axes in figure.axes if axes.get_xlabel()] == [EXPERIMENTS[name].axis.label]
    assert len(others) == (1 if EXPERIMENTS[name].iterations else 0)
    assert axes.get_ylabel() == "Average test loss 1 − F"
    assert EXPERIMENTS[name].title in words
    from_zero = summary.experiment.from_zero
    cut = "" if from_zero else "; the axis does not start at 0"
    whose = ", BAJ3O" if name == "fig7" else ""
    assert f"Mean over 3 seeds{whose}; band: ± one standard error of the mean{cut}" in words
    curves = {line.get_label(): line for line in axes.get_lines()}
    assert len(curves) == len({line.curve for line in summary.lines})
    looks = {(line.get_color(), line.get_marker(), str(line.get_linestyle())) for line in axes.get_lines()}
    assert len({color for color, _, _ in looks}) == len({marker for _, marker, _ in looks}) == len(curves)
    low = min(line.get_ydata().min() for line in axes.get_lines())
    assert low >= axes.get_ylim()[0]
    assert (axes.get_ylim()[0] == 0.0) == from_zero
    assert len([tick for tick in axes.get_yticks() if axes.get_ylim()[0] <= tick <= axes.get_ylim()[1]]) >= 3


@pytest.mark.parametrize("name", PLACEMENTS)
def test_pictures_of_placements_say_what_they_show_and_hide_nothing(name):
    experiment = EXPERIMENTS[name]
    figure = draw(summary_of(name))
    words = words_that_are_readable(figure)
    assert experiment.title in words
    caption = "Mean over 3 seeds; band: ± one standard error of the mean"
    assert (caption if name == "fig2" else f"{caption}; decisions of BAJ3O") in words
    assert ("Decisions of MINLP Solver" in words) == (name == "fig2")
    views = [view for row in experiment.views for view in row]
    for view in views:
        assert any(word.endswith(f") {view.title}") for word in words)
    with_scales = [axes for axes in figure.axes if axes.get_ylabel()]
    assert len(with_scales) == len(views)
    assert [axes.get_xlabel() for axes in with_scales if axes.get_xlabel()] == [experiment.axis.label] * len(
        experiment.views[-1]
    )
    for axes, view in zip(with_scales, views, strict=True):
        low, high = axes.get_ylim()
        values = np.concatenate([line.get_ydata() for line in axes.get_lines()])
        assert low <= values.min() <= values.max() <= high
        assert {*np.concatenate([line.get_xdata() for line in axes.get_lines()])} == {
            point.x for point in experiment.points
        }
        if view.shows in ("edge_models", "client_models"):
            assert (low < 0.0, high > 1.0) == (True, True)


def test_the_panels_of_figure_1_hold_what_was_decided():
    """Four panels in each row; decisions of BAJ3O, or of the one method that was asked for."""
    panels = [axes for axes in draw(summary_of("fig1")).axes if axes.get_ylabel()]
    assert len(panels) == 8
    accuracy, edge, clients, batches = panels[:4]
    assert [line.get_ydata().size for line in accuracy.get_lines()] == [9, 9]
    shares = [line.get_ydata().tolist() for line in edge.get_lines()]
    assert shares == [[0.0] * 4 + [1.0] * 5, [1.0] * 4 + [0.0] * 5, [0.0] * 9]
    np.testing.assert_allclose(clients.get_lines()[1].get_ydata(), (0.6 + 0.4 + 0.6) / 3)
    np.testing.assert_allclose(batches.get_lines()[1].get_ydata(), 31.0)
    exact = draw(summary_of("fig1", methods=("exact-milp",)))
    _, edge, *_ = (axes for axes in exact.axes if axes.get_ylabel())
    assert edge.get_lines()[0].get_ydata().tolist() == [0.0] * 6 + [1.0] * 3
    assert any(text.endswith("decisions of MINLP Solver") for text, _ in texts(exact))


def test_rows_of_methods_that_were_not_asked_for_are_left_out():
    figure = draw(summary_of("fig2", methods=("exact-milp",)))
    words = words_that_are_readable(figure)
    assert "Decisions of MINLP Solver" in words
    assert "Decisions of BAJ3O" not in words
    assert len([axes for axes in figure.axes if axes.get_ylabel()]) == 2


def test_decisions_are_in_the_tables():
    summary = summary_of("fig2")
    text = markdown_of(summary)
    for title in (
        "Average accuracy, p_A = 0.6",
        "Edge batch size, p_A = 0.8, BAJ3O",
        "Onloaded at the edge, p_A = 0.6",
    ):
        assert f"\n## {title}" in text
    assert "Onloaded at the edge, p_A = 0.8" not in text
    assert "| 5 | 40.0 ± 0.0 | 31.0 ± 0.8 |" in text
    line = summary_frame(summary).row(0, named=True)
    assert line["edge_models"][1] == {"name": "m(B)", "value": pytest.approx(1.0)}
    runs = runs_frame(summary)
    assert runs["edge_batches"].list.eval(pl.element().struct.field("value")).list.last().to_list()[:3] == [30, 31, 32]


def test_rows_of_before_decisions_were_kept_have_no_curves():
    rows = changed(rows_of("fig1"), lambda row: True, decisions={})
    summary = summary_of("fig1", rows)
    assert all(line.decisions == {} for line in summary.lines)
    panels = [axes for axes in draw(summary).axes if axes.get_ylabel()]
    assert [len(axes.get_lines()) for axes in panels] == [2, 0, 0, 0] * 2
    assert summary_frame(summary)["edge_models"].null_count() == len(summary.lines)


def test_over_iterations_a_second_panel_shows_small_differences():
    figure = draw(summary_of("fig3"))
    axes, behind, names = figure.axes
    assert (axes.get_yscale(), behind.get_yscale()) == ("linear", "log")
    assert behind.get_ylabel() == "Loss above the MINLP Solver's"
    assert behind.get_xlabel() == "Iteration (outer round)"
    assert axes.get_xlim() == behind.get_xlim()
    assert [text.get_text() for text in behind.get_xticklabels()] == list("12345678")
    assert [text.get_text() for text in behind.get_yticklabels()] == ["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹"]
    mark, *curves = sorted(behind.get_lines(), key=lambda line: line.get_marker() != "None")
    assert np.unique(mark.get_ydata()) == pytest.approx(1e-4 * (WORTH["exact-milp"] - 0.001))
    assert "the exact solver's\nown gap" in [text for text, _ in texts(figure)]
    # The curves look as they do above, and are named once.
    looks = {line.get_marker(): line for line in axes.get_lines()}
    assert len(names.texts) == len(looks) == len(curves) + 1
    for line in curves:
        above = looks[line.get_marker()]
        assert line.get_color() == above.get_color()
        np.testing.assert_allclose(line.get_ydata(), above.get_ydata() - (1 - WORTH["exact-milp"] + 0.001))


def test_where_a_method_is_not_behind_nothing_is_drawn():
    better = changed(
        rows_of("fig3"),
        lambda row: row.method == "opt-ao",
        history=[WORTH["exact-milp"] - 0.01, WORTH["exact-milp"] - 0.001, WORTH["exact-milp"] + 1e-5],
    )
    figure = draw(summary_of("fig3", better, methods=("opt-ao", "j3o")))
    (curve,) = [line for line in figure.axes[1].get_lines() if line.get_marker() == "^"]
    assert np.isfinite(curve.get_ydata()).tolist() == [True] + [False] * 7
    (caption,) = [text for text, _ in texts(figure) if text.startswith("Mean over")]
    assert caption.endswith("; differences below 10⁻⁶ are not drawn")
    # Nothing at all to compare, or to compare with: no second panel.
    assert len(draw(summary_of("fig3", methods=("exact-milp",))).axes) == 2
    own = {key: row for key, row in better.items() if row.method == "j3o"}
    assert len(draw(summary_of("fig3", own, methods=("j3o",))).axes) == 2


@pytest.mark.parametrize("heights", [(0.3, 0.31), (1e-4, 0.9), (3e-4, 8e-4), (0.1, 0.1)])
def test_a_logarithmic_axis_has_two_figures_to_read_it_by(heights):
    curve = Curve("J3O", 5, (1.0, 2.0), heights, (1.0, 0.01))
    level = Level(2e-4, "a mark whose words are far wider than all names") if heights[0] > 2e-4 else None
    panel = curves_panel("", "y", [curve], Scale("x", (1.0, 2.0)), log=True, level=level)
    figure = draw_sheet([("", [panel])], "title", "caption", names=[Named("J3O", 5)], beside=True)
    low, high = figure.axes[0].get_ylim()
    assert low < min(heights) <= max(heights) < high
    assert sum(low <= tick * (1 + 1e-9) and tick <= high * (1 + 1e-9) for tick in figure.axes[0].get_yticks()) >= 2
    assert all(box.x1 <= figure.bbox.x1 for _, box in texts(figure))


def test_names_stand_in_the_order_of_the_curves_ends():
    summary = summary_of("fig5")
    names = [text.get_text() for text in draw(summary).axes[1].texts]
    ends = [line_of(summary, method, x=1.0) for method in EXPERIMENTS["fig5"].methods]
    assert names == [line.label for line in sorted(ends, key=lambda line: -line.reached.mean)]


def test_curves_may_be_settings_instead_of_methods():
    curves = [Curve(f"χₑ = {look}", look, (0.0, 1.0), (0.1 * look, 0.2), (0.0, math.nan)) for look in range(10)]
    scale = Scale("x", (0.0, 1.0))
    figure = draw_sheet([("", [curves_panel("", "y", curves, scale)])], "title", "caption", beside=True)
    assert len(figure.axes[0].get_lines()) == 10
    assert len(draw_sheet([("", [curves_panel("", "y", [], scale)])], "title", "caption", beside=True).axes) == 2


def test_a_figure_may_have_a_curve_for_each_setting_and_one_seed_has_no_band():
    summary = summary_of("fig7", seeds=range(1))
    names = [f"χₑ = {uplink}" for uplink in (0.5, 0.6, 0.7, 0.8)]
    assert f"| T_b | {' | '.join(names)} |" in markdown_of(summary)
    axes, beside = draw(summary).axes
    assert sorted(text.get_text() for text in beside.texts) == names
    assert [list(line.get_xdata()) for line in axes.get_lines()] == [[0.5, 0.6, 0.7, 0.8, 0.9, 1.0]] * 4
    assert summary_frame(summary)["series"].to_list() == [name for name in names for _ in range(6)]
    assert "Mean over 1 seed, BAJ3O; the axis does not start at 0" in [text for text, _ in texts(draw(summary))]
