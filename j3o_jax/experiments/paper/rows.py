"""Runs that ended, and the file that keeps a line for each of them."""

from pydantic import BaseModel, ConfigDict, ValidationError

from ..._machine import Machine
from ..._status import SUCCESS_NAMES
from .._json_lines import JsonLines
from .methods import Value
from .runs import Run


class Row(BaseModel):
    """One run that ended. JSON has no NaN: what there is not is None.

    - `key` to `version`: what was run; see `Run`.
    - `machine`: what it was timed on.
    - `source`: digest of the code that solved it.
    - `finished`: date and time, UTC, ISO 8601.
    - `seconds`: of the solve, wall clock, nothing compiled in it.
    - `status`: name of a `Status`; None where the run ended with an `error`.
    - `error`: what went wrong, "" if nothing did. Such a run counts nowhere, and is tried again.
    - `reason`: why there is no plan where the method found none, "" otherwise.
    - `objective`, `loss`: F and 1 − F; None where there is no plan.
    - `bound`, `gap`: proven upper bound on F, and (bound − F)/F; None where the method proves none.
    - `iterations`: as the method counts them; None where it does not.
    - `history`: F after each iteration.
    - `traffic`: parts of all queries that are answered ``local``, at the ``edge``, in the ``cloud``, or ``unserved``.
    - `decisions`: which models answer queries, and in what batches; see `placement.decisions_of`. Rows of before this
      was kept have none.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    benchmark: str
    overrides: dict[str, Value]
    method: str
    options: dict[str, Value]
    seed: int
    version: str
    machine: Machine
    source: str
    finished: str
    seconds: float | None
    status: str | None = None
    error: str = ""
    reason: str = ""
    objective: float | None = None
    loss: float | None = None
    bound: float | None = None
    gap: float | None = None
    iterations: int | None = None
    history: list[float | None] = []
    traffic: dict[str, float] = {}
    decisions: dict[str, dict[str, float]] = {}

    @property
    def run(self) -> Run:
        """The run that the row is of."""
        return Run(self.benchmark, self.overrides, self.method, self.options, self.seed, self.version)

    @property
    def has_plan(self) -> bool:
        """Whether there is a plan, and with it a figure."""
        return not self.error and self.status in SUCCESS_NAMES


class RunLog(JsonLines):
    """The runs that ended, a line for each."""

    def read(self) -> dict[str, Row]:
        """All runs, by key. Of several lines for a run a later one counts, but never an error.

        **Raises:** `FileError` where the file cannot be read at all.
        """
        rows: dict[str, Row] = {}
        for row in self.entries(_row):
            if not row.error or row.key not in rows:
                rows[row.key] = row
        return rows

    def append(self, row: Row) -> None:
        """Add a line; raises `FileError` where it cannot be written."""
        self.add_line(row.model_dump_json())


def _row(line: bytes) -> Row | None:
    """Parse a line, if it is whole and nobody has changed what was run."""
    try:
        row = Row.model_validate_json(line)
    except ValidationError:
        return None
    return row if row.run.key == row.key else None
