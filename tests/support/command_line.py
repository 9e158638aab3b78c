"""What tests of the command line run, and what they expect of its output."""

import json
import os
import subprocess
import sys

from j3o_jax.cli._app import run

# Tests that run in the background ignore Ctrl-C, and their children would too.
HEED = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
MAIN = "from j3o_jax.cli import main; main()"
ENVIRONMENT = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "xterm"}


def one_line(captured, *words):
    """The line on stderr; there is nothing else, and it has the words."""
    assert captured.err.count("\n") == 1, captured.err
    assert captured.err.startswith("j3o: ")
    assert "Traceback" not in captured.err
    for word in words:
        assert word in captured.err
    return captured.err


def refused(capsys, arguments, *words, code=2):
    """The line by which a command is refused; nothing else is printed."""
    assert run([*arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    return one_line(captured, *words)


def shown(capsys, *arguments):
    """What a command prints for people, on one line; stderr stays empty."""
    assert run([*arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return " ".join(captured.out.split())


def told(capsys, *arguments, code=0):
    """The one JSON object that a command prints; where it fails, stderr has the same line."""
    assert run([*arguments, "--json"]) == code
    captured = capsys.readouterr()
    content = one_object(captured.out)
    if code == 0:
        assert captured.err == ""
    else:
        assert content["error"] == {"code": code, "message": one_line(captured).removeprefix("j3o: ").rstrip()}
    return content


def one_object(text):
    """The JSON object in a text, as strict readers have it."""

    def refuse_constant(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse_constant)


def start(*arguments, code=HEED + MAIN, **options):
    """Start `j3o` as a shell does, in a process of its own."""
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], env=ENVIRONMENT, **options)
