"""The program: its commands, and how it ends."""

import contextlib
import io
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Annotated, TextIO, cast

import typer

from .. import __version__
from ..io import FileError
from . import _output
from ._failures import BAD_INPUT, DONE, FAILED, NO_OUTPUT, CommandError, OutputError, one_line
from ._interrupts import INTERRUPTED
from .check import check
from .compare import compare
from .diff import diff
from .new import new
from .profile import profile
from .replan import replan
from .report import report
from .reproduce import reproduce
from .simulate import simulate
from .size import size
from .solve import solve
from .sweep import sweep
from .tune import tune

# Typer exports this usage error only; what it has in common with the others is its base class.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
for _command in (new, solve, check, compare, diff, replan, sweep, tune, report, simulate, size, profile, reproduce):
    app.command()(_command)


def _print_version(wanted: bool) -> bool:
    if wanted:
        _output.write(f"j3o {__version__}\n")
        raise typer.Exit
    return wanted


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Plan multi-task inference: which models clients and edges hold, and where queries are answered.

    Exit status: 0 done; 1 there is no plan; 2 the input is not good, and a line on stderr says where; 3 stdout is
    closed or full.
    """
    del version  # its callback has done it


def start() -> None:
    """Run the command line of this process and leave with its exit code."""
    debug = os.environ.get("J3O_DEBUG", "") not in ("", "0")
    if not debug:
        # Libraries have opinions; stderr is for the one line that matters.
        warnings.simplefilter("ignore")
        logging.getLogger("jax").setLevel(logging.ERROR)
    if sys.stdout is None:
        sys.stdout = _output.ClosedOutput()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 — for as long as the process lives
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows no box-drawing characters shows question marks instead of an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout = cast("TextIO", _output.WatchedOutput(sys.stdout))
    raise SystemExit(run(sys.argv[1:], debug))


def run(arguments: Sequence[str], debug: bool = False) -> int:
    """Run one command and return its exit code; nothing but an interpreter's own exit comes out as an exception."""
    try:
        code = typer.main.get_command(app).main(list(arguments) or ["--help"], prog_name="j3o", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        if debug:
            traceback.print_exc()
        if _of_stdout(error):
            failure = _output.failure_of_stdout(cast("OSError", error))
            if failure is None:
                return DONE
            error = failure
        code, message = _verdict(error)
        details = error.details if isinstance(error, CommandError) else {}
        _say(f"j3o: {message}\n")
        if "--json" in arguments and code != NO_OUTPUT:
            with contextlib.suppress(OSError, OutputError):  # the line on stderr has said it all
                _output.show_json({**details, "error": {"code": code, "message": message}})
        return code
    if code == INTERRUPTED:
        _say("j3o: interrupted\n")
        return INTERRUPTED
    return DONE


def _say(line: str) -> None:
    # A stderr that is full keeps nobody from hearing the exit code.
    with contextlib.suppress(OSError):
        sys.stderr.write(line)
        sys.stderr.flush()


def _of_stdout(error: Exception) -> bool:
    """Whether it is stdout that could not be written to, by what prints without asking us: help, for one."""
    return isinstance(sys.stdout, _output.WatchedOutput) and sys.stdout.failure is error


def _verdict(error: Exception) -> tuple[int, str]:
    """Exit code and line for whatever ended a command."""
    if isinstance(error, CommandError):
        return error.code, one_line(str(error))
    if isinstance(error, FileError):
        return BAD_INPUT, one_line(str(error))
    if isinstance(error, _UsageError):
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "j3o"
        return BAD_INPUT, one_line(f"{error.format_message()} (see `{command} --help`)")
    if isinstance(error, ImportError):  # what is installed does not do, and the message says what does
        return FAILED, one_line(str(error))
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return FAILED, one_line(f"{place}{error.strerror or error}")
    kind = type(error).__name__
    return FAILED, one_line(f"{kind}: {error} (this is a fault of j3o; J3O_DEBUG=1 shows where)")
