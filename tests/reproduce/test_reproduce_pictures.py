"""Pictures of the experiments: they say what they show, hide nothing, and hold what was solved."""

import itertools
import math

import numpy as np
import polars as pl
import pytest
from made_up_rows import FIGURES, WORTH, changed, line_of, rows_of, summary_of
from support.pictures import texts

from j3o_jax.experiments.paper.experiments import EXPERIMENTS
from j3o_jax.plots.panels import Curve, Level, curves_panel
from j3o_jax.plots.scales import Scale
from j3o_jax.plots.sheet import Named, draw_sheet
from j3o_jax.reproduce.drawing import draw
from j3o_jax.reproduce.sheets import markdown_of
from j3o_jax.reproduce.tables import runs_frame, summary_frame

PLACEMENTS = [name for name in FIGURES if EXPERIMENTS[name].kind == "placement"]
OF_CURVES = [name for name in FIGURES if name not in PLACEMENTS]


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
