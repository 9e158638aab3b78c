"""`load` and `save`: which file holds what."""

from collections.abc import Callable
from functools import partial
from typing import BinaryIO, TypeVar, overload

from .._scenario import Scenario
from .._solution import Solution
from ._errors import DocumentError, FileError
from ._paths import Path, check_readable, check_writable, plain_path, suffix_of, word_of
from ._write import write_file

FiledT = TypeVar("FiledT", Scenario, Solution)


@overload
def load(path: Path, *, want: type[FiledT]) -> FiledT: ...
@overload
def load(path: Path, *, want: None = None) -> Scenario | Solution: ...
def load(path: Path, *, want: type[Scenario] | type[Solution] | None = None) -> Scenario | Solution:
    """Load what is in a file: a scenario (of a deployment, with its names, or of a batch) or a plan.

    **Arguments:**

    - `path`: a .yaml, .yml, .json or .npz file; what it holds is told by its content.
    - `want`: `Scenario` or `Solution`, where only one of them will do.

    **Raises:** `FileError`, whatever is wrong with the file. The entries of a batch are looked at by `solve`.
    """
    return _load(path, want, [])


def load_with_doubts(path: Path) -> tuple[Scenario, list[str]]:
    """Load a scenario, with a line for each kind of capacity that may be in another unit; raises as `load`."""
    doubts: list[str] = []
    loaded = _load(path, Scenario, doubts)
    assert isinstance(loaded, Scenario)
    return loaded, doubts


def _load(path: Path, want: type[Scenario] | type[Solution] | None, doubts: list[str]) -> Scenario | Solution:
    check_readable(path, want)
    name = plain_path(path)
    if suffix_of(name) != ".npz":
        return _load_text(name, want, doubts)

    from ._arrays import read_archive

    with _opened(name) as file:
        try:
            loaded = read_archive(name, file)
        except DocumentError as error:
            raise error.at(name, {}) from None
    if want is not None and not isinstance(loaded, want):
        raise _other_kind(name, want)
    return loaded


def save(content: Scenario | Solution, path: Path) -> None:
    """Write a scenario or a plan, in one step: `path` holds all of it or what it held before.

    A single scenario becomes a deployment (.yaml, .yml, .json), a single plan a .json; both, and batches of
    them, an .npz without names. What has no names gets numbers in their place.

    **Raises:** `FileError`, among others where the file could not be read back: a deployment refuses
    numbers that no machine has, and `switching`; an .npz does not.
    """
    kind = Scenario if isinstance(content, Scenario) else Solution
    check_writable(path, kind, batch=bool(content.batch_shape))
    name = plain_path(path)
    write_file(name, _writer(name, content))


def _other_kind(name: str, want: type[Scenario] | type[Solution]) -> FileError:
    other = Solution if want is Scenario else Scenario
    return FileError(name, f"holds a {word_of(other)}: name the file of a {word_of(want)}")


def _load_text(name: str, want: type[Scenario] | type[Solution] | None, doubts: list[str]) -> Scenario | Solution:
    from ._deployment_read import scenario_of
    from ._parse import json_lines, parse_json, parse_yaml
    from ._plan import solution_of
    from ._plan_schema import PLAN_FORMAT
    from ._unit_doubts import unit_doubts

    text = read_text(name)
    data, lines = None, None
    if text.strip():
        data, lines = (parse_json(name, text), None) if suffix_of(name) == ".json" else parse_yaml(name, text)
    if data is None:
        raise FileError(name, "is empty: `j3o new` writes an example to start from")
    is_plan = isinstance(data, dict) and data.get("format") == PLAN_FORMAT
    if want is not None and is_plan != (want is Solution):
        raise _other_kind(name, want)
    try:
        loaded = solution_of(data) if is_plan else scenario_of(data)
    except DocumentError as error:
        raise error.at(name, json_lines(name, text) if lines is None else lines) from None
    if isinstance(loaded, Scenario):
        found = list(unit_doubts(loaded))
        where = json_lines(name, text) if found and lines is None else lines or {}
        doubts += [str(DocumentError([finding]).at(name, where)) for finding in found]
    return loaded


def read_text(name: str) -> str:
    """Read the text of a file; raises `FileError`."""
    try:
        with _opened(name) as file:
            return file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise FileError(name, "is not UTF-8 text: save it as UTF-8", line) from None


def _opened(name: str) -> BinaryIO:
    try:
        return open(name, "rb")
    except PermissionError:
        raise FileError(name, "may not be read: give read permission") from None
    except OSError as error:
        raise FileError(name, f"cannot be opened ({error.strerror}): check the path") from None


def _writer(name: str, content: Scenario | Solution) -> Callable[[BinaryIO], object]:
    """Make the function that writes `content` to an open file; whatever is wrong with it is found before."""
    from . import _arrays
    from ._deployment_read import scenario_of
    from ._deployment_write import deployment_of
    from ._layout import json_text, yaml_text
    from ._plan import plan_of, solution_of
    from ._solution_arrays import array_problem, arrays_of

    if isinstance(content, Solution):
        problem = array_problem(arrays_of(content), content.stats)
        if problem is not None:
            raise FileError(name, f"cannot hold this plan, {problem}")
    suffix = suffix_of(name)
    if suffix == ".npz":
        if isinstance(content, Scenario):
            return partial(_arrays.write_scenario, content)
        return partial(_arrays.write_solution, content)
    if isinstance(content, Scenario) and content.switching is not None:
        raise FileError(name, "has no place for what nodes hold already: save it as .npz, or without switching")
    document = deployment_of(content) if isinstance(content, Scenario) else plan_of(content)
    try:
        # Read back first: a file that `load` would refuse is not worth having.
        scenario_of(document) if isinstance(content, Scenario) else solution_of(document)
    except DocumentError as error:
        raise error.at(name, {}) from None
    text = json_text(document) if suffix == ".json" else yaml_text(document)
    try:
        encoded = text.encode("utf-8")
    except UnicodeEncodeError:
        raise FileError(name, "cannot hold half a surrogate pair: take it out of the reason or figures") from None
    return lambda file: file.write(encoded)
