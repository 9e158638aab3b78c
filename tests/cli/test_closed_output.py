"""A stdout that is closed or full: one line, an exit code of its own, and what was asked for in files is there."""

import os
import subprocess
import sys

import pytest
from support.command_line import ENVIRONMENT, MAIN

import j3o_jax as j3o

SOLVE = "solve site.yaml --method exact-milp"


def ended(here, arguments, redirection):
    program = f'{sys.executable} -c "{MAIN}" {arguments} {redirection}'
    environment = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(
        ["sh", "-c", program], cwd=here, capture_output=True, text=True, env=environment, timeout=200, check=False
    )


# Help is printed by typer, all the rest by one function.
@pytest.mark.parametrize("arguments", ["--help", f"{SOLVE} --out plan.json"])
@pytest.mark.parametrize("redirection", [">&-", "> /dev/full"])
def test_what_cannot_be_printed_has_an_exit_code(deployment, here, arguments, redirection):
    if redirection != ">&-" and not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    done = ended(here, arguments, redirection)
    assert done.returncode == 3
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("j3o: stdout: ")
    if "--out" in arguments:
        assert (here / "plan.json").read_text().startswith("{")


@pytest.mark.parametrize(
    ("arguments", "redirection", "code"),
    [
        ("solve nothing.yaml --json", ">&-", 2),
        ("solve nothing.yaml --json", ">&- 2>&- <&-", 2),
        (SOLVE, ">&- 2>&- <&-", 3),
        (SOLVE, "2>&-", 0),
    ],
)
def test_other_exit_codes_stay_as_they_are(deployment, here, arguments, redirection, code):
    assert ended(here, arguments, redirection).returncode == code


def test_a_reader_that_goes_away_is_no_error(deployment):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-c", MAIN, *SOLVE.split(), "--out", "plan.json"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")
    assert j3o.load("plan.json").batch_shape == ()
