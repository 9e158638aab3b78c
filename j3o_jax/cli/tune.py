"""`j3o tune`: search for settings of a method. Here are the options; the work is in `_tuning`."""

from typing import Annotated

import typer


def tune(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="What to search, and on which scenarios (.yaml, .json).")],
    out: Annotated[
        str, typer.Option(metavar="DIR", help="Folder of the chosen setting, tables, pictures and finished trials.")
    ] = "tuning",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Search for the settings of a method that do best on a family of scenarios.

    Says how the chosen one does on held-out seeds, and writes it as a file that `solve --method` takes. Trials that
    are done stay done: the same command goes on where it was stopped, by Ctrl-C or otherwise.
    """
    from ._tuning import tune_file

    tune_file(spec, out=out, json=json)
