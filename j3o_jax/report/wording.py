"""Wording of reports and pictures: numbers and names."""

import math
from collections.abc import Sequence

# Reports have all their words from here.
from .._wording import BY_WORD, NEGLIGIBLE, NOTHING, count, gap_percent  # noqa: F401

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float) -> str:
    """Four significant digits, thousands marked; "no limit" for infinity and "–" for NaN."""
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "no limit" if value > 0 else "−∞"
    short = f"{value:.4g}"
    return f"{value:,.0f}" if abs(float(short)) >= 1000 else short


def plain_number(value: float) -> str:
    """At most six significant digits, minus as it is set; what is very small as `power_of_ten`."""
    return power_of_ten(value) if value and abs(value) < 1e-4 else f"{value:.6g}".replace("-", "−")


def power_of_ten(value: float) -> str:
    """``10⁻⁵`` or ``2.5·10⁻⁵``, to three digits."""
    digits, _, power = f"{value:.2e}".partition("e")
    factor = {"1": "", "-1": "−"}.get(f"{float(digits):g}", f"{float(digits):g}·".replace("-", "−"))
    return f"{factor}10{str(int(power)).translate(_RAISED)}"


def percent(share: float) -> str:
    """Percentage with one decimal; what is there does not show as nothing."""
    if math.isnan(share):
        return NOTHING
    if math.isinf(share):
        return "∞"
    return "<0.1 %" if NEGLIGIBLE < share < 0.0005 else f"{100 * share:.1f} %"


def bare_percent(share: float) -> str:
    """`percent` without its sign, for columns that have it in their title."""
    return percent(share).removesuffix(" %")


def accuracy(value: float) -> str:
    """Four decimals; "–" where nothing was served."""
    return NOTHING if math.isnan(value) else f"{value:.4f}"


def gain_in_points(price: float) -> str:
    """Say what one unit more of a limit brings, in points of accuracy; nothing where that is nothing or not known."""
    return f"{number(float(f'{100.0 * price:.3g}'))} pt" if price > 0.0 else ""


def duration(seconds: float) -> str:
    """Milliseconds below a second, seconds from there."""
    if math.isnan(seconds):
        return NOTHING
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:,.1f} s"


def compilation(seconds: float) -> str:
    """Say what compiling took before the work began, "" if it took nothing."""
    return f"; compiled before that in {duration(seconds)}" if seconds > 0.0 else ""


def few(names: Sequence[str], limit: int = 3) -> str:
    """Name the first of a list and say how many more there are."""
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit:,} more"


def printable(text: str) -> str:
    """`text` on one line, without the control characters by which a name could take over a terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def one_line(text: str) -> str:
    """`text` on one line, so that a solver's message cannot break a document."""
    return " ".join(text.split())


def rounded_number(value: float, digits: int) -> str:
    """Write a number with so many significant digits."""
    return plain_number(float(f"{value:.{digits}g}"))


def fixed(value: float | None, digits: int = 4) -> str:
    """So many decimals; "–" where there is no figure."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:z.{digits}f}".replace("-", "−")


def decimals_of(half_width: float | None) -> int:
    """Return how many decimals a mean deserves: up to the second digit of its half width."""
    if half_width is None or not half_width > 0.0:
        return 4
    return min(9, max(2, 1 - math.floor(math.log10(half_width))))


def with_spread(mean: float | None, half_width: float | None, *, signed: bool = False) -> str:
    """``0.9612 ± 0.0062``; without a half width the mean alone."""
    digits = decimals_of(half_width)
    plus = "+" if signed and mean is not None and math.copysign(1.0, mean) > 0.0 else ""
    spread = "" if half_width is None else f" ± {half_width:.{digits}f}"
    written = fixed(mean, digits)
    return written if written == NOTHING else f"{plus}{written}{spread}"


def gap_words(gap: float | None, least: float = 1.01e-9) -> str:
    """Write a relative gap in percent, two digits; up to `least` it is 0, as quantiles of logarithms begin there."""
    if gap is None or math.isnan(gap):
        return NOTHING
    return "∞" if math.isinf(gap) else "0 %" if gap <= least else f"{rounded_number(100 * gap, 2)} %"


def part_of(part: int, whole: int) -> str:
    """Write a part in percent; neither what is there nor what is missing is rounded away."""
    if not whole:
        return NOTHING
    share = 100 * part / whole
    return f"{share:.3g} %" if share in (0, 100) else f"{min(max(share, 0.1), 99.9):.1f} %"


def long_duration(seconds: float) -> str:
    """Seconds, minutes, hours or days."""
    units = (("days", 86400.0), ("h", 3600.0), ("min", 60.0))
    long = (f"{seconds / size:.1f} {unit}" for unit, size in units if seconds >= 2 * size)
    return next(long, duration(seconds))


def moment(iso: str) -> str:
    """Write a time as people do: ``2026-11-27 01:00 UTC``."""
    text = iso.replace("T", " ")
    return f"{text[:16]} UTC" if text.endswith(("+00:00", "Z")) and len(text) > 16 else text


def listed(words: Sequence[str]) -> str:
    """Join words as in ``a, b and c``."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
