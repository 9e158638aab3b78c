"""What options say of the tables that commands read."""

from collections.abc import Sequence

from ._failures import InputError, unknown

TIME_UNITS = ("s", "ms", "us", "ns")


def check_time_unit(unit: str | None) -> None:
    """Refuse a --time-unit that is none."""
    if unit is not None and unit not in TIME_UNITS:
        raise unknown("unit", unit, TIME_UNITS, "--time-unit")


def named_columns(option: str | None, known: Sequence[str]) -> dict[str, str] | None:
    """The value of --columns, by the names `known`."""
    if option is None:
        return None
    from ..io.tables import columns_of

    try:
        return columns_of(option, known)
    except ValueError as error:
        raise InputError(f"--columns: {error}") from None
