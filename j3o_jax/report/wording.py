"""How reports and pictures write numbers and names."""

import math
from collections.abc import Sequence

# Where no certificate comes with a bound.
BY_WORD = "by the solver's word"

# A smaller share is what the solver's rounding leaves behind.
NEGLIGIBLE = 1e-6


def number(value: float) -> str:
    """Four significant digits, thousands marked; "no limit" for infinity and "–" for NaN."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "no limit" if value > 0 else "−∞"
    short = f"{value:.4g}"
    return f"{value:,.0f}" if abs(float(short)) >= 1000 else short


def percent(share: float) -> str:
    """Percentage with one decimal; what is there does not show as nothing."""
    if math.isnan(share):
        return "–"
    if math.isinf(share):
        return "∞"
    return "<0.1 %" if NEGLIGIBLE < share < 0.0005 else f"{100 * share:.1f} %"


def bare_percent(share: float) -> str:
    """`percent` without its sign, for columns that have it in their title."""
    return percent(share).removesuffix(" %")


def gap_percent(gap: float) -> str:
    """A distance from the optimum in per cent, two significant digits, as `print(solution)` has it; "–" for NaN."""
    return "–" if math.isnan(gap) else f"{100.0 * gap:.2g} %"


def accuracy(value: float) -> str:
    """Four decimals; "–" where nothing was served."""
    return "–" if math.isnan(value) else f"{value:.4f}"


def duration(seconds: float) -> str:
    """Milliseconds below a second, seconds from there."""
    if math.isnan(seconds):
        return "–"
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:,.1f} s"


def compilation(seconds: float) -> str:
    """What compiling took before the work began, "" if it took nothing."""
    return f"; compiled before that in {duration(seconds)}" if seconds > 0.0 else ""


def count(size: int, word: str) -> str:
    """``1 client``, ``3,000 clients``; a word in -y takes -ies."""
    plural = word[:-1] + "ies" if word.endswith("y") else word + "s"
    return f"{size:,} {word if size == 1 else plural}"


def few(names: Sequence[str], limit: int = 3) -> str:
    """Name the first of a list and say how many more there are."""
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit:,} more"


def printable(text: str) -> str:
    """`text` on one line, without the control characters by which a name could take over a terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
