"""`j3o tune`: search for settings of a method."""

from typing import Annotated

import typer

from . import _options
from ._interrupts import cleaning_up
from ._output import hand_out


def tune(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="What to search, and on which scenarios (.yaml, .json).")],
    out: Annotated[
        str, typer.Option(metavar="DIR", help="Folder of the chosen setting, tables, pictures and finished trials.")
    ] = "tuning",
    json: _options.Json = False,
) -> None:
    """Search for the settings of a method that do best on a family of scenarios.

    Says how the chosen one does on held-out seeds, and writes it as a file that `solve --method` takes. Trials that
    are done stay done: the same command goes on where it was stopped, by Ctrl-C or otherwise.
    """
    from .. import tuning
    from ..tuning.results import content_of, files_of, write_results
    from ..tuning.terminal import TuningReport
    from ._plans import keep_compiled
    from ._progress import progress

    wanted = tuning.read_tune_spec(spec)
    proposing = ["optuna"] if wanted.sampler == "optuna" else []
    _options.require_libraries("tune", "polars", "matplotlib.figure", *proposing)
    files = files_of(out)
    _options.prepare_folder(out, files.values())
    keep_compiled()
    tried = 0
    total = tuning.trials_expected(wanted)
    with progress(wanted.name or "tune", total, 0, "trial", lambda: tried) as advance:

        def report(words: str, by: int) -> None:
            nonlocal tried
            tried += by
            advance(words, by)

        found = tuning.tune(wanted, out, report=report)
    with cleaning_up():
        write_results(found, files)
    hand_out(
        {"specification_file": spec, "files": files, **content_of(found)},
        lambda: TuningReport(found, f"Tuning of {wanted.base.method}, {spec}", files),
        json=json,
    )
