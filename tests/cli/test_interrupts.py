"""Ctrl-C, pressed at chosen moments of a real process."""

import contextlib
import os
import subprocess

import pytest
from support.command_line import HEED, start

# What comes out of an import may be caught there, as JAX and NumPy do.
WHEN_IMPORTED = """
import importlib.abc, os, signal, sys, time

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            try:
                time.sleep({delay})
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(10)
            except BaseException:
                pass

from j3o_jax.cli import main
sys.meta_path.insert(0, Finder())
main()
"""
WHEN_WRITING = """
import os, signal, sys
from j3o_jax.cli import main

def fsync(number):
    os.kill(os.getpid(), signal.SIGINT)

os.fsync = fsync
main()
"""


def outcome(code, *arguments):
    with start(*arguments, code=HEED + code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        out, err = process.communicate()
    return process.returncode, out, err


INTERRUPTED = (130, "", "j3o: interrupted\n")


@pytest.mark.parametrize("module", ["typer", "jaxlib._jax"])
def test_while_libraries_are_loaded(deployment, module):
    code = WHEN_IMPORTED.format(module=module, delay=0)
    assert outcome(code, "solve", deployment, "--out", "plan.json") == INTERRUPTED
    assert os.listdir() == [deployment]


@pytest.mark.parametrize(
    ("path", "arguments"),
    [("site.yaml", ["new", "site.yaml", "--force"]), ("plan.json", ["solve", "site.yaml", "--out", "plan.json"])],
)
def test_while_a_file_is_written(deployment, path, arguments):
    method = ["--method", "full-local"] if "solve" in arguments else []
    with open(path, "a", encoding="utf-8") as file:
        file.write("# what was there before")
    files = set(os.listdir())
    assert outcome(WHEN_WRITING, *arguments, *method) == INTERRUPTED
    assert set(os.listdir()) == files
    with open(path, encoding="utf-8") as file:
        assert file.read().endswith("# what was there before")


def test_on_a_terminal_the_cursor_comes_back(deployment):
    master, terminal = os.openpty()
    shown = b""
    code = WHEN_IMPORTED.format(module="cvxpy", delay=0.3)
    with start("solve", deployment, "--method", "greedy-ao", code=HEED + code, stderr=terminal) as process:
        os.close(terminal)
        # Linux ends the conversation with an error, others with nothing.
        with contextlib.suppress(OSError):
            while some := os.read(master, 4096):
                shown += some
    os.close(master)
    text = shown.decode()
    assert process.returncode == 130
    assert "solving site.yaml" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert text.endswith("j3o: interrupted\r\n")
    assert "Traceback" not in text


def test_a_program_that_is_to_ignore_it_does(deployment):
    # As shells start what is to run in the background.
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + WHEN_WRITING
    assert outcome(code, "new", "other.yaml") == (0, "", "")
    assert set(os.listdir()) == {"other.yaml", deployment}
