"""The journal: one line of JSON for every run that ended, whatever happens to the program afterwards."""

import os
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from .._machine import Machine
from .._status import SUCCESS_NAMES
from ..io import FileError
from .entries import Value
from .runs import Run


class Row(BaseModel):
    """One run that ended. JSON has no NaN: what there is not is None.

    - `key` to `version`: what was run; see `Run`.
    - `status`: name of a `Status`; None where the run ended with an `error`.
    - `objective`, `loss`: F and 1 − F; None where there is no plan.
    - `bound`, `gap`: proven upper bound on F, and (bound − F)/F; None where the method proves none.
    - `seconds`: of the solve, wall clock, nothing compiled in it.
    - `iterations`: as the method counts them; None where it does not.
    - `history`: F after each iteration.
    - `traffic`: parts of all queries that are answered ``local``, at the ``edge``, in the ``cloud``, or ``unserved``.
    - `decisions`: which models answer queries, and in what batches; see `placement.decisions_of`. Rows of before this
      was kept have none.
    - `error`: what went wrong, "" if nothing did. Such a run counts nowhere, and is tried again.
    - `reason`: why there is no plan where the method found none, "" otherwise.
    - `machine`: what it was timed on.
    - `source`: digest of the code that solved it.
    - `finished`: date and time, UTC, ISO 8601.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    benchmark: str
    overrides: dict[str, Value]
    method: str
    options: dict[str, Value]
    seed: int
    version: str
    status: str | None
    objective: float | None
    loss: float | None
    bound: float | None
    gap: float | None
    seconds: float | None
    iterations: int | None
    history: list[float | None]
    traffic: dict[str, float]
    decisions: dict[str, dict[str, float]] = {}
    error: str
    reason: str
    machine: Machine
    source: str
    finished: str

    @property
    def run(self) -> Run:
        """What was run."""
        return Run(self.benchmark, self.overrides, self.method, self.options, self.seed, self.version)

    @property
    def has_plan(self) -> bool:
        """Whether there is a plan, and with it a figure."""
        return not self.error and self.status in SUCCESS_NAMES


class Journal:
    """The lines of a file, to which processes may add at the same time.

    **Arguments:**

    - `path`: the file; it need not be there yet.
    """

    def __init__(self, path: str):
        self.path = path
        self.unreadable = 0
        """How many lines `read` could not make sense of, a torn last one included."""

    def read(self) -> dict[str, Row]:
        """All runs that ended, by key. Of several lines for a run a later one counts, but never an error.

        **Raises:** `FileError` where the file cannot be read at all.
        """
        try:
            with open(self.path, "rb") as file:
                *lines, torn = file.read().split(b"\n")
        except FileNotFoundError:
            lines, torn = [], b""
        except OSError as error:
            raise FileError(self.path, f"cannot be read ({error.strerror}): name another --out") from None
        # What the last line break does not end was cut off by the end of a process.
        self.unreadable = int(bool(torn))
        rows: dict[str, Row] = {}
        for line in lines:
            row = _row(line)
            if row is None:
                self.unreadable += bool(line.strip())
            elif not row.error or row.key not in rows:
                rows[row.key] = row
        return rows

    def append(self, row: Row) -> None:
        """Add a line, and return when it is on the disk.

        It goes out in a single write to the end of the file, so that lines of several processes stay whole.

        **Raises:** `FileError` where it cannot be written.
        """
        line = row.model_dump_json().encode() + b"\n"
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            try:
                size = os.fstat(descriptor).st_size
                if size and os.pread(descriptor, 1, size - 1) != b"\n":
                    # The line that was cut off is ended, so that this one is a line of its own. Where another process
                    # is just writing it, that makes an empty line, which does no harm.
                    line = b"\n" + line
                if os.write(descriptor, line) < len(line):
                    raise FileError(self.path, "cannot be written, the disk is full: make room and run it again")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise FileError(self.path, f"cannot be written ({error.strerror}): name another --out") from None


def _row(line: bytes) -> Row | None:
    """What a line holds, if it is whole and nobody has changed what was run."""
    try:
        row = Row.model_validate_json(line)
    except ValidationError:
        return None
    return row if row.run.key == row.key else None


def plain_number(value: Any) -> float | None:
    """A float that JSON can hold, None for one that is not finite."""
    number = float(value)
    return number if number == number and abs(number) != float("inf") else None
