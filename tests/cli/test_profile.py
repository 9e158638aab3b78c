"""`j3o profile`."""

import os
from pathlib import Path

import numpy as np
import pytest
from support.command_line import refused, told

import j3o_jax as j3o
from j3o_jax.cli._app import run


@pytest.fixture
def rows(here):
    lines = ["batch_size,latency_s,model"]
    for model, setup, per_query in (("unet", 0.004, 0.007), ("[ssd]", 0.04, 0.029)):
        lines += [f"{size},{setup + per_query * size},{model}" for size in (1, 2, 4, 8)]
    Path("rows.csv").write_text("\n".join(lines) + "\n")
    return "rows.csv"


def test_a_table_tells_set_up_times(rows, capsys):
    assert run(["profile", rows, "--plot", "fit.png"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert max(map(len, captured.out.splitlines())) <= 80
    unet, ssd = (line for line in captured.out.splitlines() if "unet" in line or "[ssd]" in line)
    assert unet.split()[:6] == ["unet", "4", "ms", "7", "ms", "0.57"]
    assert "40 ms" in ssd
    assert "Written: fit.png" in captured.out
    assert Path("fit.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("weighting", ["relative", "ordinary"])
def test_json_is_one_object(rows, capsys, weighting):
    Path("noisy.csv").write_text("batch_size,latency_s\n1,0.02\n2,0.021\n16,0.1\n")
    found = told(capsys, "profile", "noisy.csv", "--weighting", weighting)
    fitted = j3o.fit_batch_profile([1, 2, 16], [0.02, 0.021, 0.1], weighting=weighting)
    (profile,) = found["profiles"]
    assert (found["weighting"], profile["model"], profile["rows"]) == (weighting, None, 3)
    np.testing.assert_allclose([profile["setup_s"], profile["per_query_s"]], [fitted.setup, fitted.per_query])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.csv"], ["nothing.csv: cannot be read"]),
        (["rows.csv", "--weighting", "relativ"], ["--weighting", "'relative'"]),
        (["rows.csv", "--plot", "fit.txt"], ["--plot: fit.txt"]),
        (["micro.csv"], ["micro.csv:2: latency_s = 10700: 10,700 s for one query, is it in microseconds?"]),
        (["milli.csv"], ["milli.csv:3: latency_s = 980: 980 s for a batch of 4, is it in milliseconds?"]),
        (["each.csv"], ["each.csv: latency falls with the batch, from 20 ms for 1 to 5 ms for 8", "--per-query"]),
        (["each.csv", "--time-unit", "h"], ["--time-unit"]),
        (["each.csv", "--columns", "latency=x"], ["--columns", "did you mean 'latency_s'?"]),
        (["one.csv"], ["one.csv: unet: batch_size: has only size 8"]),
    ],
)
def test_bad_input_is_told_in_one_line(rows, capsys, arguments, words):
    Path("one.csv").write_text("batch_size,latency_s,model\n8,0.1,unet\n8,0.2,unet\n")
    Path("micro.csv").write_text("batch_size,latency_s\n1,10700\n2,11300\n")
    Path("milli.csv").write_text("batch_size,latency_s\n1,45\n4,980\n")
    Path("each.csv").write_text("batch_size,latency_s\n1,0.02\n2,0.01\n8,0.005\n")
    before = sorted(os.listdir())
    refused(capsys, ["profile", *arguments], *words)
    assert sorted(os.listdir()) == before


def test_units_and_latencies_of_one_query_each_can_be_said(rows, capsys):
    Path("micro.csv").write_text("n;t\n1;10000\n2;11000\n4;13000\n")
    columns = ["--columns", "batch_size=n,latency_s=t"]
    (profile,) = told(capsys, "profile", "micro.csv", *columns, "--time-unit", "us")["profiles"]
    np.testing.assert_allclose([profile["setup_s"], profile["per_query_s"]], [0.009, 0.001])
    Path("each.csv").write_text("batch_size,latency_s\n1,0.010\n2,0.0055\n4,0.00325\n")
    (profile,) = told(capsys, "profile", "each.csv", "--per-query")["profiles"]
    np.testing.assert_allclose([profile["setup_s"], profile["per_query_s"]], [0.009, 0.001])


def test_latencies_that_may_be_in_another_unit_are_warned_of(rows, capsys):
    Path("milli.csv").write_text("batch_size,latency_s\n1,10.7\n2,11.3\n4,12.7\n")
    assert run(["profile", "milli.csv"]) == 0
    captured = capsys.readouterr()
    assert "milli.csv" in captured.out
    assert (
        "warning: milli.csv: a query takes 3.2 s or more: are latencies in ms? Then say --time-unit ms" in captured.err
    )
    # Noise on a flat line is no fall.
    Path("flat.csv").write_text("batch_size,latency_s\n1,0.0107\n2,0.0105\n4,0.0104\n")
    assert run(["profile", "flat.csv"]) == 0
    assert capsys.readouterr().err == ""
