"""What holds for every command: bad usage, light starts, the end of a command, stdout and stderr; and `j3o new`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.command_line import one_object, refused, start, told

import j3o_jax as j3o
from j3o_jax.cli._app import run
from j3o_jax.cli._output import plain, progress
from j3o_jax.cli.new import BENCHMARKS
from j3o_jax.experiments.paper.experiments import EXPERIMENTS
from j3o_jax.io import example_deployment

EXAMPLE = example_deployment()

# new


def test_new_writes_the_example_with_its_comments(here, capsys):
    assert run(["new", "site.yaml"]) == 0
    assert capsys.readouterr() == ("", "")
    assert (here / "site.yaml").read_text() == EXAMPLE
    assert run(["new", "-"]) == 0
    assert capsys.readouterr() == (EXAMPLE, "")
    assert run(["new", "site.json"]) == 0
    assert j3o.load("site.json").labels.edges == ("hall", "dock")


def test_new_replaces_a_file_only_when_told(here, capsys):
    (here / "site.yaml").write_text("mine")
    refused(capsys, ["new", "site.yaml"], "site.yaml", "--force")
    assert (here / "site.yaml").read_text() == "mine"
    assert run(["new", "site.yaml", "--force"]) == 0
    assert (here / "site.yaml").read_text() == EXAMPLE


def test_new_writes_scenarios_of_benchmarks(here, capsys):
    assert tuple(j3o.benchmarks.NAMES) == BENCHMARKS
    assert run(["new", "draw.yaml", "--benchmark", "motivating", "--seed", "3"]) == 0
    assert run(["new", "-", "--benchmark", "motivating", "--seed", "3"]) == 0
    assert capsys.readouterr().out == (here / "draw.yaml").read_text()
    drawn, sampled = j3o.load("draw.yaml"), j3o.benchmarks.motivating().sample(3)
    np.testing.assert_allclose(drawn.demand, sampled.demand, rtol=1e-12)


# Bad usage, by what is typed, and words of the line that it is refused by.

USAGE = {
    "solve": ["FILE", "j3o solve --help"],
    "slove site.yaml": ["slove", "solve"],
    "solve site.yaml --outt x.json": ["--outt", "--out"],
    "solve site.yaml --method j3": ["--method", "'j3'", "'j3o'"],
    "solve site.yaml --method zzz": ["--method", "j3o", "full-local"],
    "solve site.yaml --time-limit -1": ["--time-limit -1", "above 0"],
    "solve site.yaml --method exact-milp --time-limit 0": ["--time-limit 0", "above 0"],
    "compare site.yaml --time-limit nan": ["--time-limit nan", "above 0"],
    "solve site.yaml --method exact-milp --gap -1": ["--gap -1", "at least 0"],
    "compare site.yaml --gap nan": ["--gap nan", "at least 0"],
    "solve site.yaml --lp-solver HIGS": ["--lp-solver", "'HIGHS'"],
    "solve site.yaml --method full-local --lp-solver highs": ["--lp-solver", "leave"],
    "solve site.yaml --seed -1": ["--seed"],
    "solve site.yaml --out plan.txt": ["plan.txt", ".json", ".npz"],
    "solve site.yaml --plot plan.gif": ["plan.gif", ".png", ".svg", ".pdf"],
    "solve site.yaml --out nowhere/plan.json": ["nowhere", "directory"],
    "compare site.yaml --plot nowhere/a.png": ["nowhere", "directory"],
    "solve sight.yaml": ["sight.yaml: is not there: check the path"],
    "compare site.yaml --methods j3o,j3o": ["--methods", "twice"],
    "compare site.yaml --methods j3o,": ["--methods", "''"],
    "new a.yaml --benchmark taskonomy": ["--benchmark", "'taskonomy5'"],
    "new a.yaml --seed 3": ["--seed", "--benchmark"],
    "reproduce": ["EXPERIMENT", "j3o reproduce --help"],
    "reproduce tabel4": ["EXPERIMENT", "'tabel4'", "'table4'"],
    "reproduce zzz": ["there are table4, fig1, fig2, fig3, fig4, fig5, fig6, fig7"],
    "reproduce fig3 --seeds 0": ["--seeds"],
    "reproduce fig3 --seeds many": ["--seeds", "integer"],
    "reproduce fig3 --methods j3": ["--methods", "method of fig3", "'j3o'"],
    "reproduce fig4 --methods full-local": ["--methods", "fig4"],
    "reproduce fig3 --methods j3o,j3o": ["--methods", "twice"],
    "reproduce fig3 --methods j3o,": ["--methods", "''"],
    "reproduce fig3 --benchmark domainnet6": ["there are taskonomy5"],
    "reproduce table4 --benchmark taskonomy": ["--benchmark", "'taskonomy5'"],
    "reproduce fig3 --time-limit 0": ["--time-limit 0: must be a number of seconds above 0"],
    "reproduce fig3 --time-limit nan": ["--time-limit nan"],
}


@pytest.mark.parametrize("typed", USAGE)
def test_bad_usage_is_one_line_before_any_work(deployment, unsolved, capsys, typed):
    refused(capsys, typed.split(), *USAGE[typed])
    told(capsys, *typed.split(), code=2)
    assert os.listdir() == [deployment]


LIGHT = {
    **dict.fromkeys(("", "--help", "--version", "solve --help", "compare --help", "reproduce --help"), 0),
    **dict.fromkeys(("new -", "new site.yaml --force"), 0),
    **dict.fromkeys(USAGE, 2),
    "solve site.json --out site.json": 2,
    "solve site.yaml --method j3 --json": 2,
}


def test_help_and_bad_usage_load_no_library(deployment):
    """All of them in one process: what one of them loads shows there. Typer itself has pydantic read options."""
    Path("site.json").touch()
    code = """
import json, sys
from j3o_jax.cli import main
heavy = {"jax", "jaxlib", "equinox", "numpy", "scipy", "cvxpy", "highspy", "ruamel", "matplotlib", "pydantic", "polars"}
for typed, code in json.loads(sys.argv[1]).items():
    sys.argv = ["j3o", *typed.split()]
    try:
        main()
    except SystemExit as end:
        assert end.code == code, (typed, end.code)
    loaded = {name.partition(".")[0] for name in sys.modules} & heavy
    loaded -= {"pydantic"} if code == 2 or " " in typed else set()
    assert not loaded | {"j3o_jax.io._schema"} & set(sys.modules), (typed, loaded)
"""
    with start(json.dumps(LIGHT), code=code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        _, errors = process.communicate()
    assert "Traceback" not in errors, errors
    assert process.returncode == 0
    assert errors.count("\n") == sum(code == 2 for code in LIGHT.values())


# When things go wrong inside


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyError("x\ny"), 1, ["KeyError", "J3O_DEBUG=1"]),
        (OSError(28, "No space left on device"), 1, ["No space left on device"]),
        (KeyboardInterrupt(), 130, ["interrupted"]),
    ],
)
def test_whatever_happens_there_is_one_line(deployment, capsys, monkeypatch, error, code, words):
    def solve(*arguments, **options):
        raise error

    monkeypatch.setattr("j3o_jax.cli._plans.solve", solve)
    refused(capsys, ["solve", deployment, "--out", "plan.json"], *words, code=code)
    assert os.listdir() == [deployment]
    if isinstance(error, KeyError):
        assert run(["solve", deployment], debug=True) == 1
        assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "module", "words"),
    [
        ("solve site.yaml --plot plan.png", "matplotlib.figure", "--plot: pictures need matplotlib: pip install"),
        ("reproduce table4", "polars", "reproduce needs polars: pip install 'j3o-jax[experiments]'"),
        ("reproduce fig3", "polars", "reproduce needs polars: pip install 'j3o-jax[experiments]'"),
        ("reproduce fig3", "matplotlib.figure", "reproduce needs matplotlib: pip install 'j3o-jax[experiments]'"),
        ("sweep none.yaml --out out", "polars", "sweep needs polars: pip install 'j3o-jax[experiments]'"),
    ],
)
def test_missing_libraries_are_told_before_any_work(deployment, unsolved, capsys, monkeypatch, typed, module, words):
    monkeypatch.setitem(sys.modules, module, None)
    refused(capsys, typed.split(), words, code=1)
    assert os.listdir() == [deployment]


def test_progress_is_for_terminals_only(capsys, monkeypatch):
    with progress("solving"):
        pass
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress("solving"):
        pass
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "solving" in captured.err


def test_json_has_no_numbers_that_json_lacks():
    content = {"a": [np.nan, -np.inf, 1.5], 2: (j3o.Status.optimal, None, True)}
    assert plain(content) == {"a": [None, None, 1.5], "2": ["optimal", None, True]}


def test_a_sweep_with_rows_without_plan_is_one_object(here, capsys):
    parameters = {"allow_unserved": False, "spread": 0.1}
    spec = {"benchmark": "motivating", "seeds": 2, "parameters": parameters, "methods": ["full-local"]}
    Path("spec.json").write_text(json.dumps(spec))
    found = told(capsys, "sweep", "spec.json", "--out", "out", code=1)
    assert (found["rows"], found["results"][0]["failures"]) == (2, 2)
    assert found["error"]["message"] == "out: 2 of 2 rows are without a plan; column `reason` says why"


# The program itself


def test_help_and_version(capsys):
    for arguments in ([], ["--help"]):
        assert run(arguments) == 0
        captured = capsys.readouterr()
        assert all(command in captured.out for command in ("new", "solve", "compare"))
        assert captured.err == ""
    options = ("--seeds", "--out", "--methods", "--benchmark", "--time-limit", "--json")
    for command, words in (
        ("solve", ["j3o", "full-local"]),
        ("reproduce", [*(f"{name}: " for name in EXPERIMENTS), *options]),
    ):
        assert run([command, "--help"]) == 0
        listed = capsys.readouterr().out
        assert all(word in listed for word in words)
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"j3o {j3o.__version__}\n"


def test_the_program_keeps_stdout_and_stderr_apart(deployment):
    arguments = ["solve", deployment, "--method", "full-local", "--json"]
    with start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        out, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert one_object(out)["status"] == "converged"
