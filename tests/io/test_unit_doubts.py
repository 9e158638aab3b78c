"""Capacities in a larger unit than the file has are doubted, and honest ones are not."""

import pytest
from support.file_examples import SMALL

from j3o_jax.io import example_deployment, load_with_doubts

HERE = SMALL.replace(".inf", "9000").replace("unlimited", "400")


def doubts(tmp_path, text):
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return load_with_doubts(path)[1]


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ([("memory_mb: 24", "memory_mb: 0.024")], "14: clients[0].memory_mb", "= 0.024 MB holds no model"),
        ([("memory_mb: 512", "memory_mb: 0.5")], "11: edges[0].memory_mb", "is it in GB? Then write 500"),
        (
            [("_s: 500, demand", "_s: 0.5, demand")],
            "14: clients[0].compute_gflop_per_s",
            "is it in TFLOP/s? Then write 500",
        ),
        ([("_s: 10000", "_s: 0.9"), ("_s: 9000", "_s: 0.2")], "11: edges[0].compute_gflop_per_s", "TFLOP/s"),
        ([("_s: 500}", "_s: 0.01}"), ("_s: 400}", "_s: 0.004}")], "11: edges[0].uplink_mb_per_s", "is it in GB/s?"),
        ([("_s: 800", "_s: 0.012")], "16: cloud.uplink_mb_per_s", "= 0.012 MB/s carries next to nothing"),
    ],
)
def test_a_thousand_times_too_little_is_doubted_in_one_line(tmp_path, changes, place, words):
    text = HERE
    for good, bad in changes:
        assert good in text
        text = text.replace(good, bad)
    (line,) = doubts(tmp_path, text)
    assert f"site.yaml:{place} " in line
    assert words in line
    assert line.isprintable()


@pytest.mark.parametrize(
    ("window", "setups", "words"),
    [
        (0.05, (0.08, 0.2), ["= 0.05 s is shorter than every set-up there, of which the least is 0.08 s"]),
        (0.05, (0.02, 0.2), []),
        (0.05, (0.0, 0.0), []),
        (100, (0.02, 0.2), ["lets queries wait so long for their batch: is it in milliseconds? Then write 0.1"]),
        (5, (0.02, 0.2), []),
    ],
)
def test_windows_that_slipped_are_doubted(tmp_path, window, setups, words):
    text = HERE.replace("_mb_per_s: 500}", f"_mb_per_s: 500, batching_window_s: {window}}}")
    text = text.replace("_mb_per_s: 400}", f"_mb_per_s: 400, batching_window_s: {window}}}")
    small = """  - name: seg
    client: {memory_mb: 18.4, gflop_per_query: 9.17}
    edge: {memory_mb: 73.7, gflop_per_query: 9.17, setup_s: %s}
    accuracy: {segmentation: 0.9}
edges:
"""
    edge = "edge: {memory_mb: 73.7, gflop_per_query: 9.17}"
    text = text.replace(edge, f"{edge[:-1]}, setup_s: {setups[0]}}}").replace("edges:\n", small % setups[1])
    found = doubts(tmp_path, text)
    assert len(found) == len(words)
    for line, said in zip(found, words, strict=True):
        assert "edges[0].batching_window_s" in line
        assert said in line
        assert "(and 1 more edges alike)" in line


def test_where_all_of_a_kind_are_doubted_so_is_what_loads_them(tmp_path):
    lines = doubts(tmp_path, HERE.replace("input_mb: 0.8", "input_mb: 80000"))
    assert len(lines) == 2
    for line in lines:
        assert "is it in GB/s?" in line
        assert "or is input_mb of the tasks in KB, or demand_per_s per hour?" in line


def test_one_with_a_thousandth_of_the_others_is_doubted(tmp_path):
    first = "memory_mb: 24, compute_gflop_per_s: 500, demand_per_s: {segmentation: 10"
    assert first in HERE
    (line,) = doubts(tmp_path, HERE.replace(first, first.replace("500", "0.6")))
    assert "clients[0].compute_gflop_per_s = 0.6 GFLOP/s" in line
    assert "alike" not in line
    # A weak client among strong ones is a weak client.
    assert doubts(tmp_path, HERE.replace(first, first.replace("500", "0.02"))) == []
    assert doubts(tmp_path, HERE.replace(first, first.replace("memory_mb: 24", "memory_mb: 4"))) == []


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [("memory_mb: 24", "memory_mb: 0")],
        [("memory_mb: 24", "memory_mb: 12")],
        [("memory_mb: 512", "memory_mb: 512000")],
        [("_s: 10000", "_s: 500000")],
        [("_s: 800", "_s: 0")],
        [("_s: 800", "_s: unlimited")],
        [("_s: 500, demand", "_s: 0, demand")],
        [("segmentation: 10, depth: 3", "segmentation: 0"), ("demand_per_s: {depth: 3}", "demand_per_s: {}")],
        [("_s: 500}", "_s: 0.4}"), ("_s: 400}", "_s: 0.3}")],
        [("_s: 800", "_s: 0.1")],
    ],
    ids=str,
)
def test_none_ample_and_scarce_capacities_are_not_doubted(tmp_path, changes):
    text = HERE
    for good, bad in changes:
        assert good in text
        text = text.replace(good, bad)
    assert doubts(tmp_path, text) == []


def test_the_example_is_not_doubted(tmp_path):
    assert doubts(tmp_path, example_deployment()) == []
