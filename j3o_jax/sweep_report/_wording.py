"""How a report writes figures with their uncertainty."""

import math
from collections.abc import Sequence

from ..plots.scales import plain_number
from ..report.wording import count, duration
from ._distributions import SMALLEST_GAP

NONE = "–"


def known(value: float | int | None) -> bool:
    """Whether there is a figure."""
    return value is not None and math.isfinite(value)


def decimals_of(half_width: float | None) -> int:
    """How many decimals a mean deserves: up to the second digit of its half width."""
    if half_width is None or not half_width > 0.0:
        return 4
    return min(9, max(2, 1 - math.floor(math.log10(half_width))))


def with_spread(mean: float | None, half_width: float | None, *, signed: bool = False) -> str:
    """``0.9612 ± 0.0062``; without a half width the mean alone."""
    if mean is None or not math.isfinite(mean):
        return NONE
    digits = decimals_of(half_width)
    figure = f"{mean:+.{digits}f}" if signed else f"{mean:.{digits}f}"
    spread = "" if half_width is None else f" ± {half_width:.{digits}f}"
    return f"{figure}{spread}".replace("-", "−")


def fixed(value: float | None, digits: int = 4) -> str:
    """So many decimals."""
    return NONE if value is None or not math.isfinite(value) else f"{value:.{digits}f}".replace("-", "−")


def gap(value: float | None) -> str:
    """A relative gap in percent, with two digits."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞"
    # Quantiles are taken of logarithms, which begin at the smallest gap.
    if value <= 1.01 * SMALLEST_GAP:
        return "0 %"
    return f"{plain_number(float(f'{100 * value:.2g}'))} %"


def share(part: int, whole: int) -> str:
    """A part in percent; neither what is there nor what is missing is rounded away."""
    if not whole:
        return NONE
    percent = 100 * part / whole
    if 0 < part < whole:
        percent = min(max(percent, 0.1), 99.9)
    return f"{percent:.3g} %" if percent in (0, 100) else f"{percent:.1f} %"


def rate(rows: int, seconds: float) -> str:
    """Scenarios per second, three digits."""
    return NONE if seconds <= 0.0 else f"{plain_number(float(f'{rows / seconds:.3g}'))}"


def long_duration(seconds: float) -> str:
    """Seconds, minutes, hours or days."""
    if seconds < 120:
        return duration(seconds)
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return duration(seconds)


def moment(iso: str) -> str:
    """A time as people write it: ``2026-11-27 01:00 UTC``."""
    text = iso.replace("T", " ")
    return f"{text[:16]} UTC" if text.endswith(("+00:00", "Z")) and len(text) > 16 else text


def listed(words: Sequence[str]) -> str:
    """``a, b and c``."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


__all__ = [
    "NONE",
    "count",
    "decimals_of",
    "fixed",
    "gap",
    "known",
    "listed",
    "long_duration",
    "moment",
    "rate",
    "share",
    "with_spread",
]
