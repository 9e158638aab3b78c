"""The work of `j3o tune`."""

from ..tuning import TuneSpec, read_tune_spec, trials_expected, tune
from ..tuning.results import content_of, files_of, write_results
from ._failures import WorkError
from ._interrupts import cleaning_up
from ._output import plain, show, show_json
from ._places import prepare_folder
from ._plans import keep_compiled
from ._progress import progress


def tune_file(file: str, *, out: str, json: bool) -> None:
    """Tune what a file says, and hand out what came of it."""
    spec = read_tune_spec(file)
    _require_libraries(spec)
    files = files_of(out)
    prepare_folder(out, files.values())
    keep_compiled()
    total = trials_expected(spec)
    tried = [0]

    with progress(spec.name or "tune", total, 0, "trial", lambda: tried[0]) as advance:

        def report(words: str, by: int) -> None:
            tried[0] += by
            advance(words, by)

        tuning = tune(spec, out, report=report)
    with cleaning_up():
        write_results(tuning, files)
    if json:
        show_json(plain({"specification_file": file, "files": files, **content_of(tuning)}))
        return
    from ..tuning.terminal import TuningReport

    show(TuningReport(tuning, f"Tuning of {spec.base.method}, {file}", files))


def _require_libraries(spec: TuneSpec) -> None:
    needed = ["polars", "matplotlib.figure", *(["optuna"] if spec.sampler == "optuna" else [])]
    for library in needed:
        try:
            __import__(library)
        except ImportError:
            name = library.partition(".")[0]
            raise WorkError(f"tune needs {name}: pip install 'j3o-jax[experiments]'") from None
