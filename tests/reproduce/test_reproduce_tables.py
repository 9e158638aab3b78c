"""Tables of the runs, and of what comes of them, in Parquet files."""

import json

import matplotlib as mpl
import numpy as np
import polars as pl
import pytest
from made_up_rows import FIGURES, MACHINE, WORTH, changed, rows_of, summary_of
from matplotlib.image import imread

from j3o_jax.experiments.paper.experiments import EXPERIMENTS
from j3o_jax.reproduce.results import files_of, write_results
from j3o_jax.reproduce.tables import RUNS_SCHEMA, SUMMARY_SCHEMA, runs_frame, summary_frame


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
