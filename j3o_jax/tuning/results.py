"""The files of a tuning: written whole, one after the other, when it is done."""

import json
import math
import os
from collections.abc import Mapping
from typing import Any, BinaryIO

from .._machine import this_machine
from ..experiments.tune._outcome import Score, Trial, Tuning
from ..io import write_file
from ..named_methods import write_method
from .wording import comment_of


def files_of(directory: str) -> dict[str, str]:
    """Paths of the files, by what they are."""
    names = {
        "chosen": "chosen.yaml",
        "trials": "trials.parquet",
        "summary": "summary.json",
        "png": "tuning.png",
        "svg": "tuning.svg",
    }
    return {what: os.path.join(directory, name) for what, name in names.items()}


def write_results(tuning: Tuning, files: Mapping[str, str]) -> None:
    """Write the files named by `files_of`; raises `FileError`. Each is the old one or the new one, whole."""
    from ..plots import save_figure
    from .drawing import draw
    from .tables import trials_frame

    frame = trials_frame(tuning)

    def write_frame(file: BinaryIO) -> None:
        frame.write_parquet(file)

    write_file(files["trials"], write_frame)
    figure = draw(tuning)
    for what in ("png", "svg"):
        save_figure(figure, files[what])
    text = json.dumps(content_of(tuning), indent=2, allow_nan=False) + "\n"
    write_file(files["summary"], lambda file: file.write(text.encode()))
    write_method(tuning.chosen.method, files["chosen"], comment_of(tuning))


def content_of(tuning: Tuning) -> dict[str, Any]:
    """All that programs may want to know, as JSON has it; what there is not is None."""
    spec, held_out = tuning.spec, tuning.held_out
    ranked = tuning.ranked()
    return {
        "name": spec.name,
        "specification": spec.plain() | {"trials": spec.trials, "within": spec.within},
        "trials": len(tuning.trials),
        "solved_now": tuning.solved_now,
        "training": {"scenarios": spec.training.scenarios, "best_known": tuning.best_known},
        "base": _trial(tuning, tuning.base),
        "chosen": _trial(tuning, tuning.chosen),
        "best": [_trial(tuning, trial) for trial in ranked[:10]],
        "front": [_trial(tuning, trial) for trial in tuning.front],
        "held_out": {
            "seeds": {"first": spec.held_out.first_seed, "count": spec.held_out.seeds},
            "scenarios": held_out.scenarios,
            "base": _score(held_out.base),
            "chosen": _score(held_out.chosen),
            "difference": held_out.difference,
            "half_width_95": _known(held_out.half_width),
            "better": held_out.better,
            "worse": held_out.worse,
        },
        "machine": this_machine().model_dump(),
    }


def _trial(tuning: Tuning, trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "method": trial.method.plain(),
        "shortfall": tuning.shortfall(trial),
        **_score(trial),
    }


def _score(score: Score) -> dict[str, Any]:
    return {
        "objective": score.quality,
        "without_plan": score.failed,
        "seconds": _known(score.seconds),
        "reached": _known(score.reached),
        "seconds_to_gap": _known(score.seconds_to_gap),
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
