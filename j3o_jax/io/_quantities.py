"""Numbers and names as files hold them: each with its unit, its range, and the slips that people make."""

import dataclasses
import math
import re
import sys
import unicodedata
from typing import Annotated, NoReturn

from pydantic import Field, PlainValidator
from pydantic_core import PydanticCustomError

from .words import described, shown

UNLIMITED = "unlimited"
_LONGEST_NAME = 100
_WITH_COMMA = re.compile(r"([-+]?\d+),(\d+)")
_GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?")
# Control characters, surrogates, line and paragraph separators.
_UNFIT = {"Cc", "Cs", "Zl", "Zp"}


def fail(message: str) -> NoReturn:
    """Refuse the value at hand; `message` follows its place, ``= -3 is negative: write …``."""
    raise PydanticCustomError("refused", "{message}", {"message": message})


def number(value: object, wants: str, hint: str) -> float:
    """`value` as a float if it is a number, NaN excluded; `hint` says how to write what is meant."""
    if isinstance(value, str):
        _refuse_comma(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        fail(f"{described(value)}: {hint}")
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        fail(f"is too large a number: write {wants}")
    if math.isnan(value):
        fail(f"= {shown(value)} is not a number: write {wants}")
    return float(value)


def _refuse_comma(text: str) -> None:
    """Say how a number with a comma is written, where `text` is one."""
    decimal, grouped = _WITH_COMMA.fullmatch(text), _GROUPED.fullmatch(text)
    with_point = ".".join(decimal.groups()) if decimal else ""
    if grouped:
        other = f", or {with_point} if the comma is a decimal one" if decimal else ""
        fail(f"= {shown(text)} has a comma: write {text.replace(',', '')}{other}")
    if decimal:
        fail(f"= {shown(text)} has a decimal comma: write {with_point}")


@dataclasses.dataclass(frozen=True)
class Quantity:
    """Reads one kind of number.

    **Arguments:**

    - `wants`: range and unit.
    - `unit`: the unit alone.
    - `largest`: what no machine has; more than that is taken for a slip of the unit.
    - `scale`, `scale_unit`: a larger unit, to say how much that is.
    - `slip`: the unit that was probably meant.
    - `unlimited`: whether "no limit" is possible.
    - `positive`: whether zero is refused too.
    """

    wants: str
    unit: str
    largest: float
    scale: float
    scale_unit: str
    slip: str
    unlimited: bool = False
    positive: bool = False

    def __call__(self, value: object) -> float:
        """`value` as a float."""
        if self.unlimited and value == UNLIMITED:
            return math.inf
        found = number(value, self.wants, f"write the number alone, in {self.unit}")
        if found < 0:
            fail(f"= {shown(value)} is negative: write {self.wants}")
        if found == 0 and self.positive:
            fail(f"= {shown(value)} is not positive: write {self.wants}")
        if math.isinf(found) and not self.unlimited:
            fail(f"= {shown(value)} is infinite: write {self.wants}")
        if self.largest < found < math.inf:
            scaled = f"{found / self.scale:.4g} {self.scale_unit}"
            fail(f"= {found:g} {self.unit} is {scaled}: {self.slip}? write {self.unit}")
        return found


def _share(value: object) -> float:
    wants = "a share from 0 to 1"
    found = number(value, wants, f"write the number alone, {wants}")
    if found < 0:
        fail(f"= {shown(value)} is negative: write {wants}")
    if found > 1:
        fail(f"= {shown(value)} is above 1: is it in percent? write {wants}")
    return found


def _name(value: object) -> str:
    if not isinstance(value, str):
        fail(f"{described(value)}: write a name" + (", in quotes" if isinstance(value, int | float) else ""))
    if not value.strip():
        fail(f"= {shown(value)} is blank: write a name")
    if len(value) > _LONGEST_NAME:
        fail(f"= {shown(value)} is long: write a name of at most {_LONGEST_NAME} characters")
    # A line break or half a surrogate pair would tear tables and messages apart.
    if any(unicodedata.category(character) in _UNFIT for character in value):
        fail(f"= {shown(value)} holds a line break or control character: write a name on one line")
    return value


Name = Annotated[str, PlainValidator(_name), Field(description="a name")]
Share = Annotated[float, PlainValidator(_share)]

_SIZE = Quantity(
    wants="a finite size >= 0, in MB",
    unit="MB",
    largest=1e7,
    scale=1e6,
    scale_unit="TB",
    slip="is it in bytes",
)
_COST = Quantity(
    wants="a finite cost >= 0, in GFLOP/query",
    unit="GFLOP/query",
    largest=1e7,
    scale=1e6,
    scale_unit="PFLOP/query",
    slip="is it in FLOP/query",
)
SPEED = Quantity(
    wants="a capacity >= 0 or unlimited, in GFLOP/s",
    unit="GFLOP/s",
    largest=1e9,
    scale=1e9,
    scale_unit="EFLOP/s",
    slip="is it in FLOP/s",
    unlimited=True,
)
_RATE = Quantity(
    wants="a rate >= 0, in queries/s",
    unit="queries/s",
    largest=1e9,
    scale=1e9,
    scale_unit="billion queries/s",
    slip="is it per day",
)
_TIME = Quantity(
    wants="a finite time >= 0, in seconds",
    unit="seconds",
    largest=3600.0,
    scale=3600.0,
    scale_unit="hours",
    slip="is it in milliseconds",
)
_LATENCY = dataclasses.replace(
    _TIME, wants="a finite time >= 0, in seconds per query", largest=60.0, scale=60.0, scale_unit="minutes"
)
_MILLISECONDS = dataclasses.replace(
    _LATENCY,
    wants="a finite time >= 0, in milliseconds per query",
    unit="milliseconds",
    largest=6e4,
    scale=6e4,
    slip="is it in microseconds",
)
PARALLEL = Quantity(
    wants="how many accelerators or cores work side by side, above 0",
    unit="accelerators",
    largest=1e6,
    scale=1e6,
    scale_unit="million",
    slip="is it a speed",
    positive=True,
)
MEMORY = dataclasses.replace(_SIZE, wants="a capacity >= 0 or unlimited, in MB", unlimited=True)
UPLINK = dataclasses.replace(
    MEMORY,
    wants="a capacity >= 0 or unlimited, in MB/s",
    unit="MB/s",
    scale_unit="TB/s",
    slip="is it in bytes/s",
)
_INPUT = dataclasses.replace(
    _SIZE, wants="a finite size >= 0, in MB/query", unit="MB", largest=1e5, scale=1e3, scale_unit="GB"
)
_WINDOW = dataclasses.replace(_TIME, wants="a finite time > 0, in seconds", positive=True)

MONEY = Quantity(
    wants="a finite price >= 0",
    unit="any unit of money",
    largest=1e15,
    scale=1e15,
    scale_unit="thousand trillion",
    slip="is it too large",
)

ModelSize = Annotated[float, PlainValidator(_SIZE), Field(description=_SIZE.wants)]
InputSize = Annotated[float, PlainValidator(_INPUT), Field(description=_INPUT.wants)]
ModelCost = Annotated[float, PlainValidator(_COST), Field(description=_COST.wants)]
Memory = Annotated[float, PlainValidator(MEMORY), Field(description=MEMORY.wants)]
Compute = Annotated[float, PlainValidator(SPEED), Field(description=SPEED.wants)]
Uplink = Annotated[float, PlainValidator(UPLINK), Field(description=UPLINK.wants)]
Latency = Annotated[float, PlainValidator(_LATENCY)]
Milliseconds = Annotated[float, PlainValidator(_MILLISECONDS)]
Parallel = Annotated[float, PlainValidator(PARALLEL), Field(description=PARALLEL.wants)]
Money = Annotated[float, PlainValidator(MONEY), Field(description=MONEY.wants)]
Rate = Annotated[float, PlainValidator(_RATE)]
Setup = Annotated[float, PlainValidator(_TIME)]
Window = Annotated[float, PlainValidator(_WINDOW)]

MODEL_SIZE_WANTS, MODEL_COST_WANTS, COMPUTE_WANTS = _SIZE.wants, _COST.wants, SPEED.wants
