"""What a benchmark leaves behind: a JSON file with the machine, the versions and every measurement."""

import datetime as dt
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from j3o_jax._machine import source_digest, this_machine
from j3o_jax.io import write_file

FOLDER = Path(__file__).parent / "results"


def say(text: str) -> None:
    """Tell how far it is, on stderr."""
    print(text, file=sys.stderr, flush=True)


def write_results(path: Path, settings: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write all measurements so far, whole or not at all."""
    content = {
        "date": dt.date.today().isoformat(),
        "machine": this_machine().model_dump(),
        "source": source_digest(),
        "settings": dict(settings),
        "rows": list(rows),
    }
    text = json.dumps(content, indent=1, allow_nan=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(str(path), lambda file: file.write(text.encode() + b"\n"))


def machine_line() -> str:
    """Describe the machine in a line, for the foot of a table or picture."""
    machine = this_machine()
    return f"{machine.processor}, {machine.cores} cores, JAX {machine.jax} on {machine.device}, HiGHS {machine.highspy}"


def in_full(number: float) -> str:
    """Write three significant digits in full, as in ``12,300``."""
    return f"{float(f'{number:.3g}'):,.0f}" if number >= 100.0 else f"{number:.3g}"
