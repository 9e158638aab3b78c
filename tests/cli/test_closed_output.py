"""A stdout that is closed or full: one line, an exit code of its own, and what was asked for in files is there."""

import os
import subprocess
import sys

import pytest

from j3o_jax.io import example_deployment

COMMANDS = {
    "--help": "--help",
    "version": "--version",
    "help of a command": "simulate --help",
    "new": "new -",
    "solve": "solve site.yaml --method exact-milp --out plan.json",
    "solve --json": "solve site.yaml --method exact-milp --json",
    "compare": "compare site.yaml --methods exact-milp,full-local",
    "profile": "profile rows.csv",
}


@pytest.fixture
def here(tmp_path):
    (tmp_path / "site.yaml").write_text(example_deployment())
    (tmp_path / "rows.csv").write_text("batch_size,latency_s\n1,0.02\n4,0.05\n")
    return tmp_path


def ended(here, arguments, redirection):
    program = f'{sys.executable} -c "from j3o_jax.cli import main; main()" {arguments} {redirection}'
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(
        ["sh", "-c", program], cwd=here, capture_output=True, text=True, env=environment, timeout=200, check=False
    )


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("redirection", [">&-", "> /dev/full"])
def test_what_cannot_be_printed_has_an_exit_code_of_its_own(here, command, redirection):
    if redirection != ">&-" and not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    done = ended(here, COMMANDS[command], redirection)
    assert done.returncode == 3
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("j3o: stdout: ")
    if "--out" in COMMANDS[command]:
        assert (here / "plan.json").read_text().startswith("{")


def test_bad_input_stays_bad_input(here):
    for redirection in (">&-", "> /dev/full", ">&- 2>&-", "2>&-", ">&- 2>&- <&-"):
        assert ended(here, "solve nothing.yaml --json", redirection).returncode == 2
    assert ended(here, "solve site.yaml --method exact-milp", ">&- 2>&- <&-").returncode == 3
    assert ended(here, "solve site.yaml --method exact-milp", "2>&-").returncode == 0


def test_a_reader_that_has_seen_enough_is_no_error(here):
    done = ended(here, "new -", "| head -c 10")
    assert (done.returncode, done.stderr) == (0, "")
