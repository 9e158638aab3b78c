"""Scenarios and plans as .npz archives, single or in batches: one array for each field. Names stay out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.lib.npyio import NpzFile

from .._scenario import Batching, Scenario, Switching
from .._solution import Solution
from .._validate import BATCHING_RULES, RULES, SWITCHING_RULES
from ._errors import FileError, Finding, refuse
from ._solution_arrays import AXES, PART_AXES, array_problem, arrays_of, part_axes, parts_of
from .words import nearest, shortened, suggestion

# Keys of what a scenario may have besides, each with all of its fields.
_PARTS: Mapping[str, tuple[type, tuple[str, ...]]] = {
    "batching": (Batching, tuple(name.replace(".", "_") for name in BATCHING_RULES)),
    "switching": (Switching, tuple(name.replace(".", "_") for name in SWITCHING_RULES)),
}
_STAT = "stats_"
_ASKED = "has_demand"
_AGAIN = "write it with j3o_jax.io.save or numpy.savez"


def write_scenario(scenario: Scenario, file: BinaryIO) -> None:
    """Write the fields of a scenario or batch as an archive."""
    arrays: dict[str, Any] = {name.replace(".", "_"): np.asarray(array) for name, array in scenario.arrays().items()}
    np.savez(file, **arrays, allow_unserved=np.asarray(scenario.allow_unserved))


def write_solution(solution: Solution, file: BinaryIO) -> None:
    """Write the fields of a plan or batch of plans as an archive."""
    arrays: dict[str, Any] = arrays_of(solution)
    arrays |= {_STAT + name: np.asarray(value) for name, value in solution.stats.items()}
    if solution.has_demand is not None:
        arrays[_ASKED] = np.asarray(solution.has_demand)
    if solution.reasons:
        arrays["reasons"] = np.array(solution.reasons)
    np.savez(file, **arrays)


def read_archive(path: str, file: BinaryIO) -> Scenario | Solution:
    """Read the archive `file`; raises `FileError`, or `DocumentError` where keys are at fault."""
    try:
        archive = np.load(file, allow_pickle=False)
    # NumPy and zipfile have a dozen ways, most of them undocumented, to fail on damaged bytes.
    except Exception as error:
        # What NumPy does not recognize at all it takes for a pickle, and explains how to trust that.
        reason = "" if _of_pickle(error) else f" ({shortened(str(error))})"
        raise FileError(path, f"is no .npz archive, or damaged{reason}: {_AGAIN}") from None
    if not isinstance(archive, NpzFile):
        raise FileError(path, f"holds a single array, not an archive: {_AGAIN}")
    with archive:
        keys = archive.files
        of_scenario, of_plan = (sum(key in known for key in keys) for known in (RULES, AXES))
        if not of_scenario + of_plan:
            raise FileError(path, f"has no key of a scenario or plan, such as demand or client_models: {_AGAIN}")
        # By the majority of the keys: a misspelt one should be named as such.
        if of_scenario >= of_plan:
            more = [key for _, own in _PARTS.values() for key in own]
            there = [key for _, own in _PARTS.values() if set(own) & set(keys) for key in own]
            refuse(_wrong_keys(keys, (*RULES, *there), (*more, "allow_unserved")))
            return _scenario(path, _arrays(path, archive))
        parts = [key for axes in PART_AXES.values() for key in axes]
        more = ("reasons", *parts, _ASKED)
        refuse(_wrong_keys([key for key in keys if not key.startswith(_STAT)], (*AXES, *part_axes(keys)), more))
        return _solution(path, _arrays(path, archive))


def _wrong_keys(keys: Sequence[str], needed: Sequence[str], more: Sequence[str]) -> Iterator[Finding]:
    known = tuple(dict.fromkeys((*needed, *more)))
    unknown = [key for key in keys if key not in known]
    for key in unknown:
        yield Finding((key,), f"is not a known key: {suggestion(key, known)}")
    for key in dict.fromkeys(keys):
        if keys.count(key) > 1:
            yield Finding((key,), "is there twice: keep one of them")
    meant = {nearest(key, known) for key in unknown}
    for key in needed:
        if key not in keys and key not in meant:
            yield Finding((key,), "is missing: add the array of that name")


def _arrays(path: str, archive: NpzFile) -> dict[str, Any]:
    arrays = {}
    for key in archive.files:
        try:
            arrays[key] = np.asarray(archive[key])
        except Exception as error:
            reason = "holds Python objects" if _of_pickle(error) else f"is damaged ({shortened(str(error))})"
            raise FileError(path, f"{reason}: write numbers, with numpy.savez", place=shortened(key)) from None
    return arrays


def _of_pickle(error: Exception) -> bool:
    """Whether NumPy refuses to execute what a file may hold."""
    return "allow_pickle" in str(error)


def _scenario(path: str, arrays: dict[str, Any]) -> Scenario:
    allow_unserved = arrays.pop("allow_unserved", np.True_)
    if allow_unserved.shape != () or allow_unserved.dtype.kind != "b":
        raise FileError(path, "is not a single yes/no value: write True or False", place="allow_unserved")
    try:
        parts = {
            part: kind(**{key.removeprefix(f"{part}_"): arrays.pop(key) for key in keys})
            for part, (kind, keys) in _PARTS.items()
            if keys[0] in arrays
        }
        return Scenario(**arrays, **parts, allow_unserved=bool(allow_unserved))
    except ValueError as error:
        message = str(error)
        for part in _PARTS:
            message = message.replace(f"{part}.", f"{part}_")
        raise FileError(path, message) from None


def _solution(path: str, arrays: dict[str, Any]) -> Solution:
    stats = {key.removeprefix(_STAT): arrays.pop(key)[()] for key in list(arrays) if key.startswith(_STAT)}
    reasons = np.ravel(arrays.pop("reasons", np.array([], dtype=str)))
    asked = arrays.pop(_ASKED, None)
    problem = array_problem(arrays, stats)
    if problem is None and asked is not None and (asked.dtype.kind, asked.shape) != ("b", arrays["local"].shape):
        problem = f"{_ASKED}: wants true or false for every stream, as local has them"
    if problem is None and reasons.dtype.kind != "U":
        problem = f"reasons: wants text, got {reasons.dtype}"
    if problem is not None:
        raise FileError(path, problem)
    kinds: Mapping[str, Any] = {"b": np.bool_, "i": np.int64, "f": np.float64}
    fields: dict[str, Any] = {
        name: arrays[name].astype(kinds[kind], copy=False)[()] for name, (_, kind) in AXES.items()
    }
    return Solution(
        **fields,
        stats=stats,
        reasons=tuple(map(str, reasons)),
        **parts_of(arrays),
        has_demand=asked,
    )
