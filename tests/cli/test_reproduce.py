"""`j3o reproduce`: in this process with made-up rows, and as a program that is killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import polars as pl
import pytest
from reproduce.made_up_rows import row_of
from support.command_line import one_line, refused, start, told

import j3o_jax as j3o
from j3o_jax.cli._app import run
from j3o_jax.experiments.paper.experiments import EXPERIMENTS
from j3o_jax.experiments.paper.methods import METHODS
from j3o_jax.experiments.paper.rows import RunLog

# What may differ between two calls; the last where somebody works on the code meanwhile.
OTHERWISE = {"seconds", "finished", "source"}


@pytest.fixture
def solved(monkeypatch):
    """The runs that are solved, quickly, since their rows are made up; `broken` ones end with an error."""
    runs, broken = [], set()

    class Runner:
        def solve(self, run):
            runs.append(run)
            if run.method in broken:
                return row_of(run, error="MemoryError: no room", status=None, objective=None, loss=None)
            return row_of(run)

    monkeypatch.setattr("j3o_jax.experiments.paper.solving.Runner", Runner)
    return runs, broken


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_leaves_its_files_and_says_what_came_out(here, solved, capsys, name):
    assert run(["reproduce", name, "--seeds", "2"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert EXPERIMENTS[name].title in captured.out
    assert max(map(len, captured.out.splitlines())) <= 80
    pictures = [] if name == "table4" else [f"{name}.png", f"{name}.svg"]
    files = [f"{name}-runs.parquet", f"{name}.md", f"{name}.parquet", *pictures, "runs.jsonl"]
    assert sorted(os.listdir("reproduction")) == sorted(files)
    for method in EXPERIMENTS[name].methods:
        assert METHODS[method].label in captured.out


def test_json_is_one_object(here, solved, capsys):
    found = told(capsys, "reproduce", "table4", "--seeds", "2", "--benchmark", "taskonomy5", "--out", "x")
    assert found["runs"] == {"all": 12, "solved_now": 12, "without_plan": 0, "unreadable_lines": 0}
    assert found["files"] == {"markdown": "x/table4.md", "summary": "x/table4.parquet", "runs": "x/table4-runs.parquet"}
    assert [result["method"] for result in found["results"]] == list(EXPERIMENTS["table4"].methods)
    last = found["results"][-1]
    assert last["reached"]["mean"] == pytest.approx(0.0905)
    assert last["largest_gap"] is None
    assert (last["paper"]["mean"], last["paper_share_of_optimum"]) == (0.094, 0.977)


def test_only_what_is_missing_is_solved(here, solved):
    runs, _ = solved

    def count(*arguments):
        runs.clear()
        assert run(["reproduce", *arguments, "--out", "x"]) == 0
        return len(runs)

    assert count("fig3", "--seeds", "2") == 12
    assert count("fig3", "--seeds", "2") == 0
    assert count("fig3", "--seeds", "3") == 6
    assert count("fig3", "--seeds", "1", "--methods", "j3o") == 0
    # Other experiments share these runs, and so does an --out that is named otherwise.
    assert count("table4", "--seeds", "3") == 36
    assert count("fig4", "--seeds", "3") == 5 * 5 * 3
    assert count("table4", "--seeds", "3", "--benchmark", "domainnet6", "--methods", "j3o, full-local") == 0
    assert count("fig3", "--seeds", "3", "--time-limit", "10") == 3
    assert {found.method for found in runs} == {"exact-milp"}
    assert {found.version for found in runs} == {j3o.__version__}
    assert pl.read_parquet("x/fig3-runs.parquet").height == 18


def test_runs_that_ended_with_an_error_are_tried_again(here, solved, capsys):
    runs, broken = solved
    broken.add("j3o")
    assert run(["reproduce", "fig3", "--seeds", "2", "--methods", "j3o,full-local"]) == 1
    captured = capsys.readouterr()
    one_line(captured, "fig3: 2 of 4 runs ended without a plan; taskonomy5, J3O, seed 0: MemoryError: no room")
    assert "Full-Local" in captured.out
    found = told(capsys, "reproduce", "fig3", "--seeds", "2", "--methods", "j3o", code=1)
    assert found["results"][0]["failures"] == 2
    assert len(runs) == 4 + 2
    broken.clear()
    assert run(["reproduce", "fig3", "--seeds", "2"]) == 0
    assert len(runs) == 4 + 2 + 2 + 8
    assert Path("reproduction/fig3.png").read_bytes().startswith(b"\x89PNG")


def test_a_failure_while_writing_leaves_the_old_files(here, solved, capsys, monkeypatch):
    assert run(["reproduce", "fig3", "--seeds", "1"]) == 0
    before = {path.name: path.read_bytes() for path in Path("reproduction").iterdir()}

    def fsync(descriptor):
        raise OSError(28, "No space left on device")

    capsys.readouterr()
    monkeypatch.setattr(os, "fsync", fsync)
    # Nothing is solved any more, so that it is the writing that fails.
    refused(capsys, ["reproduce", "fig3", "--seeds", "1"], "reproduction/fig3.parquet", "No space left on device")
    assert {path.name: path.read_bytes() for path in Path("reproduction").iterdir()} == before


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("nowhere/x", "there is no directory"),
        ("file", "--out file: is not a directory: name a folder"),
        ("a\0b", "--out a\\x00b: is not a path, it holds a zero byte: name a folder"),
        ("taken", "taken/fig3.md: is not a file"),
    ],
)
def test_a_place_that_cannot_be_written_is_known_beforehand(here, solved, capsys, out, words):
    (here / "file").touch()
    (here / "taken" / "fig3.md").mkdir(parents=True)
    refused(capsys, ["reproduce", "fig3", "--out", out], words)
    assert solved[0] == []


def test_a_table_needs_no_pictures(here, solved, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert run(["reproduce", "table4", "--seeds", "1"]) == 0


# The program itself, and its sudden end

# A tenth of a second for each run: long enough to be ended in the middle.
PROGRAM = ("reproduce", "table4", "--seeds", "12", "--benchmark", "cityscapes3d", "--methods", "full-local", "--out")


def wait_for_lines(process, path, count):
    """Wait until that many runs are done."""
    deadline = time.monotonic() + 120
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


def watch(master):
    """Read what is shown on a terminal, lest its program wait for a reader; what comes back waits for all of it."""
    shown = bytearray()

    def read():
        # Linux ends the conversation with an error, others with nothing.
        with contextlib.suppress(OSError):
            while some := os.read(master, 4096):
                shown.extend(some)
        os.close(master)

    reader = threading.Thread(target=read)
    reader.start()

    def all_of_it():
        reader.join()
        return shown.decode()

    return all_of_it


def everything(row):
    return row.model_dump(exclude=OTHERWISE)


def test_whatever_ends_it_the_same_command_goes_on(here):
    """Ctrl-C on a terminal, kill -9, a line that is cut off: in the end all is as if nothing had happened."""
    path = here / "killed" / "runs.jsonl"
    master, terminal = os.openpty()
    with start(*PROGRAM, "killed", stdout=subprocess.PIPE, stderr=terminal) as process:
        os.close(terminal)
        shown = watch(master)
        wait_for_lines(process, path, 1)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        assert process.stdout.read() == b""
    shown = shown()
    done = path.read_bytes().count(b"\n")
    assert shown.endswith(f"j3o: interrupted: {done} of 12 runs are done; the same command goes on from there\r\n")
    assert "table4" in shown
    assert "0/12" in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert 1 <= done < 12
    assert os.listdir("killed") == ["runs.jsonl"]

    with start(*PROGRAM, "killed", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_for_lines(process, path, done + 1)
        process.kill()
        assert process.communicate() == (b"", b"")
    assert os.listdir("killed") == ["runs.jsonl"]
    before = path.read_bytes()
    *whole, last = before.splitlines(keepends=True)
    path.write_bytes(before[: -len(last) // 2])

    with start(*PROGRAM, "killed", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert json.loads(out)["runs"] == {
        "all": 12,
        "solved_now": 12 - len(whole),
        "without_plan": 0,
        "unreadable_lines": 1,
    }

    assert run([*PROGRAM, "undisturbed"]) == 0
    killed, undisturbed = (RunLog(str(here / name / "runs.jsonl")).read() for name in ("killed", "undisturbed"))
    assert killed.keys() == undisturbed.keys()
    assert [everything(killed[key]) for key in killed] == [everything(undisturbed[key]) for key in killed]
    tables = [pl.read_parquet(here / name / "table4.parquet") for name in ("killed", "undisturbed")]
    times = ["milliseconds", "milliseconds_deviation"]
    assert tables[0].drop(times).equals(tables[1].drop(times))
